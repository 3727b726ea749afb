//! Where a message may go: never to this machine, its network or the cloud's own addresses, unless whoever
//! runs the installation allows a network.
//!
//! A name is resolved here, every address of it is looked at, and the connection goes to the addresses that
//! were looked at: what the name says a moment later does not matter. Redirects are not followed, and no
//! proxy of the environment is asked. Of this machine's own disk one folder is open, if one is named.

mod network;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kernel::Failure;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};

pub use network::Network;
use network::is_public;

/// How long one try may take, name and connection included.
pub(crate) const TRY_MAX: Duration = Duration::from_secs(10);
/// Below this only the port of HTTPS is one of the web.
const PORT_MIN: u16 = 1024;

/// Which addresses may be reached, and where files may be put. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Arc<[Network]>,
    exports: Option<Arc<Path>>,
}

impl Guard {
    /// Public addresses, and these networks.
    pub fn new(allowed: impl IntoIterator<Item = Network>) -> Self {
        Self { allowed: allowed.into_iter().collect(), exports: None }
    }

    /// And files below this folder of the machine.
    #[must_use]
    pub fn with_exports(mut self, folder: Option<PathBuf>) -> Self {
        self.exports = folder.map(Arc::from);
        self
    }

    /// The folder below which files may be put.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if none was named.
    pub fn exports(&self) -> kernel::Result<&Path> {
        let message = "whoever runs the installation has named no folder for files (`--export-dir`)";
        self.exports.as_deref().ok_or_else(|| Failure::invalid("target.kind", message))
    }

    /// Whether an address may be reached.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.is_trusted(address) || is_public(address)
    }

    /// Whether an address is in a network that was allowed by name.
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    /// Reads an address of the web. `http` is for networks that are allowed by name only.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for `field` that says what is wrong; names are resolved later.
    pub fn url(&self, field: &str, text: &str) -> kernel::Result<Url> {
        let wrong = |message: &str| Failure::invalid(field, message.to_owned());
        let url = Url::parse(text).map_err(|_| wrong("an address such as https://hooks.example.com/cdp"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("no user or password in the address; keep them as a secret"));
        }
        match url.scheme() {
            "https" => {}
            "http" if !self.allowed.is_empty() => {}
            "http" => return Err(wrong("https only; http is for networks that the installation allows")),
            _ => return Err(wrong("https only")),
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if self.allowed.is_empty() && port != 443 && port < PORT_MIN {
            return Err(wrong("a port that is 443 or above 1023"));
        }
        match url.host() {
            Some(Host::Domain(_)) => Ok(url),
            Some(Host::Ipv4(address)) if self.allows(address.into()) => Ok(url),
            Some(Host::Ipv6(address)) if self.allows(address.into()) => Ok(url),
            Some(_) => Err(wrong("not an address of this machine or its network")),
            None => Err(wrong("names no host")),
        }
    }

    /// Reads the name or address of a host.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for `field` that says what is wrong; names are resolved later.
    pub fn host(&self, field: &str, text: &str) -> kernel::Result<String> {
        let wrong = |message: &str| Failure::invalid(field, message.to_owned());
        match text.parse::<IpAddr>() {
            Ok(address) if self.allows(address) => return Ok(text.to_owned()),
            Ok(_) => return Err(wrong("not an address of this machine or its network")),
            Err(_) => {}
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if (1..=253).contains(&text.len()) && text.chars().all(is_plain) {
            return Ok(text.to_owned());
        }
        Err(wrong("the name or address of a host"))
    }

    /// The addresses of a host, all of which may be reached.
    ///
    /// # Errors
    /// The name has no address, or one that may not be reached.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Denied> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found = tokio::net::lookup_host((bare, port)).await.map_err(|_| Denied::Unknown)?;
        let found: Vec<SocketAddr> = found.collect();
        match found.iter().all(|address| self.allows(address.ip())) {
            _ if found.is_empty() => Err(Denied::Unknown),
            true => Ok(found),
            false => Err(Denied::Private),
        }
    }

    /// Connects to the first of a host's addresses that answers.
    ///
    /// # Errors
    /// As [`Guard::resolve`], or nobody answers in time.
    pub async fn connect(&self, host: &str, port: u16) -> Result<tokio::net::TcpStream, Denied> {
        let addresses = self.resolve(host, port).await?;
        let connect = tokio::net::TcpStream::connect(&addresses[..]);
        match tokio::time::timeout(TRY_MAX, connect).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) | Err(_) => Err(Denied::Silent),
        }
    }

    /// A client that reaches nothing else.
    ///
    /// # Errors
    /// The machine lacks what a client needs.
    pub fn client(&self) -> kernel::Result<reqwest::Client> {
        self.client_within(TRY_MAX)
    }

    /// The same, where one request may take so long.
    ///
    /// # Errors
    /// The machine lacks what a client needs.
    pub(crate) fn client_within(&self, time: Duration) -> kernel::Result<reqwest::Client> {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(time)
            .dns_resolver(Arc::new(Resolver(self.clone())))
            .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Failure::internal)
    }

    /// Whether a request may be sent: what a resolver never sees, because there is no name to resolve; and
    /// `http` only where every address is trusted.
    pub(crate) async fn admits(&self, url: &Url) -> Result<(), Denied> {
        let host = url.host_str().ok_or(Denied::Unknown)?;
        let port = url.port_or_known_default().ok_or(Denied::Unknown)?;
        if url.scheme() != "https" {
            let found = self.resolve(host, port).await?;
            return match found.iter().all(|address| self.is_trusted(address.ip())) {
                true => Ok(()),
                false => Err(Denied::Private),
            };
        }
        match url.host() {
            Some(Host::Domain(_)) | None => Ok(()),
            Some(Host::Ipv4(address)) if self.allows(address.into()) => Ok(()),
            Some(Host::Ipv6(address)) if self.allows(address.into()) => Ok(()),
            Some(_) => Err(Denied::Private),
        }
    }
}

/// Why a host is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It has no address.
    #[error("the name has no address")]
    Unknown,
    /// It has one that may not be reached.
    #[error("the name leads to an address that is not allowed")]
    Private,
    /// Nobody answers there.
    #[error("nobody answers")]
    Silent,
}

struct Resolver(Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let found = guard.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;

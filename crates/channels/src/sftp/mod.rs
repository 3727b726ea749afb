//! Files on a host over SFTP, whose key is known beforehand: a host with another key is not spoken to.
//!
//! A file is written beside its place and renamed, so that whoever looks sees a whole one.

use std::path::Path;
use std::sync::Arc;

use kernel::Failure;
use russh::Disconnect;
use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, decode_secret_key};
use russh_sftp::client::SftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{OpenFlags, StatusCode};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::{Duration, Instant, timeout};

use crate::guard::{Denied, TRY_MAX};
use crate::{Attempt, FileName, Guard, Place};

/// How long a file may take altogether.
const FILE_MAX: Duration = Duration::from_secs(30 * 60);
/// How long nothing may happen on a connection.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A host, and who we are there.
#[derive(Clone, Debug)]
pub struct At {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who we are there.
    pub user: String,
    /// The key it must have, as `ssh-keyscan` prints it: `ssh-ed25519 AAAA…`.
    pub host_key: String,
}

/// A folder of a host.
pub struct Sftp {
    guard: Guard,
    at: At,
    host_key: PublicKey,
    login: Login,
}

/// What proves who we are.
enum Login {
    Password(String),
    Key(Arc<PrivateKey>),
}

/// Why a file is not there.
enum Trouble {
    Denied(Denied),
    /// The host has another key than it must have.
    Stranger,
    /// It does not let us in.
    Login,
    Late,
    Broken,
    Sftp(SftpError),
}

impl From<SftpError> for Trouble {
    fn from(error: SftpError) -> Self {
        Self::Sftp(error)
    }
}

impl From<russh::Error> for Trouble {
    fn from(error: russh::Error) -> Self {
        match error {
            russh::Error::UnknownKey => Self::Stranger,
            _ => Self::Broken,
        }
    }
}

impl Sftp {
    /// A host. `secret` is a private key of OpenSSH without a passphrase, or else a password.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a host that may not be reached, and for a key that is none.
    pub fn new(guard: Guard, at: At, secret: &str) -> kernel::Result<Self> {
        guard.host("target.host", &at.host)?;
        let form = "the host's public key, as `ssh-keyscan` prints it: `ssh-ed25519 AAAA…`";
        let host_key =
            PublicKey::from_openssh(&at.host_key).map_err(|_| Failure::invalid("target.host_key", form))?;
        let login = if secret.trim_start().starts_with("-----BEGIN") {
            let key = decode_secret_key(secret, None).map_err(|_| {
                Failure::invalid("target.secret", "this private key cannot be read, or has a passphrase")
            })?;
            Login::Key(Arc::new(key))
        } else {
            Login::Password(secret.to_owned())
        };
        Ok(Self { guard, at, host_key, login })
    }

    async fn upload(&self, name: &FileName, file: &Path) -> Result<(), Trouble> {
        let handle = timeout(TRY_MAX * 2, self.enter()).await.map_err(|_| Trouble::Late)??;
        let done = timeout(FILE_MAX, write(&handle, name, file)).await.map_err(|_| Trouble::Late).flatten();
        let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
        done
    }

    async fn enter(&self) -> Result<Handle<Known>, Trouble> {
        let At { host, port, user, .. } = &self.at;
        let stream = self.guard.connect(host, *port).await.map_err(Trouble::Denied)?;
        let config = client::Config { inactivity_timeout: Some(SILENCE_MAX), ..client::Config::default() };
        let known = Known(self.host_key.clone());
        let mut handle = client::connect_stream(Arc::new(config), stream, known).await?;
        let answer = match &self.login {
            Login::Password(password) => handle.authenticate_password(user, password).await?,
            Login::Key(key) => {
                let hash = handle.best_supported_rsa_hash().await?.flatten();
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                handle.authenticate_publickey(user, key).await?
            }
        };
        if answer.success() { Ok(handle) } else { Err(Trouble::Login) }
    }
}

async fn write(handle: &Handle<Known>, name: &FileName, file: &Path) -> Result<(), Trouble> {
    let channel = handle.channel_open_session().await?;
    channel.request_subsystem(true, "sftp").await?;
    let sftp = SftpSession::new(channel.into_stream()).await?;
    let mut parts: Vec<&str> = name.parts().collect();
    let own = parts.pop().unwrap_or_default();
    let mut folder = String::new();
    for part in parts {
        folder.push_str(part);
        // It says "failure" if it is there already; if it is not, what follows fails.
        let _ = sftp.create_dir(folder.as_str()).await;
        folder.push('/');
    }
    let (beside, place) = (format!("{folder}.{own}.part"), format!("{folder}{own}"));
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
    let mut target = sftp.open_with_flags(beside.as_str(), flags).await?;
    let mut source = File::open(file).await.map_err(|_| Trouble::Broken)?;
    tokio::io::copy(&mut source, &mut target).await.map_err(|_| Trouble::Broken)?;
    target.flush().await.map_err(|_| Trouble::Broken)?;
    target.shutdown().await.map_err(|_| Trouble::Broken)?;
    // The protocol renames to nothing that is there. A crash in between leaves the new file beside.
    match sftp.remove_file(place.as_str()).await {
        Err(SftpError::Status(status)) if status.status_code == StatusCode::NoSuchFile => {}
        removed => removed?,
    }
    Ok(sftp.rename(beside.as_str(), place.as_str()).await?)
}

#[async_trait::async_trait]
impl Place for Sftp {
    async fn put(&self, name: &FileName, file: &Path) -> Attempt {
        let began = Instant::now();
        let mut attempt = match self.upload(name, file).await {
            Ok(()) => Attempt::DELIVERED,
            Err(trouble) => told(&trouble),
        };
        attempt.latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        attempt
    }
}

fn told(trouble: &Trouble) -> Attempt {
    Attempt::later(match trouble {
        Trouble::Denied(Denied::Private) => return Attempt::refused(Denied::Private.to_string()),
        Trouble::Denied(denied) => return Attempt::later(denied.to_string()),
        Trouble::Stranger => "the host has another key than it must have; nothing was sent",
        Trouble::Login => "the host does not let us in",
        Trouble::Late => "no answer in time",
        Trouble::Broken => "the connection broke off",
        Trouble::Sftp(SftpError::Status(status)) => match status.status_code {
            StatusCode::PermissionDenied => "the folder may not be written",
            StatusCode::NoSuchFile => "there is no such folder",
            _ => "the host did not take the file",
        },
        Trouble::Sftp(_) => "the connection broke off",
    })
}

/// Speaks to the host that has this key, and to no other.
struct Known(PublicKey);

impl client::Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(&mut self, seen: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(
            matches!(seen, PublicKeyOrCertificate::PublicKey { key, .. } if key.key_data() == self.0.key_data()),
        )
    }
}

#[cfg(test)]
mod tests;

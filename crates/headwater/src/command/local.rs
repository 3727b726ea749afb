//! A server inside a command, over a folder no other process is serving: it listens on a free
//! loopback port, prints nothing, and ends with the command.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use intake::ports::{Source, Sources};
use intake::routes::collect::Collector;
use kernel::scope::Permissions;
use kernel::time::DAY;
use kernel::{Failure, Scope};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use workspace::store::token::{NewToken, token_create, token_revoke};
use workspace::{Workspace, credential};

use super::setting::Setting;
use crate::http::{Faces, Server};
use crate::land::{Joints, port};
use crate::runtime::{Options, Runtime};

/// A server inside this process.
pub struct Local {
    address: SocketAddr,
    runtime: Runtime,
    workspace: Arc<Workspace>,
    tokens: Vec<String>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    own_key: String,
}

/// The sources of the installation, and one of them under a key that only this process knows: stored
/// are hashes, so the owner of a folder could not send otherwise.
struct WithOwnKey {
    joints: Joints,
    key: String,
    source: Option<Arc<Source>>,
}

impl Sources for WithOwnKey {
    fn by_write_key(&self, key: &str) -> Option<Arc<Source>> {
        if key == self.key { self.source.clone() } else { self.joints.by_write_key(key) }
    }

    fn by_project(&self, project: &str) -> Option<Arc<Source>> {
        self.joints.by_project(project)
    }
}

impl Local {
    /// Serves a folder for one workspace of it (the only one if none is named).
    ///
    /// # Errors
    /// There is no such workspace, or another process has the folder.
    pub async fn start(setting: &Setting, workspace: Option<&str>) -> anyhow::Result<Self> {
        Self::start_for(setting, workspace, None).await
    }

    /// Like [`start`](Self::start), and takes events for a source (the only one if none is named)
    /// under [`own_key`](Self::own_key).
    ///
    /// # Errors
    /// There is no such workspace or source, or another process has the folder.
    pub async fn start_sending(
        setting: &Setting,
        workspace: Option<&str>,
        source: Option<&str>,
    ) -> anyhow::Result<Self> {
        Self::start_for(setting, workspace, Some(source)).await
    }

    async fn start_for(
        setting: &Setting,
        workspace: Option<&str>,
        source: Option<Option<&str>>,
    ) -> anyhow::Result<Self> {
        let (opened, options) = (setting.clone(), options(setting)?);
        let handle = tokio::runtime::Handle::current();
        let runtime = tokio::task::spawn_blocking(move || {
            let runtime = Runtime::new(opened.open()?, options, handle);
            runtime.open_all()?;
            anyhow::Ok(runtime)
        })
        .await??;
        let workspace = only(runtime.installation().workspaces(), |w| &w.name, workspace, "workspace")?;
        let scope = Scope::system(workspace.no, "cli");
        let source = match source {
            Some(id) => Some(only(runtime.installation().sources(&scope), |s| &s.id, id, "source")?),
            None => None,
        };
        let own_key = credential::write_key(&runtime.installation().ids().secret());
        let mut server = Server::new(runtime.clone());
        server.collector = collector(&runtime, &own_key, source);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = server.router(Faces { collects: true, serves: true });
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let router = router.into_make_service_with_connect_info::<SocketAddr>();
            let ended = axum::serve(listener, router).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            let _ = ended.await;
        });
        Ok(Self { address, runtime, workspace, tokens: Vec::new(), stop, serving, own_key })
    }

    /// Where it listens, as a URL.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The write key that only this process knows.
    pub fn own_key(&self) -> &str {
        &self.own_key
    }

    /// A token for everything in the workspace, which ends with the server. Should the process be
    /// killed, it ends within a day; its text is nowhere but here.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn lend_token(&mut self) -> kernel::Result<String> {
        let installation = self.runtime.installation();
        let (ids, now) = (installation.ids(), installation.now());
        let token = credential::token(&ids.fresh(), &ids.secret());
        let new = NewToken {
            workspace: self.workspace.no,
            name: "command line",
            permissions: Permissions::all(),
            expires: Some(now.plus(DAY)),
        };
        installation.store().installation()?.write(|tx| token_create(tx, &token, &new, now))?;
        self.tokens.push(token.id);
        Ok(token.text)
    }

    /// Answers what is being asked, makes durable what was accepted, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
        let scope = Scope::system(self.workspace.no, "cli");
        let installation = self.runtime.installation();
        let revoked = self.tokens.iter().try_for_each(|id| {
            let at = installation.now();
            installation.store().installation()?.write(|tx| token_revoke(&scope, tx, id, at))
        });
        if let Err(error) = revoked {
            tracing::warn!(%error, "a token of this command stays until it expires");
        }
        self.runtime.stop().await;
    }
}

fn options(setting: &Setting) -> anyhow::Result<Options> {
    Ok(Options {
        log: setting.log_location(),
        collects: true,
        processes: true,
        partitions: Vec::new(),
        worker: pipeline::Options::default(),
        reserve_bytes: None,
        // It is told when the installation is served again.
        lake: Some(setting.lakes()?),
        sandbox: None,
        // Nothing is sent from here.
        guard: channels::Guard::default()
            .with_exports(std::env::var_os("HEADWATER_EXPORT_DIR").map(Into::into)),
        cluster: None,
        sabotage: crate::runtime::Sabotage::default(),
    })
}

fn collector(runtime: &Runtime, key: &str, source: Option<Arc<workspace::Source>>) -> Collector {
    let joints = Joints { runtime: runtime.clone() };
    let source = source.map(|source| port(&source));
    let sources = WithOwnKey { joints: joints.clone(), key: key.to_owned(), source };
    let (clock, ids) = (runtime.installation().clock(), runtime.installation().ids());
    Collector::new(Arc::new(sources), Arc::new(joints), Arc::clone(clock), Arc::clone(ids))
}

/// The one that is named, or else the only one.
fn only<T>(
    all: Vec<Arc<T>>,
    name: impl Fn(&T) -> &str,
    wanted: Option<&str>,
    what: &str,
) -> kernel::Result<Arc<T>> {
    let names: Vec<String> = all.iter().map(|item| name(item).to_owned()).collect();
    let mut fitting = all.into_iter().filter(|item| wanted.is_none_or(|wanted| wanted == name(item)));
    match (fitting.next(), fitting.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => {
            Err(Failure::invalid(format!("--{what}"), format!("name one of {}", names.join(", "))))
        }
        (None, _) => {
            let wanted = wanted.unwrap_or_default();
            Err(Failure::not_found(format!("{what} `{wanted}` (there is {})", names.join(", "))))
        }
    }
}

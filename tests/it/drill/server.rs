//! The real program as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use headwater_tests::program;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::client::Client;

/// Longer than a start may take, recovery included.
const START: Duration = Duration::from_secs(20);
pub(super) const WORKSPACE: &str = "drill";
pub(super) const WRITE_KEY: &str = "WRITE_KEY_DRILL";

/// An installation in a folder, and how it is served.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) data: PathBuf,
    /// The PostgreSQL database, if the state is in one.
    pub(super) store: Option<String>,
    pub(super) token: String,
    /// Arguments of every command that say where the store is.
    pub(super) place: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// Where the program writes what goes wrong: never on the disk that is being drilled.
    complaints: Arc<NamedTempFile>,
}

impl Site {
    /// Creates an installation in files.
    pub(super) fn create(data: &Path, partitions: u32) -> Self {
        Self::create_on(data, partitions, None)
    }

    /// Creates an installation, its state in a PostgreSQL database if there is one.
    pub(super) fn create_on(data: &Path, partitions: u32, store: Option<String>) -> Self {
        let mut init = Command::new(program());
        init.args(["init", "--json", "--workspace", WORKSPACE, "--write-key", WRITE_KEY, "--data"]);
        init.arg(data).args(["--partitions", &partitions.to_string()]);
        let place: Vec<String> = store.iter().flat_map(|url| ["--store".to_owned(), url.clone()]).collect();
        let made = init.args(&place).output().unwrap();
        assert!(made.status.success(), "init: {}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let token = made["api_token"].as_str().unwrap().to_owned();
        let complaints = Arc::new(NamedTempFile::new().unwrap());
        Self {
            data: data.to_owned(),
            store,
            token,
            place,
            arguments: Vec::new(),
            environment: Vec::new(),
            complaints,
        }
    }

    /// The same site, served with more arguments.
    pub(super) fn with(&self, arguments: &[&str]) -> Self {
        let more = arguments.iter().map(|a| (*a).to_owned());
        Self { arguments: self.arguments.iter().cloned().chain(more).collect(), ..self.clone() }
    }

    /// The same site, served with more variables in its environment.
    pub(super) fn inside(mut self, environment: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.environment.extend(environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// The same site with its log in a broker.
    pub(super) fn with_log(mut self, url: &str) -> Self {
        self.place.extend(["--log".to_owned(), url.to_owned()]);
        self
    }

    /// The last lines it wrote.
    pub(super) fn complaints(&self) -> String {
        let text = std::fs::read_to_string(self.complaints.path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Starts serving and returns before it is ready.
    pub(super) fn spawn(&self) -> Starting {
        let stderr = File::options().append(true).open(self.complaints.path()).unwrap();
        let mut command = Command::new(program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&self.data);
        command.args(&self.place).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (said, hears) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on http://") {
                    let _ = said.send(address.parse().unwrap());
                }
            }
        });
        Starting { process: Process { child }, hears, site: self.clone() }
    }

    /// Starts serving and waits until it listens.
    pub(super) fn serve(&self) -> Server {
        self.try_serve().unwrap_or_else(|complaints| panic!("the server does not start:\n{complaints}"))
    }

    /// The same, or what the server says why it does not.
    pub(super) fn try_serve(&self) -> Result<Server, String> {
        self.spawn().ready()
    }
}

/// A child that does not outlive the test.
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Takes a child in.
    pub(super) fn of(child: Child) -> Self {
        Self { child }
    }

    /// Kills it where it stands.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it in the middle of whatever it does, to be looked at.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop and returns its exit code.
    pub(super) fn terminate(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }

    /// Whether it runs.
    pub(super) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that may not listen yet.
pub(super) struct Starting {
    process: Process,
    hears: Receiver<SocketAddr>,
    site: Site,
}

impl Starting {
    fn ready(self) -> Result<Server, String> {
        match self.hears.recv_timeout(START) {
            Ok(address) => Ok(Server { process: self.process, address, token: self.site.token }),
            Err(_) => Err(self.site.complaints()),
        }
    }

    /// Kills it after so long, ready or not: somewhere in its recovery.
    pub(super) fn kill_after(self, wait: Duration) {
        match self.hears.recv_timeout(wait) {
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the server ended by itself:\n{}", self.site.complaints())
            }
            _ => self.process.kill(),
        }
    }
}

/// A server that listens.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    token: String,
}

impl Server {
    /// What a path of the API answers.
    pub(super) fn get(&self, path: &str) -> (u16, Value) {
        let answer = Client::connect(self.address).unwrap().get(path, &self.token).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// What a path of the API answers to a body.
    pub(super) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut client = Client::connect(self.address).unwrap();
        let answer = client.post_as(&self.token, path, body.to_string().as_bytes()).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Waits until everything that is in the log is in the state.
    pub(super) fn drain(&self) {
        if let Err(stuck) = self.try_drain() {
            panic!("{stuck}");
        }
    }

    /// The same, or what the pipeline says when it does not get on.
    pub(super) fn try_drain(&self) -> Result<(), String> {
        for _ in 0..3_000 {
            let (status, pipeline) = self.get("/api/v1/pipeline");
            assert_eq!(status, 200, "{pipeline}");
            let [applied, head] = ["applied", "log_head"].map(|field| pipeline[field].as_u64().unwrap());
            if applied == head {
                return Ok(());
            }
            if applied > head {
                return Err(format!("more is applied than the log holds: {pipeline}"));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Err(format!("the pipeline does not get on: {:?}", self.get("/api/v1/pipeline")))
    }
}

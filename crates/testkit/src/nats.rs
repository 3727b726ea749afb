//! A real `nats-server` on a free port, fsyncing every message, gone with the value.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running server with a store of its own.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
    setting: &'static str,
}

impl Server {
    /// Starts a server with an empty store.
    pub fn start() -> Self {
        Self::start_with("max_payload: 10MB")
    }

    /// Starts a server with something else in its configuration.
    pub fn start_with(setting: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (child, port) = spawn(dir.path(), "-1", setting);
        Self { child, port, dir, setting }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills the server where it stands.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port and store.
    pub fn revive(&mut self) {
        let (child, port) = spawn(self.dir.path(), &self.port.to_string(), self.setting);
        (self.child, self.port) = (child, port);
    }

    /// What a server does that lost its disk.
    pub fn lose_store(&mut self) {
        fs::remove_dir_all(self.dir.path().join("store")).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path, port: &str, setting: &str) -> (Child, u16) {
    let config = dir.join("nats.conf");
    let store = dir.join("store");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\n{setting}\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(binary());
    command.arg("--config").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut port = None;
    let mut seen = Vec::new();
    for line in &mut lines {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            port = address.trim().rsplit(':').next().and_then(|p| p.parse().ok());
        }
        if line.contains("Server is ready") {
            // The rest is read and dropped, or the server would block on a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return (child, port.expect("a server says its port before it is ready"));
        }
        seen.push(line);
    }
    let _ = child.wait();
    panic!("nats-server did not start: {seen:#?}");
}

/// The server's binary: where the environment says, on the path, or where `cargo xtask setup` puts it.
fn binary() -> PathBuf {
    let named = std::env::var_os("HEADWATER_NATS_SERVER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("nats-server"));
    let cached = std::env::var_os("HOME")
        .map(|home| Path::new(&home).join(".cache/headwater/tools/nats/bin/nats-server"));
    let mut places = named.into_iter().chain(on_path).chain(cached);
    places.find(|place| place.is_file()).expect("no nats-server found: run `cargo xtask setup`")
}

//! A throw-away PostgreSQL cluster for the tests of one process.
//!
//! Started when first asked for, with `fsync` on: the store refuses a server that may lose data. A
//! shell watches over it and stops it when this process ends, even by a kill. PostgreSQL does not run
//! as root, so a root process gives it the account that its package made, or `nobody`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

/// A running cluster.
#[derive(Debug)]
pub struct Server {
    port: u16,
    databases: AtomicU32,
    /// Its standard input is what tells the watching shell that this process lives.
    _shell: Child,
}

/// A free port may be taken by somebody else before PostgreSQL has it.
const TRIES: u32 = 5;

impl Server {
    /// The cluster of this process, started on first use.
    ///
    /// # Panics
    /// If there is no PostgreSQL or it does not start.
    pub fn start() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let programs = programs().expect("no PostgreSQL found: run `cargo xtask setup`");
            let mut trouble = Vec::new();
            for _ in 0..TRIES {
                match spawn(&programs) {
                    Ok((shell, port)) => return Self { port, databases: AtomicU32::new(0), _shell: shell },
                    Err(lines) => trouble = lines,
                }
            }
            panic!("PostgreSQL does not start: {trouble:#?}");
        })
    }

    /// Creates an empty database and a role that owns it, and returns the URL to connect with. The role
    /// is no superuser, because row-level security does not bind superusers.
    pub fn database(&self) -> String {
        let name = format!("headwater_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        self.administer(&[
            &format!("create role {name} login"),
            &format!("create database {name} owner {name}"),
        ]);
        format!("postgres://{name}@127.0.0.1:{}/{name}", self.port)
    }

    /// Lets the cluster speak TLS from now on, and returns the certificate of the authority that vouches for
    /// it, as PEM.
    ///
    /// # Panics
    /// If there is no `openssl`, or the cluster does not do so.
    pub fn secure(&self) -> String {
        static AUTHORITY: OnceLock<String> = OnceLock::new();
        AUTHORITY
            .get_or_init(|| {
                let place = PathBuf::from(self.ask("show data_directory"));
                let script = format!("{}make_certificates \"$1\"", include_str!("certificates.sh"));
                let made = Command::new("sh").args(["-c", &script, "sh"]).arg(&place).status().unwrap();
                assert!(made.success(), "openssl made no certificates");
                let key = place.join("server.key");
                if let Some((user, group)) = account() {
                    std::os::unix::fs::chown(&key, Some(user), Some(group)).unwrap();
                }
                fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
                self.administer(&["alter system set ssl = on", "select pg_reload_conf()"]);
                // It reads its settings again in its own time.
                let is_on = (0..10_000).any(|_| self.ask("show ssl") == "on");
                assert!(is_on, "the cluster speaks no TLS");
                fs::read_to_string(place.join("authority.crt")).unwrap()
            })
            .clone()
    }

    /// What the superuser is told: the first column of the first row.
    fn ask(&self, query: &str) -> String {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let (client, driver) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                    tokio::spawn(driver);
                    client.query_one(query, &[]).await.unwrap().get(0)
                })
            });
            work.join().expect("a question of the test's own failed")
        })
    }

    /// Runs statements as the cluster's superuser, each in a transaction of its own.
    ///
    /// # Panics
    /// If one of them fails.
    pub fn administer(&self, statements: &[&str]) {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        // A thread of its own, because the caller may be an async test.
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let (client, driver) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                    let driver = tokio::spawn(driver);
                    for statement in statements {
                        client.batch_execute(statement).await.unwrap();
                    }
                    drop(client);
                    driver.await.unwrap().unwrap();
                });
            });
            work.join().expect("a statement of the test's own failed");
        });
    }
}

/// Starts a cluster; on failure returns what it said.
fn spawn(programs: &Path) -> Result<(Child, u16), Vec<String>> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap().port();
    let mut command = Command::new("sh");
    command.args(["-c", include_str!("postgres.sh"), "postgres.sh"]).arg(programs).arg(port.to_string());
    // Out of the terminal's process group: an interrupt there must not stop the shell before it has tidied up.
    command.current_dir("/").process_group(0);
    if let Some((user, group)) = account() {
        command.uid(user).gid(group);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut shell = command.spawn().unwrap();
    let mut lines = BufReader::new(shell.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = Vec::new();
    for line in &mut lines {
        if line.contains("database system is ready to accept connections") {
            // The rest is read and dropped, or the server would block on a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((shell, port));
        }
        seen.push(line);
    }
    drop(shell.stdin.take());
    let _ = shell.wait();
    Err(seen)
}

/// The folder of PostgreSQL's programs: on the path, or the newest of those Debian installs beside it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    installed.sort_by_key(|version| version.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()));
    let installed = installed.into_iter().rev().map(|version| version.join("bin"));
    on_path.chain(installed).find(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file())
}

/// The user and group to run as, if this process is root.
fn account() -> Option<(u32, u32)> {
    let mine = tempfile::tempfile().and_then(|file| file.metadata()).unwrap().uid();
    if mine != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let mut lines = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let found = lines.find(|fields| fields.first() == Some(&name))?;
        Some((found.get(2)?.parse().ok()?, found.get(3)?.parse().ok()?))
    };
    Some(
        ["postgres", "nobody"]
            .into_iter()
            .find_map(find)
            .expect("root needs an account to run PostgreSQL as"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first column of a query's first row, as text.
    fn ask(url: &str, query: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
            tokio::spawn(driver);
            client.query_one(query, &[]).await.unwrap().get(0)
        })
    }

    #[test]
    fn a_database_belongs_to_a_role_that_security_binds_on_a_server_that_keeps_its_promises() {
        let (one, other) = (Server::start().database(), Server::start().database());
        assert_ne!(one, other);
        for url in [&one, &other] {
            let bound =
                "select (not rolsuper and not rolbypassrls)::text from pg_roles where rolname = current_user";
            assert_eq!(ask(url, bound), "true");
            for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
                assert_eq!(ask(url, &format!("show {setting}")), "on", "{setting}");
            }
            assert_eq!(ask(url, "show server_encoding"), "UTF8");
        }
    }

    #[test]
    fn a_cluster_ends_with_whoever_started_it() {
        let (mut shell, port) = spawn(&programs().unwrap()).unwrap();
        // What the system does to the pipe of a process that ends, even by a kill.
        drop(shell.stdin.take());
        shell.wait().expect("the shell ends when the server has");
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

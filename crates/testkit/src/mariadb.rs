//! A throw-away MariaDB for the tests of one process, on a free port of the loopback interface.
//!
//! Started when first asked for. A shell watches over it, stops it when this process ends, even by a kill,
//! and removes its folder.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    databases: AtomicU32,
    /// Its standard input is what tells the watching shell that this process lives.
    _shell: Child,
}

/// A database of the test's own.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name, which is also the name and the password of the user it belongs to.
    pub name: String,
    /// Where it is.
    pub port: u16,
}

/// A free port may be taken by somebody else before the server has it.
const TRIES: u32 = 5;
/// `$1`: the port, `$2`: the server's program. The server ends with standard input.
const WATCH: &str = r#"dir=$(mktemp -d "${TMPDIR:-/tmp}/headwater-mariadb.XXXXXX") || exit 1
me=$(id -un)
mariadb-install-db --no-defaults --user="$me" --datadir="$dir/data" --auth-root-authentication-method=normal \
  --skip-test-db >"$dir/log" 2>&1 || { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
make_certificates "$dir" || { echo "openssl made no certificates" >&2; rm -rf "$dir"; exit 1; }
exec 3<&0
"$2" --no-defaults --ssl-ca="$dir/authority.crt" --ssl-cert="$dir/server.crt" --ssl-key="$dir/server.key" --user="$me" --datadir="$dir/data" --socket="$dir/socket" --port="$1" \
  --bind-address=127.0.0.1 --pid-file="$dir/pid" --innodb-buffer-pool-size=32M 3<&- </dev/null & server=$!
{ cat <&3; kill "$server"; } >/dev/null 2>&1 &
wait "$server"
rm -rf "$dir""#;

impl Server {
    /// The server of this process, started on first use.
    ///
    /// # Panics
    /// If there is no MariaDB or it does not start.
    pub fn start() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let program = program().expect("no MariaDB found: run `cargo xtask setup`");
            let mut trouble = Vec::new();
            for _ in 0..TRIES {
                match spawn(&program) {
                    Ok((shell, port)) => return Self { port, databases: AtomicU32::new(0), _shell: shell },
                    Err(lines) => trouble = lines,
                }
            }
            panic!("MariaDB does not start: {trouble:#?}");
        })
    }

    /// Creates an empty database and a user it belongs to.
    pub fn database(&self) -> Database {
        let name = format!("headwater_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        self.administer(&format!(
            "create database {name}; create user {name}@'%' identified by '{name}'; grant all on {name}.* to {name}@'%'"
        ));
        Database { name, port: self.port }
    }

    /// The certificate of the authority that vouches for the server, as PEM.
    pub fn authority(&self) -> String {
        let place = self.administer("select @@ssl_ca");
        std::fs::read_to_string(&place[0]).unwrap()
    }

    /// What a statement of the administrator says: a line a row, tabs between columns.
    ///
    /// # Panics
    /// If it fails.
    pub fn administer(&self, statement: &str) -> Vec<String> {
        let port = self.port.to_string();
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=root", "--batch"]);
        command.args(["--skip-column-names", "--default-character-set=utf8mb4", "--port", &port]);
        let output = command.args(["--execute", statement]).output().unwrap();
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join("mariadbd")).find(|program| program.is_file())
}

fn spawn(program: &std::path::Path) -> Result<(Child, u16), Vec<String>> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap().port();
    let mut command = Command::new("sh");
    let script = format!("{}{WATCH}", include_str!("certificates.sh"));
    command.args(["-c", &script, "mariadb"]).arg(port.to_string()).arg(program).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut shell = command.spawn().unwrap();
    let mut lines = BufReader::new(shell.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    for line in &mut lines {
        if line.contains("ready for connections") {
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

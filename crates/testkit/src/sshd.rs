//! A throw-away OpenSSH server for SFTP, on a free port of the loopback interface.
//!
//! It lets in whoever runs the test, by a key of the test's own, and starts in a folder of the test's own. A
//! shell watches over it and stops it when this process ends, even by a kill.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::TempDir;

/// A running server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    directory: TempDir,
    /// Its standard input is what tells the watching shell that this process lives.
    shell: Child,
}

/// A free port may be taken by somebody else before the server has it.
const TRIES: u32 = 5;
/// `$1`: the program, `$2`: its configuration. The server ends with standard input.
const WATCH: &str = r#"exec 3<&0
"$1" -D -e -f "$2" 3<&- </dev/null & server=$!
{ cat <&3; kill "$server"; } >/dev/null 2>&1 &
wait "$server""#;

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    /// If there is no OpenSSH server or it does not start.
    pub fn start() -> Self {
        let program = program().expect("no OpenSSH server found: run `cargo xtask setup`");
        let mut trouble = Vec::new();
        for _ in 0..TRIES {
            match spawn(&program) {
                Ok(server) => return server,
                Err(lines) => trouble = lines,
            }
        }
        panic!("sshd does not start: {trouble:#?}");
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whom it lets in.
    pub fn user(&self) -> String {
        ask("id", &["-un"])
    }

    /// Its public key.
    pub fn host_key(&self) -> String {
        fs::read_to_string(self.directory.path().join("host.pub")).unwrap()
    }

    /// The private key of whom it lets in.
    pub fn key(&self) -> String {
        fs::read_to_string(self.directory.path().join("user")).unwrap()
    }

    /// The folder it starts in.
    pub fn folder(&self) -> PathBuf {
        self.directory.path().join("files")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join("sshd")).find(|program| program.is_file())
}

fn spawn(program: &Path) -> Result<Server, Vec<String>> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap().port();
    let directory = crate::temp_dir();
    let at = |name: &str| directory.path().join(name).display().to_string();
    fs::create_dir(at("files")).unwrap();
    for name in ["host", "user"] {
        ask("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &at(name)]);
    }
    fs::copy(at("user.pub"), at("authorized")).unwrap();
    // Where root runs it, it wants this folder, empty.
    let _ = fs::create_dir_all("/run/sshd");
    let configuration = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
         UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
         Subsystem sftp internal-sftp -d {}\n",
        at("host"),
        at("authorized"),
        at("files"),
    );
    fs::write(at("sshd_config"), configuration).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "sshd"]).arg(program).arg(at("sshd_config")).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut shell = command.spawn().unwrap();
    let mut lines = BufReader::new(shell.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    for line in &mut lines {
        if line.contains("Server listening on") {
            // The rest is read and dropped, or the server would block on a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(Server { port, directory, shell });
        }
        seen.push(line);
    }
    drop(shell.stdin.take());
    let _ = shell.wait();
    Err(seen)
}

/// What a program says.
fn ask(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

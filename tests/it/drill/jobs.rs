//! A server is killed in the middle of a job; the next one finds the job and does it again.

use std::process::Command;
use std::time::Duration;

use headwater_tests::program;
use serde_json::{Value, json};

use super::server::{Server, Site};

/// How often the job is looked at, and how often at most.
const POLL: Duration = Duration::from_millis(20);
const POLLS_MAX: u32 = 3_000;

fn headwater(site: &Site, arguments: &[&str]) -> Value {
    let mut command = Command::new(program());
    let ran = command.args(arguments).arg("--json").arg("--data").arg(&site.data).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Waits until the first job is in one of these states.
fn until(server: &Server, states: &[&str]) -> Value {
    for _ in 0..POLLS_MAX {
        let (_, job) = server.get("/api/v1/jobs/1");
        if states.contains(&job["state"].as_str().unwrap_or_default()) {
            return job;
        }
        std::thread::park_timeout(POLL);
    }
    panic!("the job is not {states:?}: {}", server.get("/api/v1/jobs/1").1);
}

#[test]
fn a_job_whose_server_is_killed_is_done_by_the_next_one() {
    let dir = testkit::temp_dir();
    let site = Site::create(&dir.path().join("data"), 1);
    let rule = dir.path().join("rule.json");
    std::fs::write(&rule, json!({ "always": true }).to_string()).unwrap();
    let rule = rule.to_str().unwrap();
    let made = headwater(&site, &["audience", "create", "all", "--mode", "scheduled", "--rule", rule]);
    let input = json!({ "audience": made["id"] }).to_string();
    headwater(&site, &["job", "run", "audience.refresh", "--no-wait", "--input", &input]);

    let server = site.serve();
    until(&server, &["running"]);
    server.process.kill();
    let job = until(&site.serve(), &["succeeded", "failed", "cancelled"]);
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job}");
    let line = job["lines"][0]["text"].as_str().unwrap();
    assert!(line.starts_with("its process was not heard of since"), "{line}");
}

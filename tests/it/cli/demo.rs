//! `headwater demo`: from an empty folder to a served world.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Place;

#[test]
fn a_demo_loads_once_and_is_served_at_once_later() {
    let place = Place::empty();
    let loading = ["demo", "--data", "d", "--profile", "tiny", "--no-serve", "--json"];
    let loaded = place.run(&loading).ok().json();
    let xiulin = &loaded["workspaces"]["xiulin"];
    let token = xiulin["token"].as_str().unwrap();
    assert_eq!(xiulin["write_keys"].as_object().unwrap().len(), 8);
    for plant in ["P01", "P06", "P07", "P09", "P14", "P24", "P27", "P33", "P40"] {
        assert!(!place.read(&format!("d/truth/{plant}.jsonl")).is_empty());
    }
    let mode = std::fs::metadata(place.path("d/demo.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others do not read the tokens");

    let words = ["demo", "--data", "d", "--listen", "127.0.0.1:0", "--json"];
    let mut child = place.command(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let served: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(served["workspaces"], loaded["workspaces"]);
    let address = served["address"].as_str().unwrap();
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let figures: Value = tokio.block_on(async {
        let request = reqwest::Client::new().get(format!("{address}/api/v1/pipeline")).bearer_auth(token);
        request.send().await.unwrap().json().await.unwrap()
    });
    assert_eq!(figures["lag_ms"], 0);
    // Copies are planted: a fiftieth of 9,000. Had the second start sent anything, there were more.
    assert_eq!(figures["deduplicated"], 180);
    assert!(figures["processed"].as_u64().unwrap() > 20_000);
    assert!((390..450).contains(&figures["parties"].as_u64().unwrap()), "{figures}");

    let beside = place.run(&["party", "--data", "d", "--workspace", "xiulin", "mobile:19900000000"]);
    assert_eq!(beside.code, 69, "a folder has one server: {}", beside.err);

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Requests after which events must have come. Each takes a few milliseconds.
const LOOKS_MAX: usize = 20_000;

#[test]
fn a_demo_that_goes_on_sends_events_of_now_until_it_is_stopped() {
    let place = Place::empty();
    let words = ["demo", "--data", "d", "--profile", "tiny", "--listen", "127.0.0.1:0", "--json"];
    let mut command = place.command(&words);
    let mut child = command.args(["--replay", "50/s"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let served: Value = serde_json::from_str(&line).unwrap();
    let token = served["workspaces"]["xiulin"]["token"].as_str().unwrap();
    let url = format!("{}/api/v1/events/recent", served["address"].as_str().unwrap());
    let client = reqwest::Client::new();
    let is_new = |item: &Value| item["outcome"] == "processed" && item["time"].as_str() > Some("2026-07");
    let found = tokio::runtime::Runtime::new().unwrap().block_on(async {
        for _ in 0..LOOKS_MAX {
            let request = client.get(&url).bearer_auth(token);
            let recent: Value = request.send().await.unwrap().json().await.unwrap();
            if recent["items"].as_array().unwrap().iter().any(is_new) {
                return true;
            }
        }
        false
    });
    assert!(found, "nothing happens");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_demo_leaves_alone_what_is_not_its_own() {
    let place = Place::empty();
    place.run(&["init", "--data", "d", "--workspace", "xiulin"]).ok();
    let ran = place.run(&["demo", "--data", "d", "--profile", "tiny", "--no-serve"]);
    assert_eq!(ran.code, 65);
    assert!(ran.err.contains("`xiulin`"), "{}", ran.err);
    assert!(!place.path("d/demo.json").try_exists().unwrap());
}

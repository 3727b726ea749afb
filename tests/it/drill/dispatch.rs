//! The server is killed after a receiver has a message and before that is written down: the message comes
//! again under the same id, and everybody is there once.

use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Site, WRITE_KEY};
use super::{cycles, dice};
use crate::output::receiver::Receiver;

fn post(tokio: &tokio::runtime::Runtime, url: String, token: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().post(url).bearer_auth(token).json(body);
    let answer: Value = tokio.block_on(async { request.send().await.unwrap().json().await.unwrap() });
    assert!(answer.get("code").is_none(), "{answer}");
    answer
}

fn person(n: u64) -> [Value; 2] {
    let user = format!("u-{n}");
    [
        json!({ "type": "track", "messageId": format!("c-{n}"), "userId": user, "event": "Consent Changed",
            "properties": { "purpose": "third_party_share", "status": "granted" } }),
        json!({ "type": "identify", "messageId": format!("i-{n}"), "userId": user, "traits": { "tier": "gold" } }),
    ]
}

#[test]
fn a_message_that_was_sent_and_not_written_down_when_the_server_was_killed_comes_again_under_its_id() {
    let dir = testkit::temp_dir();
    let site = Site::create(&dir.path().join("data"), 1).with(&["--allow-networks", "127.0.0.0/8"]);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (mut dice, people, cycles) = (dice(), 120, cycles(8));
    let server = site.serve();
    let at = |path: &str| format!("http://{}/api/v1/{path}", server.address);
    let secret = post(&tokio, at("destination-secrets"), &site.token, &json!({ "name": "s" }));
    let receiver = Receiver::start_on(&tokio, secret["value"].as_str().unwrap());
    let rule = json!({ "trait": "tier", "op": "eq", "value": "gold" });
    let audience = post(&tokio, at("audiences"), &site.token, &json!({ "name": "a", "rule": rule }));
    let definition = json!({ "name": "d", "follows": [{ "ledger": "audience", "id": audience["id"] }],
        "target": { "kind": "webhook", "url": receiver.url(), "secret": secret["id"] } });
    post(&tokio, at("destinations"), &site.token, &definition);
    let events: Vec<Value> = (0..people).flat_map(person).collect();
    let (says, hears) = channel();
    let (lets, waits) = channel::<()>();
    let (mut requests, mut death) = (0, 1 + dice.roll(10));
    receiver.behave(move |_| {
        requests += 1;
        if requests == death {
            (requests, death) = (0, 1 + dice.roll(30));
            // Nobody is listening once there were kills enough.
            if says.send(()).is_ok() {
                let _ = waits.recv_timeout(Duration::from_secs(30));
            }
        }
        200
    });
    post(&tokio, at("events"), WRITE_KEY, &Value::from(events));
    let mut server = Some(server);
    for _ in 0..cycles {
        if hears.recv_timeout(Duration::from_secs(30)).is_err() {
            break;
        }
        server.take().unwrap().process.kill();
        lets.send(()).unwrap();
        server = Some(site.serve());
    }
    drop((hears, lets));
    receiver.wait(|received| received.messages.len() == people as usize);
    let server = server.unwrap();
    server.drain();
    receiver.look(|received| {
        assert_eq!((received.present().len(), received.forged), (people as usize, 0));
        assert!(received.requests > received.messages.len() as u64, "something did come again");
    });
}

//! Signed webhooks end to end.

use std::collections::BTreeSet;

use kernel::time::{MINUTE, SECOND};
use serde_json::json;

use super::{World, consent, identify, sharing, text};

#[test]
fn who_enters_and_leaves_an_audience_is_told_in_signed_messages_with_the_fields_asked_for() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.server.dispatch();
    world.send(&sharing("u-1"));
    receiver.wait(|received| received.messages.len() == 1);
    world.send(&[identify("u-1", 3, json!({ "tier": "silver" }))]);
    receiver.wait(|received| received.messages.len() == 2);
    let party = world.party("u-1");
    receiver.look(|received| {
        let [entered, exited] = &received.messages[..] else { panic!("two messages") };
        assert_eq!(entered["type"], "audience.entered");
        let about = json!({ "id": audience, "name": "黄金会员" });
        assert_eq!(
            entered["data"],
            json!({ "party": party, "audience": about, "present": true, "seq": 1, "fields": { "city": "临澄" } })
        );
        assert_eq!((&exited["type"], &exited["data"]["party"]), (&json!("audience.exited"), &json!(party)));
        assert!(exited["data"].get("fields").is_none(), "of who leaves only the id is told");
        assert_eq!((received.forged, received.requests), (0, 2));
    });
    let status = world.settled(&destination);
    assert_eq!((&status["state"], &status["delivered"]), (&json!("active"), &json!(2)));
    let log = world.log(&destination, "delivered");
    assert_eq!((log.len(), &log[0]["code"], &log[0]["attempts"]), (2, &json!(200), &json!(1)));
    assert!(!format!("{log:?}").contains("临澄"), "the log tells nothing of the person");
}

#[test]
fn nothing_leaves_without_consent_and_each_time_it_did_not_is_recorded() {
    let world = World::new();
    let audience = world.gold();
    let gold = json!({ "tier": "gold", "city": "岫安" });
    world.send(&[
        identify("silent", 1, gold.clone()),
        consent("denied", 1, "third_party_share", "denied"),
        identify("denied", 1, gold.clone()),
        consent("changed", 1, "third_party_share", "granted"),
        consent("changed", 2, "third_party_share", "withdrawn"),
        identify("changed", 1, gold.clone()),
        consent("yes", 1, "third_party_share", "withdrawn"),
        consent("yes", 2, "third_party_share", "granted"),
        identify("yes", 1, gold),
    ]);
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let (advertiser, ads) =
        world.webhook(&audience, |definition| definition["processor"] = json!("advertising"));
    let (crm, internal) = world.webhook(&audience, |definition| {
        definition["processor"] = json!("internal");
        definition["reason"] = json!("our own CRM");
    });
    world.server.dispatch();
    let status = world.settled(&destination);
    assert_eq!((&status["delivered"], &status["blocked"]), (&json!(1), &json!(3)));
    let only = BTreeSet::from([world.party("yes")]);
    assert_eq!(receiver.look(|received| received.present()), only);
    let log = world.log(&destination, "blocked");
    let reasons: BTreeSet<String> = log.iter().map(|item| text(&item["reason"])).collect();
    let expected = ["denied", "unknown", "withdrawn"].map(|s| format!("consent.third_party_share.{s}"));
    assert_eq!(reasons, BTreeSet::from(expected));
    assert_eq!(world.settled(&ads)["delivered"], 0, "marketing was never allowed");
    assert_eq!(advertiser.look(|received| received.requests), 0);
    assert_eq!(world.settled(&internal)["delivered"], 4, "serving as agreed needs no further word");
    assert_eq!(crm.look(|received| received.present().len()), 4);
}

#[test]
fn a_withdrawal_between_audience_and_sending_blocks_the_message_and_a_party_never_told_of_is_not_taken_back()
{
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.send(&[sharing("stays"), sharing("withdraws")].concat());
    // In the audience, and on the way out; nothing has been sent yet.
    assert_eq!(world.status(&destination)["lag"], 2);
    world.send(&[consent("withdraws", 5, "third_party_share", "withdrawn")]);
    world.server.dispatch();
    let status = world.settled(&destination);
    assert_eq!((&status["delivered"], &status["blocked"]), (&json!(1), &json!(1)));
    // Both leave. Only one of them was ever told of.
    let silver = json!({ "tier": "silver" });
    world.send(&[identify("stays", 6, silver.clone()), identify("withdraws", 6, silver)]);
    world.settled(&destination);
    assert_eq!(world.log(&destination, "skipped").len(), 1);
    receiver.look(|received| {
        let parties: BTreeSet<&str> =
            received.messages.iter().map(|m| m["data"]["party"].as_str().unwrap()).collect();
        assert_eq!((parties, received.requests), (BTreeSet::from([world.party("stays").as_str()]), 2));
    });
}

#[test]
fn what_somebody_was_told_is_taken_back_when_he_leaves_even_if_consent_is_gone_by_then() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.server.dispatch();
    world.send(&sharing("u-1"));
    world.settled(&destination);
    world.send(&[
        consent("u-1", 5, "third_party_share", "withdrawn"),
        identify("u-1", 6, json!({ "tier": "no" })),
    ]);
    world.settled(&destination);
    assert_eq!(receiver.look(|received| (received.messages.len(), received.present().len())), (2, 0));
}

/// P40: a destination is down for ten minutes; afterwards everybody was delivered exactly once in effect.
fn down_for_ten_minutes(members: usize, is_silent: bool) {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let (other, healthy) = world.webhook(&audience, |_| {});
    receiver.answer(if is_silent { 401 } else { 503 });
    world.server.dispatch();
    let events: Vec<_> = (0..members).flat_map(|n| sharing(&format!("u-{n}"))).collect();
    world.send(&events);
    // One that is down delays no other.
    let status = world.settled(&healthy);
    assert_eq!(status["delivered"], members);
    assert_eq!(other.look(|received| received.present().len()), members);
    let down = world.wait(&destination, |status| status["state"] == "failing");
    assert_eq!(down["delivered"], 0);
    let mut requests = 0;
    for _ in 0..60 {
        world.server.clock().advance(10 * SECOND);
        requests = receiver.look(|received| received.requests);
    }
    assert!(requests < 1_000, "{requests} requests to one that is down");
    receiver.answer(200);
    world.server.clock().advance(5 * MINUTE + SECOND);
    receiver.wait(|received| received.messages.len() == members);
    let status = world.settled(&destination);
    assert_eq!(
        (&status["delivered"], &status["dead"], &status["state"]),
        (&json!(members), &json!(0), &json!("active"))
    );
    receiver.look(|received| {
        assert_eq!((received.present().len(), received.messages.len()), (members, members));
        assert_eq!(received.forged, 0);
    });
}

#[test]
fn after_ten_minutes_of_refusals_every_member_is_delivered_once_in_effect() {
    down_for_ten_minutes(headwater_members(), false);
}

#[test]
fn a_destination_whose_credentials_lapse_keeps_its_messages_until_they_are_put_right() {
    down_for_ten_minutes(50, true);
}

/// 1,000 in the usual suite; `HEADWATER_P40=10000` for the plant itself.
fn headwater_members() -> usize {
    std::env::var_os("HEADWATER_P40").map_or(1_000, |n| n.to_str().unwrap().parse().unwrap())
}

#[test]
fn what_is_refused_is_a_dead_letter_with_its_reason_and_can_be_replayed_unless_it_is_superseded() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.send(&[sharing("u-1"), sharing("u-2"), sharing("u-3")].concat());
    let [one, two] = [world.party("u-1"), world.party("u-2")];
    let bad = [one.clone(), two.clone()];
    receiver.behave(move |message| {
        let is_bad =
            bad.iter().any(|party| message["data"]["party"] == *party) && message["data"]["present"] == true;
        if is_bad { 422 } else { 200 }
    });
    world.server.dispatch();
    let status = world.settled(&destination);
    assert_eq!(
        (&status["dead"], &status["delivered"], &status["state"]),
        (&json!(2), &json!(1), &json!("active"))
    );
    let dead = world.log(&destination, "dead");
    assert_eq!((dead.len(), &dead[0]["reason"], &dead[0]["code"]), (2, &json!("answered 422"), &json!(422)));
    // One of them leaves meanwhile, and that is delivered.
    world.send(&[identify("u-2", 9, json!({ "tier": "silver" }))]);
    world.settled(&destination);
    receiver.answer(200);
    let replay = format!("/api/v1/destinations/{destination}/replay");
    assert_eq!(world.post(&replay, json!({}))["replayed"], 2);
    let status = world.settled(&destination);
    assert_eq!((&status["dead"], &status["delivered"]), (&json!(0), &json!(3)));
    assert_eq!(receiver.look(|received| received.present()), BTreeSet::from([one, world.party("u-3")]));
    assert_eq!(world.log(&destination, "skipped")[0]["reason"], "superseded");
    let token = &world.workspace.token;
    let gone = world.server.post(token, &replay, &json!({ "ledger": "audience:x", "seq": 1 }));
    assert_eq!(gone.status, 404);
}

#[test]
fn a_message_that_never_gets_through_is_given_up_while_others_pass_it_by() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.send(&[sharing("poison"), sharing("u-2")].concat());
    let poison = world.party("poison");
    receiver.behave(move |message| if message["data"]["party"] == poison { 500 } else { 200 });
    world.server.dispatch();
    receiver.wait(|received| received.messages.len() == 1);
    // Others keep getting through, so it is the message and not the destination.
    for n in 3..40 {
        world.server.clock().advance(6 * MINUTE);
        world.send(&sharing(&format!("u-{n}")));
        world.wait(&destination, |status| status["lag"] == 0);
        if world.status(&destination)["dead"] == 1 {
            break;
        }
    }
    let dead = world.log(&destination, "dead");
    assert_eq!(
        (dead.len(), &dead[0]["attempts"], &dead[0]["reason"]),
        (1, &json!(8), &json!("answered 500"))
    );
}

#[test]
fn while_a_secret_is_replaced_receivers_with_the_old_and_the_new_one_are_both_served() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    world.server.dispatch();
    world.send(&sharing("u-1"));
    world.settled(&destination);
    let definition = world.get(&format!("/api/v1/destinations/{destination}"))["definition"].clone();
    let path = format!("/api/v1/destination-secrets/{}", text(&definition["target"]["secret"]));
    let new = text(&world.put(&path, json!({}))["value"]);
    world.send(&sharing("u-2"));
    world.settled(&destination);
    receiver.expect_secret(&new);
    world.send(&sharing("u-3"));
    world.settled(&destination);
    assert_eq!(receiver.look(|received| (received.messages.len(), received.forged)), (3, 0));
}

#[test]
fn a_paused_destination_gets_nothing_until_it_goes_on_and_one_put_away_nothing_any_more() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let path = format!("/api/v1/destinations/{destination}");
    assert_eq!(world.post(&format!("{path}/pause"), json!({}))["status"]["state"], "paused");
    world.server.dispatch();
    let (other, busy) = world.webhook(&audience, |_| {});
    world.send(&sharing("u-1"));
    world.settled(&busy);
    assert_eq!((other.look(|r| r.requests), receiver.look(|r| r.requests)), (1, 0));
    assert_eq!(world.status(&destination)["lag"], 1);
    world.post(&format!("{path}/resume"), json!({}));
    world.settled(&destination);
    assert_eq!(receiver.look(|received| received.messages.len()), 1);
    world.server.call("DELETE", &path).token(&world.workspace.token).send().ok();
    assert_eq!(world.status(&destination)["state"], "archived");
    world.send(&sharing("u-2"));
    world.settled(&busy);
    assert_eq!(receiver.look(|received| received.messages.len()), 1);
    let token = &world.workspace.token;
    assert_eq!(world.server.post(token, &format!("{path}/pause"), &json!({})).status, 409);
}

#[test]
fn a_test_message_is_signed_and_tells_of_nobody() {
    let world = World::new();
    let audience = world.gold();
    let (receiver, destination) = world.webhook(&audience, |_| {});
    let path = format!("/api/v1/destinations/{destination}/test");
    let tested = world.post(&path, json!({}));
    assert_eq!((&tested["delivered"], &tested["code"]), (&json!(true), &json!(200)));
    receiver.look(|received| {
        assert_eq!((received.messages[0]["type"].as_str(), received.forged), (Some("test"), 0));
        assert_eq!(received.messages[0]["data"]["party"], "");
    });
    receiver.answer(418);
    let tested = world.post(&path, json!({}));
    assert_eq!((&tested["delivered"], &tested["reason"]), (&json!(false), &json!("answered 418")));
}

#[test]
fn a_secret_is_in_no_answer_and_in_no_file_of_the_installation() {
    let world = World::new();
    let canary = "whsec_Q0FOQVJZLUNBTkFSWS1DQU5BUlktQ0FOQVJZ";
    let made = world.post("/api/v1/destination-secrets", json!({ "name": "s", "value": canary }));
    let definition = json!({ "name": "d", "target":
        { "kind": "webhook", "url": "https://hooks.example.com/", "secret": made["id"] } });
    let destination = world.post("/api/v1/destinations", definition);
    let replaced = json!({ "value": "whsec_Q0FOQVJZLUNBTkFSWS1DQU5BUlktQ0FOQVJZMg==" });
    let path = format!("/api/v1/destination-secrets/{}", text(&made["id"]));
    let answers = [
        made,
        destination.clone(),
        world.put(&path, replaced),
        world.get("/api/v1/destination-secrets"),
        world.get("/api/v1/destinations"),
        world.get("/api/v1/audit"),
    ];
    let hidden = "Q0FOQVJZLUNBTkFSWS1DQU5BUlkt";
    assert!(answers.iter().all(|answer| !answer.to_string().contains(hidden)));
    let mut folders = vec![world.server.directory().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            for canary in [hidden.as_bytes(), b"CANARY-CANARY"] {
                let is_there = bytes.windows(canary.len()).any(|window| window == canary);
                assert!(!is_there, "{} holds it", path.display());
            }
        }
    }
    assert!(files >= 3, "the files are there: {files}");
}

#[test]
fn what_cannot_work_or_may_not_be_given_is_refused_when_it_is_defined() {
    let world = World::new();
    let audience = world.gold();
    let secret = world.post("/api/v1/destination-secrets", json!({ "name": "s" }));
    let word = world.post("/api/v1/destination-secrets", json!({ "name": "s", "value": "hunter2" }));
    let definition = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut definition = json!({ "name": "d", "follows": [{ "ledger": "audience", "id": audience }],
            "target": { "kind": "webhook", "url": "https://hooks.example.com/", "secret": secret["id"] } });
        change(&mut definition);
        definition
    };
    let status = |token: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let answer = world.server.post(token, "/api/v1/destinations", &definition(change));
        (answer.status.as_u16(), text_or(&answer.json()["field"]))
    };
    let owner = world.workspace.token.as_str();
    assert_eq!(status(owner, &|_| {}).0, 200);
    assert_eq!(
        status(owner, &|d| d["target"]["url"] = json!("https://10.0.0.1/")),
        (422, "target.url".into())
    );
    assert_eq!(
        status(owner, &|d| d["target"]["url"] = json!("https://169.254.169.254/")),
        (422, "target.url".into())
    );
    assert_eq!(status(owner, &|d| d["target"]["secret"] = json!("sec_x")), (422, "secret".into()));
    assert_eq!(status(owner, &|d| d["target"]["secret"] = word["id"].clone()), (422, "secret".into()));
    assert_eq!(status(owner, &|d| d["follows"][0]["id"] = json!("aud_x")), (422, "follows".into()));
    assert_eq!(status(owner, &|d| d["follows"][0]["ledger"] = json!("x")), (422, "follows".into()));
    let personal = |d: &mut serde_json::Value| {
        d["fields"] = json!([{ "as": "phone", "identifier": "mobile" }]);
        d["sends_personal"] = json!(true);
    };
    assert_eq!(status(owner, &personal).0, 200);
    let clerk = world.server.token(&world.workspace, "destination:write destination:read");
    assert_eq!(status(&clerk, &personal).0, 403, "who may not see it may not send it");
    assert_eq!(status(&clerk, &|_| {}).0, 200);
}

fn text_or(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn another_workspace_neither_sees_a_destination_nor_uses_its_secret() {
    let world = World::new();
    let audience = world.gold();
    let (_, destination) = world.webhook(&audience, |_| {});
    let other = world.server.workspace("other");
    let path = format!("/api/v1/destinations/{destination}");
    assert_eq!(world.server.get(&other.token, &path).status, 404);
    assert_eq!(world.server.get(&other.token, &format!("{path}/deliveries")).status, 404);
    assert_eq!(world.server.post(&other.token, &format!("{path}/replay"), &json!({})).status, 404);
    let secret = world.get(&path)["definition"]["target"]["secret"].clone();
    let definition = json!({ "name": "d", "target":
        { "kind": "webhook", "url": "https://hooks.example.com/", "secret": secret } });
    assert_eq!(world.server.post(&other.token, "/api/v1/destinations", &definition).status, 422);
}

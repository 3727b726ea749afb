//! Cases of quarantine and replay.

use serde_json::{Value, json};

use super::world::{NOW, PARTITIONS, World};
use crate::rules::frame::Frame;
use crate::rules::open::{Shape, slice};
use crate::rules::record;

const EVENT: &str = r#"{"event":"Order Paid","userId":"u-1","messageId":"m-1","properties":{"total":9.90}}"#;

#[tokio::test]
async fn what_an_event_says_is_shown_only_to_those_who_may_see_personal_data() {
    let world = World::new();
    let id = world.put_aside(1, "plan", "total", EVENT);
    let line = format!("GET /api/v1/quarantine/{id}");
    let (_, text) = world.text(&world.owner, &line, "").await;
    assert!(text.contains(EVENT), "exactly as it was sent: {text}");
    let clear: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&clear["source"], &clear["reason"]), (&json!("pos"), &json!("`total` is 19900001234")));
    for line in [&line, "GET /api/v1/quarantine"] {
        let (status, text) = world.text(&world.reader, line, "").await;
        assert_eq!(status, 200);
        assert!(!text.contains("u-1") && !text.contains("19900001234"), "{line}: {text}");
    }
    let masked = world.call(&world.reader, &line, "").await.1;
    let expected = json!({
        "id": id, "source": "pos", "class": "plan", "field": "total", "reason": null, "event": "Order Paid",
        "received_at": NOW.to_string(), "state": "open", "body": null,
    });
    assert_eq!(masked, expected);
    let broken = world.put_aside(2, "parse", "", "{\"a\":");
    let shown = world.ok(&format!("GET /api/v1/quarantine/{broken}"), json!({})).await;
    assert_eq!(shown["body"], "{\"a\":");
}

#[tokio::test]
async fn an_event_of_another_workspace_does_not_exist() {
    let world = World::new();
    let id = world.put_aside(1, "plan", "total", EVENT);
    for line in [
        format!("GET /api/v1/quarantine/{id}"),
        format!("POST /api/v1/quarantine/{id}/replay"),
        format!("POST /api/v1/quarantine/{id}/discard"),
        "GET /api/v1/quarantine/nonsense".to_owned(),
    ] {
        let (status, answer) = world.call(&world.stranger, &line, "").await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{line}");
    }
    let (_, many) = world.call(&world.stranger, "POST /api/v1/quarantine/replay", "").await;
    assert_eq!(many, json!({ "replayed": 0 }));
    let (_, list) = world.call(&world.stranger, "GET /api/v1/quarantine", "").await;
    assert_eq!(list["items"], json!([]));
    assert!(world.pipe.landed.lock().is_empty());
    assert_eq!(world.listed("").await, [id]);
}

#[tokio::test]
async fn lists_page_by_state_and_class_and_the_summary_counts_them() {
    let world = World::new();
    let ids: Vec<String> = (1..=5)
        .map(|no| world.put_aside(no, if no % 2 == 0 { "time" } else { "plan" }, "total", EVENT))
        .collect();
    world.ok(&format!("POST /api/v1/quarantine/{}/discard", ids[4]), json!({})).await;
    assert_eq!(world.listed("class=plan").await, [ids[0].clone(), ids[2].clone()]);
    assert_eq!(world.listed("state=discarded").await, ids[4..]);
    let first = world.ok("GET /api/v1/quarantine?limit=3", json!({})).await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(world.listed(&format!("cursor={next}")).await, ids[3..4]);
    let summary = world.ok("GET /api/v1/quarantine/summary", json!({})).await;
    let expected = json!({ "open": 4, "items": [
        { "class": "plan", "state": "discarded", "count": 1 },
        { "class": "plan", "state": "open", "count": 2 },
        { "class": "time", "state": "open", "count": 2 },
    ] });
    assert_eq!(summary, expected);
    for (query, field) in [("state=lost", "state"), ("cursor=7b7d", "cursor"), ("limit=x", "query")] {
        let line = format!("GET /api/v1/quarantine?{query}");
        let (status, answer) = world.call(&world.owner, &line, "").await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{answer}");
    }
}

#[tokio::test]
async fn a_replayed_event_lands_where_the_collector_would_put_it_with_the_same_message_id() {
    let world = World::new();
    let nameless = r#"{"event":"Order Paid","anonymousId":"a-1"}"#;
    for (no, event) in [(1, EVENT), (2, nameless)] {
        let id = world.put_aside(no, "plan", "total", event);
        let item = world.ok(&format!("POST /api/v1/quarantine/{id}/replay"), json!({})).await;
        assert_eq!(item["state"], "replayed");
        let (source, partition, bytes) = world.pipe.landed.lock().pop().unwrap();
        let person = slice(event.as_bytes(), Shape::Batch).unwrap().events[0].person;
        assert_eq!((source.0, partition), (1, person % u64::from(PARTITIONS)), "{event}");
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!((frame.received, frame.first, frame.events.as_slice()), (NOW, 3, &[event.as_bytes()][..]));
    }
    assert_eq!(world.listed("state=replayed").await.len(), 2);
    assert!(world.listed("").await.is_empty());
    let detail = r#"{"class":"plan","field":"total","is_corrected":false}"#;
    assert_eq!(world.audited(), vec![format!("quarantine.replay {detail}"); 2]);
}

#[tokio::test]
async fn a_corrected_event_replaces_the_bytes_and_keeps_all_else() {
    let world = World::new();
    let id = world.put_aside(1, "schema", "userId", r#"{"event":"Order Paid"}"#);
    let line = format!("POST /api/v1/quarantine/{id}/replay");
    for (body, field) in [
        (r#"{"event":{"event":"Order Paid"}}"#, "event.userId"),
        (r#"{"event":[1]}"#, "event"),
        (r#"{"event":"text"}"#, "event"),
        (r#"{"events":[]}"#, "body"),
    ] {
        let (status, answer) = world.call(&world.owner, &line, body).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)), "{body}: {answer}");
    }
    assert_eq!(world.listed("").await.len(), 1, "a refused correction leaves it open");
    let body = format!(r#"{{ "event": {EVENT} }}"#);
    assert_eq!(world.call(&world.owner, &line, &body).await.0, 200);
    let landed = world.pipe.landed.lock().clone();
    let frame = Frame::decode(&landed[0].2).unwrap();
    assert_eq!(frame.events, [EVENT.as_bytes()]);
    assert_eq!((frame.receipt, frame.ip, frame.first), ([7; 16], Some("192.0.2.1"), 3));
    assert_eq!(record::decode(&frame, 0).unwrap().message_id, "m-1");

    assert_eq!(world.call(&world.owner, &line, &body).await.0, 409, "only an open one can be corrected");
    assert_eq!(world.call(&world.owner, &line, "").await.0, 200, "but replayed once more");
    let discard = format!("POST /api/v1/quarantine/{id}/discard");
    assert_eq!(world.call(&world.owner, &discard, "").await.0, 409);
}

#[tokio::test]
async fn a_discarded_event_stays_discarded() {
    let world = World::new();
    let id = world.put_aside(1, "plan", "total", EVENT);
    let line = format!("POST /api/v1/quarantine/{id}/discard");
    for _ in 0..2 {
        assert_eq!(world.ok(&line, json!({})).await["state"], "discarded");
    }
    let (status, _) = world.call(&world.owner, &format!("POST /api/v1/quarantine/{id}/replay"), "").await;
    assert_eq!(status, 409);
    assert_eq!(world.audited(), [r#"quarantine.discard {"class":"plan","field":"total"}"#]);
    for line in
        [line, format!("POST /api/v1/quarantine/{id}/replay"), "POST /api/v1/quarantine/replay".into()]
    {
        assert_eq!(world.call(&world.reader, &line, "").await.0, 403, "{line}");
    }
}

#[tokio::test]
async fn replaying_many_takes_the_oldest_that_fit_and_no_more_than_the_limit() {
    let world = World::new();
    for no in 0..=255u8 {
        let field = if no % 4 == 0 { "phone" } else { "total" };
        world.put_aside(no, if no < 128 { "identity" } else { "plan" }, field, EVENT);
    }
    let line = "POST /api/v1/quarantine/replay";
    let wanted = json!({ "class": "identity", "field": "phone", "limit": 10 });
    assert_eq!(world.ok(line, wanted.clone()).await, json!({ "replayed": 10 }));
    let rest = json!({ "class": "identity", "field": "phone" });
    assert_eq!(world.ok(line, rest).await, json!({ "replayed": 22 }));
    assert_eq!(world.ok(line, wanted).await, json!({ "replayed": 0 }));
    // More than one chunk.
    assert_eq!(world.ok(line, json!({})).await, json!({ "replayed": 224 }));
    assert_eq!(world.pipe.landed.lock().len(), 256);
    assert!(world.listed("").await.is_empty());
    assert_eq!(world.audited()[0], r#"quarantine.replay {"class":"identity","field":"phone","count":10}"#);
    for limit in [0, 10_001] {
        let (status, answer) = world.call(&world.owner, line, &json!({ "limit": limit }).to_string()).await;
        assert_eq!((status, &answer["field"]), (422, &json!("limit")));
    }
}

#[tokio::test]
async fn what_does_not_land_is_open_again() {
    let world = World::new();
    let lucky = world.put_aside(1, "plan", "total", EVENT);
    let unlucky = world.put_aside(2, "plan", "total", r#"{"event":"UNLUCKY","userId":"u-2"}"#);
    *world.pipe.refuses.lock() = Some("UNLUCKY");
    for line in ["POST /api/v1/quarantine/replay", &format!("POST /api/v1/quarantine/{unlucky}/replay")] {
        let (status, answer) = world.call(&world.owner, line, "").await;
        assert_eq!((status, &answer["code"]), (503, &json!("unavailable")), "{line}");
        assert_eq!(world.listed("").await, std::slice::from_ref(&unlucky), "{line}");
    }
    assert_eq!(world.listed("state=replayed").await, [lucky]);
    *world.pipe.refuses.lock() = None;
    assert_eq!(world.ok("POST /api/v1/quarantine/replay", json!({})).await, json!({ "replayed": 1 }));
    let failed = world.audited().iter().filter(|line| line.starts_with("quarantine.replay.failed")).count();
    assert_eq!(failed, 2);
}

//! What each endpoint takes and how it answers when all is well.

use serde_json::{Value, json};

use super::*;

const KEY: &str = "x-write-key: WRITE_KEY_DEMO";

async fn landed(line: &str, headers: &str, body: impl Into<Body>) -> Vec<String> {
    let world = World::new();
    let answer = world.send(request(line, headers, body)).await;
    assert_eq!(answer.status, 200, "{line}: {}", answer.text());
    world.records()
}

#[tokio::test]
async fn the_path_names_the_kind_of_a_message_that_does_not() {
    let cases = [
        ("/v1/track", r#"{"event":"E","userId":"u"}"#, "Track E user_id=u"),
        ("/v1/t", r#"{"event":"E","userId":"u"}"#, "Track E user_id=u"),
        ("/v1/page", r#"{"name":"N","userId":"u"}"#, "Page N user_id=u"),
        ("/v1/p", r#"{"userId":"u"}"#, "Page Page user_id=u"),
        ("/v1/screen", r#"{"userId":"u"}"#, "Screen Screen user_id=u"),
        ("/v1/s", r#"{"userId":"u"}"#, "Screen Screen user_id=u"),
        ("/v1/identify", r#"{"userId":"u"}"#, "Identify Identify user_id=u"),
        ("/v1/i", r#"{"type":null,"userId":"u"}"#, "schema: `type` is missing"),
        ("/v1/group", r#"{"userId":"u","groupId":"g"}"#, "Group Group user_id=u"),
        ("/v1/g", r#"{"userId":"u","groupId":"g"}"#, "Group Group user_id=u"),
        ("/v1/alias", r#"{"userId":"u","previousId":"p"}"#, "Alias Alias user_id=u anonymous_id=p"),
        ("/v1/a", r#"{"userId":"u","previousId":"p"}"#, "Alias Alias user_id=u anonymous_id=p"),
        ("/v1/track", r#"{"type":"page","userId":"u"}"#, "Page Page user_id=u"),
        (
            "/v1/merge",
            r#"{"userId":"u"}"#,
            "schema: `type` is `merge`, not one of track, page, screen, identify, group, alias",
        ),
    ];
    for (path, body, expected) in cases {
        assert_eq!(landed(&format!("POST {path}"), KEY, body).await, [expected], "{path} {body}");
    }
}

#[tokio::test]
async fn a_batch_is_taken_on_every_batch_path_with_its_bad_members() {
    let body = r#"{"batch":[{"type":"page","userId":"u"},{"type":tru},{"userId":"v","type":"page"}]}"#;
    for path in ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch?writeKey=WRITE_KEY_DEMO"] {
        let records = landed(&format!("POST {path}"), KEY, body).await;
        assert_eq!(records.len(), 3, "{path}");
        assert_eq!((&*records[0], &*records[2]), ("Page Page user_id=u", "Page Page user_id=v"), "{path}");
        assert!(records[1].starts_with("parse: "), "{path}");
    }
    let empty = landed("POST /v1/batch", KEY, r#"{"batch":[]}"#).await;
    assert!(empty.is_empty());
}

#[tokio::test]
async fn an_import_is_marked_as_one() {
    let body = r#"{"batch":[{"type":"page","userId":"u","timestamp":"2011-01-01T00:00:00Z"}]}"#;
    assert_eq!(landed("POST /v1/import", KEY, body).await, ["Page Page user_id=u"]);
    assert_eq!(landed("POST /api/v1/events?import=true", KEY, body).await, ["Page Page user_id=u"]);
    assert!(landed("POST /v1/batch", KEY, body).await[0].starts_with("time: past_time"));
}

#[tokio::test]
async fn the_frame_says_when_from_where_and_with_what_it_was_sent() {
    let world = World::new();
    let router = router(world.collector().behind_proxy());
    let headers = format!(
        "{KEY}\nuser-agent: Shop/1.0\nsentat: 2026-11-21T18:29:00.000Z\nx-forwarded-for: 6.6.6.6, 203.0.113.9"
    );
    let body = r#"{"context":{"app":{}},"batch":[{"type":"page","userId":"u"}]}"#;
    router.oneshot(request("POST /v1/batch", &headers, body)).await.unwrap();
    let bytes = world.landed.lock()[0].2.clone();
    let frame = Frame::decode(&bytes).unwrap();
    assert_eq!(
        (frame.ip, frame.user_agent),
        (Some("203.0.113.9"), Some("Shop/1.0")),
        "the proxy's word only"
    );
    assert_eq!((frame.received, frame.sent_at), (NOW, Some(Instant(NOW.0 - 60_000_000))));
    assert_eq!(frame.shared, Some(r#"{"context":{"app":{}}}"#));
    let mut direct = request("POST /v1/batch", &headers, body);
    let peer = std::net::SocketAddr::from(([198, 51, 100, 7], 4711));
    direct.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    world.send(direct).await;
    let ip = Frame::decode(&world.landed.lock()[1].2).unwrap().ip.map(str::to_owned);
    assert_eq!(
        ip.as_deref(),
        Some("198.51.100.7"),
        "without a proxy the peer's address, whatever is claimed"
    );
}

#[tokio::test]
async fn every_way_to_show_a_write_key_works() {
    let single = r#"{"type":"page","userId":"u"}"#;
    let with_key = r#"{"type":"page","userId":"u","writeKey":"WRITE_KEY_DEMO"}"#;
    let batch = r#"{"writeKey":"WRITE_KEY_DEMO","batch":[{"type":"page","userId":"u"}]}"#;
    let oauth = "authorization: Bearer some.oauth.token";
    let cases: [(&str, String, &str); 13] = [
        ("/v1/batch", basic("WRITE_KEY_DEMO:"), single),
        ("/v1/batch", basic("WRITE_KEY_DEMO"), single),
        ("/v1/batch", basic("WRITE_KEY_DEMO:password"), single),
        ("/v1/batch", "authorization: Basic WRITE_KEY_DEMO:".into(), single),
        ("/v1/batch", "authorization: basic V1JJVEVfS0VZX0RFTU86".into(), single),
        ("/v1/batch", KEY.into(), single),
        ("/v1/batch?writeKey=WRITE_KEY_DEMO", String::new(), single),
        ("/v1/batch", String::new(), with_key),
        ("/v1/batch", String::new(), batch),
        ("/v1/batch", basic(":"), batch),
        ("/v1/batch", oauth.into(), with_key),
        ("/api/v1/events", "authorization: Bearer WRITE_KEY_DEMO".into(), single),
        ("/api/v1/events", String::new(), with_key),
    ];
    for (path, headers, body) in cases {
        let records = landed(&format!("POST {path}"), &headers, body).await;
        assert_eq!(records, ["Page Page user_id=u"], "{path} {headers}");
    }
}

#[tokio::test]
async fn sensors_records_find_their_source_by_token_or_project() {
    let record = |extra: &str| format!(r#"{{"type":"track","event":"E","distinct_id":"a"{extra}}}"#);
    let cases = [
        ("/sa?token=TOKEN_DEMO", record("")),
        ("/sa?project=default", record("")),
        ("/sa?token=TOKEN_DEMO&project=nobody", record(r#","token":"other""#)),
        ("/sa", record(r#","token":"TOKEN_DEMO""#)),
        ("/sa.gif", record(r#","project":"default""#)),
    ];
    for (path, record) in &cases {
        let records = landed(&format!("POST {path}"), "", form("data", record)).await;
        assert_eq!(records, ["Track E $identity_anonymous_id=a"], "{path}");
    }
    let line = format!("GET /sa.gif?token=TOKEN_DEMO&{}", form("data", &record("")));
    assert_eq!(landed(&line, "", "").await.len(), 1);
    let list = format!("[{},{}]", record(""), record(r#","x":1"#));
    assert_eq!(landed("POST /sa?token=TOKEN_DEMO", "", form("data_list", &list)).await.len(), 2);
    assert_eq!(landed("POST /sa?token=TOKEN_DEMO", "", list).await.len(), 2, "plain JSON too");
}

#[tokio::test]
async fn pixels_land_a_message_and_are_always_a_picture() {
    let message = r#"{"userId":"u","event":"Mail Opened","writeKey":"WRITE_KEY_DEMO"}"#;
    let cases = [
        (format!("/v1/pixel/track?{}", form("data", message)), 1),
        (
            format!(
                "/v1/pixel/track?data={}",
                message.replace(' ', "%20").replace('"', "%22").replace(['{', '}'], "")
            ),
            0,
        ),
        ("/v1/pixel/page?data=%7B%22userId%22:%22u%22,%22writeKey%22:%22WRITE_KEY_DEMO%22%7D".into(), 1),
        ("/pixel/v1/track?writeKey=WRITE_KEY_DEMO&userId=u&event=Mail+Opened".into(), 1),
        ("/v1/pixel/track".into(), 0),
        ("/pixel/v1/track?writeKey=WRONG&userId=u&event=E".into(), 0),
    ];
    for (path, events) in cases {
        let world = World::new();
        let answer = world.send(request(&format!("GET {path}"), "", "")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"), "{path}");
        assert_eq!((&answer.body[..6], answer.body.len()), (&b"GIF89a"[..], 43), "{path}");
        let records = world.records();
        assert_eq!(records.len(), events, "{path}");
        assert!(records.iter().all(|line| line.ends_with("user_id=u")), "{path}: {records:?}");
    }
}

#[tokio::test]
async fn answers_are_what_each_sdk_expects() {
    let page = r#"{"type":"page","userId":"u"}"#;
    let record = form("data", r#"{"type":"track","event":"E","distinct_id":"a"}"#);
    let cases = [
        ("POST /v1/p", KEY, page.to_owned(), "application/json", r#"{"success":true}"#),
        ("POST /v1/m", "", "{}".into(), "application/json", r#"{"success":true}"#),
        ("POST /beacon/v1/batch", KEY, page.into(), "text/plain; charset=utf-8", "OK"),
        ("POST /sa?token=TOKEN_DEMO", "", record, "text/plain; charset=utf-8", "OK"),
    ];
    for (line, headers, body, content_type, expected) in cases {
        let answer = World::new().send(request(line, headers, body)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{line}");
        assert_eq!(answer.text(), expected, "{line}");
    }
}

#[tokio::test]
async fn the_own_endpoint_reports_on_each_event_and_lands_all_of_them() {
    let body = r#"{"batch":[{"type":"page","userId":"u","messageId":"m-1"},{"type":"page"},{"a" 1},{"userId":"v","type":"page"}]}"#;
    for partitions in [1, 4] {
        let world = World::with_partitions(partitions);
        let answer = world.send(request("POST /api/v1/events", KEY, body)).await;
        let report = answer.json();
        assert_eq!((answer.status, &report["accepted"], &report["rejected"]), (200, &json!(2), &json!(2)));
        let results = report["results"].as_array().unwrap();
        assert_eq!(results[0], json!({"index":0,"status":"accepted","message_id":"m-1"}));
        let reason = "there is neither `userId` nor `anonymousId`, nor another identifier";
        let expected =
            json!({"index":1,"status":"rejected","class":"schema","field":"userId","reason":reason});
        assert_eq!(results[1], expected);
        assert_eq!((&results[2]["status"], &results[2]["class"]), (&json!("rejected"), &json!("parse")));
        assert_eq!(results[3]["index"], 3);
        let given = results[3]["message_id"].as_str().unwrap();
        let landed = world.landed.lock();
        let is_given = landed.iter().any(|(_, _, bytes)| {
            let frame = Frame::decode(bytes).unwrap();
            (0..frame.events.len()).any(|i| record::decode(&frame, i).is_ok_and(|r| r.message_id == given))
        });
        assert!(is_given, "the id that was reported is the one the worker will see");
        drop(landed);
        assert_eq!(world.events().len(), 4, "rejected events wait in quarantine");
    }
}

#[tokio::test]
async fn the_own_endpoint_takes_lines_and_cloud_events_in_all_three_modes() {
    let event = |id: u32| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/pos","type":"sold","subject":"u"}}"#)
    };
    let lines = "{\"type\":\"page\",\"userId\":\"u\"}\nbroken\n{\"type\":\"page\",\"userId\":\"v\"}\n";
    let binary =
        format!("{KEY}\nce-specversion: 1.0\nce-id: 1\nce-source: /pos\nce-type: sold\nce-subject: u");
    let cases = [
        (
            KEY,
            lines.to_owned(),
            vec!["Page Page user_id=u", "parse: an event must be a JSON object", "Page Page user_id=v"],
        ),
        (KEY, event(1), vec!["Track sold user_id=u"]),
        (KEY, format!("[{},{}]", event(1), event(2)), vec!["Track sold user_id=u"; 2]),
        (&*binary, r#"{"total":5}"#.to_owned(), vec!["Track sold user_id=u"]),
        (&*binary, String::new(), vec!["Track sold user_id=u"]),
    ];
    for (headers, body, expected) in cases {
        assert_eq!(landed("POST /api/v1/events", headers, body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn debug_mode_says_what_is_wrong_with_each_record() {
    let good = r#"{"type":"track","event":"E","distinct_id":"a"}"#;
    let list = format!(r#"[{good},{{"type":"track","distinct_id":"a"}}]"#);
    let cases = [
        ("dry-run: true", good, 200, 0),
        ("", good, 200, 1),
        ("dry-run: true", &*list, 400, 0),
        ("", &*list, 400, 2),
    ];
    for (headers, json, status, stored) in cases {
        let world = World::new();
        let answer =
            world.send(request("POST /debug?token=TOKEN_DEMO", headers, form("data_list", json))).await;
        assert_eq!((answer.status, world.events().len()), (status, stored), "{headers} {json}");
        if status == 400 {
            let expected = json!([
                {"index":1,"class":"schema","field":"event","reason":"`event` is missing"}
            ]);
            assert_eq!(answer.json()["records"], expected);
        }
    }
}

#[tokio::test]
async fn a_browser_finds_its_way_back_through_the_settings() {
    let world = World::new();
    let settings = "GET /v1/projects/WRITE_KEY_DEMO/settings";
    let answer = world.send(request(settings, "host: cdp.example:8080", "")).await;
    let segment = &answer.json()["integrations"]["Segment.io"];
    let expected = json!({"apiKey":"WRITE_KEY_DEMO","apiHost":"cdp.example:8080/v1","protocol":"http"});
    assert_eq!((answer.status, segment), (200, &expected));
    let forwarded = "host: inner\nx-forwarded-proto: https\nx-forwarded-host: cdp.example";
    let unbelieved = world.send(request(settings, forwarded, "")).await.json();
    assert_eq!(unbelieved["integrations"]["Segment.io"]["apiHost"], "inner/v1");
    let router = router(world.collector().behind_proxy());
    let believed = Answer::of(router.oneshot(request(settings, forwarded, "")).await.unwrap()).await.json();
    let expected = json!({"apiKey":"WRITE_KEY_DEMO","apiHost":"cdp.example/v1","protocol":"https"});
    assert_eq!(believed["integrations"]["Segment.io"], expected);

    for path in ["/sourceConfig?writeKey=WRITE_KEY_DEMO", "/sourceConfig/?p=web&v=3&writeKey=WRITE_KEY_DEMO"]
    {
        let answer = world.send(request(&format!("GET {path}"), "", "")).await;
        let source: &Value = &answer.json()["source"];
        assert_eq!((answer.status, &source["id"], &source["enabled"]), (200, &json!("src_1"), &json!(true)));
        assert_eq!((&source["destinations"], source["config"].is_object()), (&json!([]), true));
    }
    let script = world.send(request("GET /analytics.js/v1/K/analytics.min.js", "", "")).await;
    assert_eq!((script.status, script.text()), (200, "/* script */".to_owned()));
    assert_eq!(script.header("content-type"), "application/javascript; charset=utf-8");
}

#[tokio::test]
async fn counters_tell_events_from_requests() {
    let world = World::new();
    let collector = world.collector();
    let router = router(collector.clone());
    let two = r#"{"batch":[{"type":"page","userId":"u"},{"type":"page"}]}"#;
    for (line, headers, body) in [
        ("POST /v1/batch", KEY, two),
        ("POST /api/v1/events", KEY, two),
        ("POST /v1/batch", KEY, "{"),
        ("POST /v1/batch", "", "{}"),
    ] {
        router.clone().oneshot(request(line, headers, body)).await.unwrap();
    }
    let c = &collector.counters;
    let figures = [&c.accepted, &c.rejected, &c.requests, &c.refused, &c.bytes].map(|n| n.load(Relaxed));
    assert_eq!(figures, [3, 1, 4, 2, 2 * two.len() as u64 + 3]);
}

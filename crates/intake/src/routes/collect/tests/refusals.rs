//! What is refused, with which status, and that every refusal can be read by the page that caused it.

use std::io::Write;

use kernel::limits::{BATCH_EVENTS_MAX, BODY_WIRE_BYTES_MAX};

use super::*;

const KEY: &str = "x-write-key: WRITE_KEY_DEMO";
const PAGE: &str = r#"{"type":"page","userId":"u"}"#;

async fn status(line: &str, headers: &str, body: impl Into<Body>) -> u16 {
    let world = World::new();
    let answer = world.send(request(line, headers, body)).await;
    assert!(answer.status == 200 || world.landed.lock().is_empty(), "{line}: refused, yet landed");
    answer.status
}

#[tokio::test]
async fn unknown_keys_are_401_and_sources_that_may_not_send_403() {
    let record = form("data", r#"{"type":"track","event":"E","distinct_id":"a"}"#);
    let mixed = form(
        "data_list",
        r#"[{"type":"track","token":"TOKEN_DEMO"},{"type":"track","token":"WRITE_KEY_DEMO"}]"#,
    );
    let cases = [
        ("POST /v1/batch", String::new(), PAGE.to_owned(), 401),
        ("POST /v1/batch", basic("WRONG:"), PAGE.into(), 401),
        ("POST /v1/batch", basic("WRONG:"), r#"{"type":"page","writeKey":"WRITE_KEY_DEMO"}"#.into(), 401),
        ("POST /v1/batch", String::new(), r#"{"type":"page","writeKey":"WRONG"}"#.into(), 401),
        ("POST /v1/batch?writeKey=WRONG", String::new(), PAGE.into(), 401),
        ("POST /v1/batch", "authorization: Bearer WRITE_KEY_DEMO".into(), PAGE.into(), 401),
        ("POST /api/v1/events", "authorization: Bearer WRONG".into(), PAGE.into(), 401),
        ("POST /sa", String::new(), record.clone(), 401),
        ("POST /sa?token=WRONG&project=default", String::new(), record.clone(), 401),
        ("POST /sa?project=nobody", String::new(), record.clone(), 401),
        ("POST /sa", String::new(), mixed, 400),
        ("GET /v1/projects/WRONG/settings", String::new(), String::new(), 401),
        ("GET /sourceConfig/?writeKey=WRONG", String::new(), String::new(), 401),
        ("GET /sourceConfig/", String::new(), String::new(), 401),
        ("POST /v1/batch", basic("DISABLED:"), PAGE.into(), 403),
        ("POST /v1/batch", String::new(), r#"{"type":"page","writeKey":"DISABLED"}"#.into(), 403),
        ("POST /sa?project=closed", String::new(), record, 403),
        ("GET /v1/projects/DISABLED/settings", String::new(), String::new(), 403),
    ];
    for (line, headers, body, expected) in cases {
        assert_eq!(status(line, &headers, body.clone()).await, expected, "{line} {headers} {body}");
    }
}

#[tokio::test]
async fn a_source_with_origins_takes_events_from_their_pages_and_from_servers() {
    for (origin, expected) in [
        ("origin: https://shop.example", 200),
        ("origin: HTTPS://Shop.example", 200),
        ("", 200),
        ("origin: https://shop.example.evil", 403),
        ("origin: http://shop.example", 403),
        ("origin: null", 403),
    ] {
        let headers = format!("x-write-key: ONE_ORIGIN\n{origin}");
        assert_eq!(status("POST /v1/p", &headers, PAGE).await, expected, "{origin}");
    }
}

#[tokio::test]
async fn only_what_cannot_be_read_at_all_is_400() {
    for (line, body, expected) in [
        ("POST /v1/batch", "", 400),
        ("POST /v1/batch", "{\"batch\":[", 400),
        ("POST /v1/batch", "{\"foo\":1}", 400),
        ("POST /v1/batch", "{}{}", 400),
        ("POST /v1/track", "{\"event\":tru}", 400),
        ("POST /v1/batch", "\x1f", 400),
        ("POST /api/v1/events", "nothing", 400),
        ("POST /v1/batch", "{\"batch\":[{},5,null,{\"a\":tru}]}", 200),
        ("POST /v1/track", "{}", 200),
        ("POST /api/v1/events", "{}", 200),
    ] {
        assert_eq!(status(line, KEY, body).await, expected, "{line} {body}");
    }
    assert_eq!(status("GET /sa?token=TOKEN_DEMO", "", "").await, 400);
    assert_eq!(status("POST /sa?token=TOKEN_DEMO", "", "data=%%%").await, 400);
}

#[tokio::test]
async fn bodies_are_limited_packed_unpacked_and_in_number() {
    let big = format!(r#"{{"type":"page","userId":"u","x":"{}"}}"#, "x".repeat(BODY_WIRE_BYTES_MAX));
    assert_eq!(status("POST /v1/p", KEY, big.clone()).await, 413);
    let chunks = (0..6).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 20])));
    let streamed = Body::from_stream(futures_util::stream::iter(chunks));
    assert_eq!(status("POST /v1/p", KEY, streamed).await, 413, "without a Content-Length too");
    let announced = format!("{KEY}\ncontent-length: 99999999");
    assert_eq!(status("POST /v1/p", &announced, "{}").await, 413, "what is announced is not awaited");

    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&vec![b' '; 64 << 20]).unwrap();
    assert_eq!(status("POST /v1/p", KEY, bomb.finish().unwrap()).await, 413);

    let batch = |n: usize| format!("{{\"batch\":[{}]}}", vec![PAGE; n].join(","));
    assert_eq!(status("POST /v1/batch", KEY, batch(BATCH_EVENTS_MAX)).await, 200);
    assert_eq!(status("POST /v1/batch", KEY, batch(BATCH_EVENTS_MAX + 1)).await, 413);
}

#[tokio::test]
async fn chunks_of_a_streamed_body_come_together() {
    let whole = r#"{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"v"}]}"#;
    for size in [1, 7, 40, whole.len()] {
        let chunks: Vec<_> = whole
            .as_bytes()
            .chunks(size)
            .map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c)))
            .collect();
        let world = World::new();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        assert_eq!(world.send(request("POST /v1/batch", KEY, body)).await.status, 200);
        assert_eq!(world.records(), ["Page Page user_id=u", "Page Page user_id=v"], "{size}");
    }
}

#[tokio::test]
async fn a_source_over_its_rate_is_told_when_to_come_back_and_is_let_in_then() {
    let world = World::new();
    let router = router(world.collector());
    let headers = "x-write-key: SLOW\norigin: https://a.example";
    let send = async |events: usize| {
        let body = format!("{{\"batch\":[{}]}}", vec![PAGE; events].join(","));
        Answer::of(router.clone().oneshot(request("POST /v1/batch", headers, body)).await.unwrap()).await
    };
    let pass = |micros: i64| world.now.fetch_add(micros, Relaxed);
    // Ten events a second: one second's worth may come at once, and a batch may go into debt.
    assert_eq!(send(8).await.status, 200);
    assert_eq!(send(25).await.status, 200);
    let refused = send(1).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "3"));
    assert_eq!(refused.header("x-ratelimit-reset"), "3");
    assert_eq!(refused.header("access-control-allow-origin"), "https://a.example");
    assert_eq!(refused.json()["code"], "limit_exceeded");
    pass(2_000_000);
    assert_eq!(send(1).await.status, 429);
    pass(1_000_000);
    assert_eq!(send(1).await.status, 200, "after the announced three seconds");
    pass(3_600_000_000);
    assert_eq!(send(10).await.status, 200);
    assert_eq!(send(1).await.status, 429, "an idle hour saves up one second, not an hour");
    pass(-1_000_000);
    assert_eq!(send(1).await.status, 429, "a clock that steps back grants nothing");
}

#[tokio::test]
async fn a_log_that_cannot_take_more_asks_for_a_retry_and_tells_no_secrets() {
    type Case = (fn() -> Failure, u16, &'static str, &'static str);
    let cases: [Case; 3] = [
        (|| Failure::Unavailable { reason: "disk".into(), retry_after_seconds: 7 }, 503, "7", ""),
        (|| Failure::LimitExceeded { limit: "queue", max: 5 }, 429, "1", "1"),
        (|| Failure::internal("path /secret"), 500, "", ""),
    ];
    let record = form("data", r#"{"type":"track","event":"E","distinct_id":"a"}"#);
    for (failure, status, retry_after, reset) in cases {
        for (line, headers, body) in [
            ("POST /v1/batch", KEY, PAGE),
            ("POST /api/v1/events", KEY, PAGE),
            ("POST /sa?token=TOKEN_DEMO", "", record.as_str()),
            ("POST /debug?token=TOKEN_DEMO", "", record.as_str()),
        ] {
            let body = body.to_owned();
            let world = World::new();
            *world.failure.lock() = Some(failure);
            let answer = world.send(request(line, headers, body)).await;
            assert_eq!((answer.status, answer.header("retry-after")), (status, retry_after), "{line}");
            assert_eq!(answer.header("x-ratelimit-reset"), reset, "{line}");
            assert!(!answer.text().contains("secret"), "{line}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn every_answer_can_be_read_by_the_page_that_asked() {
    let origin = "origin: https://a.example";
    for (line, status) in [
        ("POST /v1/batch", 401),
        ("POST /v1/nothing", 404),
        ("GET /nowhere/at/all", 404),
        ("GET /v1/track", 405),
        ("DELETE /v1/track", 405),
        ("GET /v1/projects/WRONG/settings", 401),
        ("GET /v1/projects/WRITE_KEY_DEMO/settings", 200),
        ("GET /analytics.js/v1/K/analytics.min.js", 200),
        ("GET /v1/pixel/page", 200),
        ("POST /sa", 400),
        ("POST /api/v1/events", 401),
    ] {
        let body = if line.starts_with("POST /sa") { "" } else { "{}" };
        let answer = World::new().send(request(line, origin, body)).await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example", "{line}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "{line}");
        assert_eq!(answer.header("vary"), "origin", "{line}");
        assert!(!(300..400).contains(&answer.status), "{line}");
    }
    let unasked = World::new().send(request("POST /v1/p", KEY, PAGE)).await;
    assert_eq!(unasked.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_preflight_allows_whatever_headers_are_asked_for_on_every_path() {
    let asked = "anonymousid,authorization,content-type,rsa-retry-attempt,sentat,x-retry-count";
    let headers = format!(
        "origin: https://a.example\naccess-control-request-method: POST\naccess-control-request-headers: {asked}"
    );
    for path in ["/v1/t", "/v1/b", "/sa.gif", "/api/v1/events", "/beacon/v1/batch", "/no/such/path"] {
        let world = World::new();
        let answer = world.send(request(&format!("OPTIONS {path}"), &headers, "")).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), asked, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example", "{path}");
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{path}");
        assert_eq!(answer.header("access-control-max-age"), "86400", "{path}");
    }
}

#[tokio::test]
async fn the_own_endpoint_refuses_with_a_problem_document() {
    let answer = World::new().send(request("POST /api/v1/events", "", PAGE)).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!((&problem["code"], &problem["status"]), (&"unauthenticated".into(), &401.into()));
    let sdk = World::new().send(request("POST /v1/batch", "", PAGE)).await;
    assert_eq!(
        (&sdk.json()["code"], sdk.header("content-type")),
        (&"unauthenticated".into(), "application/json")
    );
}

//! Bodies in every wrapping real SDKs use, and what is found in them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::Instant;
use kernel::limits::BODY_BYTES_MAX;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encode(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn unpacked(body: impl Into<Vec<u8>>) -> Result<String, String> {
    let text = unpack(&Bytes::from(body.into()), None).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(text.to_vec()).unwrap())
}

#[test]
fn json_is_found_however_it_is_wrapped() {
    let json = r#"{"a":"王>>>???"}"#;
    let base64 = encode(json.as_bytes());
    let url_safe = base64.replace('+', "-").replace('/', "_").replace('=', "");
    let escaped = base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
    let packed = encode(&gzip(json.as_bytes())).replace('+', "%2B");
    let bodies: [Vec<u8>; 10] = [
        json.into(),
        format!("\u{feff}\n {json}\n").into(),
        gzip(json.as_bytes()),
        format!("data={escaped}&ext=crc%3D-62").into(),
        format!("data={base64}").into(),
        format!("x=1&data={url_safe}").into(),
        format!("data={packed}&gzip=1").into(),
        format!("gzip=1&data_list={packed}").into(),
        gzip(format!("data={escaped}").as_bytes()),
        "data=%7B%22a%22%3A%22%E7%8E%8B%3E%3E%3E%3F%3F%3F%22%7D".into(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(unpacked(body).as_deref(), Ok(json), "{shown}");
    }
    let query = format!("project=p&data={escaped}");
    assert_eq!(unpack(&Bytes::new(), Some(&query)).unwrap(), json.as_bytes());
}

#[test]
fn what_holds_no_json_says_why() {
    let neither = "the body is neither gzip, nor JSON, nor a form with `data` or `data_list`";
    let gzip_cut = gzip(b"{\"a\":1}")[..15].to_vec();
    let cases: [(Vec<u8>, &str); 7] = [
        (b"".to_vec(), neither),
        (b"hello".to_vec(), neither),
        (b"data=".to_vec(), neither),
        (b"data=%%%".to_vec(), "`data` is not base64"),
        (format!("data={}", encode(b"hello")).into(), "`data` holds no JSON"),
        (gzip_cut.clone(), "the gzip data is damaged or truncated"),
        (
            format!("data={}", encode(&gzip_cut).replace('+', "%2B")).into(),
            "the gzip data is damaged or truncated",
        ),
    ];
    for (body, reason) in cases {
        assert_eq!(unpacked(body.clone()), Err(reason.to_owned()), "{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn a_bomb_is_refused_after_the_limit_and_not_after_its_end() {
    // A quarter of a gigabyte, as many small gzip members of which only the first few are ever opened.
    let member = gzip(&vec![b' '; BODY_BYTES_MAX / 4]);
    let bomb = member.repeat(128);
    assert!(bomb.len() < kernel::limits::BODY_WIRE_BYTES_MAX, "{}", bomb.len());
    assert_eq!(unpack(&Bytes::from(bomb.clone()), None), Err(Unreadable::Bytes));
    let form = format!("data_list={}", encode(&bomb).replace('+', "%2B"));
    assert_eq!(unpack(&Bytes::from(form), None), Err(Unreadable::Bytes));
    let twice = gzip(&bomb);
    assert!(matches!(unpack(&Bytes::from(twice), None), Err(Unreadable::Malformed(_))), "one layer only");
}

fn sliced(text: &str, shape: Shape) -> Vec<String> {
    match slice(text.as_bytes(), shape) {
        Ok(batch) => batch.events.iter().map(|e| String::from_utf8_lossy(e.raw).into_owned()).collect(),
        Err(e) => vec![e.to_string()],
    }
}

#[test]
fn a_broken_event_is_sliced_and_a_broken_body_is_not() {
    let lost = "the list of events is not valid JSON, or is truncated";
    let cases: [(&str, &[&str]); 11] = [
        (r#"{"batch":[]}"#, &[]),
        (r#" {"batch": [ {"a":1} , {"b":[2]} ] , "x":1} "#, &[r#"{"a":1}"#, r#"{"b":[2]}"#]),
        (
            r#"{"batch":[{"a" 1},{"b":tru},17,"x",{"c":1}]}"#,
            &[r#"{"a" 1}"#, r#"{"b":tru}"#, "17", "\"x\"", r#"{"c":1}"#],
        ),
        (r#"[{"a":1},{"b":1}]"#, &[r#"{"a":1}"#, r#"{"b":1}"#]),
        (r#"{"type":"track","batch":5}"#, &[r#"{"type":"track","batch":5}"#]),
        (r#"{"batch":[{"a":1},{"b":1]"#, &[lost]),
        (r#"{"batch":[{"a":1}"#, &[lost]),
        (r#"{"batch":[{"a":1}]"#, &["the body is not valid JSON, or is truncated"]),
        (r#"{"batch":[{"a":1}]} x"#, &["there is text after the end of the JSON document"]),
        (r#"{"type":tru}"#, &["the body is not valid JSON"]),
        ("17", &["the body is not JSON"]),
    ];
    for (text, expected) in cases {
        assert_eq!(sliced(text, Shape::Batch), expected, "{text}");
    }
}

#[test]
fn one_bad_line_costs_no_other_line() {
    let cases: [(&str, usize); 7] = [
        ("{\"a\":1}\n{\"b\":1}\r\n\n{\"c\":1}\n", 3),
        ("{\"a\":\n{\"b\":1}\n", 2),
        ("hello\n{\"b\":1}\n", 2),
        ("{\"batch\":[\n{\"b\":1},\n{\"c\":1}\n]}\n", 2),
        ("{\n\"a\":\n1}", 1),
        ("{\"a\":1}\n", 1),
        ("[{\"a\":1},\n{\"b\":2}]", 2),
    ];
    for (text, events) in cases {
        assert_eq!(slice(text.as_bytes(), Shape::Lines).unwrap().events.len(), events, "{text}");
    }
    for text in ["{\n\"a\":\n1", "hello\nworld", "{\"a\":1"] {
        assert!(slice(text.as_bytes(), Shape::Lines).is_err(), "{text}");
    }
    assert!(slice(b"{\"a\":1}\n{\"b\":1}", Shape::Batch).is_err(), "lines are the own endpoint's alone");
}

#[test]
fn the_envelope_is_read_for_all_and_an_event_keeps_its_own() {
    let text = r#"{"context":{"ip":"1"},"batch":[{"userId":"u","writeKey":"inner","sentAt":"x"}],
        "integrations":{"All":true},"writeKey":"outer","sentAt":"2026-11-21T18:18:57.737Z"}"#;
    let batch = slice(text.as_bytes(), Shape::Batch).unwrap();
    assert_eq!(batch.write_key.as_deref(), Some("outer"));
    assert_eq!(batch.sent_at, Some(Instant(1_795_285_137_737_000)));
    assert_eq!((batch.context, batch.integrations), (Some(r#"{"ip":"1"}"#), Some(r#"{"All":true}"#)));
    let single = slice(br#"{"context":{"ip":"1"},"writeKey":"k","type":"page"}"#, Shape::Batch).unwrap();
    assert_eq!((single.write_key.as_deref(), single.context, single.is_batch), (Some("k"), None, false));
    let inner = slice(br#"{"batch":[{},{"writeKey":"second"}]}"#, Shape::Batch).unwrap();
    assert_eq!(inner.write_key.as_deref(), Some("second"));
}

#[test]
fn a_person_has_one_hash_whatever_else_the_event_says() {
    let hash = |text: &str| slice(text.as_bytes(), Shape::Batch).unwrap().events[0].person;
    let user = hash(r#"{"userId":"17"}"#);
    assert_eq!(hash(r#"{"anonymousId":"a","userId":"17"}"#), user);
    assert_eq!(hash(r#"{"userId":17,"anonymousId":"a"}"#), user, "a number is its text");
    assert_eq!(hash(r#"{"distinct_id":"17"}"#), user);
    let anonymous = hash(r#"{"anonymousId":"a"}"#);
    assert_ne!(anonymous, user);
    assert_eq!(hash(r#"{"userId":null,"anonymousId":"a"}"#), anonymous);
    assert_eq!(hash(r#"{"anonymousId":"a","userId":""}"#), anonymous);
    assert_eq!(hash(r#"{"event":"x"}"#), 0);
    assert_eq!(hash(r#"{"userId":"u-1"}"#), 0x4d84_5819_3ed0_6a42, "the hash is the same for ever");
}

#[test]
fn too_many_events_are_refused_and_the_most_allowed_are_not() {
    let batch = |n: usize| format!("{{\"batch\":[{}]}}", vec!["{}"; n].join(","));
    assert_eq!(slice(batch(2_500).as_bytes(), Shape::Batch).unwrap().events.len(), 2_500);
    assert_eq!(slice(batch(2_501).as_bytes(), Shape::Batch), Err(Unreadable::Events));
    assert_eq!(slice("{}\n".repeat(2_501).as_bytes(), Shape::Lines), Err(Unreadable::Events));
}

#[test]
fn a_binary_cloud_event_becomes_a_structured_one() {
    let headers = [("ce-specversion", "1.0"), ("ce-id", "a+b%20c"), ("ce-type", "t\"q"), ("accept", "*/*")];
    let cases: [(&[u8], &str); 4] = [
        (b" {\"a\":1} ", r#"{"specversion":"1.0","id":"a+b c","type":"t\"q","data":{"a":1}}"#),
        (b"hello", r#"{"specversion":"1.0","id":"a+b c","type":"t\"q","data":"hello"}"#),
        (b"\xff\xfe", r#"{"specversion":"1.0","id":"a+b c","type":"t\"q","data_base64":"//4="}"#),
        (b"", r#"{"specversion":"1.0","id":"a+b c","type":"t\"q"}"#),
    ];
    for (body, expected) in cases {
        let event = structured(headers.into_iter(), body).unwrap();
        assert_eq!(String::from_utf8(event).unwrap(), expected);
    }
    assert_eq!(structured([("ce-id", "1")].into_iter(), b"{}"), None);
}

#[test]
fn a_pixels_query_is_a_message() {
    let query = b"writeKey=k&anonymousId=a%20b&event=Mail+Opened&properties.x=1&context.ip=::1&a.b=c";
    let message = message(Fields::of(query));
    let expected = r#"{"anonymousId":"a b","event":"Mail Opened","properties":{"x":"1"},"context":{"ip":"::1"},"a.b":"c"}"#;
    assert_eq!(String::from_utf8(message).unwrap(), expected);
}

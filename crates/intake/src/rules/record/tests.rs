//! What an event says, as one line a case: kind, name, identifiers, changes, or the reason it is refused.

use kernel::{Instant, SourceNo, time};

use super::*;

/// 2026-11-21T18:30:00Z.
const RECEIVED: Instant = Instant(1_795_285_800_000_000);

fn frame(protocol: Protocol, shared: Option<&'static str>) -> Frame<'static> {
    Frame {
        protocol,
        received: RECEIVED,
        receipt: [7; 16],
        source: SourceNo(1),
        sent_at: None,
        is_import: false,
        ip: None,
        user_agent: None,
        shared,
        first: 0,
        events: Vec::new(),
    }
}

fn shown(result: &Result<Record<'_>, Reject>) -> String {
    let record = match result {
        Ok(record) => record,
        Err(r) => return format!("{} {}: {}", r.class.name(), r.field.as_deref().unwrap_or("-"), r.reason),
    };
    let mut out = format!("{:?} {:?}", record.kind, record.event);
    for id in &record.identifiers {
        out += &format!(" {}={}", id.kind, id.value);
    }
    if let Some(id) = &record.subject {
        out += &format!(" of {}={}", id.kind, id.value);
    }
    for change in &record.traits {
        out += &format!(" {:?}({}, {})", change.op, change.field, change.value);
    }
    if let Some(group) = &record.group_id {
        out += &format!(" group={group}");
    }
    out
}

fn check_in(frame: &Frame<'_>, cases: &[(&str, &str)]) {
    for (event, expected) in cases {
        let frame = Frame { events: vec![event.as_bytes()], ..frame.clone() };
        assert_eq!(shown(&decode(&frame, 0)), *expected, "{event}");
    }
}

#[test]
fn segment_messages_say_who_did_what() {
    check_in(
        &frame(Protocol::Segment, None),
        &[
            (r#"{"type":"track","event":"Buy","userId":"u-1"}"#, r#"Track "Buy" user_id=u-1"#),
            (r#"{"type":"track","event":"Buy","userId":17}"#, r#"Track "Buy" user_id=17"#),
            (r#"{"type":"track","event":"\u738b","userId":"\u0061"}"#, r#"Track "王" user_id=a"#),
            (
                r#"{"type":"track","event":"Buy","userId":"","anonymousId":"a"}"#,
                r#"Track "Buy" anonymous_id=a"#,
            ),
            (r#"{"type":"track","event":"Buy","userId":"u","anonymousId":null}"#, r#"Track "Buy" user_id=u"#),
            (r#"{"userId":"u","userId":"v","type":"page"}"#, r#"Page "Page" user_id=v"#),
            (r#"{"type":"page","name":"Home","anonymousId":"a"}"#, r#"Page "Home" anonymous_id=a"#),
            (r#"{"type":"screen","name":null,"userId":"u"}"#, r#"Screen "Screen" user_id=u"#),
            (
                r#"{"type":"alias","userId":"u","previousId":"old"}"#,
                r#"Alias "Alias" user_id=u anonymous_id=old"#,
            ),
            (
                r#"{"type":"group","userId":"u","groupId":5,"traits":{"email":"shop@x.cn"}}"#,
                r#"Group "Group" user_id=u group=5"#,
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","context":{"groupId":"g","device":{"id":"d"}}}"#,
                r#"Track "E" user_id=u device_id=d group=g"#,
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","context":{"traits":{"email":"a@x.cn"}}}"#,
                r#"Track "E" user_id=u email=a@x.cn"#,
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","context":{"externalIds":[
                    {"id":"M-1","type":"member_no"},{"id":7,"type":"card"},{"id":"x"},{"id":null,"type":"y"},
                    3,{"id":"M-1","type":"member_no"}]}}"#,
                r#"Track "E" user_id=u member_no=M-1 card=7"#,
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","context":{"device":3,"externalIds":{},"traits":[]}}"#,
                r#"Track "E" user_id=u"#,
            ),
        ],
    );
}

#[test]
fn identify_takes_traits_first_and_the_contexts_traits_for_the_rest() {
    check_in(
        &frame(Protocol::Segment, None),
        &[
            (
                r#"{"type":"identify","userId":"u","traits":{"email":"a@x.cn","phone":"138","address":{"city":"沪"},"age":null}}"#,
                r#"Identify "Identify" user_id=u email=a@x.cn mobile=138 Set(email, "a@x.cn") Set(phone, "138") Set(address, {"city":"沪"}) Set(age, null)"#,
            ),
            (
                r#"{"type":"identify","userId":"u","traits":{"name":"A"},"context":{"traits":{"name":"B","mobile":139}}}"#,
                r#"Identify "Identify" user_id=u mobile=139 Set(name, "A") Set(mobile, 139)"#,
            ),
            (
                r#"{"type":"identify","userId":"u","traits":{"email":"a@x.cn"},"context":{"traits":{"email":"b@x.cn"}}}"#,
                r#"Identify "Identify" user_id=u email=a@x.cn Set(email, "a@x.cn")"#,
            ),
            (
                r#"{"type":"identify","anonymousId":"a","traits":{"phone":"1","mobile":"2","email":{}}}"#,
                r#"Identify "Identify" anonymous_id=a mobile=1 mobile=2 Set(phone, "1") Set(mobile, "2") Set(email, {})"#,
            ),
            (
                r#"{"type":"identify","userId":"u","traits":{"a":1,"a":2}}"#,
                r#"Identify "Identify" user_id=u Set(a, 2)"#,
            ),
        ],
    );
}

#[test]
fn what_is_no_message_is_refused_with_a_reason_and_a_field() {
    check_in(
        &frame(Protocol::Segment, None),
        &[
            ("17", "parse -: an event must be a JSON object"),
            ("", "parse -: an event must be a JSON object"),
            (
                r#"{"type":"track","event":"E","userId":"u""#,
                "parse -: the event is not valid JSON: EOF while parsing an object at line 1 column 40",
            ),
            (
                r#"{"type":"track","event":"\ud83d","userId":"u"}"#,
                "parse -: a `\\u` escape names half a character",
            ),
            (r#"{"event":"E","userId":"u"}"#, "schema type: `type` is missing"),
            (
                r#"{"type":"merge","userId":"u"}"#,
                "schema type: `type` is `merge`, not one of track, page, screen, identify, group, alias",
            ),
            (r#"{"type":"track","userId":"u"}"#, "schema event: `event` is missing"),
            (r#"{"type":"track","event":"","userId":"u"}"#, "schema event: `event` is missing"),
            (r#"{"type":"track","event":5,"userId":"u"}"#, "schema event: `event` is a number, not a string"),
            (
                r#"{"type":"track","event":"E","userId":null,"anonymousId":""}"#,
                "schema userId: there is neither `userId` nor `anonymousId`, nor another identifier",
            ),
            (
                r#"{"type":"track","event":"E","userId":{"a":1}}"#,
                "schema userId: `userId` is an object, not a string",
            ),
            (
                r#"{"type":"track","event":"E","userId":true}"#,
                "schema userId: `userId` is a boolean, not a string",
            ),
            (
                r#"{"type":"track","event":"E","userId":"a\u0000b"}"#,
                "schema userId: `userId` contains a NUL character",
            ),
        ],
    );
}

#[test]
fn a_field_of_the_wrong_type_or_an_impossible_time_is_refused_by_name() {
    check_in(
        &frame(Protocol::Segment, None),
        &[
            (r#"{"type":"group","userId":"u"}"#, "schema groupId: `groupId` is missing"),
            (
                r#"{"type":"track","event":"E","userId":"u","properties":[1]}"#,
                "schema properties: `properties` is an array, not an object",
            ),
            (
                r#"{"type":"identify","userId":"u","traits":"x"}"#,
                "schema traits: `traits` is a string, not an object",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","context":5}"#,
                "schema context: `context` is a number, not an object",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","timestamp":"yesterday"}"#,
                "time timestamp: `timestamp` is no instant; send RFC 3339 with a zone, or milliseconds",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","timestamp":{}}"#,
                "schema timestamp: `timestamp` is an object, not an instant",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","timestamp":"2031-01-01T00:00:00Z"}"#,
                "time timestamp: future_time: 2031-01-01T00:00:00.000Z is more than 5 minutes after it was received at 2026-11-21T18:30:00.000Z",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","originalTimestamp":"2020-01-01T00:00:00Z"}"#,
                "time originalTimestamp: past_time: 2020-01-01T00:00:00.000Z is more than 36 months ago; send old events as an import",
            ),
        ],
    );
}

#[test]
fn sizes_are_limited_at_their_exact_border() {
    let event = |field: &str, value: &str| {
        format!(r#"{{"type":"track","event":"E","userId":"u","{field}":{value}}}"#)
    };
    let text = |n: usize| format!("\"{}\"", "x".repeat(n));
    let nested = |n: usize| format!("{}{}", "{\"a\":".repeat(n) + "1", "}".repeat(n));
    let whole = |n: usize| {
        let short = event("properties", r#"{"a":""}"#).len();
        event("properties", &format!(r#"{{"a":{}}}"#, text(n - short)))
    };
    let cases = [
        (event("messageId", &text(100)), ""),
        (event("messageId", &text(101)), "size messageId: `messageId` has 101 characters; 100 are allowed"),
        (event("messageId", &format!("\"{}\"", "王".repeat(100))), ""),
        (event("userId", &text(1_020)), ""),
        (event("userId", &text(1_021)), "size userId: `userId` has 1021 bytes; 1020 are allowed"),
        (event("event", &text(400)), ""),
        (event("event", &text(401)), "size event: `event` has 401 bytes; 400 are allowed"),
        (event("properties", &nested(63)), ""),
        (event("properties", &nested(64)), "size -: the event nests 65 levels deep; 64 are allowed"),
        (event("properties", &nested(4_000)), "size -: the event nests 4001 levels deep; 64 are allowed"),
        (whole(32_768), ""),
        (whole(32_769), "size -: the event has 32769 bytes; 32768 are allowed"),
    ];
    for (event, expected) in &cases {
        let frame = Frame { events: vec![event.as_bytes()], ..frame(Protocol::Segment, None) };
        let result = decode(&frame, 0);
        let found = if result.is_ok() { String::new() } else { shown(&result) };
        assert_eq!(found, *expected, "{:.80}", event);
    }
}

#[test]
fn bytes_that_are_not_utf_8_cost_only_their_own_event() {
    let bad = b"{\"type\":\"track\",\"event\":\"\xb0\xc2\",\"userId\":\"u\"}";
    let frame = Frame {
        events: vec![&bad[..], br#"{"type":"page","userId":"u"}"#],
        ..frame(Protocol::Segment, None)
    };
    assert_eq!(shown(&decode(&frame, 0)), "parse -: the event is not UTF-8 from byte 25");
    assert_eq!(shown(&decode(&frame, 1)), r#"Page "Page" user_id=u"#);
    assert_eq!(shown(&decode(&frame, 2)), "parse -: the frame has no such event");
}

#[test]
fn the_difference_of_the_clocks_is_taken_out_and_the_order_kept_below_the_millisecond() {
    let minute = |n: i64| RECEIVED.plus(n * time::MINUTE);
    let cases: [(&str, Instant); 9] = [
        (r#""timestamp":"2026-11-21T18:20:00.000Z""#, minute(-10)),
        // The sender's clock is an hour ahead and the event waited ten minutes.
        (r#""timestamp":"2026-11-21T19:20:00.000Z","sentAt":"2026-11-21T19:30:00.000Z""#, minute(-10)),
        (r#""originalTimestamp":"2026-11-21T19:20:00Z","sentAt":"2026-11-21T19:30:00Z""#, minute(-10)),
        (r#""timestamp":"2026-11-21T18:29:00+00:00","originalTimestamp":"2026-11-21T18:20:00Z""#, minute(-1)),
        (r#""timestamp":"2026-11-21T18:20:00Z","sentAt":"never""#, minute(-10)),
        (r#""timestamp":1795285200000"#, minute(-10)),
        (r#""timestamp":"1795285200""#, minute(-10)),
        (r#""timestamp":"2026-11-21T18:34:59.999999Z""#, minute(5).plus(-1_000)),
        (r#""timestamp":null"#, RECEIVED),
    ];
    for (fields, expected) in cases {
        let event = format!(r#"{{"type":"page","userId":"u",{fields}}}"#);
        let frame = Frame { events: vec![event.as_bytes(); 1_200], ..frame(Protocol::Segment, None) };
        for (index, order) in [(0, 0), (7, 7), (999, 999), (1_199, 999)] {
            assert_eq!(decode(&frame, index).unwrap().time, expected.plus(order), "{fields} at {index}");
        }
    }
    let event =
        r#"{"type":"page","userId":"u","timestamp":"2026-11-21T19:20:00Z","sentAt":"2026-11-21T18:00:00Z"}"#;
    let sent_at = Instant::parse("2026-11-21T19:30:00Z");
    let frame = Frame { sent_at, events: vec![event.as_bytes()], ..frame(Protocol::Segment, None) };
    assert_eq!(decode(&frame, 0).unwrap().time, minute(-10), "the batch's sentAt is newer than the event's");
}

#[test]
fn old_events_are_welcome_in_an_import_only() {
    let event = br#"{"type":"page","userId":"u","timestamp":"2011-01-01T00:00:00Z"}"#;
    let import = Frame { is_import: true, events: vec![event], ..frame(Protocol::Segment, None) };
    assert_eq!(decode(&import, 0).unwrap().time, Instant::parse("2011-01-01T00:00:00Z").unwrap());
    let live = Frame { is_import: false, ..import };
    assert_eq!(decode(&live, 0).unwrap_err().class, Class::Time);
}

#[test]
fn an_event_without_message_id_gets_one_that_survives_replay_and_extraction() {
    let event = br#"{"type":"page","userId":"u","messageId":""}"#;
    let three = Frame { events: vec![event; 3], ..frame(Protocol::Segment, None) };
    let ids: Vec<_> = (0..3).map(|i| decode(&three, i).unwrap().message_id.into_owned()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    assert_eq!(ids[0].len(), 36);
    let again = three.encode();
    let again = Frame::decode(&again).unwrap();
    for (index, id) in ids.iter().enumerate() {
        let here = decode(&again, index).unwrap();
        assert_eq!(here.message_id, *id);
        let alone = again.only(index).encode();
        let alone = Frame::decode(&alone).unwrap();
        assert_eq!(decode(&alone, 0).unwrap(), here, "alone it is the same record");
        assert_eq!(decode(&alone.only(0), 0).unwrap(), here, "and extracted twice too");
    }
    let other = Frame { receipt: [8; 16], ..three };
    assert_ne!(decode(&other, 0).unwrap().message_id, ids[0]);
}

#[test]
fn a_batch_lends_its_context_and_type_to_events_that_lack_them() {
    let shared =
        r#"{"context":{"ip":"1.1.1.1","device":{"id":"d0"},"traits":{"email":"s@x.cn"}},"type":"track"}"#;
    let frame = frame(Protocol::Segment, Some(shared));
    check_in(
        &frame,
        &[
            (r#"{"event":"E","userId":"u"}"#, r#"Track "E" user_id=u email=s@x.cn device_id=d0"#),
            (
                r#"{"type":"identify","userId":"u","context":{"device":{"id":"d1"}}}"#,
                r#"Identify "Identify" user_id=u email=s@x.cn device_id=d1 Set(email, "s@x.cn")"#,
            ),
        ],
    );
    let event = r#"{"event":"E","userId":"u","context":{"ip":"2.2.2.2","x":"\u738b"}}"#;
    let frame = Frame { events: vec![event.as_bytes()], ..frame };
    let expected = r#"{"ip":"2.2.2.2","x":"\u738b","device":{"id":"d0"},"traits":{"email":"s@x.cn"}}"#;
    assert_eq!(decode(&frame, 0).unwrap().context.as_deref(), Some(expected));
}

#[test]
fn sensors_records_say_who_did_what() {
    check_in(
        &frame(Protocol::Sensors, None),
        &[
            (
                r#"{"type":"track","event":"E","distinct_id":"a-7"}"#,
                r#"Track "E" $identity_anonymous_id=a-7"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","properties":{"$is_login_id":true}}"#,
                r#"Track "E" $identity_login_id=u"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","properties":{"x":{"$is_login_id":true}}}"#,
                r#"Track "E" $identity_anonymous_id=u"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"$identity_mobile+138+1"}"#,
                r#"Track "E" $identity_mobile=138+1"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"a+b@x.cn"}"#,
                r#"Track "E" $identity_anonymous_id=a+b@x.cn"#,
            ),
            (
                r#"{"type":"track_signup","distinct_id":"u","original_id":"a-7"}"#,
                r#"Signup "$SignUp" $identity_login_id=u $identity_anonymous_id=a-7"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","login_id":"u","anonymous_id":"c"}"#,
                r#"Track "E" $identity_login_id=u $identity_anonymous_id=c"#,
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","identities":{"$identity_cookie_id":"c","$identity_login_id":"u","x":"","n":5}}"#,
                r#"Track "E" $identity_cookie_id=c $identity_login_id=u n=5"#,
            ),
            (
                r#"{"type":"track_id_bind","distinct_id":"u","identities":{"$identity_login_id":"u","$identity_mobile":"138"}}"#,
                r#"Bind "$BindID" $identity_login_id=u $identity_mobile=138"#,
            ),
            (
                r#"{"type":"track_id_unbind","event":"$UnbindID","distinct_id":"u","login_id":"u","identities":{"$identity_email":"e"}}"#,
                r#"Unbind "$UnbindID" $identity_email=e of $identity_login_id=u"#,
            ),
            (
                r#"{"type":"track_id_unbind","distinct_id":"u","identities":{"$identity_email":"e"}}"#,
                r#"Unbind "$UnbindID" $identity_email=e"#,
            ),
            (
                r#"{"type":"track_id_unbind","distinct_id":"$identity_mobile+138","identities":{"$identity_mobile":"138"}}"#,
                r#"Unbind "$UnbindID" $identity_mobile=138"#,
            ),
            (
                r#"{"type":"item_set","item_type":"product","item_id":"P1","properties":{"a":1}}"#,
                r#"Item "item_set""#,
            ),
        ],
    );
}

#[test]
fn sensors_profile_operations_keep_their_meaning() {
    check_in(
        &frame(Protocol::Sensors, None),
        &[
            (
                r#"{"type":"profile_set","distinct_id":"u","properties":{"name":"王","$is_login_id":true}}"#,
                r#"Profile "profile_set" $identity_login_id=u Set(name, "王")"#,
            ),
            (
                r#"{"type":"profile_set_once","distinct_id":"u","properties":{"a":1}}"#,
                r#"Profile "profile_set_once" $identity_anonymous_id=u SetOnce(a, 1)"#,
            ),
            (
                r#"{"type":"profile_increment","distinct_id":"u","properties":{"n":-1.5}}"#,
                r#"Profile "profile_increment" $identity_anonymous_id=u Increment(n, -1.5)"#,
            ),
            (
                r#"{"type":"profile_append","distinct_id":"u","properties":{"h":["a"]}}"#,
                r#"Profile "profile_append" $identity_anonymous_id=u Append(h, ["a"])"#,
            ),
            (
                r#"{"type":"profile_unset","distinct_id":"u","properties":{"h":true}}"#,
                r#"Profile "profile_unset" $identity_anonymous_id=u Unset(h, true)"#,
            ),
            (
                r#"{"type":"profile_delete","distinct_id":"u"}"#,
                r#"Profile "profile_delete" $identity_anonymous_id=u DeleteAll(, null)"#,
            ),
            (
                r#"{"type":"profile_increment","distinct_id":"u","properties":{"n":"1"}}"#,
                "schema properties.n: `properties.n` is a string, not a number",
            ),
            (
                r#"{"type":"profile_append","distinct_id":"u","properties":{"n":1}}"#,
                "schema properties.n: `properties.n` is a number, not a list of strings",
            ),
            (r#"{"type":"profile_set","distinct_id":"u"}"#, "schema properties: `properties` is missing"),
        ],
    );
}

#[test]
fn sensors_records_that_say_too_little_are_refused() {
    check_in(
        &frame(Protocol::Sensors, None),
        &[
            (r#"{"type":"track","event":"E"}"#, "schema distinct_id: `distinct_id` is missing"),
            (r#"{"type":"track","distinct_id":"u"}"#, "schema event: `event` is missing"),
            (r#"{"type":"item_set","item_type":"p"}"#, "schema item_id: `item_id` is missing"),
            (
                r#"{"type":"item_set","item_type":"p","item_id":5}"#,
                "schema item_id: `item_id` is a number, not a string",
            ),
            (r#"{"type":"track_id_unbind","distinct_id":"u"}"#, "schema identities: `identities` is missing"),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","identities":{"a":[]}}"#,
                "schema identities: `identities` is an array, not a string",
            ),
            (
                r#"{"type":"profile","distinct_id":"u"}"#,
                "schema type: `type` is `profile`, not one of track, track_signup, track_id_bind, track_id_unbind, profile_*, item_*",
            ),
            (
                r#"{"type":"track","event":"E","distinct_id":"u","time":"soon"}"#,
                "time time: `time` is no instant; send RFC 3339 with a zone, or milliseconds",
            ),
        ],
    );
}

#[test]
fn sensors_times_are_milliseconds_or_ten_digit_seconds() {
    let cases = [
        ("1795285200000", Some(1_795_285_200_000)),
        ("1795285200", Some(1_795_285_200_000)),
        (r#""1795285200000""#, Some(1_795_285_200_000)),
        ("1795285200000.0", Some(1_795_285_200_000)),
        ("1.7952852e12", Some(1_795_285_200_000)),
        ("1e300", None),
        (r#""inf""#, None),
        (r#""NaN""#, None),
        ("99999999999999999999", None),
    ];
    for (raw, millis) in cases {
        assert_eq!(instant(raw), millis.map(Instant::from_millis), "{raw}");
    }
    let old = r#"{"type":"track","event":"E","distinct_id":"u","time":1293840000000}"#;
    let free = old.replace("\"time\"", "\"time_free\":true,\"time\"");
    let frame = Frame { events: vec![old.as_bytes(), free.as_bytes()], ..frame(Protocol::Sensors, None) };
    assert_eq!(decode(&frame, 0).unwrap_err().class, Class::Time);
    assert_eq!(decode(&frame, 1).unwrap().time.millis(), 1_293_840_000_000, "`time_free` marks an import");
}

#[test]
fn a_sensors_record_sent_again_has_its_id_and_another_fact_of_the_same_millisecond_has_not() {
    let id = |event: &str| {
        let frame = Frame { events: vec![event.as_bytes()], ..frame(Protocol::Sensors, None) };
        decode(&frame, 0).unwrap().message_id.into_owned()
    };
    let web = |track: u32, flush: u32| {
        id(&format!(
            r#"{{"type":"track","event":"E","distinct_id":"u","time":1795285200000,"_track_id":{track},"_flush_time":{flush},"properties":{{"n":{flush}}}}}"#
        ))
    };
    assert_eq!(web(1, 1), web(1, 2), "a resent record differs in its flush time only");
    assert_ne!(web(1, 1), web(2, 1));
    let server = |points: u32| {
        id(&format!(
            r#"{{"type":"profile_increment","distinct_id":"u","time":1795285200000,"properties":{{"points":{points}}}}}"#
        ))
    };
    assert_eq!(server(5), server(5));
    assert_ne!(server(5), server(120), "without `_track_id` the content counts");
}

#[test]
fn cloud_events_are_tracks_of_their_subject() {
    check_in(
        &frame(Protocol::Own, None),
        &[
            (
                r#"{"specversion":"1.0","id":"1","source":"/pos","type":"cn.shop.sold","subject":"u-1","data":{"a":1}}"#,
                r#"Track "cn.shop.sold" user_id=u-1"#,
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"/pos","type":"t","subject":"order/9","anonymousid":"a"}"#,
                r#"Track "t" anonymous_id=a"#,
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"/pos","type":"t"}"#,
                "schema subject: `subject` is missing",
            ),
            (
                r#"{"specversion":"1.0","source":"/pos","type":"t","subject":"u"}"#,
                "schema id: `id` is missing",
            ),
            (
                r#"{"specversion":"0.3","id":"1","source":"/pos","type":"t","subject":"u"}"#,
                "schema specversion: `specversion` is not `1.0`",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"/pos","type":"t","subject":"u","data":"text"}"#,
                "schema data: `data` is a string, not an object",
            ),
            (
                r#"{"type":"track","event":"E","userId":"u","properties":{"specversion":"1.0"}}"#,
                r#"Track "E" user_id=u"#,
            ),
        ],
    );
    let event =
        br#"{"specversion":"1.0","id":"i-1","source":"s","type":"t","subject":"u","time":"2026-11-21T18:20:00Z","data":{"a":1}}"#;
    let frame = Frame { events: vec![event], ..frame(Protocol::Own, None) };
    let record = decode(&frame, 0).unwrap();
    assert_eq!((&*record.message_id, record.properties), ("i-1", Some(r#"{"a":1}"#)));
    assert_eq!(record.time, RECEIVED.plus(-10 * time::MINUTE));
}

#[test]
fn a_command_is_no_event() {
    check_in(&frame(Protocol::Command, None), &[("{}", "schema -: a command is not an event")]);
}

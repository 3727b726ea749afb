//! Events whose names are longer than a database can index, or have characters it cannot store, are
//! put aside or kept, with a reason, alike on both databases. They never stop the others.

use std::collections::BTreeSet;

use ::db::{Store, Tx};
use insight::stages::UpdateProfile;
use intake::batch::{Batch, Context, Event, Stage, State, Subject};
use intake::rules::frame::{Frame, Protocol};
use intake::rules::record;
use intake::stages::{CheckPlan, KeepObjects, QuarantineRejects};
use intake::store::quarantine::quarantine_summary;
use kernel::{Instant, NodeNo, SourceNo};

use super::{key, pool, read, scope};

testkit::both_databases![
    names_too_long_for_an_index_put_their_event_aside,
    names_as_long_as_allowed_are_kept,
    names_with_a_nul_stop_nothing,
];

/// Characters without a pattern, so that no index can compress them.
fn text(chars: u32) -> String {
    (0..chars).map(|i| char::from_u32(0x4e00 + i * i % 19_997).unwrap()).collect()
}

/// Events with `name` wherever a sender may put a name of their own.
fn events(name: &str) -> Vec<(Protocol, String)> {
    let name = serde_json::to_string(name).unwrap();
    let segment = |rest: String| (Protocol::Segment, format!(r#"{{"userId":"u",{rest}}}"#));
    let sensors = |rest: String| (Protocol::Sensors, format!(r#"{{"time":1767225600000,{rest}}}"#));
    let item = |rest: String| sensors(format!(r#""type":"item_set",{rest}"#));
    vec![
        segment(format!(r#""type":"track","event":{name}"#)),
        segment(format!(r#""type":"track","event":"a","properties":{{{name}:1}}"#)),
        segment(format!(r#""type":"identify","traits":{{{name}:1}}"#)),
        segment(format!(r#""type":"group","groupId":"g","traits":{{{name}:1}}"#)),
        sensors(format!(r#""type":"profile_increment","distinct_id":"u","properties":{{{name}:1}}"#)),
        sensors(format!(r#""type":"profile_unset","distinct_id":"u","properties":{{{name}:true}}"#)),
        item(format!(r#""item_type":"t","item_id":"i","properties":{{{name}:1}}"#)),
        item(format!(r#""item_type":{name},"item_id":"i","properties":{{"a":1}}"#)),
    ]
}

/// Events with `id` as the id of a thing.
fn things(id: &str) -> Vec<(Protocol, String)> {
    let id = serde_json::to_string(id).unwrap();
    let group = format!(r#"{{"userId":"u","type":"group","groupId":{id},"traits":{{"a":1}}}}"#);
    let item = format!(
        r#"{{"time":1767225600000,"type":"item_set","item_type":"t","item_id":{id},"properties":{{"a":1}}}}"#
    );
    vec![(Protocol::Segment, group), (Protocol::Sensors, item)]
}

fn run(tx: &mut Tx<'_>, protocol: Protocol, raw: &str, n: u64) -> kernel::Result<State> {
    let context =
        Context { scope: scope(), secret: [1; 32], partition: 0, partitions: 1, time_zone: "UTC".into() };
    let frame = Frame {
        protocol,
        received: Instant(1_767_225_600_000_000),
        receipt: [0; 16],
        source: SourceNo(1),
        sent_at: None,
        is_import: false,
        ip: None,
        user_agent: None,
        shared: None,
        first: 0,
        events: vec![raw.as_bytes()],
    };
    let (record, state) = match record::decode(&frame, 0) {
        Ok(record) => (Some(record), State::Live),
        Err(reject) => (None, State::Rejected(reject.into())),
    };
    let subject = Some(Subject { node: NodeNo(1), bucket_micros: 0 });
    let mut events = [Event { frame: &frame, index: 0, key: key(n), record, state, subject }];
    let mut batch = Batch { context: &context, no: n, events: &mut events, regrouped: BTreeSet::new() };
    let stages: [&mut dyn Stage; 4] =
        [&mut CheckPlan::default(), &mut KeepObjects, &mut UpdateProfile, &mut QuarantineRejects];
    stages.into_iter().try_for_each(|stage| stage.run(tx, &mut batch))?;
    Ok(events[0].state.clone())
}

/// What becomes of each event, in transactions of their own.
fn states(store: &Store, events: &[(Protocol, String)]) -> Vec<State> {
    let run = |(n, (protocol, raw)): (u64, &(Protocol, String))| {
        let state = pool(store).write(|tx| run(tx, *protocol, raw, n));
        state.unwrap_or_else(|failure| panic!("{failure}: {raw}"))
    };
    (1..).zip(events).map(run).collect()
}

fn names_too_long_for_an_index_put_their_event_aside(store: Store) {
    let long = text(9_000);
    let events = [events(&long), things(&long)].concat();
    for (state, (_, raw)) in states(&store, &events).iter().zip(&events) {
        let State::Rejected(rejection) = state else { panic!("kept: {raw}") };
        assert!(rejection.reason.contains("bytes") && rejection.reason.len() < 300, "{}", rejection.reason);
    }
    let count: u64 = read(&store, quarantine_summary).into_iter().map(|(_, _, count)| count).sum();
    assert_eq!(count, events.len() as u64);
}

fn names_as_long_as_allowed_are_kept(store: Store) {
    let events = [events(&text(133)), things(&text(340))].concat();
    for (state, (_, raw)) in states(&store, &events).iter().zip(&events) {
        assert_eq!(state, &State::Live, "{raw}");
    }
}

fn names_with_a_nul_stop_nothing(store: Store) {
    for state in states(&store, &[events("a\0b"), things("a\0b")].concat()) {
        assert!(matches!(state, State::Live | State::Rejected(_)));
    }
}

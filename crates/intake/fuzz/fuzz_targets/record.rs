//! An event, however broken, becomes a record or a reason; the same every time, alone or in its request;
//! and what a record borrows as JSON is JSON.
#![no_main]

use intake::rules::frame::{Frame, Protocol};
use intake::rules::record::{Record, decode};
use kernel::{Instant, SourceNo};
use libfuzzer_sys::fuzz_target;

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn check(record: &Record<'_>) {
    assert!(!record.message_id.is_empty());
    assert!(record.properties.is_none_or(is_json));
    assert!(record.context.as_deref().is_none_or(is_json));
    assert!(record.traits.iter().all(|change| is_json(change.value)));
    assert!(record.identifiers.iter().all(|i| !i.value.is_empty() && !i.value.contains('\0')));
}

fuzz_target!(|data: (u8, &str, &[u8])| {
    let (which, shared, event) = data;
    let protocol = [Protocol::Segment, Protocol::Sensors, Protocol::Own][usize::from(which % 3)];
    let frame = Frame {
        protocol,
        received: Instant(1_780_272_000_000_000),
        receipt: [7; 16],
        source: SourceNo(1),
        sent_at: (which & 4 != 0).then_some(Instant(1_780_271_999_000_000)),
        is_import: which & 8 != 0,
        ip: None,
        user_agent: None,
        shared: (!shared.is_empty()).then_some(shared),
        first: u32::from(which),
        events: vec![b"{}", event],
    };
    let found = decode(&frame, 1);
    assert_eq!(found, decode(&frame.only(1), 0), "alone as in its request");
    if let Ok(record) = &found {
        check(record);
    }
});

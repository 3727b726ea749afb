//! A request's body, however broken, is opened or refused; and what is sliced out of it lies within it.
#![no_main]

use bytes::Bytes;
use intake::rules::open::{Shape, slice, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &[u8])| {
    let (query, body) = data;
    let Ok(text) = unpack(&Bytes::copy_from_slice(body), Some(query)) else { return };
    for shape in [Shape::Batch, Shape::Records, Shape::Lines] {
        let Ok(batch) = slice(&text, shape) else { continue };
        let within = text.as_ptr_range();
        for event in &batch.events {
            assert!(event.raw.is_empty() || within.contains(&event.raw.as_ptr()), "{shape:?}");
        }
    }
});

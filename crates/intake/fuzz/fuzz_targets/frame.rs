//! Bytes that are a frame are written back to the same frame; others are an error.
#![no_main]

use intake::rules::frame::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(frame) = Frame::decode(data) {
        let again = frame.encode();
        assert_eq!(Frame::decode(&again), Ok(frame));
    }
});

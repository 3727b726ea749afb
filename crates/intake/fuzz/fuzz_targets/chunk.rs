//! A damaged chunk of a timeline is an error, and costs no more memory than it says.
#![no_main]

use insight::rules::chunk::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode(data);
});

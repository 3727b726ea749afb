//! The whole system in a test's own process: see [`TestServer`]. The tests are in `it/`.
//!
//! Calls block, so tests are plain functions. Nothing sleeps: [`TestServer::drain`] waits for the
//! pipeline to say that it has applied what the log holds.
#![allow(clippy::unwrap_used, reason = "a fixture that does not work is a failed test")]

mod program;
mod s3;
mod server;
mod workers;

pub use program::program;
pub use s3::S3Server;
pub use server::{Answer, Call, TestServer, TestWorkspace};

use serde_json::Value;

/// Reads `GET /path?…` lists to their end.
///
/// # Panics
/// If a page is not answered with 200.
pub fn pages(server: &TestServer, token: &str, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = match &cursor {
            Some(cursor) => server.get(token, &format!("{path}{joint}limit=200&cursor={cursor}")),
            None => server.get(token, &format!("{path}{joint}limit=200")),
        };
        let page = page.ok();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return items,
        }
    }
}

/// A part of a path: everything but letters, digits and `-._~` as `%xx`.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

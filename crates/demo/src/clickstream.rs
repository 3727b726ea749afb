//! A shop's clickstream that nobody here wrote, as events of the workspace `clickstream`.
//!
//! Origin and licence are in `data/README.md`. Rows keep the order of the file, and a message's id
//! is its row number, so sending the file twice adds nothing.

use flate2::read::GzDecoder;
use kernel::Instant;
use serde::{Deserialize, Serialize};

use crate::message::Message;

const FILE: &[u8] = include_bytes!("../data/ecom-clickstream.csv.gz");

/// One line of the file.
#[derive(Deserialize)]
struct Row {
    user_id: String,
    session_id: String,
    event: String,
    timestamp: String,
    platform: String,
    acquisition_channel: String,
    user_cohort: String,
    user_lifecycle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message_id: String,
    user_id: &'a str,
    event: &'a str,
    timestamp: String,
    properties: Properties<'a>,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    platform: &'a str,
    channel: &'a str,
    cohort: &'a str,
    lifecycle: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    session_id: &'a str,
    channel: &'static str,
}

/// All events of the file, decoded as they are asked for.
pub fn messages() -> impl Iterator<Item = Message> {
    let rows = csv::Reader::from_reader(GzDecoder::new(FILE)).into_deserialize::<Row>();
    (1u32..).zip(rows).map(|(number, row)| message(number, &row.expect("the file is part of the program")))
}

fn message(number: u32, row: &Row) -> Message {
    // The file names no zone.
    let timestamp = Instant::parse(&format!("{}.000Z", row.timestamp.replacen(' ', "T", 1)))
        .expect("the file is part of the program");
    let event = Event {
        kind: "track",
        message_id: format!("ecom-{number:05}"),
        user_id: &row.user_id,
        event: &row.event,
        timestamp: timestamp.to_string(),
        properties: Properties {
            platform: &row.platform,
            channel: &row.acquisition_channel,
            cohort: &row.user_cohort,
            lifecycle: &row.user_lifecycle,
        },
        context: Context { session_id: &row.session_id, channel: "web" },
    };
    let json = serde_json::to_string(&event).expect("an event has string keys and no numbers");
    Message { workspace: "clickstream", source: "web", json }
}

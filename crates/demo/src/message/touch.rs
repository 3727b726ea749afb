//! What single moments between the shop and a person look like.

use serde_json::json;

use super::{Content, Parts, own_subject};
use crate::closure::CLOSED;
use crate::names::store_id;
use crate::touches::Act;
use crate::wire::Properties;
use crate::world::World;

/// The campaign that wakes people up.
const CAMPAIGN: &str = "C-017";

/// The message of a touch.
pub(super) fn write<'w>(world: &World, no: u32) -> Parts<'w> {
    let touch = &world.touches[no as usize];
    let record = &world.people.records[touch.record as usize];
    let is_signed_in = record.has_account;
    match touch.act {
        Act::Bound => {
            let subject = own_subject(world, touch.record, record.source.name(), is_signed_in);
            let properties = Properties { more: [("level", json!("basic"))].into(), ..Properties::default() };
            ("messaging", subject, Content::track("Member Bound", properties))
        }
        Act::Looked { dwell_s } => {
            let nearest = world.people.persons[record.person as usize].address.store_no();
            let subject = own_subject(world, touch.record, "store", is_signed_in);
            let properties = Properties {
                store_id: Some(store_id(if nearest == CLOSED { nearest - 1 } else { nearest })),
                dwell_s: Some(dwell_s),
                more: [("shelf", json!(format!("S-{:02}", 1 + no % 24)))].into(),
                ..Properties::default()
            };
            ("store", subject, Content::track("Shelf Dwelled", properties))
        }
        Act::Sent(message) => campaign(world, touch.record, "Message Sent", message),
        Act::Delivered(message) => campaign(world, touch.record, "Message Delivered", message),
        Act::Clicked(message) => campaign(world, touch.record, "Message Clicked", message),
    }
}

fn campaign<'w>(world: &World, record: u32, event: &'static str, message: u32) -> Parts<'w> {
    let has_account = world.people.records[record as usize].has_account;
    let subject = own_subject(world, record, "sms", has_account);
    let more = [
        ("message_ref", json!(world.ids.sms(message))),
        ("campaign_id", json!(CAMPAIGN)),
        ("purpose", json!("reactivation")),
    ];
    let properties = Properties { channel: Some("sms"), more: more.into(), ..Properties::default() };
    ("messaging", subject, Content::track(event, properties))
}

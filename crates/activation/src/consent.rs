//! What a party said about consent, as long as consents arrive as facts: events `Consent Changed`
//! (`contact_point` or `cp`, `channel`, `purpose`, `status`, `expires_at`), and a trait `consent` that is
//! an object of purposes (`{"marketing":"granted"}`) or of purposes and channels
//! (`{"marketing":{"sms":"denied"}}`).

use std::collections::HashMap;

use db::Tx;
use identity::party::{Party, Span};
use identity::resolve::Identity;
use insight::profile::{Weights, traits};
use insight::rules::chunk::{Packed, decode};
use insight::store::timeline::chunk_each;
use insight::timeline::payload;
use intake::rules::frame::Frame;
use intake::rules::record;
use kernel::{Failure, Instant, Key, NodeNo};
use serde_json::Value;

use crate::ports::ConsentOf;
use crate::rules::consent::{Statement, status_named};

/// The event that says it.
pub const CONSENT_CHANGED: &str = "Consent Changed";
/// The trait that says it.
const CONSENT_TRAIT: &str = "consent";

/// Reads statements from facts.
pub struct ConsentFacts;

impl ConsentOf for ConsentFacts {
    fn statements(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        party: &Party,
    ) -> kernel::Result<Vec<Statement>> {
        let mut statements = of_events(identity, tx, party)?;
        // Whichever source weighs more: what is known of consents is not a matter of evidence.
        let known = traits(identity.scope, tx, party, &Weights::default())?;
        if let Some(winner) = known.get(CONSENT_TRAIT) {
            statements.extend(of_trait(&winner.value, winner.from.at, winner.from.key));
        }
        Ok(statements)
    }
}

fn of_events(identity: &Identity<'_>, tx: &mut Tx<'_>, party: &Party) -> kernel::Result<Vec<Statement>> {
    let nodes: Vec<NodeNo> = party.members.iter().map(|member| member.node.no).collect();
    let spans: HashMap<NodeNo, &[Span]> =
        party.members.iter().map(|member| (member.node.no, member.spans.as_slice())).collect();
    let (mut statements, mut damage) = (Vec::new(), None);
    chunk_each(identity.scope, tx, &nodes, Instant(i64::MIN), &mut |node, body| {
        let held = spans.get(&node).copied().unwrap_or_default();
        if let Err(failure) = of_chunk(body, held, &mut statements) {
            damage = Some(failure);
        }
        Ok(())
    })?;
    damage.map_or(Ok(statements), Err)
}

/// Adds what is said in a chunk. One without such an event is not unpacked.
fn of_chunk(body: &[u8], held: &[Span], statements: &mut Vec<Statement>) -> kernel::Result<()> {
    if !Packed::open(body)?.names.contains(&CONSENT_CHANGED) {
        return Ok(());
    }
    for event in decode(body)?.iter().filter(|event| &*event.event == CONSENT_CHANGED) {
        if !held.iter().any(|(from, to)| *from <= event.time && event.time < *to) {
            continue;
        }
        let head = Frame::decode(&event.head).map_err(Failure::internal)?;
        let frame = Frame { first: event.index, events: vec![&event.raw], ..head };
        let record = record::decode(&frame, 0).map_err(Failure::internal)?;
        let (properties, _) = payload(&record, &event.raw)?;
        statements.extend(of_properties(&properties, event.time, event.key));
    }
    Ok(())
}

fn of_properties(properties: &Value, at: Instant, key: Key) -> Vec<Statement> {
    let text = |name: &str| properties[name].as_str().unwrap_or_default();
    let contact = [text("contact_point"), text("cp")].into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    let many = |name: &str| match &properties[name] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(one) => vec![one.clone()],
        _ => Vec::new(),
    };
    let (mut channels, purposes): (Vec<String>, Vec<String>) = (many("channel"), many("purpose"));
    if channels.is_empty() || channels.iter().any(|channel| channel == "*" || channel == "all") {
        channels = vec![String::new()];
    }
    let mut statements = Vec::new();
    for purpose in &purposes {
        for channel in &channels {
            statements.push(Statement {
                contact: contact.to_owned(),
                channel: channel.clone(),
                purpose: purpose.clone(),
                status: status_named(text("status")),
                at,
                key,
                expires: Instant::parse(text("expires_at")),
            });
        }
    }
    statements
}

fn of_trait(value: &Value, at: Instant, key: Key) -> Vec<Statement> {
    let statement = |purpose: &str, channel: &str, status: &Value| Statement {
        contact: String::new(),
        channel: channel.to_owned(),
        purpose: purpose.to_owned(),
        status: status_named(status.as_str().unwrap_or_default()),
        at,
        key,
        expires: None,
    };
    let mut statements = Vec::new();
    for (purpose, said) in value.as_object().into_iter().flatten() {
        match said {
            Value::Object(channels) => {
                statements
                    .extend(channels.iter().map(|(channel, status)| statement(purpose, channel, status)));
            }
            status => statements.push(statement(purpose, "", status)),
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use criteria::rule::Consent;
    use serde_json::json;

    const AT: Instant = Instant(7);
    const KEY: Key = Key([1; 16]);

    #[test]
    fn an_event_may_be_about_several_channels_and_purposes_or_about_all_channels() {
        let said = of_properties(
            &json!({ "cp": "a@x", "channel": ["sms", "email"], "purpose": ["marketing", "analysis"], "status": "denied" }),
            AT,
            KEY,
        );
        assert_eq!(said.len(), 4);
        assert!(said.iter().all(|s| s.contact == "a@x" && s.status == Consent::Denied));
        let said =
            of_properties(&json!({ "purpose": "marketing", "status": "granted", "channel": "*" }), AT, KEY);
        assert_eq!((said[0].channel.as_str(), said[0].status), ("", Consent::Granted));
        assert!(of_properties(&json!({ "status": "granted" }), AT, KEY).is_empty(), "for no purpose");
    }

    #[test]
    fn a_trait_says_it_for_all_channels_or_for_each() {
        let said =
            of_trait(&json!({ "marketing": { "sms": "denied" }, "third_party_share": "granted" }), AT, KEY);
        let told: Vec<_> = said.iter().map(|s| (s.purpose.as_str(), s.channel.as_str(), s.status)).collect();
        let expected = [("marketing", "sms", Consent::Denied), ("third_party_share", "", Consent::Granted)];
        assert_eq!(told, expected);
        assert!(of_trait(&json!("granted"), AT, KEY).is_empty());
    }
}

//! What is told of a party: the fields a destination asks for, and never more.

use db::Tx;
use identity::party::{Party, party_by_id};
use identity::resolve::Identity;
use insight::profile::{Weights, traits};
use insight::rules::mask::mask_trait;
use kernel::{Failure, Instant, Key, PartyId};
use serde_json::{Map, Value};

use crate::ports::ConsentOf;
use crate::rules::consent::{Statement, allows};
use crate::rules::definition::Definition;

/// What is read of a party before anything is told of it.
pub struct Known {
    /// The party as it is now.
    pub party: Party,
    /// What it said about consent.
    pub statements: Vec<Statement>,
}

/// Reads a party by the key of a public id it has or had; `None` if it is no more.
///
/// # Errors
/// As the database says; then nothing leaves.
pub fn know(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    consent: &dyn ConsentOf,
    party: Key,
) -> kernel::Result<Option<Known>> {
    match party_by_id(identity, tx, PartyId(party)) {
        Ok(party) => {
            let statements = consent.statements(identity, tx, &party)?;
            Ok(Some(Known { party, statements }))
        }
        Err(Failure::NotFound { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// For whom something is told, and when.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// The destination.
    pub definition: &'a Definition,
    /// How much each source weighs.
    pub weights: &'a Weights,
    /// When it leaves.
    pub now: Instant,
}

/// What may be told of a party now, or the reason why nothing may.
///
/// # Errors
/// As the database says.
pub fn tell(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    known: Option<&Known>,
    telling: Telling<'_>,
) -> kernel::Result<Result<Map<String, Value>, String>> {
    let Some(known) = known else { return Ok(Err("party.gone".to_owned())) };
    let Telling { definition, weights, now } = telling;
    if let Err(reason) = allows(definition.processor, definition.channel.as_deref(), &known.statements, now) {
        return Ok(Err(reason));
    }
    fields(identity, tx, &known.party, definition, weights).map(Ok)
}

/// The fields of a party under the names the receiver wants; what is not known is `null`.
///
/// # Errors
/// As the database says.
fn fields(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    party: &Party,
    definition: &Definition,
    weights: &Weights,
) -> kernel::Result<Map<String, Value>> {
    let needs_traits = definition.fields.iter().any(|field| field.of_trait.is_some());
    let known = if needs_traits { traits(identity.scope, tx, party, weights)? } else { Default::default() };
    let mut fields = Map::new();
    for field in &definition.fields {
        let value = match (&field.identifier, &field.of_trait) {
            (Some(kind), _) if definition.sends_personal => identifier(party, kind),
            (None, Some(name)) => {
                let value = known.get(name).map_or(Value::Null, |winner| winner.value.clone());
                if definition.sends_personal { value } else { mask_trait(name, value) }
            }
            _ => Value::Null,
        };
        fields.insert(field.name.clone(), value);
    }
    Ok(fields)
}

/// The party's first identifier of a kind, which is its own and not shared with others in turn.
fn identifier(party: &Party, kind: &str) -> Value {
    let own = party.members.iter().find(|member| member.node.kind == kind && member.node.party == party.no);
    let any = || party.members.iter().find(|member| member.node.kind == kind);
    own.or_else(any).map_or(Value::Null, |member| Value::from(member.node.value.clone()))
}

/// The name of a change at a destination, for ever: the receiver that sees it twice has seen it once.
pub fn key(secret: &[u8; 32], destination: &str, ledger: &str, seq: u64) -> String {
    let key = Key::of(secret, &[b"delivery", destination.as_bytes(), ledger.as_bytes(), &seq.to_le_bytes()]);
    format!("msg_{}", kernel::id::base32(&key.0))
}

//! What is told of a party: the fields a destination asks for, and never more.

use db::Tx;
use identity::party::Party;
use identity::resolve::Identity;
use insight::profile::{Weights, traits};
use insight::rules::mask::mask_trait;
use kernel::Key;
use serde_json::{Map, Value};

use crate::rules::definition::Definition;

/// The fields of a party under the names the receiver wants; what is not known is `null`.
///
/// # Errors
/// As the database says.
pub fn fields(
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

//! From messages to rows: of several about one party only the last counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::moment;
use crate::Message;

/// The ledger a message is of, as the table names it.
pub(super) fn ledger(kind: &str, id: &str) -> String {
    format!("{kind}:{id}")
}

/// What is to be done with one row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The messages it settles, by their places.
    pub(super) places: Vec<usize>,
    pub(super) is_present: bool,
    /// The row, column by column.
    pub(super) columns: Map<String, Value>,
}

/// The rows of messages. One that tells of nobody (a test) is none.
pub(super) fn rows(messages: &[Message], fields: &[String], list: Option<u64>) -> Vec<Row> {
    let mut rows: BTreeMap<(String, &str), Row> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate().filter(|(_, message)| !message.party.is_empty()) {
        let ledger = ledger(&message.topic.kind, &message.topic.id);
        let mut columns = Map::new();
        columns.insert("ledger".into(), ledger.clone().into());
        columns.insert("party_id".into(), message.party.clone().into());
        columns.insert("is_present".into(), message.is_present.into());
        columns.insert("seq".into(), message.seq.into());
        columns.insert("at".into(), moment(message.at).into());
        if let Some(no) = list {
            columns.insert("list_no".into(), no.into());
        }
        for field in fields {
            let value = message.fields.get(field).cloned().unwrap_or_default();
            columns.insert(field.clone(), value);
        }
        let known = rows.remove(&(ledger.clone(), message.party.as_str()));
        let mut places = known.map(|row| row.places).unwrap_or_default();
        places.push(place);
        let row = Row { places, is_present: message.is_present, columns };
        rows.insert((ledger, message.party.as_str()), row);
    }
    rows.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Topic;

    fn message(party: &str, seq: u64, is_present: bool) -> Message {
        Message {
            key: format!("m{seq}"),
            event: "e".into(),
            party: party.into(),
            topic: Topic { kind: "audience".into(), id: "a".into(), name: "n".into() },
            is_present,
            seq,
            at: kernel::Instant(0),
            fields: Map::from_iter([("city".to_owned(), "x".into()), ("more".to_owned(), 1.into())]),
        }
    }

    #[test]
    fn of_one_party_the_last_change_counts_and_no_field_that_was_not_asked_for() {
        let messages =
            [message("p", 1, true), message("q", 2, true), message("p", 3, false), message("", 0, true)];
        let rows = rows(&messages, &["city".to_owned()], None);
        let told: Vec<_> = rows.iter().map(|row| (row.places.clone(), row.is_present)).collect();
        assert_eq!(told, [(vec![0, 2], false), (vec![1], true)]);
        assert_eq!(rows[0].columns["seq"], 3);
        assert!(rows.iter().all(|row| row.columns.len() == 6 && !row.columns.contains_key("more")));
    }
}

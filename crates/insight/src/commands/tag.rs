//! Tags: defined, put away, refreshed; assigned by people and systems, replaced by jobs.
//!
//! Commands name identifiers by their keys, which a replay makes the same.

use std::collections::{BTreeSet, HashMap};

use db::Tx;
use identity::commands::key;
use identity::party::party_no_at;
use identity::store::node::{Node, node_by_key, number_reserve};
use identity::store::regrouped::regrouped_put;
use intake::batch::Context;
use intake::command::Command;
use kernel::{Failure, Instant, Key, PartyNo};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use crate::live::{Catalogue, document_asks, reference_to, rules_of};
use crate::rules::tag::{Document, Kind};
use crate::store::tag::{Tag, TagNo, tag_by_key, tag_fill, tag_put};
use crate::store::tag_assignment::{self, assignment_forget, assignment_put};

/// A new tag, or another definition of one.
pub const TAG_PUT: &str = "tag.put";
/// A tag is put away.
pub const TAG_RETIRE: &str = "tag.retire";
/// Everybody is looked at again.
pub const TAG_REFRESH: &str = "tag.refresh";
/// Somebody says what a tag is of some parties.
pub const TAG_ASSIGN: &str = "tag.assign";
/// A job replaces all values of a tag, part by part.
pub const TAG_REPLACE: &str = "tag.replace";

/// Rows of one [`Replace`] and of one [`Assign`]: a command has to fit into an entry of the log.
pub const REPLACE_ROWS_MAX: usize = 500;
/// Tags of a workspace. Every live one is asked of every fact.
const TAGS_MAX: usize = 2_000;
/// Name of the sequence.
const TAGS: &str = "tag";

/// Body of [`TAG_RETIRE`] and [`TAG_REFRESH`]. That of [`TAG_PUT`] is the [`Document`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TagKey {
    /// The tag.
    pub key: String,
}

/// Body of [`TAG_ASSIGN`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assign {
    /// The tag.
    pub key: String,
    /// Where it comes from: `manual`, or a system's name.
    pub source: String,
    /// Of whom, and what.
    pub rows: Vec<Assignment>,
}

/// One assignment of [`Assign`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The key of the identifier, 26 characters.
    pub node: String,
    /// The value; `null` takes back what was said before.
    pub value: Value,
    /// When it goes by itself, in microseconds.
    #[serde(default)]
    pub expires_us: Option<i64>,
}

/// Body of [`TAG_REPLACE`]. The rows count when the last part is applied, all at once; what is the same as
/// before changes nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replace {
    /// The tag.
    pub key: String,
    /// Numbers the runs of the job; greater than that of every run before.
    pub run: u64,
    /// Of whom, and what.
    pub rows: Vec<Row>,
    /// Whether no part follows.
    pub is_last: bool,
}

/// One value of [`Replace`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The key in the party's id, 26 characters.
    pub node: String,
    /// The value.
    pub value: Value,
}

pub(super) fn put(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let document: Document = body(command)?;
    document.check()?;
    rules_of(&document)?;
    let scope = &context.scope;
    let catalogue = Catalogue::read(scope, tx)?;
    let known = tag_by_key(scope, tx, &document.key)?;
    let text = serde_json::to_string(&document).map_err(Failure::internal)?;
    let made = Tag {
        no: TagNo(0),
        key: document.key.clone(),
        version: 0,
        role: document.role.name().to_owned(),
        kind: document.kind.name().to_owned(),
        body: text,
        is_retired: false,
        actor: command.actor.clone(),
        created: command.at(),
        changed: command.at(),
        filled: Some(PartyNo(0)),
        last_seq: 0,
        values: 0,
        run: 0,
    };
    let asks = document_asks(&document);
    catalogue.all_there("tag", &asks)?;
    catalogue.no_circle("tag", reference_to(&made), asks)?;
    let tag = match known {
        Some(known) => {
            let users = catalogue.users(&reference_to(&known));
            if known.role != made.role && !known.is_retired && !users.is_empty() {
                let message = format!("it is asked for as a {} by {}", known.role, users.join(", "));
                return Err(Failure::conflict(message));
            }
            let is_same = !known.is_retired && is_same(&known.body, &document);
            let filled = if is_same { known.filled } else { Some(PartyNo(0)) };
            let (no, version, run) = (known.no, known.version + 1, known.run);
            let (created, last_seq, values) = (known.created, known.last_seq, known.values);
            Tag { no, version, run, created, last_seq, values, filled, ..made }
        }
        None if catalogue.tags().count() >= TAGS_MAX => {
            return Err(Failure::LimitExceeded { limit: "the number of tags", max: TAGS_MAX as u64 });
        }
        None => Tag { no: TagNo(number_reserve(scope, tx, TAGS, 1)? as u32), version: 1, ..made },
    };
    Ok(tag_put(scope, tx, &tag)?)
}

/// Whether a definition gives the same values as the one before: another name or owner changes nobody's, and
/// another query only what its next run gives.
fn is_same(before: &str, now: &Document) -> bool {
    let plain = |document: &Document| Document {
        name: String::new(),
        category: String::new(),
        owner: String::new(),
        description: String::new(),
        valid_days: None,
        sql: None,
        ..document.clone()
    };
    Document::parse(before).is_ok_and(|before| plain(&before) == plain(now))
}

fn present(tx: &mut Tx<'_>, context: &Context, key: &str) -> kernel::Result<(Tag, Document)> {
    let known = tag_by_key(&context.scope, tx, key)?.filter(|tag| !tag.is_retired);
    let known = known.ok_or_else(|| Failure::not_found("tag"))?;
    let document = Document::parse(&known.body)?;
    Ok((known, document))
}

pub(super) fn retire(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let TagKey { key } = body(command)?;
    let (known, _) = present(tx, context, &key)?;
    let users = Catalogue::read(&context.scope, tx)?.users(&reference_to(&known));
    if !users.is_empty() {
        return Err(Failure::conflict(format!("it is asked for by {}", users.join(", "))));
    }
    let tag = Tag {
        version: known.version + 1,
        is_retired: true,
        filled: Some(PartyNo(0)),
        actor: command.actor.clone(),
        changed: command.at(),
        ..known
    };
    Ok(tag_put(&context.scope, tx, &tag)?)
}

pub(super) fn refresh(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let TagKey { key } = body(command)?;
    let (known, _) = present(tx, context, &key)?;
    Ok(tag_fill(&context.scope, tx, known.no, Some(PartyNo(0)))?)
}

/// The nodes of keys, as many as there are.
fn nodes<'k>(
    tx: &mut Tx<'_>,
    context: &Context,
    keys: impl Iterator<Item = &'k String>,
) -> kernel::Result<HashMap<String, Node>> {
    let keys: Vec<Key> = keys.map(|text| key(text)).collect::<kernel::Result<_>>()?;
    let found = node_by_key(&context.scope, tx, &keys)?;
    Ok(found.into_iter().map(|node| (kernel::id::base32(&node.key.0), node)).collect())
}

pub(super) fn assign(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let assign: Assign = body(command)?;
    let (tag, document) = present(tx, context, &assign.key)?;
    limited(assign.rows.len())?;
    let nodes = nodes(tx, context, assign.rows.iter().map(|row| &row.node))?;
    let (mut rows, mut parties) = (Vec::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    // Of two rows on one identifier the later counts.
    for row in assign.rows.iter().rev() {
        // Routes answer for each row; who is no more meanwhile is passed over.
        let Some(node) = nodes.get(&row.node) else { continue };
        if !seen.insert(node.no) {
            continue;
        }
        let value = match &row.value {
            Value::Null => None,
            value => match document.value_type.keep(value) {
                Some(value) => Some(value),
                None => continue,
            },
        };
        let expires = row.expires_us.map(Instant).or_else(|| document.expires(command.at()));
        rows.push(tag_assignment::Assignment {
            tag: tag.no,
            node: node.no,
            run: 0,
            at: command.at(),
            key: order(command),
            expires: expires.filter(|_| value.is_some()),
            value,
            source: assign.source.clone(),
            actor: command.actor.clone(),
        });
        parties.insert(party_no_at(&context.scope, tx, node, command.at())?);
    }
    assignment_put(&context.scope, tx, &rows)?;
    Ok(regrouped_put(&context.scope, tx, &parties)?)
}

/// What orders commands of one microsecond: their ids, which are handed out in order of time.
fn order(command: &Command) -> Key {
    Key(u128::from_str_radix(&command.id, 16).unwrap_or_default().to_be_bytes())
}

fn limited(rows: usize) -> kernel::Result<()> {
    if rows > REPLACE_ROWS_MAX {
        return Err(Failure::LimitExceeded {
            limit: "the rows of one command",
            max: REPLACE_ROWS_MAX as u64,
        });
    }
    Ok(())
}

pub(super) fn replace(tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
    let replace: Replace = body(command)?;
    let (tag, document) = present(tx, context, &replace.key)?;
    if document.kind != Kind::Sql {
        return Err(Failure::conflict("only the values of a tag of kind `sql` are replaced by runs"));
    }
    if replace.run <= tag.run {
        return Err(Failure::conflict(format!("run {} is over already", replace.run)));
    }
    limited(replace.rows.len())?;
    let nodes = nodes(tx, context, replace.rows.iter().map(|row| &row.node))?;
    let row = |row: &Row| {
        let (node, value) = (nodes.get(&row.node)?, document.value_type.keep(&row.value)?);
        Some(tag_assignment::Assignment {
            tag: tag.no,
            node: node.no,
            run: replace.run,
            at: command.at(),
            key: node.key,
            value: Some(value),
            expires: None,
            source: "sql".to_owned(),
            actor: command.actor.clone(),
        })
    };
    let rows: Vec<_> = replace.rows.iter().filter_map(row).collect();
    assignment_put(&context.scope, tx, &rows)?;
    if !replace.is_last {
        return Ok(());
    }
    assignment_forget(&context.scope, tx, tag.no, replace.run)?;
    let tag = Tag { run: replace.run, filled: Some(PartyNo(0)), ..tag };
    Ok(tag_put(&context.scope, tx, &tag)?)
}

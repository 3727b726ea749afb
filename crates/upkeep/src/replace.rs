//! The job that runs the query of an SQL tag and replaces all its values.
//!
//! The query answers `party_id` or `party_no` and, unless the tag is true or false, `value`. It sees what every query sees, with
//! personal data masked: whoever may define tags may not therefore read them. The rows go through the log in parts
//! and count when the last is applied, so a replay applies the same, and a job that ends in the middle has changed
//! nothing.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;

use identity::store::node::node_anchors;
use insight::commands::{REPLACE_ROWS_MAX, Replace, Row, TAG_REPLACE};
use insight::rules::tag::{Document, Kind, ValueType};
use intake::command::Commands;
use jobs::work::{Retries, Running};
use jobs::{Run, Work};
use kernel::scope::Permission;
use kernel::{Failure, Key, PartyId, PartyNo, Scope};
use serde_json::Value;

use crate::tag::{fetch, filled, read};

/// The name of the kind.
pub const TAG_REPLACE_KIND: &str = "tag.replace";
/// Rows of an answer: they are kept until all are there.
const ROWS_MAX: usize = 1_000_000;
/// Seconds the query may take.
const SECONDS_MAX: u64 = 600;
/// MiB for its sorts, joins and groups.
const MEMORY_MIB: u64 = 512;

/// Replaces the values of tags of kind `sql`.
pub struct ReplaceTag {
    /// Runs the queries.
    pub queries: Arc<dyn Queries>,
    /// Takes the commands.
    pub commands: Arc<dyn Commands>,
}

/// A query of a tag, and what it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// One SELECT.
    pub sql: String,
    /// Rows answered at most.
    pub rows: usize,
    /// Seconds it may take.
    pub seconds: u64,
    /// MiB for its sorts, joins and groups.
    pub memory_mib: u64,
}

/// The answer of a query, whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, a JSON value a column.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than may be answered.
    pub is_cut: bool,
}

/// A query being run.
pub type Answering<'a> = Pin<Box<dyn Future<Output = kernel::Result<Answered>> + Send + 'a>>;

/// Runs queries over the tables of a workspace, with personal data masked.
pub trait Queries: Send + Sync {
    /// Runs one. It ends when nobody waits any more.
    fn ask<'a>(&'a self, scope: &'a Scope, query: &'a Query) -> Answering<'a>;
}

impl Work for ReplaceTag {
    fn kind(&self) -> &'static str {
        TAG_REPLACE_KIND
    }

    fn about(&self) -> &'static str {
        "runs the query of an SQL tag and replaces its values: {\"tag\": key}"
    }

    fn permission(&self) -> Permission {
        Permission::TagWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(3)
    }

    fn check(&self, input: &Value) -> kernel::Result<()> {
        read(input).map(drop)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            let key = read(&run.input)?.tag;
            let tag = fetch(run, &key).await?;
            let document = Document::parse(&tag.body)?;
            let sql = document.sql.as_deref().filter(|_| document.kind == Kind::Sql);
            let sql = sql.ok_or_else(|| Failure::conflict(format!("tag `{key}` is not of kind `sql`")))?;
            let rows = self.ask(run, sql, document.value_type).await?;
            let count = rows.len();
            run.say(&format!("{count} rows"));
            // Greater than that of every run before, also of one that ended in the middle.
            let number = (tag.run + 1).max(u64::try_from(run.now().0).unwrap_or_default());
            self.submit(run, (&key, number), rows).await?;
            let mut result = filled(run, &key, tag.last_seq).await?;
            result["rows"] = count.into();
            Ok(result)
        })
    }
}

impl ReplaceTag {
    async fn ask(&self, run: &Run, sql: &str, value_type: ValueType) -> kernel::Result<Vec<Row>> {
        let (sql, rows) = (sql.to_owned(), ROWS_MAX);
        let query = Query { sql, rows, seconds: SECONDS_MAX, memory_mib: MEMORY_MIB };
        let Answered { columns, rows: answer, is_cut } = tokio::select! {
            asked = self.queries.ask(&run.scope, &query) => asked?,
            () = run.stopped() => {
                run.check()?;
                return Err(Failure::conflict("the job stops"));
            }
        };
        if is_cut {
            return Err(Failure::LimitExceeded { limit: "rows of the query of a tag", max: ROWS_MAX as u64 });
        }
        let columns = Columns::of(&columns, value_type)?;
        let rows: Vec<(Who, Value)> = answer.iter().filter_map(|row| columns.row(row)).collect();
        let rows = keyed(run, rows).await?;
        if rows.len() < answer.len() {
            let (left, type_name) = (answer.len() - rows.len(), value_type.criteria().name());
            run.problem(&format!(
                "{left} rows have no party, one that was named before, or no value of type {type_name}"
            ));
        }
        if rows.is_empty() && !answer.is_empty() {
            return Err(Failure::invalid("sql", "no row has a party and a value of the tag's type"));
        }
        Ok(rows)
    }

    async fn submit(&self, run: &Run, (key, number): (&str, u64), rows: Vec<Row>) -> kernel::Result<()> {
        let total = rows.len() as u64;
        let mut parts: Vec<Vec<Row>> = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            parts.push(rows.by_ref().take(REPLACE_ROWS_MAX).collect());
        }
        // No rows at all take away every value there was.
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let last = parts.len() - 1;
        for (place, rows) in parts.into_iter().enumerate() {
            run.check()?;
            let done = (place * REPLACE_ROWS_MAX) as u64;
            run.progress(done, Some(total), "rows told to the log");
            let part = Replace { key: key.to_owned(), run: number, rows, is_last: place == last };
            tell(&*self.commands, &run.scope, &part).await?;
        }
        Ok(())
    }
}

async fn tell(commands: &dyn Commands, scope: &Scope, part: &Replace) -> kernel::Result<()> {
    let body = serde_json::to_value(part).map_err(Failure::internal)?;
    commands.submit(scope, TAG_REPLACE, body).await.map(drop)
}

/// Where the party and the value stand in a row.
struct Columns {
    party: usize,
    /// Whether the party is a number, as in `events`, and not an id, as in `parties`.
    is_number: bool,
    /// Nothing for a tag whose members are all true.
    value: Option<usize>,
    value_type: ValueType,
}

/// Whom a row is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Id(PartyId),
    No(PartyNo),
}

impl Columns {
    fn of(names: &[String], value_type: ValueType) -> kernel::Result<Self> {
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let number = || place("party_no").map(|place| (place, true));
        let party = place("party_id").map(|place| (place, false)).or_else(number);
        let (party, is_number) =
            party.ok_or_else(|| Failure::invalid("sql", "the query answers `party_id` or `party_no`"))?;
        let value = place("value");
        if value.is_none() && value_type != ValueType::Boolean {
            return Err(Failure::invalid("sql", "the query answers a column `value`"));
        }
        Ok(Self { party, is_number, value, value_type })
    }

    /// Whom a row is about, and its value; nothing if it names nobody, or has no value of the type.
    fn row(&self, row: &[Value]) -> Option<(Who, Value)> {
        let party = row.get(self.party)?;
        let who = match self.is_number {
            true => Who::No(PartyNo(u32::try_from(party.as_u64()?).ok()?)),
            false => Who::Id(PartyId::parse(party.as_str()?)?),
        };
        let value = self.value.map_or(Some(Value::Bool(true)), |place| row.get(place).cloned())?;
        self.value_type.keep(&value)?;
        Some((who, value))
    }
}

/// The rows by the keys of the parties' ids, as far as there are such parties.
async fn keyed(run: &Run, rows: Vec<(Who, Value)>) -> kernel::Result<Vec<Row>> {
    let mut numbers: Vec<PartyNo> = rows
        .iter()
        .filter_map(|(who, _)| match who {
            Who::No(no) => Some(*no),
            Who::Id(_) => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut keys: HashMap<PartyNo, Key> = HashMap::with_capacity(numbers.len());
    for some in numbers.chunks(REPLACE_ROWS_MAX) {
        let some = some.to_vec();
        let found = run.read(move |scope, tx| Ok(node_anchors(scope, tx, &some)?)).await?;
        keys.extend(found.into_iter().map(|node| (node.party, node.key)));
    }
    let mut seen = HashSet::with_capacity(rows.len());
    let row = |(who, value): (Who, Value)| {
        let key = match who {
            Who::Id(id) => id.0,
            Who::No(no) => *keys.get(&no)?,
        };
        // Of two values of one party the first counts.
        seen.insert(key).then(|| Row { node: kernel::id::base32(&key.0), value })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PARTY: &str = "pty_00000000000000000000000001";

    #[test]
    fn a_row_is_a_party_with_a_value_of_the_type_and_members_of_a_boolean_need_none() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let both = Columns::of(&names(&["value", "party_id"]), ValueType::Number).unwrap();
        let row = both.row(&[json!("12.50"), json!(PARTY)]).unwrap();
        assert_eq!(row, (Who::Id(PartyId::parse(PARTY).unwrap()), json!("12.50")));
        assert!(both.row(&[json!("much"), json!(PARTY)]).is_none());
        assert!(both.row(&[json!(1), json!("somebody")]).is_none());
        let only = Columns::of(&names(&["party_id"]), ValueType::Boolean).unwrap();
        assert_eq!(only.row(&[json!(PARTY)]).unwrap().1, true);
        let number = Columns::of(&names(&["party_no", "value"]), ValueType::Text).unwrap();
        assert_eq!(number.row(&[json!(7), json!("a")]), Some((Who::No(PartyNo(7)), json!("a"))));
        assert!(number.row(&[json!(-7), json!("a")]).is_none());
        assert!(Columns::of(&names(&["party_id"]), ValueType::Text).is_err());
        assert!(Columns::of(&names(&["value"]), ValueType::Boolean).is_err());
    }
}

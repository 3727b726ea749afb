//! The yardstick of the pipeline: the rows it writes, written again by nothing but prepared statements.
//!
//! Triggers on a scratch database note every row that a run of the pipeline inserts, updates or deletes,
//! by transaction. The journal is then played into an empty database of the same tables: same rows, same
//! bytes, same transactions, and no reads, no decoding, no thought. No pipeline that keeps this state in
//! these tables can be faster.

use std::path::Path;
use std::time::{Duration, Instant};

use db::{Bulk, Column, ColumnType, Pool};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::report::thread_processor_time;

/// A table and what is known of it.
struct Table {
    name: String,
    columns: Vec<(String, ColumnType)>,
    /// Places of the primary key's columns.
    key: Vec<usize>,
    /// Places of the columns an update may change: in no unique index.
    free: Vec<usize>,
    /// Insert, update and delete of one row.
    statements: [String; 3],
}

/// What a run wrote, in its scratch database.
pub(crate) struct Journal {
    connection: Connection,
    tables: Vec<Table>,
}

/// How a journal was played.
#[derive(Default)]
pub(crate) struct Played {
    /// Rows written or deleted.
    pub(crate) rows: u64,
    /// Time between the begin and the commit of each transaction.
    pub(crate) time: Duration,
    /// Processor time of this thread in them.
    pub(crate) processor: Duration,
}

type Row = Vec<Value>;

/// What was done to the rows of one table in one transaction, in order.
type Done = Vec<(Verb, Row)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Insert,
    Update,
    Delete,
}

impl Journal {
    /// Begins to note what is written to the tables of this database.
    pub(crate) fn begin(database: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(database)?;
        let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'
                   and name <> 'cursor' and exists (select 1 from pragma_table_info(sqlite_schema.name)
                   where name = 'workspace_id')";
        let names: Vec<String> =
            connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let tables = names.into_iter().map(|name| table(&connection, name)).collect::<Result<Vec<_>, _>>()?;
        for table in &tables {
            connection.execute_batch(&table.triggers())?;
        }
        Ok(Self { connection, tables })
    }

    /// Plays the journal into a fresh SQLite file with the same tables.
    pub(crate) fn play_sqlite(&self, database: &Path) -> anyhow::Result<Played> {
        let target = Connection::open(database)?;
        target.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 8000;
             pragma cache_size = -131072; pragma temp_store = memory;",
        )?;
        target.set_prepared_statement_cache_capacity(128);
        let mut played = Played::default();
        for batch in 0..self.batches()? {
            let mut work = self.batch(batch)?;
            for (table, (verb, row)) in
                self.tables.iter().zip(&mut work).flat_map(|(t, done)| done.iter_mut().map(move |d| (t, d)))
            {
                *row = table.parameters(*verb, row);
            }
            let (start, processor) = (Instant::now(), thread_processor_time());
            target.execute_batch("begin immediate")?;
            for (table, done) in self.tables.iter().zip(&work) {
                for (verb, row) in done {
                    let mut statement = target.prepare_cached(&table.statements[*verb as usize])?;
                    statement.execute(rusqlite::params_from_iter(row))?;
                }
                played.rows += done.len() as u64;
            }
            target.execute_batch("commit")?;
            played.time += start.elapsed();
            played.processor += thread_processor_time() - processor;
        }
        Ok(played)
    }

    /// Plays the journal into an empty PostgreSQL database with the same tables: one statement a table and
    /// transaction, its rows in arrays.
    pub(crate) fn play_postgres(&self, pool: &Pool) -> anyhow::Result<Played> {
        let mut played = Played::default();
        let bulks: Vec<Bulk> = self.tables.iter().map(Table::bulk).collect();
        for batch in 0..self.batches()? {
            let work = self.batch(batch)?;
            let folded: Vec<Vec<&(Verb, Row)>> =
                self.tables.iter().zip(&work).map(|(table, done)| table.folded(done)).collect();
            let start = Instant::now();
            pool.write(|tx| {
                for ((table, bulk), done) in self.tables.iter().zip(&bulks).zip(&folded) {
                    played.rows += done.len() as u64;
                    for (_, row) in done.iter().filter(|(verb, _)| *verb == Verb::Delete) {
                        let key: Vec<db::Value<'_>> = table.key.iter().map(|i| value(&row[*i])).collect();
                        tx.execute(&table.statements[Verb::Delete as usize], &key)?;
                    }
                    let kept = done.iter().filter(|(verb, _)| *verb != Verb::Delete);
                    let values: Vec<db::Value<'_>> =
                        kept.flat_map(|(_, row)| row.iter().map(value)).collect();
                    tx.insert_many(bulk, &values)?;
                }
                Ok::<_, db::Error>(())
            })?;
            played.time += start.elapsed();
        }
        Ok(played)
    }

    /// How many transactions the run had.
    fn batches(&self) -> anyhow::Result<i64> {
        Ok(self
            .connection
            .query_row("select coalesce(max(batch_no), 0) from cursor", [], |row| row.get(0))?)
    }

    fn batch(&self, batch: i64) -> anyhow::Result<Vec<Done>> {
        let mut work = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            let sql = format!("select * from journal_{} where journal_batch = ?1 order by rowid", table.name);
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query([batch])?;
            let mut done = Done::new();
            while let Some(row) = rows.next()? {
                let values = (0..table.columns.len()).map(|i| row.get(i + 2)).collect::<Result<Row, _>>()?;
                let verb = match row.get::<_, i64>(1)? {
                    0 => Verb::Insert,
                    1 => Verb::Update,
                    _ => Verb::Delete,
                };
                done.push((verb, values));
            }
            work.push(done);
        }
        Ok(work)
    }
}

fn table(connection: &Connection, name: String) -> rusqlite::Result<Table> {
    let mut statement =
        connection.prepare("select name, type, pk from pragma_table_info(?1) order by cid")?;
    let info: Vec<(String, String, i64)> = statement
        .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let sql =
        "select distinct x.name from pragma_index_list(?1) l, pragma_index_info(l.name) x where l.\"unique\"";
    let unique: Vec<String> =
        connection.prepare(sql)?.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let kind = |text: &str| match text.to_ascii_lowercase().as_str() {
        "integer" => ColumnType::Int,
        "text" => ColumnType::Text,
        _ => ColumnType::Blob,
    };
    let key = (0..info.len()).filter(|i| info[*i].2 > 0).collect();
    let free = (0..info.len()).filter(|i| info[*i].2 == 0 && !unique.contains(&info[*i].0)).collect();
    let columns = info.into_iter().map(|(name, text, _)| (name, kind(&text))).collect();
    let mut table = Table { name, columns, key, free, statements: Default::default() };
    table.statements = [table.insert(), table.update(), table.delete()];
    Ok(table)
}

impl Table {
    fn names(&self, prefix: &str) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| format!("{prefix}{name}")).collect();
        names.join(", ")
    }

    fn triggers(&self) -> String {
        let (name, batch) = (&self.name, "coalesce((select max(batch_no) from cursor), 0)");
        let trigger = |verb: &str, op: u8, row: &str| {
            format!(
                "create trigger journal_{name}_{op} after {verb} on {name} begin
                 insert into journal_{name} select {batch}, {op}, {}; end;\n",
                self.names(row)
            )
        };
        format!(
            "create table journal_{name} (journal_batch, journal_op, {});
             create index journal_{name}_batch on journal_{name} (journal_batch);\n{}{}{}",
            self.names(""),
            trigger("insert", 0, "new."),
            trigger("update", 1, "new."),
            trigger("delete", 2, "old.")
        )
    }

    fn insert(&self) -> String {
        let marks: Vec<String> = (1..=self.columns.len()).map(|i| format!("?{i}")).collect();
        format!("insert into {} ({}) values ({})", self.name, self.names(""), marks.join(", "))
    }

    /// The free columns first, then the key, as [`Table::parameters`] orders the values.
    fn update(&self) -> String {
        let name = |i: &usize| &self.columns[*i].0;
        let set: Vec<String> =
            self.free.iter().zip(1..).map(|(i, n)| format!("{} = ?{n}", name(i))).collect();
        let key = self.key.iter().zip(1 + self.free.len()..).map(|(i, n)| format!("{} = ?{n}", name(i)));
        format!("update {} set {} where {}", self.name, set.join(", "), key.collect::<Vec<_>>().join(" and "))
    }

    /// The values that a statement on one row takes.
    fn parameters(&self, verb: Verb, row: &mut Row) -> Row {
        match verb {
            Verb::Insert => std::mem::take(row),
            Verb::Update => self.free.iter().chain(&self.key).map(|i| row[*i].clone()).collect(),
            Verb::Delete => self.key.iter().map(|i| row[*i].clone()).collect(),
        }
    }

    fn delete(&self) -> String {
        let key = self.key.iter().zip(1..).map(|(i, n)| format!("{} = ?{n}", self.columns[*i].0));
        format!("delete from {} where {}", self.name, key.collect::<Vec<_>>().join(" and "))
    }

    /// For PostgreSQL, which takes each key once a statement: what happened to each row last.
    fn folded<'d>(&self, done: &'d Done) -> Vec<&'d (Verb, Row)> {
        let mut rows: Vec<&(Verb, Row)> = Vec::with_capacity(done.len());
        let mut places = std::collections::HashMap::new();
        for entry in done {
            let key: String = self.key.iter().map(|i| format!("{:?}|", entry.1[*i])).collect();
            let place = *places.entry(key).or_insert(rows.len());
            match rows.get_mut(place) {
                Some(kept) => *kept = entry,
                None => rows.push(entry),
            }
        }
        rows
    }

    fn bulk(&self) -> Bulk {
        // A handful of names for the life of the benchmark.
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let columns: Vec<Column> = self.columns.iter().map(|(name, kind)| (leak(name), *kind)).collect();
        let key: Vec<&str> = self.key.iter().map(|i| self.columns[*i].0.as_str()).collect();
        let set: Vec<String> =
            self.free.iter().map(|i| format!("{0} = excluded.{0}", self.columns[*i].0)).collect();
        let conflict = match set.is_empty() {
            true => "on conflict do nothing".to_owned(),
            false => format!("on conflict ({}) do update set {}", key.join(", "), set.join(", ")),
        };
        Bulk {
            table: leak(&self.name),
            columns: Box::leak(columns.into_boxed_slice()),
            on_conflict: leak(&conflict),
        }
    }
}

fn value(value: &Value) -> db::Value<'_> {
    match value {
        Value::Null | Value::Real(_) => db::Value::Null,
        Value::Integer(n) => db::Value::Int(*n),
        Value::Text(text) => db::Value::Text(text),
        Value::Blob(bytes) => db::Value::Blob(bytes),
    }
}

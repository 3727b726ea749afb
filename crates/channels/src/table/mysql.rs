//! A table of MySQL or MariaDB.
//!
//! Values go over as text and become what the column is, strictly: one that does not fit is refused, never
//! bent. A table that is not there is made, with text for fields.

use std::sync::atomic::{AtomicBool, Ordering};

use kernel::Instant;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, SslOpts, TxOpts, Value as Cell};
use serde_json::Value;
use tokio::time::timeout;

use super::rows::{Row, ledger};
use super::write::{Trouble, Writes, send};
use super::{OnExit, Shape, Table, Tls};
use crate::guard::{Denied, TRY_MAX};
use crate::{Attempt, Channel, Guard, Message, Topic, tls};

/// Columns before the fields, as the table is made.
const COLUMNS: &str = "ledger varchar(191) collate utf8mb4_bin not null,
    party_id varchar(64) collate utf8mb4_bin not null, is_present boolean not null, seq bigint not null,
    list_no bigint, `at` datetime(3) not null";
/// Values of one statement, which may have 65,535.
const VALUES_MAX: usize = 60_000;
/// How long the statements of one batch may take.
const STATEMENTS_MAX: std::time::Duration = std::time::Duration::from_secs(30);
/// Errors about values that MySQL gives the state of other errors: incorrect value, data truncated.
const DATA_CODES: [u16; 2] = [1366, 1265];

/// A table of MySQL or MariaDB.
pub struct MySql {
    guard: Guard,
    shape: Shape,
    password: String,
    is_there: AtomicBool,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let Error::Server(said) = error else {
            return Self::Later("the connection broke off, or TLS failed".to_owned());
        };
        let is_data = ["22", "23"].iter().any(|class| said.state.starts_with(class));
        if is_data || DATA_CODES.contains(&said.code) {
            return Self::Data(format!("the table takes no such value (error {})", said.code));
        }
        Self::of_state(&said.state, &said.message)
    }
}

impl MySql {
    /// A table at a place.
    ///
    /// # Errors
    /// [`kernel::Failure::Invalid`] for a host that may not be reached, and for certificates that are none.
    pub fn new(guard: Guard, shape: Shape, password: String) -> kernel::Result<Self> {
        if let Tls::Required(ca) = &shape.tls {
            tls::choose();
            if ca.is_some() {
                tls::config(ca.as_deref())?;
            }
        }
        guard.host("target.host", &shape.host)?;
        Ok(Self { guard, shape, password, is_there: AtomicBool::new(false) })
    }

    async fn connect(&self) -> Result<Conn, Trouble> {
        let Shape { host, port, database, user, tls, .. } = &self.shape;
        let found = self.guard.resolve(host, *port).await.map_err(Trouble::Denied)?;
        let addresses: Vec<_> = found.iter().map(std::net::SocketAddr::ip).collect();
        let tls = match tls {
            Tls::Off if addresses.iter().all(|address| self.guard.is_trusted(*address)) => None,
            Tls::Off => return Err(Trouble::Denied(Denied::Private)),
            Tls::Required(None) => Some(SslOpts::default()),
            Tls::Required(Some(ca)) => {
                let ca = ca.clone().into_bytes();
                Some(SslOpts::default().with_root_certs(vec![ca.into()]).with_disable_built_in_roots(true))
            }
        };
        let strict =
            "set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'";
        let options = OptsBuilder::default()
            .ip_or_hostname(host.clone())
            // The addresses that were looked at, whatever the name says now; and no socket of this machine.
            .resolved_ips(Some(addresses))
            .prefer_socket(false)
            .tcp_port(*port)
            .db_name(Some(database.clone()))
            .user(Some(user.clone()))
            .pass(Some(self.password.clone()))
            .ssl_opts(tls)
            .setup(vec![strict]);
        let connecting = Conn::new(Opts::from(options));
        Ok(timeout(TRY_MAX, connecting).await.map_err(|_| Trouble::late())??)
    }

    /// Makes the table if it is not there.
    async fn ready(&self, conn: &mut Conn) -> Result<(), Trouble> {
        if self.is_there.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = self.shape.table.quoted('`');
        if conn.query_drop(format!("select 1 from {name} limit 0")).await.is_err() {
            let fields: Vec<String> = self.shape.fields.iter().map(|f| format!(", `{f}` text")).collect();
            let key = "primary key (ledger, party_id)) default character set utf8mb4";
            let made = format!("create table if not exists {name} ({COLUMNS}{}, {key}", fields.concat());
            conn.query_drop(made).await?;
        }
        self.is_there.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn write(&self, conn: &mut Conn, rows: &[&Row], list: Option<u64>) -> Result<(), Trouble> {
        let mut tx = conn.start_transaction(TxOpts::default()).await?;
        let is_kept = |row: &&&Row| row.is_present || self.shape.on_exit == OnExit::Mark;
        let (put, gone): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| is_kept(row));
        let columns = self.columns(list);
        for rows in put.chunks((VALUES_MAX / columns.len()).max(1)) {
            let values = rows.iter().flat_map(|row| columns.iter().map(|column| cell(column, row)));
            let values: Vec<Cell> = values.collect();
            tx.exec_drop(self.upsert(&columns, rows.len()), Params::Positional(values)).await?;
        }
        let delete = format!(
            "delete from {} where ledger = ? and party_id = ? and seq <= ?",
            self.shape.table.quoted('`')
        );
        for row in gone {
            let key = ["ledger", "party_id", "seq"].map(|column| cell(column, row));
            tx.exec_drop(&delete, Params::Positional(key.to_vec())).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The columns that are written, the place in the ledger last: the others look at the one before.
    fn columns(&self, list: Option<u64>) -> Vec<&str> {
        let mut columns: Vec<&str> = vec!["ledger", "party_id", "is_present", "at"];
        columns.extend(list.map(|_| "list_no"));
        columns.extend(self.shape.fields.iter().map(String::as_str));
        columns.push("seq");
        columns
    }

    fn upsert(&self, columns: &[&str], rows: usize) -> String {
        let name = self.shape.table.quoted('`');
        let names: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let newer = |name: &String| format!("{name} = if(values(`seq`) >= `seq`, values({name}), {name})");
        let changed: Vec<String> = names[2..].iter().map(newer).collect();
        format!(
            "insert into {name} ({}) values {} on duplicate key update {}",
            names.join(", "),
            vec![row; rows].join(", "),
            changed.join(", ")
        )
    }

    async fn sweep_once(&self, topic: &Topic, seq: u64, no: u64) -> Result<(), Trouble> {
        let mut conn = self.connect().await?;
        self.ready(&mut conn).await?;
        let name = self.shape.table.quoted('`');
        let these = "where ledger = ? and seq <= ? and not (list_no <=> ?)";
        let own = ledger(&topic.kind, &topic.id);
        match self.shape.on_exit {
            OnExit::Delete => conn.exec_drop(format!("delete from {name} {these}"), (own, seq, no)).await?,
            OnExit::Mark => {
                let fields: Vec<_> = self.shape.fields.iter().map(|f| format!(", `{f}` = null")).collect();
                let fields = fields.concat();
                let set =
                    format!("update {name} set is_present = false, seq = ?{fields} {these} and is_present");
                conn.exec_drop(set, (seq, own, seq, no)).await?;
            }
        }
        Ok(conn.disconnect().await?)
    }
}

/// A value as the server reads it.
fn cell(column: &str, row: &Row) -> Cell {
    match &row.columns[column] {
        Value::Null => Cell::NULL,
        Value::Bool(is) => Cell::Int(i64::from(*is)),
        // It knows neither `T` nor `Z`; the session's time is UTC.
        Value::String(text) if column == "at" => {
            Cell::Bytes(text.trim_end_matches('Z').replace('T', " ").into_bytes())
        }
        Value::String(text) => Cell::Bytes(text.clone().into_bytes()),
        other => Cell::Bytes(other.to_string().into_bytes()),
    }
}

#[async_trait::async_trait]
impl Writes for MySql {
    async fn once(&self, rows: &[&Row], list: Option<u64>) -> Result<(), Trouble> {
        let mut conn = self.connect().await?;
        self.ready(&mut conn).await?;
        timeout(STATEMENTS_MAX, self.write(&mut conn, rows, list)).await.map_err(|_| Trouble::late())??;
        Ok(conn.disconnect().await?)
    }
}

#[async_trait::async_trait]
impl Channel for MySql {
    async fn send(&self, _now: Instant, messages: &[Message]) -> Vec<Attempt> {
        send(self, &self.shape.fields, messages, None).await
    }
}

#[async_trait::async_trait]
impl Table for MySql {
    async fn list(&self, no: u64, messages: &[Message]) -> Vec<Attempt> {
        send(self, &self.shape.fields, messages, Some(no)).await
    }

    async fn sweep(&self, topic: &Topic, seq: u64, no: u64) -> Attempt {
        self.sweep_once(topic, seq, no).await.map_or_else(|trouble| trouble.told(), |()| Attempt::DELIVERED)
    }
}

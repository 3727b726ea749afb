//! A table of PostgreSQL.
//!
//! Rows go over as JSON and are read with the table's own types, so that a column may be a number, a date
//! or text, as whoever made the table wants it. A table that is not there is made, with text for fields.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use kernel::Instant;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding as Binding, SslMode};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Error, NoTls};

use super::rows::{Row, ledger};
use super::write::{Trouble, Writes, send};
use super::{OnExit, Shape, Table, Tls};
use crate::guard::{Denied, TRY_MAX};
use crate::{Attempt, Channel, Guard, Message, Topic, tls};

/// Columns before the fields, as the table is made.
const COLUMNS: &str = "ledger text not null, party_id text not null, is_present boolean not null,
    seq bigint not null, list_no bigint, at timestamptz not null";
/// Longest that one statement may take there.
const STATEMENT: &str = "set local statement_timeout = '30s'";

/// A table of PostgreSQL.
pub struct Postgres {
    guard: Guard,
    pub(super) shape: Shape,
    password: String,
    tls: Option<Arc<ClientConfig>>,
    is_there: AtomicBool,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let Some(said) = error.as_db_error() else {
            return Self::Later("the connection broke off, or TLS failed".to_owned());
        };
        let code = said.code().code();
        // Of data only the column and the code, for the words repeat the value.
        if code.starts_with("22") || code.starts_with("23") {
            let column = said.column().map_or_else(String::new, |column| format!(", column `{column}`"));
            return Self::Data(format!("the table takes no such value (SQLSTATE {code}{column})"));
        }
        Self::of_state(code, said.message())
    }
}

impl Postgres {
    /// A table at a place.
    ///
    /// # Errors
    /// [`kernel::Failure::Invalid`] for a host that may not be reached, and for certificates that are none.
    pub fn new(guard: Guard, shape: Shape, password: String) -> kernel::Result<Self> {
        let tls = match &shape.tls {
            Tls::Off => None,
            Tls::Required(ca) => Some(Arc::new(tls::config(ca.as_deref())?)),
        };
        guard.host("target.host", &shape.host)?;
        Ok(Self { guard, shape, password, tls, is_there: AtomicBool::new(false) })
    }

    async fn connect(&self) -> Result<Client, Trouble> {
        let Shape { host, port, database, user, .. } = &self.shape;
        let stream = self.guard.connect(host, *port).await.map_err(Trouble::Denied)?;
        let is_trusted = stream.peer_addr().is_ok_and(|address| self.guard.is_trusted(address.ip()));
        if self.tls.is_none() && !is_trusted {
            return Err(Trouble::Denied(Denied::Private));
        }
        let mut config = Config::new();
        config.user(user).password(&self.password).dbname(database).application_name("headwater");
        config.channel_binding(Binding::Disable);
        let connecting = async {
            match &self.tls {
                None => {
                    let (client, connection) =
                        config.ssl_mode(SslMode::Disable).connect_raw(stream, NoTls).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
                Some(tls) => {
                    let wrap = Wrap { tls: Arc::clone(tls), host: host.clone() };
                    let (client, connection) =
                        config.ssl_mode(SslMode::Require).connect_raw(stream, wrap).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
            }
        };
        timeout(TRY_MAX, connecting).await.map_err(|_| Trouble::late())?
    }

    /// Makes the table if it is not there.
    async fn ready(&self, client: &Client) -> Result<(), Trouble> {
        if self.is_there.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = self.shape.table.quoted('"');
        let found = client.query_one("select to_regclass($1) is not null", &[&name]).await?;
        if !found.get::<_, bool>(0) {
            let fields: Vec<String> = self.shape.fields.iter().map(|f| format!(", \"{f}\" text")).collect();
            let fields = fields.concat();
            let key = "primary key (ledger, party_id)";
            client
                .batch_execute(&format!("create table if not exists {name} ({COLUMNS}{fields}, {key})"))
                .await?;
        }
        self.is_there.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes rows in one transaction.
    async fn write(&self, client: &mut Client, rows: &[&Row], list: Option<u64>) -> Result<(), Trouble> {
        let tx = client.transaction().await?;
        tx.batch_execute(STATEMENT).await?;
        let is_kept = |row: &&&Row| row.is_present || self.shape.on_exit == OnExit::Mark;
        let (put, gone): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| is_kept(row));
        for (rows, statement) in [(put, self.upsert(list)), (gone, self.delete())] {
            if !rows.is_empty() {
                let rows: Vec<_> = rows.iter().map(|row| &row.columns).collect();
                let json = serde_json::to_string(&rows).unwrap_or_default();
                tx.execute(&statement, &[&json]).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    fn upsert(&self, list: Option<u64>) -> String {
        let mut columns: Vec<&str> = vec!["ledger", "party_id", "is_present", "seq", "at"];
        columns.extend(list.map(|_| "list_no"));
        columns.extend(self.shape.fields.iter().map(String::as_str));
        let told = |form: &dyn Fn(&&str) -> String| columns.iter().map(form).collect::<Vec<_>>().join(", ");
        let name = self.shape.table.quoted('"');
        format!(
            "insert into {name} as t ({}) select {} from json_populate_recordset(null::{name}, $1::text::json) r
             on conflict (ledger, party_id) do update set {} where t.seq <= excluded.seq",
            told(&|c| format!("\"{c}\"")),
            told(&|c| format!("r.\"{c}\"")),
            told(&|c| format!("\"{c}\" = excluded.\"{c}\"")),
        )
    }

    fn delete(&self) -> String {
        format!(
            "delete from {} t using json_to_recordset($1::text::json) r (ledger text, party_id text, seq bigint)
             where t.ledger = r.ledger and t.party_id = r.party_id and t.seq <= r.seq",
            self.shape.table.quoted('"')
        )
    }

    async fn sweep_once(&self, topic: &Topic, seq: u64, no: u64) -> Result<(), Trouble> {
        let mut client = self.connect().await?;
        self.ready(&client).await?;
        let tx = client.transaction().await?;
        tx.batch_execute(STATEMENT).await?;
        let name = self.shape.table.quoted('"');
        let these = "where ledger = $1 and seq <= $2 and list_no is distinct from $3";
        let statement = match self.shape.on_exit {
            OnExit::Delete => format!("delete from {name} {these}"),
            OnExit::Mark => {
                let fields: Vec<_> = self.shape.fields.iter().map(|f| format!(", \"{f}\" = null")).collect();
                format!(
                    "update {name} set is_present = false, seq = $2{} {these} and is_present",
                    fields.concat()
                )
            }
        };
        let ledger = ledger(&topic.kind, &topic.id);
        tx.execute(&statement, &[&ledger, &(seq as i64), &(no as i64)]).await?;
        Ok(tx.commit().await?)
    }
}

#[async_trait::async_trait]
impl Writes for Postgres {
    async fn once(&self, rows: &[&Row], list: Option<u64>) -> Result<(), Trouble> {
        let mut client = self.connect().await?;
        self.ready(&client).await?;
        self.write(&mut client, rows, list).await
    }
}

#[async_trait::async_trait]
impl Channel for Postgres {
    async fn send(&self, _now: Instant, messages: &[Message]) -> Vec<Attempt> {
        send(self, &self.shape.fields, messages, None).await
    }
}

#[async_trait::async_trait]
impl Table for Postgres {
    async fn list(&self, no: u64, messages: &[Message]) -> Vec<Attempt> {
        send(self, &self.shape.fields, messages, Some(no)).await
    }

    async fn sweep(&self, topic: &Topic, seq: u64, no: u64) -> Attempt {
        self.sweep_once(topic, seq, no).await.map_or_else(|trouble| trouble.told(), |()| Attempt::DELIVERED)
    }
}

/// TLS around a connection.
struct Wrap {
    tls: Arc<ClientConfig>,
    host: String,
}

type Wrapping = Pin<Box<dyn Future<Output = std::io::Result<Wrapped>> + Send>>;

impl TlsConnect<TcpStream> for Wrap {
    type Stream = Wrapped;
    type Error = std::io::Error;
    type Future = Wrapping;

    fn connect(self, stream: TcpStream) -> Wrapping {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(std::io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(self.tls);
            Ok(Wrapped(connector.connect(name, stream).await?))
        })
    }
}

/// A connection inside TLS.
struct Wrapped(tokio_rustls::client::TlsStream<TcpStream>);

impl TlsStream for Wrapped {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

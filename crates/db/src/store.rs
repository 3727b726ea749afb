//! The store of an installation: where its databases are, and pools of connections to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::WorkspaceNo;
use parking_lot::Mutex;

use crate::tx::Inner;
use crate::{Error, MigrationState, Result, Tx, Value, migrate, postgres, sqlite};

/// Where the databases are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of SQLite files.
    Directory(PathBuf),
    /// A PostgreSQL database, `postgres://user:password@host/name`.
    Postgres(String),
}

/// The databases of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Backend>,
}

enum Backend {
    Sqlite { directory: PathBuf, pools: Mutex<Vec<(u32, Pool)>> },
    Postgres(Arc<Server>),
}

struct Server {
    url: String,
    runtime: Arc<postgres::Driver>,
    idle: Mutex<Vec<postgres::Connection>>,
}

/// Connections to one workspace's tables (or the installation's).
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Kind>,
    workspace: WorkspaceNo,
}

enum Kind {
    Sqlite { path: PathBuf, writer: Mutex<rusqlite::Connection>, readers: Mutex<Vec<rusqlite::Connection>> },
    Postgres(Arc<Server>),
}

/// The number under which the installation's own tables are reached.
const INSTALLATION: WorkspaceNo = WorkspaceNo(0);
/// Idle connections kept for readers; more are opened under load and closed afterwards.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// How a transaction that writes begins (PostgreSQL). One that says nothing for half a minute belongs to a
/// process that is frozen or cut off; it ends then, because another worker waits for its locks.
const WRITING: &str = "read write; set local idle_in_transaction_session_timeout = 30000";

impl Store {
    /// Opens the databases and brings the installation's tables up to date.
    ///
    /// # Errors
    /// A location that cannot be opened, a failed migration, or a PostgreSQL set up to lose data.
    pub fn open(location: &Location) -> Result<Self> {
        let backend = match location {
            Location::Directory(directory) => {
                let make = || std::fs::create_dir_all(directory.join("workspaces"));
                make().map_err(|e| Error::Other(format!("creating {}: {e}", directory.display())))?;
                Backend::Sqlite { directory: directory.clone(), pools: Mutex::default() }
            }
            Location::Postgres(url) => {
                let runtime = Arc::new(postgres::Driver::start()?);
                let server = Server { url: url.clone(), runtime, idle: Mutex::default() };
                let mut connection = postgres::Connection::open(&server.url, &server.runtime)?;
                check_durability(&mut connection)?;
                migrate::postgres(&mut connection)?;
                server.idle.lock().push(connection);
                Backend::Postgres(Arc::new(server))
            }
        };
        let store = Self { inner: Arc::new(backend) };
        store.installation()?;
        Ok(store)
    }

    /// Every migration of the databases at a place, and whether it is applied. Applies nothing.
    ///
    /// # Errors
    /// There are no databases, or they cannot be read.
    pub fn migrations(location: &Location) -> Result<Vec<MigrationState>> {
        migrate::survey(location)
    }

    /// The tables of the installation: workspaces, credentials.
    ///
    /// # Errors
    /// The file cannot be opened or migrated.
    pub fn installation(&self) -> Result<Pool> {
        self.workspace(INSTALLATION)
    }

    /// The tables of one workspace. Its file is created when it is first asked for.
    ///
    /// # Errors
    /// The file cannot be opened or migrated.
    pub fn workspace(&self, no: WorkspaceNo) -> Result<Pool> {
        let (directory, pools) = match self.inner.as_ref() {
            Backend::Postgres(server) => {
                let inner = Arc::new(Kind::Postgres(Arc::clone(server)));
                return Ok(Pool { inner, workspace: no });
            }
            Backend::Sqlite { directory, pools } => (directory, pools),
        };
        let mut pools = pools.lock();
        if let Some((_, pool)) = pools.iter().find(|(n, _)| *n == no.0) {
            return Ok(pool.clone());
        }
        let path = match no {
            INSTALLATION => directory.join("headwater.db"),
            WorkspaceNo(n) => directory.join("workspaces").join(format!("{n}.db")),
        };
        let pool = Pool::open_sqlite(&path, no)?;
        pools.push((no.0, pool.clone()));
        Ok(pool)
    }

    /// Whether several processes may write one workspace (PostgreSQL).
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.as_ref(), Backend::Postgres(_))
    }
}

impl Pool {
    fn open_sqlite(path: &Path, workspace: WorkspaceNo) -> Result<Self> {
        let mut writer = sqlite::open_writer(path)?;
        migrate::sqlite(&mut writer, workspace == INSTALLATION)?;
        let inner =
            Kind::Sqlite { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::default() };
        Ok(Self { inner: Arc::new(inner), workspace })
    }

    /// Whether several processes may write these tables (PostgreSQL).
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.as_ref(), Kind::Postgres(_))
    }

    /// The workspace whose rows this pool reaches.
    pub fn workspace(&self) -> WorkspaceNo {
        self.workspace
    }

    /// Runs `work` in a transaction that only reads: one consistent picture, never waiting for writers.
    ///
    /// # Errors
    /// As the database or `work` says.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        match self.inner.as_ref() {
            Kind::Sqlite { path, readers, .. } => {
                let idle = readers.lock().pop();
                let connection = match idle {
                    Some(connection) => connection,
                    None => sqlite::open_reader(path)?,
                };
                connection.execute_batch("begin").map_err(sqlite::error)?;
                let result = work(&mut Tx { inner: Inner::Sqlite(&connection) });
                connection.execute_batch("commit").map_err(sqlite::error)?;
                let mut readers = readers.lock();
                if readers.len() < IDLE_CONNECTIONS_MAX {
                    readers.push(connection);
                }
                result
            }
            Kind::Postgres(server) => {
                self.on_server(server, "isolation level repeatable read, read only", work)
            }
        }
    }

    /// Runs `work` in a transaction and commits it; an error or a panic rolls everything back.
    ///
    /// # Errors
    /// As the database or `work` says.
    pub fn write<T, E: From<Error>>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        match self.inner.as_ref() {
            Kind::Sqlite { writer, .. } => {
                let mut connection = writer.lock();
                let transaction = connection
                    .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
                    .map_err(sqlite::error)?;
                let value = work(&mut Tx { inner: Inner::Sqlite(&transaction) })?;
                transaction.commit().map_err(sqlite::error)?;
                Ok(value)
            }
            Kind::Postgres(server) => self.on_server(server, WRITING, work),
        }
    }

    fn on_server<T, E: From<Error>>(
        &self,
        server: &Arc<Server>,
        mode: &str,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = server.idle.lock().pop().filter(|c| !c.is_closed());
        let mut connection = match idle {
            Some(connection) => connection,
            None => postgres::Connection::open(&server.url, &server.runtime)?,
        };
        // The variable is what row-level security compares every row with.
        connection.batch(&format!(
            "begin transaction {mode}; set local headwater.workspace = '{}'",
            self.workspace.0
        ))?;
        let value = work(&mut Tx { inner: Inner::Postgres(&mut connection) });
        // PostgreSQL answers `commit` with a quiet rollback if a statement failed and `work` went on all
        // the same. The `select` fails then, and the caller learns that nothing was kept.
        connection.batch(if value.is_ok() { "select 1; commit" } else { "rollback" })?;
        let mut idle = server.idle.lock();
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
        value
    }

    /// Bytes the database takes on disk, the write-ahead log included.
    ///
    /// # Errors
    /// As the file system or database says.
    pub fn size_bytes(&self) -> Result<u64> {
        match self.inner.as_ref() {
            Kind::Sqlite { path, .. } => {
                let wal = PathBuf::from(format!("{}-wal", path.display()));
                let size = |p: &Path| std::fs::metadata(p).map_or(0, |m| m.len());
                Ok(size(path) + size(&wal))
            }
            Kind::Postgres(_) => self.read(|tx| {
                let sql = "select pg_database_size(current_database())::bigint where ?1 = 0";
                let size = tx.query_one(sql, &[Value::Int(0)], |row| row.int(0))?;
                Ok(size.unwrap_or_default() as u64)
            }),
        }
    }
}

/// Each of these settings lost acknowledged data in a power-cut drill, so none is accepted.
fn check_durability(connection: &mut postgres::Connection) -> Result<()> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let mut value = String::new();
        connection.each(&format!("show {setting}"), &[], &mut |row| {
            value = row.text(0)?.to_owned();
            Ok(())
        })?;
        if value == "off" {
            return Err(Error::Other(format!(
                "PostgreSQL runs with `{setting} = off`, which loses data; set it to `on`"
            )));
        }
    }
    warn_of_power(connection)
}

/// Row-level security, the second wall between workspaces, does not hold such a role back.
fn warn_of_power(connection: &mut postgres::Connection) -> Result<()> {
    let sql = "select (rolsuper or rolbypassrls)::int::bigint from pg_roles where rolname = current_user";
    connection.each(sql, &[], &mut |row| {
        if row.int(0)? != 0 {
            tracing::warn!(
                "the database role may bypass row-level security; use one that owns the database and no more"
            );
        }
        Ok(())
    })
}

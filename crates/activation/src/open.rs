//! From a definition to a way out: secrets are opened here and nowhere else.

use std::sync::Arc;

use channels::bucket::{self, Bucket};
use channels::folder::Folder;
use channels::segment::Segment;
use channels::sftp::{self, Sftp};
use channels::table::{MySql, OnExit, Postgres, Shape, Table, TableName};
use channels::webhook::{Key, Webhook};
use channels::{Channel, FileName, Guard, Place};
use db::Tx;
use kernel::{Failure, Instant, Scope, WorkspaceNo};

use crate::file::{FileChannel, Files};
use crate::rules::definition::Definition;
use crate::rules::target::{Exit, Format, Target, Tls};
use crate::seal::Sealer;
use crate::store::secret::secret_by_id;

/// A secret in clear, for as long as a channel needs it.
pub struct Opened {
    /// Its id.
    pub id: String,
    /// The credential.
    pub current: String,
    /// The one before, while it is being replaced.
    pub previous: Option<String>,
    /// When it was last changed.
    pub changed: Instant,
}

/// Opens the secrets of a target.
///
/// # Errors
/// [`Failure::Invalid`] if one is not there.
pub fn secrets(
    scope: &Scope,
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    target: &Target,
    now: Instant,
) -> kernel::Result<Vec<Opened>> {
    let open = |id: &&str| {
        let secret = secret_by_id(scope, tx, id)?;
        let secret =
            secret.ok_or_else(|| Failure::invalid("secret", format!("there is no secret `{id}`")))?;
        let previous = secret.previous.as_deref().filter(|_| now < secret.previous_until);
        Ok(Opened {
            current: sealer.open(id, &secret.sealed)?,
            previous: previous.map(|sealed| sealer.open(id, sealed)).transpose()?,
            id: secret.id,
            changed: secret.changed,
        })
    };
    target.secrets().iter().map(open).collect()
}

/// A way out.
#[derive(Clone)]
pub enum Out {
    /// To something that takes messages only.
    Messages(Arc<dyn Channel>),
    /// To a place for files.
    Files(Arc<Files>),
    /// To a table.
    Table(Arc<dyn Table>),
}

impl Out {
    /// Where changes go.
    pub fn channel(&self) -> Arc<dyn Channel> {
        match self {
            Self::Messages(channel) => Arc::clone(channel),
            Self::Table(table) => Arc::clone(table) as Arc<dyn Channel>,
            Self::Files(files) => Arc::new(FileChannel(Arc::clone(files))),
        }
    }
}

/// What a way out is made of.
#[derive(Clone, Copy)]
pub struct Opener<'a> {
    /// Where it may lead.
    pub guard: &'a Guard,
    /// Whose it is.
    pub workspace: WorkspaceNo,
    /// Where it shall lead, and what is told there.
    pub definition: &'a Definition,
    /// What its target names.
    pub secrets: &'a [Opened],
}

impl Opener<'_> {
    /// Makes the way out.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an address that may not be reached, a path that is none, or a secret that
    /// is none.
    pub fn open(&self) -> kernel::Result<Out> {
        let guard = self.guard;
        Ok(match &self.definition.target {
            Target::Webhook { url, secret } => {
                let secret = self.secret(secret)?;
                let texts = std::iter::once(&secret.current).chain(&secret.previous);
                let keys = texts.map(|text| Key::parse(text)).collect::<kernel::Result<Vec<_>>>()?;
                let url = guard.url("target.url", url)?;
                Out::Messages(Arc::new(Webhook::new(guard.clone(), url, keys)?))
            }
            Target::Segment { url, secret } => {
                let (url, key) = (guard.url("target.url", url)?, self.secret(secret)?.current.clone());
                Out::Messages(Arc::new(Segment::new(guard.clone(), url, key)?))
            }
            Target::Folder { path, format } => {
                // Each workspace has a folder of its own, so that none writes over another's files.
                let own = FileName::parse("target.path", &format!("workspace-{}", self.workspace.0))?;
                let folder = Arc::new(Folder::new(guard.exports()?.to_owned()));
                self.files(folder, own.join(FileName::parse("target.path", path)?.as_str())?, *format)
            }
            Target::S3 { endpoint, region, bucket, access_key, secret, path, format } => {
                let at = bucket::At {
                    endpoint: endpoint.clone(),
                    region: region.clone(),
                    bucket: bucket.clone(),
                    access_key: access_key.clone(),
                };
                let bucket = Bucket::new(guard.clone(), at, &self.secret(secret)?.current)?;
                self.files(Arc::new(bucket), FileName::parse("target.path", path)?, *format)
            }
            Target::Sftp { host, port, user, secret, host_key, path, format } => {
                let at = sftp::At {
                    host: host.clone(),
                    port: *port,
                    user: user.clone(),
                    host_key: host_key.clone(),
                };
                let host = Sftp::new(guard.clone(), at, &self.secret(secret)?.current)?;
                self.files(Arc::new(host), FileName::parse("target.path", path)?, *format)
            }
            Target::Postgres { .. } | Target::Mysql { .. } => Out::Table(self.table()?),
        })
    }

    fn table(&self) -> kernel::Result<Arc<dyn Table>> {
        let target = &self.definition.target;
        let (Target::Postgres { host, port, database, user, secret, table, on_exit, tls, ca }
        | Target::Mysql { host, port, database, user, secret, table, on_exit, tls, ca }) = target
        else {
            return Err(Failure::internal("the target is no table"));
        };
        let shape = Shape {
            host: host.clone(),
            port: *port,
            database: database.clone(),
            user: user.clone(),
            table: TableName::parse("target.table", table)?,
            fields: self.fields(),
            on_exit: match on_exit {
                Exit::Delete => OnExit::Delete,
                Exit::Mark => OnExit::Mark,
            },
            tls: match tls {
                Tls::Required => channels::table::Tls::Required(ca.clone()),
                Tls::Off => channels::table::Tls::Off,
            },
        };
        let (guard, password) = (self.guard.clone(), self.secret(secret)?.current.clone());
        Ok(match target {
            Target::Mysql { .. } => Arc::new(MySql::new(guard, shape, password)?),
            _ => Arc::new(Postgres::new(guard, shape, password)?),
        })
    }

    fn fields(&self) -> Vec<String> {
        self.definition.fields.iter().map(|field| field.name.clone()).collect()
    }

    fn files(&self, place: Arc<dyn Place>, folder: FileName, format: Format) -> Out {
        Out::Files(Arc::new(Files { place, folder, format, fields: self.fields() }))
    }

    fn secret(&self, id: &str) -> kernel::Result<&Opened> {
        let found = self.secrets.iter().find(|secret| secret.id == id);
        found.ok_or_else(|| Failure::invalid("secret", format!("there is no secret `{id}`")))
    }
}

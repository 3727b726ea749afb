//! How destinations are reached: the kinds there are, and what each needs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a destination is reached. Secrets are named by their ids, never told here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = DestinationTarget)]
pub enum Target {
    /// Signed webhooks (Standard Webhooks): one request a change.
    Webhook {
        /// Where.
        url: String,
        /// Id of the secret that signs, `whsec_…`.
        secret: String,
    },
    /// Segment's `track` (Audience Entered, Audience Exited) and `identify` (a trait for the audience), to
    /// anything that takes them.
    Segment {
        /// Where; `/v1/batch` is added.
        url: String,
        /// Id of the secret that is the write key.
        secret: String,
    },
    /// Files below the folder that whoever runs the installation has named.
    Folder {
        /// The folder below it, and below the workspace's own: `crm/daily`.
        path: String,
        /// What the files are.
        format: Format,
    },
    /// Files in a bucket that speaks S3.
    S3 {
        /// The address of the store; Amazon's own of the region if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// The region.
        region: String,
        /// The bucket.
        bucket: String,
        /// Id of the access key.
        access_key: String,
        /// Id of the secret that is the secret access key.
        secret: String,
        /// What names there begin with: `crm/daily`.
        path: String,
        /// What the files are.
        format: Format,
    },
    /// Files on a host over SFTP.
    Sftp {
        /// The host's name or address.
        host: String,
        /// Its port; 22 if absent.
        #[serde(default = "port_sftp")]
        port: u16,
        /// Who we are there.
        user: String,
        /// Id of the secret that is a private key of OpenSSH without a passphrase, or a password.
        secret: String,
        /// The key that the host must have, as `ssh-keyscan` prints it: `ssh-ed25519 AAAA…`. A host with
        /// another one is told nothing.
        host_key: String,
        /// The folder, below the one we come to there: `crm/daily`.
        path: String,
        /// What the files are.
        format: Format,
    },
    /// A table of PostgreSQL: a row for each party and ledger, changed where something changed.
    Postgres {
        /// The host's name or address.
        host: String,
        /// Its port; 5432 if absent.
        #[serde(default = "port_postgres")]
        port: u16,
        /// The database.
        database: String,
        /// Who we are there.
        user: String,
        /// Id of the secret that is the password.
        secret: String,
        /// `table` or `schema.table`. One that is not there is made, with text for every field.
        table: String,
        /// What becomes of the row of a party that left.
        #[serde(default)]
        on_exit: Exit,
        /// `required`, or `off` in networks that the installation allows.
        #[serde(default)]
        tls: Tls,
        /// Certificates of the authority that vouches for the host, as PEM; those the machine trusts if
        /// absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<String>,
    },
    /// A table of MySQL or MariaDB: a row for each party and ledger, changed where something changed.
    Mysql {
        /// The host's name or address.
        host: String,
        /// Its port; 3306 if absent.
        #[serde(default = "port_mysql")]
        port: u16,
        /// The database.
        database: String,
        /// Who we are there.
        user: String,
        /// Id of the secret that is the password.
        secret: String,
        /// `table` or `database.table`. One that is not there is made, with text for every field.
        table: String,
        /// What becomes of the row of a party that left.
        #[serde(default)]
        on_exit: Exit,
        /// `required`, or `off` in networks that the installation allows.
        #[serde(default)]
        tls: Tls,
        /// Certificates of the authority that vouches for the host, as PEM; those on Mozilla's
        /// list if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<String>,
    },
}

fn port_sftp() -> u16 {
    22
}

fn port_mysql() -> u16 {
    3306
}

fn port_postgres() -> u16 {
    5432
}

/// What becomes of the row of a party that left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DestinationOnExit)]
pub enum Exit {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays with `is_present` false, its fields emptied.
    Mark,
}

/// Whether others on the way can read what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DestinationTls)]
pub enum Tls {
    /// They cannot.
    #[default]
    Required,
    /// They can: for networks that the installation allows by name.
    Off,
}

/// What files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DestinationFormat)]
pub enum Format {
    /// Text between commas, UTF-8; what a spreadsheet would take for a formula is marked with `'`.
    Csv,
    /// A workbook of Excel, of at most 1,048,575 rows.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// How names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }
}

impl Target {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Segment { .. } => "segment",
            Self::Folder { .. } => "folder",
            Self::S3 { .. } => "s3",
            Self::Sftp { .. } => "sftp",
            Self::Postgres { .. } => "postgres",
            Self::Mysql { .. } => "mysql",
        }
    }

    /// Whether whole lists can be sent there, not changes alone.
    pub fn takes_lists(&self) -> bool {
        match self {
            Self::Webhook { .. } | Self::Segment { .. } => false,
            Self::Folder { .. } | Self::S3 { .. } | Self::Sftp { .. } => true,
            Self::Postgres { .. } | Self::Mysql { .. } => true,
        }
    }

    /// The secrets it uses.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Webhook { secret, .. }
            | Self::Segment { secret, .. }
            | Self::S3 { secret, .. }
            | Self::Sftp { secret, .. }
            | Self::Postgres { secret, .. }
            | Self::Mysql { secret, .. } => vec![secret],
            Self::Folder { .. } => Vec::new(),
        }
    }
}

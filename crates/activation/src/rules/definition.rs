//! What a destination is: how it is reached, what it follows, what is told of a party, and on what ground.

use insight::rules::mask::is_personal;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::consent::Processor;

/// Ledgers one destination may follow.
pub const FOLLOWS_MAX: usize = 50;
/// Fields told of a party.
pub const FIELDS_MAX: usize = 200;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;
/// Messages a second, if it is not said otherwise.
pub const RATE_DEFAULT: u32 = 1_000;
/// Messages a second, at most.
const RATE_MAX: u32 = 10_000;

/// Characters of an id.
const ID_CHARS_MAX: usize = 64;

/// Whether people may give a destination this id.
///
/// # Errors
/// [`Failure::Invalid`] that says what an id is.
pub fn check_id(id: &str) -> kernel::Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if (1..=ID_CHARS_MAX).contains(&id.len()) && id.chars().all(is_plain) {
        return Ok(());
    }
    Err(Failure::invalid("id", format!("1 to {ID_CHARS_MAX} of `a`–`z`, `0`–`9`, `-`, `_`")))
}

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
}

fn port_sftp() -> u16 {
    22
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
        }
    }

    /// Whether whole lists can be sent there, not changes alone.
    pub fn takes_lists(&self) -> bool {
        match self {
            Self::Webhook { .. } | Self::Segment { .. } => false,
            Self::Folder { .. } | Self::S3 { .. } | Self::Sftp { .. } | Self::Postgres { .. } => true,
        }
    }

    /// The secrets it uses.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Webhook { secret, .. }
            | Self::Segment { secret, .. }
            | Self::S3 { secret, .. }
            | Self::Sftp { secret, .. }
            | Self::Postgres { secret, .. } => vec![secret],
            Self::Folder { .. } => Vec::new(),
        }
    }
}

/// A ledger that is followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationFollow)]
pub struct Follow {
    /// What kind of ledger: `audience`.
    pub ledger: String,
    /// Of what: the audience's id.
    pub id: String,
}

impl Follow {
    /// Its name among a destination's cursors.
    pub fn name(&self) -> String {
        format!("{}:{}", self.ledger, self.id)
    }
}

/// One thing told of a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationField)]
pub struct Field {
    /// Its name at the receiver: 1 to 64 letters, digits and `_`, beginning with a letter.
    #[serde(rename = "as")]
    pub name: String,
    /// The kind of identifier that is told. Identifiers are personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The trait that is told.
    #[serde(default, rename = "trait", skip_serializing_if = "Option::is_none")]
    pub of_trait: Option<String>,
}

impl Field {
    /// Whether it tells who somebody is.
    pub fn is_personal(&self) -> bool {
        self.identifier.is_some() || self.of_trait.as_deref().is_some_and(is_personal)
    }
}

/// What a destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationDefinition)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// How it is reached.
    pub target: Target,
    /// What it follows; nothing, to be sent lists by hand only.
    #[serde(default)]
    pub follows: Vec<Follow>,
    /// What is told of a party that enters; of one that leaves, only its id.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Whether it gets personal data in clear. Otherwise they are masked, and no identifier is told.
    #[serde(default)]
    pub sends_personal: bool,
    /// Who handles what is sent; decides which consent it needs.
    #[serde(default)]
    pub processor: Processor,
    /// Why `internal` is right, for the audit log. Needed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only consent to this channel is asked for; to any, if absent, the most restrictive counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Messages a second, at most.
    #[serde(default = "rate")]
    pub rate_per_second: u32,
}

/// Columns that files and tables have besides the fields.
const COLUMNS: [&str; 9] =
    ["message_id", "event", "ledger", "name", "party_id", "is_present", "seq", "list_no", "at"];

fn rate() -> u32 {
    RATE_DEFAULT
}

impl Definition {
    /// Says what is wrong in it, as far as it can be told from itself.
    ///
    /// # Errors
    /// [`Failure::Invalid`] that names the field.
    pub fn check(&self) -> kernel::Result<()> {
        text("name", &self.name, NAME_CHARS_MAX)?;
        if self.follows.len() > FOLLOWS_MAX {
            return Err(Failure::LimitExceeded {
                limit: "what a destination follows",
                max: FOLLOWS_MAX as u64,
            });
        }
        if self.fields.len() > FIELDS_MAX {
            return Err(Failure::LimitExceeded {
                limit: "the fields of a destination",
                max: FIELDS_MAX as u64,
            });
        }
        for (place, follow) in self.follows.iter().enumerate() {
            if self.follows[..place].contains(follow) {
                return Err(Failure::invalid("follows", format!("`{}` is there twice", follow.id)));
            }
        }
        self.check_fields()?;
        match (self.processor, &self.reason) {
            (Processor::Internal, None) => {
                return Err(Failure::invalid("reason", "say why what is sent stays with ourselves"));
            }
            (_, Some(reason)) => text("reason", reason, REASON_CHARS_MAX)?,
            (_, None) => {}
        }
        if !(1..=RATE_MAX).contains(&self.rate_per_second) {
            return Err(Failure::invalid("rate_per_second", format!("1 to {RATE_MAX}")));
        }
        Ok(())
    }

    fn check_fields(&self) -> kernel::Result<()> {
        for (place, field) in self.fields.iter().enumerate() {
            let name = field.name.as_str();
            let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.len() <= 64
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_plain {
                let form = "`as` is 1 to 64 letters, digits and `_`, beginning with a letter";
                return Err(Failure::invalid("fields", form));
            }
            if self.fields[..place].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
                return Err(Failure::invalid("fields", format!("`{name}` is there twice")));
            }
            if self.target.takes_lists() && COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                return Err(Failure::invalid("fields", format!("`{name}` is a column there already")));
            }
            if field.identifier.is_some() == field.of_trait.is_some() {
                return Err(Failure::invalid(
                    "fields",
                    format!("`{name}` is either an `identifier` or a `trait`"),
                ));
            }
            if field.is_personal() && !self.sends_personal {
                let message = format!("`{name}` is personal; say `sends_personal` or leave it out");
                return Err(Failure::invalid("fields", message));
            }
        }
        Ok(())
    }
}

fn text(field: &str, value: &str, chars_max: usize) -> kernel::Result<()> {
    if value.trim().is_empty() || value.chars().count() > chars_max || value.contains('\0') {
        return Err(Failure::invalid(field, format!("1 to {chars_max} characters without NUL")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(change: impl FnOnce(&mut Value)) -> Result<Definition, String> {
        let mut document = json!({
            "name": "CRM", "target": { "kind": "webhook", "url": "https://crm.example/", "secret": "sec_1" },
            "follows": [{ "ledger": "audience", "id": "aud_1" }], "fields": [{ "as": "city", "trait": "city" }],
        });
        change(&mut document);
        let read: Definition = serde_json::from_value(document).map_err(|e| e.to_string())?;
        read.check().map_err(|e| e.to_string())?;
        Ok(read)
    }

    #[test]
    fn a_definition_reads_back_what_it_writes() {
        let one = read(|_| {}).unwrap();
        assert_eq!(
            (one.processor, one.sends_personal, one.rate_per_second),
            (Processor::ThirdParty, false, 1_000)
        );
        let again: Definition = serde_json::from_value(serde_json::to_value(&one).unwrap()).unwrap();
        assert_eq!(again, one);
    }

    #[test]
    fn personal_fields_are_told_only_if_the_definition_says_so() {
        for field in [json!({ "as": "phone", "identifier": "mobile" }), json!({ "as": "n", "trait": "name" })]
        {
            let refused = read(|d| d["fields"] = json!([field])).unwrap_err();
            assert!(refused.contains("personal"), "{refused}");
            let told = read(|d| {
                d["fields"] = json!([field]);
                d["sends_personal"] = json!(true);
            });
            assert!(told.is_ok());
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let folder = json!({ "kind": "folder", "path": "a", "format": "csv" });
        assert!(read(|d| d["target"] = folder.clone()).is_ok());
        let taken = read(|d| {
            d["target"] = folder.clone();
            d["fields"] = json!([{ "as": "Party_Id", "trait": "city" }]);
        });
        assert!(taken.unwrap_err().contains("column"));
        let cases: [(&str, Value); 12] = [
            ("target", json!({ "kind": "folder", "path": "a", "format": "xls" })),
            ("name", json!(" ")),
            ("follows", json!([{ "ledger": "audience", "id": "a" }, { "ledger": "audience", "id": "a" }])),
            ("fields", json!([{ "as": "1st", "trait": "city" }])),
            ("fields", json!([{ "as": "city" }])),
            ("fields", json!([{ "as": "city", "trait": "city", "identifier": "mobile" }])),
            ("fields", json!([{ "as": "city", "trait": "city" }, { "as": "City", "trait": "b" }])),
            ("fields", json!([{ "as": "a;drop table", "trait": "city" }])),
            ("processor", json!("internal")),
            ("rate_per_second", json!(0)),
            ("target", json!({ "kind": "pigeon" })),
            ("unheard_of", json!(1)),
        ];
        for (field, value) in cases {
            assert!(read(|d| d[field] = value.clone()).is_err(), "{field}: {value}");
        }
        let internal = read(|d| {
            d["processor"] = json!("internal");
            d["reason"] = json!("our own CRM");
        });
        assert!(internal.is_ok());
    }
}

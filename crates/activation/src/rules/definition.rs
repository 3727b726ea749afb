//! What a destination is: how it is reached, what it follows, what is told of a party, and on what ground.

use insight::rules::mask::is_personal;
use kernel::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::consent::Processor;
use super::target::Target;

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

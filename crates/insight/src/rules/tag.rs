//! What a tag, score or stage is defined as: a document people write, and its reading.
//!
//! The same document defines all three; its `role` says what rules ask for it as. Its `kind` says how
//! values come about, and which of the other members it has:
//!
//! | kind | members |
//! |---|---|
//! | `rule` | `rule`: true where it holds; or `cases`: the value of the first that holds, else `otherwise` |
//! | `function` | `formula`, and `measures`: formulas it names |
//! | `model` | `model`, `config`, `constants` |
//! | `sql` | `sql`, which answers `party_id` or `party_no`, and `value`; the job `tag.replace` runs it and replaces all values |
//! | `manual` | none: people and other systems assign values |

mod how;

use std::collections::BTreeMap;

use criteria::value::{Type, Value};
pub use how::How;
use kernel::{Failure, Instant};
pub use models::CONSTANTS;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

pub use super::any_value::AnyValue;

/// Characters of a key.
const KEY_CHARS_MAX: usize = 64;
/// Characters of names, owners and categories.
const NAME_CHARS_MAX: usize = 200;
/// Characters of a description.
const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Levels of the tree of categories.
const CATEGORY_LEVELS_MAX: usize = 6;
/// Cases of a rule tag.
const CASES_MAX: usize = 50;
/// Bytes of a value as JSON: it stands in an index.
pub const VALUE_BYTES_MAX: usize = 1_000;
/// Days an assigned value can be valid: a hundred years.
const VALID_DAYS_MAX: u32 = 36_525;

/// What rules ask for it as.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = TagRole)]
pub enum Role {
    /// `{"tag": key, …}`
    #[default]
    Tag,
    /// `{"score": key, …}`: a number.
    Score,
    /// `{"stage": key, …}`: a text.
    Stage,
}

/// How values come about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TagKind)]
pub enum Kind {
    /// A rule holds, or the first of several.
    Rule,
    /// A formula.
    Function,
    /// A built-in model.
    Model,
    /// A query a job runs.
    Sql,
    /// Somebody says so.
    Manual,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TagValueType)]
pub enum ValueType {
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// An exact decimal.
    Number,
    /// A point in time.
    Instant,
    /// A list of text.
    List,
}

/// When values are looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TagRefresh)]
pub enum Refresh {
    /// With every fact, and when time alone changes them.
    #[default]
    Live,
    /// When a job or a person asks for it.
    Scheduled,
}

/// One case of a rule tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagCase)]
pub struct Case {
    /// The value.
    #[schema(value_type = AnyValue)]
    pub value: Json,
    /// Whose it is; see the rule language.
    #[schema(value_type = Object)]
    pub rule: Json,
}

/// A definition as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagDefinition)]
pub struct Document {
    /// What rules call it: letters, digits and `_`, at most 64. It stays for ever.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What rules ask for it as; `tag` if absent.
    #[serde(default)]
    pub role: Role,
    /// How values come about.
    pub kind: Kind,
    /// What a value is.
    pub value_type: ValueType,
    /// Where it stands in the tree of tags: names joined by `/`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When values are looked at again; `live` if absent.
    #[serde(default)]
    pub refresh: Refresh,
    /// For how many days an assigned value is valid if nothing else is said; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<u32>,
    /// For `rule`: true where it holds; no value elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub rule: Option<Json>,
    /// For `rule`: the value of the first that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<Case>>,
    /// For `cases`: the value where none holds; no value if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AnyValue>)]
    pub otherwise: Option<Json>,
    /// For `function`: see the formula language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// For `function`: formulas the formula names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<BTreeMap<String, String>>,
    /// For `model`: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// For `model`: its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<Json>,
    /// For `model`: the name of the constants it applies; those of all built-in models if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constants: Option<String>,
    /// For `sql`: the query, which answers `party_id` or `party_no`, and `value` unless the tag is a boolean. The
    /// job `tag.replace` runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Score => "score",
            Self::Stage => "stage",
        }
    }
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Function => "function",
            Self::Model => "model",
            Self::Sql => "sql",
            Self::Manual => "manual",
        }
    }
}

impl ValueType {
    /// The type as rules know it.
    pub fn criteria(self) -> Type {
        match self {
            Self::Boolean => Type::Boolean,
            Self::Text => Type::Text,
            Self::Number => Type::Number,
            Self::Instant => Type::Instant,
            Self::List => Type::List,
        }
    }

    /// The JSON a value is kept as; nothing if it is of another type or too long. An instant is in UTC.
    pub fn keep(self, value: &Json) -> Option<String> {
        let value = match (self, Value::from_json(value)?) {
            (Self::Boolean, value @ Value::Boolean(_))
            | (Self::Text, value @ Value::Text(_))
            | (Self::Number, value @ Value::Number(_))
            | (Self::List, value @ Value::List(_)) => value,
            (Self::Instant, value) => Value::Instant(value.as_ref().instant()?),
            // JSON's reader would have rounded a number this long.
            (Self::Number, Value::Text(text)) => Value::Number(criteria::number::Number::parse(&text)?),
            _ => return None,
        };
        let text = kernel::json::canonical(&value.as_ref().to_json());
        (text.len() <= VALUE_BYTES_MAX).then_some(text)
    }
}

impl Document {
    /// Reads a stored definition.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if it is not one.
    pub fn parse(text: &str) -> kernel::Result<Self> {
        serde_json::from_str(text).map_err(|e| Failure::invalid("tag", e.to_string()))
    }

    /// When an assignment goes by itself if nothing else is said.
    pub fn expires(&self, from: Instant) -> Option<Instant> {
        self.valid_days.map(|days| from.plus(i64::from(days) * kernel::time::DAY))
    }

    /// Everything that does not depend on the workspace: names, types, and that the members fit the kind.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the member and what would be right.
    pub fn check(&self) -> kernel::Result<()> {
        let is_key = |c: char| c.is_alphanumeric() || c == '_';
        if self.key.is_empty() || self.key.chars().count() > KEY_CHARS_MAX || !self.key.chars().all(is_key) {
            let message = format!("1 to {KEY_CHARS_MAX} letters, digits and `_`");
            return Err(Failure::invalid("key", message));
        }
        if self.name.trim().is_empty() {
            return Err(Failure::invalid("name", format!("1 to {NAME_CHARS_MAX} characters")));
        }
        let texts = [
            ("name", &self.name, NAME_CHARS_MAX),
            ("category", &self.category, NAME_CHARS_MAX),
            ("owner", &self.owner, NAME_CHARS_MAX),
            ("description", &self.description, DESCRIPTION_CHARS_MAX),
        ];
        for (field, text, max) in texts {
            if text.chars().count() > max || text.contains('\0') {
                return Err(Failure::invalid(field, format!("at most {max} characters, without NUL")));
            }
        }
        let levels: Vec<&str> = self.category.split('/').filter(|_| !self.category.is_empty()).collect();
        if levels.len() > CATEGORY_LEVELS_MAX || levels.iter().any(|level| level.trim().is_empty()) {
            let message = format!("at most {CATEGORY_LEVELS_MAX} names joined by `/`");
            return Err(Failure::invalid("category", message));
        }
        if self.valid_days.is_some_and(|days| !(1..=VALID_DAYS_MAX).contains(&days)) {
            return Err(Failure::invalid("valid_days", format!("1 to {VALID_DAYS_MAX}")));
        }
        match (self.role, self.value_type) {
            (Role::Score, ValueType::Number) | (Role::Stage, ValueType::Text) | (Role::Tag, _) => {}
            (Role::Score, _) => return Err(Failure::invalid("value_type", "a score is a `number`")),
            (Role::Stage, _) => return Err(Failure::invalid("value_type", "a stage is a `text`")),
        }
        self.how().map(drop)
    }

    /// Refuses a value of another type.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the field.
    pub fn fits(&self, field: &str, value: &Json) -> kernel::Result<()> {
        if self.value_type.keep(value).is_some() {
            return Ok(());
        }
        let (wanted, max) = (self.value_type.criteria().name(), VALUE_BYTES_MAX);
        Err(Failure::invalid(field, format!("a value of type {wanted}, at most {max} bytes as JSON")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: Json) -> kernel::Result<How> {
        let document: Document = serde_json::from_value(json).unwrap();
        document.check()?;
        document.how()
    }

    #[test]
    fn a_definition_has_the_members_of_its_kind_and_no_others() {
        let base = |more: Json| {
            let mut whole = json!({"key": "vip", "name": "VIP", "kind": "rule", "value_type": "boolean"});
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            whole
        };
        let rule = json!({"always": true});
        assert!(matches!(read(base(json!({"rule": rule}))), Ok(How::Cases(..))));
        let cases = json!([{"value": "a", "rule": rule}]);
        assert!(read(base(json!({"cases": cases, "value_type": "text", "otherwise": "b"}))).is_ok());
        for wrong in [
            json!({}),
            json!({"rule": rule, "cases": cases}),
            json!({"cases": cases}),
            json!({"cases": [], "value_type": "text"}),
            json!({"rule": {"never": true}}),
            json!({"rule": rule, "sql": "select 1"}),
            json!({"rule": rule, "key": "no spaces"}),
            json!({"rule": rule, "category": "a//b"}),
            json!({"rule": rule, "role": "score"}),
            json!({"rule": rule, "valid_days": 0}),
            json!({"kind": "function"}),
            json!({"kind": "sql"}),
        ] {
            assert!(matches!(read(base(wrong.clone())), Err(Failure::Invalid { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_value_is_kept_in_one_form_of_its_type() {
        assert_eq!(ValueType::Number.keep(&json!(1.50)).as_deref(), Some("1.5"));
        assert_eq!(ValueType::Number.keep(&json!("a")), None);
        assert_eq!(ValueType::Text.keep(&json!(1)), None);
        let instant = ValueType::Instant.keep(&json!("2026-06-30T23:59:59+08:00"));
        assert_eq!(instant.as_deref(), Some("\"2026-06-30T15:59:59.000Z\""));
        assert_eq!(ValueType::List.keep(&json!(["a", "b"])).as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(ValueType::Text.keep(&json!("字".repeat(400))), None, "too long for an index");
    }
}

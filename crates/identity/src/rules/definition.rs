//! The identity rules of a workspace: which kinds of identifier there are, how strongly they link,
//! how many of each a customer may have, and what stops a merge.
//!
//! [`Document`] is what people write, export and keep under a version; [`Rules`] is a document that
//! passed [`Document::check`], with an index, so that asking for a kind costs one hash. The order of
//! the kinds *is* their priority. What the limits do is decided in `cluster` and `holder`, not here.

mod check;
mod preset;
#[cfg(test)]
mod tests;

use std::fmt;

use hashbrown::{HashMap, HashSet};
use kernel::time::DAY;
use serde::{Deserialize, Serialize};

/// The shape of [`Document`] this code reads and writes.
pub const VERSION: u32 = 1;
/// Kinds in one document. Real workspaces have a few dozen; the rank must fit 16 bits.
pub const KINDS_MAX: usize = 500;
/// Blocked values in one document: a company's hotlines and test numbers, not a blacklist.
pub const BLOCKED_VALUES_MAX: usize = 10_000;
/// Ten years: longer periods are a mistake in the unit.
pub const DAYS_MAX: u32 = 3_660;
/// The kind a fixed line given as a mobile number is filed under.
pub const LANDLINE: &str = "landline";

/// The identity rules as a document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The shape of this document; see [`VERSION`].
    pub version: u32,
    /// The kinds of identifier in the order of their priority, all hard ones before all soft ones.
    pub kinds: Vec<Kind>,
    /// How many identifiers of each kind that is not listed a party may have. Such kinds are hard and
    /// rank after all listed hard ones.
    pub unknown_limit: u32,
    /// Kinds whose values are also values of another kind.
    pub mirrors: Vec<Mirror>,
    /// Values that identify nobody, whatever their case; a `*` at the end stands for anything.
    pub blocked_values: Vec<String>,
    /// How many people may share an identifier of a soft kind that states no limit of its own.
    pub soft_limit: Span,
    /// How far back a login claims the anonymous facts before it.
    pub backfill_days: u32,
    /// How long an identifier that can change hands must be silent before a new name means a new holder.
    pub recycle_days: u32,
    /// A hard identifier seen with more identifiers of one kind than this links nobody.
    pub neighbours_max: u32,
    /// Which contradictions stop an automatic merge.
    pub guards: Vec<Guard>,
}

/// One kind of identifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name on the wire. One `*` stands for anything, so that one line covers a family of kinds.
    pub name: String,
    /// Whether seeing it is proof.
    pub strength: Strength,
    /// Identifiers of this kind one party may have; for a soft kind also the people who may share one.
    /// A soft kind limited to 0 never links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The days within which the limit counts; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// How equal values become equal text.
    #[serde(default)]
    pub normaliser: Normaliser,
    /// Whether the issuer gives it to someone else when its holder stops paying.
    #[serde(default)]
    pub can_change_hands: bool,
}

impl Kind {
    /// Whether families and offices commonly share one, so that the name must agree before it links.
    pub fn is_shared_contact(&self) -> bool {
        matches!(self.normaliser, Normaliser::Mobile | Normaliser::Email)
    }
}

/// How much an identifier proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Seen together means the same party.
    Hard,
    /// Serves several people in turn: a device, a cookie, a family's landline.
    Soft,
}

/// How a value of a kind is brought to its canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// Width and white space only; case matters.
    #[default]
    Plain,
    /// As plain, in lower case.
    LowerPlain,
    /// A telephone number.
    Mobile,
    /// An e-mail address.
    Email,
    /// A unified social credit code with its check character.
    Uscc,
}

/// Values of `from` are also values of `to`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// The kind as the SDK sends it.
    pub from: String,
    /// The kind everything else uses.
    pub to: String,
}

/// A number of things within a number of days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// How many are still normal.
    pub limit: u32,
    /// Within how many days.
    pub window_days: u32,
}

/// A contradiction between two clusters that stops an automatic merge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Two different given names on one mobile or e-mail address.
    Name,
    /// Years of birth more than two apart.
    BirthYear,
    /// Business customers with different operators.
    Operator,
    /// Active in two places in the same minute.
    Presence,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 4] = [Self::Name, Self::BirthYear, Self::Operator, Self::Presence];
}

/// What is wrong with a document, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Path of the offending field, such as `kinds[3].limit`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything that is wrong with a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", fault.field, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Faults> for kernel::Failure {
    fn from(faults: Faults) -> Self {
        let mut list = faults.0.into_iter();
        let Some(first) = list.next() else { return Self::invalid("rules", "wrong") };
        let more = list.map(|fault| format!("; {}: {}", fault.field, fault.message)).collect::<String>();
        Self::invalid(first.field, first.message + &more)
    }
}

/// A checked document with its index. Reads and writes as the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Rules {
    document: Document,
    exact: HashMap<String, u16>,
    /// Kinds with a `*`: what stands before it, what stands after it, and the position.
    families: Vec<(String, String, u16)>,
    unknown: Kind,
    hard_count: u16,
    mirrors: HashMap<String, String>,
    blocked: HashSet<String>,
    blocked_prefixes: Vec<String>,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(Document::default()).expect("a test checks the default document")
    }
}

impl TryFrom<Document> for Rules {
    type Error = Faults;

    fn try_from(document: Document) -> Result<Self, Faults> {
        Self::new(document)
    }
}

impl From<Rules> for Document {
    fn from(rules: Rules) -> Self {
        rules.document
    }
}

/// How many of a kind are allowed, and within what span of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// The most that is still normal.
    pub max: u32,
    /// The span in microseconds; `None` counts for ever.
    pub window_micros: Option<i64>,
}

/// A kind as the rules see it, known or not.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KindRef<'r> {
    /// Its priority, 0 first. All kinds that are not listed share one rank; their names order them.
    pub rank: u16,
    /// What applies to it.
    pub rule: &'r Kind,
    /// What bounds it, soft kinds without a limit of their own included.
    pub limit: Option<Limit>,
    /// Whether the document lists it.
    pub is_known: bool,
}

impl KindRef<'_> {
    /// Whether seeing it is proof.
    pub fn is_hard(&self) -> bool {
        self.rule.strength == Strength::Hard
    }

    /// Whether it may link anything at all; a soft kind limited to 0 may not.
    pub fn can_link(&self) -> bool {
        self.limit.is_none_or(|limit| limit.max > 0)
    }
}

impl Rules {
    /// Checks and indexes a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, with the path of each field.
    pub fn new(document: Document) -> Result<Self, Faults> {
        document.check()?;
        let mut exact = HashMap::new();
        let mut families = Vec::new();
        let hard_count = document.kinds.iter().filter(|k| k.strength == Strength::Hard).count() as u16;
        for (position, kind) in document.kinds.iter().enumerate() {
            match kind.name.split_once('*') {
                Some((before, after)) => {
                    families.push((before.to_owned(), after.to_owned(), position as u16))
                }
                None => drop(exact.insert(kind.name.clone(), position as u16)),
            }
        }
        let unknown = Kind {
            name: "*".to_owned(),
            strength: Strength::Hard,
            limit: Some(document.unknown_limit),
            window_days: None,
            normaliser: Normaliser::Plain,
            can_change_hands: false,
        };
        let mirrors = document.mirrors.iter().map(|m| (m.from.clone(), m.to.clone())).collect();
        let (prefixes, whole): (Vec<_>, Vec<_>) =
            document.blocked_values.iter().map(|v| v.to_lowercase()).partition(|v| v.ends_with('*'));
        let blocked_prefixes = prefixes.iter().map(|v| v.trim_end_matches('*').to_owned()).collect();
        let blocked = whole.into_iter().collect();
        Ok(Self { document, exact, families, unknown, hard_count, mirrors, blocked, blocked_prefixes })
    }

    /// The document these rules were made from.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The kind of this name. Exact names win over families, earlier families over later ones, and
    /// what no line covers is the hard kind of last resort.
    pub fn kind(&self, name: &str) -> KindRef<'_> {
        let family = || {
            let covers = |(before, after, _): &&(String, String, u16)| {
                name.len() > before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            };
            self.families.iter().find(covers).map(|(_, _, position)| *position)
        };
        let position = self.exact.get(name).copied().or_else(family);
        let rule = position.map_or(&self.unknown, |p| &self.document.kinds[usize::from(p)]);
        // Unlisted kinds sit between the hard and the soft ones, so soft ones move one down.
        let rank = position.map_or(self.hard_count, |p| p + u16::from(p >= self.hard_count));
        KindRef { rank, rule, limit: self.limit_of(rule), is_known: position.is_some() }
    }

    /// The priority of the kind of this name, 0 first.
    pub fn rank(&self, name: &str) -> u16 {
        self.kind(name).rank
    }

    /// The kind whose values this kind's values also are.
    pub fn mirror(&self, name: &str) -> Option<&str> {
        self.mirrors.get(name).map(String::as_str)
    }

    /// Whether `value`, in lower case, identifies nobody: a listed value, only zeros and hyphens, only
    /// nines, or eleven equal digits.
    pub fn is_blocked(&self, value: &str) -> bool {
        let all = |allowed: fn(u8) -> bool| value.bytes().all(allowed);
        let first = value.bytes().next().unwrap_or(b'0');
        all(|b| b == b'0' || b == b'-')
            || (value.len() >= BLOCKED_NINES_MIN && all(|b| b == b'9'))
            || (value.len() == 11 && first.is_ascii_digit() && value.bytes().all(|b| b == first))
            || self.blocked.contains(value)
            || self.blocked_prefixes.iter().any(|prefix| value.starts_with(prefix))
    }

    fn limit_of(&self, rule: &Kind) -> Option<Limit> {
        let days = |days: u32| i64::from(days) * DAY;
        match (rule.limit, rule.strength) {
            (Some(max), _) => Some(Limit { max, window_micros: rule.window_days.map(days) }),
            (None, Strength::Hard) => None,
            (None, Strength::Soft) => {
                let span = self.document.soft_limit;
                Some(Limit { max: span.limit, window_micros: Some(days(span.window_days)) })
            }
        }
    }
}

/// `9`, `99` and `999` are real numbers of real members; `9999` is what a cashier types.
const BLOCKED_NINES_MIN: usize = 4;

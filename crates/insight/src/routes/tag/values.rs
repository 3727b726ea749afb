//! Who has a tag, with which value, and how that came about.

use axum::Json;
use axum::extract::State;
use criteria::Rule;
use criteria::rule::Measure;
use kernel::scope::Permission;
use kernel::{Failure, PartyId, PartyNo, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use super::{Tags, stored};
use crate::live::rules_of;
use crate::rules::mask::{is_personal, mask_trait};
use crate::rules::tag::{AnyValue, Document, Kind};
use crate::store::tag_value::{Change, Held, change_page, value_counts, value_page};

/// Values of a distribution.
const VALUES_MAX: usize = 100;

/// A party that has a tag.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagMemberItem {
    /// The party.
    id: String,
    /// The value.
    #[schema(value_type = AnyValue)]
    value: Value,
    /// What the definition says, where somebody says otherwise.
    #[schema(value_type = Option<AnyValue>)]
    computed: Option<Value>,
    /// Who says so; nothing if the definition does.
    source: Option<String>,
    /// As of when it was found to be so.
    since: String,
    /// When it goes by itself.
    expires_at: Option<String>,
    /// The definition it was found by.
    version: u32,
}

/// Who has a tag.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersQuery {
    /// Only those with this value, written as JSON; a text may come without quotes.
    value: Option<String>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// How many have a value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagValueCount {
    /// The value.
    #[schema(value_type = AnyValue)]
    pub(super) value: Value,
    /// How many have it.
    pub(super) count: u64,
}

/// How a tag's values are distributed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagDistribution {
    /// The most frequent values, at most 100, the most frequent first.
    items: Vec<TagValueCount>,
    /// How many have a value.
    count: u64,
}

/// One change of a value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagChangeItem {
    /// Its place in the tag's ledger: 1, 2, 3 … without gaps.
    seq: u64,
    /// The party, by the id it had then.
    party: String,
    /// The value; `null` if it went.
    #[schema(value_type = Option<AnyValue>)]
    value: Option<Value>,
    /// The value before; `null` if there was none.
    #[schema(value_type = Option<AnyValue>)]
    before: Option<Value>,
    /// As of when.
    at: String,
    /// `fact`: something happened; `time`: time went by; `definition`: the tag is new or was defined otherwise;
    /// `identity`: identifiers came or went; `assignment`: somebody said so; `expiry`: what was said expired.
    cause: String,
    /// The definition it was found by.
    version: u32,
    /// Why: what was looked at and what came of it.
    #[schema(value_type = Object)]
    reasons: Value,
}

/// A part of a tag's ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagChanges {
    /// The changes, in order.
    items: Vec<TagChangeItem>,
    /// Hand this to `after_seq` for what comes next, now or later.
    next_seq: u64,
}

/// Which part of a ledger.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// Only changes after this one; from the beginning if absent.
    after_seq: Option<u64>,
    /// How many items, at most 200; 50 if absent.
    limit: Option<u32>,
}

/// How values of a tag are shown to a caller: hidden if they are made of personal data the caller may not see.
pub(super) struct Shown {
    is_hidden: bool,
}

impl Shown {
    /// Of a definition to a caller.
    pub(super) fn of(document: &Document, scope: &Scope) -> Self {
        let is_clear = scope.permissions.has(Permission::PersonalRead);
        Self { is_hidden: !is_clear && is_made_of_personal(document) }
    }

    /// A stored value.
    pub(super) fn value(&self, text: &str) -> Value {
        let value = told(text);
        if self.is_hidden { mask_trait(MASKED, value) } else { value }
    }

    /// Reasons, without what is hidden.
    pub(super) fn reasons(&self, reasons: Value) -> Value {
        if self.is_hidden { serde_json::json!({}) } else { reasons }
    }
}

/// A field that is always masked.
const MASKED: &str = "name";

/// Whether a value may be somebody's personal data: a formula hands on what it reads.
fn is_made_of_personal(document: &Document) -> bool {
    document.kind == Kind::Function
        && rules_of(document).unwrap_or_default().iter().any(|rule| match rule {
            Rule::Trait(named) => is_personal(&named.name),
            Rule::Event(event) => match &event.measure {
                Measure::Of(_, path) => {
                    path.to_string().split('.').any(|part| is_personal(part.trim_end_matches("[]")))
                }
                _ => false,
            },
            _ => false,
        })
}

/// A stored value as JSON.
pub(super) fn told(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl TagMemberItem {
    fn new(held: Held, shown: &Shown) -> Self {
        Self {
            id: PartyId(held.party_key).to_string(),
            value: shown.value(&held.value),
            computed: held.computed.as_deref().map(|value| shown.value(value)),
            source: Some(held.source).filter(|source| !source.is_empty()),
            since: held.since.to_string(),
            expires_at: held.expires.map(|at| at.to_string()),
            version: held.version,
        }
    }
}

impl TagChangeItem {
    fn new(change: Change, shown: &Shown) -> Self {
        Self {
            seq: change.seq,
            party: PartyId(change.party_key).to_string(),
            value: change.value.as_deref().map(|value| shown.value(value)),
            before: change.before.as_deref().map(|value| shown.value(value)),
            at: change.at.to_string(),
            cause: change.cause,
            version: change.version,
            reasons: shown.reasons(told(&change.reasons)),
        }
    }
}

/// Who has a tag, or one value of it
#[utoipa::path(get, path = "/api/v1/tags/{key}/members", tag = "tags", operation_id = "tag_members",
    params(("key" = String, Path, description = "The tag"), MembersQuery),
    responses((status = 200, body = Page<TagMemberItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_members(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Query(query): Query<MembersQuery>,
) -> Answer<Page<TagMemberItem>> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    let after = PartyNo(query.cursor.as_deref().map_or(Ok(0), decode_cursor)?);
    let rows = state.reader.read(&scope, move |identity, tx| {
        let tag = stored(identity.scope, tx, &key)?;
        let document = Document::parse(&tag.body)?;
        let shown = Shown::of(&document, identity.scope);
        let value = match query.value {
            None => None,
            Some(_) if shown.is_hidden => {
                return Err(Failure::Forbidden { permission: Permission::PersonalRead.name() });
            }
            Some(text) => {
                let json = serde_json::from_str(&text).ok();
                let json = json.filter(|json| document.value_type.keep(json).is_some());
                let json = json.unwrap_or(Value::String(text));
                document.fits("value", &json)?;
                document.value_type.keep(&json)
            }
        };
        Ok((value_page(identity.scope, tx, tag.no, value.as_deref(), after, limit + 1)?, shown))
    });
    let (rows, shown) = rows.await?;
    Ok(Json(page(rows, limit, |last| last.party.0, |held| TagMemberItem::new(held, &shown))))
}

/// How many have each value of a tag
#[utoipa::path(get, path = "/api/v1/tags/{key}/distribution", tag = "tags", operation_id = "tag_distribution",
    params(("key" = String, Path, description = "The tag")),
    responses((status = 200, body = TagDistribution),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_distribution(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
) -> Answer<TagDistribution> {
    let found = state.reader.read(&scope, move |identity, tx| {
        let tag = stored(identity.scope, tx, &key)?;
        let shown = Shown::of(&Document::parse(&tag.body)?, identity.scope);
        Ok((value_counts(identity.scope, tx, tag.no, VALUES_MAX)?, tag.values, shown))
    });
    let (rows, count, shown) = found.await?;
    let items =
        rows.into_iter().map(|(value, count)| TagValueCount { value: shown.value(&value), count }).collect();
    Ok(Json(TagDistribution { items, count }))
}

/// What changed of a tag's values, in order
///
/// Ask again with `next_seq` to follow it: every change comes once.
#[utoipa::path(get, path = "/api/v1/tags/{key}/changes", tag = "tags", operation_id = "tag_changes",
    params(("key" = String, Path, description = "The tag"), ChangesQuery),
    responses((status = 200, body = TagChanges),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_changes(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
    Query(query): Query<ChangesQuery>,
) -> Answer<TagChanges> {
    let limit = PageQuery { limit: query.limit, cursor: None }.limit();
    // Beyond what a ledger can hold is after its end.
    let after = query.after_seq.unwrap_or_default().min(i64::MAX as u64);
    let rows = state.reader.read(&scope, move |identity, tx| {
        let tag = stored(identity.scope, tx, &key)?;
        let shown = Shown::of(&Document::parse(&tag.body)?, identity.scope);
        Ok((change_page(identity.scope, tx, tag.no, after, limit)?, shown))
    });
    let (rows, shown) = rows.await?;
    let items: Vec<TagChangeItem> =
        rows.into_iter().map(|change| TagChangeItem::new(change, &shown)).collect();
    let next_seq = items.last().map_or(after, |last| last.seq);
    Ok(Json(TagChanges { items, next_seq }))
}

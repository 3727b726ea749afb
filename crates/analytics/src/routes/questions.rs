//! Asking, and naming the people behind a number of an answer.
//!
//! The work ends when the client goes away, or when its time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use identity::store::node::node_anchors;
use insight::live::GoOn;
use kernel::time::{Clock, MILLISECOND};
use kernel::{Failure, Instant, PartyId, PartyNo, Scope};
use question::form::At;
use question::{Answer as Found, Ask, Question};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use crate::ask::Asker;

/// How long one question may take.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Questions that are answered at the same time: they must leave the store and the processors to others.
const ASKED_MAX: usize = 2;
/// People of a page, if the caller does not say.
const PAGE_DEFAULT: usize = 50;
/// People of a page.
const PAGE_MAX: usize = 1_000;

/// What the routes share.
#[derive(Clone)]
pub struct Questions {
    asker: Asker,
    clock: Arc<dyn Clock>,
    turns: Arc<Semaphore>,
}

impl Questions {
    /// Routes over whoever can ask.
    pub fn new(asker: Asker) -> Self {
        let clock = Arc::clone(asker.reader().installation().clock());
        Self { asker, clock, turns: Arc::new(Semaphore::new(ASKED_MAX)) }
    }

    async fn answer(&self, scope: &Scope, form: Form, with_people: bool) -> kernel::Result<Found> {
        let question = self.question(scope, form, with_people)?;
        let given_up = GivenUp::default();
        let is_given_up = Arc::clone(&given_up.0);
        let go_on: GoOn = Arc::new(move || match is_given_up.load(Ordering::Acquire) {
            true => Err(Failure::unavailable("nobody waits for this answer any more")),
            false => Ok(()),
        });
        let _turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Failure::internal)?;
        let asked = tokio::time::timeout(TIME_MAX, self.asker.ask(scope, question, &go_on)).await;
        let too_long = Failure::LimitExceeded { limit: "seconds of a question", max: TIME_MAX.as_secs() };
        asked.map_err(|_| too_long)?
    }

    fn question(&self, scope: &Scope, form: Form, people: bool) -> kernel::Result<Question> {
        let as_of = match form.as_of.as_deref() {
            Some(text) => Instant::parse(text)
                .ok_or_else(|| Failure::invalid("as_of", "an instant such as 2026-06-30T00:00:00Z"))?,
            None => self.clock.now(),
        };
        let ask: Ask =
            serde_json::from_value(form.ask).map_err(|error| Failure::invalid("ask", error.to_string()))?;
        let zone = match form.zone {
            Some(zone) => zone,
            None => self.asker.reader().installation().workspace(scope.workspace)?.time_zone.clone(),
        };
        Ok(Question { version: question::spec::VERSION, as_of: At(as_of), zone, people, ask })
    }
}

/// Set when nobody waits for the answer any more.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A question about everybody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
    /// The time zone days, weeks and months are cut in; the workspace's if absent.
    zone: Option<String>,
    /// What is asked: one member named after the kind of question, such as `{"funnel": {…}}`.
    #[schema(value_type = Object, example = json!({"funnel": {"steps": ["Product Viewed",
        {"event": "Order Completed", "where": [{"property": "total", "op": "gte", "value": 100}]}],
        "within": "24h", "window": {"last": "30d"}}}))]
    ask: Value,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answered {
    /// How long it took.
    elapsed_ms: i64,
    /// As of when it was asked, and a member named after the kind of question with what was found.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    found: Value,
}

/// A number of an answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleForm {
    /// The question.
    question: Form,
    /// Where the number stands in the answer, as a JSON pointer such as `/funnel/steps/2/people`.
    at: String,
    /// Only people after this place, from the page before.
    cursor: Option<String>,
    /// How many people a page, at most 1,000; 50 if absent.
    limit: Option<usize>,
}

/// The people behind a number.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PeoplePage {
    /// How many there are.
    count: u64,
    /// Some of them: ids of parties.
    items: Vec<String>,
    /// Hand this to `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Ask a question about everybody
///
/// Over all events and as of any instant; what was applied a moment ago is part of the answer. `ask` has one member,
/// named after the kind: `members`, `breakdown`, `overlap`, `profile`, `data_funnel`, `funnel`, `absence`, `paths`,
/// `retention`, `sessions`, `trend`, `top`, `rfm`, `closure` or `latest`. Each is described with an example in
/// `docs/questions.md`. Events are chosen by a name, a list of names, or `{"event": …, "where": […]}` as in rules.
#[utoipa::path(post, path = "/api/v1/questions", tag = "questions", operation_id = "question_ask",
    request_body = Form,
    responses((status = 200, body = Answered),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn question_ask(
    State(state): State<Questions>,
    Caller(scope): Caller,
    Body(form): Body<Form>,
) -> Answer<Answered> {
    let began = state.clock.now();
    let found = state.answer(&scope, form, false).await?;
    let elapsed_ms = (state.clock.now().0 - began.0) / MILLISECOND;
    let found = serde_json::to_value(found).map_err(Failure::internal)?;
    Ok(Json(Answered { elapsed_ms, found }))
}

/// The people behind a number of an answer
///
/// Asks the question as it was asked and names who was counted there. Say `as_of`, or the answer may have moved.
#[utoipa::path(post, path = "/api/v1/questions/people", tag = "questions", operation_id = "question_people",
    request_body = PeopleForm,
    responses((status = 200, body = PeoplePage),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn question_people(
    State(state): State<Questions>,
    Caller(scope): Caller,
    Body(form): Body<PeopleForm>,
) -> Answer<PeoplePage> {
    let after: u32 = form.cursor.as_deref().map_or(Ok(0), web::decode_cursor)?;
    let limit = form.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let found = state.answer(&scope, form.question, true).await?;
    let none = || Failure::invalid("at", format!("the answer has no number of people at `{}`", form.at));
    let counted = found.finding.at(&form.at).ok_or_else(none)?;
    let people = counted.people().cloned().unwrap_or_default();
    let page: Vec<PartyNo> = people.range(after.saturating_add(1)..).take(limit).map(PartyNo).collect();
    let last = page.last().map(|last| last.0);
    let has_more = last.is_some_and(|last| people.max().is_some_and(|max| max > last));
    let reader = state.asker.reader().clone();
    let items = reader
        .read(&scope, move |identity, tx| {
            let mut anchors = node_anchors(identity.scope, tx, &page)?;
            anchors.sort_by_key(|node| node.party);
            Ok(anchors.into_iter().map(|node| PartyId(node.key).to_string()).collect())
        })
        .await?;
    let next = last.filter(|_| has_more).map(|last| web::encode_cursor(&last));
    Ok(Json(PeoplePage { count: counted.count(), items, next }))
}

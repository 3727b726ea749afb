//! Trying a rule on everybody, without keeping it.
//!
//! The work ends when the client goes away: whoever types a rule asks again with every letter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use identity::store::node::node_anchors;
use kernel::time::{Clock, MILLISECOND, SECOND};
use kernel::{Failure, Instant, PartyId, PartyNo, Scope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::{Audiences, check};
use crate::live::{Asked, Catalogue, Found, GoOn, Lakes, Moment, Question, members, scan};
use crate::profile::Weights;
use crate::routes::weights;

/// How long one preview may look at parties.
const SECONDS_MAX: i64 = 60;
/// Parties of a sample, if the caller does not say.
const SAMPLE_DEFAULT: u32 = 10;
/// Parties of a sample.
const SAMPLE_MAX: u32 = 200;

/// A rule to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewRequest {
    /// The rule.
    #[schema(value_type = Object)]
    rule: Box<RawValue>,
    /// As of when (RFC 3339); now if absent.
    as_of: Option<String>,
    /// How many parties to name, at most 200; 10 if absent.
    limit: Option<u32>,
}

/// For whom a rule holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Preview {
    /// For how many parties.
    count: u64,
    /// As of when.
    as_of: String,
    /// How long that took.
    elapsed_ms: u64,
    /// Some of them.
    sample: Vec<String>,
}

/// Set when nobody waits for the answer any more.
#[derive(Default)]
pub(in crate::routes) struct GivenUp(pub(in crate::routes) Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Try a rule
///
/// Counts the parties it holds for. As of now, other audiences it asks for are taken as they are stored; as
/// of another instant, live ones are evaluated for that instant. A preview that takes too long is refused;
/// an audience that is saved is filled without such a limit.
#[utoipa::path(post, path = "/api/v1/audiences/preview", tag = "audiences",
    operation_id = "audience_preview", request_body = PreviewRequest,
    responses((status = 200, body = Preview),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn audience_preview(
    State(state): State<Audiences>,
    Caller(scope): Caller,
    Body(request): Body<PreviewRequest>,
) -> Answer<Preview> {
    let rule = check::read(&request.rule)?;
    let installation = state.reader.installation().clone();
    let moment = moment(request.as_of.as_deref(), installation.now())?;
    let zone = state.zone(&scope)?;
    let given_up = GivenUp::default();
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(Failure::internal)?;
    let try_on = TryOn {
        clock: Arc::clone(installation.clock()),
        began: installation.now(),
        is_given_up: Arc::clone(&given_up.0),
        weights: Arc::new(weights(&installation, &scope)),
        sample_max: request.limit.unwrap_or(SAMPLE_DEFAULT).min(SAMPLE_MAX) as usize,
    };
    let question = state
        .reader
        .read(&scope, move |identity, tx| {
            let catalogue = Catalogue::read(identity.scope, tx)?;
            check::check(identity.scope, tx, &rule, None, &catalogue)?;
            Ok(Arc::new(Question::new(Asked::Rule(&rule), &catalogue, zone, moment)))
        })
        .await?;
    let asked = match &state.lakes {
        // The lake knows no tags.
        Some(lakes) if question.is_without_tags() => {
            try_on.in_lake(&state, &scope, &question, &**lakes).await?
        }
        _ => None,
    };
    let found = match asked {
        Some(found) => found,
        None => try_on.in_store(&state, &scope, question, permit).await?,
    };
    drop(given_up);
    Ok(Json(Preview {
        count: found.count,
        as_of: moment.instant().to_string(),
        elapsed_ms: ((installation.now().0 - try_on.began.0) / MILLISECOND) as u64,
        sample: found.sample.iter().map(ToString::to_string).collect(),
    }))
}

/// One trial.
struct TryOn {
    clock: Arc<dyn Clock>,
    began: Instant,
    is_given_up: Arc<AtomicBool>,
    weights: Arc<Weights>,
    sample_max: usize,
}

impl TryOn {
    fn go_on(&self) -> GoOn {
        let (is_given_up, clock, began) =
            (Arc::clone(&self.is_given_up), Arc::clone(&self.clock), self.began);
        Arc::new(move || go_on(&is_given_up, &*clock, began))
    }

    /// Asks the lake; `None` if there is none.
    async fn in_lake(
        &self,
        state: &Audiences,
        scope: &Scope,
        question: &Question,
        lakes: &dyn Lakes,
    ) -> Result<Option<Found>, web::Problem> {
        let zone = state.reader.installation().workspace(scope.workspace)?.time_zone.clone();
        let (reader, go_on) = (&state.reader, self.go_on());
        let found = members(reader, lakes, scope, (question, &zone), (&self.weights, &go_on));
        let left = Duration::from_secs(SECONDS_MAX as u64);
        let Some(members) = tokio::time::timeout(left, found).await.map_err(|_| too_long())?? else {
            return Ok(None);
        };
        let first: Vec<PartyNo> = members.iter().take(self.sample_max).map(PartyNo).collect();
        let sample = state
            .reader
            .read(scope, move |identity, tx| {
                let mut anchors = node_anchors(identity.scope, tx, &first)?;
                anchors.sort_by_key(|node| node.party);
                Ok(anchors.into_iter().map(|node| PartyId(node.key)).collect())
            })
            .await?;
        Ok(Some(Found { count: members.len(), sample }))
    }

    /// Looks at every party in the store.
    async fn in_store(
        &self,
        state: &Audiences,
        scope: &Scope,
        question: Arc<Question>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Found, web::Problem> {
        let (weights, sample_max, go_on) = (Arc::clone(&self.weights), self.sample_max, self.go_on());
        let found = state.reader.read(scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            scan(identity, tx, &weights, &question, sample_max, &mut || go_on())
        });
        found.await
    }
}

/// As of when something is asked.
pub(in crate::routes) fn moment(as_of: Option<&str>, now: Instant) -> kernel::Result<Moment> {
    let Some(text) = as_of else { return Ok(Moment::Now(now)) };
    let at = Instant::parse(text);
    let at = at.ok_or_else(|| Failure::invalid("as_of", "an instant such as 2026-06-30T00:00:00Z"))?;
    Ok(Moment::At(at))
}

pub(in crate::routes) fn go_on(
    is_given_up: &AtomicBool,
    clock: &dyn Clock,
    began: Instant,
) -> kernel::Result<()> {
    if is_given_up.load(Ordering::Acquire) {
        return Err(Failure::unavailable("nobody waits for this preview any more"));
    }
    if clock.now() > began.plus(SECONDS_MAX * SECOND) {
        return Err(too_long());
    }
    Ok(())
}

fn too_long() -> Failure {
    let limit = "the time of a preview in seconds (an audience that is saved is filled without a limit)";
    Failure::LimitExceeded { limit, max: SECONDS_MAX as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped(Instant);

    impl Clock for Stopped {
        fn now(&self) -> Instant {
            self.0
        }
    }

    #[test]
    fn a_preview_ends_when_its_time_is_over_or_its_client_has_gone() {
        let began = Instant(0);
        let after = |seconds: i64, is_gone: bool| {
            let given_up = GivenUp::default();
            let flag = Arc::clone(&given_up.0);
            if is_gone {
                drop(given_up);
                return go_on(&flag, &Stopped(began.plus(seconds * SECOND)), began);
            }
            go_on(&flag, &Stopped(began.plus(seconds * SECOND)), began)
        };
        assert!(after(SECONDS_MAX, false).is_ok());
        assert!(matches!(after(SECONDS_MAX + 1, false), Err(Failure::LimitExceeded { max: 60, .. })));
        assert!(matches!(after(0, true), Err(Failure::Unavailable { .. })));
    }
}

//! Trying a rule on everybody, without keeping it.
//!
//! The work ends when the client goes away: whoever types a rule asks again with every letter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::State;
use kernel::time::{Clock, MILLISECOND, SECOND};
use kernel::{Failure, Instant};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::{Audiences, check};
use crate::live::{Moment, Question, scan};
use crate::routes::weights;
use crate::store::audience::audience_all;

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
struct GivenUp(Arc<AtomicBool>);

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
    let sample_max = request.limit.unwrap_or(SAMPLE_DEFAULT).min(SAMPLE_MAX) as usize;
    let given_up = GivenUp::default();
    let is_given_up = Arc::clone(&given_up.0);
    let permit = Arc::clone(&state.scans).acquire_owned().await.map_err(Failure::internal)?;
    let preview = state
        .reader
        .read(&scope, move |identity, tx| {
            // Held by the work itself, which goes on for a moment when the client has gone.
            let _permit = permit;
            let audiences = audience_all(identity.scope, tx)?;
            check::check(identity.scope, tx, &rule, None, &audiences)?;
            let question = Question::new(&rule, &audiences, zone, moment);
            let weights = weights(&installation, identity.scope);
            let clock = installation.clock();
            let began = clock.now();
            let mut go_on = || go_on(&is_given_up, &**clock, began);
            let found = scan(identity, tx, &weights, &question, sample_max, &mut go_on)?;
            Ok(Preview {
                count: found.count,
                as_of: moment.instant().to_string(),
                elapsed_ms: ((clock.now().0 - began.0) / MILLISECOND) as u64,
                sample: found.sample.iter().map(ToString::to_string).collect(),
            })
        })
        .await?;
    drop(given_up);
    Ok(Json(preview))
}

/// As of when something is asked.
pub(super) fn moment(as_of: Option<&str>, now: Instant) -> kernel::Result<Moment> {
    let Some(text) = as_of else { return Ok(Moment::Now(now)) };
    let at = Instant::parse(text);
    let at = at.ok_or_else(|| Failure::invalid("as_of", "an instant such as 2026-06-30T00:00:00Z"))?;
    Ok(Moment::At(at))
}

fn go_on(is_given_up: &AtomicBool, clock: &dyn Clock, began: Instant) -> kernel::Result<()> {
    if is_given_up.load(Ordering::Acquire) {
        return Err(Failure::unavailable("nobody waits for this preview any more"));
    }
    if clock.now() > began.plus(SECONDS_MAX * SECOND) {
        let limit = "the time of a preview in seconds (an audience that is saved is filled without a limit)";
        return Err(Failure::LimitExceeded { limit, max: SECONDS_MAX as u64 });
    }
    Ok(())
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

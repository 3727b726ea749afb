//! One request over HTTP and what its answer means; many of them, in order for each party.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use reqwest::{RequestBuilder, Url, header};
use tokio::time::Instant;

use crate::guard::Denied;
use crate::{Attempt, Guard, Message, Outcome};

/// Answers are only looked at, never kept: longer ones are cut off with their connection.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Longest pause a receiver is granted.
const PAUSE_SECONDS_MAX: u32 = 3_600;

/// Sends a request to `url` and says what its answer means.
pub(crate) async fn exchange(guard: &Guard, url: &Url, request: RequestBuilder) -> Attempt {
    let began = Instant::now();
    let mut attempt = match guard.admits(url).await {
        Ok(()) => ask(request).await,
        Err(Denied::Private) => Attempt::refused(Denied::Private.to_string()),
        Err(denied) => Attempt::later(denied.to_string()),
    };
    attempt.latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    attempt
}

async fn ask(request: RequestBuilder) -> Attempt {
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return unanswered(&error),
    };
    let code = answer.status().as_u16();
    let pause = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut bytes = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes += chunk.len();
        if bytes > ANSWER_BYTES_MAX {
            break;
        }
    }
    Attempt { outcome: meaning(code, pause), code: Some(code), latency_us: 0 }
}

/// What a status means: whether the receiver has it, is not itself, or will never take it.
fn meaning(code: u16, pause: Option<u32>) -> Outcome {
    let reason = format!("answered {code}");
    match code {
        200..=299 => Outcome::Delivered,
        300..=399 => Outcome::Refused { reason: format!("{reason}; redirects are not followed") },
        // Who may send, or when, can be put right without another message.
        401 | 403 | 407 | 408 | 425 | 429 | 500.. => {
            let pause = pause.map(|seconds| seconds.min(PAUSE_SECONDS_MAX));
            Outcome::Later { reason, pause_seconds: pause }
        }
        _ => Outcome::Refused { reason },
    }
}

/// Says why there is no answer without saying whom was asked: addresses can hold secrets.
fn unanswered(error: &reqwest::Error) -> Attempt {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(Denied::Private) = inner.downcast_ref::<Denied>() {
            return Attempt::refused(Denied::Private.to_string());
        }
        cause = inner.source();
    }
    Attempt::later(match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        error if error.is_builder() => "the request cannot be made",
        _ => "the connection broke off",
    })
}

/// Sends messages, those of different parties beside one another, those of one party one after the other;
/// what follows a failure of its own party is not tried.
pub(crate) async fn in_order<'m, F: Future<Output = Attempt>>(
    messages: &'m [Message],
    in_flight_max: usize,
    send: impl Fn(&'m Message) -> F,
) -> Vec<Attempt> {
    let mut parties: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, message) in messages.iter().enumerate() {
        parties.entry(&message.party).or_default().push(place);
    }
    let send = &send;
    let lanes = parties.into_values().map(|places| async move {
        let mut attempts = Vec::with_capacity(places.len());
        let mut is_blocked = false;
        for place in places {
            let attempt = if is_blocked { Attempt::UNTRIED } else { send(&messages[place]).await };
            is_blocked |= matches!(attempt.outcome, Outcome::Later { .. });
            attempts.push((place, attempt));
        }
        attempts
    });
    let lanes: Vec<_> = lanes.collect();
    let mut all = vec![Attempt::UNTRIED; messages.len()];
    let mut done = stream::iter(lanes).buffer_unordered(in_flight_max);
    while let Some(attempts) = done.next().await {
        for (place, attempt) in attempts {
            all[place] = attempt;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_that_it_is_there_or_may_be_later_or_never_will() {
        for code in [200, 202, 204] {
            assert_eq!(meaning(code, None), Outcome::Delivered, "{code}");
        }
        for code in [401, 403, 408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(matches!(meaning(code, None), Outcome::Later { .. }), "{code}");
        }
        for code in [301, 302, 307, 308, 400, 404, 409, 410, 413, 415, 422] {
            assert!(matches!(meaning(code, None), Outcome::Refused { .. }), "{code}");
        }
        let Outcome::Later { pause_seconds, .. } = meaning(503, Some(99_999)) else { panic!("busy") };
        assert_eq!(pause_seconds, Some(PAUSE_SECONDS_MAX));
    }
}

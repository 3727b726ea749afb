//! The demo goes on: what happened last in the world happens again, now, at a gentle rate, and when that is
//! over, once more. So live audiences move while somebody looks.
//!
//! The order is that of the world. Messages get the present time and ids of their own, or they would be taken
//! for copies.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use demo::{Profile, SOURCES, World};
use kernel::time::Clock;
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use super::ProfileName;
use super::credentials::Credentials;
use crate::command::client::Api;

/// Messages of a round: the last day of the small world, some weeks of the tiny one.
const ROUND: usize = 12_000;
/// How often events are sent.
const TICKS_PER_SECOND: u32 = 4;
/// More than this is no gentle rate.
const RATE_MAX: u32 = 1_000;
/// Requests that may fail one after the other before the replay gives up.
const FAILURES_MAX: u32 = 20;

/// Reads `20/s` or `20`.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let digits = text.trim().strip_suffix("/s").unwrap_or(text.trim());
    match digits.trim().parse() {
        Ok(rate) if (1..=RATE_MAX).contains(&rate) => Ok(rate),
        _ => Err(format!("events a second, such as 20/s; at most {RATE_MAX}")),
    }
}

/// Something to send again.
struct Step {
    /// Index into [`SOURCES`].
    source: usize,
    body: Value,
}

/// Replays for ever.
///
/// # Errors
/// Nothing can be sent for some time, or the credentials lack a key.
pub(super) async fn go_on(
    server: &str,
    credentials: &Credentials,
    rate: u32,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let shop = SOURCES[0].0;
    let workspace = credentials.workspaces.get(shop).context("demo.json lacks the shop")?;
    let api = Api::new(server, Some(&workspace.token))?;
    let size = match credentials.profile {
        ProfileName::Small => Profile::Small,
        ProfileName::Tiny => Profile::Tiny,
    };
    let seed = credentials.seed;
    let steps = tokio::task::spawn_blocking(move || draw(size, seed, shop)).await??;
    anyhow::ensure!(!steps.is_empty(), "nothing happened in this world");
    // Another start must not be taken for a repetition of this one.
    let begun = clock.now().0;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / TICKS_PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut due, mut failures) = (0, 0);
    let mut places = (0u64..).flat_map(|round| (0..steps.len()).map(move |place| (round, place)));
    loop {
        ticks.tick().await;
        due += rate;
        let mut by_source: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
        for (round, place) in places.by_ref().take((due / TICKS_PER_SECOND) as usize) {
            let Step { source, body } = &steps[place];
            by_source.entry(*source).or_default().push(again(body, begun, round, &clock.now().to_string()));
        }
        due %= TICKS_PER_SECOND;
        for (source, events) in by_source {
            let id = SOURCES[source].1;
            let key =
                workspace.write_keys.get(id).with_context(|| format!("demo.json has no key of {id}"))?;
            let sent: anyhow::Result<Value> =
                api.import(key, Bytes::from(serde_json::to_vec(&events)?)).await;
            match sent {
                Ok(_) => failures = 0,
                Err(error) if failures == FAILURES_MAX => return Err(error),
                Err(_) => failures += 1,
            }
        }
    }
}

/// What people did last; what sources told of them is known.
fn draw(size: Profile, seed: u64, workspace: &str) -> anyhow::Result<Vec<Step>> {
    let world = World::generate(size, seed);
    let mut steps = Vec::new();
    for message in world.latest(ROUND).filter(|message| message.workspace == workspace) {
        let body: Value = serde_json::from_str(&message.json)?;
        let source = SOURCES.iter().position(|known| *known == (message.workspace, message.source));
        let source = source.context("the list names the sources of every message")?;
        if body["type"] != "identify" {
            steps.push(Step { source, body });
        }
    }
    Ok(steps)
}

/// The same event, happening now.
fn again(body: &Value, begun: i64, round: u64, now: &str) -> Value {
    let mut body = body.clone();
    let id = body["messageId"].as_str().unwrap_or_default();
    body["messageId"] = format!("{id}-{begun}-{round}").into();
    body["timestamp"] = now.into();
    body
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_rate_is_a_number_of_events_a_second() {
        assert_eq!(rate("20/s"), Ok(20));
        assert_eq!(rate(" 5 "), Ok(5));
        for wrong in ["", "0", "-1/s", "20/m", "1001", "many"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_end_of_the_world_is_replayed_in_one_order_under_ids_of_its_own() {
        let steps = draw(Profile::Tiny, 1, "xiulin").unwrap();
        let ids = |round| -> Vec<String> {
            let sent = steps.iter().map(|step| again(&step.body, 7, round, "2026-11-28T08:00:00.000Z"));
            sent.map(|body| {
                assert_eq!(body["timestamp"], "2026-11-28T08:00:00.000Z");
                body["messageId"].as_str().unwrap().to_owned()
            })
            .collect()
        };
        let again: Vec<String> = draw(Profile::Tiny, 1, "xiulin")
            .unwrap()
            .iter()
            .map(|s| s.body["messageId"].to_string())
            .collect();
        assert!(steps.iter().map(|s| s.body["messageId"].to_string()).eq(again));
        let all: BTreeSet<String> = ids(0).into_iter().chain(ids(1)).collect();
        let once: BTreeSet<String> = ids(0).into_iter().collect();
        assert_eq!(all.len(), 2 * once.len());
        let events: BTreeSet<&str> = steps.iter().filter_map(|s| s.body["event"].as_str()).collect();
        assert!(events.contains("Product Viewed") && events.contains("Product Added"), "{events:?}");
    }
}

//! The jobs that look at everybody to know something of all together: population constants, and what a seed has
//! in common. What they find goes through the log; then those it applies to are filled again, and the jobs watch.

use std::sync::Arc;

use db::Tx;
use identity::reading::Reader;
use identity::resolve::Identity;
use insight::commands::{CONSTANTS_PUT, PutConstants};
use insight::constants::{Asked, compute};
use insight::live::Moment;
use insight::lookalike::fit;
use insight::rules::tag::{Document, How};
use insight::store::tag::tag_all;
use intake::command::Commands;
use jobs::work::{Retries, Running};
use jobs::{Run, Work};
use kernel::Failure;
use kernel::scope::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::POLL;
use crate::tag::{fetch, filled, read};

/// The name of the kind that computes constants.
pub const CONSTANTS_REFRESH_KIND: &str = "constants.refresh";
/// The name of the kind that learns from a seed.
pub const TAG_FIT_KIND: &str = "tag.fit";

/// Computes the constants of models.
pub struct RefreshConstants {
    /// Takes the command.
    pub commands: Arc<dyn Commands>,
}

/// Learns from the seed of a look-alike.
pub struct FitTag {
    /// Takes the command.
    pub commands: Arc<dyn Commands>,
}

/// What a job about constants is about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    /// What models call them; those of all built-in models if absent.
    name: Option<String>,
    /// The settings; those of the last time if absent.
    config: Option<Value>,
}

fn input(input: &Value) -> kernel::Result<Input> {
    jobs::work::input(input)
}

impl Work for RefreshConstants {
    fn kind(&self) -> &'static str {
        CONSTANTS_REFRESH_KIND
    }

    fn about(&self) -> &'static str {
        "computes what models know of everybody: {\"name\"?: text, \"config\"?: settings}"
    }

    fn permission(&self) -> Permission {
        Permission::TagWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(3)
    }

    fn check(&self, given: &Value) -> kernel::Result<()> {
        let input = input(given)?;
        input.config.map_or(Ok(()), |config| models::Config::read(&config).map(drop)).map_err(below_input)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            let Input { name, config } = input(&run.input)?;
            let asked = Asked { name, config, as_of: run.now() };
            let put = look(run, move |run, identity, tx| {
                compute(run.installation(), identity, tx, &asked, &mut || run.check())
            })
            .await?;
            let parties = put.body["parties"].clone();
            let name = put.name.clone();
            submit(&*self.commands, run, put).await?;
            let tags = applied(run, &name).await?;
            Ok(json!({ "parties": parties, "tags": tags }))
        })
    }
}

/// Names a field of the input.
fn below_input(failure: Failure) -> Failure {
    match failure {
        Failure::Invalid { field, message } => Failure::invalid(format!("input/{field}"), message),
        other => other,
    }
}

impl Work for FitTag {
    fn kind(&self) -> &'static str {
        TAG_FIT_KIND
    }

    fn about(&self) -> &'static str {
        "learns what the seed of a look-alike has in common, and applies it to everybody: {\"tag\": key}"
    }

    fn permission(&self) -> Permission {
        Permission::TagWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(3)
    }

    fn check(&self, input: &Value) -> kernel::Result<()> {
        read(input).map(drop)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            let key = read(&run.input)?.tag;
            let before = fetch(run, &key).await?.last_seq;
            let (own, moment) = (key.clone(), Moment::Now(run.now()));
            let (put, found) = look(run, move |run, identity, tx| {
                fit(run.installation(), identity, tx, (&own, moment), &mut || run.check())
            })
            .await?;
            if let Some(refusal) = &found.refusal {
                run.problem(&format!("low confidence: {}", refusal.words().1));
            }
            submit(&*self.commands, run, put).await?;
            let mut result = filled(run, &key, before).await?;
            result["method"] = serde_json::to_value(found.method).map_err(Failure::internal)?;
            result["seeds"] = found.seeds.into();
            result["people"] = found.people.into();
            Ok(result)
        })
    }
}

/// Reads with the identity rules at hand, off the async threads.
async fn look<T: Send + 'static>(
    run: &Run,
    work: impl FnOnce(&Run, &Identity<'_>, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
) -> kernel::Result<T> {
    let run = run.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let reader = Reader::new(run.installation().clone());
        reader.read_now(&run.scope, |identity, tx| work(&run, identity, tx))
    });
    looked.await.map_err(Failure::internal)?
}

async fn submit(commands: &dyn Commands, run: &Run, put: PutConstants) -> kernel::Result<()> {
    run.check()?;
    let body = serde_json::to_value(put).map_err(Failure::internal)?;
    commands.submit(&run.scope, CONSTANTS_PUT, body).await.map(drop)
}

/// Waits until every tag that applies constants is filled; how many there are.
async fn applied(run: &Run, name: &str) -> kernel::Result<usize> {
    loop {
        let own = name.to_owned();
        let tags = run
            .read(move |scope, tx| {
                let is_applied = |body: &str| {
                    let how = Document::parse(body).and_then(|document| document.how());
                    matches!(how, Ok(How::Model { constants, .. }) if constants == own)
                };
                let tags = tag_all(scope, tx)?.into_iter();
                let tags = tags.filter(|tag| !tag.is_retired && is_applied(&tag.body));
                Ok(tags.map(|tag| tag.filled).collect::<Vec<_>>())
            })
            .await?;
        let Some(least) = tags.iter().copied().flatten().min() else { return Ok(tags.len()) };
        run.progress(u64::from(least.0), None, "parties looked at, by number");
        run.pause(POLL).await?;
    }
}

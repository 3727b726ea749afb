//! The demo's events on their way through `POST /api/v1/events`: a thread draws the world and fills
//! batches, some requests are under way at a time, and at the end the pipelines are waited for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use demo::{Message, Profile, SOURCES, World, clickstream};
use futures_util::{StreamExt, stream};
use indicatif::{MultiProgress, ProgressBar};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::ProfileName;
use super::credentials::Credentials;
use crate::command::client::{self, Api};

/// Events to a request.
const BATCH_EVENTS: usize = 1_000;
/// Requests under way.
const REQUESTS_MAX: usize = 4;
/// Batches drawn ahead.
const AHEAD: usize = 8;
/// How often the bar of applied events moves. Asking costs the server something.
const LOOK: Duration = Duration::from_secs(1);
/// A tiny world has this part of the clickstream too.
const TINY_CLICKS: usize = 700;

/// Events of one source, as a JSON array.
#[derive(Default)]
struct Batch {
    /// Index into [`SOURCES`].
    source: usize,
    body: Vec<u8>,
    events: u64,
}

#[derive(Deserialize)]
struct Report {
    accepted: u64,
    rejected: u64,
}

/// Sends a world, and waits until all of it is part of the state.
///
/// # Errors
/// The server refuses, or the truth cannot be written.
pub(super) async fn load(server: &str, credentials: &Credentials, folder: &Path) -> anyhow::Result<()> {
    let apis: BTreeMap<&str, Api> = credentials
        .workspaces
        .iter()
        .map(|(name, w)| Ok((name.as_str(), Api::new(server, Some(&w.token))?)))
        .collect::<anyhow::Result<_>>()?;
    let key = |source: usize| {
        let (workspace, id) = SOURCES[source];
        let key = credentials.workspaces.get(workspace).and_then(|w| w.write_keys.get(id));
        key.with_context(|| format!("demo.json has no key of {workspace}/{id}"))
    };
    let bars = MultiProgress::new();
    let sent = bars.add(client::progress("sent", Some(0)));
    let applied = bars.add(client::progress("applied", Some(0)));
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (profile, seed, folder) = (credentials.profile, credentials.seed, folder.to_owned());
    let lengths = [sent.clone(), applied.clone()];
    let drawing = tokio::task::spawn_blocking(move || draw(profile, seed, &folder, &lengths, &sender));

    let sending = async {
        let batches = stream::unfold(receiver, |mut r| async { r.recv().await.map(|batch| (batch, r)) });
        let posts = batches.map(|batch: Batch| {
            let api = &apis[SOURCES[batch.source].0];
            async move {
                let report: Report = api.import(key(batch.source)?, Bytes::from(batch.body)).await?;
                debug_assert_eq!(report.accepted + report.rejected, batch.events);
                anyhow::Ok(batch.events)
            }
        });
        let mut posts = std::pin::pin!(posts.buffer_unordered(REQUESTS_MAX));
        while let Some(events) = posts.next().await {
            sent.inc(events?);
        }
        drawing.await??;
        for api in apis.values() {
            api.wait_applied(|_| {}).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        loaded = sending => loaded?,
        () = watch(&apis, &applied) => {}
    }
    bars.clear()?;
    Ok(())
}

/// Moves the bar of applied events, if anybody sees it; never ends.
async fn watch(apis: &BTreeMap<&str, Api>, bar: &ProgressBar) {
    loop {
        tokio::time::sleep(LOOK).await;
        if bar.is_hidden() {
            continue;
        }
        let mut done = 0;
        for api in apis.values() {
            done += api.figures().await.map_or(0, |figures| figures.done());
        }
        bar.set_position(done);
    }
}

/// Draws the world, writes down what is true in it, and fills batches, as far as anybody wants them.
fn draw(
    profile: ProfileName,
    seed: u64,
    folder: &Path,
    bars: &[ProgressBar],
    sender: &mpsc::Sender<Batch>,
) -> anyhow::Result<()> {
    let (size, clicks) = match profile {
        ProfileName::Small => (Profile::Small, usize::MAX),
        ProfileName::Tiny => (Profile::Tiny, TINY_CLICKS),
    };
    let world = World::generate(size, seed);
    world.write_truth(folder).context("writing the truth")?;
    let clicks = || clickstream::messages().take(clicks);
    let total = world.messages().size_hint().0 + clicks().count();
    bars.iter().for_each(|bar| bar.set_length(total as u64));
    let mut batches: Vec<Batch> =
        (0..SOURCES.len()).map(|source| Batch { source, ..Batch::default() }).collect();
    for message in world.messages().chain(clicks()) {
        let source = source_of(&message);
        batches[source].push(&message.json);
        if batches[source].events as usize == BATCH_EVENTS {
            let full = std::mem::replace(&mut batches[source], Batch { source, ..Batch::default() });
            if sender.blocking_send(full.close()).is_err() {
                return Ok(());
            }
        }
    }
    for batch in batches.into_iter().filter(|batch| batch.events > 0) {
        if sender.blocking_send(batch.close()).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn source_of(message: &Message) -> usize {
    let found = SOURCES.iter().position(|known| *known == (message.workspace, message.source));
    found.expect("the list names the sources of every message")
}

impl Batch {
    fn push(&mut self, json: &str) {
        self.body.push(if self.events == 0 { b'[' } else { b',' });
        self.body.extend_from_slice(json.as_bytes());
        self.events += 1;
    }

    fn close(mut self) -> Self {
        self.body.push(b']');
        self
    }
}

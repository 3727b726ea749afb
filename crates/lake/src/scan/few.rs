//! Rows of few people: only the pages that hold them are read, nothing is kept, and where a few of the newest
//! rows are enough, older files are not opened.
//!
//! Each file is little work that is mostly decompression, so files are read side by side.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};

use super::load;
use super::piece::{self, Piece, Source};
use super::stock::Run;
use super::{Job, WantedEvent};
use crate::error::{Error, Result};

/// Files that are read at once.
const READS: usize = 8;

/// The wanted rows of the parties of a job. `waiting` counts the rows that are not in files, by week.
pub(super) async fn read(
    job: &Arc<Job>,
    sources: Vec<Source>,
    wanted: &WantedEvent,
    waiting: BTreeMap<i32, usize>,
) -> Result<Vec<Piece>> {
    let found = side_by_side(sources, |source| {
        let job = job.clone();
        async move {
            let Some(parties) = &job.parties else { return Ok(source) };
            let ranges = load::narrow(&job, &source.file, source.ranges, parties).await?;
            Ok(Source { ranges, ..source })
        }
    });
    let mut found: Vec<Source> = found.await?;
    found.retain(|source| !source.ranges.is_empty());
    if let Some(enough) = job.wanted.newest {
        let weeks = newest_weeks(job, wanted, &found, waiting, enough);
        found.retain(|source| weeks.contains(&source.file.week));
    }
    side_by_side(found, |source| {
        let (job, wanted) = (job.clone(), wanted.clone());
        async move {
            // The rows are so few that their keys cost nothing, and they make the order certain.
            let asked = piece::asked(&job, &wanted, true, &Run::default());
            let run = load::load(&job, &source.file, &source.footer, &source.ranges, &asked, None).await?;
            Ok(piece::filtered(&job, &source.file, &wanted, run, true))
        }
    })
    .await
}

/// Does something with each of a list, on as many threads as there are, and keeps their order.
async fn side_by_side<T, F>(list: Vec<Source>, work: impl Fn(Source) -> F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let tasks = list.into_iter().map(|source| {
        let task = work(source);
        async move { tokio::spawn(task).await.map_err(|e| Error::Storage(format!("a scan stopped: {e}")))? }
    });
    futures_util::stream::iter(tasks).buffered(READS).try_collect().await
}

/// The newest weeks that certainly have `enough` rows of the answer. Rows that might be left out do not count.
fn newest_weeks(
    job: &Job,
    wanted: &WantedEvent,
    found: &[Source],
    waiting: BTreeMap<i32, usize>,
    enough: usize,
) -> HashSet<i32> {
    let range = job.range(wanted);
    let is_certain = job.excluded.is_none() && job.pinned().suppressed.is_empty();
    let mut weeks = waiting;
    for Source { file, ranges, .. } in found {
        let is_inside = range.start <= file.times.0.0 && file.times.1.0 < range.end;
        let rows: usize = ranges.iter().map(Range::len).sum();
        *weeks.entry(file.week).or_default() += if is_certain && is_inside { rows } else { 0 };
    }
    let mut counted = 0;
    let newest = weeks.into_iter().rev().take_while(|(_, rows)| {
        let is_needed = counted < enough;
        counted += rows;
        is_needed
    });
    newest.map(|(week, _)| week).collect()
}

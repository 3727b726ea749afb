//! What is checked at the start, in full on demand, and what a repair gives up.
//!
//! A start checks that segments join without a gap, that the log reaches its high-water mark, and,
//! after an unclean stop, every entry of the newest segment. Everything else is checked when it is
//! read, or by [`verify`]. Nothing here drops an entry by itself: only [`repair`], which a person
//! calls, does, and it says which and keeps the file.

use std::fs;
use std::path::{Path, PathBuf};

use kernel::id::IdSource;

use super::layout::{self, Layout, Mark, Meta, failed};
use super::readers::corrupt;
use super::segment::{self, Active, Budget, Phase, Stop};
use super::{Options, make, writer};
use crate::{Error, Offset};

/// Entries read at once while checking.
const PAGE_ENTRIES: usize = 1_000;
const PAGE_BYTES: usize = 4 << 20;

/// Durable entries that cannot be read any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// The first of them.
    pub from: Offset,
    /// The last of them.
    pub to: Offset,
    /// What was found.
    pub reason: String,
    /// The segment that holds them, unless the rest of it is sound.
    pub segment: Option<PathBuf>,
}

/// Reads every entry of the log in `dir` and lists what is damaged. Changes nothing.
///
/// # Errors
///
/// [`Error::Unavailable`] if there is no log in `dir`.
pub fn verify(dir: impl AsRef<Path>) -> Result<Vec<Damage>, Error> {
    let dir = dir.as_ref();
    let layout = Layout::load(dir)?;
    let layout = layout.ok_or_else(|| Error::Unavailable(format!("no log in {}", dir.display())))?;
    Ok(survey(dir, &layout)?.damages)
}

/// Makes a damaged log usable: renames bad segments to `.bad`, notes the lost offsets so that
/// readers pass over them, and returns them.
///
/// Offsets are not given out again. If nobody can tell how far they went, the log gets a new
/// incarnation instead.
///
/// # Errors
///
/// [`Error::Unavailable`] while a process has the log open.
pub fn repair(dir: impl AsRef<Path>, ids: &dyn IdSource) -> Result<Vec<Damage>, Error> {
    let dir = dir.as_ref();
    let _lock = layout::lock(dir)?;
    let mut layout = match Layout::load(dir) {
        Ok(Some(layout)) => layout,
        Ok(None) => return Ok(Vec::new()),
        Err(_) => {
            let segments = layout::segments(dir)?;
            let first = segments.first().copied().unwrap_or(1);
            Layout { segments, meta: Meta { first, ..Meta::new(ids.fresh()) } }
        }
    };
    let Survey { damages, head, is_head_certain } = survey(dir, &layout)?;
    let given_up = damages.iter().map(|d| (d.from.0, d.to.0));
    layout.meta.set_aside.extend(given_up);
    layout.meta.set_aside.sort_unstable();
    if !is_head_certain {
        layout.meta.incarnation = ids.fresh();
    }
    layout.meta.save(dir)?;
    for segment in damages.iter().filter_map(|d| d.segment.as_deref()) {
        set_aside(segment)?;
    }
    layout::sync(dir)?;
    if damages.last().is_some_and(|d| d.to.0 == head) {
        Active::open(dir, head + 1, segment::Sync::Full)?.settle()?;
    }
    Mark::open(dir)?.write(head);
    Ok(damages)
}

fn set_aside(segment: &Path) -> Result<(), Error> {
    let rename = |from: &Path| {
        let mut to = from.as_os_str().to_owned();
        to.push(".bad");
        match fs::rename(from, to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed("setting a segment aside", e)),
            _ => Ok(()),
        }
    };
    segment::companions(segment).try_for_each(|file| rename(&file))?;
    rename(segment)
}

struct Survey {
    damages: Vec<Damage>,
    /// The newest offset that was ever given out, as far as can be told.
    head: u64,
    is_head_certain: bool,
}

fn survey(dir: &Path, layout: &Layout) -> Result<Survey, Error> {
    let mark = Mark::load(dir);
    let mut damages = Vec::new();
    let mut is_head_certain = true;
    let mut next = layout.meta.first;
    let lost =
        |(from, to), reason: String, segment| Damage { from: Offset(from), to: Offset(to), reason, segment };
    for (i, &first) in layout.segments.iter().enumerate() {
        if let Some(range) = layout.missing(next, first) {
            damages.push(lost(range, "they are missing".into(), None));
        }
        let follow = layout.segments.get(i + 1).copied();
        match rows_check(dir, first, follow)? {
            Ok(end) => next = end,
            Err(damage) => {
                let newest = newest_readable(dir, first).unwrap_or(damage.from);
                next = follow.unwrap_or_else(|| newest.max(damage.from).max(mark) + 1);
                is_head_certain = follow.is_some() || mark > 0;
                damages.push(lost((first, next - 1), damage.reason, Some(layout::segment_path(dir, first))));
            }
        }
    }
    if let Some(range) = layout.missing(next, mark + 1) {
        damages.push(lost(range, "the end of the log is missing".into(), None));
        next = mark + 1;
    }
    Ok(Survey { damages, head: next - 1, is_head_certain })
}

/// Reads all entries of one segment and returns the offset after the last one, or what is wrong.
fn rows_check(dir: &Path, first: u64, follow: Option<u64>) -> Result<Result<u64, segment::Damage>, Error> {
    let phase = if follow.is_some() { Phase::Sealed } else { Phase::Active };
    let unreadable = |reason| segment::Damage { from: first, to: None, reason };
    let connection = match segment::reader(dir, first, phase) {
        Ok(Some(connection)) => connection,
        Ok(None) => return Ok(Err(unreadable("the segment is gone".into()))),
        Err(Error::Corrupt { reason, .. }) => return Ok(Err(unreadable(reason))),
        Err(error) => return Err(error),
    };
    let mut next = first;
    loop {
        let mut page = Vec::new();
        let mut budget = Budget { entries: PAGE_ENTRIES, bytes: PAGE_BYTES };
        match segment::read(&connection, next, &mut budget, &mut page)? {
            Stop::Budget => next += page.len() as u64,
            Stop::End(end) => return Ok(Ok(end)),
            Stop::Damage(damage) => return Ok(Err(damage)),
        }
    }
}

fn newest_readable(dir: &Path, first: u64) -> Option<u64> {
    let connection = segment::reader(dir, first, Phase::Active).ok()??;
    segment::last(&connection).ok()?
}

/// Brings the log to the state in which entries may be added: what the disk has, checked.
pub(super) fn recover(dir: &Path, options: &Options) -> Result<(Layout, Active, u64), Error> {
    let mut layout = match Layout::load(dir)? {
        Some(layout) => layout,
        None => make(dir, options)?,
    };
    let mark = Mark::load(dir);
    if layout.segments.is_empty() {
        if layout.meta.first != 1 || mark != 0 {
            return corrupt(layout.meta.first, mark, "there are no segments".into());
        }
        layout.segments.push(1);
    }
    join_check(dir, &layout)?;
    let newest = *layout.segments.last().expect("there is one now");
    let path = layout::segment_path(dir, newest);
    let is_clean = segment::wal_is_empty(&path);
    // An entry that a killed process committed may be in the page cache only. It is fsynced
    // before anybody reads it and moves a cursor past it.
    segment::sync_wal(&path)?;
    let in_range = |error| within(newest, mark.max(newest), error);
    let mut active = Active::open(dir, newest, writer::sync(options.sabotage)).map_err(in_range)?;
    active.settle().map_err(in_range)?;
    if !is_clean && let Err(damage) = rows_check(dir, newest, None)? {
        let to = damage.to.unwrap_or(damage.from).max(mark);
        return corrupt(damage.from, to, damage.reason);
    }
    let head = active.last().map_err(in_range)?.unwrap_or(newest - 1);
    if let Some((from, to)) = layout.missing(head + 1, mark + 1) {
        return corrupt(from, to, "the end of the log is missing".into());
    }
    Ok((layout, active, head))
}

/// Checks that each segment ends where the next one starts, and empties write-ahead logs that a
/// crash left behind.
fn join_check(dir: &Path, layout: &Layout) -> Result<(), Error> {
    if let Some((from, to)) = layout.missing(layout.meta.first, layout.segments[0]) {
        return corrupt(from, to, "a segment is missing".into());
    }
    for pair in layout.segments.windows(2) {
        let (first, follow) = (pair[0], pair[1]);
        let in_range = |error| within(first, follow - 1, error);
        let path = layout::segment_path(dir, first);
        if !segment::wal_is_empty(&path) {
            segment::sync_wal(&path)?;
            Active::open(dir, first, segment::Sync::Full).map_err(in_range)?.settle().map_err(in_range)?;
        }
        let connection = segment::reader(dir, first, Phase::Sealed).map_err(in_range)?;
        let newest = connection.map_or(Ok(None), |c| segment::last(&c)).map_err(in_range)?;
        if let Some((from, to)) = layout.missing(newest.map_or(first, |o| o + 1), follow) {
            return corrupt(from, to, "they are missing".into());
        }
    }
    Ok(())
}

/// Says which entries a damaged database held.
fn within(from: u64, to: u64, error: Error) -> Error {
    match error {
        Error::Corrupt { reason, .. } => Error::Corrupt { from: Offset(from), to: Offset(to), reason },
        error => error,
    }
}

//! Reading: finds the segment of an offset, keeps connections open, goes on into the next segment.
//!
//! Works beside the writer and from any process. What is damaged or missing is reported when the
//! read that comes to it has nothing else to return, so a reader gets everything before it first.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::layout::Layout;
use super::segment::{self, Budget, Damage, Phase, Stop};
use crate::{Entry, Error, Offset};

/// Connections kept open. Readers of one partition are few and close together.
const CONNECTIONS_MAX: usize = 8;

pub(super) struct Readers {
    dir: PathBuf,
    layout: Mutex<Layout>,
    connections: Mutex<Vec<(u64, Connection)>>,
}

impl Readers {
    pub(super) fn new(dir: &Path, layout: Layout) -> Self {
        Self { dir: dir.into(), layout: Mutex::new(layout), connections: Mutex::default() }
    }

    pub(super) fn read(
        &self,
        after: Offset,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, Error> {
        let mut budget = Budget { entries: entries_max.max(1), bytes: bytes_max };
        let mut entries = Vec::new();
        let mut next = after.0.saturating_add(1);
        let mut layout = self.layout_for(next)?;
        while let Some(place) = layout.position(next) {
            let first = layout.segments[place];
            if next < first {
                if let Some((from, to)) = layout.missing(layout.meta.first, first) {
                    return corrupt(from, to, "a segment is missing".into());
                }
                next = first;
            }
            let follow = layout.segments.get(place + 1).copied();
            let Some(connection) = self.connection(first, follow)? else {
                layout = self.layout_after_loss_of(first)?;
                continue;
            };
            match segment::read(&connection, next, &mut budget, &mut entries)? {
                Stop::Budget => self.give_back(first, connection),
                // Damaged connections are not kept.
                Stop::Damage(_) if !entries.is_empty() => {}
                Stop::Damage(Damage { from, to, reason }) => {
                    let to = to.or(follow.map(|f| f - 1)).unwrap_or(from);
                    return corrupt(from, to, reason);
                }
                Stop::End(end) => {
                    let Some(follow) = follow else {
                        if entries.is_empty() {
                            let head = segment::last(&connection)?.unwrap_or(first - 1);
                            refuse_regression(after, head)?;
                        }
                        self.give_back(first, connection);
                        break;
                    };
                    self.give_back(first, connection);
                    match layout.missing(end, follow) {
                        Some((from, to)) if entries.is_empty() => {
                            return corrupt(from, to, "they are missing".into());
                        }
                        Some(_) => {}
                        None => {
                            next = follow;
                            continue;
                        }
                    }
                }
            }
            break;
        }
        Ok(entries)
    }

    /// The oldest offset.
    pub(super) fn first(&self) -> Result<u64, Error> {
        let layout = self.refresh()?;
        Ok(layout.segments.first().copied().unwrap_or(layout.meta.first))
    }

    /// The newest offset on the disk.
    pub(super) fn head(&self) -> Result<u64, Error> {
        let mut layout = self.refresh()?;
        loop {
            let Some(&first) = layout.segments.last() else { return Ok(layout.meta.first - 1) };
            let Some(connection) = self.connection(first, None)? else {
                layout = self.layout_after_loss_of(first)?;
                continue;
            };
            let head = segment::last(&connection)?.unwrap_or(first - 1);
            self.give_back(first, connection);
            return Ok(head);
        }
    }

    pub(super) fn refresh(&self) -> Result<Layout, Error> {
        let found = Layout::load(&self.dir)?;
        let layout = found.ok_or_else(|| Error::Unavailable(format!("no log in {}", self.dir.display())))?;
        *self.layout.lock() = layout.clone();
        self.connections.lock().retain(|(first, _)| *first >= layout.meta.first);
        Ok(layout)
    }

    /// The layout to read `next` with. What lies in the newest segment known may by now be in a
    /// newer one; and the list must be older than the rows, or a rotation in between would look
    /// like a gap.
    fn layout_for(&self, next: u64) -> Result<Layout, Error> {
        let layout = self.layout.lock().clone();
        match layout.segments.last() {
            Some(last) if next < *last => Ok(layout),
            _ => self.refresh(),
        }
    }

    /// Looks again after a segment was not there: right if it was trimmed, an error if not.
    fn layout_after_loss_of(&self, first: u64) -> Result<Layout, Error> {
        let layout = self.refresh()?;
        match layout.segments.contains(&first) {
            true => Err(Error::Unavailable(format!("segment {first} cannot be opened"))),
            false => Ok(layout),
        }
    }

    fn connection(&self, first: u64, follow: Option<u64>) -> Result<Option<Connection>, Error> {
        let mut connections = self.connections.lock();
        if let Some(i) = connections.iter().position(|(f, _)| *f == first) {
            return Ok(Some(connections.remove(i).1));
        }
        drop(connections);
        let phase = if follow.is_some() { Phase::Sealed } else { Phase::Active };
        segment::reader(&self.dir, first, phase).map_err(|error| match error {
            Error::Corrupt { reason, .. } => {
                let to = follow.map_or(first, |f| f - 1);
                Error::Corrupt { from: Offset(first), to: Offset(to), reason }
            }
            error => error,
        })
    }

    fn give_back(&self, first: u64, connection: Connection) {
        let mut connections = self.connections.lock();
        if connections.len() >= CONNECTIONS_MAX {
            connections.remove(0);
        }
        connections.push((first, connection));
    }
}

pub(super) fn corrupt<T>(from: u64, to: u64, reason: String) -> Result<T, Error> {
    Err(Error::Corrupt { from: Offset(from), to: Offset(to), reason })
}

/// A reader that saw an entry beyond the end knows more than the log.
pub(super) fn refuse_regression(asked: Offset, head: u64) -> Result<(), Error> {
    match asked.0 <= head {
        true => Ok(()),
        false => Err(Error::Regressed { asked, head: Offset(head) }),
    }
}

//! Reading a stream in order, several messages at a time, and noticing what is not there.

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::stream::{bounds, entry_count, message};
use super::{INDEX_MAX, Shared, offset, pack, sequence};
use crate::{Entry, Error, Offset};

/// Messages asked for at once. With full messages this is 4 MiB, about what a reader takes.
const MESSAGES_AHEAD: usize = 8;

pub(super) async fn read(
    shared: &Shared,
    after: Offset,
    entries_max: usize,
    bytes_max: usize,
) -> Result<Vec<Entry>, Error> {
    if after.0 >= *shared.head.borrow() {
        let head = poll(shared).await?;
        if after.0 > head {
            return Err(Error::Regressed { asked: after, head: Offset(head) });
        }
        if after.0 == head {
            return Ok(Vec::new());
        }
    }
    let last = sequence(*shared.head.borrow());
    let mut first = shared.first_sequence_after(after.0);
    let mut page = Page { entries: Vec::new(), entries_max: entries_max.max(1), bytes_left: bytes_max };
    'again: loop {
        let ahead = MESSAGES_AHEAD.min(page.entries_max);
        let asked = stream::iter(first..=last).map(|n| async move { (n, message(&shared.stream, n).await) });
        let mut messages = std::pin::pin!(asked.buffered(ahead));
        while let Some((number, found)) = messages.next().await {
            match found? {
                Some(message) => {
                    if page.take(after, number, &message, shared)? {
                        break 'again;
                    }
                }
                None if !page.entries.is_empty() => break 'again,
                None => {
                    let (oldest, _) = bounds(&shared.stream, shared.incarnation).await?;
                    if number >= oldest {
                        return corrupt(number, number, "the message is missing".into());
                    }
                    // It was trimmed; the oldest one there is comes next.
                    first = oldest;
                    continue 'again;
                }
            }
        }
        break;
    }
    Ok(page.entries)
}

struct Page {
    entries: Vec<Entry>,
    entries_max: usize,
    bytes_left: usize,
}

impl Page {
    /// Takes the entries of a message that lie after `after`; true when the page is full.
    fn take(&mut self, after: Offset, number: u64, message: &Bytes, shared: &Shared) -> Result<bool, Error> {
        let unpacked = match pack::unpack(message) {
            Ok(unpacked) => unpacked,
            Err(_) if !self.entries.is_empty() => return Ok(true),
            Err(reason) => return corrupt(number, number, reason.into()),
        };
        shared.note_count(number, unpacked.len() as u64);
        for (i, (received, body)) in (0..).zip(unpacked) {
            let offset = Offset(offset(number, i));
            if offset <= after {
                continue;
            }
            let is_full = self.entries.len() >= self.entries_max || body.len() > self.bytes_left;
            if is_full && !self.entries.is_empty() {
                return Ok(true);
            }
            self.bytes_left = self.bytes_left.saturating_sub(body.len());
            self.entries.push(Entry { offset, received, body });
        }
        Ok(self.entries.len() >= self.entries_max)
    }
}

/// Asks the server for the head; fails if it went back.
pub(super) async fn poll(shared: &Shared) -> Result<u64, Error> {
    let known = *shared.head.borrow();
    let (_, last) = bounds(&shared.stream, shared.incarnation).await?;
    if last < sequence(known) {
        let head = Offset(if last == 0 { 0 } else { offset(last, INDEX_MAX) });
        return Err(Error::Regressed { asked: Offset(known), head });
    }
    if last > sequence(known) {
        let count = entry_count(&shared.stream, last).await?;
        shared.raise(offset(last, count - 1));
    }
    Ok(*shared.head.borrow())
}

fn corrupt<T>(from: u64, to: u64, reason: String) -> Result<T, Error> {
    Err(Error::Corrupt { from: Offset(offset(from, 0)), to: Offset(offset(to, INDEX_MAX)), reason })
}

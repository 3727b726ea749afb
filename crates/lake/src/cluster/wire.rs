//! A part of a question as bytes: the question, what it has to know of people, and a snapshot of the buckets it
//! is about. Numbers are little-endian, texts have their length before them, lists their count.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use kernel::{Instant, Key, NodeNo, PartyNo};
use question::{People, Plan, Question};
use roaring::RoaringBitmap;

use super::room::Room;
use crate::append::Chunk;
use crate::encode::bucket_of;
use crate::error::{Error, Result};
use crate::lake::{Pinned, Snapshot};
use crate::row::{Column, Event, Kind};
use crate::table::file::File;
use crate::table::schema::Dataset;
use crate::table::{Context, Table};

/// What every group of buckets shares.
pub(super) struct Asked {
    pub(super) plan: Arc<Plan>,
    pub(super) people: Arc<People>,
    pub(super) excluded: Option<Arc<RoaringBitmap>>,
    pub(super) snapshot: Snapshot,
    /// Buckets at work at once on each worker; 0 is as many as it has processors.
    pub(super) threads: usize,
}

/// Writes what a worker needs to answer for `buckets`.
pub(super) fn write(asked: &Asked, buckets: &[u32]) -> Vec<u8> {
    let pinned = asked.snapshot.pinned(Dataset::Events);
    let mut out = Writer::default();
    out.text(&asked.plan.question().to_json());
    out.bytes(&asked.people.to_bytes());
    let mut excluded = Vec::new();
    if let Some(parties) = &asked.excluded {
        parties.serialize_into(&mut excluded).expect("a Vec takes everything");
    }
    out.bytes(&excluded);
    out.number(asked.threads as u64);
    out.number(buckets.len() as u64);
    buckets.iter().for_each(|bucket| out.number(u64::from(*bucket)));
    out.number(pinned.version.cast_unsigned());
    out.number(u64::from(pinned.table.buckets));
    out.number(pinned.table.columns.len() as u64);
    for column in &pinned.table.columns {
        out.text(&column.name);
        out.number(u64::from(kind_number(column.kind)));
    }
    let mut suppressed: Vec<u64> = pinned.suppressed.iter().copied().collect();
    suppressed.sort_unstable();
    out.number(suppressed.len() as u64);
    suppressed.into_iter().for_each(|node| out.number(node));
    let is_asked = |bucket: u32| buckets.contains(&bucket);
    let files: Vec<_> = pinned.files.iter().filter(|file| file.bucket.is_none_or(is_asked)).collect();
    out.number(files.len() as u64);
    files.into_iter().for_each(|file| out.file(file));
    let of_buckets = |event: &&Event| is_asked(bucket_of(event.party.0, pinned.table.buckets));
    let waiting: Vec<_> = pinned.chunks.iter().flat_map(|c| &c.events).filter(of_buckets).collect();
    out.number(waiting.len() as u64);
    waiting.into_iter().for_each(|event| out.event(event));
    out.bytes
}

/// Reads [`write`] on a worker: the question, and its buckets.
///
/// # Errors
/// [`Error::Unreadable`] for other bytes.
pub(super) fn read(bytes: &[u8], room: &Room, context: Context) -> Result<(Asked, Vec<u32>)> {
    let mut from = Reader(bytes);
    let question = Question::parse(from.text()?).map_err(|e| Error::Unreadable(e.to_string()))?;
    let plan = Plan::new(question).map_err(|e| Error::Unreadable(e.to_string()))?;
    let people = People::from_bytes(from.bytes()?).map_err(|e| Error::Unreadable(e.to_string()))?;
    let excluded = match from.bytes()? {
        [] => None,
        bytes => Some(Arc::new(RoaringBitmap::deserialize_from(bytes).map_err(|_| cut())?)),
    };
    let threads = from.number()? as usize;
    let asked = from.list(|from| Ok(from.number()? as u32))?;
    let version = from.number()?.cast_signed();
    let buckets = u32::try_from(from.number()?).ok().filter(|n| *n > 0).ok_or_else(cut)?;
    let columns = from.list(|from| {
        let name = from.text()?.to_owned();
        Ok(Column { name, kind: kind(from.number()?).ok_or_else(cut)? })
    })?;
    let suppressed: HashSet<u64> = from.list(Reader::number)?.into_iter().collect();
    let files = from.list(Reader::file)?.into_iter().map(|file| room.file(file)).collect();
    let events = from.list(Reader::event)?;
    if !from.0.is_empty() {
        return Err(cut());
    }
    let chunks = if events.is_empty() {
        Vec::new()
    } else {
        vec![Arc::new(Chunk { partition: 0, position: 0, events, bytes: 0 })]
    };
    let stock = room.stock.clone();
    let table = Arc::new(Table::detached(context, Dataset::Events, columns, buckets, stock));
    let pinned = Pinned { table, version, files: Arc::new(files), chunks, suppressed: Arc::new(suppressed) };
    let snapshot = Snapshot { tables: Arc::new(BTreeMap::from([(Dataset::Events, pinned)])) };
    Ok((Asked { plan: Arc::new(plan), people: Arc::new(people), excluded, snapshot, threads }, asked))
}

fn cut() -> Error {
    Error::Unreadable("a question from the coordinator cannot be read".into())
}

const KINDS: [Kind; 7] =
    [Kind::Text, Kind::Integer, Kind::Small, Kind::Decimal, Kind::Boolean, Kind::Time, Kind::Bytes];

fn kind_number(kind: Kind) -> u8 {
    KINDS.iter().position(|k| *k == kind).expect("every kind is listed") as u8
}

fn kind(number: u64) -> Option<Kind> {
    KINDS.get(usize::try_from(number).ok()?).copied()
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn file(&mut self, file: &File) {
        self.text(&file.path);
        self.number(file.size);
        self.number(file.rows);
        self.number(i64::from(file.week).cast_unsigned());
        self.number(file.times.0.0.cast_unsigned());
        self.number(file.times.1.0.cast_unsigned());
    }

    fn event(&mut self, event: &Event) {
        self.number(u64::from(event.party.0));
        self.number(event.node.0);
        self.number(event.time.0.cast_unsigned());
        self.bytes.extend_from_slice(&event.key.0);
        self.text(&event.event);
        self.number(u64::from(event.channel.is_some()));
        self.text(event.channel.as_deref().unwrap_or_default());
        self.text(&event.source);
        self.text(&event.context);
        self.text(&event.properties);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| cut())?))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.number()?).map_err(|_| cut())?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| cut())
    }

    /// Room is made as items are read, so a wrong count costs nothing.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.number()?).map(|_| item(self)).collect()
    }

    fn instant(&mut self) -> Result<Instant> {
        Ok(Instant(self.number()?.cast_signed()))
    }

    fn file(&mut self) -> Result<File> {
        let (path, size, rows) = (self.text()?.to_owned(), self.number()?, self.number()?);
        let week = self.number()?.cast_signed() as i32;
        Ok(File::named(path, size, rows, week, (self.instant()?, self.instant()?)))
    }

    fn event(&mut self) -> Result<Event> {
        let (party, node, time) = (self.number()? as u32, self.number()?, self.instant()?);
        let key = Key::from_slice(self.take(16)?).ok_or_else(cut)?;
        let event = self.text()?.into();
        let has_channel = self.number()? == 1;
        let channel = self.text()?;
        Ok(Event {
            party: PartyNo(party),
            node: NodeNo(node),
            time,
            key,
            event,
            channel: has_channel.then(|| channel.into()),
            source: self.text()?.into(),
            context: self.text()?.into(),
            properties: self.text()?.into(),
        })
    }
}

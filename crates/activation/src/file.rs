//! Changes and lists as files: which columns there are, what a file is called, and how it gets to its place.
//!
//! Changes that leave together are one file, named by the first and the last of them; a list is one file,
//! named by the place in the ledger it was taken at. So what is sent again replaces itself. Whoever reads
//! files of changes takes each `message_id` once.

use std::path::Path;
use std::sync::Arc;

use channels::{Attempt, Channel, FileName, Message, Outcome, Place, Topic};
use files::Cell;
use files::rows::{Kind, Writer};
use kernel::{Failure, Instant, Key, PartyId};
use serde_json::{Map, Value};

use crate::rules::target::Format;

/// Columns of a file of changes before the fields.
const CHANGE_COLUMNS: [(&str, Kind); 8] = [
    ("message_id", Kind::Text),
    ("event", Kind::Text),
    ("ledger", Kind::Text),
    ("name", Kind::Text),
    ("party_id", Kind::Text),
    ("is_present", Kind::Bool),
    ("seq", Kind::Int),
    ("at", Kind::Instant),
];
/// Columns of a list before the fields.
const LIST_COLUMNS: [(&str, Kind); 1] = [("party_id", Kind::Text)];

/// Files at a place.
pub struct Files {
    /// The place.
    pub place: Arc<dyn Place>,
    /// The folder there.
    pub folder: FileName,
    /// What the files are.
    pub format: Format,
    /// The names of the fields, which are columns.
    pub fields: Vec<String>,
}

/// A list being written, in a file of its own that goes with it.
pub struct ListFile {
    file: tempfile::NamedTempFile,
    writer: Writer,
    fields: Vec<String>,
}

impl Files {
    /// What the list of a ledger is called that was taken at a place in it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if the ledger has an id that cannot be in a name.
    pub fn list_name(&self, ledger: &str, seq: u64) -> kernel::Result<FileName> {
        self.name(ledger, &format!("list/{seq:012}"))
    }

    /// Begins a list.
    ///
    /// # Errors
    /// The disk.
    pub fn list(&self) -> kernel::Result<ListFile> {
        let file = tempfile::NamedTempFile::new().map_err(Failure::internal)?;
        let writer = self.create(file.path(), &LIST_COLUMNS)?;
        Ok(ListFile { file, writer, fields: self.fields.clone() })
    }

    fn name(&self, ledger: &str, own: &str) -> kernel::Result<FileName> {
        self.folder.join(&format!("{}/{own}.{}", ledger.replacen(':', "/", 1), self.format.ending()))
    }

    fn create(&self, path: &Path, own: &[(&str, Kind)]) -> kernel::Result<Writer> {
        let format = match self.format {
            Format::Csv => files::read::Format::Csv,
            Format::Xlsx => files::read::Format::Xlsx,
            Format::Parquet => files::read::Format::Parquet,
        };
        let mut columns = own.to_vec();
        columns.extend(self.fields.iter().map(|field| (field.as_str(), Kind::Text)));
        Writer::create(path, format, &columns).map_err(Failure::internal)
    }

    /// Writes changes of one ledger to a file.
    fn changes(&self, messages: &[Message]) -> kernel::Result<tempfile::NamedTempFile> {
        let file = tempfile::NamedTempFile::new().map_err(Failure::internal)?;
        let mut writer = self.create(file.path(), &CHANGE_COLUMNS)?;
        for message in messages {
            let mut row = vec![
                Cell::Text(message.key.clone()),
                Cell::Text(message.event.clone()),
                Cell::Text(ledger(&message.topic)),
                Cell::Text(message.topic.name.clone()),
                Cell::Text(message.party.clone()),
                Cell::Bool(message.is_present),
                Cell::Number(message.seq.to_string()),
                Cell::Instant(message.at.to_string()),
            ];
            row.extend(cells(&self.fields, &message.fields));
            writer.write(&row).map_err(Failure::internal)?;
        }
        writer.finish().map_err(Failure::internal)?;
        Ok(file)
    }

    async fn send_changes(self: Arc<Self>, messages: Vec<Message>) -> Attempt {
        let name = match (messages.first(), messages.last()) {
            (Some(first), Some(_)) if first.topic.id.is_empty() => {
                self.folder.join(&format!("headwater-test.{}", self.format.ending()))
            }
            (Some(first), Some(last)) => {
                self.name(&ledger(&first.topic), &format!("changes/{:012}-{:012}", first.seq, last.seq))
            }
            _ => return Attempt::UNTRIED,
        };
        let name = match name {
            Ok(name) => name,
            Err(failure) => return Attempt::refused(failure.to_string()),
        };
        let writing = Arc::clone(&self);
        let written = tokio::task::spawn_blocking(move || writing.changes(&messages)).await;
        match written.map_err(Failure::internal).flatten() {
            Ok(file) => self.place.put(&name, file.path()).await,
            Err(failure) => {
                tracing::warn!(%failure, "a file of changes is not written");
                Attempt::later("the file cannot be written on this machine")
            }
        }
    }
}

/// What sends changes as files.
pub struct FileChannel(pub Arc<Files>);

#[async_trait::async_trait]
impl Channel for FileChannel {
    async fn send(&self, _now: Instant, messages: &[Message]) -> Vec<Attempt> {
        let mut attempts = vec![Attempt::UNTRIED; messages.len()];
        let mut left: Vec<usize> = (0..messages.len()).collect();
        while let Some(first) = left.first() {
            let topic = &messages[*first].topic;
            let (these, others): (Vec<usize>, Vec<usize>) =
                left.iter().partition(|place| messages[**place].topic == *topic);
            let together: Vec<Message> = these.iter().map(|place| messages[*place].clone()).collect();
            let attempt = Arc::clone(&self.0).send_changes(together).await;
            for place in these {
                attempts[place] = attempt.clone();
            }
            if matches!(attempt.outcome, Outcome::Later { .. }) {
                break;
            }
            left = others;
        }
        attempts
    }
}

impl ListFile {
    /// Adds a party and what is told of it.
    ///
    /// # Errors
    /// The disk, or the size of a sheet.
    pub fn write(&mut self, party: Key, fields: &Map<String, Value>) -> kernel::Result<()> {
        let mut row = vec![Cell::Text(PartyId(party).to_string())];
        row.extend(cells(&self.fields, fields));
        self.writer.write(&row).map_err(|error| Failure::conflict(error.to_string()))
    }

    /// Completes the file, which is removed when it is let go.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> kernel::Result<tempfile::NamedTempFile> {
        self.writer.finish().map_err(Failure::internal)?;
        Ok(self.file)
    }
}

fn ledger(topic: &Topic) -> String {
    format!("{}:{}", topic.kind, topic.id)
}

fn cells<'a>(names: &'a [String], fields: &'a Map<String, Value>) -> impl Iterator<Item = Cell> + 'a {
    names.iter().map(|name| match fields.get(name) {
        None | Some(Value::Null) => Cell::Missing,
        Some(Value::Bool(is)) => Cell::Bool(*is),
        Some(Value::Number(number)) => Cell::Number(number.to_string()),
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(nested) => Cell::Json(nested.to_string()),
    })
}

//! Whole lists: everybody who was in an audience at one place of its ledger, sent to a destination.
//!
//! A job does it, so it has progress, can be stopped, is tried again and can be scheduled. The first attempt
//! settles the place in the ledger; every attempt after it sends the list of that place under the same
//! name, so that what was sent twice is there once. Whether anything of a party may leave is asked when its
//! row is written, as for changes; of whom it may not, the list knows nothing.
//!
//! ```text
//! begin: place in the ledger ─▶ pages of members as of it ─▶ may it, what ─▶ note holdings ─▶ file ─▶ put
//! ```

mod gather;

use std::collections::BTreeMap;
use std::sync::Arc;

use channels::table::Table;
use channels::{Attempt, Guard, Message, Outcome, Topic};
use identity::reading::Reader;
use jobs::work::{Retries, Running};
use jobs::{Run, Work};
use kernel::scope::Permission;
use kernel::time::HOUR;
use kernel::{Failure, Key, PartyId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::file::Files;
use crate::open::{Opener, Out, secrets};
use crate::ports::{ConsentOf, Ledgers};
use crate::rules::definition::Follow;
use crate::rules::settle::State;
use crate::seal::Sealer;
use crate::store::destination::{Destination, destination_by_id};
use crate::store::list::{List, list_begin, list_put};
use gather::Gathering;

/// The name of the kind.
pub const LIST_KIND: &str = "destination.list";
/// How often a list is begun before it is given up, if its destination may be back.
const TRIES_MAX: u32 = 8;
/// How long one attempt may take.
const DEADLINE_MICROS: i64 = 6 * HOUR;
/// Numbers of lists for the attempts of one job.
const NUMBERS: u64 = 100;
/// Changes looked at together for who left while a list was written.
const CATCH_UP: usize = 500;

/// Sends whole lists.
pub struct SendList {
    inner: Arc<Inner>,
}

struct Inner {
    reader: Reader,
    guard: Guard,
    ledgers: Ledgers,
    consent: Arc<dyn ConsentOf>,
}

/// What a job is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Where to.
    destination: String,
    /// Of whom.
    audience: String,
}

/// The input of a job that sends everybody in an audience to a destination.
pub fn input(destination: &str, audience: &str) -> Value {
    json!({ "audience": audience, "destination": destination })
}

fn read(input: &Value) -> kernel::Result<Input> {
    jobs::work::input(input)
}

/// A list that was begun.
struct Begun {
    destination: Destination,
    follow: Follow,
    list: List,
    out: Out,
    /// What people call what it is of.
    name: String,
    /// How many were in when it was begun.
    members: u64,
}

impl SendList {
    /// Sends lists of what `ledgers` say, as far as people allow it.
    pub fn new(reader: Reader, guard: Guard, ledgers: Ledgers, consent: Arc<dyn ConsentOf>) -> Self {
        Self { inner: Arc::new(Inner { reader, guard, ledgers, consent }) }
    }

    async fn send(&self, run: &Run) -> kernel::Result<Value> {
        let mut begun = self.begin(run).await?;
        let sent = self.carry(run, &mut begun).await;
        let (no, mut list) = (begun.destination.no, begun.list.clone());
        list.last = run.now();
        if let Err(failure) = &sent {
            list.reason = match failure {
                Failure::Internal(_) => "internal error; the cause is in the server's log".to_owned(),
                told => told.to_string(),
            };
        } else {
            (list.state, list.reason) = (State::Delivered, String::new());
        }
        let kept = run.write(move |scope, tx| Ok(list_put(scope, tx, no, &list)?)).await;
        // Why it was not sent is the better reason.
        let reasons = sent?;
        kept?;
        let List { seq, parties, blocked, name, .. } = begun.list;
        Ok(json!({ "seq": seq, "parties": parties, "blocked": blocked, "reasons": reasons, "name": name }))
    }

    async fn begin(&self, run: &Run) -> kernel::Result<Begun> {
        let Input { destination, audience } = read(&run.input)?;
        let workspace = run.installation().workspace(run.scope.workspace)?;
        let (inner, job, now) = (Arc::clone(&self.inner), run.no, run.now());
        run.write(move |scope, tx| {
            let found = destination_by_id(scope, tx, &destination)?.filter(|found| !found.is_archived);
            let destination = found.ok_or_else(|| Failure::not_found("destination"))?;
            if destination.is_paused {
                return Err(Failure::conflict("the destination is paused"));
            }
            let follow = Follow { ledger: "audience".to_owned(), id: audience };
            let ledger = inner.ledger(&follow)?;
            let subject = ledger.subject(scope, tx, &follow.id)?.filter(|subject| !subject.is_archived);
            let subject = subject.ok_or_else(|| Failure::not_found("audience"))?;
            let sealer = Sealer::new(workspace.no, &workspace.secret);
            let definition = &destination.definition;
            let opened = secrets(scope, tx, &sealer, &definition.target, now)?;
            let (guard, workspace) = (&inner.guard, workspace.no);
            let out = Opener { guard, workspace, definition, secrets: &opened }.open()?;
            let new = List {
                job,
                ledger: follow.name(),
                seq: subject.last_seq,
                state: State::Waiting,
                attempts: 0,
                parties: 0,
                blocked: 0,
                began: now,
                last: now,
                name: String::new(),
                reason: String::new(),
            };
            let mut list = list_begin(scope, tx, destination.no, &new)?;
            (list.parties, list.blocked) = (0, 0);
            if let Out::Files(files) = &out {
                list.name = files.list_name(&list.ledger, list.seq)?.to_string();
            }
            Ok(Begun { destination, follow, list, out, name: subject.name, members: subject.members })
        })
        .await
    }

    /// Gathers the list and sends it; answers how many are not on it, by reason.
    async fn carry(&self, run: &Run, begun: &mut Begun) -> kernel::Result<BTreeMap<String, u64>> {
        let mut gathering = Gathering::new(Arc::clone(&self.inner), run.clone(), begun);
        match begun.out.clone() {
            Out::Messages(_) => {
                let kind = begun.destination.definition.target.kind();
                return Err(Failure::invalid("destination", format!("a {kind} takes changes, not lists")));
            }
            Out::Files(files) => as_file(run, begun, &mut gathering, &files).await?,
            Out::Table(table) => {
                as_rows(run, begun, &mut gathering, &*table).await?;
                self.catch_up(run, begun, &*table).await?;
            }
        }
        (begun.list.parties, begun.list.blocked) = (gathering.told, gathering.reasons.values().sum());
        Ok(gathering.reasons)
    }

    /// Who left while the list was written may have been put back by it: takes them away again. Whoever
    /// leaves after this is taken away as always.
    async fn catch_up(&self, run: &Run, begun: &Begun, table: &dyn Table) -> kernel::Result<()> {
        let mut after = begun.list.seq;
        loop {
            run.check()?;
            let (inner, follow) = (Arc::clone(&self.inner), begun.follow.clone());
            let changes = run.read(move |scope, tx| {
                inner.ledger(&follow)?.changes(scope, tx, &follow.id, after, CATCH_UP)
            });
            let changes = changes.await?;
            let Some(last) = changes.last().map(|change| change.seq) else { return Ok(()) };
            after = last;
            let left = changes.iter().filter(|change| !change.is_present);
            let left: Vec<Message> =
                left.map(|change| begun.message(change.party, change.seq, None)).collect();
            for attempt in table.send(run.now(), &left).await {
                arrived(attempt)?;
            }
        }
    }
}

/// Writes a list to a file, and puts the file to its place.
async fn as_file(run: &Run, begun: &Begun, gathering: &mut Gathering, files: &Files) -> kernel::Result<()> {
    let mut file = files.list()?;
    while let Some(page) = gathering.page().await? {
        file = off(move || {
            for row in &page {
                file.write(row.party, &row.fields)?;
            }
            Ok(file)
        })
        .await?;
    }
    let file = off(move || file.finish()).await?;
    run.check()?;
    let name = files.list_name(&begun.list.ledger, begun.list.seq)?;
    arrived(files.place.put(&name, file.path()).await)
}

/// Writes a list to a table, and takes away who is not on it. What the table does not take of a party is
/// counted as the reason why it is not on the list.
async fn as_rows(
    run: &Run,
    begun: &Begun,
    gathering: &mut Gathering,
    table: &dyn Table,
) -> kernel::Result<()> {
    // Each attempt has a number of its own: who was on the list of the one before may not be any more.
    let no = run.no * NUMBERS + u64::from(run.attempt);
    while let Some(page) = gathering.page().await? {
        let messages = page.into_iter().map(|row| begun.message(row.party, begun.list.seq, Some(row.fields)));
        let messages: Vec<Message> = messages.collect();
        for attempt in table.list(no, &messages).await {
            match attempt.outcome {
                Outcome::Refused { reason } => {
                    gathering.told -= 1;
                    *gathering.reasons.entry(reason).or_default() += 1;
                }
                _ => arrived(attempt)?,
            }
        }
    }
    let topic = begun.topic();
    arrived(table.sweep(&topic, begun.list.seq, no).await)
}

impl Begun {
    fn topic(&self) -> Topic {
        let Follow { ledger, id } = self.follow.clone();
        Topic { kind: ledger, id, name: self.name.clone() }
    }

    /// A party that is on the list, with what is told of it; or that left since.
    fn message(&self, party: Key, seq: u64, fields: Option<Map<String, Value>>) -> Message {
        Message {
            key: String::new(),
            event: format!("{}.listed", self.follow.ledger),
            party: PartyId(party).to_string(),
            topic: self.topic(),
            is_present: fields.is_some(),
            seq,
            at: self.list.began,
            fields: fields.unwrap_or_default(),
        }
    }
}

impl Inner {
    fn ledger(&self, follow: &Follow) -> kernel::Result<&dyn crate::ports::Ledger> {
        let found = self.ledgers.iter().find(|ledger| ledger.kind() == follow.ledger);
        Ok(&**found.ok_or_else(|| Failure::internal("there is no such ledger"))?)
    }
}

/// Whether a try worked; if it may later, the job waits for that.
fn arrived(attempt: Attempt) -> kernel::Result<()> {
    match attempt.outcome {
        Outcome::Delivered => Ok(()),
        Outcome::Later { reason, .. } => Err(Failure::unavailable(reason)),
        Outcome::Refused { reason } => Err(Failure::conflict(reason)),
        Outcome::Untried => Err(Failure::unavailable("not tried")),
    }
}

/// Does something that waits for the disk, off the async threads.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> kernel::Result<T> + Send + 'static,
) -> kernel::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?
}

impl Work for SendList {
    fn kind(&self) -> &'static str {
        LIST_KIND
    }

    fn about(&self) -> &'static str {
        "sends everybody in an audience to a destination: {\"audience\": id, \"destination\": id}"
    }

    fn permission(&self) -> Permission {
        Permission::DestinationWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(TRIES_MAX)
    }

    fn deadline_micros(&self) -> i64 {
        DEADLINE_MICROS
    }

    fn check(&self, input: &Value) -> kernel::Result<()> {
        read(input).map(drop)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(self.send(run))
    }
}

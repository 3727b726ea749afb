//! What is sent, and when: one small entry a message, formatted only when its turn comes.

use crate::draw::Mix;

/// What a message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// A source tells what it knows of a person.
    Record(u32),
    /// The same, with a phone nobody can call.
    BadPhone(u32),
    /// The same, with the phone in a renamed field.
    Renamed(u32),
    /// A merchant's contact of the other workspace.
    Merchant(u32),
    Order(u32),
    Refund(u32),
    /// Something done in app, mini-program or web shop.
    Browse {
        record: u32,
        moment: Moment,
        interest: Interest,
    },
    /// The same, from a device whose clock is years ahead.
    Future(u32),
    KioskVisit(u32),
    SessionEvent {
        session: u32,
        event: u8,
    },
    Login(u32),
    /// A single moment between the shop and a person.
    Touch(u32),
    /// Something in another workspace.
    Elsewhere(u32),
}

/// What somebody who browses looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interest {
    /// An index into the catalogue's categories.
    pub(crate) category: u8,
    pub(crate) doing: Doing,
}

/// What is done while browsing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Anything,
    Viewing,
    Adding,
}

/// Where in a session an event is, and whether the visitor is signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    pub(crate) opens: bool,
    pub(crate) is_signed_in: bool,
}

/// One message to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// When it leaves; decides the order of sending.
    pub(crate) sent: u32,
    /// When it happened.
    pub(crate) at: u32,
    /// Names the message and its details. A message sent twice has it twice.
    pub(crate) no: u32,
    pub(crate) what: What,
}

/// All messages of a world.
pub(crate) struct Schedule {
    entries: Vec<Entry>,
    messages: u32,
    seed: u64,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        Self { entries: Vec::new(), messages: 0, seed }
    }

    /// Adds a message that is sent at once.
    pub(crate) fn add(&mut self, at: u32, what: What) -> u32 {
        self.add_sent(at, at, what)
    }

    /// Adds a message for each thing of a list, by its place in it.
    pub(crate) fn add_all(&mut self, times: impl Iterator<Item = u32>, what: fn(u32) -> What) {
        for (no, at) in (0..).zip(times) {
            self.add(at, what(no));
        }
    }

    /// Adds a message that is sent at another time than its own, and gives its number.
    pub(crate) fn add_sent(&mut self, sent: u32, at: u32, what: What) -> u32 {
        let no = self.messages;
        self.messages += 1;
        self.entries.push(Entry { sent, at, no, what });
        no
    }

    /// Sends a message a second time.
    pub(crate) fn repeat(&mut self, entry: Entry, sent: u32) {
        self.entries.push(Entry { sent, ..entry });
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Puts everything into the order of sending; within a second, in an order that tells nothing.
    pub(crate) fn sort(&mut self) {
        let seed = self.seed;
        self.entries.sort_unstable_by_key(|e| (e.sent, Mix::new(seed, u64::from(e.no)).next(), e.no));
    }
}

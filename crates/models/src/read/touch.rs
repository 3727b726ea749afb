//! Touches, follow-ups, bindings, and messages with their answers.

use criteria::Zone;
use kernel::Instant;
use kernel::time::DAY;
use scoring::Facts;
use scoring::facts::{Binding, Delivery, FollowUp, FollowUpResult, Touch, TouchKind};

use super::{Row, day, hour_of_week};

/// How long after a message an answer still is one.
const ANSWER_MICROS_MAX: i64 = 3 * DAY;

/// Everything but orders, as it comes together.
#[derive(Default)]
pub(super) struct Touches {
    touches: Vec<Touch>,
    follow_ups: Vec<FollowUp>,
    messages: Vec<Message>,
    answers: Vec<Message>,
    /// With the instant: on one day a party can be bound and let go.
    bindings: Vec<(Instant, bool)>,
}

/// A message, or an answer to one.
struct Message {
    at: Instant,
    channel: Option<String>,
    id: Option<String>,
}

impl Message {
    fn of(row: &Row<'_>) -> Self {
        Self { at: row.at, channel: row.text("channel"), id: row.text("message_id") }
    }

    /// By the message's number where both have one, else by the channel.
    fn is_answer_to(&self, message: &Self) -> bool {
        let is_same = match (&self.id, &message.id) {
            (Some(own), Some(its)) => own == its,
            _ => self.channel.is_some() && self.channel == message.channel,
        };
        is_same && self.at >= message.at && self.at.0 - message.at.0 <= ANSWER_MICROS_MAX
    }
}

impl Touches {
    pub(super) fn touch(&mut self, kind: TouchKind, row: &Row<'_>, zone: &Zone) {
        let kind = match kind {
            TouchKind::StockReport if row.is_true("stock_left") => TouchKind::StockLeft,
            kind => kind,
        };
        let category = row.text("category").or_else(|| row.text("products[].category"));
        let (day, hour_of_week) = (day(zone, row.at), hour_of_week(zone, row.at));
        self.touches.push(Touch { kind, at: row.at, day, hour_of_week, category });
    }

    pub(super) fn delivery(&mut self, row: &Row<'_>) {
        self.messages.push(Message::of(row));
    }

    /// An answer is a touch of its own, too.
    pub(super) fn answer(&mut self, row: &Row<'_>, zone: &Zone) {
        self.touch(TouchKind::Response, row, zone);
        self.answers.push(Message::of(row));
    }

    pub(super) fn follow_up(&mut self, row: &Row<'_>, zone: &Zone) {
        let is_exact = !row.all("quantity").is_empty() && !row.all("date").is_empty();
        let result = match row.text("result").as_deref() {
            Some("clear_need") if is_exact => FollowUpResult::ConfirmedQuantity,
            Some("clear_need") => FollowUpResult::ConfirmedNeed,
            Some("bought") => FollowUpResult::ConfirmedQuantity,
            Some("interested") => FollowUpResult::Interested,
            Some("later") => FollowUpResult::Later,
            Some("refused") => FollowUpResult::Refused,
            _ => FollowUpResult::Unreached,
        };
        self.follow_ups.push(FollowUp { day: day(zone, row.at), result });
    }

    pub(super) fn binding(&mut self, row: &Row<'_>, is_bound: bool) {
        self.bindings.push((row.at, is_bound));
    }

    pub(super) fn finish(mut self, facts: &mut Facts, zone: &Zone) {
        self.touches
            .sort_by(|a, b| a.at.cmp(&b.at).then(a.kind.cmp(&b.kind)).then(a.category.cmp(&b.category)));
        self.follow_ups.sort_by_key(|done| done.day);
        self.bindings.sort_unstable();
        let binding = |(at, is_bound)| Binding { day: day(zone, at), is_bound };
        facts.bindings = self.bindings.into_iter().map(binding).collect();
        let answers = &self.answers;
        let delivery = |message: Message| {
            let is_answered = answers.iter().any(|answer| answer.is_answer_to(&message));
            Some(Delivery { day: day(zone, message.at), channel: message.channel?, is_answered })
        };
        facts.deliveries = self.messages.into_iter().filter_map(delivery).collect();
        facts.touches = self.touches;
        facts.follow_ups = self.follow_ups;
    }
}

//! What the models know of one party: plain structs, prepared by whoever can read timelines and traits.
//!
//! Only facts whose event time is not after the instant asked for belong in here; the models do not
//! look at instants to leave facts out. Days are local calendar days ([`Day`]).
//!
//! Everything may be empty or `None`, and then is *missing*, which is never the same as zero.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kernel::Instant;
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::money::Money;

/// Facts about one party.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Breaks ties of ranks, the smaller first: a number made of the party's public id, so that it does not
    /// depend on the order in which parties arrived. Below 2⁵³, which every reader of JSON keeps.
    pub party: u64,
    /// Consumer or merchant.
    pub kind: Kind,
    /// What its peers have in common with it.
    pub peer: Peer,
    /// When it became known.
    pub created: Option<Day>,
    /// Orders that were neither cancelled nor tests nor given back whole, ascending by time.
    pub orders: Vec<Order>,
    /// Days of orders that were given back whole, ascending: there is nothing left of them but that somebody
    /// was there.
    pub returned: Vec<Day>,
    /// What it did besides ordering, ascending by time.
    pub touches: Vec<Touch>,
    /// What followers brought back from it, ascending by time.
    pub follow_ups: Vec<FollowUp>,
    /// Messages delivered to it, ascending by time.
    pub deliveries: Vec<Delivery>,
    /// When a loyalty account or a contract began or ceased to bind it, ascending by time.
    pub bindings: Vec<Binding>,
    /// The fields its profile ought to have.
    pub fields: Vec<Field>,
    /// The loyalty account or contract, the owner, the ways to reach it.
    pub relation: Relation,
    /// Attributes of the value model by their key of the catalogue (`headroom`, `social_sharing`, …), and
    /// other numbers that came as traits.
    pub attributes: BTreeMap<String, f64>,
}

impl Facts {
    /// Facts of a party of which nothing is known yet.
    pub fn of(party: u64) -> Self {
        Self { party, ..Self::default() }
    }

    /// The days of all orders, those given back whole among them, in no order.
    pub fn order_days(&self) -> impl Iterator<Item = Day> {
        self.orders.iter().map(|order| order.day).chain(self.returned.iter().copied())
    }

    /// Whether a loyalty account or a contract binds it: as a trait says, else as it was last said.
    pub fn is_bound(&self) -> bool {
        self.relation.is_bound.unwrap_or_else(|| self.bindings.last().is_some_and(|last| last.is_bound))
    }

    /// What was known at the end of an earlier day, as far as facts have a day: traits have none.
    pub fn until(&self, day: Day) -> Cow<'_, Self> {
        let is_later = |last: Option<Day>| last.is_some_and(|last| last > day);
        let lasts = [
            self.orders.last().map(|order| order.day),
            self.returned.last().copied(),
            self.touches.last().map(|touch| touch.day),
            self.follow_ups.last().map(|done| done.day),
            self.deliveries.last().map(|delivery| delivery.day),
            self.bindings.last().map(|binding| binding.day),
        ];
        if !lasts.into_iter().any(is_later) {
            return Cow::Borrowed(self);
        }
        let mut facts = self.clone();
        facts.orders.retain(|order| order.day <= day);
        facts.returned.retain(|returned| *returned <= day);
        facts.touches.retain(|touch| touch.day <= day);
        facts.follow_ups.retain(|done| done.day <= day);
        facts.deliveries.retain(|delivery| delivery.day <= day);
        facts.bindings.retain(|binding| binding.day <= day);
        Cow::Owned(facts)
    }
}

/// What a party is: half-lives, weights and attributes differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person who buys for themselves.
    #[default]
    Consumer,
    /// A business that buys to sell or to use.
    Merchant,
}

/// What makes a party comparable to others (spec §0.2.6). Empty text means unknown, a group of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// Outlet type of a merchant, year of acquisition of a consumer.
    pub class: String,
    /// Tier of its city.
    pub city_tier: String,
}

/// One order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Order {
    /// When it was made.
    pub at: Instant,
    /// The local day of that.
    pub day: Day,
    /// Paid minus refunded, with tax, without shipping.
    pub net: Money,
    /// What the goods would have cost without any discount; `None` if the source does not say.
    pub list: Option<Money>,
    /// What was taken off the list price.
    pub discount: Money,
    /// Where it was made: `store`, `app`, `branch`, …
    pub channel: Option<String>,
    /// How it was paid.
    pub payment_method: Option<String>,
    /// What was bought.
    pub lines: Vec<Line>,
}

/// One line of an order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Its product.
    pub sku: Option<String>,
    /// The product's category.
    pub category: Option<String>,
    /// How many.
    pub quantity: f64,
    /// The price of one.
    pub price: Option<Money>,
}

/// Something a party did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Touch {
    /// What.
    pub kind: TouchKind,
    /// When.
    pub at: Instant,
    /// The local day of that.
    pub day: Day,
    /// The hour of the local week, 0 = Monday 00:00–00:59, at most 167.
    pub hour_of_week: u8,
    /// The category it was about, where it was about one.
    pub category: Option<String>,
}

/// What a party can do, as far as models tell it apart. Orders are in [`Facts::orders`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    /// A page or screen.
    Page,
    /// An article, a video, a moment.
    Content,
    /// A product looked at.
    ProductView,
    /// A search.
    Search,
    /// Something put into the cart.
    Cart,
    /// A visit to a store, a site, a showroom.
    StoreVisit,
    /// A question: an enquiry, a quote, a chat message.
    Enquiry,
    /// Somebody else brought along.
    Referral,
    /// A review written.
    Review,
    /// A representative's visit that met somebody.
    VisitMet,
    /// Stock counted at the outlet, enough for the time being.
    StockLeft,
    /// Stock counted at the outlet, in general.
    StockReport,
    /// A promotion or campaign joined.
    PromotionJoined,
    /// A complaint.
    Complaint,
    /// Goods brought back.
    Return,
    /// An attempt to wake a sleeping customer that was completed.
    WakeUp,
    /// A click or reply on a message.
    Response,
}

impl TouchKind {
    /// Its name in definitions.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Content => "content",
            Self::ProductView => "product_view",
            Self::Search => "search",
            Self::Cart => "cart",
            Self::StoreVisit => "store_visit",
            Self::Enquiry => "enquiry",
            Self::Referral => "referral",
            Self::Review => "review",
            Self::VisitMet => "visit_met",
            Self::StockLeft => "stock_left",
            Self::StockReport => "stock_report",
            Self::PromotionJoined => "promotion_joined",
            Self::Complaint => "complaint",
            Self::Return => "return",
            Self::WakeUp => "wake_up",
            Self::Response => "response",
        }
    }
}

/// What a follow-up brought back (spec §3.8).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct FollowUp {
    /// The day it was done.
    pub day: Day,
    /// Its result.
    pub result: FollowUpResult,
}

/// Results of follow-ups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpResult {
    /// A need with quantity and date.
    ConfirmedQuantity,
    /// A need.
    ConfirmedNeed,
    /// Interest.
    Interested,
    /// Perhaps later.
    Later,
    /// No.
    Refused,
    /// Nobody was reached: says nothing about demand.
    Unreached,
}

/// A message that reached the party.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// By which channel.
    pub channel: String,
    /// The day it arrived.
    pub day: Day,
    /// Whether a click, a reply or a visit followed within three days.
    pub is_answered: bool,
}

/// The day from which a loyalty account or a contract binds a party, or no longer does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// The day.
    pub day: Day,
    /// Whether it binds from then on.
    pub is_bound: bool,
}

/// A field of the profile that applies to the party.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its weight in the completeness score.
    pub weight: f64,
    /// Whether it has a value.
    pub is_filled: bool,
    /// Whether the value has the right form.
    pub is_valid: bool,
    /// The last day on which the value is fresh; `None` if it never grows stale.
    pub fresh_until: Option<Day>,
}

/// How the party stands to us.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Relation {
    /// Whether a loyalty account or a contract binds it, where that is told; [`Facts::is_bound`] asks events
    /// otherwise.
    pub is_bound: Option<bool>,
    /// Somebody is responsible for it alone.
    pub has_dedicated_owner: bool,
    /// Somebody named it a super customer by hand.
    pub is_nominated: bool,
    /// No channel may lawfully be used to reach it.
    pub is_uncontactable: bool,
    /// Channels it consented to for marketing; `None` if nothing is known of consent.
    pub consented: Option<Vec<String>>,
}

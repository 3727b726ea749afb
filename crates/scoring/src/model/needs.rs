//! Which events and traits the facts of a model are read from, in the taxonomy of the specification
//! (§3.5, names of the e-commerce specification unchanged).

use super::Model;
use crate::facts::TouchKind;

/// An event by name, what it means here, and the properties that are read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// What it becomes.
    pub role: Role,
    /// Paths of the properties; where several mean the same, the first that is there counts.
    pub properties: &'static [&'static str],
    /// A property and the text it must have: not every event of the name is meant.
    pub only: Option<(&'static str, &'static str)>,
}

/// What an event becomes in [`Facts`](crate::facts::Facts).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// An order. Net = `total` − `shipping`, else `revenue` + `tax`.
    Order,
    /// Takes `total` (or `revenue`, or `value`) off the net of the order with the same `order_id`.
    Refund,
    /// Removes the order with the same `order_id`.
    Cancellation,
    /// A touch.
    Touch(TouchKind),
    /// A message that arrived; answered by a later [`Role::Answer`] on the same channel.
    Delivery,
    /// A click or reply on a message.
    Answer,
    /// A follow-up with its `result`.
    FollowUp,
    /// A loyalty account or a contract begins to bind the party.
    Bound,
    /// It ends.
    Unbound,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Order,
        Self::Refund,
        Self::Cancellation,
        Self::Touch(TouchKind::Page),
        Self::Touch(TouchKind::Content),
        Self::Touch(TouchKind::ProductView),
        Self::Touch(TouchKind::Search),
        Self::Touch(TouchKind::Cart),
        Self::Touch(TouchKind::StoreVisit),
        Self::Touch(TouchKind::Enquiry),
        Self::Touch(TouchKind::Referral),
        Self::Touch(TouchKind::Review),
        Self::Touch(TouchKind::VisitMet),
        Self::Touch(TouchKind::StockReport),
        Self::Touch(TouchKind::PromotionJoined),
        Self::Touch(TouchKind::Complaint),
        Self::Touch(TouchKind::Return),
        Self::Touch(TouchKind::WakeUp),
        Self::Delivery,
        Self::Answer,
        Self::FollowUp,
        Self::Bound,
        Self::Unbound,
    ];

    /// What a definition calls it that names other events for it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Refund => "refund",
            Self::Cancellation => "cancellation",
            Self::Touch(kind) => kind.key(),
            Self::Delivery => "delivery",
            Self::Answer => "answer",
            Self::FollowUp => "follow_up",
            Self::Bound => "bound",
            Self::Unbound => "unbound",
        }
    }

    /// The role of a key.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// What is read of an event of another name that has this role.
    pub const fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Order => ORDER,
            Self::Refund => REFUND,
            Self::Cancellation => CANCELLATION,
            Self::Touch(
                TouchKind::Content
                | TouchKind::ProductView
                | TouchKind::Search
                | TouchKind::Cart
                | TouchKind::StoreVisit
                | TouchKind::Enquiry,
            ) => CATEGORY,
            Self::Touch(TouchKind::StockReport) => STOCK,
            Self::Delivery | Self::Answer => MESSAGE,
            Self::FollowUp => FOLLOW_UP,
            Self::Touch(_) | Self::Bound | Self::Unbound => &[],
        }
    }

    /// Whether it counts however long ago it was.
    pub const fn is_lasting(self) -> bool {
        matches!(self, Self::Bound | Self::Unbound)
    }
}

const ORDER: &[&str] = &[
    "order_id",
    "total",
    "revenue",
    "shipping",
    "tax",
    "discount",
    "is_test",
    "channel",
    "payment_method",
    "products[].sku",
    "products[].category",
    "products[].quantity",
    "products[].price",
];
const REFUND: &[&str] = &["order_id", "total", "revenue", "value"];
const CATEGORY: &[&str] = &["category", "products[].category"];
const MESSAGE: &[&str] = &["channel", "message_id"];

const CANCELLATION: &[&str] = &["order_id"];
const STOCK: &[&str] = &["stock_left"];
const FOLLOW_UP: &[&str] = &["result", "quantity", "date"];

const fn event(name: &'static str, role: Role) -> Event {
    Event { name, role, properties: role.properties(), only: None }
}

const fn touch(name: &'static str, kind: TouchKind) -> Event {
    Event { properties: &[], ..event(name, Role::Touch(kind)) }
}

const fn about(name: &'static str, kind: TouchKind) -> Event {
    event(name, Role::Touch(kind))
}

/// Every event a model reads if its definition does not name others, orders first. A wake-up is a completed
/// reactivation touch (§3.9): a message for that purpose that arrived.
pub const EVENTS: &[Event] = &[
    event("Order Completed", Role::Order),
    event("B2B Order Placed", Role::Order),
    event("Order Refunded", Role::Refund),
    event("B2B Order Returned", Role::Refund),
    event("Order Cancelled", Role::Cancellation),
    touch("Page Viewed", TouchKind::Page),
    touch("Screen Viewed", TouchKind::Page),
    about("Article Read", TouchKind::Content),
    touch("Video Played", TouchKind::Content),
    touch("Moment Viewed", TouchKind::Content),
    about("Product Viewed", TouchKind::ProductView),
    about("Product Clicked", TouchKind::ProductView),
    about("Product List Viewed", TouchKind::ProductView),
    about("Products Searched", TouchKind::Search),
    about("Product Added", TouchKind::Cart),
    touch("Store Entered", TouchKind::StoreVisit),
    about("Site Visited", TouchKind::StoreVisit),
    about("Test Drive", TouchKind::StoreVisit),
    about("Quote Requested", TouchKind::Enquiry),
    touch("Referral Made", TouchKind::Referral),
    touch("Product Reviewed", TouchKind::Review),
    touch("Checked In", TouchKind::VisitMet),
    event("Stock Counted", Role::Touch(TouchKind::StockReport)),
    touch("Campaign Joined", TouchKind::PromotionJoined),
    touch("Complaint Filed", TouchKind::Complaint),
    touch("Return Requested", TouchKind::Return),
    Event {
        only: Some(("purpose", "reactivation")),
        ..event("Message Delivered", Role::Touch(TouchKind::WakeUp))
    },
    event("Message Delivered", Role::Delivery),
    event("Message Clicked", Role::Answer),
    event("Message Replied", Role::Answer),
    event("Follow-up Recorded", Role::FollowUp),
    event("Member Bound", Role::Bound),
    event("Contract Signed", Role::Bound),
    event("Contract Renewed", Role::Bound),
    event("Contract Ended", Role::Unbound),
];

/// Traits that become facts which are not attributes.
pub mod traits {
    /// Whether the party is a business: `consumer` or `merchant`. Who has an outlet type is one without it.
    pub const KIND: &str = "party_type";
    /// Outlet type of a merchant.
    pub const OUTLET_TYPE: &str = "outlet_type";
    /// Tier of the city.
    pub const CITY_TIER: &str = "city_tier";
    /// True for a bound member or a merchant under contract; without it the events say so.
    pub const BOUND: &str = "member_bound";
    /// True, or who it is, if somebody is responsible for the party alone.
    pub const DEDICATED_OWNER: &str = "dedicated_owner";
    /// True if somebody named it a super customer.
    pub const NOMINATED: &str = "super_nominated";
    /// When it became known, if a source says otherwise than when it was first seen.
    pub const CREATED: &str = "created_at";
    /// True if no channel may be used.
    pub const UNCONTACTABLE: &str = "uncontactable";
    /// Channels consented to, a list.
    pub const CONSENTED: &str = "consented_channels";
}

/// No model looks further back, in days: 36 months, the age at which events are refused.
pub const WINDOW_DAYS_MAX: i32 = 1_096;

impl Model {
    /// The events its facts come from by default.
    pub fn events(self) -> impl Iterator<Item = &'static Event> {
        EVENTS.iter().filter(move |event| self.reads(event.role))
    }

    /// How far back it looks, in days.
    pub const fn window_days(self) -> i32 {
        match self {
            Self::Rfm | Self::RfmSegment | Self::RfmValue => 730,
            Self::Activity => 365,
            Self::ContactChannel | Self::BestTime => 180,
            _ => WINDOW_DAYS_MAX,
        }
    }

    /// Models whose values it uses.
    pub const fn depends_on(self) -> &'static [Self] {
        match self {
            Self::Total => &[Self::Activity, Self::Demand, Self::PurchasingPower, Self::Completeness],
            Self::Treatment => &[Self::Stars, Self::Diamonds],
            Self::RfmSegment => &[Self::Rfm],
            Self::SilenceWarning | Self::Purchase => &[Self::Silence],
            Self::Relation => &[Self::Clarity, Self::Certainty, Self::Stars, Self::Silence],
            Self::Willingness => &[Self::Demand, Self::Activity, Self::Silence],
            _ => &[],
        }
    }

    /// Whether events of a role are among its facts.
    pub fn reads(self, role: Role) -> bool {
        if role.is_lasting() {
            return matches!(self, Self::Relation | Self::SilenceWarning);
        }
        let is_order = matches!(role, Role::Order | Role::Refund | Role::Cancellation);
        match self {
            Self::Rfm
            | Self::RfmSegment
            | Self::RfmValue
            | Self::PurchasingPower
            | Self::PriceSensitivity
            | Self::Clv
            | Self::Alive
            | Self::TransactionChannel => is_order,
            Self::Silence | Self::Purchase => is_order || role == Role::Touch(TouchKind::StockReport),
            Self::Completeness => false,
            Self::ContactChannel | Self::BestTime => matches!(role, Role::Delivery | Role::Answer),
            Self::Certainty => is_order || role == Role::FollowUp,
            Self::Activity | Self::Demand | Self::Clarity => is_order || matches!(role, Role::Touch(_)),
            _ => true,
        }
    }
}

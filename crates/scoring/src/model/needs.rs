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

const fn touch(name: &'static str, kind: TouchKind) -> Event {
    Event { name, role: Role::Touch(kind), properties: &[] }
}

const fn about(name: &'static str, kind: TouchKind) -> Event {
    Event { name, role: Role::Touch(kind), properties: CATEGORY }
}

/// Every event a model reads, orders first.
pub const EVENTS: &[Event] = &[
    Event { name: "Order Completed", role: Role::Order, properties: ORDER },
    Event { name: "B2B Order Placed", role: Role::Order, properties: ORDER },
    Event { name: "Order Refunded", role: Role::Refund, properties: REFUND },
    Event { name: "B2B Order Returned", role: Role::Refund, properties: REFUND },
    Event { name: "Order Cancelled", role: Role::Cancellation, properties: &["order_id"] },
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
    Event { name: "Stock Counted", role: Role::Touch(TouchKind::StockReport), properties: &["stock_left"] },
    touch("Campaign Joined", TouchKind::PromotionJoined),
    touch("Complaint Filed", TouchKind::Complaint),
    touch("Return Requested", TouchKind::Return),
    touch("Wake-up Completed", TouchKind::WakeUp),
    Event { name: "Message Delivered", role: Role::Delivery, properties: MESSAGE },
    Event { name: "Message Clicked", role: Role::Answer, properties: MESSAGE },
    Event { name: "Message Replied", role: Role::Answer, properties: MESSAGE },
    Event { name: "Follow-up Recorded", role: Role::FollowUp, properties: &["result", "quantity", "date"] },
];

/// Traits that become facts which are not attributes.
pub mod traits {
    /// Whether the party is a business: `consumer` or `merchant`.
    pub const KIND: &str = "party_type";
    /// Outlet type of a merchant.
    pub const OUTLET_TYPE: &str = "outlet_type";
    /// Tier of the city.
    pub const CITY_TIER: &str = "city_tier";
    /// True for a bound member or a merchant under contract.
    pub const BOUND: &str = "member_bound";
    /// True if somebody is responsible for the party alone.
    pub const DEDICATED_OWNER: &str = "dedicated_owner";
    /// True if somebody named it a super customer.
    pub const NOMINATED: &str = "super_nominated";
    /// When it became known, if a source says so.
    pub const CREATED: &str = "created_at";
    /// True if no channel may be used.
    pub const UNCONTACTABLE: &str = "uncontactable";
    /// Channels consented to, a list.
    pub const CONSENTED: &str = "consented_channels";
}

/// No model looks further back, in days: 36 months, the age at which events are refused.
pub const WINDOW_DAYS_MAX: i32 = 1_096;

impl Model {
    /// The events its facts come from.
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

    fn reads(self, role: Role) -> bool {
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

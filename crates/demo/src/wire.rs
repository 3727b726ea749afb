//! The shape of one event on the wire, and nothing about what goes into it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use serde_json::value::RawValue;

/// One event in Segment's message shape.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anonymous_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<&'static str>,
    /// Of a page or screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'static str>,
    pub(crate) timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traits: Option<Traits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<Properties<'a>>,
    pub(crate) context: Context,
}

/// Where an event comes from and which further identifiers it has.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    pub(crate) channel: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) external_ids: Vec<ExternalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<Device>,
}

/// A custom identifier.
#[derive(Serialize)]
pub(crate) struct ExternalId {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    collection: &'static str,
    encoding: &'static str,
}

impl ExternalId {
    pub(crate) fn new(kind: &'static str, id: String) -> Self {
        Self { id, kind, collection: "users", encoding: "none" }
    }
}

/// A device.
#[derive(Serialize)]
pub(crate) struct Device {
    pub(crate) id: String,
}

/// What a source knows of a person.
#[derive(Serialize, Default)]
pub(crate) struct Traits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) birth_year: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) city: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<AddressParts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shop_name: Option<String>,
    /// What is known of a few.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<&'static str, Value>,
}

/// An address, as far as it is known.
#[derive(Serialize)]
pub(crate) struct AddressParts {
    pub(crate) city: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) district: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) street: Option<String>,
}

/// What happened, in the words of Segment's e-commerce events.
#[derive(Serialize, Default)]
pub(crate) struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revenue: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shipping: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) products: Vec<Item<'a>>,
    /// The one product a view or a click is about.
    #[serde(flatten)]
    pub(crate) product: Option<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) list_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) promotion_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) article_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dwell_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<&'static str>,
    /// What only a few events say.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<&'static str, Value>,
}

/// A product in an order or a view.
#[derive(Serialize)]
pub(crate) struct Item<'a> {
    pub(crate) product_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) category: &'static str,
    pub(crate) price: Money,
    pub(crate) quantity: i64,
}

/// An amount in fen, written in yuan with two places and never through a float.
#[derive(Clone, Copy)]
pub(crate) struct Money(pub(crate) i64);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

//! What the other workspaces' sources say.

use serde_json::{Value, json};

use super::{Content, Parts, Subject};
use crate::elsewhere::{CHANNELS, CONTRIBUTION, Customer, Happening, POTENTIAL};
use crate::names::Spelling;
use crate::wire::{Money, Properties, Traits};
use crate::world::World;

/// Kinds of transactions at the bank.
const KINDS: [&str; 4] = ["deposit", "withdrawal", "transfer", "payment"];

/// Whose it is.
pub(super) fn workspace(world: &World, no: u32) -> &'static str {
    match world.elsewhere.happenings[no as usize] {
        Happening::Outlet(_) => "chengdi",
        Happening::BankCustomer(_) | Happening::Transaction { .. } => "xiujin",
        Happening::CarCustomer(_) | Happening::CarOrder { .. } => "yulan",
    }
}

/// The message of a happening.
pub(super) fn write<'w>(world: &World, no: u32) -> Parts<'w> {
    let elsewhere = &world.elsewhere;
    match elsewhere.happenings[no as usize] {
        Happening::Outlet(outlet) => self::outlet(world, outlet),
        Happening::BankCustomer(customer) => {
            let traits = customer_traits(&elsewhere.bank[customer as usize]);
            ("core", bank_subject(world, customer), Content::identify(traits))
        }
        Happening::Transaction { customer, channel, fen } => {
            let properties = Properties {
                channel: Some(CHANNELS[usize::from(channel)]),
                total: Some(Money(fen)),
                currency: Some("CNY"),
                more: [("kind", json!(KINDS[no as usize % KINDS.len()]))].into(),
                ..Properties::default()
            };
            ("core", bank_subject(world, customer), Content::track("Transaction Completed", properties))
        }
        Happening::CarCustomer(customer) => {
            let traits = customer_traits(&elsewhere.cars[customer as usize]);
            ("dms", car_subject(world, customer), Content::identify(traits))
        }
        Happening::CarOrder { customer, fen } => {
            let properties = Properties {
                order_id: Some(world.ids.car_order(no)),
                channel: Some("store"),
                total: Some(Money(fen)),
                revenue: Some(Money(fen)),
                currency: Some("CNY"),
                more: [("kind", json!("service"))].into(),
                ..Properties::default()
            };
            ("dms", car_subject(world, customer), Content::track("Order Completed", properties))
        }
    }
}

fn bank_subject(world: &World, customer: u32) -> Subject {
    Subject::on("bank").external("crm_id", world.ids.bank_customer(customer))
}

fn car_subject(world: &World, customer: u32) -> Subject {
    Subject::on("dealer").external("crm_id", world.ids.car_customer(customer))
}

fn customer_traits(customer: &Customer) -> Traits {
    Traits {
        name: Some(customer.name.written(Spelling::Full, customer.is_female)),
        birth_year: Some(customer.birth_year),
        city: Some(customer.address.city()),
        ..Traits::default()
    }
}

/// An outlet with everything it is rated by.
fn outlet<'w>(world: &World, no: u32) -> Parts<'w> {
    let outlet = &world.elsewhere.outlets[no as usize];
    let places = [(CONTRIBUTION.as_slice(), outlet.contribution), (POTENTIAL.as_slice(), outlet.potential)];
    let names = places.into_iter().flat_map(|(names, place)| names.iter().map(move |name| (*name, place)));
    let measures = names.zip(&world.elsewhere.measures);
    let rated = measures.map(|((name, place), values)| (name, Value::from(values[place as usize])));
    let name = outlet.name.written(Spelling::Full, false);
    let traits = Traits {
        shop_name: Some(format!("{}{}超市", outlet.address.street_only(), &name[..3])),
        name: Some(name),
        city: Some(outlet.address.city()),
        more: rated.chain([("outlet_type", json!("supermarket")), ("city_tier", json!(2))]).collect(),
        ..Traits::default()
    };
    let subject = Subject::on("crm").external("contract_no", world.ids.outlet(no));
    ("crm", subject, Content::identify(traits))
}

//! Turns a scheduled entry into the JSON of one event. Everything it writes follows from the world
//! and the entry's number.

mod browsing;
mod elsewhere;
mod touch;

use serde_json::to_string;

use crate::calendar::{BEHAVIOUR_FROM, instant};
use crate::closure::CLOSED;
use crate::draw::Mix;
use crate::ids::mobile;
use crate::names::{Spelling, store_id};
use crate::orders::{Line, Order, basket, store_of};
use crate::people::{AddressGap, Person, Phone, Record, Source};
use crate::schedule::{Doing, Entry, Interest, Moment, What};
use crate::wire::{AddressParts, Context, Device, Event, ExternalId, Item, Money, Properties, Traits};
use crate::world::World;

/// One event as it is sent to `POST /api/v1/events`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The workspace it is for.
    pub workspace: &'static str,
    /// The source that sends it.
    pub source: &'static str,
    /// One JSON object in Segment's message shape.
    pub json: String,
}

/// Who an event is about, by the identifiers it carries.
#[derive(Default)]
struct Subject {
    user_id: Option<String>,
    anonymous_id: Option<String>,
    context: Context,
}

impl Subject {
    fn on(channel: &'static str) -> Self {
        Self { context: Context { channel, ..Context::default() }, ..Self::default() }
    }

    fn external(mut self, kind: &'static str, id: String) -> Self {
        self.context.external_ids.push(ExternalId::new(kind, id));
        self
    }
}

/// What an event says, without who and when.
#[derive(Default)]
struct Content<'w> {
    kind: &'static str,
    event: Option<&'static str>,
    name: Option<&'static str>,
    traits: Option<Traits>,
    properties: Option<Properties<'w>>,
}

impl<'w> Content<'w> {
    fn identify(traits: Traits) -> Self {
        Self { kind: "identify", traits: Some(traits), ..Self::default() }
    }

    fn track(event: &'static str, properties: Properties<'w>) -> Self {
        Self { kind: "track", event: Some(event), properties: Some(properties), ..Self::default() }
    }
}

/// When an entry says it happened: its second, its thousandths, and its device's error.
pub(crate) fn stamp(world: &World, entry: &Entry) -> kernel::Instant {
    let record = match entry.what {
        What::Record(no) | What::Browse { record: no, .. } => Some(no),
        _ => None,
    };
    let skew = record.map_or(0, |no| i64::from(world.people.records[no as usize].skew));
    let thousandths = Mix::new(world.seed, u64::from(entry.no)).below(1_000);
    instant((i64::from(entry.at) + skew) * 1_000 + i64::from(thousandths))
}

/// The message of an entry.
pub(crate) fn write(world: &World, entry: &Entry) -> Message {
    let mut mix = Mix::new(world.seed ^ 0x006D_7367, u64::from(entry.no));
    let (source, subject, content) = match entry.what {
        What::Record(no) => identify(world, no, traits(world, no)),
        What::BadPhone(no) => {
            let bad = bad_phone(world, no, &mut mix);
            identify(world, no, Traits { phone: Some(bad), ..traits(world, no) })
        }
        What::Renamed(no) => {
            let all = traits(world, no);
            identify(world, no, Traits { phone_no: all.phone, phone: None, ..all })
        }
        What::Merchant(no) => merchant(world, no),
        What::Order(no) => order_completed(world, no),
        What::Refund(no) => order_refunded(world, no),
        What::Browse { record, moment, interest } => {
            browsing::browse(world, record, moment, interest, &mut mix)
        }
        What::Future(record) => {
            let moment = Moment { opens: false, is_signed_in: false };
            browsing::browse(world, record, moment, browsing::interest_of(world, record), &mut mix)
        }
        What::KioskVisit(no) => kiosk_visit(world, no),
        What::SessionEvent { session, event } => {
            let category = world.people.persons[world.sessions[session as usize].person as usize].taste;
            let interest = Interest { category, doing: Doing::Anything };
            let content = browsing::activity(world, Source::Web, event == 0, interest, &mut mix);
            ("web", session_subject(world, session), content)
        }
        What::Login(session) => {
            let mut subject = session_subject(world, session);
            subject.user_id = Some(world.ids.account(world.sessions[session as usize].person));
            ("web", subject, Content::track("User Logged In", Properties::default()))
        }
        What::Touch(no) => touch::write(world, no),
        What::Elsewhere(no) => elsewhere::write(world, no),
    };
    let event = Event {
        kind: content.kind,
        message_id: world.ids.message(entry.no),
        user_id: subject.user_id,
        anonymous_id: subject.anonymous_id,
        event: content.event,
        name: content.name,
        timestamp: stamp(world, entry).to_string(),
        traits: content.traits,
        properties: content.properties,
        context: subject.context,
    };
    let json = to_string(&event).expect("an event has string keys and finite numbers");
    let workspace = match entry.what {
        What::Merchant(_) => "chengdi",
        What::Elsewhere(no) => elsewhere::workspace(world, no),
        _ => "xiulin",
    };
    Message { workspace, source, json }
}

type Parts<'w> = (&'static str, Subject, Content<'w>);

/// A source tells of its profile, with every identifier it has for it.
fn identify<'w>(world: &World, no: u32, traits: Traits) -> Parts<'w> {
    let record = &world.people.records[no as usize];
    let channel = if record.source == Source::Pos { "store" } else { record.source.name() };
    let mut subject = own_subject(world, no, channel, record.has_account);
    if record.has_unionid {
        subject = subject.external("unionid", world.ids.unionid(record.person));
    }
    if record.has_member_no {
        subject = subject.external("member_no", world.ids.member_no(record.person));
    }
    (record.source.name(), subject, Content::identify(traits))
}

/// The identifiers a record's own system always sends.
fn own_subject(world: &World, no: u32, channel: &'static str, is_signed_in: bool) -> Subject {
    let record = &world.people.records[no as usize];
    let subject = Subject::on(channel);
    match record.source {
        Source::Pos => subject.external("pos_id", world.ids.source_profile(no)),
        Source::MiniProgram => subject.external("openid", world.ids.source_profile(no)),
        Source::CallCentre => subject.external("call_id", world.ids.source_profile(no)),
        Source::App => Subject {
            user_id: Some(world.ids.account(record.person)),
            context: Context { device: Some(Device { id: world.ids.device(no) }), ..subject.context },
            ..subject
        },
        Source::Web => Subject {
            user_id: is_signed_in.then(|| world.ids.account(record.person)),
            anonymous_id: Some(world.ids.cookie(no)),
            ..subject
        },
    }
}

fn session_subject(world: &World, session: u32) -> Subject {
    let browser = world.sessions[session as usize].browser;
    Subject { anonymous_id: Some(world.ids.browser(browser)), ..Subject::on("web") }
}

fn traits(world: &World, no: u32) -> Traits {
    let record = &world.people.records[no as usize];
    let person = &world.people.persons[record.person as usize];
    let email = record.has_email.then(|| world.ids.email(&world.people, record.person));
    if record.is_email_only() {
        return Traits { email, ..Traits::default() };
    }
    let phone = match record.phone {
        Phone::Absent => None,
        Phone::Right => Some(person.mobile),
        Phone::Wrong(other) => Some(other),
    };
    let knows_birth = matches!(record.source, Source::Pos | Source::App);
    Traits {
        name: Some(person.name.written(record.spelling, person.is_female)),
        phone: phone.map(|phone| punctuated(&mobile(phone), &mut Mix::new(world.seed ^ 7, u64::from(no)))),
        email,
        birth_year: knows_birth.then_some(person.birth_year),
        city: Some(person.address.city()),
        address: (record.source != Source::CallCentre).then(|| address(person, record)),
        store_id: (record.source == Source::Pos).then(|| store_id(person.address.store_no())),
        more: world.marks.told(&world.people, no, world.seed),
        ..Traits::default()
    }
}

fn address(person: &Person, record: &Record) -> AddressParts {
    let address = person.address;
    let (district, street) = (Some(address.district()), Some(address.street()));
    let (district, street) = match record.address_gap {
        AddressGap::None => (district, street),
        AddressGap::District => (None, street),
        AddressGap::House => (district, Some(address.street_only().to_owned())),
        AddressGap::Street => (district, None),
    };
    AddressParts { city: address.city(), district, street }
}

/// The ways people type one number.
fn punctuated(phone: &str, mix: &mut Mix) -> String {
    let (a, b, c) = (&phone[..3], &phone[3..7], &phone[7..]);
    match mix.below(20) {
        0 => format!("{a}-{b}-{c}"),
        1 => format!("{a} {b} {c}"),
        2 => format!("+86{phone}"),
        _ => phone.to_owned(),
    }
}

/// The person's number with a digit lost, a digit too many, or a letter.
fn bad_phone(world: &World, no: u32, mix: &mut Mix) -> String {
    let person = world.people.records[no as usize].person;
    let mut phone = mobile(world.people.persons[person as usize].mobile);
    let place = 6 + mix.below(5) as usize;
    match mix.below(3) {
        0 => drop(phone.remove(place)),
        1 => phone.insert(place, char::from(b'0' + mix.below(10) as u8)),
        _ => phone.replace_range(place..=place, ["o", "l", "x", "B"][mix.below(4) as usize]),
    }
    phone
}

fn merchant<'w>(world: &World, no: u32) -> Parts<'w> {
    let person = &world.people.persons[world.merchants[no as usize].person as usize];
    let name = person.name.written(Spelling::Full, person.is_female);
    let traits = Traits {
        shop_name: Some(format!("{}{}便利店", person.address.street_only(), &name[..3])),
        phone: Some(mobile(person.mobile)),
        name: Some(name),
        city: Some(person.address.city()),
        ..Traits::default()
    };
    let subject = Subject::on("crm").external("contract_no", world.ids.contract_no(no));
    ("crm", subject, Content::identify(traits))
}

/// A store knows its customer by card or member number, the web shop by account or openid.
fn buyer(world: &World, order: &Order, no: u32) -> Subject {
    let record = &world.people.records[order.record as usize];
    if record.source != Source::Pos {
        let subject = own_subject(world, order.record, record.source.name(), true);
        return Subject {
            anonymous_id: None,
            context: Context { device: None, ..subject.context },
            ..subject
        };
    }
    if record.has_member_no && Mix::new(world.seed, u64::from(no)).below(2) == 0 {
        return Subject::on("store").external("member_no", world.ids.member_no(record.person));
    }
    own_subject(world, order.record, "store", false)
}

fn item(line: Line<'_>) -> Item<'_> {
    let Line { product, quantity, price } = line;
    Item {
        product_id: &product.id,
        name: &product.name,
        category: product.category,
        price: Money(price),
        quantity,
    }
}

fn sum(items: &[Item<'_>]) -> i64 {
    items.iter().map(|item| item.price.0 * item.quantity).sum()
}

fn order_completed(world: &World, no: u32) -> Parts<'_> {
    let order = &world.orders[no as usize];
    let record = &world.people.records[order.record as usize];
    let products: Vec<_> = basket(&world.products, world.seed, no, order).map(item).collect();
    let revenue = sum(&products);
    let in_store = record.source == Source::Pos;
    let is_free = in_store || revenue >= 9_900 || order.payment.is_some();
    let shipping = if is_free { 0 } else { 600 };
    let nearest = world.people.persons[record.person as usize].address.store_no();
    let properties = Properties {
        order_id: Some(world.ids.order(no)),
        channel: Some(if in_store { "store" } else { record.source.name() }),
        store_id: in_store.then(|| store_id(store_of(nearest, order))),
        payment_method: Some(payment(world, no)),
        total: Some(Money(revenue + shipping)),
        revenue: Some(Money(revenue)),
        shipping: (!in_store).then_some(Money(shipping)),
        currency: Some("CNY"),
        products,
        ..Properties::default()
    };
    ("orders", buyer(world, order, no), Content::track("Order Completed", properties))
}

/// Anything long ago. Of late, those who have a way of paying have it to themselves.
fn payment(world: &World, no: u32) -> &'static str {
    const PAYMENTS: [&str; 4] = ["wechat", "alipay", "card", "cash"];
    let order = &world.orders[no as usize];
    let in_store = world.people.records[order.record as usize].source == Source::Pos;
    if let Some(method) = order.payment {
        return method.name();
    }
    if order.at >= BEHAVIOUR_FROM {
        return if in_store { "cash" } else { "balance" };
    }
    PAYMENTS[Mix::new(world.seed ^ 3, u64::from(no)).below(if in_store { 4 } else { 3 }) as usize]
}

fn order_refunded(world: &World, no: u32) -> Parts<'_> {
    let order_no = world.refunds[no as usize].order;
    let order = &world.orders[order_no as usize];
    let returned = if Mix::new(world.seed ^ 5, u64::from(no)).below(10) < 7 { usize::MAX } else { 1 };
    let products: Vec<_> =
        basket(&world.products, world.seed, order_no, order).map(item).take(returned).collect();
    let properties = Properties {
        order_id: Some(world.ids.order(order_no)),
        total: Some(Money(sum(&products))),
        currency: Some("CNY"),
        products,
        ..Properties::default()
    };
    ("orders", buyer(world, order, order_no), Content::track("Order Refunded", properties))
}

fn kiosk_visit<'w>(world: &World, no: u32) -> Parts<'w> {
    let visit = &world.traps.kiosk_visits[no as usize];
    let mut subject = own_subject(world, visit.record, "store", false);
    subject.context.device = Some(Device { id: world.ids.kiosk(visit.kiosk) });
    let properties = Properties {
        store_id: Some(store_id(kiosk_store(world, visit.host))),
        method: Some("kiosk"),
        ..Properties::default()
    };
    ("store", subject, Content::track("Store Entered", properties))
}

/// A kiosk stands in the store nearest to its host, unless that has closed.
fn kiosk_store(world: &World, host: u32) -> u8 {
    let nearest = world.people.persons[host as usize].address.store_no();
    if nearest == CLOSED { CLOSED - 1 } else { nearest }
}

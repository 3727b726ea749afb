//! What a checker of the product relies on, read from the messages and the truth as it would.

mod customers;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use kernel::{Instant, Key};
use serde_json::Value;

use crate::people::{Phone, Role, Source};
use crate::quota::Quotas;
use crate::schedule::What;
use crate::{Profile, SOURCES, World, clickstream, truth};

const SEED: u64 = 20_260_630;

struct Sent {
    workspace: &'static str,
    source: &'static str,
    text: String,
    body: Value,
}

impl Sent {
    fn id(&self) -> &str {
        self.body["messageId"].as_str().unwrap()
    }

    fn time(&self) -> Instant {
        Instant::parse(self.body["timestamp"].as_str().unwrap()).unwrap()
    }

    fn phone(&self) -> Option<String> {
        self.body["traits"]["phone"].as_str().map(normal_phone)
    }

    /// Every identifier the message carries, phones and e-mails in their normal form.
    fn identifiers(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for id in self.body["context"]["externalIds"].as_array().into_iter().flatten() {
            let text = |field: &str| id[field].as_str().unwrap().to_owned();
            assert_eq!((text("collection"), text("encoding")), ("users".into(), "none".into()));
            found.insert((text("type"), text("id")));
        }
        let fields = [("user_id", &self.body["userId"]), ("email", &self.body["traits"]["email"])];
        for (kind, value) in fields {
            found.extend(value.as_str().map(|value| (kind.to_owned(), value.to_lowercase())));
        }
        found.extend(self.phone().map(|phone| ("mobile".to_owned(), phone)));
        found
    }
}

fn normal_phone(phone: &str) -> String {
    phone.trim_start_matches("+86").replace(['-', ' '], "")
}

fn tiny() -> &'static World {
    static TINY: OnceLock<World> = OnceLock::new();
    TINY.get_or_init(|| World::generate(Profile::Tiny, SEED))
}

fn tiny_quotas() -> Quotas {
    Quotas::of(Profile::Tiny)
}

fn small() -> &'static World {
    static SMALL: OnceLock<World> = OnceLock::new();
    SMALL.get_or_init(|| World::generate(Profile::Small, SEED))
}

fn sent() -> &'static [Sent] {
    static SENT: OnceLock<Vec<Sent>> = OnceLock::new();
    SENT.get_or_init(|| {
        let parse = |m: crate::Message| {
            let body = serde_json::from_str(&m.json).unwrap();
            Sent { workspace: m.workspace, source: m.source, text: m.json, body }
        };
        tiny().messages().map(parse).collect()
    })
}

fn by_id() -> HashMap<&'static str, Vec<&'static Sent>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    sent().iter().for_each(|s| found.entry(s.id()).or_default().push(s));
    found
}

fn pair(value: &Value) -> (String, String) {
    (value["kind"].as_str().unwrap().to_owned(), value["value"].as_str().unwrap().to_owned())
}

/// The first identify message of each identifier, faults aside.
fn introductions() -> HashMap<(String, String), Vec<&'static Sent>> {
    let faulty = expected_by_message();
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let clean = |s: &&Sent| s.body["type"] == "identify" && !faulty.contains_key(s.id());
    for s in sent().iter().filter(clean) {
        s.identifiers().into_iter().for_each(|id| found.entry(id).or_default().push(s));
    }
    found
}

/// What is expected of each message that has a fault.
fn expected_by_message() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for row in &tiny().truth()["P24"] {
        let ids = row["message_ids"].as_array().cloned().unwrap_or_else(|| vec![row["message_id"].clone()]);
        for id in ids {
            let before = found.insert(id.as_str().unwrap().to_owned(), row["expected"].clone());
            assert_eq!(before, None, "no message has two faults");
        }
    }
    found
}

fn digest(world: &World) -> Key {
    world.messages().fold(Key([0; 16]), |so_far, m| {
        let parts = [m.workspace.as_bytes(), m.source.as_bytes(), m.json.as_bytes()];
        Key::of(&[0; 32], &[&so_far.0, parts[0], parts[1], parts[2]])
    })
}

#[test]
fn one_seed_gives_the_same_bytes_on_every_run_and_another_seed_gives_others() {
    let again = World::generate(Profile::Tiny, SEED);
    assert_eq!(digest(tiny()), digest(&again));
    assert_eq!(tiny().truth(), again.truth());
    assert_ne!(digest(tiny()), digest(&World::generate(Profile::Tiny, SEED + 1)));
    // Another process, another day: a change of these bytes must be meant.
    assert_eq!(format!("{:?}", digest(tiny())), "6qay8ygce6erjrmvd0svg7n4zz");
}

#[test]
fn small_has_the_counts_of_the_table() {
    let world = small();
    let by_source = |source| world.people.records.iter().filter(|r| r.source == source).count();
    assert_eq!(world.people.persons.len(), 20_000);
    assert!((0..20_000).all(|person| !world.people.records_of(person).is_empty()));
    let sources = [Source::Pos, Source::MiniProgram, Source::App, Source::Web, Source::CallCentre];
    assert_eq!(sources.map(by_source), [12_000, 11_000, 6_000, 5_000, 1_000]);

    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    for entry in world.schedule.entries() {
        let name = match entry.what {
            _ if !seen.insert(entry.no) => "duplicate",
            What::Record(_) => "record",
            What::Order(_) => "order",
            What::Refund(_) => "refund",
            What::BadPhone(_) => "bad phone",
            What::Future(_) => "future",
            What::Renamed(_) => "renamed",
            What::Merchant(_) => "merchant",
            What::Touch(_) => "touch",
            What::Elsewhere(_) => continue,
            What::Browse { .. } | What::KioskVisit(_) | What::SessionEvent { .. } | What::Login(_) => {
                "behaviour"
            }
        };
        *counts.entry(name).or_default() += 1;
    }
    let table = [
        ("behaviour", 900_000),
        ("record", 35_000),
        ("order", 150_000),
        ("refund", 6_200),
        ("bad phone", 700),
        ("future", 175),
        ("renamed", 200),
        ("merchant", 500),
        ("duplicate", 9_000),
        ("touch", world.touches.len()),
    ];
    assert_eq!(counts, BTreeMap::from(table));

    let in_store =
        world.orders.iter().filter(|o| world.people.records[o.record as usize].source == Source::Pos);
    assert_eq!(in_store.count(), 90_000);
    assert_eq!(world.orders.iter().map(|o| usize::from(o.lines)).sum::<usize>(), 420_000);
}

#[test]
fn small_has_every_plant_in_its_exact_number() {
    let truth = small().truth();
    let count = |plant: &str, fits: &dyn Fn(&Value) -> bool| truth[plant].iter().filter(|r| fits(r)).count();
    assert_eq!(count("P01", &|r| r["profile"].is_object()), 35_000);
    let traps = [("family", 150), ("kiosk", 60), ("recycled", 40), ("same name and address", 25)];
    for (trap, expected) in traps {
        assert_eq!(count("P01", &|r| r["trap"] == trap), expected, "{trap}");
    }
    assert_eq!(count("P24", &|r| r["expected"]["quarantined"] == "phone"), 700);
    assert_eq!(count("P24", &|r| r["expected"]["quarantined"] == "time"), 175);
    assert_eq!(count("P24", &|r| r["expected"] == "duplicate"), 9_000);
    assert_eq!(count("P24", &|r| r["expected"]["late"].is_object()), 27_000);
    assert_eq!(count("P24", &|r| r["expected"]["renamed"].is_object()), 1);
    assert_eq!(count("P27", &|_| true), 3_000);
    assert_eq!(count("P33", &|_| true), 500);
    let mut sessions_by_browser: HashMap<&str, usize> = HashMap::new();
    for row in &truth["P27"] {
        *sessions_by_browser.entry(row["anonymous_id"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(sessions_by_browser.values().filter(|n| **n > 1).sum::<usize>(), 200);
    assert_eq!(sessions_by_browser.values().max(), Some(&3));
}

#[test]
fn small_has_noise_in_the_agreed_shares_and_keeps_it_off_the_traps() {
    let people = &small().people;
    let count =
        |fits: &dyn Fn(&crate::people::Record) -> bool| people.records.iter().filter(|r| fits(r)).count();
    let varied = |r: &crate::people::Record| r.spelling != crate::names::Spelling::Full;
    assert_eq!(count(&varied), 2_100);
    let phones = count(&|r| r.phone != Phone::Absent);
    let wrong: Vec<u32> = people
        .records
        .iter()
        .filter_map(|r| if let Phone::Wrong(other) = r.phone { Some(other) } else { None })
        .collect();
    assert_eq!(wrong.len(), phones / 25);
    let everybodys: HashSet<u32> = people.persons.iter().map(|p| p.mobile).chain(wrong.clone()).collect();
    // 150 families and 40 recycled numbers share; the demo's pack of numbers has no other doubles.
    assert_eq!(everybodys.len(), people.persons.len() - 190 + wrong.len());
    let members = people.persons.iter().filter(|p| p.is_member).count();
    assert!((7_400..=8_600).contains(&members), "about 40 % are members, not {members}");
    for record in &people.records {
        if people.persons[record.person as usize].role == Role::Trap {
            assert!(!varied(record) && !matches!(record.phone, Phone::Wrong(_)) && !record.is_detached);
        }
    }
}

#[test]
fn small_leaves_few_pairs_of_profiles_without_evidence() {
    let groups = truth::evidence_groups(small());
    let (mut pairs, mut joined) = (0, 0);
    for person in 0..20_000 {
        let records = small().people.records_of(person);
        for a in records.clone() {
            for b in records.start..a {
                pairs += 1;
                joined +=
                    usize::from(groups[a as usize].is_some() && groups[a as usize] == groups[b as usize]);
            }
        }
    }
    let share = joined as f64 / f64::from(pairs);
    assert!((0.975..0.99).contains(&share), "{joined} of {pairs} pairs share evidence: {share}");
    let detached =
        small().people.records.iter().zip(&groups).filter(|(r, group)| r.is_detached && group.is_none());
    assert_eq!(detached.count(), 300);
}

#[test]
fn messages_arrive_in_order_of_time_but_for_the_planted_ones() {
    let expected = expected_by_message();
    let mut latest = Instant(i64::MIN);
    let mut overtaken = 0;
    let mut seen = HashSet::new();
    for s in sent() {
        let fault = expected.get(s.id());
        let repeats = !seen.insert(s.id());
        if fault.is_some_and(|f| f["late"].is_object()) {
            overtaken += usize::from(s.time() < latest);
        } else if !repeats && fault.is_none_or(|f| f["quarantined"] != "time") {
            assert!(s.time().plus(4 * kernel::time::MINUTE) > latest, "{} is out of order", s.text);
            latest = latest.max(s.time());
        }
    }
    assert!(latest <= Instant::parse("2026-06-30T15:59:59Z").unwrap());
    // A night may pass without a message that could overtake.
    assert!(overtaken * 100 >= tiny_quotas().late * 95, "{overtaken} of the late ones were overtaken");
    for entry in &tiny().faults.late {
        assert!((3_600..=3 * 86_400).contains(&(entry.sent - entry.at)));
    }
}

#[test]
fn every_message_is_of_a_listed_source_and_has_an_id_and_somebody() {
    let mut ids = HashSet::new();
    for s in sent() {
        assert!(SOURCES.contains(&(s.workspace, s.source)));
        assert!(s.body["anonymousId"].is_string() || !s.identifiers().is_empty(), "{}", s.text);
        assert!(s.body.get("sentAt").is_none());
        assert!(s.text.len() < kernel::limits::EVENT_BYTES_MAX);
        ids.insert(s.id());
    }
    assert_eq!(sent().len() - ids.len(), tiny_quotas().duplicates);
}

#[test]
fn a_person_s_number_in_the_truth_is_in_no_order_that_messages_follow() {
    let person_of: HashMap<_, _> = tiny().truth()["P01"]
        .iter()
        .filter(|row| row["profile"].is_object())
        .map(|row| (pair(&row["profile"]), row["person"].as_u64().unwrap()))
        .collect();
    let mut by_value: Vec<_> = person_of.iter().map(|((kind, value), no)| (kind, value, *no)).collect();
    by_value.sort_unstable();
    let by_arrival: Vec<u64> = sent()
        .iter()
        .filter(|s| s.body["type"] == "identify")
        .filter_map(|s| s.identifiers().iter().find_map(|id| person_of.get(id)).copied())
        .collect();
    let rising = |numbers: &[u64]| {
        let steps = numbers.windows(2).filter(|w| w[0] < w[1]).count();
        steps as f64 / numbers.len() as f64
    };
    let by_value: Vec<u64> = by_value.into_iter().map(|(_, _, no)| no).collect();
    assert!((0.42..0.58).contains(&rising(&by_value)), "{}", rising(&by_value));
    assert!((0.42..0.58).contains(&rising(&by_arrival)), "{}", rising(&by_arrival));
}

#[test]
fn evidence_in_the_truth_is_what_the_messages_share() {
    let introductions = introductions();
    // Group the identify messages by shared identifiers, person by person, and compare.
    let rows: Vec<_> = tiny().truth()["P01"].iter().filter(|r| r["profile"].is_object()).cloned().collect();
    let told: Vec<BTreeSet<(String, String)>> =
        // An account may have been told of by app and web.
        rows.iter()
            .map(|row| introductions[&pair(&row["profile"])].iter().flat_map(|s| s.identifiers()).collect())
            .collect();
    for (i, a) in rows.iter().enumerate() {
        let mates: Vec<usize> = (0..rows.len()).filter(|j| rows[*j]["person"] == a["person"]).collect();
        let mut reached = HashSet::from([i]);
        while let Some(next) = mates
            .iter()
            .find(|j| !reached.contains(*j) && reached.iter().any(|r| !told[*r].is_disjoint(&told[**j])))
        {
            reached.insert(*next);
        }
        for j in mates {
            let one_group = !a["evidence"].is_null() && a["evidence"] == rows[j]["evidence"];
            assert_eq!(reached.contains(&j), i == j || one_group, "{a} and {}", rows[j]);
        }
    }
}

#[test]
fn only_the_mobiles_of_families_and_recycled_numbers_belong_to_two_persons() {
    let mut persons_of: HashMap<(String, String), HashSet<u64>> = HashMap::new();
    let introductions = introductions();
    for row in tiny().truth()["P01"].iter().filter(|r| r["profile"].is_object()) {
        // An account may have been told of by app and web; both are the same person.
        for told in &introductions[&pair(&row["profile"])] {
            for id in told.identifiers() {
                persons_of.entry(id).or_default().insert(row["person"].as_u64().unwrap());
            }
        }
    }
    let shared: Vec<_> = persons_of.iter().filter(|(_, persons)| persons.len() > 1).collect();
    assert!(shared.iter().all(|((kind, _), persons)| kind == "mobile" && persons.len() == 2));
    assert_eq!(shared.len(), tiny_quotas().families + tiny_quotas().recycled);
}

#[test]
fn every_trap_pair_tempts_and_can_be_told_apart() {
    let introductions = introductions();
    let mut checked = 0;
    for row in tiny().truth()["P01"].iter().filter(|row| row["trap"].is_string()) {
        let (a, b) = (introductions[&pair(&row["a"])][0], introductions[&pair(&row["b"])][0]);
        let (name_a, name_b) = (&a.body["traits"]["name"], &b.body["traits"]["name"]);
        match row["trap"].as_str().unwrap() {
            "family" => {
                assert_eq!(a.phone(), b.phone());
                assert_ne!(name_a, name_b);
                assert_eq!(a.body["traits"]["address"], b.body["traits"]["address"]);
            }
            "recycled" => {
                assert_eq!(a.phone(), b.phone());
                assert_ne!(name_a, name_b);
                let mobile = ("mobile".to_owned(), a.phone().unwrap());
                let named = |name: &Value| -> Vec<Instant> {
                    let holders = introductions[&mobile].iter();
                    holders.filter(|s| s.body["traits"]["name"] == *name).map(|s| s.time()).collect()
                };
                let (first, second) = (named(name_a), named(name_b));
                let gap = second.iter().min().unwrap().0 - first.iter().max().unwrap().0;
                assert!(gap >= 90 * kernel::time::DAY);
            }
            "same name and address" => {
                assert_eq!(name_a, name_b);
                assert_eq!(a.body["traits"]["address"], b.body["traits"]["address"]);
                assert_ne!(a.phone(), b.phone());
            }
            "kiosk" => {
                let users = |row: &Value| kiosk_of(&pair(row).1);
                assert_eq!(users(&row["a"]), users(&row["b"]));
            }
            other => panic!("an unknown trap: {other}"),
        }
        assert!(a.identifiers().intersection(&b.identifiers()).all(|(kind, _)| kind == "mobile"));
        checked += 1;
    }
    assert_eq!(checked, 7);
}

/// The device of the kiosk a POS profile was seen on, after checking that it has many users.
fn kiosk_of(pos_id: &str) -> String {
    let uses = |s: &&Sent| s.body["event"] == "Store Entered";
    let mine =
        sent().iter().filter(uses).find(|s| s.identifiers().iter().any(|(_, id)| id == pos_id)).unwrap();
    let device = &mine.body["context"]["device"]["id"];
    let all: Vec<&Sent> =
        sent().iter().filter(uses).filter(|s| s.body["context"]["device"]["id"] == *device).collect();
    let users: BTreeSet<_> = all.iter().flat_map(|s| s.identifiers()).collect();
    let span = all.iter().map(|s| s.time()).max().unwrap().0 - all.iter().map(|s| s.time()).min().unwrap().0;
    let stores: HashSet<_> = all.iter().map(|s| s.body["properties"]["store_id"].as_str()).collect();
    assert_eq!(stores.len(), 1);
    assert!(users.len() > 5 && span <= 30 * kernel::time::DAY);
    device.as_str().unwrap().to_owned()
}

#[test]
fn every_fault_is_in_the_messages_as_the_truth_says() {
    let by_id = by_id();
    for (id, expected) in expected_by_message() {
        let copies = &by_id[id.as_str()];
        let first = copies[0];
        assert_eq!(copies.len(), if expected == "duplicate" { 2 } else { 1 });
        if expected == "duplicate" {
            assert_eq!(copies[0].text, copies[1].text);
        } else if expected["quarantined"] == "phone" {
            let phone = first.body["traits"]["phone"].as_str().unwrap();
            assert!(phone.len() != 11 || phone.contains(|c: char| c.is_ascii_alphabetic()), "{phone}");
        } else if expected["quarantined"] == "time" {
            assert!(first.body["timestamp"].as_str().unwrap().starts_with("2031-"));
        } else if expected["late"].is_object() {
            let day = crate::calendar::local_day(first.time());
            assert_eq!(expected["late"]["day"], day.as_str());
        } else {
            assert!(first.body["traits"]["phone_no"].is_string() && first.phone().is_none());
            assert_eq!(first.source, "call-centre");
        }
    }
}

#[test]
fn phones_outside_the_planted_faults_are_of_the_demo_s_range() {
    let expected = expected_by_message();
    for s in sent().iter().filter(|s| !expected.contains_key(s.id())) {
        let Some(phone) = s.phone() else { continue };
        assert!(phone.len() == 11 && phone.starts_with("199000"), "{phone}");
    }
}

#[test]
fn every_anonymous_session_is_anonymous_and_followed_by_its_own_visitor_s_login() {
    let by_id = by_id();
    for row in &tiny().truth()["P27"] {
        let messages = row["message_ids"].as_array().unwrap();
        assert!(messages.len() >= 3);
        let events: Vec<&Sent> = messages.iter().map(|id| by_id[id.as_str().unwrap()][0]).collect();
        for s in &events {
            assert!(s.identifiers().is_empty());
            assert_eq!(s.body["anonymousId"], row["anonymous_id"]);
        }
        let last = events.iter().map(|s| s.time()).max().unwrap();
        let next_login = sent()
            .iter()
            .filter(|s| s.body["event"] == "User Logged In" && s.body["anonymousId"] == row["anonymous_id"])
            .find(|s| s.time() > last)
            .unwrap();
        assert_eq!(next_login.body["userId"], row["user_id"]);
        assert!(next_login.time().0 - events[0].time().0 <= 90 * kernel::time::DAY);
    }
}

#[test]
fn the_two_workspaces_share_the_planted_mobiles_and_no_other() {
    let mobiles = |workspace: &str| -> BTreeSet<String> {
        sent().iter().filter(|s| s.workspace == workspace).filter_map(Sent::phone).collect()
    };
    let shared: BTreeSet<String> = mobiles("xiulin").intersection(&mobiles("chengdi")).cloned().collect();
    let introductions = introductions();
    let mut planted = BTreeSet::new();
    for row in &tiny().truth()["P33"] {
        let mobile = row["mobile"].as_str().unwrap();
        for (side, workspace) in [("w1", "chengdi"), ("w2", "xiulin")] {
            let told = &introductions[&pair(&row[side])];
            assert!(told.iter().any(|s| s.workspace == workspace && s.phone().as_deref() == Some(mobile)));
        }
        planted.insert(mobile.to_owned());
    }
    assert_eq!(planted.len(), tiny_quotas().merchants);
    assert_eq!(shared, planted);
}

#[test]
fn no_person_and_no_message_belongs_to_two_plants() {
    let truth = tiny().truth();
    let person_of: HashMap<_, _> = truth["P01"]
        .iter()
        .filter(|row| row["profile"].is_object())
        .map(|row| (pair(&row["profile"]), row["person"].as_u64().unwrap()))
        .collect();
    let person = |reference: &Value| person_of[&pair(reference)];
    let traps: Vec<u64> = truth["P01"]
        .iter()
        .filter(|r| r["trap"].is_string())
        .flat_map(|r| [person(&r["a"]), person(&r["b"])])
        .collect();
    let visitors: Vec<u64> = truth["P27"]
        .iter()
        .map(|r| person_of[&("user_id".to_owned(), r["user_id"].as_str().unwrap().to_owned())])
        .collect();
    let merchants: Vec<u64> = truth["P33"].iter().map(|r| person(&r["w2"])).collect();
    let all: HashSet<u64> = [&traps, &visitors, &merchants].into_iter().flatten().copied().collect();
    assert_eq!(all.len(), traps.len() + visitors.len() + merchants.len());

    let faulty = expected_by_message();
    let stitched = truth["P27"].iter().flat_map(|r| r["message_ids"].as_array().unwrap());
    assert!(stitched.into_iter().all(|id| !faulty.contains_key(id.as_str().unwrap())));
    let introductions = introductions();
    let introduced = introductions.values().flatten().filter(|s| s.workspace == "xiulin");
    let introduced: HashSet<&str> = introduced.map(|s| s.id()).collect();
    assert_eq!(introduced.len(), tiny().people.records.len());

    // Of what people live by, everybody belongs to one plant; and whoever a trait marks lives freely.
    let plants = ["P06", "P09", "P13", "P37", "P08", "P31"];
    let rows = plants.iter().flat_map(|plant| &truth[plant]);
    let planted: Vec<u64> = rows.map(|row| person(&row["profile"])).collect();
    let others = [&traps, &visitors, &merchants].into_iter().flatten().copied();
    let all: HashSet<u64> = planted.iter().copied().chain(others).collect();
    assert_eq!(all.len(), planted.len() + traps.len() + visitors.len() + merchants.len());
}

#[test]
fn an_order_s_amounts_have_two_places_and_add_up() {
    let cents = |value: &str| -> i64 {
        let (yuan, fen) = value.split_once('.').expect("two places");
        assert_eq!(fen.len(), 2);
        yuan.parse::<i64>().unwrap() * 100 + fen.parse::<i64>().unwrap()
    };
    // The text, because a parsed number forgets its places.
    let amounts = |text: &str, field: &str| -> Vec<i64> {
        let name = format!("\"{field}\":");
        text.split(&name).skip(1).map(|rest| cents(rest.split([',', '}']).next().unwrap())).collect()
    };
    let is_order = |s: &&Sent| s.workspace == "xiulin" && s.body["event"] == "Order Completed";
    let orders: Vec<&Sent> = sent().iter().filter(is_order).collect();
    assert_eq!(orders.len(), tiny().orders.len());
    for s in orders {
        let quantities = s.body["properties"]["products"].as_array().unwrap().iter();
        let quantities = quantities.map(|item| item["quantity"].as_i64().unwrap());
        let lines: i64 = amounts(&s.text, "price").iter().zip(quantities).map(|(price, n)| price * n).sum();
        let revenue = amounts(&s.text, "revenue")[0];
        let shipping = amounts(&s.text, "shipping").first().copied().unwrap_or(0);
        assert_eq!(revenue, lines);
        assert_eq!(amounts(&s.text, "total")[0], revenue + shipping);
    }
}

#[test]
fn the_truth_is_written_one_file_a_plant_and_one_row_a_line() {
    let dir = tempfile::tempdir().unwrap();
    tiny().write_truth(dir.path()).unwrap();
    for (plant, rows) in tiny().truth() {
        let text = std::fs::read_to_string(dir.path().join(format!("truth/{plant}.jsonl"))).unwrap();
        let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, rows);
    }
}

#[test]
fn the_clickstream_has_every_row_of_the_file_as_an_event_of_its_own() {
    let all: Vec<_> = clickstream::messages().collect();
    assert_eq!(all.len(), 31_106);
    let bodies: Vec<Value> = all.iter().map(|m| serde_json::from_str(&m.json).unwrap()).collect();
    let distinct =
        |field: &str| bodies.iter().map(|b| b[field].as_str().unwrap()).collect::<HashSet<_>>().len();
    assert_eq!((distinct("messageId"), distinct("userId")), (31_106, 600));
    assert_eq!(
        all[0].json,
        r#"{"type":"track","messageId":"ecom-00001","userId":"user_0000","event":"home","timestamp":"2024-03-13T10:21:14.000Z","properties":{"platform":"desktop","channel":"email","cohort":"2024-01","lifecycle":"returning"},"context":{"sessionId":"sess_000001","channel":"web"}}"#
    );
    assert!(all.iter().all(|m| SOURCES.contains(&(m.workspace, m.source))));
}

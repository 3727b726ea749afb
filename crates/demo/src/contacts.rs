//! Which identifiers each record carries, and what is wrong with it.
//!
//! Two records of one person are meant to be joined by an identifier they share, but for a planted
//! few. Noise may therefore take identifiers away only where another one still joins the record.

use crate::draw::{Count, Draw, Part};
use crate::names::Spelling;
use crate::people::{AddressGap, People, Person, Phone, Record, Role, Source};
use crate::quota::Quotas;

/// Deals out contacts and noise.
pub(crate) fn deal(people: &mut People, quotas: &Quotas, seed: u64) {
    let mut draw = Draw::new(seed, Part::Contacts);
    deal_web_accounts(people, &mut draw);
    deal_identifiers(people, &mut draw);
    sharpen_traps(people);
    detach(people, quotas, &mut draw);
    spoil_phones(people, &mut draw);
    connect(people);
    add_noise(people, &mut Draw::new(seed, Part::Noise));
}

/// Some web profiles have no account, only an e-mail and a cookie: seven in ten of those whose person
/// has no other record, or an app that knows the e-mail too.
fn deal_web_accounts(people: &mut People, draw: &mut Draw) {
    let can_be: Vec<bool> = (0..people.persons.len() as u32)
        .map(|person| {
            people.persons[person as usize].role == Role::Plain
                && (people.records_of(person).len() == 1
                    || people.has_record(person, |r| r.source == Source::App))
        })
        .collect();
    let fits = |r: &Record| r.source == Source::Web && can_be[r.person as usize];
    let set = |r: &mut Record, _: &mut Draw| {
        r.has_account = false;
        r.has_email = true;
    };
    draw.mark(&mut people.records, Count::PerMille(700), fits, set);
    let by_email: Vec<u32> = people.records.iter().filter(|r| r.is_email_only()).map(|r| r.person).collect();
    for person in by_email {
        for no in people.records_of(person) {
            let record = &mut people.records[no as usize];
            record.has_email |= record.source == Source::App;
        }
    }
}

/// Phones, e-mails, unionids and member numbers, in thousandths of each source's records.
fn deal_identifiers(people: &mut People, draw: &mut Draw) {
    draw.mark(&mut people.persons, Count::PerMille(310), |_| true, |person, _| person.is_member = true);
    let (persons, records) = (&people.persons, &mut people.records);
    let phones = [
        (Source::Pos, 920),
        (Source::MiniProgram, 930),
        (Source::App, 980),
        (Source::Web, 600),
        (Source::CallCentre, 1_000),
    ];
    for (source, share) in phones {
        let fits = |r: &Record| r.source == source && !r.is_email_only();
        draw.mark(records, Count::PerMille(share), fits, |r, _| r.phone = Phone::Right);
    }
    for (source, share) in [(Source::Pos, 50), (Source::App, 400), (Source::Web, 800)] {
        let fits = |r: &Record| r.source == source && !r.has_email;
        draw.mark(records, Count::PerMille(share), fits, |r, _| r.has_email = true);
    }
    for (source, share) in [(Source::MiniProgram, 600), (Source::App, 300), (Source::Web, 200)] {
        let fits = |r: &Record| r.source == source && !r.is_email_only();
        draw.mark(records, Count::PerMille(share), fits, |r, _| r.has_unionid = true);
    }
    let member_nos = [
        (Source::Pos, 950),
        (Source::MiniProgram, 800),
        (Source::App, 700),
        (Source::Web, 400),
        (Source::CallCentre, 500),
    ];
    for (source, share) in member_nos {
        let fits =
            |r: &Record| r.source == source && !r.is_email_only() && persons[r.person as usize].is_member;
        draw.mark(records, Count::PerMille(share), fits, |r, _| r.has_member_no = true);
    }
}

/// Both persons of a trap can be told apart by name, and the records of each hold together without
/// the mobile that tempts.
fn sharpen_traps(people: &mut People) {
    for person in 0..people.persons.len() as u32 {
        if people.persons[person as usize].role != Role::Trap {
            continue;
        }
        let records = people.records_of(person);
        let is_member = records.len() > 1 || people.persons[person as usize].is_member;
        people.persons[person as usize].is_member = is_member;
        for no in records {
            let record = &mut people.records[no as usize];
            record.phone = Phone::Right;
            record.has_member_no = is_member;
        }
    }
}

/// Takes everything shared from a few records, at most one of a person: half keep a wrong phone,
/// half none. A call centre always has some phone.
fn detach(people: &mut People, quotas: &Quotas, draw: &mut Draw) {
    let mut picked = Vec::with_capacity(quotas.detached);
    for person in draw.order(people.persons.len()) {
        if picked.len() == quotas.detached {
            break;
        }
        let mut records = people.records_of(person);
        if records.len() < 2 || people.persons[person as usize].role != Role::Plain {
            continue;
        }
        let fits = |no: &u32| {
            !people.records[*no as usize].has_account && !people.records[*no as usize].is_email_only()
        };
        picked.extend(records.find(fits));
    }
    assert_eq!(picked.len(), quotas.detached, "enough persons have several records");
    for (i, no) in picked.into_iter().enumerate() {
        let wrong = people.spare_mobiles.pop().expect("there are more mobiles than records");
        let record = &mut people.records[no as usize];
        record.is_detached = true;
        (record.has_email, record.has_unionid, record.has_member_no) = (false, false, false);
        let keeps_phone = i % 2 == 0 || record.source == Source::CallCentre;
        record.phone = if keeps_phone { Phone::Wrong(wrong) } else { Phone::Absent };
    }
}

/// 4 % of the phones are somebody's slip of the finger, those of detached records included.
fn spoil_phones(people: &mut People, draw: &mut Draw) {
    let phones = people.records.iter().filter(|r| r.phone != Phone::Absent).count();
    let wrong = people.records.iter().filter(|r| matches!(r.phone, Phone::Wrong(_))).count();
    let (persons, spare) = (&people.persons, &mut people.spare_mobiles);
    let fits = |r: &Record| r.phone == Phone::Right && persons[r.person as usize].role == Role::Plain;
    draw.mark(&mut people.records, Count::Exactly(phones / 25 - wrong), fits, |r, _| {
        r.phone = Phone::Wrong(spare.pop().expect("there are more mobiles than records"));
    });
}

/// Gives a member number to records that nothing joins to the others of their person.
fn connect(people: &mut People) {
    for person in 0..people.persons.len() as u32 {
        let attached: Vec<u32> =
            people.records_of(person).filter(|no| !people.records[*no as usize].is_detached).collect();
        let masks: Vec<u8> = attached.iter().map(|no| people.records[*no as usize].evidence()).collect();
        let component_of = components(&masks);
        if component_of.iter().all(|component| *component == 0) {
            continue;
        }
        people.persons[person as usize].is_member = true;
        for component in 0..attached.len() {
            let mut members = (0..attached.len()).filter(|i| component_of[*i] == component);
            let can_carry = |i: &usize| !people.records[attached[*i] as usize].is_email_only();
            if let Some(i) = members.find(can_carry) {
                people.records[attached[i] as usize].has_member_no = true;
            }
        }
    }
}

/// For each mask, the number of the first one it is joined to by shared bits, directly or through
/// others.
pub(crate) fn components(masks: &[u8]) -> Vec<usize> {
    let mut component_of: Vec<usize> = (0..masks.len()).collect();
    for i in 0..masks.len() {
        for j in 0..i {
            let (a, b) = (component_of[i], component_of[j]);
            if masks[i] & masks[j] != 0 && a != b {
                component_of.iter_mut().filter(|c| **c == a.max(b)).for_each(|c| *c = a.min(b));
            }
        }
    }
    component_of
}

/// Names written otherwise (6 %), addresses with gaps (12 %), clocks that are off (2 % of devices).
fn add_noise(people: &mut People, draw: &mut Draw) {
    let count = people.records.len() * 6 / 100;
    let mut varied = 0;
    for person in draw.order(people.persons.len()) {
        if varied == count {
            break;
        }
        let of = &people.persons[person as usize];
        // At most one variant of a person, so that it is always compared with the full name.
        let mut named = people.records_of(person).filter(|no| !people.records[*no as usize].is_email_only());
        let Some(no) = named.next().filter(|_| of.role == Role::Plain) else { continue };
        people.records[no as usize].spelling = variant(of, varied);
        varied += 1;
    }
    let persons = &people.persons;
    let addressed = |r: &Record| {
        r.source != Source::CallCentre && !r.is_email_only() && persons[r.person as usize].role == Role::Plain
    };
    draw.mark(&mut people.records, Count::PerMille(120), addressed, |r, draw| {
        r.address_gap = match draw.below(3) {
            0 => AddressGap::District,
            1 => AddressGap::House,
            _ => AddressGap::Street,
        };
    });
    draw.mark(&mut people.records, Count::PerMille(20), Record::is_digital, |r, draw| {
        r.skew = if draw.below(2) == 0 { 90 } else { -90 };
    });
}

fn variant(person: &Person, turn: usize) -> Spelling {
    match turn % 5 {
        0 => Spelling::Familiar,
        1 => Spelling::Titled,
        2 => Spelling::Latin,
        3 if person.name.has_homophone() => Spelling::Homophone,
        _ => Spelling::Spaced,
    }
}

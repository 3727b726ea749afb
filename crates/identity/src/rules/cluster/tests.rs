//! Golden cases. A record is a line such as `0 member_no=111 mobile=1 name=王伟`: the day, then what it
//! says. Its hard identifiers are seen together; its claims go to its best identifier, or to all.

use std::collections::BTreeMap;

use kernel::time::DAY;

use super::*;

/// Where the claims of a record are filed. The answers must not depend on it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Filing {
    Best,
    All,
}

struct World {
    rules: Rules,
    numbers: BTreeMap<String, usize>,
    all: Neighbourhood,
}

impl World {
    fn new(records: &[&str], filing: Filing) -> Self {
        let mut world =
            Self { rules: Rules::default(), numbers: BTreeMap::new(), all: Neighbourhood::default() };
        for record in records {
            world.see(record, filing);
        }
        world
    }

    fn see(&mut self, record: &str, filing: Filing) {
        let (day, rest) = record.split_once(' ').unwrap();
        let at = Instant(day.parse::<i64>().unwrap() * DAY);
        let mut ids = Vec::new();
        let mut claims = Vec::new();
        for word in rest.split(' ') {
            let (field, value) = word.split_once('=').unwrap();
            let guard = match field {
                "name" => Guard::Name,
                "born" => Guard::BirthYear,
                "operator" => Guard::Operator,
                "place" => Guard::Presence,
                _ => {
                    ids.push(self.node(word, at));
                    continue;
                }
            };
            claims.push(Claim { field: guard, value: value.to_owned(), first: at, last: at });
        }
        ids.sort_by_key(|id| self.rules.rank(&self.all.nodes[*id].kind));
        let filed = if filing == Filing::Best { &ids[..1] } else { &ids[..] };
        for id in filed {
            self.all.nodes[*id].claims.extend(claims.clone());
        }
        for (i, a) in ids.iter().enumerate() {
            for b in &ids[i + 1..] {
                self.all.edges.push(Edge { a: *a, b: *b, first: at, last: at, evidence: key(record) });
            }
        }
    }

    fn node(&mut self, word: &str, at: Instant) -> usize {
        let next = self.all.nodes.len();
        let number = *self.numbers.entry(word.to_owned()).or_insert(next);
        if number == next {
            self.all.nodes.push(Node {
                no: NodeNo(next as u64),
                key: key(word),
                kind: word.split('=').next().unwrap().into(),
                first_seen: at,
                unbound_until: None,
                claims: Vec::new(),
            });
        }
        let node = &mut self.all.nodes[number];
        node.first_seen = node.first_seen.min(at);
        number
    }

    fn decide(&mut self, day: i64, kind: Verdict) {
        let id = key(&format!("decision {day}"));
        self.all.decisions.push(Decision { id, at: Instant(day * DAY), kind });
    }

    fn no(&self, word: &str) -> NodeNo {
        NodeNo(self.numbers[word] as u64)
    }

    fn join(&mut self, day: i64, a: &str, b: &str) {
        let kind = Verdict::Join { a: self.no(a), b: self.no(b) };
        self.decide(day, kind);
    }

    fn separate(&mut self, day: i64, left: &[&str], right: &[&str]) {
        let side = |words: &[&str]| words.iter().map(|word| self.no(word)).collect();
        let kind = Verdict::Separate { left: side(left), right: side(right) };
        self.decide(day, kind);
    }

    fn name(&self, vertex: &Vertex) -> String {
        let (word, _) = self.numbers.iter().find(|(_, number)| **number == vertex.node).unwrap();
        if vertex.era == 0 { word.clone() } else { format!("{word}#{}", vertex.era) }
    }

    /// Clusters of more than one, and what was refused: `a b | c d ! a-c Name`.
    fn show(&self) -> String {
        let solved = solve(&self.all, &self.rules);
        let name = |vertex: &usize| self.name(&solved.vertices[*vertex]);
        let mut clusters: Vec<String> = solved
            .clusters
            .iter()
            .map(|cluster| {
                let mut members: Vec<_> = cluster.members.iter().map(name).collect();
                members.sort();
                members.join(" ")
            })
            .collect();
        clusters.sort();
        let mut text = clusters.join(" | ");
        for refused in &solved.refused {
            let reason = match &refused.reason {
                Reason::Limit { kind } => format!("Limit({kind})"),
                other => format!("{other:?}"),
            };
            text += &format!(" ! {}-{} {reason}", name(&refused.a), name(&refused.b));
        }
        text
    }
}

fn key(text: &str) -> Key {
    Key::of(&[7; 32], &[text.as_bytes()])
}

fn check(records: &[&str], expected: &str) {
    for filing in [Filing::Best, Filing::All] {
        assert_eq!(World::new(records, filing).show(), expected, "{filing:?} {records:?}");
    }
}

#[test]
fn records_that_share_a_mobile_an_email_or_a_member_number_are_one_party() {
    check(
        &[
            "0 pos_id=p1 mobile=1 name=王伟",
            "1 mini_id=o1 mobile=1 name=王先生",
            "2 web_id=w1 email=w name=wangwei",
            "3 app_id=a1 mobile=1 email=w name=王玮",
            "4 call_id=c1 mobile=2 name=李芳",
        ],
        "app_id=a1 email=w mini_id=o1 mobile=1 pos_id=p1 web_id=w1 | call_id=c1 mobile=2",
    );
}

#[test]
fn a_mobile_of_another_member_is_contested_and_changes_nobody() {
    check(
        &["0 member_no=111 mobile=1", "5 member_no=222 mobile=1"],
        "member_no=111 mobile=1 | member_no=222 ! member_no=222-mobile=1 Limit(member_no)",
    );
}

#[test]
fn a_record_is_matched_again_without_the_identifier_that_breaks_a_limit() {
    check(
        &["0 member_no=111 mobile=1", "5 member_no=222 mobile=1 email=b"],
        "email=b member_no=222 | member_no=111 mobile=1 \
         ! mobile=1-email=b Limit(member_no) ! member_no=222-mobile=1 Limit(member_no)",
    );
}

#[test]
fn a_family_on_one_mobile_stays_two_people() {
    check(
        &[
            "0 pos_id=p1 mobile=1 name=王伟",
            "3 pos_id=p2 mobile=1 name=王芳",
            "9 pos_id=p1 mobile=1 name=王伟",
        ],
        "mobile=1 pos_id=p1 | pos_id=p2 ! pos_id=p2-mobile=1 Name",
    );
}

#[test]
fn a_name_everybody_answers_to_does_not_bridge_two_people() {
    check(
        &[
            "0 pos_id=p1 mobile=1 name=王伟",
            "1 web_id=w1 mobile=1 name=小王",
            "2 pos_id=p2 mobile=1 name=王芳",
        ],
        "mobile=1 pos_id=p1 web_id=w1 | pos_id=p2 ! pos_id=p2-mobile=1 Name",
    );
}

#[test]
fn a_new_name_on_an_account_does_not_split_its_owner() {
    check(
        &[
            "0 user_id=u1 mobile=1 name=王伟",
            "9 user_id=u1 mobile=1 name=王子轩",
            "9 user_id=u1 unionid=x name=Tom",
        ],
        "mobile=1 unionid=x user_id=u1",
    );
}

#[test]
fn a_recycled_mobile_starts_a_new_party() {
    check(
        &[
            "0 pos_id=p1 mobile=1 name=王伟",
            "10 pos_id=p1 mobile=1 name=王伟",
            "110 pos_id=p2 mobile=1 name=李芳",
        ],
        "mobile=1 pos_id=p1 | mobile=1#1 pos_id=p2",
    );
}

#[test]
fn a_mobile_does_not_change_hands_before_ninety_days_of_silence() {
    check(
        &["0 pos_id=p1 mobile=1 name=王伟", "89 pos_id=p2 mobile=1 name=李芳"],
        "mobile=1 pos_id=p1 | pos_id=p2 ! pos_id=p2-mobile=1 Name",
    );
    check(
        &["0 pos_id=p1 mobile=1 name=王伟", "90 pos_id=p2 mobile=1 name=李芳"],
        "mobile=1 pos_id=p1 | mobile=1#1 pos_id=p2",
    );
}

#[test]
fn a_mobile_does_not_change_hands_with_its_name_or_its_account() {
    check(
        &["0 pos_id=p1 mobile=1 name=王伟", "200 pos_id=p2 mobile=1 name=小王"],
        "mobile=1 pos_id=p1 pos_id=p2",
    );
    check(&["0 user_id=u1 mobile=1 name=王伟", "200 user_id=u1 mobile=1 name=李芳"], "mobile=1 user_id=u1");
    check(&["0 pos_id=p1 mobile=1 name=王伟", "200 pos_id=p1 mobile=1"], "mobile=1 pos_id=p1");
}

#[test]
fn the_mirror_of_a_recycled_mobile_changes_hands_with_it() {
    check(
        &[
            "0 user_id=u1 mobile=1 $identity_mobile=1 name=王伟",
            "200 user_id=u2 mobile=1 $identity_mobile=1 name=李芳",
        ],
        "$identity_mobile=1 mobile=1 user_id=u1 | $identity_mobile=1#1 mobile=1#1 user_id=u2",
    );
}

#[test]
fn what_both_holders_of_a_mobile_said_does_not_hide_the_silence_between_them() {
    let records = ["0 pos_id=p1 mobile=1 name=王伟", "200 pos_id=p2 mobile=1 name=李芳"];
    let mut world = World::new(&records, Filing::All);
    let born =
        Claim { field: Guard::BirthYear, value: "1990".into(), first: Instant(0), last: Instant(200 * DAY) };
    let mobile = world.numbers["mobile=1"];
    world.all.nodes[mobile].claims.push(born);
    assert_eq!(world.show(), "mobile=1 pos_id=p1 | mobile=1#1 pos_id=p2");
}

#[test]
fn facts_under_a_recycled_mobile_belong_to_who_held_it_then() {
    let records = ["0 pos_id=p1 mobile=1 name=王伟", "200 pos_id=p2 mobile=1 name=李芳"];
    let world = World::new(&records, Filing::All);
    let solved = solve(&world.all, &world.rules);
    let node = |word: &str| world.numbers[word];
    let holder = |day: i64| solved.cluster_at(node("mobile=1"), Instant(day * DAY));
    let party = |word: &str| solved.cluster_at(node(word), Instant(0));
    for (day, word) in
        [(-50, "pos_id=p1"), (0, "pos_id=p1"), (199, "pos_id=p1"), (200, "pos_id=p2"), (900, "pos_id=p2")]
    {
        assert_eq!(holder(day), party(word), "day {day}");
    }
}

#[test]
fn limits_count_within_their_window() {
    check(
        &[
            "0 user_id=u mobile=1",
            "100 user_id=u mobile=2",
            "200 user_id=u mobile=3",
            "364 user_id=u mobile=4",
        ],
        "mobile=1 mobile=2 mobile=3 user_id=u | mobile=4 ! user_id=u-mobile=4 Limit(mobile)",
    );
    check(
        &[
            "0 user_id=u mobile=1",
            "100 user_id=u mobile=2",
            "200 user_id=u mobile=3",
            "365 user_id=u mobile=4",
        ],
        "mobile=1 mobile=2 mobile=3 mobile=4 user_id=u",
    );
    let six: Vec<_> = (0..6).map(|i| format!("{i} user_id=u fax_id={i}")).collect();
    check(
        &six.iter().map(String::as_str).collect::<Vec<_>>(),
        "fax_id=0 fax_id=1 fax_id=2 fax_id=3 fax_id=4 user_id=u | fax_id=5 ! user_id=u-fax_id=5 Limit(fax_id)",
    );
}

#[test]
fn better_evidence_wins_over_older_evidence() {
    check(
        &["0 user_id=u1 email=a", "1 member_no=m email=a", "2 member_no=m user_id=u2"],
        "email=a member_no=m user_id=u2 | user_id=u1 ! user_id=u1-email=a Limit(user_id)",
    );
}

#[test]
fn what_contradicts_stays_apart() {
    for (a, b, is_one, reason) in [
        ("born=1990", "born=1992", true, ""),
        ("born=1990", "born=1993", false, "BirthYear"),
        ("operator=甲", "operator=甲", true, ""),
        ("operator=甲", "operator=乙", false, "Operator"),
        ("place=s1", "place=s1", true, ""),
        ("place=s1", "place=s2", false, "Presence"),
    ] {
        let (first, second) = (format!("0 pos_id=1 crm_id=1 {a}"), format!("0 call_id=2 email=x {b}"));
        let expected = if is_one {
            "call_id=2 crm_id=1 email=x pos_id=1".to_owned()
        } else {
            format!("call_id=2 email=x | crm_id=1 pos_id=1 ! pos_id=1-call_id=2 {reason}")
        };
        check(&[&first, &second, "1 pos_id=1 call_id=2"], &expected);
    }
}

#[test]
fn a_guard_the_rules_leave_out_stops_nothing() {
    let records = ["0 pos_id=p1 mobile=1 name=王伟 born=1990", "3 pos_id=p2 mobile=1 name=王芳 born=1960"];
    let mut world = World::new(&records, Filing::Best);
    world.rules = Rules::new(super::super::Document { guards: vec![], ..Default::default() }).unwrap();
    assert_eq!(world.show(), "mobile=1 pos_id=p1 pos_id=p2");
}

#[test]
fn a_hotline_seen_with_everybody_links_nobody() {
    let records: Vec<_> = (0..51).map(|i| format!("{i} pos_id={i} mobile=hot")).collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let solve_first = |n: usize| {
        let world = World::new(&records[..n], Filing::Best);
        solve(&world.all, &world.rules)
    };
    assert_eq!(
        solve_first(50).clusters.iter().map(|c| c.members.len()).max(),
        Some(6),
        "the limit of pos_id is 5"
    );
    let crowded = solve_first(51);
    assert_eq!(crowded.clusters.len(), 52);
    assert!(
        crowded.refused.iter().all(|r| r.reason == Reason::SuperConnected) && crowded.refused.len() == 51
    );
}

#[test]
fn unbinding_ends_what_was_seen_until_then() {
    let records = ["0 user_id=u1 mobile=1 email=a", "10 user_id=u2 mobile=1"];
    let mut world = World::new(&records, Filing::Best);
    let mobile = world.numbers["mobile=1"];
    world.all.nodes[mobile].unbound_until = Some(Instant(5 * DAY));
    assert_eq!(
        world.show(),
        "email=a user_id=u1 | mobile=1 user_id=u2 ! user_id=u1-mobile=1 Unbound ! mobile=1-email=a Unbound"
    );
    world.see("20 user_id=u1 mobile=1", Filing::Best);
    assert!(world.show().contains("user_id=u1-mobile=1 Limit(user_id)"), "a later refusal says more");
    world.all.nodes[mobile].unbound_until = Some(Instant(15 * DAY));
    assert!(world.show().starts_with("email=a mobile=1 user_id=u1 | user_id=u2 !"), "seen again after it");
}

#[test]
fn an_identifier_and_its_mirror_stay_one_when_both_are_unbound() {
    let mut world = World::new(&["0 user_id=u mobile=1 $identity_mobile=1 email=a"], Filing::Best);
    for word in ["mobile=1", "$identity_mobile=1"] {
        let node = world.numbers[word];
        world.all.nodes[node].unbound_until = Some(Instant(5 * DAY));
    }
    // Filed under the best identifier: nothing but `u` was seen with the mirror.
    world.see("0 mobile=1 $identity_mobile=1", Filing::Best);
    assert!(
        world.show().starts_with("$identity_mobile=1 mobile=1 | email=a user_id=u !"),
        "{}",
        world.show()
    );
}

#[test]
fn a_decision_joins_two_whole_parties_whatever_limits_and_guards_say_and_can_be_taken_back() {
    let records = ["0 user_id=u1 mobile=1 name=王伟 born=1990", "1 user_id=u2 mobile=2 name=李芳 born=1950"];
    let mut world = World::new(&records, Filing::Best);
    let before = world.show();
    assert_eq!(before, "mobile=1 user_id=u1 | mobile=2 user_id=u2");
    world.join(3, "mobile=1", "mobile=2");
    assert_eq!(world.show(), "mobile=1 mobile=2 user_id=u1 user_id=u2");
    world.see("9 user_id=u3 mobile=2", Filing::Best);
    assert!(world.show().contains("| user_id=u3 !"), "a join lets nobody else in: {}", world.show());
    world.see("9 user_id=u1 email=a", Filing::Best);
    assert!(world.show().starts_with("email=a mobile=1"), "what belongs to one of them still links");
    let mut world = World::new(&records, Filing::Best);
    world.join(3, "user_id=u1", "user_id=u2");
    world.all.decisions.clear();
    assert_eq!(world.show(), before);
}

#[test]
fn a_limit_that_a_decision_exceeded_once_does_not_close_the_party_for_ever() {
    let records =
        ["0 user_id=u mobile=1", "1 user_id=u mobile=2", "2 user_id=u mobile=3", "3 user_id=u mobile=4"];
    let mut world = World::new(&records, Filing::Best);
    for mobile in 1..=4 {
        world.join(9 + mobile, "user_id=u", &format!("mobile={mobile}"));
    }
    world.see("100 user_id=u mobile=5", Filing::Best);
    world.see("800 user_id=u mobile=6", Filing::Best);
    assert_eq!(
        world.show(),
        "mobile=1 mobile=2 mobile=3 mobile=4 mobile=6 user_id=u | mobile=5 ! user_id=u-mobile=5 Limit(mobile)"
    );
}

#[test]
fn a_decision_to_separate_cuts_at_the_weaker_evidence() {
    let mut world =
        World::new(&["0 crm_id=1 mobile=1", "1 web_id=w mobile=1", "2 web_id=w email=a"], Filing::Best);
    world.separate(5, &["crm_id=1"], &["web_id=w"]);
    assert_eq!(world.show(), "crm_id=1 mobile=1 | email=a web_id=w ! web_id=w-mobile=1 Separated");
}

#[test]
fn of_two_decisions_that_contradict_the_newer_stands() {
    let mut world = World::new(&["0 crm_id=1 mobile=1", "1 crm_id=2 mobile=2"], Filing::Best);
    world.separate(5, &["crm_id=1", "mobile=1"], &["crm_id=2"]);
    world.join(6, "crm_id=1", "crm_id=2");
    assert_eq!(world.show(), "crm_id=1 crm_id=2 mobile=1 mobile=2");
    world.separate(7, &["crm_id=1"], &["crm_id=2"]);
    assert_eq!(world.show(), "crm_id=1 mobile=1 | crm_id=2 mobile=2");
}

#[test]
fn a_join_through_a_third_does_not_get_round_a_newer_separation() {
    let mut world =
        World::new(&["0 crm_id=1 mobile=1", "1 crm_id=2 mobile=2", "1 crm_id=3 mobile=3"], Filing::Best);
    world.join(3, "crm_id=1", "crm_id=3");
    world.join(4, "crm_id=3", "crm_id=2");
    world.separate(7, &["crm_id=1"], &["crm_id=2"]);
    assert_eq!(world.show(), "crm_id=1 mobile=1 | crm_id=2 crm_id=3 mobile=2 mobile=3");
}

#[test]
fn the_anchor_is_the_oldest_then_the_better_then_the_lower_key() {
    let world =
        World::new(&["5 member_no=1 mobile=1", "3 mobile=1 email=a", "3 email=a web_id=w"], Filing::Best);
    let solved = solve(&world.all, &world.rules);
    assert_eq!(solved.clusters.len(), 1);
    assert_eq!(world.name(&solved.vertices[solved.clusters[0].anchor]), "web_id=w");
}

#[test]
fn the_path_between_two_identifiers_is_the_evidence_that_united_them() {
    let mut world =
        World::new(&["0 user_id=1 mobile=1", "1 mobile=1 email=a", "2 crm_id=9 poi_id=1"], Filing::Best);
    world.join(5, "email=a", "crm_id=9");
    let solved = solve(&world.all, &world.rules);
    let at = |word: &str| solved.vertex_at(world.numbers[word], Instant(0));
    let path = solved.path(at("user_id=1"), at("poi_id=1")).unwrap();
    assert_eq!(path, [Step::Edge(0), Step::Edge(1), Step::Decision(0), Step::Edge(2)]);
    assert_eq!(solved.path(at("email=a"), at("email=a")), Some(vec![]));
    world.all.decisions.clear();
    assert_eq!(solve(&world.all, &world.rules).path(0, 4), None);
}

#[test]
fn nothing_is_the_neighbourhood_of_nobody() {
    let solved = solve(&Neighbourhood::default(), &Rules::default());
    assert!(solved.clusters.is_empty() && solved.refused.is_empty());
}

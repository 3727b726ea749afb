//! Devices and cookies by the day: who touched them, and whose the facts between are.

use super::*;
use crate::rules::cluster::{self, Edge, Neighbourhood};

const NOBODY: Option<NodeNo> = None;

/// A touch on a day by a person, whose number also serves as party.
fn touch(day: i64, person: u64) -> Touch {
    Touch {
        at: Instant(day * DAY),
        rank: 3,
        key: Key([person as u8; 16]),
        node: NodeNo(person),
        party: person,
    }
}

fn held(kind: &str, touches: &[Touch]) -> Vec<Holding> {
    let rules = Rules::default();
    holdings(touches, &rules.kind(kind), &rules)
}

/// Who holds a device on each of these days, given `(day, person)` touches.
fn check(touches: &[(i64, u64)], expected: &[(i64, Option<u64>)]) {
    let touches: Vec<_> = touches.iter().map(|(day, person)| touch(*day, *person)).collect();
    let list = held("device_id", &touches);
    assert!(list.is_sorted_by(|a, b| a.from < b.from && a.holder != b.holder), "{list:?}");
    assert_eq!(list[0].from, Instant(i64::MIN));
    for (day, person) in expected {
        assert_eq!(holder_at(&list, Instant(day * DAY)), person.map(NodeNo), "day {day} of {list:?}");
    }
}

#[test]
fn a_login_claims_the_ninety_days_before_it_and_no_more() {
    check(&[(100, 1)], &[(9, None), (10, Some(1)), (99, Some(1)), (100, Some(1)), (5_000, Some(1))]);
    let list = held("device_id", &[touch(100, 1)]);
    assert_eq!(holder_at(&list, Instant(10 * DAY - 1)), NOBODY);
}

#[test]
fn anonymous_facts_between_two_people_go_to_the_one_who_is_known_next() {
    check(&[(0, 1), (10, 2)], &[(0, Some(1)), (1, Some(2)), (10, Some(2)), (11, Some(2))]);
    let list = held("device_id", &[touch(0, 1), touch(10, 2)]);
    assert_eq!(holder_at(&list, Instant(0)), Some(NodeNo(1)));
    assert_eq!(holder_at(&list, Instant(1)), Some(NodeNo(2)));
}

#[test]
fn a_fact_too_old_for_the_next_login_stays_with_the_last_person() {
    check(&[(0, 1), (200, 2)], &[(0, Some(1)), (109, Some(1)), (110, Some(2)), (200, Some(2))]);
}

#[test]
fn neighbouring_holdings_of_one_person_are_one() {
    assert_eq!(
        held("cookie", &[touch(3, 1), touch(0, 1), touch(300, 1)]),
        [
            Holding { from: Instant(i64::MIN), holder: None },
            Holding { from: Instant(-90 * DAY), holder: Some(NodeNo(1)) },
        ]
    );
}

#[test]
fn a_kiosk_used_by_sixty_people_links_nobody() {
    let touches: Vec<_> = (0..60).map(|i| touch(i / 2, i as u64)).collect();
    assert_eq!(held("device_id", &touches), [Holding { from: Instant(i64::MIN), holder: None }]);
}

#[test]
fn only_people_within_one_window_make_a_device_shared() {
    let rules = Rules::default();
    let device = rules.kind("device_id");
    let every = |days: i64, people: u64| (0..people).map(|i| touch(i as i64 * days, i)).collect::<Vec<_>>();
    assert!(!is_shared(&every(1, 5), &device), "five are allowed");
    assert!(is_shared(&every(5, 6), &device), "six within 25 days are not");
    assert!(!is_shared(&every(6, 60), &device), "sixty over a year, five in any 30 days, are");
}

#[test]
fn a_person_seen_often_counts_once() {
    let rules = Rules::default();
    let touches: Vec<_> = (0..100).map(|i| touch(i / 10, (i % 3) as u64)).collect();
    assert!(!is_shared(&touches, &rules.kind("device_id")));
}

#[test]
fn two_identifiers_of_one_party_are_one_person() {
    let rules = Rules::default();
    let touches: Vec<_> = (0..20).map(|i| Touch { party: 7, ..touch(i, i as u64) }).collect();
    assert!(!is_shared(&touches, &rules.kind("device_id")));
}

#[test]
fn an_address_never_links() {
    assert_eq!(held("address", &[touch(1, 1)]), [Holding { from: Instant(i64::MIN), holder: None }]);
}

#[test]
fn of_several_identifiers_on_one_record_the_best_holds() {
    let (weak, strong) = (Touch { rank: 12, ..touch(5, 1) }, Touch { rank: 0, ..touch(5, 2) });
    for touches in [[weak, strong], [strong, weak]] {
        let list = held("cookie", &touches);
        assert_eq!(list.len(), 2);
        assert_eq!(holder_at(&list, Instant(i64::MAX)), Some(NodeNo(2)));
    }
}

#[test]
fn the_beginning_of_time_needs_no_second_holding() {
    let early = Touch { at: Instant(i64::MIN), ..touch(0, 1) };
    assert_eq!(held("cookie", &[early]), [Holding { from: Instant(i64::MIN), holder: Some(NodeNo(1)) }]);
    assert_eq!(held("cookie", &[]), [Holding { from: Instant(i64::MIN), holder: None }]);
}

fn soft(number: u64, kind: &str, day: i64) -> Node {
    Node {
        no: NodeNo(number),
        key: Key([number as u8; 16]),
        kind: kind.into(),
        first_seen: Instant(day * DAY),
        unbound_until: None,
        claims: Vec::new(),
    }
}

fn seen(a: usize, b: usize, day: i64) -> Edge {
    Edge { a, b, first: Instant(day * DAY), last: Instant(day * DAY), evidence: Key([day as u8; 16]) }
}

fn soft_groups(nodes: &[Node], edges: &[Edge], rules: &Rules) -> Clusters {
    let neighbourhood =
        Neighbourhood { nodes: nodes.to_vec(), edges: edges.to_vec(), ..Neighbourhood::default() };
    cluster::solve(&neighbourhood, rules)
}

#[test]
fn soft_identifiers_seen_together_are_one_group_named_after_the_oldest() {
    let nodes = [soft(0, "device_id", 2), soft(1, "cookie", 1), soft(2, "cookie", 5), soft(3, "cookie", 0)];
    let groups = soft_groups(&nodes, &[seen(0, 1, 2), seen(0, 2, 5)], &Rules::default());
    let names: Vec<Vec<usize>> = groups
        .clusters
        .iter()
        .map(|c| c.members.iter().map(|v| groups.vertices[*v].node).collect())
        .collect();
    assert_eq!(names, [vec![3], vec![1, 0, 2]]);
}

#[test]
fn a_group_keeps_the_limits_of_its_kinds() {
    let mut nodes = vec![soft(0, "cookie", 0)];
    nodes.extend((1..=6).map(|i| soft(i, "device_id", i as i64)));
    nodes.push(soft(7, "address", 0));
    let edges: Vec<_> = (1..=7).map(|i| seen(0, i, i as i64)).collect();
    let groups = soft_groups(&nodes, &edges, &Rules::default());
    let sizes: Vec<_> = groups.clusters.iter().map(|c| c.members.len()).collect();
    assert_eq!(sizes, [6, 1, 1], "five devices; the sixth and the address stay out");
}

#[test]
fn a_node_without_own_touches_uses_those_of_its_group_but_not_of_a_kiosk_in_it() {
    let rules = Rules::default();
    let nodes =
        [soft(0, "cookie", 0), soft(1, "device_id", 0), soft(2, "device_id", 0), soft(3, "cookie", 0)];
    let groups = soft_groups(&nodes, &[seen(0, 1, 0), seen(0, 2, 0)], &rules);
    let kiosk: Vec<_> = (10..20).map(|person| touch(1, person)).collect();
    let touches = [vec![], vec![touch(3, 1)], kiosk.clone(), vec![]];
    let shared = [false; 4];
    let group = Group { nodes: &nodes, groups: &groups, touches: &touches, shared: &shared };
    assert_eq!(group.touches_of(0, &rules), [touch(3, 1)]);
    assert_eq!(group.touches_of(2, &rules), kiosk, "its own touches are its own");
    assert_eq!(group.touches_of(3, &rules), []);
    let known = Group { touches: &[vec![], vec![touch(3, 1)], vec![], vec![]], ..group };
    assert_eq!(known.touches_of(2, &rules), [touch(3, 1)]);
    let known = Group { shared: &[false, false, true, false], ..known };
    assert_eq!(known.touches_of(2, &rules), [], "a kiosk whose touches are not read has no user either");
}

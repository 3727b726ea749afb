//! What holds for every neighbourhood, however it is thrown together.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::{DAY, MINUTE};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::reference::{Answer, Reference};
use super::*;
use crate::rules::definition::{Document, Kind, Normaliser, Strength};

/// Tight rules, so that small neighbourhoods run into everything.
fn rules() -> Rules {
    let kind = |name: &str, normaliser, limit, window_days| Kind {
        name: name.into(),
        strength: Strength::Hard,
        limit,
        window_days,
        normaliser,
        can_change_hands: normaliser == Normaliser::Mobile,
    };
    let landline = Document::default().kinds.into_iter().find(|k| k.name == "landline").unwrap();
    let kinds = vec![
        kind("user_id", Normaliser::Plain, Some(1), None),
        kind("app_id", Normaliser::Plain, Some(2), None),
        kind("openid", Normaliser::Plain, None, None),
        kind("mobile", Normaliser::Mobile, Some(2), Some(30)),
        kind("email", Normaliser::Email, Some(2), Some(60)),
        landline,
    ];
    let document = Document {
        kinds,
        mirrors: vec![],
        unknown_limit: 2,
        recycle_days: 20,
        neighbours_max: 3,
        ..Document::default()
    };
    Rules::new(document).unwrap()
}

fn day() -> impl Strategy<Value = Instant> {
    (0..100i64).prop_map(|day| Instant(day * DAY))
}

fn claim() -> impl Strategy<Value = Claim> {
    let value = prop_oneof![
        5 => select(vec!["王伟", "王芳", "小王", "wang wei", "李明", ""]).prop_map(|v| (Guard::Name, v)),
        1 => select(vec!["1990", "1991", "1994"]).prop_map(|v| (Guard::BirthYear, v)),
        1 => select(vec!["甲", "乙"]).prop_map(|v| (Guard::Operator, v)),
        1 => select(vec!["s1", "s2"]).prop_map(|v| (Guard::Presence, v)),
    ];
    (value, day(), prop_oneof![0..3i64, 0..60i64]).prop_map(|((field, value), first, days)| Claim {
        field,
        value: value.to_owned(),
        // Few minutes, so that presences meet.
        first: if field == Guard::Presence { Instant(first.0 % (3 * DAY) / DAY * MINUTE) } else { first },
        last: first.plus(days * DAY),
    })
}

fn node() -> impl Strategy<Value = Node> {
    let kinds =
        vec!["user_id", "user_id", "app_id", "openid", "mobile", "mobile", "email", "zeta_id", "alpha_id"];
    let claims = proptest::collection::vec(claim(), 0..3);
    (select(kinds), day(), proptest::option::weighted(0.1, day()), claims).prop_map(
        |(kind, first_seen, unbound_until, claims)| Node {
            no: NodeNo(0),
            key: Key([0; 16]),
            kind: kind.into(),
            first_seen,
            unbound_until,
            claims,
        },
    )
}

fn verdict(count: usize) -> impl Strategy<Value = Verdict> {
    // One past the end: decisions may name nodes that are elsewhere.
    let no = move || (0..=count as u64).prop_map(NodeNo);
    let side = move || proptest::collection::vec(no(), 0..3);
    prop_oneof![
        (no(), no()).prop_map(|(a, b)| Verdict::Join { a, b }),
        (side(), side()).prop_map(|(left, right)| Verdict::Separate { left, right }),
    ]
}

fn neighbourhood(decisions: usize) -> impl Strategy<Value = Neighbourhood> {
    proptest::collection::vec(node(), 1..12).prop_flat_map(move |mut nodes| {
        for (i, node) in nodes.iter_mut().enumerate() {
            node.no = NodeNo(i as u64);
            node.key = Key::of(&[1; 32], &[&[i as u8]]);
        }
        let count = nodes.len();
        let edge = (0..count, 0..count, day(), 0..5i64, 0..4u8).prop_map(|(a, b, first, days, evidence)| {
            Edge { a, b, first, last: first.plus(days * DAY), evidence: Key([evidence; 16]) }
        });
        // The id comes from the key of the map below, so that no two decisions share one.
        let decision = (verdict(count), day()).prop_map(|(kind, at)| Decision { id: Key([0; 16]), at, kind });
        let edges = proptest::collection::vec(edge, 0..30);
        let decisions = proptest::collection::btree_map(0..200u8, decision, 0..=decisions);
        (Just(nodes), edges, decisions).prop_map(|(nodes, edges, decisions)| Neighbourhood {
            nodes,
            edges,
            decisions: decisions.into_iter().map(|(id, d)| Decision { id: Key([id; 16]), ..d }).collect(),
            closed: Vec::new(),
        })
    })
}

/// Clusters and refusals by content.
fn answer(all: &Neighbourhood, solved: &Clusters) -> Answer {
    let id = |v: &usize| (all.nodes[solved.vertices[*v].node].key, usize::from(solved.vertices[*v].era));
    let sets = solved.clusters.iter().map(|c| c.members.iter().map(id).collect()).collect();
    let refused = solved.refused.iter().map(|r| ((id(&r.a), id(&r.b)), r.reason.clone())).collect();
    (sets, refused)
}

/// Everything an answer says, by content: nothing of it may depend on positions in the input.
fn everything(all: &Neighbourhood, solved: &Clusters) -> String {
    let vertices: Vec<_> =
        solved.vertices.iter().map(|v| (all.nodes[v.node].key, v.era, v.from, v.first_seen)).collect();
    let step = |by: &Step| match by {
        Step::Edge(i) => {
            let edge = &all.edges[*i];
            let mut ends = [all.nodes[edge.a].key, all.nodes[edge.b].key];
            ends.sort();
            format!("{ends:?} {:?} {:?} {:?}", edge.first, edge.last, edge.evidence)
        }
        Step::Decision(i) => format!("{:?}", all.decisions[*i].id),
    };
    let links: Vec<_> = solved.links.iter().map(|l| (l.a, l.b, step(&l.by))).collect();
    format!("{vertices:?} {:?} {:?} {:?} {links:?}", solved.cluster_of, solved.clusters, solved.refused)
}

fn shuffled(all: &Neighbourhood, picks: &[Index]) -> Neighbourhood {
    let mut turn = picks.iter().cycle();
    let mut order = |length: usize| {
        let mut order: Vec<usize> = (0..length).collect();
        for i in (1..length).rev() {
            order.swap(i, turn.next().unwrap().index(i + 1));
        }
        order
    };
    let nodes = order(all.nodes.len());
    let new_place: BTreeMap<usize, usize> = nodes.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let flip = |edge: &Edge, is_flipped: bool| {
        let (a, b) = (new_place[&edge.a], new_place[&edge.b]);
        let (a, b) = if is_flipped { (b, a) } else { (a, b) };
        Edge { a, b, ..edge.clone() }
    };
    let node = |i: &usize| {
        let mut node = all.nodes[*i].clone();
        node.claims.reverse();
        // Store numbers depend on arrival; a reversal keeps the references of decisions intact.
        node.no = renumbered(node.no);
        node
    };
    let decision = |i: &usize| {
        let mut decision = all.decisions[*i].clone();
        decision.kind = match decision.kind {
            Verdict::Join { a, b } => Verdict::Join { a: renumbered(b), b: renumbered(a) },
            Verdict::Separate { left, right } => Verdict::Separate {
                left: right.into_iter().rev().map(renumbered).collect(),
                right: left.into_iter().rev().map(renumbered).collect(),
            },
        };
        decision
    };
    let edges = order(all.edges.len()).iter().map(|i| flip(&all.edges[*i], i % 2 == 0)).collect();
    let decisions = order(all.decisions.len()).iter().map(decision).collect();
    Neighbourhood { nodes: nodes.iter().map(node).collect(), edges, decisions, closed: Vec::new() }
}

fn renumbered(no: NodeNo) -> NodeNo {
    NodeNo(1_000 - no.0)
}

fn largest_crowd(
    all: &Neighbourhood,
    solved: &Clusters,
    cluster: &Cluster,
    kind: &str,
    window: Option<i64>,
) -> usize {
    let mut seen: BTreeMap<usize, i64> = BTreeMap::new();
    for vertex in cluster.members.iter().map(|v| &solved.vertices[*v]) {
        if &*all.nodes[vertex.node].kind == kind {
            let kept = seen.entry(vertex.node).or_insert(vertex.first_seen.0);
            *kept = (*kept).min(vertex.first_seen.0);
        }
    }
    let inside =
        |from: &i64| seen.values().filter(|t| *t >= from && window.is_none_or(|w| **t - from < w)).count();
    seen.values().map(inside).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_answer_is_that_of_the_reference(all in neighbourhood(4)) {
        let rules = rules();
        let solved = solve(&all, &rules);
        prop_assert_eq!(answer(&all, &solved), Reference { all: &all, rules: &rules }.solve());
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(
        all in neighbourhood(4),
        picks in proptest::collection::vec(any::<Index>(), 64),
    ) {
        let rules = rules();
        let other = shuffled(&all, &picks);
        prop_assert_eq!(everything(&all, &solve(&all, &rules)), everything(&other, &solve(&other, &rules)));
    }

    #[test]
    fn seeing_the_same_row_again_changes_nothing(
        all in neighbourhood(4),
        picks in proptest::collection::vec(any::<Index>(), 0..10),
    ) {
        let rules = rules();
        let mut more = all.clone();
        if !all.edges.is_empty() {
            more.edges.extend(picks.iter().map(|pick| pick.get(&all.edges).clone()));
        }
        prop_assert_eq!(everything(&all, &solve(&all, &rules)), everything(&more, &solve(&more, &rules)));
    }

    #[test]
    fn limits_are_kept_where_nobody_decided_otherwise(all in neighbourhood(0)) {
        let rules = rules();
        let solved = solve(&all, &rules);
        let kinds: BTreeSet<_> = all.nodes.iter().map(|n| n.kind.clone()).collect();
        for cluster in &solved.clusters {
            for kind in &kinds {
                let Some(limit) = rules.kind(kind).limit else { continue };
                let most = largest_crowd(&all, &solved, cluster, kind, limit.window_micros);
                prop_assert!(most <= limit.max as usize, "{kind}: {most}");
            }
        }
    }

    #[test]
    fn a_decision_taken_back_leaves_no_trace(
        all in neighbourhood(3),
        a in any::<Index>(),
        b in any::<Index>(),
        place in any::<Index>(),
    ) {
        let rules = rules();
        let before = everything(&all, &solve(&all, &rules));
        let no = |pick: Index| pick.get(&all.nodes).no;
        let join = Decision { id: Key([255; 16]), at: Instant(200 * DAY), kind: Verdict::Join { a: no(a), b: no(b) } };
        let mut joined = all.clone();
        joined.decisions.insert(place.index(all.decisions.len() + 1), join.clone());
        let solved = solve(&joined, &rules);
        let party = |pick: Index| solved.cluster_at(pick.index(all.nodes.len()), join.at);
        prop_assert_eq!(party(a), party(b), "the newest decision stands");
        joined.decisions.retain(|d| d.id != join.id);
        prop_assert_eq!(before, everything(&joined, &solve(&joined, &rules)));
    }

    #[test]
    fn a_join_unites_two_whole_parties_and_moves_nobody_else(
        all in neighbourhood(0),
        a in any::<Index>(),
        b in any::<Index>(),
    ) {
        let rules = rules();
        let at = Instant(200 * DAY);
        let (a, b) = (a.index(all.nodes.len()), b.index(all.nodes.len()));
        let before = solve(&all, &rules);
        let mut expected = answer(&all, &before).0;
        let party = |node| {
            let id = |v: &usize| (all.nodes[before.vertices[*v].node].key, usize::from(before.vertices[*v].era));
            let cluster = &before.clusters[before.cluster_at(node, at)];
            cluster.members.iter().map(id).collect::<BTreeSet<_>>()
        };
        let (mut one, other) = (party(a), party(b));
        expected.retain(|set| *set != one && *set != other);
        one.extend(other);
        expected.insert(one);
        let mut joined = all.clone();
        let kind = Verdict::Join { a: all.nodes[a].no, b: all.nodes[b].no };
        joined.decisions.push(Decision { id: Key([255; 16]), at, kind });
        prop_assert_eq!(answer(&joined, &solve(&joined, &rules)).0, expected);
    }

    #[test]
    fn the_newest_separation_is_kept(all in neighbourhood(3), a in any::<Index>(), b in any::<Index>()) {
        let rules = rules();
        let (a, b) = (a.index(all.nodes.len()), b.index(all.nodes.len()));
        if a == b {
            return Ok(());
        }
        let at = Instant(200 * DAY);
        let kind = Verdict::Separate { left: vec![all.nodes[a].no], right: vec![all.nodes[b].no] };
        let mut apart = all.clone();
        apart.decisions.push(Decision { id: Key([255; 16]), at, kind });
        let solved = solve(&apart, &rules);
        prop_assert_ne!(solved.cluster_at(a, at), solved.cluster_at(b, at));
    }

    #[test]
    fn the_members_of_a_cluster_are_joined_by_one_path_each(all in neighbourhood(3)) {
        let solved = solve(&all, &rules());
        let steps: usize = solved.clusters.iter().map(|c| c.members.len() - 1).sum();
        prop_assert_eq!(solved.links.len(), steps);
        for cluster in &solved.clusters {
            prop_assert_eq!(cluster.members.iter().min(), Some(&cluster.anchor));
            for member in &cluster.members {
                let path = solved.path(cluster.anchor, *member).unwrap();
                prop_assert_eq!(path.is_empty(), *member == cluster.anchor);
                let distinct: BTreeSet<_> = path.iter().collect();
                prop_assert_eq!(distinct.len(), path.len());
            }
        }
    }
}

//! Questions over the API: what workers, the lake alone and people's timelines in the store say is the same,
//! whoever moved to whom since the lake was told; and every number names its people.

use std::collections::BTreeSet;
use std::time::Duration;

use headwater_tests::{TestServer, TestWorkspace};
use identity::reading::Reader;
use identity::store::node::{node_anchors, party_page};
use insight::live::Lakes;
use kernel::{Instant, Key, PartyId, PartyNo};
use question::memory::{Memory, Told};
use question::people::TraitBuilder;
use question::{Block, Order, Partial, People, Plan, Question, Slice};
use serde_json::{Value, json};

use crate::properties::dice::Dice;

const USERS: usize = 8;
const COOKIES: usize = 12;
/// Between two minutes: the API shows milliseconds, and events of one request lie within one.
const AS_OF: &str = "2026-06-28T12:00:30.000Z";

struct World {
    server: TestServer,
    workspace: TestWorkspace,
    sent: usize,
}

/// One question of each kind and more, over what is sent.
fn questions() -> Vec<Value> {
    let rule = json!({"event": "View", "op": "gte", "value": 2});
    let dear = json!({"event": ["Order", "Add"], "where": [{"property": "amount", "op": "gte", "value": 4}]});
    vec![
        json!({"members": rule}),
        json!({"funnel": {"steps": ["View", dear], "within": "5d", "by": "kind"}}),
        json!({"funnel": {"steps": ["View", "Add", "Order"], "within": "9d", "order": "any", "by": {"trait": "tier"}}}),
        json!({"retention": {"first": "View", "again": dear, "by": {"trait": "tier"}, "window": {"last": "25d"}}}),
        json!({"absence": {"event": "View", "without": dear, "within": "3d", "window": {"last": "25d"}}}),
        json!({"rfm": {"order": "Order", "amount": "amount"}}),
        json!({"top": {"event": dear, "item": "kind", "value": "amount", "window": {"last": "25d"}}}),
        json!({"trend": {"event": dear, "sum": "amount", "by": "kind", "every": "week", "window": {"last": "25d"}}}),
        json!({"overlap": {"of": [rule, {"event": "Order", "op": "eq", "value": 0}]}}),
        json!({"profile": {"of": rule, "traits": ["tier"]}}),
        json!({"breakdown": {"of": rule, "by": [{"trait": "tier"}, {"measure": {"event": "View"}, "tiles": 2}]}}),
        json!({"breakdown": {"event": ["View", "Add", "Order"], "by": ["kind", {"trait": "tier"}], "sum": "amount", "limit": 2}}),
        json!({"sessions": {"views": "View", "clicks": "Add", "orders": "Order", "gap": "20h", "page": "kind", "every": "day",
            "window": {"last": "25d"}}}),
        json!({"data_funnel": {"steps": [{"name": "a", "of": rule}, {"name": "b", "of": {"event": "Order", "op": "gte", "value": 1}}],
            "by": {"trait": "tier"}}}),
        json!({"closure": {"order": ["Order", "Add"], "store": "kind", "closed": "x", "like": ["y"], "at": "2026-06-15T00:00:30Z",
            "before": "14d", "after": "14d", "store_days": 1, "online_days": 0}}),
        json!({"paths": {"anchor": "View", "events": ["Add", "Order"], "within": "9d", "limit": 1}}),
        json!({"paths": {"anchor": "Order", "side": "before", "name": "kind", "events": ["View", "Add"], "within": "9d"}}),
    ]
}

impl World {
    fn new(workers: usize) -> Self {
        let server = match workers {
            0 => TestServer::with_lake_on("2026-07-02"),
            workers => TestServer::with_workers_on("2026-07-02", workers),
        };
        let workspace = server.workspace("w");
        Self { server, workspace, sent: 0 }
    }

    fn event(&mut self, dice: &mut Dice) -> Value {
        self.sent += 1;
        let user = format!("u-{}", dice.roll(USERS));
        if dice.roll(10) == 0 {
            let tier = ["gold", "basic"][dice.roll(2)];
            return super::identify(&user, 1 + dice.roll(28) as u32, json!({"tier": tier, "n": self.sent}));
        }
        let mut event = json!({ "type": "track", "messageId": format!("m-{}", self.sent),
            "event": (["View", "View", "Add", "Order"][dice.roll(4)]),
            "timestamp": format!("2026-06-{:02}T{:02}:{:02}:00.000Z", 1 + dice.roll(30), dice.roll(24), dice.roll(60)),
            "properties": { "amount": dice.roll(20) as f64 / 2.0, "kind": (["x", "y", "z"][dice.roll(3)]) } });
        let who = dice.roll(10);
        if who < 7 {
            event["anonymousId"] = json!(format!("c-{}", dice.roll(COOKIES)));
        }
        if who > 4 {
            event["userId"] = json!(user);
        }
        event
    }

    fn send(&mut self, dice: &mut Dice, count: usize) {
        let events: Vec<Value> = (0..count).map(|_| self.event(dice)).collect();
        self.server.collect(&self.workspace, &events);
    }

    /// Waits until the workspace has a lake.
    fn await_lake(&self) {
        let scope = self.server.scope(&self.workspace);
        let open = async {
            while self.server.runtime().pin(&scope).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(60);
        assert!(self.server.tokio().block_on(async { tokio::time::timeout(limit, open).await }).is_ok());
    }

    /// What the API answers.
    fn ask(&self, ask: &Value) -> Value {
        let body = json!({"ask": ask, "as_of": AS_OF});
        let mut answer = self.server.post(&self.workspace.token, "/api/v1/questions", &body).ok();
        answer.as_object_mut().unwrap().remove("elapsed_ms");
        answer
    }

    /// Ids of all people behind a number.
    fn people(&self, ask: &Value, at: &str) -> BTreeSet<String> {
        let mut body = json!({"question": {"ask": ask, "as_of": AS_OF}, "at": at, "limit": 3});
        let mut found = BTreeSet::new();
        loop {
            let page = self.server.post(&self.workspace.token, "/api/v1/questions/people", &body).ok();
            found.extend(page["items"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => body["cursor"] = json!(next),
                None => {
                    assert_eq!(page["count"].as_u64(), Some(found.len() as u64), "{at} of {ask}");
                    return found;
                }
            }
        }
    }

    /// Everybody as the store has them: number, id, timeline with the oldest first, traits.
    fn everybody(&self) -> Vec<(PartyNo, PartyId, Vec<Value>, Value)> {
        let reader = Reader::new(self.server.installation().clone());
        let scope = self.server.scope(&self.workspace);
        let nodes = reader.read_now(&scope, |identity, tx| {
            let all = party_page(identity.scope, tx, PartyNo(0), 1_000)?;
            Ok(node_anchors(identity.scope, tx, &all)?)
        });
        let token = &self.workspace.token;
        let person = |node: identity::store::node::Node| {
            let id = PartyId(node.key);
            let mut events =
                headwater_tests::pages(&self.server, token, &format!("/api/v1/parties/{id}/timeline"));
            events.reverse();
            let party = self.server.get(token, &format!("/api/v1/parties/{id}")).ok();
            (node.party, id, events, party["traits"].clone())
        };
        let mut all: Vec<_> = nodes.unwrap().into_iter().map(person).collect();
        all.sort_by_key(|person| person.0);
        all
    }

    /// What a question answers over the store's timelines, one person after the other.
    fn told(ask: &Value, everybody: &[(PartyNo, PartyId, Vec<Value>, Value)]) -> Value {
        let ask = serde_json::from_value(ask.clone()).unwrap();
        let plan = Plan::new(Question::new(Instant::parse(AS_OF).unwrap(), "Asia/Shanghai", ask)).unwrap();
        let mut tier = TraitBuilder::default();
        everybody.iter().for_each(|(no, _, _, traits)| tier.set(*no, &traits["tier"]));
        let people = People { traits: [("tier".into(), tier.build().into())].into(), ..People::default() };
        let columns: Vec<usize> = plan.needs().events.iter().map(|need| need.columns.len()).collect();
        let mut found = Partial::default();
        for (no, _, events, _) in everybody {
            let mut memory = Memory::new(plan.needs());
            for (place, event) in events.iter().enumerate() {
                let mut key = [0; 16];
                key[..8].copy_from_slice(&(place as u64).to_be_bytes());
                memory.tell(&Told {
                    event: event["event"].as_str().unwrap_or_default(),
                    time: Instant::parse(event["time"].as_str().unwrap()).unwrap(),
                    key: Key(key),
                    channel: event["context"]["channel"].as_str(),
                    source: "1",
                    properties: &event["properties"],
                    context: &event["context"],
                });
            }
            memory.sort();
            let mut operator = plan.operator(Slice::WHOLE, &people);
            match plan.needs().order {
                Order::Parties => operator.party(*no, &memory),
                Order::Blocks => operator.block(&Block::of(*no, &memory, &columns, &mut Vec::new())),
            }
            found.merge(operator.finish());
        }
        // As it comes over the wire: a number read from text may differ in its last bit.
        serde_json::from_str(&serde_json::to_string(&plan.finish(found, &people)).unwrap()).unwrap()
    }
}

#[test]
fn every_kind_of_question_answers_what_the_timelines_of_the_store_say_after_logins() {
    for seed in 0..2 {
        let mut dice = Dice::new(500 + seed);
        let mut world = World::new(0);
        world.send(&mut dice, 5);
        world.await_lake();
        for step in 0..3 {
            world.send(&mut dice, 40);
            let everybody = world.everybody();
            for ask in questions() {
                assert_eq!(world.ask(&ask), World::told(&ask, &everybody), "seed {seed}, step {step}, {ask}");
            }
        }
    }
}

#[test]
fn workers_answer_the_api_as_the_lake_alone_does_also_once_they_are_gone() {
    let mut dice = Dice::new(900);
    let mut world = World::new(2);
    world.send(&mut dice, 5);
    world.await_lake();
    world.send(&mut dice, 120);
    let everybody = world.everybody();
    let tally = || world.server.runtime().cluster().unwrap().tally();
    let asked = questions().len() as u64;
    for ask in questions() {
        assert_eq!(world.ask(&ask), World::told(&ask, &everybody), "{ask}");
    }
    assert_eq!((tally().spread, tally().here), (asked, 0));
    let rule = json!({"rule": {"event": "View", "op": "gte", "value": 2}, "as_of": AS_OF});
    let preview = || {
        world.server.post(&world.workspace.token, "/api/v1/audiences/preview", &rule).ok()["count"].clone()
    };
    let known = preview();
    assert_eq!(known, world.ask(&questions()[0])["members"]);
    assert_eq!((tally().spread, tally().here), (asked + 2, 0));
    world.server.stop_workers();
    for ask in questions() {
        assert_eq!(world.ask(&ask), World::told(&ask, &everybody), "{ask}");
    }
    assert_eq!(preview(), known);
    assert_eq!(tally().here, asked + 1);
}

#[test]
fn numbers_of_an_answer_name_their_people_page_by_page() {
    let mut dice = Dice::new(700);
    let mut world = World::new(0);
    world.send(&mut dice, 5);
    world.await_lake();
    world.send(&mut dice, 90);
    let everybody = world.everybody();
    let until = Instant::parse(AS_OF).unwrap();
    let has = |events: &[Value], name: &str, least: usize| {
        let is_it = |event: &&Value| {
            event["event"] == name && Instant::parse(event["time"].as_str().unwrap()).unwrap() <= until
        };
        events.iter().filter(is_it).count() >= least
    };
    let who = |is: &dyn Fn(&[Value]) -> bool| -> BTreeSet<String> {
        everybody.iter().filter(|person| is(&person.2)).map(|person| person.1.to_string()).collect()
    };
    let rule = json!({"event": "View", "op": "gte", "value": 2});
    let viewers = who(&|events| has(events, "View", 2));
    for (ask, at) in [
        (json!({"members": rule}), "/members"),
        (json!({"overlap": {"of": [rule, rule]}}), "/overlap/sizes/1"),
        (json!({"profile": {"of": rule, "traits": []}}), "/profile/group"),
        (json!({"breakdown": {"of": rule, "by": [{"trait": "tier"}]}}), "/breakdown/people"),
    ] {
        assert_eq!(world.people(&ask, at), viewers, "{ask}");
    }
    let buyers = who(&|events| has(events, "Order", 1));
    let (sessions, rfm) = (
        json!({"sessions": {"orders": "Nothing", "others": "Order"}}),
        json!({"rfm": {"order": "Order", "amount": "amount"}}),
    );
    assert_eq!(world.people(&sessions, "/sessions/all/people"), buyers);
    assert_eq!(world.people(&rfm, "/rfm/buyers"), buyers);
    let body = json!({"question": {"ask": rfm}, "at": "/rfm/buyer"});
    let answer = world.server.post(&world.workspace.token, "/api/v1/questions/people", &body);
    assert_eq!(answer.status, 422);
}

#[test]
fn a_bad_question_is_answered_with_what_is_wrong_with_it() {
    let (server, workspace) = TestServer::with_workspace();
    for (ask, status, part) in [
        (json!({"funnel": {"steps": ["a"], "within": "1h"}}), 422, "two to eight steps"),
        (
            json!({"funnel": {"steps": ["a", {"event": "b", "where": [{"property": "x"}]}], "within": "1h"}}),
            422,
            "/where/0",
        ),
        (json!({"funnel": {"steps": ["a", "b"], "within": "soon"}}), 422, "not a duration"),
        (json!({"paths": {"anchor": "a", "limit": 1000}}), 413, "names of a step"),
        (json!({"breakdown": {"by": [{"trait": "x", "tiles": 99}]}}), 422, "2 to 20"),
        (
            json!({"overlap": {"of": [{"tag": "x", "op": "exists"}, {"always": true}]}}),
            422,
            "tags, scores or stages",
        ),
        (json!({"guess": {}}), 422, "unknown variant"),
    ] {
        let answer = server.post(&workspace.token, "/api/v1/questions", &json!({ "ask": ask }));
        let problem = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{ask}: {problem}");
        assert!(problem.contains(part), "{ask}: {problem}");
    }
}

//! Rules over everybody: the lake answers what the store answers, whoever moved to whom since it was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use criteria::{Rule, Zone};
use headwater_tests::{TestServer, TestWorkspace};
use identity::reading::Reader;
use identity::store::moved::moved_all;
use identity::store::node::node_anchors;
use insight::live::{Asked, Catalogue, GoOn, Moment, Question, members, scan};
use insight::profile::Weights;
use kernel::{Instant, PartyId, PartyNo};
use serde_json::{Value, json};

use super::identify;
use crate::properties::dice::Dice;

const USERS: usize = 8;
const COOKIES: usize = 12;

struct World {
    server: TestServer,
    workspace: TestWorkspace,
    sent: usize,
}

/// Rules over what is sent, and over an audience.
fn rules(audience: &str) -> Vec<Value> {
    vec![
        json!({"event": "A", "op": "gte", "value": 1, "window": {"last": "20d"}}),
        json!({"event": "A", "op": "eq", "value": 0}),
        json!({"event": "*", "measure": "days", "op": "gte", "value": 3}),
        json!({"event": "B", "measure": {"sum": "amount"}, "op": "gt", "value": 12.5}),
        json!({"event": "B", "where": [{"property": "kind", "op": "eq", "value": "x"}], "op": "gte", "value": 2}),
        json!({"sequence": [{"event": "A"}, {"event": "B", "within": "3d", "absent": true}], "window": {"last": "30d"}}),
        json!({"all": [{"trait": "tier", "op": "eq", "value": "gold"}, {"event": "A", "op": "gte", "value": 1}]}),
        json!({"none": [{"trait": "tier", "op": "exists"}]}),
        json!({"any": [{"audience": audience}, {"event": "B", "op": "eq", "value": 1}]}),
        json!({"event": "A", "measure": "last_time", "op": "within_last", "value": "5d"}),
    ]
}

impl World {
    fn new() -> Self {
        let server = TestServer::with_lake_on("2026-07-02");
        let workspace = server.workspace("w");
        Self { server, workspace, sent: 0 }
    }

    /// An event of somebody, anonymous or known or both.
    fn event(&mut self, dice: &mut Dice) -> Value {
        self.sent += 1;
        let (user, cookie) = (dice.roll(USERS), dice.roll(COOKIES));
        if dice.roll(10) == 0 {
            let tier = ["gold", "basic"][dice.roll(2)];
            return identify(
                &format!("u-{user}"),
                1 + dice.roll(28) as u32,
                json!({ "tier": tier, "n": self.sent }),
            );
        }
        let mut event = json!({ "type": "track", "messageId": format!("m-{}", self.sent),
            "event": (["A", "A", "B"][dice.roll(3)]),
            "timestamp": format!("2026-06-{:02}T{:02}:00:00.000Z", 1 + dice.roll(30), dice.roll(24)),
            "properties": { "amount": dice.roll(20) as f64 / 2.0, "kind": (["x", "y"][dice.roll(2)]) } });
        let who = dice.roll(10);
        if who < 7 {
            event["anonymousId"] = json!(format!("c-{cookie}"));
        }
        if who > 4 {
            event["userId"] = json!(format!("u-{user}"));
        }
        event
    }

    fn step(&mut self, dice: &mut Dice) {
        let events: Vec<Value> = (0..1 + dice.roll(12)).map(|_| self.event(dice)).collect();
        self.server.collect(&self.workspace, &events);
        if dice.roll(3) == 0 {
            let ids = self.server.get(&self.workspace.token, "/api/v1/parties").ok();
            let all: Vec<&str> =
                ids["items"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
            let (a, b) = (all[dice.roll(all.len())], all[dice.roll(all.len())]);
            // What cannot be merged, or is one already, is refused.
            let body = json!({ "parties": [a, b], "reason": "同一人" });
            drop(self.server.post(&self.workspace.token, "/api/v1/parties/merge", &body));
            if dice.roll(2) == 0 {
                let path = format!("/api/v1/parties/{a}/unmerge");
                drop(self.server.call("POST", &path).token(&self.workspace.token).send());
            }
        }
    }

    /// For whom a rule holds: as the store says, and as the lake says.
    fn both(&self, rule: &Value, as_of: Instant) -> [BTreeSet<PartyId>; 2] {
        let reader = Reader::new(self.server.installation().clone());
        let scope = self.server.scope(&self.workspace);
        let rule = Rule::parse(&rule.to_string()).unwrap();
        let zone = Zone::named("Asia/Shanghai").unwrap();
        let weights = Weights::default();
        let (question, stored) = reader
            .read_now(&scope, |identity, tx| {
                let catalogue = Catalogue::read(identity.scope, tx)?;
                let question = Question::new(Asked::Rule(&rule), &catalogue, zone, Moment::At(as_of));
                let found = scan(identity, tx, &weights, &question, usize::MAX, &mut || Ok(()))?;
                Ok((question, found.sample))
            })
            .unwrap();
        let (weights, go_on): (_, GoOn) = (Arc::new(weights), Arc::new(|| Ok(())));
        let asked =
            members(&reader, self.server.runtime(), &scope, (&question, "Asia/Shanghai"), (&weights, &go_on));
        let found = self.server.tokio().block_on(asked).unwrap().expect("there is a lake and it is fed");
        let numbers: Vec<PartyNo> = found.iter().map(PartyNo).collect();
        let nodes =
            reader.read_now(&scope, |identity, tx| Ok(node_anchors(identity.scope, tx, &numbers)?)).unwrap();
        [stored.into_iter().collect(), nodes.into_iter().map(|node| PartyId(node.key)).collect()]
    }
}

#[test]
fn the_lake_finds_whom_the_store_finds_after_logins_merges_and_unmerges() {
    for seed in 0..4 {
        let mut dice = Dice::new(seed);
        let mut world = World::new();
        // The feeder opens lakes in its own time.
        let scope = world.server.scope(&world.workspace);
        world.step(&mut dice);
        world.await_lake(&scope);
        let body = json!({ "name": "a", "mode": "live", "rule": {"event": "B", "op": "gte", "value": 2} });
        let made = world.server.post(&world.workspace.token, "/api/v1/audiences", &body).ok();
        let rules = rules(made["id"].as_str().unwrap());
        for step in 0..12 {
            world.step(&mut dice);
            let as_of = Instant::parse(&format!("2026-06-{:02}T12:00:00.000Z", 10 + dice.roll(20))).unwrap();
            for rule in &rules {
                let [stored, found] = world.both(rule, as_of);
                assert_eq!(found, stored, "seed {seed}, step {step}, {rule}");
            }
        }
        world.await_settled(&scope);
        let as_of = Instant::parse("2026-06-28T12:00:00.000Z").unwrap();
        for rule in &rules {
            let [stored, found] = world.both(rule, as_of);
            assert_eq!(found, stored, "seed {seed}, when everybody's rows are put right, {rule}");
        }
    }
}

impl World {
    /// Waits until the rows of everybody who moved have been put right.
    fn await_settled(&self, scope: &kernel::Scope) {
        let pool = self.server.installation().pool(scope).unwrap();
        let ever = "select count(*) from lake_moved where workspace_id = ?1";
        let ever = pool.read(|tx| tx.query(ever, &[scope.workspace.into()], |row| row.int(0))).unwrap();
        assert!(ever[0] > 0, "somebody moved");
        let settled = async {
            while !pool.read(|tx| moved_all(scope, tx)).unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        assert!(self.server.tokio().block_on(async { tokio::time::timeout(limit, settled).await }).is_ok());
    }

    /// Waits until the workspace has a lake.
    fn await_lake(&self, scope: &kernel::Scope) {
        use insight::live::Lakes;
        let open = async {
            while self.server.runtime().pin(scope).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        assert!(self.server.tokio().block_on(async { tokio::time::timeout(limit, open).await }).is_ok());
    }
}

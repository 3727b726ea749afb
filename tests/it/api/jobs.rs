//! Jobs and schedules over the API, with the one kind every installation has: refreshing an audience.

use headwater::kinds;
use headwater_tests::TestServer;
use kernel::time::MINUTE;
use serde_json::{Value, json};

use super::{World, identify};

/// The part of a process that runs jobs, taking turns when it is told to.
struct Runner<'w> {
    world: &'w World,
    runner: Option<::jobs::Runner>,
}

impl<'w> Runner<'w> {
    fn new(world: &'w World) -> Self {
        let runtime = &world.server.server().runtime;
        let handle = world.server.tokio().handle().clone();
        let runner = ::jobs::Runner::new(runtime.installation().clone(), kinds::all(runtime), "test", handle);
        Self { world, runner: Some(runner) }
    }

    /// What is due is made, begun and done.
    fn go(&mut self) {
        let mut runner = self.runner.take().unwrap();
        runner.turn().unwrap();
        self.runner = Some(self.world.server.tokio().block_on(runner.drain()).unwrap());
    }
}

fn rule() -> Value {
    json!({ "trait": "city", "op": "eq", "value": "临澄" })
}

fn scheduled(world: &World, when: Value) -> String {
    let body = json!({ "name": "临澄人", "rule": rule(), "mode": "scheduled", "schedule": when });
    world.post("/api/v1/audiences", body)["id"].as_str().unwrap().to_owned()
}

fn put(world: &World, path: &str, body: Value) -> Value {
    world.server.put(&world.workspace.token, path, &body).ok()
}

/// The status and code of what is refused, and its detail.
fn refused(
    server: &TestServer,
    token: &str,
    (method, path): (&str, &str),
    body: &Value,
) -> (u16, Value, String) {
    let answer = server.call(method, path).token(token).json(body).send();
    let problem = answer.json();
    (answer.status.as_u16(), problem["code"].clone(), problem["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_scheduled_audience_changes_when_its_schedule_is_due_and_not_before() {
    let world = World::new();
    let mut runner = Runner::new(&world);
    let id = scheduled(&world, json!({ "every_minutes": 10 }));
    let path = format!("/api/v1/audiences/{id}");
    let count = || world.get(&path)["count"].clone();
    world.send(&[identify("u-1", 1, json!({ "city": "临澄" }))]);
    runner.go();
    assert_eq!(count(), 0, "nobody has looked again");
    let schedule = world.get(&format!("/api/v1/schedules/{id}"));
    assert_eq!(
        (&schedule["kind"], &schedule["text"]),
        (&json!("audience.refresh"), &json!("every 10 minutes"))
    );
    assert_eq!(schedule["next_at"].as_array().unwrap().len(), 5);
    assert_eq!(schedule["why"], "it is not due before 2026-07-02T12:10:00.000Z");

    world.server.clock().advance(10 * MINUTE);
    runner.go();
    let jobs = world.get("/api/v1/jobs");
    let job = &jobs["items"][0];
    assert_eq!((&job["state"], &job["schedule"]), (&json!("succeeded"), &json!(id)), "{job}");
    assert_eq!(job["result"], json!({ "members": 1, "changes": 1 }));
    assert_eq!(count(), 1);
    let schedule = world.get(&format!("/api/v1/schedules/{id}"));
    assert_eq!(
        (&schedule["decisions"][0]["reason"], &schedule["decisions"][0]["job"]),
        (&json!("started"), &json!(1))
    );

    // With the audience its schedule goes.
    world.server.call("DELETE", &path).token(&world.workspace.token).send().ok();
    assert_eq!(world.get("/api/v1/schedules")["items"], json!([]));
}

#[test]
fn a_job_waits_in_words_runs_once_and_can_be_cancelled() {
    let world = World::new();
    let id = scheduled(&world, json!(null));
    let body = json!({ "kind": "audience.refresh", "input": { "audience": id } });
    let made = world.post("/api/v1/jobs", body.clone());
    let nobody = "no process that is running offers this kind of job; start one with the role `process`";
    assert_eq!((&made["state"], &made["waits_for"]), (&json!("queued"), &json!(nobody)));
    let token = &world.workspace.token;
    let (status, code, detail) = refused(&world.server, token, ("POST", "/api/v1/jobs"), &body);
    assert_eq!(
        (status, code, detail.as_str()),
        (409, json!("conflict"), "job 1 does the same and is not over")
    );
    world.post("/api/v1/jobs/1/cancel", json!({}));
    assert_eq!(world.get("/api/v1/jobs?state=cancelled")["items"][0]["no"], 1);
    let (status, _, detail) = refused(&world.server, token, ("POST", "/api/v1/jobs/1/cancel"), &json!({}));
    assert_eq!((status, detail.as_str()), (409, "the job is over: cancelled"));

    let mut runner = Runner::new(&world);
    world.post("/api/v1/jobs", body);
    runner.go();
    let job = world.get("/api/v1/jobs/2");
    assert_eq!((&job["state"], &job["attempt"], &job["lines"]), (&json!("succeeded"), &json!(1), &json!([])));
    let page = world.get("/api/v1/jobs?limit=1");
    let next = format!("/api/v1/jobs?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!((&page["items"][0]["no"], &world.get(&next)["items"][0]["no"]), (&json!(2), &json!(1)));
}

#[test]
fn whoever_may_not_change_audiences_may_not_let_a_job_do_it() {
    let world = World::new();
    let id = scheduled(&world, json!({ "every_minutes": 10 }));
    let token = world.server.token(&world.workspace, "job:read job:write");
    let body = json!({ "kind": "audience.refresh", "input": { "audience": id } });
    let scheduled = json!({ "kind": body["kind"], "input": body["input"], "when": { "every_minutes": 1 } });
    let own = format!("/api/v1/schedules/{id}");
    let pause = format!("{own}/pause");
    let calls =
        [("POST", "/api/v1/jobs"), ("PUT", "/api/v1/schedules/s"), ("DELETE", &own), ("POST", &pause)];
    for call in calls {
        let body = if call.0 == "PUT" { &scheduled } else { &body };
        let (status, _, detail) = refused(&world.server, &token, call, body);
        assert_eq!(
            (status, detail.as_str()),
            (403, "this needs the permission `audience:write`"),
            "{call:?}"
        );
    }
}

#[test]
fn a_schedule_is_defined_paused_resumed_and_run_out_of_turn() {
    let world = World::new();
    let mut runner = Runner::new(&world);
    let id = scheduled(&world, json!({ "every_minutes": 10 }));
    let input = json!({ "audience": id });
    let nightly = json!({ "kind": "audience.refresh", "input": input, "when": { "cron": "0 3 * * *" } });
    let made = put(&world, "/api/v1/schedules/nightly", nightly.clone());
    assert_eq!(made["when"], json!({ "cron": "0 3 * * *", "time_zone": "Asia/Shanghai" }));
    assert_eq!((&made["name"], &made["version"]), (&json!("nightly"), &json!(1)));
    assert_eq!(made["next_at"][0], "2026-07-02T19:00:00.000Z");
    let paused = world.post("/api/v1/schedules/nightly/pause", json!({}));
    assert_eq!((&paused["is_paused"], &paused["next_at"]), (&json!(true), &json!([])));
    assert_eq!(put(&world, "/api/v1/schedules/nightly", nightly)["is_paused"], true, "it stays as it was");
    assert_eq!(world.get("/api/v1/schedules/nightly")["why"], "it is paused");
    let run = world.post("/api/v1/schedules/nightly/run", json!({}));
    assert_eq!((&run["schedule"], &run["state"]), (&json!("nightly"), &json!("queued")));
    runner.go();
    assert_eq!(world.get("/api/v1/jobs/1")["state"], "succeeded");
    assert_eq!(world.post("/api/v1/schedules/nightly/resume", json!({}))["is_paused"], false);

    let after = json!({ "kind": "audience.refresh", "input": input, "when": { "after": ["nightly"] } });
    put(&world, "/api/v1/schedules/then", after);
    let token = &world.workspace.token;
    let wrong = [
        (json!({ "every_minutes": 0 }), "when.every_minutes: 1 to 10080 minutes"),
        (json!({}), "when: give exactly one of `cron`, `every_minutes` and `after`"),
        (
            json!({ "after": ["then"] }),
            "when.after: the schedules would wait for each other: nightly after then",
        ),
        (
            json!({ "cron": "0 3 * * *", "time_zone": "Mars" }),
            "when.time_zone: there is no time zone `Mars`; write one such as `Asia/Shanghai`",
        ),
    ];
    for (when, expected) in wrong {
        let body = json!({ "kind": "audience.refresh", "input": input, "when": when });
        let (status, _, detail) = refused(&world.server, token, ("PUT", "/api/v1/schedules/nightly"), &body);
        assert_eq!((status, detail.as_str()), (422, expected));
    }
    let (status, _, detail) =
        refused(&world.server, token, ("DELETE", "/api/v1/schedules/nightly"), &json!({}));
    assert_eq!((status, detail.as_str()), (409, "other schedules wait for it: then"));
    let audience = format!("/api/v1/audiences/{id}");
    let live = json!({ "name": "n", "rule": rule(), "mode": "live" });
    put(&world, &audience, live);
    assert_eq!(
        world.server.get(token, &format!("/api/v1/schedules/{id}")).status,
        404,
        "live ones have none"
    );
}

fn put_tag(world: &World, key: &str, more: &Value) {
    let mut tag = json!({ "key": key, "name": key, "value_type": "number" });
    tag.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    put(world, &format!("/api/v1/tags/{key}"), tag);
}

fn order(user: &str, day: u32, total: u32) -> Value {
    json!({ "type": "track", "messageId": format!("o-{user}-{day}"), "userId": user, "event": "Order Completed",
        "timestamp": format!("2026-06-{day:02}T09:00:00.000Z"), "properties": { "total": total } })
}

#[test]
fn constants_are_computed_by_schedule_and_then_what_waits_for_them() {
    let world = World::new();
    let mut runner = Runner::new(&world);
    let traits = |tea: f64, seed: bool| json!({ "interest_tea": tea, "seed": seed });
    world.send(&[order("u-1", 20, 100), order("u-2", 21, 50)]);
    world.send(&[identify("u-1", 1, traits(0.9, true)), identify("u-2", 1, traits(0.8, false))]);
    put_tag(&world, "activity", &json!({ "kind": "model", "model": "activity", "role": "score" }));
    let spent = "sum(\"Order Completed\".total, last 365d)";
    put_tag(&world, "spent", &json!({ "kind": "function", "formula": spent, "refresh": "scheduled" }));
    let seed = json!({ "trait": "seed", "op": "eq", "value": true });
    let config = json!({ "seed": seed, "features": ["interest_tea"] });
    put_tag(&world, "alike", &json!({ "kind": "model", "model": "lookalike", "config": config }));
    world.settle();
    let schedule = |id: &str, kind: &str, input: Value, when: Value| {
        put(
            &world,
            &format!("/api/v1/schedules/{id}"),
            json!({ "kind": kind, "input": input, "when": when }),
        );
    };
    schedule("constants", "constants.refresh", json!({}), json!({ "cron": "30 20 * * *" }));
    schedule("fit", "tag.fit", json!({ "tag": "alike" }), json!({ "after": ["constants"] }));
    schedule("spent", "tag.refresh", json!({ "tag": "spent" }), json!({ "after": ["fit"] }));
    world.send(&[order("u-1", 22, 11)]);
    runner.go();
    assert_eq!(world.get("/api/v1/jobs")["items"], json!([]), "20:00 in Shanghai, nothing is due");
    world.server.clock().advance(31 * MINUTE);
    (0..3).for_each(|_| runner.go());
    let jobs = world.get("/api/v1/jobs");
    let told: Vec<(&Value, &Value, &Value)> = jobs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| (&job["kind"], &job["state"], &job["result"]))
        .collect();
    let succeeded = json!("succeeded");
    let [spent, fit, constants] = told[..] else { panic!("three jobs, the newest first: {jobs}") };
    assert_eq!(constants, (&json!("constants.refresh"), &succeeded, &json!({ "parties": 2, "tags": 1 })));
    let learned = json!({ "values": 1, "changes": 1, "method": "centroid", "seeds": 1, "people": 1 });
    assert_eq!(fit, (&json!("tag.fit"), &succeeded, &learned));
    assert_eq!(spent, (&json!("tag.refresh"), &succeeded, &json!({ "values": 2, "changes": 1 })));
    assert_eq!(world.get("/api/v1/constants")["items"][1]["name"], "scoring");
    assert_eq!(world.party("user_id:u-1")["tags"]["spent"], 111);
    assert!(world.party("user_id:u-2")["tags"]["alike"].is_number());
    let wrong = json!({ "kind": "constants.refresh", "input": { "config": { "names": 1 } } });
    let token = &world.workspace.token;
    assert_eq!(refused(&world.server, token, ("POST", "/api/v1/jobs"), &wrong).0, 422);
    let none = json!({ "kind": "tag.fit", "input": { "tag": "spent" } });
    world.post("/api/v1/jobs", none);
    runner.go();
    let job = world.get("/api/v1/jobs/4");
    assert_eq!(job["state"], "failed");
    assert!(job["problem"].to_string().contains("is not of the model `lookalike`"), "{job}");
}

#[test]
fn a_job_replaces_the_values_of_an_sql_tag_and_those_not_answered_any_more_are_gone() {
    let (server, workspace) = TestServer::with_sql();
    let world = World { server, workspace };
    let mut runner = Runner::new(&world);
    world.send(&[order("u-1", 20, 100), order("u-1", 21, 11), order("u-2", 21, 50)]);
    let sql = |least: u32| {
        json!({ "kind": "sql", "sql": format!(
            "SELECT party_no, sum(total) AS value FROM events GROUP BY party_no HAVING sum(total) > {least}") })
    };
    put_tag(&world, "turnover", &sql(0));
    let job = |runner: &mut Runner<'_>, no: u32| {
        world.post("/api/v1/jobs", json!({ "kind": "tag.replace", "input": { "tag": "turnover" } }));
        runner.go();
        world.get(&format!("/api/v1/jobs/{no}"))
    };
    let first = job(&mut runner, 1);
    assert_eq!((&first["state"], &first["result"]["rows"]), (&json!("succeeded"), &json!(2)), "{first}");
    assert_eq!(first["result"]["values"], 2);
    assert_eq!(world.party("user_id:u-1")["tags"], json!({ "turnover": 111 }));
    put_tag(&world, "turnover", &sql(60));
    assert_eq!(
        world.get("/api/v1/tags/turnover")["count"],
        2,
        "another query gives nothing before it is run"
    );
    let second = job(&mut runner, 2);
    assert_eq!(second["result"], json!({ "rows": 1, "values": 1, "changes": 1 }), "{second}");
    assert_eq!(world.party("user_id:u-2")["tags"], json!({}));
    for (wrong, message) in [
        ("DELETE FROM events", "SELECT"),
        ("SELECT 1 AS value", "`party_id`"),
        ("SELECT party_no FROM events", "`value`"),
        ("SELECT party_no, 'much' AS value FROM events", "no row has"),
        ("SELECT * FROM theirs.events", "theirs"),
    ] {
        put_tag(&world, "turnover", &json!({ "kind": "sql", "sql": wrong }));
        let no = world.get("/api/v1/jobs")["items"][0]["no"].as_u64().unwrap() as u32 + 1;
        let failed = job(&mut runner, no);
        assert_eq!(failed["state"], "failed", "{wrong}");
        assert!(failed["problem"].to_string().contains(message), "{wrong}: {failed}");
    }
    assert_eq!(world.get("/api/v1/tags/turnover")["count"], 1, "what failed changed nothing");
}

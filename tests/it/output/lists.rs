//! Whole lists: who was in at one place of the ledger, as far as people allow it, once however often it is
//! tried.

use std::path::PathBuf;

use headwater::kinds;
use kernel::time::{HOUR, MINUTE};
use serde_json::{Value, json};

use super::files::{below, folder, rows};
use super::{World, identify, sharing, text};

/// The part of a process that runs jobs, taking turns when it is told to.
pub(super) struct Runner<'w> {
    world: &'w World,
    runner: Option<jobs::Runner>,
}

impl<'w> Runner<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let (runtime, handle) = (world.server.runtime(), world.server.tokio().handle().clone());
        let runner = jobs::Runner::new(runtime.installation().clone(), kinds::all(runtime), "test", handle);
        Self { world, runner: Some(runner) }
    }

    /// What is due is begun and done.
    pub(super) fn go(&mut self) {
        let mut runner = self.runner.take().unwrap();
        runner.turn().unwrap();
        self.runner = Some(self.world.server.tokio().block_on(runner.drain()).unwrap());
    }
}

/// Asks for a list; the job's number.
pub(super) fn ask(world: &World, destination: &str, audience: &str) -> Value {
    let path = format!("/api/v1/destinations/{destination}/lists");
    world.post(&path, json!({ "audience": audience }))["job"].clone()
}

fn job(world: &World, no: &Value) -> Value {
    world.get(&format!("/api/v1/jobs/{no}"))
}

fn latest(world: &World, destination: &str) -> Value {
    world.get(&format!("/api/v1/destinations/{destination}/lists"))["items"][0].clone()
}

/// A workspace with three who share, one who does not, and one who is not gold.
fn peopled() -> (World, String) {
    let world = World::new();
    let audience = world.gold();
    world.send(&(0..3).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
    world
        .send(&[identify("u-8", 2, json!({ "tier": "gold" })), identify("u-9", 2, json!({ "tier": "tin" }))]);
    (world, audience)
}

fn lists(world: &World) -> Vec<PathBuf> {
    let all = below(&world.server.directory().join(format!("workspace-{}", world.workspace.no.0)));
    all.into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("list"))).collect()
}

#[test]
fn a_list_has_everybody_who_is_in_and_allows_it_and_the_same_list_is_the_same_bytes() {
    let (world, audience) = peopled();
    let mut runner = Runner::new(&world);
    for format in ["csv", "xlsx", "parquet"] {
        let definition = folder(&format!("crm/{format}"), format, json!([]));
        let id = text(&world.post("/api/v1/destinations", definition)["id"]);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let no = ask(&world, &id, &audience);
            runner.go();
            let done = job(&world, &no);
            assert_eq!(done["state"], "succeeded", "{done}");
            let told = &done["result"];
            assert_eq!((&told["parties"], &told["blocked"]), (&json!(3), &json!(1)), "{done}");
            assert_eq!(told["reasons"], json!({ "consent.third_party_share.unknown": 1 }));
            let list = latest(&world, &id);
            assert_eq!((&list["state"], &list["parties"]), (&json!("delivered"), &json!(3)), "{list}");
            let path = world.server.directory().join(text(&list["name"]));
            seen.push(std::fs::read(&path).unwrap());
            let mut parties: Vec<_> = rows(&path).into_iter().map(|mut row| row.remove("party_id")).collect();
            parties.sort();
            let mut expected: Vec<_> = (0..3).map(|n| Some(world.party(&format!("u-{n}")))).collect();
            expected.sort();
            assert_eq!(parties, expected);
            world.server.clock().advance(HOUR);
        }
        assert_eq!(seen[0], seen[1], "{format}");
    }
    assert_eq!(lists(&world).len(), 3);
}

#[test]
fn a_list_that_is_tried_again_is_of_the_same_moment_though_people_came_and_went() {
    let (world, audience) = peopled();
    let id = text(&world.post("/api/v1/destinations", folder("crm", "csv", json!([])))["id"]);
    let mut runner = Runner::new(&world);
    let own = world.server.directory().join(format!("workspace-{}", world.workspace.no.0));
    std::fs::write(&own, "in the way").unwrap();
    let no = ask(&world, &id, &audience);
    runner.go();
    let waiting = job(&world, &no);
    assert_eq!((&waiting["state"], &waiting["attempt"]), (&json!("queued"), &json!(1)), "{waiting}");
    let list = latest(&world, &id);
    assert_eq!((&list["state"], &list["seq"]), (&json!("waiting"), &json!(4)), "{list}");
    assert!(text(&list["reason"]).contains("no folder"), "{list}");
    let (status, path) = (409, format!("/api/v1/destinations/{id}/lists"));
    let again = world.server.post(&world.workspace.token, &path, &json!({ "audience": audience }));
    assert_eq!(again.status.as_u16(), status, "the same list is on its way: {}", again.text());

    world.server.clock().advance(MINUTE);
    world.send(&[identify("u-1", 9, json!({ "tier": "silver" }))]);
    world.send(&sharing("u-5"));
    std::fs::remove_file(&own).unwrap();
    runner.go();
    let done = job(&world, &no);
    assert_eq!((&done["state"], &done["result"]["seq"]), (&json!("succeeded"), &json!(4)), "{done}");
    let rows = rows(&lists(&world)[0]);
    let parties: Vec<_> = rows.iter().map(|row| row["party_id"].as_str()).collect();
    assert!(
        parties.contains(&world.party("u-1").as_str()) && !parties.contains(&world.party("u-5").as_str())
    );
    assert_eq!(parties.len(), 3);
}

#[test]
fn whoever_was_on_a_list_is_taken_back_when_he_leaves_and_consent_withdrawn_counts_at_once() {
    let (world, audience) = peopled();
    let follows = json!([{ "ledger": "audience", "id": audience }]);
    let mut runner = Runner::new(&world);
    let id = text(&world.post("/api/v1/destinations", folder("crm", "csv", follows))["id"]);
    world.send(&[super::consent("u-0", 20, "third_party_share", "withdrawn")]);
    let no = ask(&world, &id, &audience);
    runner.go();
    assert_eq!(job(&world, &no)["result"]["parties"], 2);
    world.server.clock().advance(MINUTE);
    world.send(&[
        identify("u-1", 9, json!({ "tier": "silver" })),
        identify("u-0", 9, json!({ "tier": "tin" })),
    ]);
    world.server.dispatch();
    world.settled(&id);
    let told: Vec<_> =
        world.log(&id, "delivered").iter().filter(|d| d["entered"] == false).cloned().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(text(&told[0]["party"]), world.party("u-1"), "u-0 was never on it");
}

#[test]
fn a_list_can_be_scheduled_and_what_takes_no_lists_says_so() {
    let (world, audience) = peopled();
    let id = text(&world.post("/api/v1/destinations", folder("crm", "csv", json!([])))["id"]);
    let body = json!({ "name": "hourly", "kind": "destination.list", "when": { "every_minutes": 60 },
        "input": { "destination": id, "audience": audience } });
    world.put("/api/v1/schedules/hourly", body);
    let mut runner = Runner::new(&world);
    runner.go();
    assert!(lists(&world).is_empty());
    for hour in 1..3 {
        world.server.clock().advance(HOUR);
        world.send(&sharing(&format!("h-{hour}")));
        runner.go();
        assert_eq!(lists(&world).len(), hour);
    }
    let (_receiver, hook) = world.webhook(&audience, |_| {});
    let path = format!("/api/v1/destinations/{hook}/lists");
    let refused = world.server.post(&world.workspace.token, &path, &json!({ "audience": audience }));
    assert_eq!(refused.status.as_u16(), 422, "{}", refused.text());
    let path = format!("/api/v1/destinations/{id}/lists");
    let refused = world.server.post(&world.workspace.token, &path, &json!({ "audience": "aud_none" }));
    assert_eq!(refused.status.as_u16(), 422, "{}", refused.text());
    world.post(&format!("/api/v1/destinations/{id}/pause"), json!({}));
    let paused = world.server.post(&world.workspace.token, &path, &json!({ "audience": audience }));
    assert_eq!(paused.status.as_u16(), 409, "{}", paused.text());
}

#[test]
fn a_list_and_changes_go_to_a_bucket_and_to_a_host_as_they_go_to_a_folder() {
    let (world, audience) = peopled();
    let (bucket, host) = (headwater_tests::S3Server::start(), testkit::sshd::Server::start());
    let keep = |value: &str| {
        text(&world.post("/api/v1/destination-secrets", json!({ "name": "s", "value": value }))["id"])
    };
    let targets = [
        (
            json!({ "kind": "s3", "endpoint": bucket.endpoint(), "region": "us-east-1", "bucket": "bucket",
                "access_key": "access", "secret": keep("secret"), "path": "crm", "format": "csv" }),
            bucket.folder().join("bucket/crm"),
        ),
        (
            json!({ "kind": "sftp", "host": "127.0.0.1", "port": host.port(), "user": host.user(),
                "host_key": host.host_key().trim(), "secret": keep(&host.key()), "path": "crm", "format": "csv" }),
            host.folder().join("crm"),
        ),
    ];
    let mut runner = Runner::new(&world);
    world.server.dispatch();
    for (target, place) in targets {
        let mut definition = folder("", "csv", json!([{ "ledger": "audience", "id": audience }]));
        definition["target"] = target;
        let id = text(&world.post("/api/v1/destinations", definition)["id"]);
        let tested = world.post(&format!("/api/v1/destinations/{id}/test"), json!({}));
        assert_eq!(tested["delivered"], true, "{tested}");
        let no = ask(&world, &id, &audience);
        runner.go();
        assert_eq!(job(&world, &no)["result"]["parties"], 3, "{}", job(&world, &no));
        let status = world.settled(&id);
        assert_eq!((&status["delivered"], &status["blocked"]), (&json!(3), &json!(1)), "{status}");
        let found = below(&place);
        let of = |folder: &str| -> usize {
            let these = found.iter().filter(|path| path.parent().unwrap().ends_with(folder));
            these.map(|path| rows(path).len()).sum()
        };
        assert_eq!((of("list"), of("changes")), (3, 3), "{found:?}");
        assert!(!world.get(&format!("/api/v1/destinations/{id}")).to_string().contains("BEGIN"));
    }
}

#[test]
fn whoever_advertises_is_sent_only_those_who_allow_both_sharing_and_marketing() {
    let (world, audience) = peopled();
    world.send(&[
        super::consent("u-1", 5, "marketing", "granted"),
        super::consent("u-2", 5, "marketing", "denied"),
    ]);
    let mut definition = folder("ads", "csv", json!([]));
    definition["processor"] = json!("advertising");
    let id = text(&world.post("/api/v1/destinations", definition)["id"]);
    let mut runner = Runner::new(&world);
    let no = ask(&world, &id, &audience);
    runner.go();
    let told = job(&world, &no)["result"].clone();
    let reasons = json!({ "consent.marketing.denied": 1, "consent.marketing.unknown": 1,
        "consent.third_party_share.unknown": 1 });
    assert_eq!((&told["parties"], &told["reasons"]), (&json!(1), &reasons), "{told}");
}

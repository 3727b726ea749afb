//! Schedules make jobs when they are due, and say why when they do not.

use db::Store;
use jobs::commands::{self, By, Put};
use jobs::rules::cadence::When;
use jobs::store::decision::decision_page;
use jobs::store::job::State;
use kernel::Failure;
use kernel::time::{DAY, HOUR, MINUTE};
use serde_json::json;

use super::world::{AGAIN, Process, World};

testkit::both_databases![
    what_was_missed_while_nobody_ran_is_one_job,
    two_processes_make_one_job,
    a_schedule_runs_at_its_local_time_whatever_the_season,
    while_its_job_runs_a_time_is_skipped_and_said_so,
    what_was_due_while_it_was_paused_is_not_made_up_for,
    what_waits_for_another_runs_after_it_and_not_after_its_failure,
    what_waits_for_two_waits_for_both,
    what_waits_for_one_that_was_skipped_says_so,
    an_end_while_its_own_job_runs_is_not_lost,
    a_kind_that_nobody_offers_is_waited_for_and_said_once,
    another_definition_begins_anew,
    a_ring_and_a_missing_schedule_are_refused,
    a_schedule_that_others_wait_for_is_not_removed,
];

fn every(minutes: u32) -> When {
    When { every_minutes: Some(minutes), ..When::default() }
}

fn after(ids: &[&str]) -> When {
    When { after: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..When::default() }
}

fn definition(id: &str, when: When) -> Put {
    let input = json!({ "key": id, "does": "" });
    let (name, kind) = (id.to_owned(), AGAIN.to_owned());
    Put { schedule: id.to_owned(), name, kind, input, when, is_paused: false }
}

fn put(world: &World, put: Put) {
    let at = world.now();
    world.write(|scope, tx| commands::put(scope, tx, put, By { actor: "test", at }));
}

fn schedule(world: &World, id: &str, when: When) {
    put(world, definition(id, when));
}

/// A turn in which everything that is due is made, begun and done.
fn go(process: &mut Process) {
    process.turn();
    process.finish();
}

/// Which schedules made jobs, in order.
fn made(world: &World) -> Vec<String> {
    world.jobs().into_iter().map(|job| job.schedule.unwrap()).collect()
}

/// What was decided of a schedule, in order.
fn why(world: &World, id: &str) -> Vec<&'static str> {
    let decided = world.read(|scope, tx| Ok(decision_page(scope, tx, id, u64::MAX, 1_000)?));
    decided.iter().rev().map(|decided| decided.reason.name()).collect()
}

fn what_was_missed_while_nobody_ran_is_one_job(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    schedule(&world, "s", every(10));
    go(&mut one);
    assert_eq!(made(&world), [""; 0], "not due");
    world.pass(10 * 60);
    go(&mut one);
    assert_eq!(made(&world), ["s"]);
    // Three days later.
    world.clock.advance(3 * DAY + 4 * MINUTE);
    for _ in 0..3 {
        go(&mut one);
    }
    let jobs = world.jobs();
    assert_eq!((jobs.len(), jobs[1].state), (2, State::Succeeded));
    assert_eq!(jobs[1].due.unwrap().to_string(), "2026-01-01T00:20:00.000Z", "the first that was missed");
    world.clock.advance(6 * MINUTE);
    go(&mut one);
    assert_eq!(world.jobs()[2].due.unwrap().to_string(), "2026-01-04T00:20:00.000Z", "in step again");
    assert_eq!(why(&world, "s"), ["started"; 3]);
}

fn two_processes_make_one_job(store: Store) {
    let world = World::new(store);
    let (mut one, mut other) = (world.process("one"), world.process("other"));
    schedule(&world, "s", every(1));
    for _ in 0..5 {
        world.pass(60);
        std::thread::scope(|threads| {
            threads.spawn(|| one.turn());
            threads.spawn(|| other.turn());
        });
        one.finish();
        other.finish();
    }
    assert_eq!((made(&world).len(), world.effects().len()), (5, 5));
}

fn a_schedule_runs_at_its_local_time_whatever_the_season(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let (cron, time_zone) = (Some("30 2 * * *".to_owned()), Some("Europe/Berlin".to_owned()));
    world.clock.set(kernel::Instant::parse("2026-03-27T12:00:00Z").unwrap());
    schedule(&world, "s", When { cron, time_zone, ..When::default() });
    let end = kernel::Instant::parse("2026-03-30T12:00:00Z").unwrap();
    while world.now() < end {
        world.clock.advance(HOUR / 2);
        go(&mut one);
    }
    let due: Vec<_> = world.jobs().iter().map(|job| job.due.unwrap().to_string()[5..16].to_owned()).collect();
    assert_eq!(due, ["03-28T01:30", "03-29T01:00", "03-30T00:30"]);
}

fn while_its_job_runs_a_time_is_skipped_and_said_so(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    schedule(&world, "s", every(1));
    world.pass(60);
    one.turn();
    for _ in 0..3 {
        world.pass(20);
        one.turn();
        one.turn();
    }
    assert_eq!((one.running(), why(&world, "s")), (1, vec!["started", "still_running"]));
    one.finish();
    one.turn();
    assert_eq!(one.running(), 0, "the time is behind it");
    world.pass(60);
    one.turn();
    assert_eq!((one.running(), why(&world, "s")), (1, vec!["started", "still_running", "started"]));
}

fn what_was_due_while_it_was_paused_is_not_made_up_for(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    put(&world, Put { is_paused: true, ..definition("s", every(10)) });
    for _ in 0..2 {
        world.pass(600);
        go(&mut one);
        go(&mut one);
    }
    assert_eq!((made(&world).len(), why(&world, "s")), (0, vec!["paused", "paused"]));
    // Nobody looks for an hour, and then it goes on.
    world.pass(3_605);
    schedule(&world, "s", every(10));
    go(&mut one);
    assert_eq!(made(&world).len(), 0);
    world.pass(600);
    go(&mut one);
    assert_eq!(made(&world).len(), 1);
}

fn what_waits_for_another_runs_after_it_and_not_after_its_failure(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    schedule(&world, "tag", every(10));
    schedule(&world, "audience", after(&["tag"]));
    schedule(&world, "export", after(&["audience"]));
    world.pass(600);
    for _ in 0..5 {
        go(&mut one);
    }
    assert_eq!(made(&world), ["tag", "audience", "export"]);

    let fails = json!({ "key": "tag", "does": "fails" });
    put(&world, Put { input: fails, ..definition("tag", every(10)) });
    world.pass(600);
    for _ in 0..5 {
        go(&mut one);
    }
    assert_eq!(made(&world), ["tag", "audience", "export", "tag"]);
    assert_eq!(why(&world, "audience"), ["started", "dependency_failed"]);
    assert_eq!(why(&world, "export"), ["started", "dependency_skipped"]);

    schedule(&world, "tag", every(10));
    world.pass(600);
    for _ in 0..5 {
        go(&mut one);
    }
    assert_eq!(made(&world)[4..], ["tag", "audience", "export"]);
}

fn what_waits_for_two_waits_for_both(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    schedule(&world, "a", every(10));
    schedule(&world, "b", every(20));
    schedule(&world, "both", after(&["a", "b"]));
    for _ in 0..4 {
        world.pass(600);
        go(&mut one);
        go(&mut one);
    }
    assert_eq!(made(&world), ["a", "a", "b", "both", "a", "a", "b", "both"]);
}

fn what_waits_for_one_that_was_skipped_says_so(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    put(&world, Put { is_paused: true, ..definition("a", every(10)) });
    schedule(&world, "b", after(&["a"]));
    world.pass(600);
    go(&mut one);
    go(&mut one);
    assert_eq!((made(&world).len(), why(&world, "b")), (0, vec!["dependency_skipped"]));
    let decided = world.read(|scope, tx| Ok(decision_page(scope, tx, "b", u64::MAX, 1)?));
    assert_eq!(decided[0].detail, "`a` did not run: paused");
}

fn an_end_while_its_own_job_runs_is_not_lost(store: Store) {
    let world = World::new(store);
    let (mut fast, mut slow) = (world.process("fast"), world.process("slow"));
    schedule(&world, "a", every(10));
    schedule(&world, "b", after(&["a"]));
    world.pass(600);
    go(&mut fast);
    slow.turn();
    assert_eq!((made(&world), slow.running()), (vec!["a".to_owned(), "b".to_owned()], 1));
    for _ in 0..42 {
        world.pass(14);
        slow.turn();
    }
    world.pass(14);
    fast.turn();
    slow.turn();
    fast.finish();
    slow.turn();
    fast.turn();
    assert_eq!(made(&world), ["a", "b", "a"], "what the second `a` brought is not in the job that runs");
    slow.finish();
    fast.turn();
    assert_eq!(made(&world), ["a", "b", "a", "b"]);
    assert_eq!(why(&world, "b"), ["started", "still_running", "started"]);
}

fn a_kind_that_nobody_offers_is_waited_for_and_said_once(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    put(&world, Put { kind: "test.other".to_owned(), ..definition("s", every(10)) });
    world.pass(600);
    for _ in 0..3 {
        go(&mut one);
        world.pass(60);
    }
    assert_eq!((made(&world).len(), why(&world, "s")), (0, vec!["no_worker"]));
}

fn another_definition_begins_anew(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    schedule(&world, "s", every(10));
    world.pass(601);
    schedule(&world, "s", every(20));
    go(&mut one);
    assert_eq!(made(&world).len(), 0, "what was due under the old one is not made up for");
    world.pass(599);
    go(&mut one);
    assert_eq!(made(&world).len(), 1);
}

fn a_ring_and_a_missing_schedule_are_refused(store: Store) {
    let world = World::new(store);
    schedule(&world, "a", every(10));
    schedule(&world, "b", after(&["a"]));
    schedule(&world, "c", after(&["b"]));
    let refused = |id: &str, when: When| {
        let put = definition(id, when);
        let by = By { actor: "test", at: world.now() };
        let refused = world.pool().write(|tx| commands::put(&world.scope, tx, put, by));
        let Err(Failure::Invalid { field, message }) = refused else { panic!("{refused:?}") };
        assert_eq!(field, "when.after");
        message
    };
    assert_eq!(refused("a", after(&["c"])), "the schedules would wait for each other: a after c after b");
    assert_eq!(refused("d", after(&["d"])), "the schedules would wait for each other: d");
    assert_eq!(refused("d", after(&["none"])), "there is no schedule `none`");
}

fn a_schedule_that_others_wait_for_is_not_removed(store: Store) {
    let world = World::new(store);
    schedule(&world, "a", every(10));
    schedule(&world, "b", after(&["a"]));
    let remove = |id| world.pool().write(|tx| commands::remove(&world.scope, tx, id));
    assert!(matches!(remove("a"), Err(Failure::Conflict { .. })));
    remove("b").unwrap();
    remove("a").unwrap();
    assert!(matches!(remove("a"), Err(Failure::NotFound { .. })));
}

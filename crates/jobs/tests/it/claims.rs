//! A job is done in one process, whatever becomes of the others.

use db::Store;
use jobs::runner::{GRACE_MICROS, KEPT_MICROS, LEASE_MICROS};
use jobs::store::job::{State, job_cancel};
use jobs::store::line::line_page;
use kernel::time::{HOUR, SECOND};

use super::world::{AGAIN, ONCE, World};

testkit::both_databases![
    a_job_is_done_once_and_keeps_what_it_came_to,
    a_silent_process_loses_its_job_and_its_late_end_changes_nothing,
    a_process_that_says_it_lives_keeps_its_job,
    a_job_that_may_be_begun_once_fails_when_its_process_is_gone,
    of_a_kind_and_key_one_runs_at_a_time,
    what_passes_is_tried_again_later_and_what_does_not_is_not,
    a_waiting_job_is_cancelled_at_once_and_a_running_one_soon,
    a_job_that_does_not_stop_is_dropped,
    a_job_that_takes_too_long_is_stopped_and_tried_again,
    a_job_that_panics_is_a_defect_of_its_own_only,
    a_process_that_stops_gives_back_what_may_be_begun_again,
    a_kind_that_nobody_runs_is_waited_for_in_words,
    what_was_over_long_ago_is_forgotten,
];

fn state(world: &World, no: u64) -> (State, Option<String>) {
    let job = world.job(no);
    (job.state, job.problem)
}

fn a_job_is_done_once_and_keeps_what_it_came_to(store: Store) {
    let world = World::new(store);
    let (mut one, mut other) = (world.process("one"), world.process("other"));
    let no = world.add(AGAIN, "a", "");
    assert_eq!(world.job(no).state, State::Queued);
    one.turn();
    other.turn();
    assert_eq!((one.running(), other.running()), (1, 0));
    assert_eq!(world.job(no).state, State::Running);
    one.finish();
    let job = world.job(no);
    assert_eq!((job.state, job.attempt, job.owner.as_str()), (State::Succeeded, 1, "one"));
    assert_eq!((job.done, job.total, job.progress.as_str()), (1, Some(2), "waiting"));
    assert_eq!((job.result.as_deref(), job.problem), (Some(r#"{"attempt":1}"#), None));
    let lines = world.read(|scope, tx| Ok(line_page(scope, tx, no, 0, 10)?));
    let lines: Vec<_> = lines.iter().map(|l| (l.seq, l.is_problem, l.text.as_str())).collect();
    assert_eq!(lines, [(1, false, "it is done"), (2, true, "but not beautiful")]);
    other.turn();
    assert_eq!((other.running(), world.effects()), (0, vec![(no, 1)]));
}

fn a_silent_process_loses_its_job_and_its_late_end_changes_nothing(store: Store) {
    let world = World::new(store);
    let (mut frozen, mut other) = (world.process("frozen"), world.process("other"));
    let no = world.add(AGAIN, "a", "");
    frozen.turn();
    world.clock.advance(LEASE_MICROS);
    other.turn();
    assert_eq!(other.running(), 0, "the lease is not over");
    world.pass(1);
    other.turn();
    assert_eq!((other.running(), world.job(no).owner), (1, "other".to_owned()));
    // The frozen one goes on: it may neither write nor say how it ended.
    frozen.finish();
    assert_eq!((world.effects(), world.job(no).state), (vec![], State::Running));
    assert_eq!(frozen.running(), 0);
    other.finish();
    assert_eq!((world.effects(), state(&world, no)), (vec![(no, 2)], (State::Succeeded, None)));
}

fn a_process_that_says_it_lives_keeps_its_job(store: Store) {
    let world = World::new(store);
    let (mut one, mut other) = (world.process("one"), world.process("other"));
    let no = world.add(ONCE, "a", "");
    one.turn();
    for _ in 0..10 {
        world.clock.advance(LEASE_MICROS / 2);
        one.turn();
        other.turn();
    }
    assert_eq!((one.running(), other.running(), world.job(no).attempt), (1, 0, 1));
}

fn a_job_that_may_be_begun_once_fails_when_its_process_is_gone(store: Store) {
    let world = World::new(store);
    let (mut dead, mut other) = (world.process("dead"), world.process("other"));
    let no = world.add(ONCE, "a", "");
    dead.turn();
    drop(dead);
    world.clock.advance(LEASE_MICROS + 1);
    other.turn();
    let (state, problem) = state(&world, no);
    assert_eq!((state, other.running()), (State::Failed, 0));
    assert!(
        problem.unwrap().starts_with("abandoned: its process was not heard of since 2026-01-01T00:00:00")
    );
}

fn of_a_kind_and_key_one_runs_at_a_time(store: Store) {
    let world = World::new(store);
    let (mut one, mut other) = (world.process("one"), world.process("other"));
    let (first, second) = (world.add(AGAIN, "a", ""), world.add(AGAIN, "a", ""));
    let (third, fourth) = (world.add(AGAIN, "b", ""), world.add(ONCE, "a", ""));
    one.turn();
    other.turn();
    let states = || [first, second, third, fourth].map(|no| world.job(no).state);
    assert_eq!(states(), [State::Running, State::Queued, State::Running, State::Running]);
    assert_eq!(world.job(second).waits_for, "the job of the same kind and key that runs");
    one.finish();
    other.turn();
    assert_eq!((other.running(), world.job(second).waits_for.as_str()), (1, ""));
}

fn what_passes_is_tried_again_later_and_what_does_not_is_not(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let (lacks, fails) = (world.add(AGAIN, "a", "lacks"), world.add(AGAIN, "b", "fails"));
    one.turn();
    one.finish();
    let problem = Some("input: not like this".to_owned());
    assert_eq!(state(&world, fails), (State::Failed, problem));
    let problem = Some("temporarily unavailable: the other side is away".to_owned());
    assert_eq!(state(&world, lacks), (State::Queued, problem.clone()));
    let began = world.now();
    let mut pauses = Vec::new();
    for attempt in 2..=5 {
        let before = world.now();
        world.clock.set(world.job(lacks).ready.plus(-1));
        one.turn();
        assert_eq!(one.running(), 0, "attempt {attempt} is not due yet");
        world.clock.advance(1);
        one.turn();
        pauses.push((world.now().0 - before.0) / SECOND);
        one.finish();
    }
    assert_eq!(pauses, [10, 20, 40, 80]);
    assert_eq!((state(&world, lacks), world.job(lacks).attempt), ((State::Failed, problem), 5));
    assert!(world.now() > began);
}

fn a_waiting_job_is_cancelled_at_once_and_a_running_one_soon(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let (runs, waits) = (world.add(AGAIN, "a", ""), world.add(AGAIN, "a", ""));
    one.turn();
    let cancel = |no| world.write(|scope, tx| Ok(job_cancel(scope, tx, no, world.now())?));
    assert!(cancel(waits) && cancel(runs));
    assert!(!cancel(waits), "it is over");
    assert_eq!(state(&world, waits), (State::Cancelled, Some("cancelled while it waited".to_owned())));
    assert_eq!(world.job(runs).state, State::Running);
    one.turn();
    one.finish();
    assert_eq!(state(&world, runs), (State::Cancelled, Some("cancelled while it ran".to_owned())));
    assert_eq!(world.effects(), []);
}

fn a_job_that_does_not_stop_is_dropped(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let no = world.add(AGAIN, "a", "never stops");
    one.turn();
    world.write(|scope, tx| Ok(job_cancel(scope, tx, no, world.now())?));
    one.turn();
    world.clock.advance(GRACE_MICROS);
    one.turn();
    assert_eq!((one.running(), world.job(no).state), (1, State::Running));
    world.clock.advance(1);
    one.turn();
    assert_eq!((one.running(), world.job(no).state), (0, State::Cancelled));
}

fn a_job_that_takes_too_long_is_stopped_and_tried_again(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let no = world.add(AGAIN, "a", "never stops");
    one.turn();
    let mut passed = 0;
    while passed <= HOUR {
        world.clock.advance(LEASE_MICROS);
        passed += LEASE_MICROS;
        one.turn();
    }
    world.clock.advance(GRACE_MICROS + 1);
    one.turn();
    assert_eq!(state(&world, no), (State::Queued, Some("it took longer than it may".to_owned())));
}

fn a_job_that_panics_is_a_defect_of_its_own_only(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let (panics, fine) = (world.add(ONCE, "a", "panics"), world.add(ONCE, "b", ""));
    one.turn();
    one.finish();
    let problem = "a defect: the job panicked; the server's log says where".to_owned();
    assert_eq!(state(&world, panics), (State::Failed, Some(problem)));
    assert_eq!(state(&world, fine), (State::Succeeded, None));
}

fn a_process_that_stops_gives_back_what_may_be_begun_again(store: Store) {
    let world = World::new(store);
    let (mut one, mut other) = (world.process("one"), world.process("other"));
    let (again, once) = (world.add(AGAIN, "a", ""), world.add(ONCE, "a", ""));
    one.turn();
    one.stop();
    let job = world.job(again);
    assert_eq!((job.state, job.attempt), (State::Queued, 0), "no attempt of its own");
    assert_eq!(world.job(once).state, State::Failed);
    other.turn();
    other.finish();
    assert_eq!((world.job(again).state, world.effects()), (State::Succeeded, vec![(again, 1)]));
}

fn a_kind_that_nobody_runs_is_waited_for_in_words(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let no = world.add("test.other", "a", "");
    one.turn();
    let job = world.job(no);
    assert_eq!(job.state, State::Queued);
    assert_eq!(job.waits_for, "no process that is running offers this kind of job");
}

fn what_was_over_long_ago_is_forgotten(store: Store) {
    let world = World::new(store);
    let mut one = world.process("one");
    let old = world.add(AGAIN, "a", "");
    one.turn();
    one.finish();
    world.clock.advance(KEPT_MICROS);
    let young = world.add(AGAIN, "a", "");
    one.turn();
    one.finish();
    assert_eq!(world.jobs().iter().map(|job| job.no).collect::<Vec<_>>(), [old, young]);
    world.clock.advance(HOUR);
    one.turn();
    assert_eq!(world.jobs().iter().map(|job| job.no).collect::<Vec<_>>(), [young]);
    let lines = world.read(|scope, tx| Ok(line_page(scope, tx, old, 0, 10)?));
    assert_eq!(lines, []);
}

//! Whatever happens in whatever order, no job runs twice at once and none is lost.

use std::collections::BTreeSet;

use db::{Location, Store};
use jobs::runner::LEASE_MICROS;
use jobs::store::job::{State, job_cancel};
use proptest::prelude::*;

use super::world::{AGAIN, ONCE, Process, World};

/// Processes of a history.
const PROCESSES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// A job of one of the kinds, with one of three keys.
    Add(bool, u8),
    Turn(usize),
    /// What runs in the process comes to its end, even if the process was thought dead.
    Finish(usize),
    /// The process is killed and started again.
    Kill(usize),
    Pass(i64),
    Cancel(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<bool>(), 0..3u8).prop_map(|(is_once, key)| Step::Add(is_once, key)),
        5 => (0..PROCESSES).prop_map(Step::Turn),
        2 => (0..PROCESSES).prop_map(Step::Finish),
        1 => (0..PROCESSES).prop_map(Step::Kill),
        3 => (1..40i64).prop_map(Step::Pass),
        1 => (1..10u64).prop_map(Step::Cancel),
    ]
}

fn carry_out(world: &World, processes: &mut [Process], step: &Step) {
    match step {
        Step::Add(is_once, key) => {
            world.add(if *is_once { ONCE } else { AGAIN }, &key.to_string(), "");
        }
        Step::Turn(i) => processes[*i].turn(),
        Step::Finish(i) => processes[*i].finish(),
        Step::Kill(i) => processes[*i] = world.process(&format!("{i} again at {}", world.now())),
        Step::Pass(seconds) => world.pass(*seconds),
        Step::Cancel(no) => {
            world.write(|scope, tx| Ok(job_cancel(scope, tx, *no, world.now())?));
        }
    }
}

fn check(world: &World, steps: &[Step]) {
    let mut processes: Vec<_> = (0..PROCESSES).map(|i| world.process(&i.to_string())).collect();
    for step in steps {
        carry_out(world, &mut processes, step);
        let jobs = world.jobs();
        let running: Vec<_> = jobs.iter().filter(|job| job.state == State::Running).collect();
        let slots: BTreeSet<_> = running.iter().map(|job| (&job.kind, &job.key)).collect();
        assert_eq!(slots.len(), running.len(), "of a kind and key one runs");
    }
    // In the end everybody who was silent is noticed, and everything comes to an end.
    for _ in 0..60 {
        if world.jobs().iter().all(|job| job.state.is_over()) {
            break;
        }
        world.clock.advance(LEASE_MICROS + 1);
        for process in &mut processes {
            process.turn();
            process.finish();
        }
    }
    let effects = world.effects();
    for job in world.jobs() {
        let own: Vec<u32> =
            effects.iter().filter(|(no, _)| *no == job.no).map(|(_, attempt)| *attempt).collect();
        match job.state {
            State::Succeeded => assert_eq!(own.last(), Some(&job.attempt), "{job:?}"),
            State::Cancelled => assert!(job.cancel.is_some(), "{job:?}"),
            // Nothing but the death of its process makes a job of this test fail.
            State::Failed => assert!(job.problem.as_ref().unwrap().starts_with("abandoned"), "{job:?}"),
            State::Queued | State::Running => panic!("lost: {job:?}"),
        }
        assert!(own.len() <= job.attempt as usize);
        assert!(job.kind == AGAIN || job.attempt <= 1, "begun twice: {job:?}");
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn no_job_runs_twice_at_once_and_none_is_lost_on_sqlite(steps in prop::collection::vec(step(), 1..60)) {
        let directory = testkit::temp_dir();
        let store = Store::open(&Location::Directory(directory.path().to_owned())).unwrap();
        check(&World::new(store), &steps);
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn no_job_runs_twice_at_once_and_none_is_lost_on_postgres(steps in prop::collection::vec(step(), 1..60)) {
        let url = testkit::PostgresServer::start().database();
        let store = Store::open(&Location::Postgres(url)).unwrap();
        check(&World::new(store), &steps);
    }
}

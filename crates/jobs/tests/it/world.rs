//! An installation with one workspace, and processes over it.

use std::sync::Arc;

use db::{Pool, Store, Tx};
use jobs::run::Run;
use jobs::store::job::{Job, NewJob, job_create, job_fetch, job_page};
use jobs::work::{Retries, Running, Work};
use jobs::{Kinds, Runner};
use kernel::scope::Permission;
use kernel::time::{Clock, SECOND};
use kernel::{Failure, Instant, Scope};
use serde_json::{Value, json};
use testkit::{CountingIds, ManualClock};
use tokio::sync::watch;
use workspace::Installation;
use workspace::store::workspace::{NewWorkspace, workspace_create};

/// A kind whose jobs wait for their process's gate and then do what their input says: `{"key", "does"}`.
pub(crate) struct Gated {
    kind: &'static str,
    retries: Retries,
    gate: watch::Receiver<bool>,
}

/// Kinds that may be begun five times, and once.
pub(crate) const AGAIN: &str = "test.again";
pub(crate) const ONCE: &str = "test.once";

impl Work for Gated {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn about(&self) -> &'static str {
        "waits"
    }

    fn permission(&self) -> Permission {
        Permission::JobWrite
    }

    fn retries(&self) -> Retries {
        self.retries
    }

    fn check(&self, _: &Value) -> kernel::Result<()> {
        Ok(())
    }

    fn key(&self, input: &Value) -> String {
        input["key"].to_string()
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            run.progress(1, Some(2), "waiting");
            let does = run.input["does"].as_str().unwrap_or_default();
            if does == "never stops" {
                std::future::pending::<()>().await;
            }
            let mut gate = self.gate.clone();
            tokio::select! {
                _ = gate.wait_for(|is_open| *is_open) => {}
                () = run.stopped() => run.check()?,
            }
            let no = run.no;
            match does {
                "panics" => panic!("as it was told"),
                "fails" => return Err(Failure::invalid("input", "not like this")),
                "lacks" => return Err(Failure::unavailable("the other side is away")),
                _ => {}
            }
            let attempt = run.attempt;
            run.write(move |scope, tx| effect(scope, tx, no, attempt)).await?;
            run.say("it is done");
            run.problem("but not beautiful");
            Ok(json!({ "attempt": run.attempt }))
        })
    }
}

/// What an attempt leaves behind; a second time for the same attempt is refused by the database.
fn effect(scope: &Scope, tx: &mut Tx<'_>, no: u64, attempt: u32) -> kernel::Result<()> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 1)";
    let name = format!("effect {no} {attempt}");
    Ok(tx.execute(sql, &[scope.workspace.into(), (&name).into()]).map(drop)?)
}

/// A process: its own threads and its own jobs. Dropped, it is dead.
pub(crate) struct Process {
    runtime: Option<tokio::runtime::Runtime>,
    runner: Option<Runner>,
    gate: watch::Sender<bool>,
}

impl Process {
    pub(crate) fn turn(&mut self) {
        self.runner.as_mut().unwrap().turn().unwrap();
    }

    pub(crate) fn running(&self) -> usize {
        self.runner.as_ref().unwrap().running()
    }

    /// Lets everything that runs here come to its end.
    pub(crate) fn finish(&mut self) {
        self.gate.send_replace(true);
        let runner = self.runner.take().unwrap();
        self.runner = Some(self.runtime.as_ref().unwrap().block_on(runner.drain()).unwrap());
        self.gate.send_replace(false);
    }

    /// Stops in good order.
    pub(crate) fn stop(mut self) {
        let runner = self.runner.take().unwrap();
        self.runtime.as_ref().unwrap().block_on(runner.stop());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) struct World {
    pub(crate) installation: Installation,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) scope: Scope,
}

impl World {
    pub(crate) fn new(store: Store) -> Self {
        let clock = Arc::new(ManualClock::default());
        let pool = store.installation().unwrap();
        let new = NewWorkspace { name: "w", secret: [7; 32], partitions: 1, time_zone: "Asia/Shanghai" };
        let workspace = pool.write(|tx| workspace_create(tx, &new, clock.now())).unwrap();
        let ids = Arc::new(CountingIds::default());
        let installation = Installation::open(store, Arc::clone(&clock) as Arc<dyn Clock>, ids).unwrap();
        Self { installation, clock, scope: Scope::system(workspace.no, "test") }
    }

    pub(crate) fn process(&self, name: &str) -> Process {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let (gate, entered) = watch::channel(false);
        let kind =
            |kind, retries| -> Arc<dyn Work> { Arc::new(Gated { kind, retries, gate: entered.clone() }) };
        let kinds = Kinds::new([kind(AGAIN, Retries::Upto(5)), kind(ONCE, Retries::Never)]);
        let runner = Runner::new(self.installation.clone(), kinds, name, runtime.handle().clone());
        Process { runtime: Some(runtime), runner: Some(runner), gate }
    }

    pub(crate) fn pool(&self) -> Pool {
        self.installation.pool(&self.scope).unwrap()
    }

    pub(crate) fn write<T>(&self, work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T>) -> T {
        self.pool().write(|tx| work(&self.scope, tx)).unwrap()
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&Scope, &mut Tx<'_>) -> kernel::Result<T>) -> T {
        self.pool().read(|tx| work(&self.scope, tx)).unwrap()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(seconds * SECOND);
    }

    /// Makes a job with a key of its own, or a given one.
    pub(crate) fn add(&self, kind: &str, key: &str, does: &str) -> u64 {
        let input = json!({ "key": key, "does": does }).to_string();
        let (key, now) = (json!(key).to_string(), self.now());
        let new =
            NewJob { kind, key: &key, input: &input, attempts_max: 5, schedule: None, actor: "test", now };
        self.write(|scope, tx| job_create(scope, tx, &new))
    }

    pub(crate) fn job(&self, no: u64) -> Job {
        self.read(|scope, tx| job_fetch(scope, tx, no))
    }

    /// All jobs, in the order they were made.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.read(|scope, tx| Ok(job_page(scope, tx, &Default::default(), u64::MAX, 10_000)?));
        jobs.reverse();
        jobs
    }

    /// What attempts left behind: job and attempt.
    pub(crate) fn effects(&self) -> Vec<(u64, u32)> {
        let sql = "select name from counter where workspace_id = ?1 and name like 'effect %' order by name";
        let names = self.read(|scope, tx| {
            Ok(tx.query(sql, &[scope.workspace.into()], |row| Ok(row.text(0)?.to_owned()))?)
        });
        let read = |name: &String| {
            let mut parts = name.split(' ').skip(1).map(|part| part.parse::<u64>().unwrap());
            (parts.next().unwrap(), parts.next().unwrap() as u32)
        };
        let mut effects: Vec<_> = names.iter().map(read).collect();
        effects.sort_unstable();
        effects
    }
}

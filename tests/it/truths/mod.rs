//! The demo world, loaded through the collector, and its planted truths, checked through the API.
//!
//! `Tiny` by default; with `HEADWATER_TRUTHS=small` the world is fifty times as large and belongs into a
//! release build. Figures go to standard output. All tests share one loaded world: readers hold
//! [`World::read`], and the one test that merges holds [`World::change`].

mod gates;
mod identities;
mod intake;
mod marks;
mod payments;
mod replay;
mod seeds;
mod sessions;
mod stages;
mod stores;
mod tiers;
mod walls;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use demo::{Message, Profile};
use headwater_tests::{TestServer, TestWorkspace, encoded, pages};
use insight::live::is_settled;
use insight::store::timer::evaluated_until;
use kernel::Failure;
use kernel::time::Clock;
use serde_json::{Value, json};

const SEED: u64 = 20_260_630;
/// When the world ends; every figure is as of then.
const AS_OF: &str = "2026-06-30T15:59:59Z";
/// Parties a preview names at most.
const SAMPLE_MAX: usize = 200;
/// Messages taken from the world at a time; of these, each source's make one request.
const CHUNK: usize = 2_000;
/// Turns of the pipeline until everybody was looked at; a thousand parties take one.
const TURNS_MAX: usize = 10_000;

/// A server that has been told everything.
struct World {
    server: TestServer,
    truth: BTreeMap<&'static str, Vec<Value>>,
    workspaces: HashMap<&'static str, TestWorkspace>,
    use_of: RwLock<()>,
    places: OnceLock<HashMap<String, Place>>,
}

/// Where a message of `xiulin` is shown.
struct Place {
    party: String,
    time: String,
    count: u32,
}

/// The loaded world, as long as some test holds it.
fn world() -> Arc<World> {
    static WORLD: Mutex<Weak<World>> = Mutex::new(Weak::new());
    let mut kept = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(world) = kept.upgrade() {
        return world;
    }
    let world = Arc::new(World::load());
    *kept = Arc::downgrade(&world);
    world
}

#[allow(clippy::disallowed_methods, reason = "chooses what this run of the tests covers")]
fn profile() -> Profile {
    match std::env::var("HEADWATER_TRUTHS").as_deref() {
        Ok("small") => Profile::Small,
        _ => Profile::Tiny,
    }
}

/// Says how long `work` took.
#[allow(clippy::disallowed_methods, reason = "measures the test, decides nothing")]
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = std::time::Instant::now();
    let result = work();
    show(format_args!("{what}: {:.1} s", begun.elapsed().as_secs_f64()));
    result
}

/// Prints a figure of this run.
#[allow(clippy::print_stdout, reason = "a run of the large world is made for its figures")]
fn show(line: impl std::fmt::Display) {
    println!("{line}");
}

impl World {
    fn load() -> Self {
        let drawn = demo::World::generate(profile(), SEED);
        let server = TestServer::with_lake_on("2026-07-02");
        let mut workspaces = HashMap::new();
        let mut keys = HashMap::new();
        for (name, source) in demo::SOURCES {
            let workspace = workspaces.entry(name).or_insert_with(|| server.workspace(name)).clone();
            keys.insert((name, source), server.source(&workspace, source));
        }
        let all: Vec<TestWorkspace> = workspaces.values().cloned().collect();
        timed("loading", || {
            timed("sending", || send(&server, &keys, drawn.messages()));
            all.iter().for_each(|workspace| server.drain(workspace));
        });
        let places = OnceLock::new();
        Self { server, truth: drawn.truth(), workspaces, use_of: RwLock::default(), places }
    }

    /// Nobody changes the world meanwhile.
    fn read(&self) -> RwLockReadGuard<'_, ()> {
        self.use_of.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody reads or changes the world meanwhile.
    fn change(&self) -> RwLockWriteGuard<'_, ()> {
        self.use_of.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn w2(&self) -> &TestWorkspace {
        &self.workspaces["xiulin"]
    }

    fn w1(&self) -> &TestWorkspace {
        &self.workspaces["chengdi"]
    }

    fn get(&self, path: &str) -> Value {
        self.server.get(&self.w2().token, path).ok()
    }

    /// The party that holds an identifier of a truth, `{"kind", "value"}`.
    fn party_of(&self, reference: &Value) -> Value {
        let (kind, value) = (reference["kind"].as_str().unwrap(), reference["value"].as_str().unwrap());
        self.get(&format!("/api/v1/parties/by/{}/{}", encoded(kind), encoded(value)))
    }

    /// The ids of the parties a plant's rows are about, in a workspace.
    fn parties<'r>(
        &self,
        workspace: &TestWorkspace,
        rows: impl IntoIterator<Item = &'r Value>,
    ) -> BTreeSet<String> {
        rows.into_iter().map(|row| party_of_row(&self.server, workspace, row)).collect()
    }

    /// Tries a rule on everybody as of the end of the world: how many it holds for, and some of them.
    fn found(&self, workspace: &TestWorkspace, rule: &Value) -> (usize, BTreeSet<String>) {
        let body = json!({ "rule": rule, "as_of": AS_OF, "limit": SAMPLE_MAX });
        let found = self.server.post(&workspace.token, "/api/v1/audiences/preview", &body).ok();
        let sample = found["sample"].as_array().unwrap().iter();
        let sample = sample.map(|id| id.as_str().unwrap().to_owned()).collect();
        (found["count"].as_u64().unwrap() as usize, sample)
    }

    /// A rule holds for exactly the parties these rows are about.
    #[track_caller]
    fn holds_for<'r>(
        &self,
        workspace: &TestWorkspace,
        rule: &Value,
        rows: impl IntoIterator<Item = &'r Value>,
    ) -> usize {
        let expected = self.parties(workspace, rows);
        let (count, sample) = self.found(workspace, rule);
        assert_eq!(count, expected.len(), "{rule}");
        // A preview names not everybody; whom it names is in.
        assert!(sample.is_subset(&expected) && sample.len() == count.min(SAMPLE_MAX), "{rule}");
        count
    }

    /// What a question is answered as of the end of the world.
    fn ask(&self, workspace: &TestWorkspace, ask: &Value) -> Value {
        let body = json!({ "ask": ask, "as_of": AS_OF });
        // A lake that is fed for the first time may be behind for a while.
        for _ in 0..20 {
            let answer = self.server.post(&workspace.token, "/api/v1/questions", &body);
            if answer.status != 503 {
                return answer.ok();
            }
        }
        panic!("the lake does not catch up");
    }

    /// Ids of all people behind a number of an answer.
    fn people(&self, workspace: &TestWorkspace, ask: &Value, at: &str) -> BTreeSet<String> {
        let mut body = json!({ "question": { "ask": ask, "as_of": AS_OF }, "at": at, "limit": 1_000 });
        let mut found = BTreeSet::new();
        loop {
            let page = self.server.post(&workspace.token, "/api/v1/questions/people", &body).ok();
            found.extend(page["items"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => body["cursor"] = json!(next),
                None => return found,
            }
        }
    }

    /// Every event of every timeline, by message id.
    fn places(&self) -> &HashMap<String, Place> {
        self.places.get_or_init(|| timed("reading all timelines", || self.read_timelines()))
    }

    fn read_timelines(&self) -> HashMap<String, Place> {
        let token = &self.w2().token;
        let mut places: HashMap<String, Place> = HashMap::new();
        for party in pages(&self.server, token, "/api/v1/parties") {
            let id = party["id"].as_str().unwrap();
            let timeline = pages(&self.server, token, &format!("/api/v1/parties/{id}/timeline"));
            assert_eq!(party["event_count"], timeline.len(), "{party}");
            for item in &timeline {
                let text = |field: &str| item[field].as_str().unwrap().to_owned();
                let place = || Place { party: id.to_owned(), time: text("time"), count: 0 };
                places.entry(text("id")).or_insert_with(place).count += 1;
            }
        }
        places
    }
}

/// The rows of a plant that have these fields.
fn rows_with<'w>(world: &'w World, plant: &str, fields: &[(&str, &str)]) -> Vec<&'w Value> {
    let fits = |row: &&Value| fields.iter().all(|(field, value)| row[*field] == *value);
    world.truth[plant].iter().filter(fits).collect()
}

/// Waits until every party was looked at as of the clock, under every definition.
fn settle(server: &TestServer, workspace: &TestWorkspace) {
    let scope = server.scope(workspace);
    let pool = server.installation().store().workspace(workspace.no).unwrap();
    let now = server.clock().now();
    for _ in 0..TURNS_MAX {
        // Whatever is decided gives the pipeline a turn, in which it looks after those whose time has come.
        let nothing = json!({ "kind": "any" });
        server.put(&workspace.token, "/api/v1/plan/Nothing/nothing", &nothing).ok();
        let (until, is_settled) = pool
            .read(|tx| Ok::<_, Failure>((evaluated_until(&scope, tx)?, is_settled(&scope, tx)?)))
            .unwrap();
        if until >= now && is_settled {
            return;
        }
    }
    panic!("not everybody was looked at in {TURNS_MAX} turns");
}

/// Defines a tag of a model, and waits until everybody has it.
fn put_model(server: &TestServer, workspace: &TestWorkspace, definition: &Value) -> Value {
    let path = format!("/api/v1/tags/{}", definition["key"].as_str().unwrap());
    server.put(&workspace.token, &path, definition).ok();
    settle(server, workspace);
    server.get(&workspace.token, &path).ok()
}

/// Everybody's value of a tag, by party.
fn values_of(server: &TestServer, workspace: &TestWorkspace, tag: &str) -> BTreeMap<String, Value> {
    let items = pages(server, &workspace.token, &format!("/api/v1/tags/{tag}/members"));
    items.into_iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item["value"].clone())).collect()
}

/// The id of the party a row of a truth is about.
fn party_of_row(server: &TestServer, workspace: &TestWorkspace, row: &Value) -> String {
    let text = |field: &str| encoded(row["profile"][field].as_str().unwrap());
    let path = format!("/api/v1/parties/by/{}/{}", text("kind"), text("value"));
    server.get(&workspace.token, &path).ok()["id"].as_str().unwrap().to_owned()
}

/// Sends messages in their order, but for those of different sources that are due together.
fn send(server: &TestServer, keys: &HashMap<(&str, &str), String>, messages: impl Iterator<Item = Message>) {
    let mut messages = messages.peekable();
    while messages.peek().is_some() {
        let mut by_source: BTreeMap<(&str, &str), String> = BTreeMap::new();
        for message in messages.by_ref().take(CHUNK) {
            let lines = by_source.entry((message.workspace, message.source)).or_default();
            lines.push_str(&message.json);
            lines.push('\n');
        }
        let requests: Vec<_> = by_source
            .into_iter()
            .map(|(source, lines)| {
                let call = server.call("POST", "/api/v1/events").write_key(&keys[&source]);
                server.tokio().spawn(call.body(lines).later())
            })
            .collect();
        for request in requests {
            server.tokio().block_on(request).unwrap().ok();
        }
    }
}

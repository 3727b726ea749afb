//! Places, a clock, a dice, and the model.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use criteria::column::{Bits, Column, Timeline, Values};
use criteria::number::Number;
use criteria::path::Path;
use criteria::value::Value;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use kernel::id::IdSource;
use kernel::time::{Clock, DAY};
use kernel::{Instant, Key, NodeNo, PartyNo};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use crate::{Column as Hot, *};

/// A place to test on, and what keeps it alive.
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) directory: tempfile::TempDir,
}

impl Site {
    pub(super) fn disk() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { place: Place::Disk(directory.path().join("lake/ws-1")), directory }
    }

    /// An S3 server over a directory, on a free port.
    pub(super) async fn s3() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("bucket")).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("access", "secret"));
        let service = builder.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    drop(
                        Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(socket), service)
                            .await,
                    );
                });
            }
        });
        let place = Place::Bucket(Bucket {
            bucket: "bucket".into(),
            prefix: "lake".into(),
            endpoint: Some(format!("http://{address}")),
            region: "us-east-1".into(),
            access_key: "access".into(),
            secret_key: "secret".into(),
        });
        Self { place: place.within("ws-1"), directory }
    }

    pub(super) async fn both() -> [Self; 2] {
        [Self::disk(), Self::s3().await]
    }

    pub(super) async fn open(&self) -> Lake {
        let (lake, repairs) = self.open_with(options()).await;
        assert_eq!(repairs, []);
        lake
    }

    pub(super) async fn open_with(&self, options: Options) -> (Lake, Vec<Repair>) {
        Lake::open(&self.place, options).await.unwrap()
    }

    /// All files under the place whose name ends so, as paths.
    pub(super) fn files(&self, end: &str) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        let mut left = vec![self.directory.path().to_path_buf()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else if path.to_string_lossy().ends_with(end) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// The real time and an offset.
#[derive(Default)]
pub(super) struct TestClock(AtomicI64);

impl TestClock {
    pub(super) fn forward(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        Instant(jiff::Timestamp::now().as_microsecond() + self.0.load(Ordering::Relaxed))
    }
}

/// Ids that differ between all lakes of a test process.
pub(super) struct Counter;

static COUNTER: AtomicU64 = AtomicU64::new(1);

impl IdSource for Counter {
    fn fresh(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

pub(super) fn options() -> Options {
    let hot = vec![Hot::new("total", Kind::Decimal), Hot::new("sku", Kind::Text)];
    Options { hot, ..Options::new(Arc::new(TestClock::default()), Arc::new(Counter)) }
}

/// A small, fast generator; the seed is the test.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Monday 2026-11-02, midnight.
pub(super) const MONDAY: i64 = 20_759 * DAY;

pub(super) fn event(number: u64, party: u32, name: &str, time: i64, properties: &str) -> Event {
    Event {
        party: PartyNo(party),
        node: NodeNo(u64::from(party) * 10),
        time: Instant(time),
        key: Key::of(&[1; 32], &[&number.to_le_bytes()]),
        event: name.into(),
        channel: Some("web".into()),
        source: "shop".into(),
        context: format!(r#"{{"campaign":{{"source":"c-{}"}}}}"#, number % 3).into(),
        properties: properties.into(),
    }
}

/// `count` events of four weeks, some in the same microsecond, with properties of every kind.
pub(super) fn random_events(dice: &mut Dice, first: u64, count: u64) -> Vec<Event> {
    let names = ["page_view", "order_completed", "add_to_cart"];
    (0..count)
        .map(|i| {
            let time = MONDAY + dice.below(28 * 24) as i64 * (DAY / 24) + dice.below(3) as i64;
            let properties = match dice.below(6) {
                0 => "{}".to_owned(),
                1 => format!(r#"{{"total":{}.5,"sku":"s-{}"}}"#, dice.below(100), dice.below(5)),
                2 => format!(r#"{{"total":0.00001,"products":[{{"sku":"p-{}"}}]}}"#, dice.below(5)),
                3 => format!(r#"{{"total":"text","sku":{}}}"#, dice.below(5)),
                4 => format!(r#"{{"total":null,"coupon":"c-{}"}}"#, dice.below(3)),
                _ => format!(r#"{{"total":{},"coupon":"x","gift":true}}"#, dice.below(100)),
            };
            let name = names[dice.below(3) as usize];
            event(first + i, dice.below(40) as u32, name, time, &properties)
        })
        .collect()
}

pub(super) fn handover(after: u64, position: u64, events: Vec<Event>) -> Handover {
    Handover { partition: 0, after, position, events }
}

/// Everything a scan answers, as text rows: party, event, time, key, values.
pub(super) async fn scanned(snapshot: &Snapshot, wanted: Wanted) -> Vec<String> {
    struct Collector(Wanted, Vec<String>, Arc<Mutex<Vec<String>>>);
    impl Visitor for Collector {
        fn party(&mut self, runs: &Runs<'_>) {
            for (run, one) in self.0.events.iter().enumerate() {
                for (row, time) in runs.times(run).iter().enumerate() {
                    let columns = (0..one.columns.len()).map(|c| shown(runs.column(run, c), row));
                    let values: Vec<String> = columns.collect();
                    let key = one.is_keyed.then(|| runs.key(run, row));
                    let name = one.event.as_deref().unwrap_or("*");
                    self.1.push(format!("{} {name} {time} {key:?} {values:?}", runs.party.0));
                }
            }
        }
        fn end(self: Box<Self>) {
            self.2.lock().unwrap().extend(self.1);
        }
    }
    let rows = Arc::new(Mutex::new(Vec::new()));
    let (shared, asked) = (rows.clone(), wanted.clone());
    let start = move |_| Box::new(Collector(asked.clone(), Vec::new(), shared.clone())) as Box<dyn Visitor>;
    snapshot.scan(wanted, &start).await.unwrap();
    let mut rows = std::mem::take(&mut *rows.lock().unwrap());
    // Buckets end in any order; inside a party the order is the scan's.
    rows.sort_by_key(|row| row.split(' ').next().and_then(|party| party.parse::<u32>().ok()));
    rows
}

fn shown(column: Column<'_>, row: usize) -> String {
    let number = |mantissa: i128, scale| Value::Number(Number::new(mantissa, scale).unwrap());
    let is_there = |valid: Option<Bits<'_>>| valid.is_none_or(|bits| bits.get(row));
    let values: Vec<Value> = match column.parts() {
        (None, Values::Number { mantissas, scale, valid }) if is_there(valid) => {
            vec![number(mantissas[row].into(), scale)]
        }
        (None, Values::Text { codes, dictionary, valid }) if is_there(valid) => {
            vec![Value::Text(dictionary.text(codes[row]).into())]
        }
        (None, Values::Boolean { values, valid }) if is_there(valid) => vec![Value::Boolean(values.get(row))],
        (None, Values::Mixed(values)) => values[row].clone().into_iter().collect(),
        (Some(offsets), Values::Mixed(items)) => {
            items[offsets[row] as usize..offsets[row + 1] as usize].iter().flatten().cloned().collect()
        }
        _ => Vec::new(),
    };
    format!("{values:?}")
}

/// The same from the model: a list of events.
pub(super) fn modelled(events: &[Event], wanted: &Wanted) -> Vec<String> {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|e| (e.party, e.time, e.key));
    let parties: BTreeSet<PartyNo> = events.iter().map(|e| e.party).collect();
    let mut rows = Vec::new();
    for party in parties {
        if wanted.parties.as_ref().is_some_and(|some| !some.contains(&party)) {
            continue;
        }
        for one in &wanted.events {
            for e in events.iter().filter(|e| {
                e.party == party
                    && one.event.as_ref().is_none_or(|name| *name == e.event)
                    && wanted.from.is_none_or(|from| e.time >= from)
                    && wanted.until.is_none_or(|until| e.time < until)
            }) {
                let [properties, context] = [&e.properties, &e.context]
                    .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
                let found = |path: &Path| {
                    let mut values = Vec::new();
                    path.read_event(&properties, &context, |value| values.push(value));
                    format!("{values:?}")
                };
                let values: Vec<String> = one.columns.iter().map(found).collect();
                let key = one.is_keyed.then_some(e.key);
                let name = one.event.as_deref().unwrap_or("*");
                rows.push(format!("{} {name} {} {key:?} {values:?}", party.0, e.time.0));
            }
        }
    }
    rows
}

pub(super) fn all_columns(event: Option<&str>) -> WantedEvent {
    let columns = ["total", "sku", "coupon", "gift", "products[].sku", "context.campaign.source"];
    let columns = columns.map(|path| Path::parse(path).unwrap()).to_vec();
    WantedEvent {
        event: event.map(Arc::from),
        columns,
        is_keyed: event.is_none_or(|name| name != "page_view"),
        from: None,
        until: None,
    }
}

pub(super) fn everything() -> Wanted {
    let events = ["order_completed", "page_view", "never"].map(|name| all_columns(Some(name)));
    let events = events.into_iter().chain([all_columns(None)]).collect();
    Wanted { events, ..Wanted::default() }
}

/// All rows of a query, or its error.
pub(super) async fn rows(snapshot: &Snapshot, sql: &str, limits: Limits) -> Result<Vec<Vec<Cell>>> {
    let mut answer = snapshot.query(sql, limits, Default::default()).await?;
    let mut rows = Vec::new();
    let mut more = ControlFlow::Continue(());
    while more.is_continue() {
        match answer.next().await? {
            Some(page) => rows.extend(page),
            None => more = ControlFlow::Break(()),
        }
    }
    Ok(rows)
}

pub(super) async fn count(snapshot: &Snapshot) -> i64 {
    let rows = rows(snapshot, "SELECT count(*) FROM events", Limits::default()).await.unwrap();
    match rows[0][0] {
        Cell::Integer(count) => count,
        ref other => panic!("{other:?}"),
    }
}

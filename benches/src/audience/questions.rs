//! The questions, as Headwater is asked them, and its answers as rows that can be compared.
//!
//! The peers' texts are in `peers/questions.py`; their rows look the same.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use kernel::PartyNo;
use kernel::time::DAY;
use lake::{Asking, Cell, Limits, Snapshot};
use question::{Answer, Finding, People, Plan, Question};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::shop::{DAYS, PEOPLE, UNTIL};
use crate::report::median;
use crate::traffic::Draw;

const WEEK: i64 = 7 * DAY;
/// People whose latest events are asked for.
const LATEST_PEOPLE: u64 = 200;
const LATEST_EVENTS: u32 = 50;

/// A row of an answer: integers and texts.
pub(crate) type Row = Vec<Json>;

/// An answer and how long it took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timed {
    pub(crate) rows: Vec<Row>,
    /// Milliseconds of each run.
    pub(crate) times: Vec<f64>,
}

impl Timed {
    /// The median.
    pub(crate) fn ms(&self) -> f64 {
        median(&mut self.times.clone())
    }

    /// The 99th percentile.
    pub(crate) fn p99(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN)
    }
}

/// The questions but the seventh, with their targets against the best peer.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Json)> {
    let within = |days: i64| json!({ "last": format!("{days}d") });
    let orders = |measure: Json, least: i64| json!({"event": "order_completed", "measure": measure, "op": "gte", "value": least, "window": within(30)});
    let week8 = json!({"from": UNTIL.plus(-8 * WEEK).to_string(), "until": UNTIL.to_string()});
    vec![
        (
            "Q1",
            "≥ 3",
            json!({"members": {"all": [
                orders(json!("count"), 2),
                orders(json!({"sum": "amount"}), 500),
                {"event": "product_view", "op": "eq", "value": 0, "window": within(7)}]}}),
        ),
        (
            "Q2",
            "≥ 1.2",
            json!({"rfm": {"order": "order_completed", "amount": "amount", "window": within(730)}}),
        ),
        (
            "Q3",
            "≥ 2.5",
            json!({"funnel": {"steps": ["product_view", "add_to_cart", "order_completed"], "within": "24h",
                "by": "$channel"}}),
        ),
        (
            "Q4",
            "≥ 2.5",
            json!({"retention": {"first": "page_view", "again": "page_view", "every": "week", "periods": 8,
                "window": week8}}),
        ),
        (
            "Q5",
            "≥ 3",
            json!({"absence": {"event": "add_to_cart", "without": "order_completed", "within": "2h",
                "window": within(14)}}),
        ),
        (
            "Q6",
            "≥ 0.7",
            json!({"top": {"event": "order_completed", "item": "sku", "value": "amount", "limit": 100,
                "every": "week", "window": within(DAYS)}}),
        ),
        ("rule", "≥ 2", json!({ "members": rule() })),
    ]
}

/// A rule as people write them: nothing about it is special.
fn rule() -> Json {
    json!({"all": [
        {"event": "order_completed", "measure": {"distinct": "sku"}, "op": "gte", "value": 2,
            "window": {"last": "90d"}},
        {"event": ["search", "favourite_added"], "op": "gte", "value": 3, "window": {"last": "30d"}},
        {"any": [
            {"event": "email_clicked", "op": "gte", "value": 1, "window": {"last": "60d"}},
            {"event": "add_to_cart", "measure": {"sum": "amount"}, "op": "gt", "value": 1000,
                "window": {"last": "60d"}}]},
        {"none": [{"event": "order_refunded", "op": "gte", "value": 1}]}]})
}

/// Those whose latest events are asked for.
pub(crate) fn people(people: u64) -> Vec<u32> {
    let mut draw = Draw(PEOPLE);
    (0..LATEST_PEOPLE).map(|_| draw.below(people) as u32).collect()
}

/// Asks one question of a snapshot, `runs` times after a first one.
pub(crate) async fn ask(snapshot: &Snapshot, ask: &Json, runs: usize) -> anyhow::Result<Timed> {
    let answer = answer(snapshot, ask).await?;
    let mut timed = Timed { rows: rows(&answer)?, times: Vec::new() };
    for _ in 0..runs {
        let start = Instant::now();
        self::answer(snapshot, ask).await?;
        timed.times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(timed)
}

/// Asks for the latest events of each of `people`.
pub(crate) async fn latest(snapshot: &Snapshot, people: &[u32]) -> anyhow::Result<Timed> {
    let mut timed = Timed::default();
    let ask = |party: u32| json!({"latest": {"party": party, "limit": LATEST_EVENTS}});
    answer(snapshot, &ask(people[0])).await?;
    for party in people {
        let start = Instant::now();
        let answer = answer(snapshot, &ask(*party)).await?;
        timed.times.push(start.elapsed().as_secs_f64() * 1e3);
        let Finding::Latest(events) = answer.finding else { anyhow::bail!("no latest events") };
        let sum: i64 = events.iter().map(|event| event.time.0.0).sum();
        timed.rows.push(vec![json!(party), json!(events.len()), json!(sum)]);
    }
    Ok(timed)
}

/// When somebody did something last.
pub(crate) async fn newest(snapshot: &Snapshot, party: PartyNo) -> anyhow::Result<Option<kernel::Instant>> {
    let answer = answer(snapshot, &json!({"latest": {"party": party.0, "limit": 1}})).await?;
    let Finding::Latest(events) = answer.finding else { anyhow::bail!("no latest events") };
    Ok(events.first().map(|event| event.time.0))
}

/// A question as of the end of the data.
pub(crate) fn plan(ask: &Json) -> anyhow::Result<Plan> {
    // The last microsecond before the data end, so that a week that has just begun is not a period.
    let question = json!({"as_of": UNTIL.plus(-1).to_string(), "ask": ask});
    let question: Question = serde_json::from_value(question)?;
    Plan::new(question).map_err(|failure| anyhow::anyhow!("{failure:?}"))
}

async fn answer(snapshot: &Snapshot, ask: &Json) -> anyhow::Result<Answer> {
    let plan = Arc::new(plan(ask)?);
    let asking = Asking { threads: super::THREADS, ..Asking::default() };
    Ok(snapshot.ask(&plan, &Arc::new(People::default()), asking).await?)
}

/// An answer as the peers give it.
fn rows(answer: &Answer) -> anyhow::Result<Vec<Row>> {
    if let Finding::Members(members) = &answer.finding {
        let parties: u64 = members.people().into_iter().flatten().map(u64::from).sum();
        return Ok(vec![vec![json!(members.count()), json!(parties)]]);
    }
    let json = serde_json::to_value(answer)?;
    let list = |json: &Json| json.as_array().cloned().unwrap_or_default();
    let found = |name: &str| json.get(name).filter(|found| !found.is_null());
    if let Some(funnel) = found("funnel") {
        let group = |group: Json| {
            let steps = list(&group["steps"]).into_iter().map(|step| step["people"].clone());
            std::iter::once(group["value"].clone()).chain(steps).collect()
        };
        return Ok(list(&funnel["by"]).into_iter().map(group).collect());
    }
    if let Some(cohorts) = found("retention") {
        return retention(&list(cohorts));
    }
    if let Some(absence) = found("absence") {
        return Ok(vec![vec![absence["events"].clone(), absence["people"].clone()]]);
    }
    if let Some(rfm) = found("rfm") {
        let cell = |cell: &Json| ["r", "f", "m", "people"].map(|name| cell[name].clone()).to_vec();
        return Ok(list(&rfm["cells"]).iter().map(cell).collect());
    }
    top(&list(found("top").context("an answer of a kind this benchmark does not know")?))
}

/// Cohort, period and how many, where there is anybody.
fn retention(cohorts: &[Json]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for cohort in cohorts {
        let number = (instant(&cohort["start"])? - UNTIL.plus(-8 * WEEK).0) / WEEK;
        for (period, people) in cohort["returned"].as_array().into_iter().flatten().enumerate() {
            if *people != json!(0) {
                rows.push(vec![json!(number), json!(period), people.clone()]);
            }
        }
    }
    Ok(rows)
}

/// Thing, hundredths of what it brought, week and how many.
fn top(items: &[Json]) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let start = UNTIL.plus(-(DAYS / 7 + 1) * WEEK).0;
    for item in items {
        let value = item["value"].to_string();
        let hundredths = (value.trim_matches('"').parse::<f64>()? * 100.0).round() as i64;
        for period in item["periods"].as_array().into_iter().flatten() {
            let week = (instant(&period["start"])? - start) / WEEK;
            rows.push(vec![item["item"].clone(), json!(hundredths), json!(week), period["people"].clone()]);
        }
    }
    Ok(rows)
}

fn instant(json: &Json) -> anyhow::Result<i64> {
    let at = json.as_str().and_then(kernel::Instant::parse);
    Ok(at.with_context(|| format!("`{json}` is no instant"))?.0)
}

/// Runs plain SQL over the lake.
pub(crate) async fn sql(snapshot: &Snapshot, text: &str, runs: usize) -> anyhow::Result<Timed> {
    let mut timed = Timed { rows: page(snapshot, text).await?, times: Vec::new() };
    for _ in 0..runs {
        let start = Instant::now();
        page(snapshot, text).await?;
        timed.times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(timed)
}

async fn page(snapshot: &Snapshot, text: &str) -> anyhow::Result<Vec<Row>> {
    let time = std::time::Duration::from_secs(300);
    let limits = Limits { threads: super::THREADS, memory_bytes: 4 << 30, time, ..Limits::default() };
    let mut answer = snapshot.query(text, limits, CancellationToken::new()).await?;
    let mut rows = Vec::new();
    while let Some(page) = answer.next().await? {
        rows.extend(page.into_iter().map(|row| row.into_iter().map(cell).collect()));
    }
    Ok(rows)
}

fn cell(cell: Cell) -> Json {
    match cell {
        Cell::Text(text) => json!(text),
        Cell::Integer(number) => json!(number),
        // Whole numbers only, as the peers' rows have them.
        Cell::Decimal(text) => {
            json!(text.split('.').next().and_then(|whole| whole.parse::<i64>().ok()))
        }
        Cell::Real(number) => json!(number as i64),
        _ => Json::Null,
    }
}

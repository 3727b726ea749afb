//! Questions about everybody, asked of the lake.
//!
//! ```text
//! who moved ─▶ lake, as of now ─▶ who moved meanwhile, who there is, audiences, traits   (one store picture)
//!                    │                 └▶ operators over the store's timelines of those who moved ─┐
//!                    └▶ operators over the lake's rows of all others ─────────────────────────────┴▶ merged
//! ```
//!
//! The lake has events under the party they belonged to when they were written. Parties that gained or lost
//! identifiers since are on a list; their rows are left out there, and their timelines are read here. The list
//! is read before and after the lake is, so nobody is missed in between.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use db::Tx;
use identity::party::{Party, party};
use identity::reading::Reader;
use identity::resolve::Identity;
use identity::store::moved::moved_all;
use identity::store::node::party_page;
use kernel::{Failure, Instant, NodeNo, PartyNo, Scope};
use question::form::Who;
use question::memory::{Memory, Told};
use question::people::TraitBuilder;
use question::{Ask, Block, Finding, Operator, Order, Partial, People, Plan, Slice};
use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::Question;
use super::load::{self, has_own};
use crate::profile::{Weights, covers, spans, traits};
use crate::rules::chunk::{Packed, Row};
use crate::store::audience::AudienceNo;
use crate::store::membership::membership_page;
use crate::store::timeline::chunk_each;

/// Parties between two looks at whether the answer is still wanted.
const PAGE_PARTIES: usize = 500;

/// Something that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = kernel::Result<T>> + Send + 'a>>;

/// The lakes of all workspaces, as questions need them.
pub trait Lakes: Send + Sync {
    /// The lake of the caller's workspace with everything the pipeline had applied when this was called;
    /// `None` if this process has none, or it does not catch up in time.
    fn pin<'a>(&'a self, scope: &'a Scope) -> Later<'a, Option<Arc<dyn Pinned>>>;
}

/// A lake at one moment.
pub trait Pinned: Send + Sync {
    /// What is found about everybody but those left out.
    fn partial(
        &self,
        plan: Arc<Plan>,
        people: Arc<People>,
        left_out: Arc<RoaringBitmap>,
    ) -> Later<'_, Partial>;
}

/// Called now and then; ends the work with its failure.
pub type GoOn = Arc<dyn Fn() -> kernel::Result<()> + Send + Sync>;

/// Asks everybody. `people` are what the caller knows of people already: other audiences by id. `None` where
/// there is no lake.
///
/// # Errors
/// As `go_on`, the database or the lake says.
pub async fn ask(
    reader: &Reader,
    lakes: &dyn Lakes,
    scope: &Scope,
    (plan, people): (&Arc<Plan>, People),
    (weights, go_on): (&Arc<Weights>, &GoOn),
) -> kernel::Result<Option<(Partial, Arc<People>)>> {
    let before = read(reader, scope, |identity, tx| Ok(moved_all(identity.scope, tx)?)).await?;
    let Some(lake) = lakes.pin(scope).await? else { return Ok(None) };
    let (own, weights, go_on) = (Arc::clone(plan), Arc::clone(weights), Arc::clone(go_on));
    let (found, people, left_out) = read(reader, scope, move |identity, tx| {
        let mut left_out: RoaringBitmap =
            before.into_iter().chain(moved_all(identity.scope, tx)?).map(|moved| moved.party.0).collect();
        // Events whose party was not known yet are under this number, and nobody's.
        left_out.insert(0);
        let people = know(identity, tx, &own, people, (&weights, &*go_on))?;
        let found = look_up(identity, tx, &own, &people, (&left_out, &*go_on))?;
        Ok((found, people, left_out))
    })
    .await?;
    let people = Arc::new(people);
    let mut whole = lake.partial(Arc::clone(plan), Arc::clone(&people), Arc::new(left_out)).await?;
    whole.merge(found);
    Ok(Some((whole, people)))
}

async fn read<T: Send + 'static>(
    reader: &Reader,
    scope: &Scope,
    work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
) -> kernel::Result<T> {
    let (reader, scope) = (reader.clone(), scope.clone());
    let read = tokio::task::spawn_blocking(move || reader.read_now(&scope, work));
    read.await.map_err(Failure::internal)?
}

/// For whom a rule holds, by number. `None` where there is no lake.
///
/// # Errors
/// As `go_on`, the database or the lake says.
pub async fn members(
    reader: &Reader,
    lakes: &dyn Lakes,
    scope: &Scope,
    (question, zone): (&Question, &str),
    (weights, go_on): (&Arc<Weights>, &GoOn),
) -> kernel::Result<Option<RoaringBitmap>> {
    let stored: Vec<(AudienceNo, String)> = question.stored().map(|(no, id)| (no, id.to_owned())).collect();
    let as_of = question.as_of();
    let mut audiences = read(reader, scope, move |identity, tx| {
        let mut audiences = BTreeMap::new();
        for (no, id) in stored {
            audiences.insert(Box::from(id), Arc::new(stored_members(identity.scope, tx, no, as_of)?));
        }
        Ok(audiences)
    })
    .await?;
    let inner = question.inner().into_iter().map(|(id, rule)| (Some(id), rule));
    for (id, rule) in inner.chain([(None, question.rule())]) {
        let asked = question::Question::new(as_of, zone, Ask::Members(Who(rule.clone())));
        let plan = Arc::new(Plan::new(asked)?);
        let people = People { audiences: audiences.clone(), ..People::default() };
        let found = ask(reader, lakes, scope, (&plan, people), (weights, go_on)).await?;
        let Some((found, people)) = found else { return Ok(None) };
        let Finding::Members(count) = plan.finish(found, &people).finding else {
            return Err(Failure::internal("a rule was answered as another question"));
        };
        let members = count.people().cloned().unwrap_or_default();
        match id {
            Some(id) => drop(audiences.insert(id.into(), Arc::new(members))),
            None => return Ok(Some(members)),
        }
    }
    Ok(None)
}

/// Who was in an audience at an instant, of those who are in it still.
fn stored_members(
    scope: &Scope,
    tx: &mut Tx<'_>,
    audience: AudienceNo,
    as_of: Instant,
) -> kernel::Result<RoaringBitmap> {
    let (mut members, mut after) = (RoaringBitmap::new(), PartyNo(0));
    loop {
        let page = membership_page(scope, tx, audience, after, PAGE_PARTIES * 20)?;
        let Some(last) = page.last() else { return Ok(members) };
        after = last.party;
        members.extend(page.iter().filter(|member| member.since <= as_of).map(|member| member.party.0));
    }
}

/// What the plan has to know of people.
fn know(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    plan: &Plan,
    mut people: People,
    (weights, go_on): (&Weights, &dyn Fn() -> kernel::Result<()>),
) -> kernel::Result<People> {
    let needs = plan.needs();
    let missing: Vec<&str> =
        needs.traits.iter().map(|name| &**name).filter(|name| !people.traits.contains_key(*name)).collect();
    if !needs.is_everybody && missing.is_empty() {
        return Ok(people);
    }
    let mut everybody = RoaringBitmap::new();
    let mut columns: Vec<TraitBuilder> = missing.iter().map(|_| TraitBuilder::default()).collect();
    let mut after = PartyNo(0);
    loop {
        go_on()?;
        let page = party_page(identity.scope, tx, after, PAGE_PARTIES * 20)?;
        let Some(last) = page.last() else { break };
        after = *last;
        for (place, no) in page.iter().enumerate() {
            everybody.insert(no.0);
            if missing.is_empty() {
                continue;
            }
            if place % PAGE_PARTIES == 0 {
                go_on()?;
            }
            let known = party(identity, tx, *no)?;
            let winners = traits(identity.scope, tx, &known, weights)?;
            for (name, column) in missing.iter().zip(&mut columns) {
                winners.get(*name).into_iter().for_each(|winner| column.set(*no, &winner.value));
            }
        }
    }
    for (name, column) in missing.into_iter().zip(columns) {
        people.traits.insert(name.into(), Arc::new(column.build()));
    }
    people.everybody = Some(Arc::new(everybody));
    Ok(people)
}

/// What is found about those whose rows in the lake are out of date.
fn look_up(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    plan: &Plan,
    people: &People,
    (moved, go_on): (&RoaringBitmap, &dyn Fn() -> kernel::Result<()>),
) -> kernel::Result<Partial> {
    let needs = plan.needs();
    let columns: Vec<usize> = needs.events.iter().map(|need| need.columns.len()).collect();
    let mut operator: Box<dyn Operator + '_> = plan.operator(Slice::WHOLE, people);
    let mut found = Partial::default();
    let mut room = Vec::new();
    for (place, no) in moved.iter().enumerate() {
        if place % PAGE_PARTIES == 0 {
            go_on()?;
        }
        let is_asked = needs.party.is_none_or(|one| one.0 == no);
        let Some(party) = is_asked.then(|| existing(identity, tx, PartyNo(no))).transpose()?.flatten() else {
            continue;
        };
        let timeline = told(identity, tx, plan, &party)?;
        match needs.order {
            Order::Parties => operator.party(party.no, &timeline),
            Order::Blocks => {
                // Blocks follow one another in time, and people do not: each has an operator of its own.
                let mut own = plan.operator(Slice::WHOLE, people);
                own.block(&Block::of(party.no, &timeline, &columns, &mut room));
                found.merge(own.finish());
            }
        }
    }
    found.merge(operator.finish());
    Ok(found)
}

fn existing(identity: &Identity<'_>, tx: &mut Tx<'_>, no: PartyNo) -> kernel::Result<Option<Party>> {
    match party(identity, tx, no) {
        Ok(party) if has_own(&party) => Ok(Some(party)),
        Ok(_) | Err(Failure::NotFound { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The events of a party, as the plan needs them.
fn told(identity: &Identity<'_>, tx: &mut Tx<'_>, plan: &Plan, party: &Party) -> kernel::Result<Memory> {
    let needs = plan.needs();
    let mut memory = Memory::new(needs);
    let since = needs.events.iter().map(|need| need.from.unwrap_or(Instant(i64::MIN))).min();
    let Some(since) = since else { return Ok(memory) };
    let spans = spans(&party.members);
    let nodes: Vec<NodeNo> = party.members.iter().map(|member| member.node.no).collect();
    let mut damage = None;
    chunk_each(identity.scope, tx, &nodes, since, &mut |node, body| {
        let held = spans.get(&node).copied().unwrap_or_default();
        if let Err(failure) = add(&mut memory, body, &|time| covers(held, time)) {
            damage = Some(failure);
        }
        Ok(())
    })?;
    memory.sort();
    damage.map_or(Ok(memory), Err)
}

/// Tells the events of a chunk. One without any that is asked for is not unpacked.
fn add(memory: &mut Memory, body: &[u8], is_held: &dyn Fn(Instant) -> bool) -> kernel::Result<()> {
    let chunk = Packed::open(body)?;
    let is_wanted = |row: &&Row| memory.wants(chunk.names[row.name], row.time) && is_held(row.time);
    let wanted: Vec<&Row> = chunk.rows.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    load::told(&chunk, &wanted, &mut |row, source, properties, context| {
        // As the lake has them.
        let properties = if properties.is_null() { json!({}) } else { properties };
        memory.tell(&Told {
            event: chunk.names[row.name],
            time: row.time,
            key: row.key,
            channel: context.get("channel").and_then(Value::as_str),
            source: &source.0.to_string(),
            properties: &properties,
            context: &context,
        });
    })
}

//! Questions over the lake: what they answer is what the events in memory say.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::question::memory::{Memory, Told};
use ::question::{Answer, Ask, Block, Order, Partial, People, Plan, Question, Slice};
use kernel::time::DAY;
use kernel::{Instant, PartyNo};
use serde_json::Value as Json;

use super::support::*;
use crate::*;

/// What a question answers over events in memory, each party by itself.
pub(super) fn told(events: &[Event], plan: &Plan, people: &People) -> Answer {
    let mut parties: BTreeMap<u32, Vec<&Event>> = BTreeMap::new();
    for party in people.everybody.iter().flat_map(|all| all.iter()) {
        parties.entry(party).or_default();
    }
    for event in events.iter().filter(|e| people.everybody.as_ref().is_none_or(|all| all.contains(e.party.0)))
    {
        parties.entry(event.party.0).or_default().push(event);
    }
    let mut found = Partial::default();
    let needs = plan.needs();
    let columns: Vec<usize> = needs.events.iter().map(|need| need.columns.len()).collect();
    for (party, events) in parties {
        let mut memory = Memory::new(needs);
        for e in events {
            let json = |text: &str| serde_json::from_str::<Json>(text).unwrap_or(Json::Null);
            memory.tell(&Told {
                event: &e.event,
                time: e.time,
                key: e.key,
                channel: e.channel.as_deref(),
                source: &e.source,
                properties: &json(&e.properties),
                context: &json(&e.context),
            });
        }
        memory.sort();
        let mut operator = plan.operator(Slice::WHOLE, people);
        match needs.order {
            Order::Parties => operator.party(PartyNo(party), &memory),
            Order::Blocks => operator.block(&Block::of(PartyNo(party), &memory, &columns, &mut Vec::new())),
        }
        found.merge(operator.finish());
    }
    plan.finish(Partial::from_bytes(&found.to_bytes()).unwrap(), people)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_question_answers_over_files_and_buffers_what_it_answers_over_memory() {
    let mut dice = Dice(77);
    let site = Site::disk();
    // Room for some of what is read: the rest is read again.
    let (lake, _) = site.open_with(Options { buckets: 3, memory_bytes: 20_000, ..options() }).await;
    let writer = lake.writer().await.unwrap();
    let mut all = Vec::new();
    for position in 0..4 {
        let events = random_events(&mut dice, position * 1_000, 150);
        all.extend(events.iter().cloned());
        writer.hand_over(handover(position, position + 1, events)).unwrap();
        if position == 1 {
            writer.flush().await.unwrap();
            lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
        }
        if position == 2 {
            writer.flush().await.unwrap();
        }
    }
    let everybody = Arc::new((0..50u32).collect());
    let people = Arc::new(People { everybody: Some(everybody), ..People::default() });
    let as_of = Instant(MONDAY + 20 * DAY);
    for ask in [
        r#"{"members":{"event":"order_completed","op":"gte","value":2,"window":{"last":"14d"}}}"#,
        r#"{"members":{"event":"order_completed","op":"eq","value":0}}"#,
        r#"{"latest":{"party":7,"limit":5}}"#,
        r#"{"overlap":{"of":[{"event":"page_view","op":"gte","value":3},{"event":"*","op":"eq","value":0}]}}"#,
        r#"{"profile":{"of":{"event":"page_view","op":"gte","value":3},"traits":["age"]}}"#,
        r#"{"trend":{"event":"*","sum":"total","by":"$event","window":{"last":"12d"}}}"#,
        r#"{"funnel":{"steps":["page_view","add_to_cart","order_completed"],"within":"24h","by":"$channel"}}"#,
        r#"{"funnel":{"steps":["page_view","add_to_cart"],"within":"3d","order":"strict","same":["sku"]}}"#,
        r#"{"funnel":{"steps":["page_view","add_to_cart","order_completed"],"within":"3d","order":"any"}}"#,
        r#"{"retention":{"first":"page_view","again":"order_completed","window":{"from":"2026-10-28T00:00:00Z"}}}"#,
        r#"{"retention":{"first":"page_view","again":"page_view","every":"day","window":{"last":"13d"}}}"#,
        r#"{"absence":{"event":"add_to_cart","without":"order_completed","within":"24h","window":{"last":"14d"}}}"#,
        r#"{"rfm":{"order":"order_completed","amount":"total","refund":{"event":"page_view","amount":"total"}}}"#,
        r#"{"top":{"event":"order_completed","item":"sku","value":"total","window":{"last":"20d"}}}"#,
        r#"{"funnel":{"steps":["page_view",{"event":["add_to_cart","order_completed"],"where":[{"property":"total","op":"gte","value":20}]}],"within":"3d","by":{"trait":"age"}}}"#,
        r#"{"funnel":{"steps":["*","order_completed"],"within":"3d","order":"any","by":"sku"}}"#,
        r#"{"absence":{"event":["page_view","add_to_cart"],"without":{"event":"*","where":[{"property":"total","op":"exists"}]},"within":"24h","window":{"last":"14d"}}}"#,
        r#"{"trend":{"event":{"event":["page_view","order_completed"],"where":[{"property":"sku","op":"exists"}]},"sum":"total","by":"sku","window":{"last":"12d"}}}"#,
        r#"{"rfm":{"order":{"event":"order_completed","where":[{"property":"total","op":"gt","value":20}]},"amount":"total"}}"#,
        r#"{"retention":{"first":{"event":"*","where":[{"property":"sku","op":"exists"}]},"again":["order_completed","page_view"],"by":{"trait":"age"},"window":{"last":"13d"}}}"#,
        r#"{"breakdown":{"of":{"event":"page_view","op":"gte","value":2},"by":[{"trait":"age"},{"measure":{"event":"order_completed"},"tiles":3}]}}"#,
        r#"{"breakdown":{"event":"*","by":["$event",{"measure":{"event":"order_completed","measure":{"sum":"total"}},"cuts":[10,50]}],"sum":"total","limit":2,"of":{"event":"page_view","op":"gte","value":2}}}"#,
        r#"{"sessions":{"views":"page_view","clicks":"add_to_cart","orders":"order_completed","page":"sku","by":"$channel","every":"day","window":{"last":"12d"}}}"#,
        r#"{"sessions":{"views":"page_view","clicks":"*","orders":"order_completed","gap":"5h"}}"#,
        r#"{"paths":{"anchor":"add_to_cart","within":"3d","limit":1}}"#,
        r#"{"paths":{"anchor":"order_completed","side":"before","events":["page_view","add_to_cart"],"name":"sku","within":"6d","repeats":true}}"#,
        r#"{"closure":{"order":["order_completed","page_view"],"store":"sku","closed":"s-1","like":["s-2"],"at":"2026-11-12T00:00:00Z","store_days":1,"online_days":1}}"#,
        r#"{"data_funnel":{"steps":[{"name":"all","of":{"always":true}},{"name":"seen","of":{"event":"page_view","op":"gte","value":1}}],"by":{"trait":"age"}}}"#,
        r#"{"top":{"event":"page_view","item":"sku","limit":3,"every":"day","window":{"last":"20d"}}}"#,
    ] {
        let ask: Ask = serde_json::from_str(ask).unwrap();
        let question = Question { people: true, ..Question::new(as_of, "Asia/Shanghai", ask) };
        assert_eq!(Question::parse(&question.to_json()).unwrap(), question);
        let plan = Arc::new(Plan::new(question).unwrap());
        let answer = lake.snapshot().ask(&plan, &people, Asking::default()).await.unwrap();
        assert_eq!(answer, told(&all, &plan, &people), "{}", plan.question().to_json());
    }
}

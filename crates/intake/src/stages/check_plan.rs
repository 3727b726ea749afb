//! Checks events against the tracking plan: new properties are recorded with the type they came
//! with, a value of another type puts the event aside.
//!
//! Nothing is lost by being strict: the event waits in quarantine until the sender is mended or the
//! property is declared `any`, and then enters with its original time.

use std::collections::HashMap;

use db::Tx;
use kernel::Instant;
use kernel::limits::NAME_BYTES_MAX;

use super::members::each_member;
use crate::batch::{Batch, Stage};
use crate::rules::record::{Kind, Op, Record};
use crate::store::plan::{self, PlanProperty, PropertyKind};

/// The event name under which traits are planned.
const PROFILE: &str = "$profile";
/// Distinct properties of one workspace kept in the plan; beyond, new ones are not recorded.
const PROPERTIES_MAX: usize = 200_000;

/// Keeps the plan in memory.
#[derive(Default)]
pub struct CheckPlan {
    known: HashMap<String, HashMap<String, PropertyKind>>,
    known_count: usize,
    fresh: Vec<PlanProperty>,
    is_loaded: bool,
    /// The version that was read; only looked at beside other workers.
    version: i64,
}

impl CheckPlan {
    /// Forgets the plan, so that it is read again: somebody changed it.
    pub fn reload(&mut self) {
        *self = Self::default();
    }

    fn load(&mut self, tx: &mut Tx<'_>, batch: &Batch<'_, '_>) -> db::Result<()> {
        let mut after = (String::new(), String::new());
        loop {
            let page = plan::plan_page(&batch.context.scope, tx, (&after.0, &after.1), 5_000)?;
            let Some(last) = page.last() else { break };
            after = (last.event.clone(), last.property.clone());
            for p in page {
                self.known_count += 1;
                self.known.entry(p.event).or_default().insert(p.property, p.kind);
            }
        }
        self.is_loaded = true;
        Ok(())
    }

    /// The reason to put the record aside, if there is one.
    fn check(&mut self, record: &Record<'_>, at: Instant) -> Option<(String, String)> {
        let mut trouble = None;
        if let Some(properties) = record.properties {
            each_member(properties, &mut |property, value| {
                trouble = trouble.take().or_else(|| check_name(property));
                if record.kind != Kind::Item {
                    trouble = trouble.take().or_else(|| self.check_value(&record.event, property, value, at));
                }
            });
        }
        for change in &record.traits {
            trouble = trouble.or_else(|| check_name(&change.field));
            if matches!(change.op, Op::Set | Op::SetOnce) {
                trouble = trouble.or_else(|| self.check_value(PROFILE, &change.field, change.value, at));
            }
        }
        trouble
    }

    fn check_value(
        &mut self,
        event: &str,
        property: &str,
        raw: &str,
        at: Instant,
    ) -> Option<(String, String)> {
        let kind = PropertyKind::of(raw)?;
        if let Some(expected) = self.known.get(event).and_then(|properties| properties.get(property)) {
            if *expected == kind || *expected == PropertyKind::Any {
                return None;
            }
            let reason = format!(
                "`{property}` of `{event}` is {} in the tracking plan and {} here",
                expected.name(),
                kind.name()
            );
            return Some((property.to_owned(), reason));
        }
        if self.known_count < PROPERTIES_MAX {
            self.known_count += 1;
            self.known.entry(event.to_owned()).or_default().insert(property.to_owned(), kind);
            self.fresh.push(PlanProperty {
                event: event.to_owned(),
                property: property.to_owned(),
                kind,
                status: "observed".to_owned(),
                first: at,
            });
        }
        None
    }
}

/// Names are part of keys in the database, whose length is limited.
fn check_name(name: &str) -> Option<(String, String)> {
    let shown = || name.chars().take(40).collect::<String>();
    let reason = || format!("`{}…` has {} bytes; a name may have {NAME_BYTES_MAX}", shown(), name.len());
    (name.len() > NAME_BYTES_MAX).then(|| (shown(), reason()))
}

impl Stage for CheckPlan {
    fn name(&self) -> &'static str {
        "check_plan"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        if batch.context.partitions > 1 {
            let version = plan::plan_version(&batch.context.scope, tx)?;
            if version != self.version {
                *self = Self { version, ..Self::default() };
            }
        }
        if !self.is_loaded {
            self.load(tx, batch)?;
        }
        for event in batch.events.iter_mut() {
            let at = event.frame.received;
            let Some(record) = event.live() else { continue };
            if let Some((field, reason)) = self.check(record, at) {
                event.reject("plan", &field, reason);
            }
        }
        let fresh = std::mem::take(&mut self.fresh);
        Ok(plan::plan_observe(&batch.context.scope, tx, &fresh)?)
    }

    fn rolled_back(&mut self) {
        self.reload();
    }
}

//! The latest events of one party, newest first.

use criteria::Timeline;
use kernel::id::base32;
use kernel::{Instant, PartyNo};
use serde_json::Value as Json;

use crate::answer::{Finding, LatestEvent};
use crate::cells::text_at;
use crate::form::At;
use crate::needs::{EVENT, Need, Needs, PROPERTIES, path};
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Latest;

/// Which events, made ready.
pub(crate) struct LatestOf {
    party: PartyNo,
    limit: usize,
    as_of: i64,
}

impl LatestOf {
    pub(crate) fn new(latest: &Latest, setting: &Setting) -> Self {
        Self { party: PartyNo(latest.party), limit: latest.limit as usize, as_of: setting.as_of }
    }
}

impl Kind for LatestOf {
    fn needs(&self) -> Needs {
        let need =
            Need::of("*", (i64::MIN, self.as_of.saturating_add(1))).with([path(EVENT), path(PROPERTIES)]);
        Needs {
            events: vec![Need { is_keyed: true, ..need }],
            party: Some(self.party),
            newest: Some(self.limit),
            ..Needs::default()
        }
    }

    fn operator<'p>(&'p self, _: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Newest { of: self, found: Partial::default() })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let event = |(name, group): (Box<[Part]>, crate::partial::Group)| {
            let [Part::Number(time), Part::Text(key), Part::Text(event)] = &*name else { return None };
            let properties =
                group.text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null);
            let (event, key) = (event.to_string(), key.to_string());
            Some(LatestEvent { time: At(Instant(*time)), event, key, properties })
        };
        Finding::Latest(found.groups.into_iter().rev().take(self.limit).filter_map(event).collect())
    }
}

struct Newest<'p> {
    of: &'p LatestOf,
    found: Partial,
}

impl Operator for Newest<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        if party != self.of.party {
            return;
        }
        let times = timeline.times(0);
        let (names, properties) = (timeline.column(0, 0), timeline.column(0, 1));
        let first = times.len().saturating_sub(self.of.limit);
        for (row, time) in times.iter().enumerate().skip(first) {
            let event = text_at(&names, row).unwrap_or_default();
            let key = base32(&timeline.key(0, row).0);
            let name = [Part::Number(*time), Part::Text(key.into()), Part::Text(event.into())];
            self.found.group(&name).text = text_at(&properties, row).map(Box::from);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        self.found
    }
}

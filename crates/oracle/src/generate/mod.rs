//! Random rules and parties that meet: few names, few values, times at the borders of windows.

mod facts;
mod rules;

use kernel::Instant;
use kernel::time::{DAY, HOUR, MINUTE};

use super::dice::Dice;
use super::world::World;
use super::zones;
use criteria::rule::{Duration, Rule};
use criteria::zone::Zone;

/// Properties whose texts are instants.
pub const INSTANT_PROPERTIES: &[&str] = &["at"];

const EVENTS: [&str; 3] = ["A", "B", "C"];
const DURATIONS: [&str; 7] = ["1m", "2h", "1d", "1d", "7d", "2w", "30d"];
const TEXTS: [&str; 7] = ["x", "y", "xy", "é", "e\u{301}", "临澄", ""];
const NUMBERS: [&str; 7] = ["0", "1", "2", "2.5", "-1", "10", "0.1"];

/// Zones, each with an instant around which its calendar is worth a look.
const ZONES: [(&str, &str); 8] = [
    ("Asia/Shanghai", "2026-11-22T16:00:00Z"),
    ("UTC", "2026-01-01T00:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("America/St_Johns", "2006-10-29T02:31:00Z"),
];

/// A rule, a party, an instant and a time zone.
#[derive(Clone, Debug)]
pub struct Case {
    /// The rule.
    pub rule: Rule,
    /// The party.
    pub world: World,
    /// When to evaluate.
    pub as_of: i64,
    /// The workspace's time zone.
    pub zone: &'static str,
}

impl Case {
    /// The case of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let (zone, near) = dice.pick(&ZONES);
        let near = Instant::parse(near).expect("written as RFC 3339").0;
        let as_of = near + (dice.roll(7) as i64 - 3) * [MINUTE, HOUR, DAY, 1][dice.roll(4)];
        let times = Times { as_of, midnights: midnights(zone, as_of) };
        let rule = rules::rule(&mut dice, &times, 1);
        let world = facts::world(&mut dice, &times);
        Self { rule, world, as_of, zone }
    }

    /// The zone, as the evaluator takes it.
    pub fn zone(&self) -> Zone {
        zones::zone(self.zone).0
    }

    /// Instants after `as_of` and before `end` at which a mistake would show: where anything can change,
    /// and beside it.
    pub fn probes(&self, end: i64) -> Vec<i64> {
        let mut points = midnights(self.zone, self.as_of);
        for event in &self.world.events {
            let at = ["at", "due"]
                .map(|key| event.properties.get(key).and_then(|at| Instant::parse(at.as_str()?)));
            points.extend(at.into_iter().flatten().map(|at| at.0).chain([event.time]));
        }
        let traits = self.world.traits.values().filter_map(|value| Instant::parse(value.as_str()?));
        points.extend(traits.map(|at| at.0));
        let later = points.clone();
        for text in DURATIONS {
            points.extend(later.iter().map(|at| at + micros(text)));
        }
        points.extend([end.saturating_sub(1), self.as_of + 1]);
        let around = points.into_iter().flat_map(|at| [at - 1, at, at + 1]);
        let mut points: Vec<i64> = around.filter(|at| *at > self.as_of && *at < end).collect();
        points.sort_unstable();
        points.dedup();
        // Years later nothing is left but what never changes.
        points.retain(|at| *at < self.as_of + 800 * DAY);
        points
    }
}

/// Where times are drawn from.
struct Times {
    as_of: i64,
    midnights: Vec<i64>,
}

impl Times {
    /// A time that lies at a border of something more often than not.
    fn draw(&self, dice: &mut Dice) -> i64 {
        let step = [-1, 0, 0, 1][dice.roll(4)];
        let base = match dice.roll(10) {
            0..4 => self.as_of - micros(dice.pick(&DURATIONS)),
            4 => dice.pick(&self.midnights),
            5 => self.as_of,
            6 => self.as_of - dice.roll(60) as i64 * 12 * HOUR,
            7 | 8 => self.as_of - dice.roll(30) as i64 * HOUR,
            _ => self.as_of + dice.roll(10) as i64 * 6 * HOUR,
        };
        base + step + [0, 0, HOUR, -2 * HOUR, MINUTE][dice.roll(5)]
    }
}

fn micros(text: &str) -> i64 {
    Duration::parse(text).expect("a duration of the pool").micros()
}

/// Local midnights around an instant.
fn midnights(zone: &str, as_of: i64) -> Vec<i64> {
    let (zone, _) = zones::zone(zone);
    let today = zone.day(Instant(as_of));
    (-8..=8).chain([-40, -31, 31, 40, 62]).map(|day| zone.day_start(today + day).0).collect()
}

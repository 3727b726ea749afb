//! The relation machine (LIF-01): new → ordinary → member → super, churned, and won back.
//!
//! Upwards at once, through as many stages as the facts allow; downwards at most once in thirty days,
//! and only after certainty has stayed below the band, so that nobody flips at an edge. The machine has
//! a memory ([`State`]), but nobody has to keep it: [`replay`] steps through the days on which something
//! happened, and once a week between them, from the facts alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::demand;
use crate::facts::{Facts, TouchKind};
use crate::model::{Model, Value};
use crate::rhythm::Rhythm;
use crate::settings::Settings as All;
use crate::tier;

/// The five stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 新客: newly known, demand unclear.
    #[default]
    New,
    /// 普通客户: specific demand, some uncertainty.
    Ordinary,
    /// 会员: demand clear and certain, and bound.
    Member,
    /// 超级客户: dedicated follow-up.
    Super,
    /// 流失客户: sustained follow-up without effect.
    Churned,
}

impl Stage {
    /// Its name in rules and in Chinese.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::New => ("new", "新客"),
            Self::Ordinary => ("ordinary", "普通客户"),
            Self::Member => ("member", "会员"),
            Self::Super => ("super", "超级客户"),
            Self::Churned => ("churned", "流失客户"),
        }
    }
}

/// Where a party is in the machine, and what the next step has to know of the past.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    /// The stage.
    pub stage: Stage,
    /// The day it was entered.
    pub since: Day,
    /// The day of the last move downwards.
    #[serde(default)]
    pub moved_down: Option<Day>,
    /// Since when certainty has been below the band without interruption.
    #[serde(default)]
    pub uncertain_since: Option<Day>,
    /// Consecutive runs of the value model with enough stars for super.
    #[serde(default)]
    pub high_runs: u8,
    /// Consecutive runs of the value model with too few stars for super.
    #[serde(default)]
    pub low_runs: u8,
    /// The run that was counted last.
    #[serde(default)]
    pub run: Option<Day>,
}

impl State {
    /// The state of somebody who became known on a day.
    pub const fn new(since: Day) -> Self {
        Self {
            stage: Stage::New,
            since,
            moved_down: None,
            uncertain_since: None,
            high_runs: 0,
            low_runs: 0,
            run: None,
        }
    }
}

/// Numbers of the definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Clarity from which a new customer is ordinary.
    pub ordinary_clarity: f64,
    /// Days after which a new customer with any intent is ordinary.
    pub new_days_max: i32,
    /// Clarity a member needs.
    pub member_clarity: f64,
    /// Certainty a member needs.
    pub member_certainty: f64,
    /// Certainty below which a member may be none any more.
    pub member_certainty_low: f64,
    /// Days certainty has to stay below; also the least time between two moves downwards.
    pub dwell_days: i32,
    /// Stars from which, and runs for which, a member can be super.
    pub super_stars: (u8, u8),
    /// Stars up to which, and runs for which, super ends.
    pub super_stars_low: (u8, u8),
    /// Silence and failed wake-ups at which a customer has churned.
    pub churned: (f64, u32),
    /// Silence at which one who must not be contacted has churned.
    pub churned_uncontactable: f64,
    /// Days in which wake-ups count, and days a wake-up has to work.
    pub wake_up_days: (i32, i32),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ordinary_clarity: 0.30,
            new_days_max: 90,
            member_clarity: 0.35,
            member_certainty: 0.60,
            member_certainty_low: 0.45,
            dwell_days: 30,
            super_stars: (8, 2),
            super_stars_low: (6, 3),
            churned: (2.0, 3),
            churned_uncontactable: 4.0,
            wake_up_days: (90, 14),
        }
    }
}

/// What a step looks at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inputs {
    /// A loyalty account or a contract.
    pub is_bound: bool,
    /// Clarity of demand.
    pub clarity: f64,
    /// Certainty of demand.
    pub certainty: f64,
    /// Whether there is any intent.
    pub has_intent: bool,
    /// Stars, and the run that gave them.
    pub stars: Option<(u8, Day)>,
    /// Somebody is responsible for it alone.
    pub has_dedicated_owner: bool,
    /// Named super by hand.
    pub is_nominated: bool,
    /// No channel may be used.
    pub is_uncontactable: bool,
    /// Silence ratio.
    pub silence: Option<f64>,
    /// Failed wake-ups.
    pub wake_ups: u32,
    /// The day of the last order.
    pub last_order: Option<Day>,
    /// Days since it became known.
    pub age_days: i32,
}

/// One step on one day: the next state, and the stages passed through, the last being the one it is in
/// now; empty if it stayed.
pub fn step(before: &State, inputs: &Inputs, settings: &Settings, today: Day) -> (State, Vec<Stage>) {
    let mut state = counted(before.clone(), inputs, settings, today);
    let mut passed = Vec::new();
    if state.stage == Stage::Churned {
        if inputs.last_order.is_none_or(|day| day < state.since) || is_churned(inputs, settings) {
            return (state, passed);
        }
        enter(&mut state, Stage::Ordinary, today, &mut passed);
    } else if is_churned(inputs, settings) && may_move_down(&state, settings, today) {
        state.moved_down = Some(today);
        enter(&mut state, Stage::Churned, today, &mut passed);
        return (state, passed);
    }
    while let Some(stage) = above(&state, inputs, settings) {
        enter(&mut state, stage, today, &mut passed);
    }
    if passed.is_empty()
        && let Some(stage) = below(&state, settings, today)
        && may_move_down(&state, settings, today)
    {
        state.moved_down = Some(today);
        enter(&mut state, stage, today, &mut passed);
    }
    (state, passed)
}

fn enter(state: &mut State, stage: Stage, today: Day, passed: &mut Vec<Stage>) {
    state.stage = stage;
    state.since = today;
    passed.push(stage);
}

/// The counters brought up to today. A run counts once, however often the machine steps between two.
fn counted(mut state: State, inputs: &Inputs, settings: &Settings, today: Day) -> State {
    if inputs.certainty >= settings.member_certainty_low {
        state.uncertain_since = None;
    } else if state.uncertain_since.is_none() {
        state.uncertain_since = Some(today);
    }
    if let Some((stars, run)) = inputs.stars
        && state.run.is_none_or(|counted| counted < run)
    {
        state.run = Some(run);
        state.high_runs = if stars >= settings.super_stars.0 { state.high_runs.saturating_add(1) } else { 0 };
        state.low_runs =
            if stars <= settings.super_stars_low.0 { state.low_runs.saturating_add(1) } else { 0 };
    }
    state
}

fn is_churned(inputs: &Inputs, settings: &Settings) -> bool {
    let (silence, wake_ups) = settings.churned;
    inputs.silence.is_some_and(|s| {
        (s >= silence && inputs.wake_ups >= wake_ups)
            || (s >= settings.churned_uncontactable && inputs.is_uncontactable)
    })
}

fn may_move_down(state: &State, settings: &Settings, today: Day) -> bool {
    state.moved_down.is_none_or(|day| today.since(day) >= settings.dwell_days)
}

/// The next stage upwards that the facts allow.
fn above(state: &State, inputs: &Inputs, settings: &Settings) -> Option<Stage> {
    match state.stage {
        Stage::New => {
            let is_known = inputs.clarity >= settings.ordinary_clarity
                || inputs.last_order.is_some()
                || (inputs.age_days >= settings.new_days_max && inputs.has_intent);
            is_known.then_some(Stage::Ordinary)
        }
        Stage::Ordinary => {
            let is_member = inputs.is_bound
                && inputs.clarity >= settings.member_clarity
                && inputs.certainty >= settings.member_certainty;
            is_member.then_some(Stage::Member)
        }
        Stage::Member => {
            let is_high = state.high_runs >= settings.super_stars.1 || inputs.is_nominated;
            (is_high && inputs.has_dedicated_owner).then_some(Stage::Super)
        }
        Stage::Super | Stage::Churned => None,
    }
}

/// The next stage downwards, if the counters ask for it.
fn below(state: &State, settings: &Settings, today: Day) -> Option<Stage> {
    match state.stage {
        Stage::Member => {
            let since = state.uncertain_since?;
            (today.since(since) >= settings.dwell_days).then_some(Stage::Ordinary)
        }
        Stage::Super => (state.low_runs >= settings.super_stars_low.1).then_some(Stage::Member),
        _ => None,
    }
}

/// Wake-ups of the last 90 days that had 14 days to work and did not: no visit, reply, click or order.
pub fn failed_wake_ups(facts: &Facts, settings: &Settings, today: Day) -> u32 {
    let (window, wait) = settings.wake_up_days;
    let has_worked =
        |kind: TouchKind| !matches!(kind, TouchKind::WakeUp | TouchKind::Complaint | TouchKind::Return);
    let answers = facts.touches.iter().filter(|touch| has_worked(touch.kind)).map(|touch| touch.day);
    let answers: Vec<Day> = answers.chain(facts.order_days()).collect();
    let tries = facts
        .touches
        .iter()
        .filter(|touch| touch.kind == TouchKind::WakeUp && touch.day.is_within(window, today));
    let failed = tries.filter(|touch| {
        let is_over = today.since(touch.day) >= wait;
        is_over && !answers.iter().any(|day| (0..=wait).contains(&day.since(touch.day)))
    });
    failed.count() as u32
}

/// The stars of each run, oldest first.
fn stars(facts: &Facts, constants: &Constants, settings: &All) -> Vec<(u8, Day)> {
    let runs = tier::history(tier::Axis::Stars, facts, constants, settings);
    runs.iter().map(|standing| (standing.held.level, standing.held.run)).collect()
}

/// What a step looks at, from facts not later than the day.
fn inputs(facts: &Facts, stars: &[(u8, Day)], constants: &Constants, settings: &All, today: Day) -> Inputs {
    let rhythm = Rhythm::of(facts);
    let threshold = constants.threshold(facts, &rhythm, settings);
    let (told, kept) = demand::certainties(facts, &rhythm, threshold, &settings.demand, today);
    let intents = demand::intents(facts, &settings.demand, today);
    let clarity = Model::Clarity.apply(facts, constants, settings, today).value.as_number();
    Inputs {
        is_bound: facts.is_bound(),
        clarity: clarity.unwrap_or(0.0),
        certainty: told.unwrap_or(0.0).max(kept.unwrap_or(0.0)),
        has_intent: !intents.is_empty(),
        stars: stars.iter().rfind(|(_, run)| *run <= today).copied(),
        has_dedicated_owner: facts.relation.has_dedicated_owner,
        is_nominated: facts.relation.is_nominated,
        is_uncontactable: facts.relation.is_uncontactable,
        silence: rhythm.silence(threshold, today),
        wake_ups: failed_wake_ups(facts, &settings.relation, today),
        // Who gives everything back has ordered all the same.
        last_order: facts.order_days().max(),
        age_days: born(facts, today).map_or(0, |born| today.since(born)),
    }
}

/// The day a party became known, as far as facts say.
fn born(facts: &Facts, today: Day) -> Option<Day> {
    let first = [
        facts.created,
        facts.order_days().min(),
        facts.touches.first().map(|touch| touch.day),
        facts.follow_ups.first().map(|done| done.day),
    ];
    first.into_iter().flatten().min().filter(|day| *day <= today)
}

/// The machine begins this many days ago at most: what was before shows in the facts anyway.
const REPLAY_DAYS_MAX: i32 = 400;

/// The days to step on, ascending, the last being today. Between events clarity and certainty only fall and
/// silence only grows, so once a week will do; weeks are counted from 1970, so that tomorrow steps on the
/// same days.
fn days(facts: &Facts, stars: &[(u8, Day)], today: Day) -> BTreeSet<Day> {
    let start = born(facts, today).unwrap_or(today).max(today.plus(-REPLAY_DAYS_MAX));
    let happened = facts.order_days();
    let happened = happened.chain(facts.touches.iter().map(|touch| touch.day));
    let happened = happened.chain(facts.follow_ups.iter().map(|done| done.day));
    let happened = happened.chain(facts.bindings.iter().map(|binding| binding.day));
    let happened = happened.chain(stars.iter().map(|(_, run)| *run));
    let weekly = (start.0..=today.0).filter(|day| day % 7 == 0).map(Day);
    happened.chain(weekly).chain([start, today]).filter(|day| (start..=today).contains(day)).collect()
}

/// The state of a party today.
pub fn replay(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> State {
    stepped(facts, constants, settings, today).0
}

/// The state, and what the last step looked at.
fn stepped(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> (State, Inputs) {
    let stars = stars(facts, constants, settings);
    let days = days(facts, &stars, today);
    let mut state = State::new(days.first().copied().unwrap_or(today));
    let mut last = Inputs::default();
    for day in days {
        last = inputs(&facts.until(day), &stars, constants, settings, day);
        state = step(&state, &last, &settings.relation, day).0;
    }
    (state, last)
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &All, today: Day) -> Value {
    let (state, inputs) = stepped(facts, constants, settings, today);
    let (en, zh) = state.stage.names();
    let value = Value::text(en)
        .with("bound", f64::from(u8::from(inputs.is_bound)))
        .with("clarity", inputs.clarity)
        .with("certainty", inputs.certainty)
        .with("stars", inputs.stars.map(|(stars, _)| f64::from(stars)))
        .with("silence", inputs.silence)
        .with("failed_wake_ups", f64::from(inputs.wake_ups));
    let Inputs { clarity, certainty, wake_ups, .. } = inputs;
    let since = today.since(state.since);
    let value = value.because(format!("{zh},已{since}天"), format!("{en} for {since} days"));
    value
        .because(
            format!("清晰度{clarity:.2},确定性{certainty:.2},失败唤醒{wake_ups}次"),
            format!("clarity {clarity:.2}, certainty {certainty:.2}, {wake_ups} failed wake-ups"),
        )
        .until(Some(today.plus(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_has_given_the_only_order_back_is_known_all_the_same_and_an_order_given_back_wins_back() {
        let facts = Facts { created: Some(Day(0)), returned: vec![Day(20)], ..Facts::default() };
        let stage = |day| replay(&facts, &Constants::default(), &All::default(), Day(day)).stage;
        assert_eq!((stage(19), stage(20)), (Stage::New, Stage::Ordinary));
        let churned = State { stage: Stage::Churned, ..State::new(Day(0)) };
        let back = inputs(&facts, &[], &Constants::default(), &All::default(), Day(20));
        assert_eq!(step(&churned, &back, &Settings::default(), Day(20)).0.stage, Stage::Ordinary);
    }

    fn run(state: State, inputs: &Inputs, days: std::ops::Range<i32>) -> State {
        days.fold(state, |state, day| step(&state, inputs, &Settings::default(), Day(day)).0)
    }

    fn certain() -> Inputs {
        Inputs { is_bound: true, clarity: 0.5, certainty: 0.7, ..Inputs::default() }
    }

    #[test]
    fn a_bound_customer_of_clarity_a_half_and_certainty_seven_tenths_is_a_member_at_once_lif_01() {
        let (state, passed) = step(&State::new(Day(0)), &certain(), &Settings::default(), Day(1));
        assert_eq!(state.stage, Stage::Member);
        assert_eq!(passed, [Stage::Ordinary, Stage::Member]);
    }

    #[test]
    fn three_failed_wake_ups_while_silent_are_churn_and_an_order_wins_back_the_same_day_lif_01() {
        let member = run(State::new(Day(0)), &certain(), 1..2);
        let silent = Inputs { silence: Some(2.1), wake_ups: 3, last_order: Some(Day(-60)), ..certain() };
        let churned = run(member, &silent, 2..3);
        assert_eq!(churned.stage, Stage::Churned);
        assert_eq!(run(churned.clone(), &silent, 3..60).stage, Stage::Churned);
        let back = Inputs { silence: Some(0.0), last_order: Some(Day(60)), ..certain() };
        let (state, passed) = step(&churned, &back, &Settings::default(), Day(60));
        assert_eq!(state.stage, Stage::Member);
        assert_eq!(passed, [Stage::Ordinary, Stage::Member]);
    }

    #[test]
    fn who_must_not_be_contacted_churns_at_four_times_the_usual_silence_ruling_r11() {
        let silent = |silence| Inputs { silence: Some(silence), is_uncontactable: true, ..Inputs::default() };
        assert_eq!(run(State::new(Day(0)), &silent(3.9), 1..2).stage, Stage::New);
        assert_eq!(run(State::new(Day(0)), &silent(4.0), 1..2).stage, Stage::Churned);
    }

    #[test]
    fn a_member_is_ordinary_again_only_after_thirty_days_below_the_band() {
        let member = run(State::new(Day(0)), &certain(), 1..2);
        let inside_band = Inputs { certainty: 0.5, ..certain() };
        assert_eq!(run(member.clone(), &inside_band, 2..200).stage, Stage::Member);
        let unsure = Inputs { certainty: 0.4, ..certain() };
        let almost = run(member, &unsure, 2..32);
        assert_eq!(almost.stage, Stage::Member);
        // One day of certainty begins the thirty days anew.
        let again = run(almost.clone(), &certain(), 32..33);
        assert_eq!(run(again, &unsure, 33..62).stage, Stage::Member);
        assert_eq!(run(almost, &unsure, 32..33).stage, Stage::Ordinary);
    }

    #[test]
    fn super_takes_two_runs_of_eight_stars_and_an_owner_and_ends_after_three_of_six() {
        let stars = |level, run: i32| Inputs {
            stars: Some((level, Day(run))),
            has_dedicated_owner: true,
            ..certain()
        };
        let once = run(State::new(Day(0)), &stars(8, 1), 1..30);
        assert_eq!(once.stage, Stage::Member, "one run counts once, however many days it lasts");
        let twice = run(once, &stars(9, 31), 31..60);
        assert_eq!(twice.stage, Stage::Super);
        let two_low = run(run(twice, &stars(6, 61), 61..90), &stars(5, 91), 91..120);
        assert_eq!(two_low.stage, Stage::Super);
        // A third low run ends it; two high ones are needed again.
        assert_eq!(run(two_low, &stars(4, 121), 121..150).stage, Stage::Member);
    }

    #[test]
    fn a_wake_up_failed_if_nothing_followed_within_14_days() {
        let touch = |kind, day| crate::facts::Touch {
            kind,
            at: kernel::Instant(0),
            day: Day(day),
            hour_of_week: 0,
            category: None,
        };
        let touches = vec![
            touch(TouchKind::WakeUp, 0),
            touch(TouchKind::WakeUp, 30),
            touch(TouchKind::Response, 40),
            touch(TouchKind::WakeUp, 60),
            touch(TouchKind::WakeUp, 95),
        ];
        let facts = Facts { touches, ..Facts::default() };
        assert_eq!(failed_wake_ups(&facts, &Settings::default(), Day(80)), 2);
        assert_eq!(failed_wake_ups(&facts, &Settings::default(), Day(100)), 1);
    }

    proptest! {
        #[test]
        fn there_is_at_most_one_move_downwards_in_thirty_days(
            days in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64, 1..=9u8, 0.0..5.0f64, 0..5u32), 1..200),
        ) {
            let settings = Settings::default();
            let mut state = State::new(Day(0));
            let mut down: Option<Day> = None;
            for (day, (clarity, certainty, stars, silence, wake_ups)) in days.into_iter().enumerate() {
                let today = Day(day as i32);
                let inputs = Inputs {
                    is_bound: true, clarity, certainty, stars: Some((stars, today)), has_dedicated_owner: true,
                    silence: Some(silence), wake_ups, last_order: Some(today), ..Inputs::default()
                };
                let (next, _) = step(&state, &inputs, &settings, today);
                let is_down = state.stage != Stage::Churned
                    && (next.stage == Stage::Churned || next.stage < state.stage);
                if is_down {
                    prop_assert!(down.is_none_or(|last| today.since(last) >= 30), "{state:?} {next:?}");
                    down = Some(today);
                }
                state = next;
            }
        }
    }
}

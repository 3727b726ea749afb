//! The simulation of §4.5: who is warned of, by which rule.

mod world;

use scoring::rhythm::{self, Rhythm};
use scoring::silence::Warning;
use scoring::{Day, silence};
use world::{Dice, TODAY};

/// What somebody is, by construction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Active,
    Churned,
    Seasonal,
}

/// Order days of a rhythm, ending `quiet` days before today.
fn days(mean: f64, count: usize, quiet: f64, shape: u32, dice: &mut Dice) -> Vec<Day> {
    let mut days = Vec::new();
    let mut place = f64::from(TODAY.0) - quiet;
    for _ in 0..count {
        days.push(Day(place.floor() as i32));
        place -= (mean * dice.gamma(shape)).max(1.0);
    }
    days
}

/// The table's customers: rhythms of 5–120 days, churners silent for at least four of their cycles, seasonal
/// buyers of every half year who last came 100–130 days ago.
fn customers() -> Vec<(Truth, Rhythm)> {
    let mut dice = Dice(45);
    let mut customers = Vec::new();
    for (truth, count) in [(Truth::Active, 7_956), (Truth::Churned, 1_014), (Truth::Seasonal, 800)] {
        for _ in 0..count {
            let mean = 5.0 * 24f64.powf(dice.unit());
            let orders = 6 + dice.below(10);
            let days = match truth {
                // Looked at somewhere inside an interval, which is the likelier the longer it is.
                Truth::Active => {
                    let quiet = mean * dice.gamma(6).max(dice.gamma(6)) * dice.unit();
                    days(mean, orders, quiet, 6, &mut dice)
                }
                Truth::Churned => {
                    let quiet = mean * (4.0 + 2.0 * dice.unit());
                    days(mean, orders, quiet, 6, &mut dice)
                }
                Truth::Seasonal => {
                    let quiet = 100.0 + 30.0 * dice.unit();
                    days(180.0, 4 + dice.below(2), quiet, 60, &mut dice)
                }
            };
            customers.push((truth, Rhythm::of_days(days)));
        }
    }
    customers
}

fn share(customers: &[(Truth, Rhythm)], truth: Truth, is_alarmed: impl Fn(&Rhythm) -> bool) -> f64 {
    let those: Vec<&Rhythm> =
        customers.iter().filter(|(is, _)| *is == truth).map(|(_, rhythm)| rhythm).collect();
    those.iter().filter(|rhythm| is_alarmed(rhythm)).count() as f64 / those.len() as f64
}

#[test]
fn the_own_rhythm_catches_churners_and_spares_active_and_seasonal_buyers_section_4_5() {
    let customers = customers();
    let settings = rhythm::Settings::default();
    let peers = rhythm::peers(customers.iter().map(|(_, rhythm)| rhythm), &settings);
    let levels = silence::Settings::default().levels;
    let warning = |rhythm: &Rhythm| {
        let threshold = rhythm.threshold(peers, &settings);
        Warning::of(rhythm.silence(threshold, TODAY).expect("everybody ordered"), levels)
    };
    let orange = |rhythm: &Rhythm| warning(rhythm) >= Warning::Orange;
    let active = share(&customers, Truth::Active, orange);
    assert!(active <= 0.02, "{active} of active buyers falsely alarmed");
    assert_eq!(share(&customers, Truth::Seasonal, orange), 0.0);
    let caught = share(&customers, Truth::Churned, orange);
    assert!(caught >= 0.99, "{caught} of churners caught");
    let red = |rhythm: &Rhythm| warning(rhythm) == Warning::Red;
    assert!(share(&customers, Truth::Active, red) <= active);
    assert!(share(&customers, Truth::Churned, red) <= caught);
}

#[test]
fn a_fixed_rule_of_ninety_days_alarms_every_seasonal_buyer_section_4_5() {
    let customers = customers();
    let ninety = |rhythm: &Rhythm| rhythm.days_quiet(TODAY).is_some_and(|days| days >= 90);
    assert_eq!(share(&customers, Truth::Seasonal, ninety), 1.0);
    assert!(share(&customers, Truth::Churned, ninety) < 0.9);
}

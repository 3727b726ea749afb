//! All models over a population: what holds for each of them, whatever it computes.

mod world;

use scoring::clv;
use scoring::model::{Measure, Model};
use scoring::tier::stanine;
use scoring::{Builder, Constants, Day, Facts, Settings};
use world::{Dice, TODAY, consumer, consumers};

fn constants(population: &[Facts]) -> Constants {
    Constants::of(population, &Settings::default(), TODAY)
}

#[test]
fn the_same_population_in_any_order_gives_the_same_bytes() {
    let mut population = consumers(700);
    let text =
        |population: &[Facts]| serde_json::to_string(&constants(population)).expect("constants are JSON");
    let forwards = text(&population);
    population.reverse();
    // Not assert_eq: nobody wants to read both.
    assert!(forwards == text(&population));
}

#[test]
fn constants_that_were_read_back_are_those_that_were_computed() {
    let computed = constants(&consumers(700));
    let text = serde_json::to_string(&computed).expect("constants are JSON");
    let read: Constants = serde_json::from_str(&text).expect("constants are read back");
    assert!(read == computed);
}

#[test]
fn a_value_holds_until_the_day_that_is_told() {
    let population = consumers(600);
    let (constants, settings) = (constants(&population), Settings::default());
    for facts in population.iter().step_by(7) {
        for model in Model::ALL {
            let value = model.apply(facts, &constants, &settings, TODAY);
            let until = value.changes_on.map_or(150, |day| day.since(TODAY) - 1);
            assert!(until >= 0, "{model:?} should have changed already: {value:?}");
            for later in [1, until / 2, until].into_iter().filter(|later| *later <= until) {
                let then = model.apply(facts, &constants, &settings, TODAY.plus(later));
                assert_eq!(then.value, value.value, "{model:?} of {} in {later} days", facts.party);
            }
        }
    }
}

#[test]
fn every_value_is_explained_in_both_languages_and_is_of_its_kind() {
    use scoring::model::Output;

    let population = consumers(600);
    let (constants, settings) = (constants(&population), Settings::default());
    let nobody = Facts::default();
    for facts in population.iter().step_by(11).chain([&nobody]) {
        for model in Model::ALL {
            let value = model.apply(facts, &constants, &settings, TODAY);
            let is_said = |reason: &scoring::model::Reason| !reason.zh.is_empty() && !reason.en.is_empty();
            assert!(!value.reasons.is_empty() && value.reasons.iter().all(is_said), "{model:?}");
            assert!((0.0..=1.0).contains(&value.coverage), "{model:?}");
            match (model.output(), &value.value) {
                (_, Measure::Missing) | (Output::Score, Measure::Number(_)) => {}
                (Output::Tag | Output::Stage, Measure::Text(_)) => {}
                (output, value) => panic!("{model:?} is a {output:?} and says {value:?}"),
            }
        }
    }
}

#[test]
fn nobody_scores_zero_for_what_is_not_known() {
    let value =
        |model: Model| model.apply(&Facts::default(), &Constants::default(), &Settings::default(), TODAY);
    for model in [
        Model::PurchasingPower,
        Model::Loyalty,
        Model::PriceSensitivity,
        Model::Clv,
        Model::Stars,
        Model::Completeness,
    ] {
        assert_eq!(value(model).value, Measure::Missing, "{model:?}");
    }
}

#[test]
fn a_workspace_with_200_customers_has_no_clv_model_and_shows_the_fallback_p26() {
    let population = consumers(200);
    let constants = constants(&population);
    assert!(constants.clv.refusal.is_some());
    assert!(constants.willingness.refusal.is_some());
    let settings = Settings::default();
    for facts in population.iter().filter(|facts| !facts.orders.is_empty()) {
        let value = Model::Clv.apply(facts, &constants, &settings, TODAY);
        assert!(value.is_provisional && value.value.as_number().is_some());
        assert!(value.reasons[0].en.starts_with("historical mean: too little data"), "{value:?}");
        assert_eq!(Model::Alive.apply(facts, &constants, &settings, TODAY).value, Measure::Missing);
    }
}

#[test]
fn a_peer_group_of_1000_with_distinct_scores_has_the_stanines_of_val_02_on_both_axes() {
    let merchant = |party: u64| {
        let mut facts = Facts { party, kind: scoring::facts::Kind::Merchant, ..Facts::default() };
        let score = (party * 7_919 % 1_000) as f64;
        facts.attributes.insert("net_sales".to_owned(), score);
        facts.attributes.insert("headroom".to_owned(), 1_000.0 - score);
        facts
    };
    let population: Vec<Facts> = (0..1_000).map(merchant).collect();
    let (constants, settings) = (constants(&population), Settings::default());
    for model in [Model::Stars, Model::Diamonds] {
        let mut sizes = [0; 9];
        for facts in &population {
            let value = model.apply(facts, &constants, &settings, TODAY);
            assert!(value.is_provisional, "a quarter of the weight is known");
            sizes[value.value.as_number().expect("a level") as usize - 1] += 1;
        }
        assert_eq!(sizes, [40, 70, 120, 170, 200, 170, 120, 70, 40], "{model:?}");
    }
    assert_eq!(stanine::level(0.5), 5);
}

#[test]
fn a_later_batch_replaces_the_run_until_it_is_a_month_old_and_then_begins_the_next() {
    let population = consumers(300);
    let settings = Settings::default();
    let next = |before: &Constants, day: Day| {
        let mut builder = Builder::new(settings.clone(), day).after(before);
        population.iter().for_each(|facts| builder.add(facts));
        builder.finish()
    };
    let first = constants(&population);
    let runs =
        |constants: &Constants| constants.runs.iter().map(|run| run.day.since(TODAY)).collect::<Vec<_>>();
    let replaced = next(&first, TODAY.plus(10));
    assert_eq!(runs(&replaced), [10]);
    let second = next(&replaced, TODAY.plus(28));
    assert_eq!(runs(&second), [10, 28]);
    let mut last = second;
    for month in 2..12 {
        last = next(&last, TODAY.plus(28 * month));
    }
    assert_eq!(last.runs.len(), settings.tier.runs_max);
}

#[test]
fn buyers_as_bgnbd_describes_them_are_fitted_and_expected_to_buy_as_they_did() {
    // Rates are gamma, dropping out is geometric: the model's own world, so its gate has to open.
    let mut dice = Dice(11);
    let population: Vec<Facts> =
        (0..4_000).map(|party| consumer(party, &mut dice, world::Way::Random)).collect();
    let settings = Settings {
        clv: clv::Settings { customers_max: 500, ..clv::Settings::default() },
        ..Settings::default()
    };
    let constants = Constants::of(&population, &settings, TODAY);
    assert_eq!(constants.clv.refusal, None, "{:?}", constants.clv);
    let (error, naive) = constants.clv.errors.expect("days were held out");
    assert!(error < naive, "{error} {naive}");
}

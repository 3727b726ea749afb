//! P20: outlets of one peer group fall into nine stars and nine diamonds as the stanine has it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{party_of_row, put_model, values_of, world};

/// Cumulative percent at which levels end (§4.10).
const CUTS: [usize; 9] = [4, 11, 23, 40, 60, 77, 89, 96, 100];

/// What the distributor calls what the value model reads.
fn names() -> Value {
    json!({ "traits": {
        "net_sales": "net_sales_12m",
        "margin_after_investment": "gross_margin_12m",
        "growth": "growth_yoy",
        "momentum": "sales_slope_3m",
        "verification_completeness": "verification",
    } })
}

#[test]
fn outlets_fall_into_nine_stars_and_nine_diamonds_by_their_planted_places() {
    let world = world();
    let _changing = world.change();
    let (server, workspace) = (&world.server, world.w1());
    let config = json!({ "names": names() });
    let refreshed = server.post(&workspace.token, "/api/v1/constants/refresh", &json!({ "config": config }));
    refreshed.ok();
    let rows = &world.truth["P20"];
    let of_row: Vec<(String, &Value)> =
        rows.iter().map(|row| (party_of_row(server, workspace, row), row)).collect();
    for (model, axis) in [("stars", "contribution"), ("diamonds", "potential")] {
        let definition = json!({ "key": model, "name": model, "role": "score", "kind": "model",
            "value_type": "number", "model": model, "config": config });
        put_model(server, workspace, &definition);
        let levels = values_of(server, workspace, model);
        let mut sizes = BTreeMap::new();
        for (party, row) in &of_row {
            let level = levels[party].as_u64().unwrap() as usize;
            // The middle of the place, as a rank in percent.
            let rank = (row[axis].as_f64().unwrap() + 0.5) / rows.len() as f64 * 100.0;
            let planted = CUTS.iter().filter(|cut| rank >= **cut as f64).count() + 1;
            assert_eq!(level, planted, "{model} of {row}");
            *sizes.entry(level).or_insert(0) += 1;
        }
        println!("P20: {model} {sizes:?}");
        if rows.len() == 1_000 {
            let sizes: Vec<usize> = sizes.into_values().collect();
            assert_eq!(sizes, [40, 70, 120, 170, 200, 170, 120, 70, 40]);
        }
        let (party, _) = &of_row[0];
        let body = json!({ "tag": model });
        let why = server.post(&workspace.token, &format!("/api/v1/parties/{party}/explain_tag"), &body).ok();
        assert_eq!(why["reasons"]["reasons"]["coverage"], 1.0, "{why}");
    }
}

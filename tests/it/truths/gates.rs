//! P26: in a workspace of two hundred customers, their value is not modelled, and what is shown instead says so.

use serde_json::json;

use super::{put_model, values_of, world};

#[test]
fn two_hundred_customers_are_too_few_for_a_model_of_their_value_and_the_historical_mean_is_shown() {
    let world = world();
    let _changing = world.change();
    let (server, dealer) = (&world.server, &world.workspaces["yulan"]);
    let constants = server.post(&dealer.token, "/api/v1/constants/refresh", &json!({})).ok();
    assert_eq!(constants["body"]["parties"], 200);
    let refusal = &constants["body"]["clv"]["refusal"];
    assert_eq!((&refusal["because"], &refusal["need"]), (&json!("too_few"), &json!(1_000)), "{refusal}");
    let definition = json!({ "key": "clv", "name": "客户终身价值", "role": "score", "kind": "model",
        "value_type": "number", "model": "clv" });
    put_model(server, dealer, &definition);
    let values = values_of(server, dealer, "clv");
    assert!(values.len() > 50, "{} have bought", values.len());
    for (party, value) in values {
        let body = json!({ "tag": "clv" });
        let why = server.post(&dealer.token, &format!("/api/v1/parties/{party}/explain_tag"), &body).ok();
        assert_eq!(why["value"], value);
        let reasons = &why["reasons"]["reasons"];
        assert_eq!(reasons["is_provisional"], true, "{reasons}");
        let words = reasons["en"].to_string();
        assert!(words.contains("1000 are needed") && words.contains("mean"), "{words}");
    }
}

//! P27: whose an anonymous session was, once its visitor has logged in.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::world;

#[test]
fn anonymous_sessions_land_on_the_person_who_logged_in_after_them() {
    let world = world();
    let _reading = world.read();
    let rows = &world.truth["P27"];
    let mut turns: HashMap<&Value, usize> = HashMap::new();
    rows.iter().for_each(|row| *turns.entry(&row["anonymous_id"]).or_default() += 1);
    let places = world.places();
    let (mut right, mut shared, mut shared_wrong, mut examples) = (0, 0, 0, Vec::new());
    for row in rows {
        let user = world.party_of(&json!({ "kind": "user_id", "value": row["user_id"] }));
        let messages = row["message_ids"].as_array().unwrap();
        let is_right = messages.iter().all(|id| places[id.as_str().unwrap()].party == user["id"]);
        let is_shared = turns[&row["anonymous_id"]] > 1;
        right += usize::from(is_right);
        shared += usize::from(is_shared);
        shared_wrong += usize::from(is_shared && !is_right);
        if !is_right {
            examples.push(row);
        }
    }
    println!("P27: {right} of {} sessions right; {shared_wrong} of {shared} shared wrong", rows.len());
    assert!(!rows.is_empty() && shared > 0);
    assert!(right * 100 >= rows.len() * 99, "{:?}", examples.first());
    assert!(shared_wrong * 200 <= 5 * shared, "{:?}", examples.first());
}

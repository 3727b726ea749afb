//! Broken bytes: whatever arrives is answered, and whatever lands can be read or is refused with a reason.

use super::fixtures;
use super::*;
use crate::rules::open::{self, Shape};

const ROUNDS: usize = 20_000;

/// SplitMix64: a seed is enough to see a failure again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Pieces that mean something to a reader, and so break it sooner than noise does.
const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"\\ud83d",
    b"\\u0000",
    b"null",
    b"1e999",
    b"\xff\xfe",
    b"%",
    b"\x1f\x8b",
    b"\"batch\":[",
];

fn mutated(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(out.len());
        match dice.roll(12) {
            0 if !out.is_empty() => out[at] ^= 1 << dice.roll(8),
            1 => out.truncate(at),
            2 | 3 => drop(out.drain(at..(at + dice.roll(40)).min(out.len()))),
            4..=6 => {
                let piece = PIECES[dice.roll(PIECES.len())];
                drop(out.splice(at..at, piece.iter().copied()));
            }
            7 => {
                let piece = out[at..(at + dice.roll(200)).min(out.len())].to_vec();
                drop(out.splice(at..at, piece));
            }
            _ if !out.is_empty() => out[at] = dice.roll(256) as u8,
            _ => {}
        }
    }
    out
}

/// The text inside a packed body, so that mutations reach what is inside as well as the packing.
fn plain(captured: &fixtures::Captured) -> Option<(Vec<u8>, &'static str)> {
    let (_, query) = captured.path.split_once('?').unwrap_or_default();
    let text = open::unpack(&Bytes::from(captured.body.clone()), Some(query)).ok()?;
    Some((text.to_vec(), if captured.path.starts_with("/sa") { "/sa?token=TOKEN_DEMO" } else { "" }))
}

#[tokio::test]
async fn no_mutation_of_a_real_request_makes_the_collector_panic_or_lose_its_answer() {
    let captured: Vec<_> = fixtures::all().into_iter().filter(|c| c.method == "POST").collect();
    let mut dice = Dice(20_261_121);
    let (mut accepted, mut refused, mut rejected) = (0, 0, 0);
    for round in 0..ROUNDS {
        let world = World::with_partitions(1 + round as u32 % 3);
        let chosen = &captured[dice.roll(captured.len())];
        let request = match (dice.roll(3), plain(chosen)) {
            (0, Some((text, ""))) => {
                let path = ["/api/v1/events", "/v1/batch", "/v1/track"][dice.roll(3)];
                request(&format!("POST {path}"), &basic("WRITE_KEY_DEMO:"), mutated(&text, &mut dice))
            }
            (1, Some((text, ""))) => chosen.request(mutated(&text, &mut dice)),
            (0 | 1, Some((text, path))) => {
                let body = [b"data_list=", base64(&mutated(&text, &mut dice)).as_bytes()].concat();
                request(&format!("POST {path}"), "", body)
            }
            _ => chosen.request(mutated(&chosen.body, &mut dice)),
        };
        let answer = world.send(request).await;
        let is_known = matches!(answer.status, 200 | 400 | 401 | 413);
        assert!(is_known, "round {round}, {}: {} {}", chosen.name, answer.status, answer.text());
        if answer.status == 200 {
            accepted += 1
        } else {
            refused += 1
        }
        assert!(answer.status == 200 || world.landed.lock().is_empty(), "round {round}: refused, yet landed");
        rejected += world.records().iter().filter(|line| !line.starts_with(char::is_uppercase)).count();
    }
    // The mutations must reach all three ends, or they test nothing.
    assert!(accepted > 1_000 && refused > 1_000 && rejected > 1_000, "{accepted} {refused} {rejected}");
}

#[test]
fn the_door_and_the_worker_agree_on_where_events_end() {
    let captured: Vec<_> = fixtures::all().iter().filter_map(plain).map(|(text, _)| text).collect();
    let mut dice = Dice(7);
    let mut compared = 0;
    for round in 0..ROUNDS {
        let text = mutated(&captured[dice.roll(captured.len())], &mut dice);
        // Whatever the strict parser accepts as a whole, the tolerant one must cut at the same places.
        let Ok(strict) = serde_json::from_slice::<serde_json::Value>(&text) else { continue };
        let expected = match &strict {
            serde_json::Value::Array(events) => events.clone(),
            serde_json::Value::Object(o) if o.get("batch").is_some_and(|batch| batch.is_array()) => {
                o["batch"].as_array().unwrap().clone()
            }
            serde_json::Value::Object(_) => vec![strict.clone()],
            _ => continue,
        };
        let batch = open::slice(&text, Shape::Batch).unwrap_or_else(|e| panic!("round {round}: {e}"));
        let found: Vec<serde_json::Value> =
            batch.events.iter().map(|event| serde_json::from_slice(event.raw).unwrap()).collect();
        assert_eq!(found, expected, "round {round}");
        compared += 1;
    }
    assert!(compared > 1_000, "{compared}");
}

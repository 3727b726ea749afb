//! Tags and audiences as sets of people: what twenty clauses over ten million cost.

use roaring::{MultiOps, RoaringBitmap};

use crate::report::{self, line, ratio, thousands};
use crate::traffic::Draw;

/// People.
const PEOPLE: u32 = 10_000_000;
/// Sets, the first one with half of all people, the last ones with few.
const SETS: usize = 20;
const RUNS: u32 = 20;

/// Prints the times of set algebra.
pub(crate) fn run() {
    println!("\ntags: {SETS} sets over {} people", thousands(f64::from(PEOPLE)));
    let mut draw = Draw(0x0074_6167);
    let plain: Vec<Vec<u64>> = (0..SETS).map(|no| set(&mut draw, no)).collect();
    let sets: Vec<RoaringBitmap> = plain.iter().map(|words| bitmap(words)).collect();
    let members: u64 = sets.iter().map(RoaringBitmap::len).sum();
    let bytes: usize = sets.iter().map(RoaringBitmap::serialized_size).sum();
    line("bits per member", format_args!("{:.1}", bytes as f64 * 8.0 / members as f64));
    let (count, ours) = timed(|| clauses(&sets).len());
    let (expected, yardstick) = timed(|| clauses_plain(&plain));
    assert_eq!(count, expected, "both ways find the same people");
    line("twenty clauses, ms", format_args!("{ours:.1}  (target ≤ 50), {} people", thousands(count as f64)));
    line("  the same on plain arrays of words, ms", format_args!("{yardstick:.1}"));
    ratio("  against them", 1.0 / ours, 1.0 / yardstick);
    let (_, three) = timed(|| ((((&sets[1] | &sets[2]) | &sets[3]) & &sets[0]) - &sets[4]).len());
    line("(A ∪ B ∪ C) ∩ D − E, ms", format_args!("{three:.2}"));
    let (_, union) = timed(|| sets.iter().union().len());
    line("union of all, ms", format_args!("{union:.2}"));
    let (_, overlaps) = timed(|| {
        let pairs = (0..SETS).flat_map(|a| (a + 1..SETS).map(move |b| (a, b)));
        pairs.map(|(a, b)| sets[a].intersection_len(&sets[b])).sum()
    });
    line("all 190 overlaps, ms", format_args!("{overlaps:.1}"));
}

/// Every (no + 2)-th person, drawn; odd sets have their people in stretches, as imports do.
fn set(draw: &mut Draw, no: usize) -> Vec<u64> {
    let mut words = vec![0u64; PEOPLE as usize / 64 + 1];
    let share = (no + 2) as u64;
    let stretch = if no % 2 == 1 { 300 } else { 1 };
    let mut person = 0u64;
    while person < u64::from(PEOPLE) {
        if draw.below(share) == 0 {
            for member in person..(person + stretch).min(u64::from(PEOPLE)) {
                words[member as usize / 64] |= 1 << (member % 64);
            }
        }
        person += stretch;
    }
    words
}

fn bitmap(words: &[u64]) -> RoaringBitmap {
    let members = words.iter().enumerate().flat_map(|(at, word)| {
        (0..64u32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 64 + bit)
    });
    // Not optimised into runs, as the product's are not: the union of a sparse set with a set of runs is ten
    // times slower.
    members.collect()
}

/// all(any(7 sets), any(6 sets), any(4 sets)) and none(3 sets).
fn clauses(sets: &[RoaringBitmap]) -> RoaringBitmap {
    let any = |sets: &[RoaringBitmap]| sets.iter().union();
    ((any(&sets[..7]) & any(&sets[7..13])) & any(&sets[13..17])) - any(&sets[17..])
}

fn clauses_plain(sets: &[Vec<u64>]) -> u64 {
    let any = |sets: &[Vec<u64>], at: usize| sets.iter().fold(0, |word, set| word | set[at]);
    (0..sets[0].len())
        .map(|at| {
            any(&sets[..7], at) & any(&sets[7..13], at) & any(&sets[13..17], at) & !any(&sets[17..], at)
        })
        .map(|word| u64::from(word.count_ones()))
        .sum()
}

/// What work answers, and the milliseconds of processor time it takes: it is one thread's, and others at work
/// would only be counted in.
fn timed(work: impl Fn() -> u64) -> (u64, f64) {
    let found = work();
    let start = report::thread_processor_time();
    for _ in 0..RUNS {
        std::hint::black_box(work());
    }
    (found, (report::thread_processor_time() - start).as_secs_f64() * 1e3 / f64::from(RUNS))
}

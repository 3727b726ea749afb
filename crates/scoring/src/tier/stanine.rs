//! Levels 1–9 as stanines, and the hysteresis that keeps them still (§4.10).

use crate::day::Day;
use crate::tier::Held;

/// Cumulative percent at which levels 2–9 begin: 4-7-12-17-20-17-12-7-4.
pub const CUTS: [f64; 8] = [4.0, 11.0, 23.0, 40.0, 60.0, 77.0, 89.0, 96.0];

/// The level of a percentile rank, 0–1.
pub fn level(rank: f64) -> u8 {
    1 + CUTS.iter().filter(|cut| rank * 100.0 >= **cut).count() as u8
}

/// The level held after a run. It moves as far as cuts are passed by `margin` percentile points, or to
/// where two consecutive runs want it. Asking again within one run changes nothing.
pub fn held(before: Option<Held>, rank: f64, run: Day, margin: f64) -> Held {
    let asked = level(rank);
    let Some(before) = before else { return Held { level: asked, asked: None, run } };
    let is_second = before.asked == Some(asked) && before.run < run;
    let is_settled = before.asked.is_none() && asked == before.level;
    if is_second || is_settled {
        return Held { level: asked, asked: None, run };
    }
    // Passing a cut upwards by the margin is being as far up with that much less, and the reverse.
    let clear = if asked > before.level {
        level(rank - margin / 100.0).max(before.level)
    } else {
        level(rank + margin / 100.0).min(before.level)
    };
    let run_kept = if before.run < run { run } else { before.run };
    Held { level: clear, asked: (clear != asked).then_some(asked), run: run_kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Distribution;
    use proptest::prelude::*;

    #[test]
    fn a_thousand_distinct_scores_fall_40_70_120_170_200_170_120_70_40_section_4_10() {
        let group = Distribution::of((0..1_000).map(|n| f64::from(n * n)));
        let mut sizes = [0; 9];
        (0..1_000).for_each(|n| sizes[usize::from(level(group.rank(f64::from(n * n)).unwrap())) - 1] += 1);
        assert_eq!(sizes, [40, 70, 120, 170, 200, 170, 120, 70, 40]);
    }

    #[test]
    fn a_level_moves_by_two_points_or_by_two_runs() {
        let five = Held { level: 5, asked: None, run: Day(0) };
        let near = held(Some(five), 0.615, Day(30), 2.0);
        assert_eq!((near.level, near.asked), (5, Some(6)));
        assert_eq!(held(Some(near), 0.615, Day(30), 2.0), near, "the same run asked twice is one run");
        assert_eq!(held(Some(near), 0.615, Day(60), 2.0).level, 6);
        assert_eq!(held(Some(near), 0.59, Day(60), 2.0), Held { level: 5, asked: None, run: Day(60) });
        assert_eq!(held(Some(five), 0.62, Day(30), 2.0), Held { level: 6, asked: None, run: Day(30) });
        assert_eq!(held(Some(five), 0.385, Day(30), 2.0).level, 5);
        assert_eq!(held(Some(five), 0.375, Day(30), 2.0).level, 4);
        assert_eq!(held(None, 0.99, Day(30), 2.0).level, 9);
    }

    proptest! {
        #[test]
        fn more_is_never_a_lower_level(a in 0.0..1.0f64, b in 0.0..1.0f64, before in 1..=9u8) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(level(low) <= level(high));
            let before = Some(Held { level: before, asked: None, run: Day(0) });
            prop_assert!(held(before, low, Day(1), 2.0).level <= held(before, high, Day(1), 2.0).level);
        }

        #[test]
        fn noise_of_less_than_two_points_around_a_cut_moves_nobody_to_and_fro(
            cut in 0..8usize, noise in prop::collection::vec(-1.9..1.9f64, 2..30),
        ) {
            let mut state = held(None, (CUTS[cut] + noise[0]) / 100.0, Day(0), 2.0);
            let mut moves = 0;
            for (run, noise) in noise.iter().enumerate().skip(1) {
                let next = held(Some(state), (CUTS[cut] + noise) / 100.0, Day(run as i32), 2.0);
                // Only two runs on the same side can move, so never twice in a row.
                moves = if next.level == state.level { 0 } else { moves + 1 };
                prop_assert!(moves < 2);
                state = next;
            }
        }
    }
}

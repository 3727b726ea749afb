//! Minimising a function of a few variables without its derivatives: the simplex of Nelder and Mead.

/// The place of the minimum found from `start`, and the value there. Deterministic; at most `steps_max`
/// steps. Restarted once around what was found, because a simplex can collapse before the minimum.
pub fn minimise(start: &[f64], steps_max: usize, function: impl Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let (found, _) = simplex(start, 0.5, steps_max, &function);
    simplex(&found, 0.05, steps_max, &function)
}

/// The simplex is done when its values differ by less.
const TOLERANCE: f64 = 1e-10;

fn simplex(start: &[f64], edge: f64, steps_max: usize, function: &impl Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let value = |point: &[f64]| {
        let value = function(point);
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let mut points: Vec<(Vec<f64>, f64)> = vec![(start.to_vec(), value(start))];
    for axis in 0..start.len() {
        let mut point = start.to_vec();
        point[axis] += edge;
        let value = value(&point);
        points.push((point, value));
    }
    for _ in 0..steps_max {
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (best, worst) = (points[0].1, points[points.len() - 1].1);
        if (worst - best).abs() <= TOLERANCE * (best.abs() + TOLERANCE) {
            break;
        }
        step(&mut points, &value);
    }
    points.sort_by(|a, b| a.1.total_cmp(&b.1));
    points.swap_remove(0)
}

/// Moves the worst of the points, which are ascending by value.
fn step(points: &mut [(Vec<f64>, f64)], value: &impl Fn(&[f64]) -> f64) {
    let last = points.len() - 1;
    let centre: Vec<f64> = (0..last)
        .map(|axis| points[..last].iter().map(|(point, _)| point[axis]).sum::<f64>() / last as f64)
        .collect();
    let worst = points[last].0.clone();
    let at = |reach: f64| -> (Vec<f64>, f64) {
        let point: Vec<f64> =
            centre.iter().zip(&worst).map(|(centre, worst)| centre + reach * (worst - centre)).collect();
        let value = value(&point);
        (point, value)
    };
    let reflected = at(-1.0);
    if reflected.1 < points[0].1 {
        let expanded = at(-2.0);
        points[last] = if expanded.1 < reflected.1 { expanded } else { reflected };
        return;
    }
    if reflected.1 < points[last - 1].1 {
        points[last] = reflected;
        return;
    }
    let contracted = if reflected.1 < points[last].1 { at(-0.5) } else { at(0.5) };
    if contracted.1 < points[last].1.min(reflected.1) {
        points[last] = contracted;
        return;
    }
    let best = points[0].0.clone();
    for (point, was) in &mut points[1..] {
        point.iter_mut().zip(&best).for_each(|(x, best)| *x = best + 0.5 * (*x - best));
        *was = value(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_found() {
        let valley = |p: &[f64]| (1.0 - p[0]).powi(2) + 100.0 * (p[1] - p[0] * p[0]).powi(2);
        let (place, value) = minimise(&[-1.2, 1.0], 2_000, valley);
        assert!((place[0] - 1.0).abs() < 1e-4 && (place[1] - 1.0).abs() < 1e-4 && value < 1e-8, "{place:?}");
    }
}

//! Schedules that wait for each other in a ring would never run.

use std::collections::{BTreeMap, BTreeSet};

/// The ring that `own` would close by waiting for `after`, each schedule once, beginning with `own`.
/// `known` says of every schedule what it waits for; an old entry for `own` is not looked at.
pub fn ring<'a>(
    own: &'a str,
    after: &'a [String],
    known: &BTreeMap<&'a str, &'a [String]>,
) -> Option<Vec<&'a str>> {
    let mut visited = BTreeSet::new();
    // Paths that are still to be followed; the graph is small.
    let mut paths: Vec<Vec<&str>> = after.iter().map(|id| vec![own, id.as_str()]).collect();
    while let Some(path) = paths.pop() {
        let last = path[path.len() - 1];
        if last == own {
            return Some(path[..path.len() - 1].to_vec());
        }
        if visited.insert(last) {
            let further = known.get(last).copied().unwrap_or_default();
            paths.extend(further.iter().map(|id| path.iter().copied().chain([id.as_str()]).collect()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_found_however_long_and_a_diamond_is_none() {
        let (a, b, d) = (vec!["a".to_owned()], vec!["b".to_owned()], vec!["b".to_owned(), "c".to_owned()]);
        let known: BTreeMap<&str, &[String]> =
            BTreeMap::from([("a", &[][..]), ("b", &a[..]), ("c", &a[..]), ("d", &d[..])]);
        let wanted = ["d".to_owned()];
        assert_eq!(ring("e", &wanted, &known), None);
        assert_eq!(ring("a", &wanted, &known).map(|ring| ring.len()), Some(3));
        assert_eq!(ring("b", &b, &known), Some(vec!["b"]));
    }
}

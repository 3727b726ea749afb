//! Which worker takes which buckets.

use std::collections::BTreeMap;

use crate::lake::Pinned;

/// Bytes of each bucket: a compacted file has one, a flushed one a share of all.
pub(super) fn weights(pinned: &Pinned) -> Vec<u64> {
    let mut weights = vec![1; pinned.table.buckets as usize];
    for file in pinned.files.iter() {
        match file.bucket.and_then(|bucket| weights.get_mut(bucket as usize)) {
            Some(weight) => *weight += file.size,
            None => {
                let share = file.size / weights.len().max(1) as u64;
                weights.iter_mut().for_each(|weight| *weight += share);
            }
        }
    }
    weights
}

/// Deals buckets to at most `groups` groups of about the same weight; none is empty.
pub(super) fn deal(weights: &[u64], groups: usize) -> Vec<Vec<u32>> {
    let groups = groups.clamp(1, weights.len().max(1));
    let mut heaviest: Vec<(u64, u32)> = weights.iter().copied().zip(0u32..).collect();
    heaviest.sort_by_key(|(weight, bucket)| (std::cmp::Reverse(*weight), *bucket));
    let mut dealt = vec![(0u64, Vec::new()); groups];
    for (weight, bucket) in heaviest {
        let lightest = dealt.iter_mut().min_by_key(|(sum, buckets)| (*sum, buckets.len()));
        let (sum, buckets) = lightest.expect("there is at least one group");
        *sum += weight.max(1);
        buckets.push(bucket);
    }
    let by_first = dealt.into_iter().map(|(_, mut buckets)| {
        buckets.sort_unstable();
        (buckets.first().copied(), buckets)
    });
    by_first.collect::<BTreeMap<_, _>>().into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_is_dealt_once_and_no_group_is_empty() {
        for buckets in 1..40usize {
            for groups in 1..10 {
                let weights: Vec<u64> = (0..buckets as u64).map(|b| b * b % 17).collect();
                let dealt = deal(&weights, groups);
                assert_eq!(dealt.len(), groups.min(buckets));
                assert!(dealt.iter().all(|group| !group.is_empty()));
                let mut all: Vec<u32> = dealt.concat();
                all.sort_unstable();
                assert_eq!(all, (0..buckets as u32).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_heavy_bucket_is_alone() {
        assert_eq!(deal(&[100, 10, 10, 10], 2), vec![vec![0], vec![1, 2, 3]]);
    }
}

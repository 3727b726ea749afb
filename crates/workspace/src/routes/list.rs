//! Making a page out of rows.

use serde::Serialize;
use web::{Page, encode_cursor};

/// Makes a page of at most `limit` rows. Hand in one row more if there is one: it only tells that there
/// is a next page, which begins after the `position` of the last row shown.
pub fn page<R, T, P: Serialize>(
    mut rows: Vec<R>,
    limit: usize,
    position: impl FnOnce(&R) -> P,
    item: impl FnMut(R) -> T,
) -> Page<T> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|last| encode_cursor(&position(last)));
    Page { items: rows.into_iter().map(item).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_if_there_was_a_row_too_many() {
        let full = page(vec![1, 2, 3], 2, |last| *last, |row| row * 10);
        assert_eq!((full.items, full.next), (vec![10, 20], Some(encode_cursor(&2))));
        let last = page(vec![1, 2], 2, |last| *last, |row| row);
        assert_eq!((last.items.len(), last.next), (2, None));
        assert_eq!(page(Vec::<i32>::new(), 2, |last| *last, |row| row).next, None);
    }
}

//! How Chinese characters sound, as far as comparing names needs it.

use pinyin::{ToPinyin, ToPinyinMulti};

/// Whether two characters are the same or are commonly read the same.
pub(super) fn is_alike(a: char, b: char) -> bool {
    a == b || matches!((a.to_pinyin(), b.to_pinyin()), (Some(x), Some(y)) if x.plain() == y.plain())
}

/// As [`is_alike`] for the first character: surnames keep readings their characters lost elsewhere.
pub(super) fn is_alike_surname(a: char, b: char) -> bool {
    is_alike(a, b) || {
        let (of_a, of_b) = (readings(a), readings(b));
        of_a.iter().any(|reading| of_b.contains(reading))
    }
}

/// Whether all of `text` is a spelling of all of `chars`.
pub(super) fn is_spelled(chars: &[char], text: &str) -> bool {
    remainders(chars, text).any(|rest| rest.is_empty())
}

/// Whether all of `text` is a spelling of some run of `chars`.
pub(super) fn spells_part_of(chars: &[char], text: &str) -> bool {
    (0..chars.len()).any(|from| (from + 1..=chars.len()).any(|to| is_spelled(&chars[from..to], text)))
}

/// What can be left of `text` after spelling all of `chars`.
fn remainders<'t>(chars: &[char], text: &'t str) -> impl Iterator<Item = &'t str> {
    let mut left = vec![text];
    for c in chars {
        let spellings = readings(*c);
        let mut next: Vec<&str> = left
            .iter()
            .flat_map(|rest| spellings.iter().filter_map(|s| rest.strip_prefix(s.as_str())))
            .collect();
        // Equal remainders would multiply with every ambiguous character.
        next.sort_unstable_by_key(|rest| rest.len());
        next.dedup();
        left = next;
    }
    left.into_iter()
}

/// Every reading in the letters of a keyboard; a character without one reads as itself.
fn readings(c: char) -> Vec<String> {
    let Some(multi) = c.to_pinyin_multi() else {
        return vec![c.to_string()];
    };
    let mut all = Vec::new();
    for reading in multi {
        let plain = reading.plain();
        if plain.contains('ü') {
            all.extend(["v", "u", "yu"].map(|letter| plain.replace('ü', letter)));
        } else {
            all.push(plain.to_owned());
        }
    }
    all
}

//! What a person can be found by: name (also in part, in pinyin, by initials), phone, e-mail.
//!
//! Terms are plain text, looked up by prefix in code-point order, so both databases find the same. A
//! phone is stored backwards: its suffix is a prefix.

use kernel::limits::PAGE_ITEMS_MAX;
use pinyin::ToPinyin;

/// Characters of a name that are indexed.
const NAME_CHARS_MAX: usize = 24;
/// Parties one search looks at before it ranks them.
pub const CANDIDATES_MAX: usize = 5 * PAGE_ITEMS_MAX as usize;
/// Digits of a phone number that are enough to search by.
const PHONE_DIGITS_MIN: usize = 4;

/// The terms of one field, or none if it is not searchable.
pub fn terms(field: &str, value: &str) -> Vec<String> {
    match field {
        "name" | "$name" | "full_name" | "姓名" | "nickname" | "firstName" | "lastName" | "first_name"
        | "last_name" => name_terms(value),
        "email" | "$email" | "$identity_email" => vec![format!("e:{}", value.trim().to_lowercase())],
        "phone" | "mobile" | "$phone" | "$mobile" | "$identity_mobile" | "phone_no" | "landline" => {
            let digits = digits(value);
            if digits.len() < PHONE_DIGITS_MIN {
                Vec::new()
            } else {
                vec![format!("p:{}", reversed(&digits))]
            }
        }
        _ => Vec::new(),
    }
}

/// The prefixes a query stands for, best first.
pub fn query_prefixes(query: &str) -> Vec<String> {
    let query = clean(query);
    let mut prefixes = Vec::new();
    if query.is_empty() {
        return prefixes;
    }
    let number = digits(&query);
    let is_number = query.chars().all(|c| c.is_ascii_digit() || "+- ".contains(c));
    if is_number {
        if number.len() >= PHONE_DIGITS_MIN {
            prefixes.push(format!("p:{}", reversed(&number)));
        }
        return prefixes;
    }
    if query.contains('@') || query.contains('.') {
        prefixes.push(format!("e:{query}"));
    }
    let compact: String = query.chars().filter(|c| !c.is_whitespace()).collect();
    prefixes.push(format!("n:{compact}"));
    if compact.is_ascii() {
        prefixes.push(format!("y:{compact}"));
        prefixes.push(format!("i:{compact}"));
        if !query.contains('@') {
            prefixes.push(format!("e:{compact}"));
        }
    }
    prefixes
}

/// `n:` the name and its endings, `y:` pinyin of each ending, `i:` initials of each ending.
fn name_terms(name: &str) -> Vec<String> {
    let name = clean(name);
    let chars: Vec<char> = name.chars().filter(|c| !c.is_whitespace()).take(NAME_CHARS_MAX).collect();
    let mut terms = Vec::new();
    for start in 0..chars.len() {
        let ending = &chars[start..];
        // An ending inside a Latin word is nothing people search by.
        if start > 0 && chars[start - 1].is_ascii_alphanumeric() && ending[0].is_ascii_alphanumeric() {
            continue;
        }
        terms.push(format!("n:{}", ending.iter().collect::<String>()));
        let spelled: Vec<String> = ending.iter().map(|c| spell(*c)).collect();
        if ending.iter().any(|c| !c.is_ascii()) {
            terms.push(format!("y:{}", spelled.concat()));
            let initials: String = spelled.iter().filter_map(|s| s.chars().next()).collect();
            terms.push(format!("i:{initials}"));
        }
    }
    for word in name.split_whitespace().skip(1) {
        terms.push(format!("n:{word}"));
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn spell(c: char) -> String {
    c.to_pinyin().map_or_else(|| c.to_string(), |p| p.plain().to_owned())
}

fn clean(text: &str) -> String {
    // Full-width letters and digits are what a Chinese keyboard types.
    let half = text.trim().chars().map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    });
    half.collect::<String>().to_lowercase()
}

/// The digits of a phone number without the prefix of China.
fn digits(text: &str) -> String {
    let digits: String = clean(text).chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("86") {
        Some(rest) if rest.len() == 11 && rest.starts_with('1') => rest.to_owned(),
        _ => digits,
    }
}

fn reversed(digits: &str) -> String {
    digits.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a search for `query` finds somebody with this field.
    fn finds(field: &str, value: &str, query: &str) -> bool {
        let terms = terms(field, value);
        query_prefixes(query).iter().any(|prefix| terms.iter().any(|term| term.starts_with(prefix)))
    }

    #[test]
    fn a_person_is_found_by_the_ways_people_search() {
        let found = [
            ("name", "王小明", "王小明"),
            ("name", "王小明", "小明"),
            ("name", "王小明", "wangxiaoming"),
            ("name", "王小明", "Wang Xiao"),
            ("name", "王小明", "wxm"),
            ("name", "王小明", "xm"),
            ("name", "Wang Wei", "wei"),
            ("phone", "+86 138-0013-8000", "8000"),
            ("phone", "13800138000", "１３８００１３８０００"),
            ("email", "Wang@Example.com", "wang@ex"),
            ("email", "wang@example.com", "wang"),
        ];
        for (field, value, query) in found {
            assert!(finds(field, value, query), "{value} by {query}");
        }
        let not_found =
            [("name", "王小明", "明小"), ("phone", "13800138000", "1380"), ("name", "王小明", "angxiao")];
        for (field, value, query) in not_found {
            assert!(!finds(field, value, query), "{value} by {query}");
        }
    }
}

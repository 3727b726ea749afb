//! How personal data is shown to those who may not see it.

/// Keeps enough to recognise a value one knows: an e-mail's first letter and host, otherwise the last
/// quarter, at most four characters; a name's first.
pub fn mask(value: &str) -> String {
    if let Some((local, host)) = value.split_once('@') {
        let first: String = local.chars().take(1).collect();
        return format!("{first}***@{host}");
    }
    let chars: Vec<char> = value.chars().collect();
    if chars.len() <= 4 {
        return chars
            .iter()
            .take(1)
            .chain(std::iter::repeat_n(&'*', chars.len().saturating_sub(1)))
            .collect();
    }
    let shown = (chars.len() / 4).min(4);
    let (hidden, tail) = chars.split_at(chars.len() - shown);
    hidden.iter().map(|_| '*').chain(tail.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_value_shows_too_little_to_be_used() {
        let cases = [
            ("13800138000", "*********00"),
            ("wang@example.com", "w***@example.com"),
            ("王小明", "王**"),
            ("u", "u"),
            ("", ""),
        ];
        for (value, expected) in cases {
            assert_eq!(mask(value), expected, "{value}");
        }
    }
}

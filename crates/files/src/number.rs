//! Numbers as people write them, as text that loses nothing.

/// `text` as a JSON number, or `None` if it is not one. Takes a sign, a fraction, an exponent and
/// thousands separated by commas in threes (`1,234.50`); keeps every digit.
pub(super) fn json(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (if text.starts_with('-') { "-" } else { "" }, rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, Some(fraction)),
        Some(_) => return None,
        None => (mantissa, None),
    };
    let whole = ungrouped(whole, fraction.is_some())?;
    let significant = whole.trim_start_matches('0');
    let mut number = format!("{sign}{}", if significant.is_empty() { "0" } else { significant });
    if let Some(fraction) = fraction {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !is_digits(digits) || digits.len() > 3 {
            return None;
        }
        number.push('e');
        number.push_str(exponent);
    }
    Some(number)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The whole part without commas; `.5` has an empty one.
fn ungrouped(whole: &str, has_fraction: bool) -> Option<String> {
    if whole.is_empty() {
        return has_fraction.then(String::new);
    }
    let mut groups = whole.split(',');
    let first = groups.next().filter(|g| is_digits(g))?;
    let is_grouped = whole.contains(',');
    if is_grouped && (first.len() > 3 || !groups.all(|g| g.len() == 3 && is_digits(g))) {
        return None;
    }
    Some(whole.replace(',', ""))
}

//! Telephone numbers as people in China write them: mobile, fixed line, or somewhere else.
//!
//! Only the shape is judged. Whether a number is in service, and whose it is, others decide.

/// A telephone number by shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phone {
    /// Eleven digits from 13 to 19.
    Mobile(String),
    /// A fixed line with or without its area code, or a 400/800 number.
    Landline(String),
    /// A number of another country: `+` and its digits.
    Foreign(String),
    /// Digits that are none of these, kept so that placeholders among them can be told from mistakes.
    Unshaped(String, &'static str),
}

impl Phone {
    /// The digits, without the sign of another country.
    pub(super) fn digits(&self) -> &str {
        match self {
            Self::Mobile(digits) | Self::Landline(digits) | Self::Unshaped(digits, _) => digits,
            Self::Foreign(number) => &number[1..],
        }
    }

    /// The canonical text, or what is wrong.
    pub(super) fn checked(self) -> Result<String, &'static str> {
        match self {
            Self::Mobile(text) | Self::Landline(text) | Self::Foreign(text) => Ok(text),
            Self::Unshaped(_, reason) => Err(reason),
        }
    }
}

/// Reads a number; `Err` for characters no number has.
pub(super) fn parse(text: &str) -> Result<Phone, &'static str> {
    let (has_plus, rest) = match text.strip_prefix('+').or_else(|| text.strip_prefix("(+")) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits: String = rest.chars().filter(|c| !is_separator(*c)).collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("phone characters");
    }
    let abroad = if has_plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    if let Some(number) = abroad {
        return Ok(match number.strip_prefix("86") {
            Some(national) => chinese(national, true),
            None => foreign(number),
        });
    }
    // Without a sign, 86 is a country code only if exactly a mobile number follows.
    let national = digits.strip_prefix("86").filter(|n| n.len() == 11 && is_mobile(n)).unwrap_or(&digits);
    Ok(chinese(national, false))
}

fn chinese(national: &str, has_country_code: bool) -> Phone {
    // The trunk prefix before a mobile number is from the time of dialled long distance.
    let number = national.strip_prefix('0').filter(|n| is_mobile(n)).unwrap_or(national);
    let unshaped = |reason| Phone::Unshaped(number.to_owned(), reason);
    if is_mobile(number) {
        return Phone::Mobile(number.to_owned());
    }
    if number.len() == 10 && (number.starts_with("400") || number.starts_with("800")) {
        return Phone::Landline(number.to_owned());
    }
    if is_long_distance(number) {
        return Phone::Landline(number.to_owned());
    }
    let with_trunk = format!("0{number}");
    if has_country_code && is_long_distance(&with_trunk) {
        return Phone::Landline(with_trunk);
    }
    let first = number.bytes().next().unwrap_or(b'0');
    if !has_country_code && (7..=8).contains(&number.len()) && (b'2'..=b'9').contains(&first) {
        return Phone::Landline(number.to_owned());
    }
    if number.len() == 11 && first != b'0' { unshaped("phone prefix") } else { unshaped("phone length") }
}

fn foreign(number: &str) -> Phone {
    if (8..=15).contains(&number.len()) && !number.starts_with('0') {
        return Phone::Foreign(format!("+{number}"));
    }
    Phone::Unshaped(number.to_owned(), "phone length")
}

fn is_mobile(number: &str) -> bool {
    number.len() == 11 && number.starts_with('1') && matches!(number.as_bytes()[1], b'3'..=b'9')
}

/// 010 and 02x take eight digits (seven in the past), the other area codes have four digits and take
/// seven or eight.
fn is_long_distance(number: &str) -> bool {
    let (area, second) = match number.as_bytes() {
        [b'0', b'1', b'0', ..] => (3, number.as_bytes().get(3)),
        [b'0', b'2', ..] => (3, number.as_bytes().get(3)),
        [b'0', b'3'..=b'9', ..] => (4, number.as_bytes().get(4)),
        _ => return false,
    };
    let is_local_start = second.is_some_and(|d| (b'2'..=b'9').contains(d));
    is_local_start && (7..=8).contains(&number.len().saturating_sub(area))
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '(' | ')' | '.' | '/' | '·' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

//! Equal identifiers become equal text, and text that identifies nobody becomes nothing.
//!
//! A refusal is either *blocked* (a placeholder such as `null`: the identifier is ignored, the event
//! stays) or *invalid* (the sender meant something and got it wrong: the event waits in quarantine).
//! Canonical values are hashed into keys that live for ever, so a change here needs a migration.

mod phone;
#[cfg(test)]
mod tests;

use kernel::limits::IDENTIFIER_BYTES_MAX;
use unicode_normalization::UnicodeNormalization;

use super::definition::{LANDLINE, Normaliser, Rules};
use phone::Phone;

/// An identifier in canonical form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Identifier<'k> {
    /// Its kind: the one asked for, or `landline` for a fixed line given as a mobile.
    pub kind: &'k str,
    /// Its value.
    pub value: String,
}

/// Why a value is not an identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It identifies nobody; ignore it silently.
    Blocked,
    /// It is wrong, for this reason; quarantine the event.
    Invalid(&'static str),
}

impl Refusal {
    /// The reason, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Blocked => "blocked value",
            Self::Invalid(reason) => reason,
        }
    }
}

/// The canonical form of `raw` as an identifier of `kind`.
///
/// # Errors
/// [`Refusal`]: blocked values are to be ignored, invalid ones to be quarantined.
pub fn normalise<'k>(rules: &Rules, kind: &'k str, raw: &str) -> Result<Identifier<'k>, Refusal> {
    if raw.len() > IDENTIFIER_BYTES_MAX {
        return Err(Refusal::Invalid("value too long"));
    }
    let text = clean(raw);
    let lower = text.to_lowercase();
    if rules.is_blocked(&lower) {
        return Err(Refusal::Blocked);
    }
    if text.contains(char::is_control) {
        return Err(Refusal::Invalid("control characters"));
    }
    let mut kind_found = kind;
    let value = match rules.kind(kind).rule.normaliser {
        Normaliser::Plain => text,
        Normaliser::LowerPlain => lower,
        Normaliser::Email => email(lower)?,
        Normaliser::Uscc => uscc(&lower)?,
        Normaliser::Mobile => {
            let number = phone::parse(&lower).map_err(Refusal::Invalid)?;
            let digits = number.digits();
            if rules.is_blocked(digits) || rules.is_blocked(digits.trim_start_matches('0')) {
                return Err(Refusal::Blocked);
            }
            if matches!(number, Phone::Landline(_)) {
                kind_found = LANDLINE;
            }
            number.checked().map_err(Refusal::Invalid)?
        }
    };
    if value.len() > IDENTIFIER_BYTES_MAX {
        return Err(Refusal::Invalid("value too long"));
    }
    Ok(Identifier { kind: kind_found, value })
}

/// Half width, composed, without what cannot be seen, without white space around it.
pub(super) fn clean(raw: &str) -> String {
    if raw.is_ascii() {
        return raw.trim().to_owned();
    }
    let text: String = raw.nfkc().filter(|c| !is_invisible(*c)).collect();
    text.trim().to_owned()
}

/// Marks of direction and width that come along when text is copied out of a chat window.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// One `@`, something before it, and a host of at least two labels after it. In lower case: the local
/// part may be case-sensitive by the letter of the standard, but at no provider people use.
fn email(lower: String) -> Result<String, Refusal> {
    let invalid = Refusal::Invalid("email form");
    let (local, host) = lower.split_once('@').ok_or(invalid)?;
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let is_local = !local.is_empty() && !local.contains(|c: char| c.is_whitespace() || "<>,;:\"".contains(c));
    if !is_local || !host.contains('.') || !host.split('.').all(is_label) {
        return Err(invalid);
    }
    Ok(lower)
}

/// GB 32100-2015: no I, O, S, V, Z, so that nobody reads them as digits.
const USCC_SYMBOLS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

fn uscc(lower: &str) -> Result<String, Refusal> {
    let code: String =
        lower.chars().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_uppercase).collect();
    if code.chars().count() != 18 {
        return Err(Refusal::Invalid("uscc length"));
    }
    let (mut sum, mut weight, mut check) = (0, 1, 0);
    for (i, symbol) in code.bytes().enumerate() {
        let position = USCC_SYMBOLS.iter().position(|s| *s == symbol);
        let digit = position.ok_or(Refusal::Invalid("uscc characters"))?;
        if i == 17 {
            check = digit;
        } else {
            sum += digit * weight;
            weight = weight * 3 % 31;
        }
    }
    if (31 - sum % 31) % 31 != check {
        return Err(Refusal::Invalid("uscc check character"));
    }
    Ok(code)
}

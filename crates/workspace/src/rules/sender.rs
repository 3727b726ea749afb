//! What people may enter for a source. Ids and keys travel in URLs, headers and Basic credentials, and
//! origins are stored in one text, so each is held to characters that are safe there.

use kernel::{Failure, Result};

/// Origins of one source; each request from a page is compared with all of them.
pub const ORIGINS_MAX: usize = 100;
/// Bytes of an origin: a scheme, a DNS name of 253 and a port.
pub const ORIGIN_BYTES_MAX: usize = 300;

/// Checks a source's id.
///
/// # Errors
/// What is wrong with it.
pub fn check_id(id: &str) -> Result<()> {
    let is_fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    match (1..=64).contains(&id.len()) && id.bytes().all(is_fine) {
        true => Ok(()),
        false => Err(Failure::invalid("id", "1 to 64 of `a`–`z`, `0`–`9`, `-`, `_`")),
    }
}

/// Checks a write key that somebody chose. No colon, which ends the user's part of Basic credentials.
///
/// # Errors
/// What is wrong with it.
pub fn check_write_key(key: &str) -> Result<()> {
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    match (8..=128).contains(&key.len()) && key.bytes().all(is_fine) {
        true => Ok(()),
        false => Err(Failure::invalid("write_key", "8 to 128 of `A`–`Z`, `a`–`z`, `0`–`9`, `-`, `_`, `.`")),
    }
}

/// Checks the name of a 神策 project.
///
/// # Errors
/// What is wrong with it.
pub fn check_project(project: &str) -> Result<()> {
    let is_fine = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    match (1..=100).contains(&project.len()) && project.chars().all(is_fine) {
        true => Ok(()),
        false => Err(Failure::invalid("sensors_project", "1 to 100 bytes of letters, digits, `-`, `_`, `.`")),
    }
}

/// Reads an evidence grade.
///
/// # Errors
/// It is none.
pub fn grade(text: &str) -> Result<char> {
    match text {
        "A" => Ok('A'),
        "B" => Ok('B'),
        "C" => Ok('C'),
        "D" => Ok('D'),
        _ => Err(Failure::invalid("grade", "one of `A` document, `B` observed, `C` stated, `D` hearsay")),
    }
}

/// Checks origins and puts them into the form browsers send.
///
/// # Errors
/// The first one that is no origin, or too many.
pub fn origins(list: &[String]) -> Result<Vec<String>> {
    if list.len() > ORIGINS_MAX {
        return Err(Failure::LimitExceeded { limit: "the number of origins", max: ORIGINS_MAX as u64 });
    }
    list.iter().enumerate().map(|(i, text)| origin(text).ok_or_else(|| no_origin(i))).collect()
}

fn no_origin(index: usize) -> Failure {
    let message = "not like `https://shop.example` (no path); leave the list empty to allow any";
    Failure::invalid(format!("origins[{index}]"), message)
}

fn origin(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, host) = text.split_once("://")?;
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let is_fine = text.len() <= ORIGIN_BYTES_MAX
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(is_scheme)
        && !host.is_empty()
        && host.bytes().all(is_host);
    is_fine.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_sends_as_an_origin_is_one() {
        let one = |text: &str| origins(&[text.to_owned()]);
        for (text, expected) in [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.Example:8443/", "https://shop.example:8443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(one(text).unwrap(), [expected], "{text}");
        }
        for text in ["", "*", "shop.example", "https://", "https://a/b", "https://a b", "://a", "https://a\n"]
        {
            assert!(one(text).is_err(), "{text:?}");
        }
        assert!(origins(&vec!["https://a".to_owned(); ORIGINS_MAX + 1]).is_err());
    }

    #[test]
    fn ids_and_keys_are_safe_in_urls_and_basic_credentials() {
        for id in ["web", "a", "call-centre_2", &"x".repeat(64)] {
            assert!(check_id(id).is_ok(), "{id}");
        }
        for id in ["", "Web", "a b", "a/b", "店", &"x".repeat(65)] {
            assert!(check_id(id).is_err(), "{id}");
        }
        assert!(check_write_key("WRITE_KEY_DEMO").is_ok());
        for key in ["short", "has:colon", "has space", "", &"k".repeat(129)] {
            assert!(check_write_key(key).is_err(), "{key}");
        }
        assert!(check_project("default").is_ok() && check_project("生产").is_ok());
        assert!(check_project("").is_err() && check_project("a b").is_err());
    }
}

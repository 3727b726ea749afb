//! Places for whole files, and names that stay below them.

use std::fmt;
use std::path::Path;

use kernel::Failure;

use crate::Attempt;

/// Parts of a name.
const PARTS_MAX: usize = 12;
/// Bytes of a part.
const PART_BYTES_MAX: usize = 128;

/// A place that takes whole files.
#[async_trait::async_trait]
pub trait Place: Send + Sync {
    /// Puts a file there under a name, whole or not at all. One of that name is replaced, so that putting
    /// it twice is putting it once.
    async fn put(&self, name: &FileName, file: &Path) -> Attempt;
}

/// The name of a file at a place: parts between `/` that lead downwards only. Each is 1 to 128 letters and
/// digits of ASCII, `.`, `_` and `-`, and does not begin with `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for `field` that says what a name is.
    pub fn parse(field: &str, text: &str) -> kernel::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() <= PARTS_MAX && parts.iter().all(|part| is_plain(part)) {
            return Ok(Self(text.to_owned()));
        }
        let form = "at most 12 parts between `/`, each 1 to 128 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_`, `-` and \
                    not beginning with `.`";
        Err(Failure::invalid(field, form))
    }

    /// A name below this one.
    ///
    /// # Errors
    /// As [`FileName::parse`].
    pub fn join(&self, below: &str) -> kernel::Result<Self> {
        Self::parse("name", &format!("{}/{below}", self.0))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts, the file's own last.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(part: &str) -> bool {
    !part.starts_with('.')
        && (1..=PART_BYTES_MAX).contains(&part.len())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_downwards_only() {
        for name in ["a", "a/b.csv", "CRM_2026-01/x.parquet", "a..b"] {
            assert_eq!(FileName::parse("path", name).unwrap().as_str(), name);
        }
        let long = "x".repeat(129);
        let deep = ["a"; 13].join("/");
        for name in [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", ".ssh/a", "a\\b", "a b", "名", "a\0", &long,
            &deep,
        ] {
            assert!(FileName::parse("path", name).is_err(), "{name:?}");
        }
    }
}

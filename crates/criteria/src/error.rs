//! What is wrong with a rule, and where.

/// A fault of a rule: where it is, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{pointer}{}{message}", if pointer.is_empty() { "" } else { ": " })]
pub struct Error {
    /// JSON pointer into the rule; empty for the rule as a whole.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Error {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl From<Error> for kernel::Failure {
    fn from(error: Error) -> Self {
        Self::invalid(format!("rule{}", error.pointer), error.message)
    }
}

/// The pointer to a member of what `pointer` points to.
pub(crate) fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The pointer to an element of what `pointer` points to.
pub(crate) fn element(pointer: &str, index: usize) -> String {
    format!("{pointer}/{index}")
}

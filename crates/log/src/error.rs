//! What can go wrong with a log, by what the caller has to do about it.

use kernel::Failure;

use crate::Offset;

/// Why a log did not do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// No room in the queue or on the disk. Nothing was kept; it goes on by itself later.
    #[error("the log has no room: {0}")]
    Full(String),
    /// The handle was closed.
    #[error("the log is closed")]
    Closed,
    /// The handle was opened for reading.
    #[error("this handle of the log only reads")]
    ReadOnly,
    /// An I/O error or a broken promise of the storage. Final: every later append fails too.
    #[error("the log has failed: {0}")]
    Failed(String),
    /// Entries that were durable cannot be read.
    #[error("entries {from} to {to} of the log are damaged: {reason}")]
    Corrupt {
        /// The first of them.
        from: Offset,
        /// The last of them.
        to: Offset,
        /// What was found.
        reason: String,
    },
    /// The log ends before an entry that existed: it lost its tail.
    #[error("the log ends at {head} but {asked} was in it")]
    Regressed {
        /// The offset known to have existed.
        asked: Offset,
        /// Where the log ends now.
        head: Offset,
    },
    /// It cannot be reached, or somebody else has it. It may work later.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// One entry is larger than the log takes.
    #[error("an entry has at most {max} bytes, this one has {bytes}")]
    TooLarge {
        /// The size of the entry.
        bytes: usize,
        /// The largest size.
        max: usize,
    },
}

impl Error {
    /// Whether waiting cannot help: the process should stop and a person look.
    ///
    /// ```
    /// # use headwater_log::Error;
    /// assert!(Error::Failed("fsync: input/output error".into()).is_final());
    /// assert!(!Error::Full("the disk is full".into()).is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Corrupt { .. } | Self::Regressed { .. })
    }
}

/// A failed log is "later" to whoever sent the event: nothing was acknowledged, and the sender's
/// next try meets the process that comes after this one.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Full(_) | Error::Closed | Error::Failed(_) | Error::Unavailable(_) => {
                Self::unavailable(error.to_string())
            }
            Error::TooLarge { max, .. } => Self::LimitExceeded { limit: "log entry bytes", max: max as u64 },
            Error::ReadOnly | Error::Corrupt { .. } | Error::Regressed { .. } => Self::internal(error),
        }
    }
}

//! The closed set of ways a request can fail. Only `web::problem` maps it to HTTP.

/// The result of anything a caller of a store, a log or a rule may have to answer for.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why something was not done, in the terms of the person who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It does not exist, or it exists in a workspace the caller may not see.
    #[error("{what} not found")]
    NotFound {
        /// What was looked for, without personal data.
        what: String,
    },
    /// The state of things does not allow it now.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
    },
    /// The input is wrong; repeating it will not help.
    #[error("{field}: {message}")]
    Invalid {
        /// Path of the offending field.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The caller is known and may not do this.
    #[error("this needs the permission `{permission}`")]
    Forbidden {
        /// The permission that is missing.
        permission: &'static str,
    },
    /// The caller is not known.
    #[error("a valid credential is required")]
    Unauthenticated,
    /// A documented limit was reached.
    #[error("{limit} is limited to {max}")]
    LimitExceeded {
        /// Which limit.
        limit: &'static str,
        /// Its value.
        max: u64,
    },
    /// It may work later; nothing was done.
    #[error("temporarily unavailable: {reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
        /// When it is worth trying again, in seconds.
        retry_after_seconds: u32,
    },
    /// A defect or a broken part. The text is for the log, never for the client.
    #[error("internal: {0}")]
    Internal(String),
}

impl Failure {
    /// Something that does not exist for this caller.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// A wrong field of the input.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// A state that does not allow the request.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    /// A defect or a broken part.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// A passing lack of a resource.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after_seconds: 1 }
    }

    /// Stable name of the failure, part of the public API (`code` of a problem document).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthenticated => "unauthenticated",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}

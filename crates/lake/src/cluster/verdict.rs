//! What an error of a distributed attempt means: the question's own fault, or the loss of a worker.
//!
//! Only what would come out the same anywhere is the question's: too little memory, arithmetic that fails, a
//! plan that cannot be. Everything else, a broken connection above all, says nothing about the question, and
//! the question is asked again. When in doubt it is a loss: the last attempt is made here, and its error is true.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use crate::error::Error;
use crate::sql::Limits;

/// How an attempt ended that has no answer.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The question has no answer; asking again would not help.
    Final(Error),
    /// A worker was lost, or the way to it.
    Lost(String),
}

/// Judges an error.
pub(super) fn judge(error: &DataFusionError, limits: &Limits) -> Verdict {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::SQL(..)
        | DataFusionError::NotImplemented(_) => Verdict::Final(crate::sql::failed(error, limits)),
        DataFusionError::ArrowError(cause, _) if is_arithmetic(cause) => {
            Verdict::Final(crate::sql::failed(error, limits))
        }
        _ => Verdict::Lost(plain(error)),
    }
}

fn is_arithmetic(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
            | ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_)
    )
}

/// The first line of an error, for the log.
pub(super) fn plain(error: &DataFusionError) -> String {
    error.to_string().lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_fail_anywhere_is_final_and_the_rest_is_a_loss() {
        let finals = [
            DataFusionError::ResourcesExhausted("no memory".into()),
            DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None),
            DataFusionError::Plan("no such column".into()),
        ];
        for error in finals {
            let shown = error.to_string();
            let wrapped = DataFusionError::Context("somewhere".into(), Box::new(error));
            assert!(matches!(judge(&wrapped, &Limits::default()), Verdict::Final(_)), "{shown}");
        }
        let losses = [
            DataFusionError::External("transport error".into()),
            DataFusionError::Execution("timed out waiting for the plan".into()),
            DataFusionError::ArrowError(Box::new(ArrowError::IpcError("cut off".into())), None),
        ];
        for error in losses {
            assert!(matches!(judge(&error, &Limits::default()), Verdict::Lost(_)), "{error}");
        }
    }
}

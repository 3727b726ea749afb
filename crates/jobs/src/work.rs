//! Kinds of job: what a context can do that takes longer than a request.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use kernel::scope::Permission;
use kernel::time::HOUR;
use kernel::{Failure, Scope};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::run::Run;

/// A job being done; its value is the job's result, JSON for people and scripts.
pub type Running<'a> = Pin<Box<dyn Future<Output = kernel::Result<Value>> + Send + 'a>>;

/// How often a job of a kind may be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// Once: doing it twice, even half, would do harm.
    Never,
    /// So many times at most, counting the first: it is idempotent. After a passing failure the next attempt
    /// waits, longer each time; after a process that died or stopped it comes at once.
    Upto(u32),
}

impl Retries {
    /// Attempts altogether, at least one.
    pub fn attempts_max(self) -> u32 {
        match self {
            Self::Never => 1,
            Self::Upto(attempts) => attempts.max(1),
        }
    }
}

/// A kind of job. Registered once with each process that may run it; see [`Kinds`].
pub trait Work: Send + Sync {
    /// Its public name, `context.what`, for example `audience.refresh`.
    fn kind(&self) -> &'static str;

    /// What it does, in one sentence for people.
    fn about(&self) -> &'static str;

    /// What somebody must be allowed to do, besides [`Permission::JobWrite`], to run or schedule it.
    fn permission(&self) -> Permission;

    /// How often it may be begun.
    fn retries(&self) -> Retries;

    /// How long one attempt may take, in microseconds: then it is cancelled and has failed.
    fn deadline_micros(&self) -> i64 {
        HOUR
    }

    /// Reads an input before a job or schedule is made of it. It looks at the input only.
    ///
    /// # Errors
    /// [`Failure::Invalid`] that names the field below `input`.
    fn check(&self, input: &Value) -> kernel::Result<()>;

    /// Of jobs with equal keys one runs at a time. The whole input unless told otherwise.
    fn key(&self, input: &Value) -> String {
        input.to_string()
    }

    /// Does it. Long work asks [`Run::check`] often, tells [`Run::progress`], and writes through
    /// [`Run::write`], which refuses once another process has taken the job over.
    fn run<'a>(&'a self, run: &'a Run) -> Running<'a>;
}

/// A job's input as its kind understands it.
///
/// # Errors
/// [`Failure::Invalid`] that says what is wrong with it.
pub fn input<T: DeserializeOwned>(input: &Value) -> kernel::Result<T> {
    T::deserialize(input).map_err(|e| Failure::invalid("input", e.to_string()))
}

/// The kinds a process knows. Cheap to clone.
#[derive(Clone, Default)]
pub struct Kinds {
    kinds: Arc<BTreeMap<&'static str, Arc<dyn Work>>>,
}

impl Kinds {
    /// These kinds; of two with one name the last.
    pub fn new(kinds: impl IntoIterator<Item = Arc<dyn Work>>) -> Self {
        Self { kinds: Arc::new(kinds.into_iter().map(|kind| (kind.kind(), kind)).collect()) }
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Work>> {
        self.kinds.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Work>> {
        self.kinds.values()
    }

    /// The kind of this name, once it is known that `scope` may use it and that it takes `input`.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an unknown kind or a wrong input, [`Failure::Forbidden`].
    pub fn admit(&self, scope: &Scope, name: &str, input: &Value) -> kernel::Result<&Arc<dyn Work>> {
        let kind = self.get(name).ok_or_else(|| {
            let known: Vec<_> = self.kinds.keys().copied().collect();
            Failure::invalid("kind", format!("`{name}` is not one of {}", known.join(", ")))
        })?;
        scope.require(kind.permission())?;
        kind.check(input)?;
        Ok(kind)
    }
}

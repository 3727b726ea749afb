//! Writing rows to any database: all together, or, where it does not take a value, one by one.

use tokio::time::Instant;

use super::rows::{Row, rows};
use crate::guard::Denied;
use crate::{Attempt, Message, Outcome};

/// What writes rows to one kind of database.
#[async_trait::async_trait]
pub(super) trait Writes: Sync {
    /// Writes rows in one transaction, once.
    async fn once(&self, rows: &[&Row], list: Option<u64>) -> Result<(), Trouble>;
}

/// Why something was not done there.
pub(super) enum Trouble {
    /// The host is not reached.
    Denied(Denied),
    /// A value is not taken; the reason does not repeat it.
    Data(String),
    /// It may work later.
    Later(String),
}

impl Trouble {
    /// It took too long.
    pub(super) fn late() -> Self {
        Self::Later("no answer in time".to_owned())
    }

    /// What a database says. Of SQLSTATE 28 (who), 3D (which database) and 42 (which table) its words too:
    /// they are about names that whoever defined the destination gave.
    pub(super) fn of_state(state: &str, words: &str) -> Self {
        let is_plain = ["28", "3D", "42"].iter().any(|class| state.starts_with(class));
        let words = if is_plain { format!(": {words}") } else { String::new() };
        Self::Later(format!("the database answers SQLSTATE {state}{words}"))
    }

    /// What came of it.
    pub(super) fn told(&self) -> Attempt {
        match self {
            Self::Denied(Denied::Private) => Attempt::refused(Denied::Private.to_string()),
            Self::Denied(denied) => Attempt::later(denied.to_string()),
            Self::Data(reason) => Attempt::refused(reason),
            Self::Later(reason) => Attempt::later(reason),
        }
    }
}

/// Sends messages as rows; those that the table refuses are found one by one.
pub(super) async fn send(
    table: &dyn Writes,
    fields: &[String],
    messages: &[Message],
    list: Option<u64>,
) -> Vec<Attempt> {
    let began = Instant::now();
    let all = rows(messages, fields, list);
    let mut attempts = vec![Attempt::DELIVERED; messages.len()];
    let together: Vec<&Row> = all.iter().collect();
    match table.once(&together, list).await {
        Ok(()) => {}
        Err(Trouble::Data(_)) => {
            for (place, row) in all.iter().enumerate() {
                let attempt =
                    table.once(&[row], list).await.map_or_else(|t| t.told(), |()| Attempt::DELIVERED);
                let is_down = matches!(attempt.outcome, Outcome::Later { .. });
                let these = if is_down { &all[place..] } else { &all[place..=place] };
                for place in these.iter().flat_map(|row| &row.places) {
                    attempts[*place] = attempt.clone();
                }
                if is_down {
                    break;
                }
            }
        }
        Err(trouble) => attempts.fill(trouble.told()),
    }
    let latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    attempts.iter_mut().for_each(|attempt| attempt.latency_us = latency_us);
    attempts
}

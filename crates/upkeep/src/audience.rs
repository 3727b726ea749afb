//! The job that looks at everybody again for a scheduled audience.
//!
//! It only asks: a command in the log makes the pipeline fill the audience again, as it fills a new one,
//! and the job watches until it is done. So a replay fills at the same place among the events, and a
//! second attempt does no harm.

use std::sync::Arc;

use insight::commands::{AUDIENCE_REFRESH, Refresh};
use insight::refresh::AUDIENCE_REFRESH_KIND;
use insight::store::audience::{Audience, Mode, audience_by_id};
use intake::command::Commands;
use jobs::work::{Retries, Running};
use jobs::{Run, Work};
use kernel::Failure;
use kernel::scope::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::POLL;

/// Refreshes scheduled audiences.
pub struct RefreshAudience {
    /// Takes the command.
    pub commands: Arc<dyn Commands>,
}

/// What a job is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// The audience.
    audience: String,
}

fn read(input: &Value) -> kernel::Result<Input> {
    jobs::work::input(input)
}

impl Work for RefreshAudience {
    fn kind(&self) -> &'static str {
        AUDIENCE_REFRESH_KIND
    }

    fn about(&self) -> &'static str {
        "looks at everybody again for a scheduled audience: {\"audience\": id}"
    }

    fn permission(&self) -> Permission {
        Permission::AudienceWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(3)
    }

    fn check(&self, input: &Value) -> kernel::Result<()> {
        read(input).map(drop)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            let id = read(&run.input)?.audience;
            let before = fetch(run, &id).await?;
            if before.mode != Mode::Scheduled {
                let message = format!("audience `{id}` is {}, not scheduled", before.mode.name());
                return Err(Failure::conflict(message));
            }
            let body = serde_json::to_value(Refresh { audience: id.clone() }).map_err(Failure::internal)?;
            self.commands.submit(&run.scope, AUDIENCE_REFRESH, body).await?;
            loop {
                let now = fetch(run, &id).await?;
                let Some(filled) = now.filled else {
                    let changes = now.last_seq - before.last_seq;
                    return Ok(json!({ "members": now.members, "changes": changes }));
                };
                run.progress(u64::from(filled.0), None, "parties looked at, by number");
                run.pause(POLL).await?;
            }
        })
    }
}

async fn fetch(run: &Run, id: &str) -> kernel::Result<Audience> {
    let id = id.to_owned();
    run.read(move |scope, tx| {
        let audience = audience_by_id(scope, tx, &id)?.filter(|audience| !audience.is_archived);
        audience.ok_or_else(|| Failure::not_found("audience"))
    })
    .await
}

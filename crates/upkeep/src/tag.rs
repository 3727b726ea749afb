//! The job that looks at everybody again for a tag. Like that of an audience it only asks, and watches.

use std::sync::Arc;

use insight::commands::{TAG_REFRESH, TagKey};
use insight::rules::tag::Kind;
use insight::store::tag::{Tag, tag_by_key};
use intake::command::Commands;
use jobs::work::{Retries, Running};
use jobs::{Run, Work};
use kernel::Failure;
use kernel::scope::Permission;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::POLL;

/// The name of the kind.
pub const TAG_REFRESH_KIND: &str = "tag.refresh";

/// Looks at everybody again for a tag.
pub struct RefreshTag {
    /// Takes the command.
    pub commands: Arc<dyn Commands>,
}

/// What a job about a tag is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Its key.
    pub(crate) tag: String,
}

pub(crate) fn read(input: &Value) -> kernel::Result<Input> {
    jobs::work::input(input)
}

impl Work for RefreshTag {
    fn kind(&self) -> &'static str {
        TAG_REFRESH_KIND
    }

    fn about(&self) -> &'static str {
        "looks at everybody again for a tag, score or stage: {\"tag\": key}"
    }

    fn permission(&self) -> Permission {
        Permission::TagWrite
    }

    fn retries(&self) -> Retries {
        Retries::Upto(3)
    }

    fn check(&self, input: &Value) -> kernel::Result<()> {
        read(input).map(drop)
    }

    fn run<'a>(&'a self, run: &'a Run) -> Running<'a> {
        Box::pin(async move {
            let key = read(&run.input)?.tag;
            let before = fetch(run, &key).await?;
            if before.kind == Kind::Sql.name() {
                let message = "the values of a tag of kind `sql` come from runs of its query: `tag.replace`";
                return Err(Failure::conflict(message));
            }
            let body = serde_json::to_value(TagKey { key: key.clone() }).map_err(Failure::internal)?;
            self.commands.submit(&run.scope, TAG_REFRESH, body).await?;
            filled(run, &key, before.last_seq).await
        })
    }
}

/// Waits until everybody was looked at under a tag; the result tells what that changed.
///
/// # Errors
/// As the job is to stop, the database says, or if the tag is put away meanwhile.
pub(crate) async fn filled(run: &Run, key: &str, before_seq: u64) -> kernel::Result<Value> {
    loop {
        let now = fetch(run, key).await?;
        let Some(filled) = now.filled else {
            return Ok(json!({ "values": now.values, "changes": now.last_seq - before_seq }));
        };
        run.progress(u64::from(filled.0), None, "parties looked at, by number");
        run.pause(POLL).await?;
    }
}

/// A tag that is not put away.
///
/// # Errors
/// [`Failure::NotFound`], or as the database says.
pub(crate) async fn fetch(run: &Run, key: &str) -> kernel::Result<Tag> {
    let key = key.to_owned();
    run.read(move |scope, tx| {
        let tag = tag_by_key(scope, tx, &key)?.filter(|tag| !tag.is_retired);
        tag.ok_or_else(|| Failure::not_found("tag"))
    })
    .await
}

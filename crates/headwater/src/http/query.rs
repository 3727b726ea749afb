//! SQL over the lake, read only.

use axum::Json;
use axum::extract::State;
use kernel::scope::Permission;
use kernel::{Failure, Scope};
use lake::{DATASETS, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Body;

use super::Server;
use crate::feeder;
use crate::sql::Ask;

/// Rows of an answer, if the caller does not say.
const ROWS_DEFAULT: usize = 1_000;
/// Rows of an answer.
const ROWS_MAX: usize = 50_000;
/// Seconds a statement may take, if the caller does not say.
const SECONDS_DEFAULT: u64 = 30;
/// Seconds a statement may take.
const SECONDS_MAX: u64 = 60;
/// MiB for sorts, joins and groups of a statement.
const MEMORY_MIB: u64 = 256;

/// A statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// One SELECT over the tables of `GET /api/v1/query/tables`.
    sql: String,
    /// Rows answered at most, up to 50,000; 1,000 if absent.
    limit: Option<usize>,
    /// Seconds it may take, up to 60; 30 if absent.
    seconds: Option<u64>,
}

/// Rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    /// Names of the columns.
    columns: Vec<String>,
    /// Rows: a value a column. Decimals are text, so that no digit is lost.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<Value>>,
    /// Whether there were more rows.
    is_cut: bool,
    /// Whether personal data is masked, because the caller may not see it.
    is_masked: bool,
    /// How long it took.
    elapsed_ms: i64,
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableItem {
    /// Its name.
    name: &'static str,
    /// Its columns.
    columns: Vec<ColumnItem>,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
pub struct ColumnItem {
    /// Its name.
    name: String,
    /// Its type: text, integer, decimal, boolean, instant or bytes.
    kind: &'static str,
}

/// Ask in SQL
///
/// One SELECT over this workspace's tables and nothing else, within limits on rows, memory and time. What was
/// applied a moment ago is part of the answer. Whoever may not see personal data sees JSON columns masked,
/// wherever the statement names them. The statement ends when the client goes away.
#[utoipa::path(post, path = "/api/v1/query", tag = "query", operation_id = "query_run",
    request_body = QueryRequest,
    responses((status = 200, body = QueryAnswer),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub async fn query_run(
    State(server): State<Server>,
    Caller(scope): Caller,
    Body(request): Body<QueryRequest>,
) -> Answer<QueryAnswer> {
    let rows = request.limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&rows) {
        return Err(Failure::invalid("limit", format!("a number from 1 to {ROWS_MAX}")).into());
    }
    let seconds = request.seconds.unwrap_or(SECONDS_DEFAULT);
    if !(1..=SECONDS_MAX).contains(&seconds) {
        return Err(Failure::invalid("seconds", format!("a number from 1 to {SECONDS_MAX}")).into());
    }
    let sandbox = server.runtime.sandbox().cloned();
    let sandbox = sandbox.ok_or_else(|| Failure::unavailable("this process has no lake to ask"))?;
    let is_clear = scope.require(Permission::PersonalRead).is_ok();
    let installation = server.runtime.installation().clone();
    let workspace = installation.workspace(scope.workspace)?.name.clone();
    if is_clear {
        announce(&server, &scope, &request.sql).await?;
    }
    let began = installation.now();
    let ask = Ask { workspace, sql: request.sql, rows, seconds, memory_mib: MEMORY_MIB, is_clear };
    let answer = sandbox.ask(scope.workspace, &ask).await?;
    Ok(Json(QueryAnswer {
        columns: answer.columns,
        rows: answer.rows,
        is_cut: answer.is_cut,
        is_masked: !is_clear,
        elapsed_ms: (installation.now().0 - began.0) / kernel::time::MILLISECOND,
    }))
}

/// Notes that personal data may be read in clear, before it is. The statement may hold personal data itself,
/// so only its fingerprint is kept.
async fn announce(server: &Server, scope: &Scope, sql: &str) -> Result<(), web::Problem> {
    let mut fingerprint = kernel::digest::Digest::default();
    fingerprint.add("query", &[sql.as_bytes()]);
    let detail = json!({ "fingerprint": fingerprint.to_string(), "bytes": sql.len() }).to_string();
    let (installation, scope) = (server.runtime.installation().clone(), scope.clone());
    web::blocking(move || {
        let at = installation.now();
        installation.pool(&scope)?.write(|tx| {
            workspace::store::audit::audit_append(&scope, tx, at, "query.run", "lake", &detail)
        })?;
        Ok(())
    })
    .await
}

/// The tables SQL can ask
///
/// Their names and columns. Times are UTC; `events.party_no` is whose an event was when it was written.
#[utoipa::path(get, path = "/api/v1/query/tables", tag = "query", operation_id = "query_tables",
    responses((status = 200, body = Vec<TableItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub async fn query_tables(State(server): State<Server>, Caller(_): Caller) -> Answer<Vec<TableItem>> {
    let hot = feeder::options(server.runtime.installation()).hot;
    let tables = DATASETS.iter().map(|dataset| TableItem {
        name: dataset.name(),
        columns: dataset
            .columns(&hot)
            .into_iter()
            .map(|column| ColumnItem { name: column.name, kind: kind(column.kind) })
            .collect(),
    });
    Ok(Json(tables.collect()))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer | Kind::Small => "integer",
        Kind::Decimal => "decimal",
        Kind::Boolean => "boolean",
        Kind::Time => "instant",
        Kind::Bytes => "bytes",
    }
}

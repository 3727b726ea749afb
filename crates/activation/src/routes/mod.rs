//! The API of destinations: define them, see how they do, what was sent and what was not, and try one.
//!
//! What is defined goes through the log as a command. Secrets are kept sealed beside it and never answered.

mod define;
mod deliveries;
mod lists;
mod secret;
mod trial;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use channels::Guard;
use db::Tx;
use identity::reading::Reader;
use intake::command::Commands;
use kernel::scope::Permission::{DestinationRead, DestinationWrite};
use kernel::{Failure, Instant, Scope};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;
use web::{Answer, Api, Caller, Page, PageQuery, ProblemDocument, decode_cursor};
use workspace::routes::list::page;
use workspace::routes::request::{Path, Query};

use crate::consent::ConsentFacts;
use crate::list::SendList;
use crate::ports::Ledgers;
use crate::rules::definition::Definition;
use crate::rules::settle::State as DeliveryState;
use crate::store::delivery::{cursor_all, delivery_count};
use crate::store::destination::{Destination, DestinationNo, destination_by_id, destination_page};
use crate::store::run::run_fetch;

/// What the routes share.
#[derive(Clone)]
pub struct Destinations {
    reader: Reader,
    commands: Arc<dyn Commands>,
    guard: Guard,
    ledgers: Ledgers,
    lists: Arc<SendList>,
}

impl Destinations {
    /// Routes over an installation whose pipeline takes commands.
    pub fn new(reader: Reader, commands: Arc<dyn Commands>, guard: Guard, ledgers: Ledgers) -> Self {
        let consent = Arc::new(ConsentFacts);
        let lists = SendList::new(reader.clone(), guard.clone(), Arc::clone(&ledgers), consent);
        Self { reader, commands, guard, ledgers, lists: Arc::new(lists) }
    }

    async fn destination(&self, scope: &Scope, id: String) -> Result<DestinationItem, web::Problem> {
        let ledgers = Arc::clone(&self.ledgers);
        self.reader
            .read(scope, move |identity, tx| {
                let found = stored(identity.scope, tx, &id)?;
                told(identity.scope, tx, &ledgers, found)
            })
            .await
    }
}

/// Adds the routes of destinations.
pub fn routes(api: Api<Destinations>) -> Api<Destinations> {
    api.route(DestinationRead, routes!(destination_list))
        .route(DestinationWrite, routes!(define::destination_create))
        .route(DestinationRead, routes!(destination_fetch))
        .route(DestinationWrite, routes!(define::destination_put))
        .route(DestinationWrite, routes!(define::destination_archive))
        .route(DestinationWrite, routes!(define::destination_pause))
        .route(DestinationWrite, routes!(define::destination_resume))
        .route(DestinationWrite, routes!(trial::destination_test))
        .route(DestinationRead, routes!(deliveries::delivery_list))
        .route(DestinationWrite, routes!(deliveries::delivery_replay))
        .route(DestinationWrite, routes!(lists::list_send))
        .route(DestinationRead, routes!(lists::list_list))
        .route(DestinationRead, routes!(secret::secret_list))
        .route(DestinationWrite, routes!(secret::secret_create))
        .route(DestinationWrite, routes!(secret::secret_replace))
}

/// How a destination does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DestinationStatus)]
pub(super) struct Status {
    /// `active`, `failing` (it takes nothing; tried again at `retry_at`), `paused` or `archived`.
    state: &'static str,
    /// Changes it follows that are not accounted for yet.
    lag: u64,
    /// Changes that are being tried again.
    waiting: u64,
    /// Dead letters that can be replayed.
    dead: u64,
    /// Changes it took, ever.
    delivered: u64,
    /// Changes that must not leave, ever.
    blocked: u64,
    /// When it last took something.
    last_success_at: Option<String>,
    /// When something last failed.
    last_failure_at: Option<String>,
    /// Why.
    last_failure: Option<String>,
    /// Left alone until then.
    retry_at: Option<String>,
}

/// A destination: where what is known is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DestinationItem {
    /// Its id.
    id: String,
    /// Counts its definitions, from 1.
    version: u32,
    /// What it is.
    definition: Definition,
    /// How it does.
    status: Status,
    /// Who changed it last.
    actor: String,
    /// When it was made.
    created_at: String,
    /// When it was last changed.
    changed_at: String,
    #[serde(skip)]
    no: DestinationNo,
    #[serde(skip)]
    is_archived: bool,
}

fn stored(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Destination> {
    destination_by_id(scope, tx, id)?.ok_or_else(|| Failure::not_found("destination"))
}

/// A destination with how it does.
fn told(
    scope: &Scope,
    tx: &mut Tx<'_>,
    ledgers: &Ledgers,
    destination: Destination,
) -> kernel::Result<DestinationItem> {
    let run = run_fetch(scope, tx, destination.no)?;
    let cursors = cursor_all(scope, tx, destination.no)?;
    let mut lag = 0;
    for follow in &destination.definition.follows {
        let ledger = ledgers.iter().find(|ledger| ledger.kind() == follow.ledger);
        let subject = ledger.map(|ledger| ledger.subject(scope, tx, &follow.id)).transpose()?.flatten();
        let done =
            cursors.iter().find(|cursor| cursor.ledger == follow.name()).map_or(0, |cursor| cursor.seq);
        lag += subject.map_or(0, |subject| subject.last_seq.saturating_sub(done));
    }
    let state = match &destination {
        d if d.is_archived => "archived",
        d if d.is_paused => "paused",
        _ if run.health.failures > 0 => "failing",
        _ => "active",
    };
    let moment = |at: Instant| (at > Instant(0)).then(|| at.to_string());
    let status = Status {
        state,
        lag,
        waiting: delivery_count(scope, tx, destination.no, DeliveryState::Waiting)?,
        dead: delivery_count(scope, tx, destination.no, DeliveryState::Dead)?,
        delivered: run.delivered,
        blocked: run.blocked,
        last_success_at: moment(run.health.success),
        last_failure_at: moment(run.health.failure),
        last_failure: Some(run.health.reason).filter(|reason| !reason.is_empty()),
        retry_at: moment(run.health.retry),
    };
    Ok(DestinationItem {
        id: destination.id,
        version: destination.version,
        definition: destination.definition,
        status,
        actor: destination.actor,
        created_at: destination.created.to_string(),
        changed_at: destination.changed.to_string(),
        no: destination.no,
        is_archived: destination.is_archived,
    })
}

/// Destinations, in the order they were made
///
/// Those that are put away are not among them.
#[utoipa::path(get, path = "/api/v1/destinations", tag = "destinations", operation_id = "destination_list",
    params(PageQuery), responses((status = 200, body = Page<DestinationItem>),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
async fn destination_list(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Page<DestinationItem>> {
    let limit = query.limit();
    let after = DestinationNo(query.cursor.as_deref().map_or(Ok(0), decode_cursor)?);
    let ledgers = Arc::clone(&state.ledgers);
    let rows = state.reader.read(&scope, move |identity, tx| {
        let found = destination_page(identity.scope, tx, after, limit + 1)?;
        found
            .into_iter()
            .map(|one| told(identity.scope, tx, &ledgers, one))
            .collect::<kernel::Result<Vec<_>>>()
    });
    Ok(Json(page(rows.await?, limit, |last| last.no.0, |row| row)))
}

/// A destination and how it does
#[utoipa::path(get, path = "/api/v1/destinations/{id}", tag = "destinations",
    operation_id = "destination_fetch", params(("id" = String, Path, description = "The destination")),
    responses((status = 200, body = DestinationItem),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
async fn destination_fetch(
    State(state): State<Destinations>,
    Caller(scope): Caller,
    Path(id): Path<String>,
) -> Answer<DestinationItem> {
    Ok(Json(state.destination(&scope, id).await?))
}

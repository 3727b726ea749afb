//! Identifiers and customers as tables of the lake: whole, as of the moment they are written. And who entered
//! and left audiences, as the ledgers have it, each change once.

use identity::party::party;
use identity::reading::Reader;
use identity::store::node::{node_page, party_page};
use insight::profile::profile;
use insight::routes::weights;
use insight::store::audience::audience_all;
use insight::store::membership::{Change, change_page};
use kernel::{Failure, Instant, NodeNo, PartyNo, Scope};
use lake::{Cell, Lake};
use serde_json::{Map, Value};
use workspace::Workspace;

use super::{blocking, failed};
use crate::runtime::Runtime;

/// Rows read from the store at a time.
const PAGE: usize = 2_000;
/// Customers whose traits are written; of larger workspaces the identifiers alone are.
const PARTIES_MAX: usize = 200_000;

type Rows = Vec<Vec<Cell>>;

/// Writes both tables anew.
///
/// # Errors
/// As the store or the lake says.
pub(super) async fn write(runtime: &Runtime, workspace: &Workspace, lake: &Lake) -> kernel::Result<()> {
    let (runtime, no) = (runtime.clone(), workspace.no);
    let (nodes, parties) = blocking(move || {
        let scope = Scope::system(no, "lake");
        let reader = Reader::new(runtime.installation().clone());
        let weights = weights(runtime.installation(), &scope);
        let mut nodes: Rows = Vec::new();
        let (mut after, mut is_more) = (NodeNo(0), true);
        while is_more {
            let page =
                reader.read_now(&scope, |identity, tx| Ok(node_page(identity.scope, tx, after, PAGE)?))?;
            is_more = page.len() == PAGE;
            after = page.last().map_or(after, |node| node.no);
            nodes.extend(page.iter().filter(|node| node.party.0 > 0).map(|node| {
                vec![
                    Cell::Integer(node.no.0 as i64),
                    Cell::Integer(i64::from(node.party.0)),
                    Cell::Text(node.kind.clone()),
                    Cell::Time(node.first),
                    Cell::Null,
                    Cell::Bytes(node.key.0.to_vec()),
                ]
            }));
        }
        let mut parties: Rows = Vec::new();
        let (mut after, mut is_more) = (PartyNo(0), true);
        while is_more && parties.len() < PARTIES_MAX {
            let page = reader.read_now(&scope, |identity, tx| {
                let mut rows = Vec::new();
                for no in party_page(identity.scope, tx, after, PAGE)? {
                    let party = party(identity, tx, no)?;
                    let known = profile(identity.scope, tx, &party, &weights)?;
                    let traits = known.traits.into_iter().map(|(name, winner)| (name, winner.value));
                    let traits = Value::Object(Map::from_iter(traits)).to_string();
                    let time = |at: Option<Instant>| at.map_or(Cell::Null, Cell::Time);
                    let id = Cell::Text(party.id.to_string());
                    let no = Cell::Integer(i64::from(no.0));
                    rows.push(vec![
                        no,
                        id,
                        time(known.first_seen),
                        time(known.last_seen),
                        Cell::Text(traits),
                    ]);
                }
                Ok(rows)
            })?;
            is_more = page.len() == PAGE;
            if let Some(Cell::Integer(no)) = page.last().map(|row| &row[0]) {
                after = PartyNo(*no as u32);
            }
            parties.extend(page);
        }
        Ok((nodes, parties))
    })
    .await?;
    lake.replace(lake::Dataset::Nodes, &nodes).await.map_err(failed)?;
    lake.replace(lake::Dataset::Parties, &parties).await.map_err(failed)?;
    Ok(())
}

/// Adds the changes of every audience that the lake does not have yet.
///
/// # Errors
/// As the store or the lake says.
pub(super) async fn append_changes(runtime: &Runtime, scope: &Scope, lake: &Lake) -> kernel::Result<()> {
    let (owner, no) = (runtime.clone(), scope.clone());
    let audiences =
        blocking(move || owner.installation().pool(&no)?.read(|tx| Ok::<_, Failure>(audience_all(&no, tx)?)))
            .await?;
    for audience in audiences {
        loop {
            // Each ledger is a log of its own, whose places are its sequence numbers.
            let after = lake.position(lake::Dataset::Memberships, audience.no.0).unwrap_or(0);
            if after >= audience.last_seq {
                break;
            }
            let (owner, no, scope) = (runtime.clone(), audience.no, scope.clone());
            let changes = blocking(move || {
                let pool = owner.installation().pool(&scope)?;
                pool.read(|tx| Ok::<_, Failure>(change_page(&scope, tx, no, after, PAGE)?))
            })
            .await?;
            let Some(last) = changes.last().map(|change| change.seq) else { break };
            let rows: Rows = changes.iter().map(|change| row(&audience.id, change)).collect();
            let dataset = lake::Dataset::Memberships;
            lake.append_at(dataset, &rows, audience.no.0, last).await.map_err(failed)?;
        }
    }
    Ok(())
}

fn row(audience: &str, change: &Change) -> Vec<Cell> {
    let name = if change.is_member { "entered" } else { "exited" };
    vec![
        Cell::Text(audience.to_owned()),
        Cell::Integer(i64::from(change.party.0)),
        Cell::Text(name.to_owned()),
        Cell::Time(change.at),
        Cell::Integer(change.seq as i64),
        Cell::Text(change.cause.clone()),
    ]
}

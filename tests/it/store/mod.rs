//! Every store on both databases: what one of them keeps or refuses, the other keeps or refuses too.
//!
//! Most tests are functions over a store, run on each database by `testkit::both_databases!`. Those of
//! one database alone say so in their names or files.

mod audit;
mod bisect;
mod crowded;
mod cursor;
mod db;
mod decisions;
mod destinations;
mod errors;
mod graph;
mod holders;
mod isolation;
mod migrations;
mod names;
mod objects;
mod parties;
mod plan;
mod profile;
mod quarantine;
mod search;
mod seen;
mod tags;
mod timeline;
mod transactions;
mod workspaces;

use ::db::{Pool, Result, Store, Tx};
use kernel::{Instant, Key, Scope, WorkspaceNo};

/// The workspace most tests are in.
const WORKSPACE: WorkspaceNo = WorkspaceNo(1);

fn scope() -> Scope {
    Scope::system(WORKSPACE, "test")
}

fn pool(store: &Store) -> Pool {
    store.workspace(WORKSPACE).unwrap()
}

/// Writes in the tests' workspace.
fn write<T>(store: &Store, work: impl FnOnce(&Scope, &mut Tx<'_>) -> Result<T>) -> T {
    pool(store).write(|tx| work(&scope(), tx)).unwrap()
}

/// Reads in the tests' workspace.
fn read<T>(store: &Store, work: impl FnOnce(&Scope, &mut Tx<'_>) -> Result<T>) -> T {
    pool(store).read(|tx| work(&scope(), tx)).unwrap()
}

/// Keys sort like their numbers.
fn key(n: u64) -> Key {
    Key(u128::from(n).to_be_bytes())
}

fn at(seconds: i64) -> Instant {
    Instant(seconds * kernel::time::SECOND)
}

/// The items in many orders: as given, backwards, and shuffled with fixed seeds.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let backwards = items.iter().rev().cloned().collect();
    let mut orders = vec![items.to_vec(), backwards];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..6 {
        let mut order = items.to_vec();
        for i in (1..order.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(i, (random >> 33) as usize % (i + 1));
        }
        orders.push(order);
    }
    orders
}

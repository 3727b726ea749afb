//! SIGTERM under load: what was answered is kept, the exit is clean, and the next start goes on.

use super::load::{Load, Shared};
use super::oracle::settle;
use super::server::Site;
use super::{cycles, dice};

#[test]
fn a_server_asked_to_stop_under_load_ends_cleanly_and_loses_nothing() {
    let dir = testkit::temp_dir();
    let site = Site::create(&dir.path().join("data"), 2);
    let (ledger, mut dice) = (Shared::default(), dice());
    for round in 0..cycles(30).div_ceil(6) {
        let mut server = site.serve();
        let load = Load::start(server.address, &ledger, &mut dice, round);
        load.wait(200, 1 + dice.roll(150));
        assert_eq!(server.process.terminate(), Some(0), "{}", site.complaints());
        load.end();
    }
    assert_eq!(settle(&site, &ledger), Vec::<String>::new());
}

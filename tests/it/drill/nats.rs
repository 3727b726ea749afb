//! The whole program with its log in NATS JetStream: the program is killed, the broker is killed, and what
//! was acknowledged is there afterwards, once.

use testkit::NatsServer;

use super::load::{Load, Shared};
use super::oracle::settle;
use super::server::Site;
use super::{cycles, dice};

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_server_and_broker_are_killed_in_turns() {
    let dir = testkit::temp_dir();
    let mut broker = NatsServer::start();
    let site = Site::create(&dir.path().join("data"), 1).with_log(&broker.url());
    let (ledger, mut dice) = (Shared::default(), dice());
    let cycles = cycles(6);
    for round in 0..cycles {
        let server = site.serve();
        let load = Load::start(server.address, &ledger, &mut dice, round);
        load.wait(200, dice.roll(100));
        if round % 2 == 0 {
            server.process.kill();
            load.end();
        } else {
            // Without its broker the server refuses or leaves unanswered; it goes on when the broker is back.
            broker.kill();
            broker.revive();
            load.wait(200, 20 + dice.roll(100));
            load.stop();
            server.drain();
            server.process.kill();
        }
    }
    assert_eq!(settle(&site, &ledger), Vec::<String>::new());
    let acknowledged = ledger.lock().unwrap().acknowledged.len() as u64;
    assert!(acknowledged > cycles * 100, "only {acknowledged} messages: the drill tries too little");
}

//! Workers in this process, over the lakes of a test's own server.

use std::sync::Arc;

use headwater::machine::{MachineClock, MachineIds};
use lake::Place;
use lake::cluster::{Cluster, Secret, Worker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Starts so many workers, which work until they are told to stop, and gives a cluster of them.
pub(crate) async fn start(lakes: &Place, count: usize, stop: &CancellationToken) -> Cluster {
    let secret = || Secret::parse("the secret of all workers of a test").unwrap();
    let clock = || Arc::new(MachineClock::default());
    let mut urls = Vec::new();
    for _ in 0..count {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        urls.push(format!("http://{}", listener.local_addr().unwrap()));
        let worker = Worker::new(lakes.clone(), secret(), 1 << 28, clock(), Arc::new(MachineIds));
        tokio::spawn(worker.serve(listener, stop.clone().cancelled_owned()));
    }
    Cluster::new(&urls, secret(), clock()).unwrap()
}

//! What a NATS log does when its server dies, forgets, is full or is not set up to keep entries.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use bytes::Bytes;
use headwater_log::nats::Options;
use headwater_log::{Error, Log, NatsLog, Offset};
use kernel::Instant;
use support::{CountingIds, append, append_all, close, read_all, runtime};
use testkit::NatsServer as Server;

const STREAM: &str = "log-1";

fn options() -> Options {
    Options::new(Arc::new(CountingIds))
}

/// Options that give up soon.
fn impatient() -> Options {
    Options { ack_timeout: Duration::from_millis(300), patience: Duration::from_millis(600), ..options() }
}

fn open(server: &Server, options: Options) -> Result<NatsLog, Error> {
    NatsLog::open(&server.url(), STREAM, options)
}

async fn context(server: &Server) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

#[test]
fn a_killed_server_loses_no_acknowledged_entry_and_appends_wait_for_its_return() {
    let mut server = Server::start();
    let log = open(&server, Options { ack_timeout: Duration::from_secs(1), ..options() }).unwrap();
    let mut acked: Vec<Offset> =
        append_all(&log, (0..200).map(|i| Bytes::from(i.to_string()))).into_iter().flatten().collect();
    assert_eq!(acked.len(), 200);
    for round in 0..3 {
        let in_flight: Vec<_> = (0..100).map(|i| log.append(Instant(i), Bytes::from("in flight"))).collect();
        server.kill();
        let waiting = log.append(Instant(round), "waited".into());
        server.revive();
        let results = runtime().block_on(futures_util::future::join_all(in_flight));
        acked.extend(results.into_iter().map(Result::unwrap));
        acked.push(runtime().block_on(waiting).unwrap());
    }
    let read: Vec<_> = read_all(&log, Offset::START).unwrap().into_iter().map(|e| e.offset).collect();
    acked.sort();
    assert_eq!(read, acked, "each entry once: a message published again is recognised");
}

#[test]
fn an_append_is_unavailable_when_patience_ends_and_the_log_goes_on_afterwards() {
    let mut server = Server::start();
    let log = open(&server, impatient()).unwrap();
    append(&log, 0, "before").unwrap();
    server.kill();
    assert!(matches!(append(&log, 0, "meanwhile"), Err(Error::Unavailable(_))));
    assert!(matches!(log.poll(), Err(Error::Unavailable(_))));
    server.revive();
    // The connection comes back in its own time.
    while append(&log, 0, "after").is_err() {}
    assert_eq!(read_all(&log, Offset::START).unwrap().last().unwrap().body, "after");
}

#[test]
fn a_stream_that_came_back_empty_fails_the_log_instead_of_taking_entries() {
    let mut server = Server::start();
    let log = open(&server, impatient()).unwrap();
    let offset = append_all(&log, (0..50).map(|_| Bytes::from(vec![0; 300_000]))).pop().unwrap().unwrap();
    server.kill();
    server.lose_store();
    server.revive();
    let other = open(&server, options()).unwrap();
    assert_ne!(other.incarnation(), log.incarnation());
    assert!(matches!(other.read(offset, 10, 100), Err(Error::Regressed { .. })));
    let error = loop {
        match append(&log, 0, "would be skipped as already read") {
            Err(Error::Unavailable(_)) => {}
            Err(error) => break error,
            Ok(offset) => panic!("taken at {offset}"),
        }
    };
    assert!(error.is_final(), "{error}");
    assert_eq!(append(&log, 0, "again").map_err(|e| e.is_final()), Err(true));
    assert!(matches!(log.poll(), Err(Error::Failed(_))));
    assert!(close(&log).is_err());
}

#[test]
fn a_full_stream_refuses_and_takes_entries_again_after_trimming() {
    let server = Server::start();
    let log = open(&server, Options { stream_bytes_max: Some(1 << 20), ..options() }).unwrap();
    let mut taken = Vec::new();
    let error = loop {
        match append(&log, 0, vec![1; 100_000]) {
            Ok(offset) => taken.push(offset),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full(_)), "{error}");
    assert!(taken.len() > 5);
    log.trim(*taken.last().unwrap()).unwrap();
    append(&log, 0, vec![2; 100_000]).unwrap();
    assert_eq!(read_all(&log, Offset::START).unwrap().len(), 2);
}

#[test]
fn a_server_or_stream_that_would_lose_entries_is_refused() {
    let small = Server::start_with("max_payload: 1MB");
    let refused = |result: Result<NatsLog, Error>, word: &str| match result {
        Err(Error::Failed(reason)) => assert!(reason.contains(word), "{reason}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("opened, though {word}"),
    };
    refused(open(&small, options()), "max_payload");

    let server = Server::start();
    let make = |config: Config| {
        runtime().block_on(async {
            let context = context(&server).await;
            let _ = context.delete_stream(STREAM).await;
            context.create_stream(Config { name: STREAM.into(), ..config }).await.unwrap();
        });
    };
    make(Config { discard: DiscardPolicy::Old, ..Config::default() });
    refused(open(&server, options()), "discard");
    make(Config { discard: DiscardPolicy::New, max_age: Duration::from_secs(60), ..Config::default() });
    refused(open(&server, options()), "max_age");
    make(Config { discard: DiscardPolicy::New, ..Config::default() });
    refused(open(&server, options()), "no id");
    refused(NatsLog::open(&server.url(), "not a name", options()), "not a name");
    assert!(matches!(NatsLog::open("nats://127.0.0.1:1", STREAM, impatient()), Err(Error::Unavailable(_))));
}

#[test]
fn a_message_that_is_not_ours_is_reported_after_everything_before_it() {
    let server = Server::start();
    let log = open(&server, options()).unwrap();
    let first = append(&log, 0, "ours").unwrap();
    runtime().block_on(async {
        context(&server).await.publish(STREAM, "foreign".into()).await.unwrap().await.unwrap();
    });
    log.poll().unwrap();
    assert_eq!(log.read(Offset::START, 10, 100).unwrap().len(), 1);
    let Err(Error::Corrupt { from, to, .. }) = log.read(first, 10, 100) else { panic!("skipped") };
    assert!(first < from && from <= to);
    append(&log, 0, "ours again").unwrap();
    assert!(matches!(log.read(first, 10, 100), Err(Error::Corrupt { .. })));
    assert_eq!(log.read(to, 10, 100).unwrap()[0].body, "ours again");
}

#[test]
fn many_waiting_entries_share_one_message() {
    let server = Server::start();
    let log = open(&server, options()).unwrap();
    let results = append_all(&log, (0..5_000).map(|_| Bytes::from_static(b"small")));
    assert!(results.iter().all(Result::is_ok));
    assert!(log.commits() < 500, "{} messages for 5,000 entries", log.commits());
}

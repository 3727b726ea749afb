//! Files on a real OpenSSH server.

use testkit::sshd::Server;

use super::*;
use crate::Outcome;

fn home() -> Guard {
    Guard::new(["127.0.0.0/8".parse().unwrap()])
}

fn at(server: &Server) -> At {
    At { host: "127.0.0.1".into(), port: server.port(), user: server.user(), host_key: server.host_key() }
}

/// Puts a text under a name.
async fn put(guard: Guard, at: At, secret: &str, text: &[u8]) -> Outcome {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let name = FileName::parse("path", "crm/daily/list.csv").unwrap();
    Sftp::new(guard, at, secret).unwrap().put(&name, file.path()).await.outcome
}

#[tokio::test]
async fn a_file_is_there_whole_and_is_replaced_by_another_of_its_name() {
    let server = Server::start();
    for text in [b"one".to_vec(), vec![7; 3_000_000], b"3".to_vec()] {
        assert_eq!(put(home(), at(&server), &server.key(), &text).await, Outcome::Delivered);
        let place = server.folder().join("crm/daily/list.csv");
        assert!(std::fs::read(&place).unwrap() == text, "{} bytes", text.len());
        assert_eq!(
            std::fs::read_dir(place.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }
}

#[tokio::test]
async fn a_host_with_another_key_is_told_nothing() {
    let (server, other) = (Server::start(), Server::start());
    let stranger = At { host_key: other.host_key(), ..at(&server) };
    let outcome = put(home(), stranger, &server.key(), b"secret").await;
    let Outcome::Later { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("another key"), "{reason}");
    assert_eq!(std::fs::read_dir(server.folder()).unwrap().count(), 0);
}

#[tokio::test]
async fn whoever_is_not_let_in_or_may_not_go_there_sends_nothing() {
    let server = Server::start();
    let other = Server::start();
    let outcome = put(home(), at(&server), &other.key(), b"x").await;
    assert!(matches!(&outcome, Outcome::Later { reason, .. } if reason.contains("let us in")), "{outcome:?}");
    let outcome = put(home(), at(&server), "a password", b"x").await;
    assert!(matches!(&outcome, Outcome::Later { reason, .. } if reason.contains("let us in")), "{outcome:?}");
    assert!(Sftp::new(Guard::default(), at(&server), &server.key()).is_err(), "this machine's own address");
    let named = At { host: "localhost".into(), ..at(&server) };
    let outcome = put(Guard::default(), named, &server.key(), b"x").await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    let in_the_way = server.folder().join("crm");
    std::fs::write(&in_the_way, "a file").unwrap();
    let outcome = put(home(), at(&server), &server.key(), b"x").await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    for wrong in ["", "ssh-ed25519", "ssh-ed25519 AAAA"] {
        assert!(Sftp::new(home(), At { host_key: wrong.into(), ..at(&server) }, "p").is_err(), "{wrong}");
    }
}

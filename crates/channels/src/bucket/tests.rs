//! Files in a real S3 server over a folder.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use testkit::TempDir;

use super::*;
use crate::Outcome;

/// A server with the bucket `bucket`, as long as the runtime lives.
async fn serve() -> (TempDir, String) {
    let directory = testkit::temp_dir();
    std::fs::create_dir(directory.path().join("bucket")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("access", "secret"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let connection = Builder::new(TokioExecutor::new());
                drop(connection.serve_connection(TokioIo::new(socket), service).await);
            });
        }
    });
    (directory, endpoint)
}

fn home() -> Guard {
    Guard::new(["127.0.0.0/8".parse().unwrap()])
}

fn at(endpoint: &str) -> At {
    At {
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".into(),
        bucket: "bucket".into(),
        access_key: "access".into(),
    }
}

async fn put(bucket: &Bucket, bytes: &[u8]) -> Outcome {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let name = FileName::parse("path", "crm/daily/list.csv").unwrap();
    bucket.put(&name, file.path()).await.outcome
}

#[tokio::test]
async fn a_file_is_there_whole_in_one_request_or_in_parts_and_is_replaced() {
    let (directory, endpoint) = serve().await;
    let bucket = Bucket::new(home(), at(&endpoint), "secret").unwrap();
    let large: Vec<u8> = (0..2 * PART_BYTES + 12_345).map(|n| (n % 251) as u8).collect();
    for bytes in [b"one".as_slice(), &[], &large, &large[..PART_BYTES], b"3"] {
        assert_eq!(put(&bucket, bytes).await, Outcome::Delivered, "{} bytes", bytes.len());
        let read = std::fs::read(directory.path().join("bucket/crm/daily/list.csv")).unwrap();
        assert!(read == bytes, "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn what_cannot_be_put_now_may_be_later_and_where_none_may_go_nothing_goes() {
    let (directory, endpoint) = serve().await;
    for (at, secret) in [
        (at(&endpoint), "wrong"),
        (At { access_key: "nobody".into(), ..at(&endpoint) }, "secret"),
        (at("http://127.0.0.1:9"), "secret"),
    ] {
        let outcome = put(&Bucket::new(home(), at, secret).unwrap(), b"x").await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    assert!(Bucket::new(Guard::default(), at(&endpoint), "secret").is_err(), "http is for networks by name");
    // A name that leads home is found out when it is asked for.
    let elsewhere = Guard::new(["10.0.0.0/8".parse().unwrap()]);
    let named = endpoint.replace("127.0.0.1", "localhost");
    let outcome = put(&Bucket::new(elsewhere, at(&named), "secret").unwrap(), b"x").await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    assert_eq!(std::fs::read_dir(directory.path().join("bucket")).unwrap().count(), 0);
}

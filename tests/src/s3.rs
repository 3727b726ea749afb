//! A real S3 server over a folder, on a free port, gone with the value.

use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use lake::{Bucket, Place};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use testkit::TempDir;

/// A running server with one bucket.
pub struct S3Server {
    runtime: Option<tokio::runtime::Runtime>,
    endpoint: String,
    directory: TempDir,
}

impl S3Server {
    const ACCESS_KEY: &str = "access";
    const SECRET_KEY: &str = "secret";

    /// Starts a server with an empty bucket called `bucket`.
    pub fn start() -> Self {
        let directory = testkit::temp_dir();
        std::fs::create_dir(directory.path().join("bucket")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        let service = service.build();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let connection = Builder::new(TokioExecutor::new());
                    drop(connection.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        Self { runtime: Some(runtime), endpoint, directory }
    }

    /// What the bucket holds, as files.
    pub fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Where it listens: `http://127.0.0.1:…`. Its key is `access`, `secret`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A prefix in the bucket.
    pub fn place(&self, prefix: &str) -> Place {
        Place::Bucket(Bucket {
            bucket: "bucket".into(),
            prefix: prefix.into(),
            endpoint: Some(self.endpoint.clone()),
            region: "us-east-1".into(),
            access_key: Self::ACCESS_KEY.into(),
            secret_key: Self::SECRET_KEY.into(),
        })
    }

    /// The environment in which a program finds the server.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", Self::ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET_KEY.to_owned()),
        ]
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

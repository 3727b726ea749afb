//! Files in a bucket that speaks S3, reached through the guard.
//!
//! An object appears whole: a small one in one request, a large one in parts that count together or not at
//! all.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryFutureExt;
use http_body_util::{BodyExt, Full};
use kernel::Failure;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::path::Path as Key;
use object_store::{ClientOptions, MultipartUpload, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use url::Url;

use crate::guard::Denied;
use crate::{Attempt, FileName, Guard, Place};

/// Bytes sent in one request; a larger file goes in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// Answers of a bucket are short.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How a bucket is reached.
#[derive(Clone, Debug)]
pub struct At {
    /// The address of the store; Amazon's own of the region if absent.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// Id of the access key.
    pub access_key: String,
}

/// A bucket.
pub struct Bucket {
    guard: Guard,
    url: Url,
    store: AmazonS3,
}

impl Bucket {
    /// A bucket at a place.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for an address that may not be reached or a name that is none.
    pub fn new(guard: Guard, at: At, secret_key: &str) -> kernel::Result<Self> {
        let is_plain = |text: &str| {
            (1..=63).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        };
        for (field, text) in [("target.bucket", &at.bucket), ("target.region", &at.region)] {
            if !is_plain(text) {
                return Err(Failure::invalid(field, "1 to 63 letters, digits, `.`, `-` and `_`"));
            }
        }
        let amazon = || format!("https://s3.{}.amazonaws.com", at.region);
        let url = guard.url("target.endpoint", &at.endpoint.clone().unwrap_or_else(amazon))?;
        let client = guard.client_within(REQUEST_MAX)?;
        let retry = RetryConfig { max_retries: 2, retry_timeout: REQUEST_MAX, ..RetryConfig::default() };
        let store = AmazonS3Builder::new()
            .with_endpoint(url.as_str().trim_end_matches('/'))
            .with_region(at.region)
            .with_bucket_name(at.bucket)
            .with_access_key_id(at.access_key)
            .with_secret_access_key(secret_key)
            // Whether http may be spoken, the guard decides for each request.
            .with_allow_http(true)
            .with_retry(retry)
            .with_http_connector(Guarded { guard: guard.clone(), client })
            .build()
            .map_err(|_| Failure::invalid("target", "this is no bucket that can be reached"))?;
        Ok(Self { guard, url, store })
    }

    async fn upload(&self, name: &FileName, file: &Path) -> object_store::Result<()> {
        let failed =
            |error: std::io::Error| object_store::Error::Generic { store: "file", source: error.into() };
        let key = Key::from(name.as_str());
        let mut file = File::open(file).await.map_err(failed)?;
        let first = part(&mut file).await.map_err(failed)?;
        if first.len() < PART_BYTES {
            return self.store.put(&key, PutPayload::from_bytes(first)).await.map(drop);
        }
        let mut upload = self.store.put_multipart(&key).await?;
        let sent = async {
            let mut next = first;
            while !next.is_empty() {
                upload.put_part(PutPayload::from_bytes(next)).await?;
                next = part(&mut file).await.map_err(failed)?;
            }
            upload.complete().await.map(drop)
        };
        let sent = sent.await;
        if sent.is_err() {
            // Parts that are left cost whoever owns the bucket.
            let _ = upload.abort().await;
        }
        sent
    }
}

/// The next part of a file: full unless the file ends.
async fn part(file: &mut File) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(PART_BYTES as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

#[async_trait::async_trait]
impl Place for Bucket {
    async fn put(&self, name: &FileName, file: &Path) -> Attempt {
        let began = Instant::now();
        let mut attempt = match self.guard.admits(&self.url).await {
            Ok(()) => match self.upload(name, file).await {
                Ok(()) => Attempt::DELIVERED,
                Err(error) => failed(&error),
            },
            Err(Denied::Private) => Attempt::refused(Denied::Private.to_string()),
            Err(denied) => Attempt::later(denied.to_string()),
        };
        attempt.latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        attempt
    }
}

/// Says what went wrong without the address, which may hold what is nobody's business.
fn failed(error: &object_store::Error) -> Attempt {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(Denied::Private) = inner.downcast_ref::<Denied>() {
            return Attempt::refused(Denied::Private.to_string());
        }
        cause = inner.source();
    }
    Attempt::later(match error {
        object_store::Error::NotFound { .. } => "there is no such bucket",
        object_store::Error::PermissionDenied { .. } => "the bucket may not be written",
        object_store::Error::Unauthenticated { .. } => "the bucket does not know the access key",
        _ => "the bucket did not take the file",
    })
}

/// Makes clients that reach what the guard allows.
#[derive(Clone, Debug)]
struct Guarded {
    guard: Guard,
    client: reqwest::Client,
}

impl HttpConnector for Guarded {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: Url =
            parts.uri.to_string().parse().map_err(|e| HttpError::new(HttpErrorKind::Request, e))?;
        self.guard.admits(&url).map_err(|denied| HttpError::new(HttpErrorKind::Connect, denied)).await?;
        let body = body.collect().await.map_err(|e| HttpError::new(HttpErrorKind::Request, e))?.to_bytes();
        let request = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut answer = request.send().await.map_err(unanswered)?;
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
            if text.len() + chunk.len() > ANSWER_BYTES_MAX {
                let cause = std::io::Error::other("the answer is too long");
                return Err(HttpError::new(HttpErrorKind::Decode, cause));
            }
            text.extend_from_slice(&chunk);
        }
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
        let mut response = HttpResponse::new(HttpResponseBody::new(body));
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        Ok(response)
    }
}

fn unanswered(error: reqwest::Error) -> HttpError {
    let kind = match &error {
        error if error.is_timeout() => HttpErrorKind::Timeout,
        error if error.is_connect() => HttpErrorKind::Connect,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error)
}

#[cfg(test)]
mod tests;

//! Where objects lie: a directory of this machine or a bucket that speaks S3.
//!
//! Both are given to everything above as one object store rooted at the place, with two
//! promises: what was answered survives a power cut, and of two writers that create one object
//! exactly one succeeds. What lies under which name is the caller's affair.

mod disk;

use std::path::PathBuf;
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place is not written as one; the text says what would be.
    #[error("{0}")]
    Refused(String),
    /// The disk or the object store failed.
    #[error("storage: {0}")]
    Storage(String),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

/// The result of opening a place.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place for objects, such as one workspace's lake.
#[derive(Clone, Debug)]
pub enum Place {
    /// A directory.
    Disk(PathBuf),
    /// A prefix in a bucket.
    Bucket(Bucket),
}

/// How to reach a bucket of an S3-compatible store that honours conditional puts.
#[derive(Clone)]
pub struct Bucket {
    /// Name of the bucket.
    pub bucket: String,
    /// Path inside the bucket, without slashes at the ends.
    pub prefix: String,
    /// Address of the store; `None` is Amazon's own for the region.
    pub endpoint: Option<String>,
    /// Region, `us-east-1` for most other stores.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

/// Without the secret.
impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{} at {:?}", self.bucket, self.prefix, self.endpoint)
    }
}

/// What people and other engines call the place.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(path) => write!(f, "{}", path.display()),
            Self::Bucket(b) => write!(f, "s3://{}/{}", b.bucket, b.prefix),
        }
    }
}

impl Place {
    /// A place as people write it: a directory, or `s3://bucket/prefix` with what `variable` says of
    /// `AWS_ENDPOINT_URL`, `AWS_REGION` (else `us-east-1`), `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a bucket without a name or without credentials.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(rest) = text.strip_prefix("s3://") else { return Ok(Self::Disk(PathBuf::from(text))) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::Refused(format!("`{text}` names no bucket; s3://bucket/prefix would")));
        }
        let needed = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| Error::Refused(format!("`{text}` needs `{name}` in the environment")))
        };
        Ok(Self::Bucket(Bucket {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()),
            region: variable("AWS_REGION").unwrap_or_else(|| "us-east-1".into()),
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
        }))
    }

    /// The place called `name` inside this one; a workspace's lake inside the installation's.
    pub fn within(&self, name: &str) -> Self {
        match self {
            Self::Disk(path) => Self::Disk(path.join(name)),
            Self::Bucket(bucket) => {
                let prefix = format!("{}/{name}", bucket.prefix).trim_start_matches('/').to_owned();
                Self::Bucket(Bucket { prefix, ..bucket.clone() })
            }
        }
    }

    /// The object store rooted here. Creates the directory of a place on disk.
    ///
    /// # Errors
    /// [`Error::Storage`] if there cannot be a store.
    pub fn open(&self) -> Result<Arc<dyn ObjectStore>> {
        match self {
            Self::Disk(path) => Ok(Arc::new(disk::Durable::open(path)?)),
            Self::Bucket(bucket) => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(&bucket.bucket)
                    .with_region(&bucket.region)
                    .with_access_key_id(&bucket.access_key)
                    .with_secret_access_key(&bucket.secret_key)
                    .with_conditional_put(S3ConditionalPut::ETagMatch)
                    .with_retry(RetryConfig { max_retries: 5, ..RetryConfig::default() });
                if let Some(endpoint) = &bucket.endpoint {
                    builder =
                        builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
                }
                let store = builder.build().map_err(|e| Error::Storage(e.to_string()))?;
                Ok(Arc::new(PrefixStore::new(store, Path::from(bucket.prefix.as_str()))))
            }
        }
    }
}

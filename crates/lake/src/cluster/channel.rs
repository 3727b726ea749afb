//! Connections to workers: kept, watched, and every call on them with its pass.
//!
//! A worker that is gone refuses a connection; one that hangs, or whose network does, answers no ping. Both
//! end what waits for it within [`SILENCE`], so that the question can be asked elsewhere in time.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion::common::DataFusionError;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{ChannelResolver, GetWorkerInfoRequest, WorkerChannel, WorkerResolver};
use parking_lot::Mutex;
use tonic::body::Body;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::{Channel, Endpoint};
use url::Url;

use super::VERSION;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// Pause between two pings of a connection.
const PING: Duration = Duration::from_secs(2);
/// How long a ping may go without an answer.
const SILENCE: Duration = Duration::from_secs(3);
/// Connections that are kept.
const CHANNELS_MAX: usize = 1_024;

/// Connections by address. Cloning shares them.
#[derive(Clone, Default)]
pub(super) struct Channels(Arc<Mutex<HashMap<Url, Channel>>>);

impl Channels {
    /// The connection to a worker, made at its first use and again after a loss.
    pub(super) fn channel(&self, url: &Url) -> Result<Channel, DataFusionError> {
        let mut channels = self.0.lock();
        if let Some(channel) = channels.get(url) {
            return Ok(channel.clone());
        }
        if channels.len() >= CHANNELS_MAX {
            channels.clear();
        }
        let endpoint = Endpoint::from_shared(url.to_string())
            .map_err(|e| DataFusionError::External(Box::new(e)))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(SILENCE)
            .tcp_nodelay(true);
        let channel = endpoint.connect_lazy();
        channels.insert(url.clone(), channel.clone());
        Ok(channel)
    }
}

/// Finds connections for the engine; everything on them carries one pass.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) channels: Channels,
    pub(super) pass: HeaderValue,
}

impl Resolver {
    /// Which of `workers` answer now, each with why not if it does not.
    pub(super) async fn probe(&self, workers: &[Url]) -> Vec<(Url, Result<(), String>)> {
        let asked = workers.iter().map(|url| async move { (url.clone(), self.ask(url).await) });
        futures_util::future::join_all(asked).await
    }

    async fn ask(&self, url: &Url) -> Result<(), String> {
        let ask = async {
            let mut client = self.get_worker_client_for_url(url).await?;
            client.get_worker_info(GetWorkerInfoRequest {}).await
        };
        match tokio::time::timeout(SILENCE, ask).await {
            Err(_) => Err("it does not answer".into()),
            Ok(Err(error)) => Err(super::verdict::plain(&error)),
            Ok(Ok(info)) if info.version != VERSION => {
                Err(format!("it is `{}`, not `{VERSION}`", info.version))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl ChannelResolver for Resolver {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>, DataFusionError> {
        let signed = Signed { channel: self.channels.channel(url)?, pass: self.pass.clone() };
        Ok(create_worker_client(BoxCloneSyncChannel::new(signed)))
    }
}

/// The workers of one attempt.
pub(super) struct Members(pub(super) Vec<Url>);

impl WorkerResolver for Members {
    fn get_urls(&self) -> Result<Vec<Url>, DataFusionError> {
        Ok(self.0.clone())
    }
}

/// A connection that puts the pass on every call.
#[derive(Clone)]
struct Signed {
    channel: Channel,
    pass: HeaderValue,
}

impl Service<Request<Body>> for Signed {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<Response<Body>, tonic::transport::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.headers_mut().insert(super::pass::HEADER, self.pass.clone());
        Box::pin(self.channel.call(request))
    }
}

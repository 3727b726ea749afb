//! A worker: takes parts of plans from coordinators and other workers that have a pass, and runs them.
//!
//! It has no state but what it keeps of files it has read. Killing it loses nothing but the work it was at.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion_distributed::{DistributedExt, WorkerQueryContext};
use kernel::id::IdSource;
use kernel::time::Clock;
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Status};

use super::VERSION;
use super::channel::{Channels, Resolver};
use super::leaf::Codec;
use super::pass::{HEADER, Pass, Secret};
use super::pause::{Pause, Point};
use super::room::House;
use crate::error::{Error, Result};
use objects::Place;

/// A worker that does not listen yet.
#[derive(Clone)]
pub struct Worker {
    secret: Secret,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    house: Arc<House>,
    channels: Channels,
}

impl Worker {
    /// A worker over the lakes below a place, with so many bytes for all the SQL it runs at once, and as many for
    /// columns it has decoded.
    pub fn new(
        lakes: Place,
        secret: Secret,
        memory_bytes: usize,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let memory = Arc::new(FairSpillPool::new(memory_bytes));
        let house =
            House { lakes, memory, stock_bytes: memory_bytes, pause: None, rooms: Default::default() };
        Self { secret, clock, ids, house: Arc::new(house), channels: Channels::default() }
    }

    /// The same, waiting for ever at a point; for drills.
    #[must_use]
    pub fn pausing(self, pause: Pause) -> Self {
        let House { lakes, memory, stock_bytes, .. } = &*self.house;
        let (lakes, memory, pause) = (lakes.clone(), memory.clone(), Some(Arc::new(pause)));
        let house = House { lakes, memory, stock_bytes: *stock_bytes, pause, rooms: Default::default() };
        Self { house: Arc::new(house), ..self }
    }

    /// Works until `stop`, then finishes what it is at.
    ///
    /// # Errors
    /// [`Error::Storage`] when the network fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let guard = self.clone();
        let sessions = move |context: WorkerQueryContext| {
            let worker = self.clone();
            async move { worker.session(context).await }
        };
        let engine = datafusion_distributed::Worker::from_session_builder(sessions).with_version(VERSION);
        let service =
            InterceptedService::new(engine.into_worker_server(), move |request| guard.admit(request));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let served = Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, stop);
        served.await.map_err(|e| Error::Storage(e.to_string()))
    }

    /// Lets a call through that has a pass.
    #[allow(clippy::result_large_err, reason = "the type of the interceptor")]
    fn admit(&self, request: Request<()>) -> std::result::Result<Request<()>, Status> {
        let text = request.metadata().get(HEADER).and_then(|text| text.to_str().ok());
        match text.and_then(|text| self.open(text)) {
            Some(_) => Ok(request),
            None => Err(Status::unauthenticated("this worker knows no such pass")),
        }
    }

    fn open(&self, text: &str) -> Option<Pass> {
        Pass::open(text, &self.secret, self.clock.now())
    }

    /// The session of one part of a plan: it reaches the lake its pass names.
    async fn session(&self, context: WorkerQueryContext) -> DataFusionResult<SessionState> {
        let header = context.headers.get(HEADER).cloned();
        let header = header.ok_or_else(|| DataFusionError::Configuration("a plan without a pass".into()))?;
        let pass = header.to_str().ok().and_then(|text| self.open(text));
        let pass = pass.ok_or_else(|| DataFusionError::Configuration("a plan with a bad pass".into()))?;
        Pause::at(self.house.pause.as_deref(), Point::Plan).await;
        let room = self.house.room(&pass.root)?;
        let codec = Codec::of_worker(room.clone(), &self.house, self.clock.clone(), self.ids.clone());
        Ok(context
            .builder
            .with_runtime_env(room.runtime.clone())
            .with_distributed_channel_resolver(Resolver { channels: self.channels.clone(), pass: header })
            .with_distributed_user_codec(codec)
            .build())
    }
}

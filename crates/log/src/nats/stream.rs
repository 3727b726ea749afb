//! The stream on the server: made once, checked at every opening, recognised ever after.
//!
//! What cannot be seen from here is whether the server fsyncs before it acknowledges: its
//! configuration must say `jetstream { sync_interval: always }`. Everything that can be seen and
//! would lose entries is refused.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::context::{
    ContextBuilder, CreateStreamErrorKind, GetStreamErrorKind, RequestErrorKind,
};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream,
};
use async_nats::jetstream::{Context, ErrorCode};
use bytes::Bytes;
use kernel::id::{base32, unbase32};

use super::{INDEX_MAX, Options, pack};
use crate::{ENTRY_BYTES_MAX, Error};

/// Where the stream's own id is kept. The server's `created` alone could repeat.
const INCARNATION_KEY: &str = "headwater-incarnation";

/// A message of the largest entry, and what surrounds it.
const PAYLOAD_BYTES_MIN: usize = ENTRY_BYTES_MAX + (1 << 16);

/// A stream that was found fit.
pub(super) struct Opened {
    pub(super) context: Context,
    pub(super) stream: Stream,
    pub(super) incarnation: [u8; 16],
}

pub(super) async fn open(url: &str, name: &str, options: &Options) -> Result<Opened, Error> {
    let connecting = async_nats::ConnectOptions::new()
        .name(format!("headwater log {name}"))
        .connection_timeout(options.ack_timeout)
        .request_timeout(Some(options.ack_timeout))
        .connect(url);
    let client = connecting.await.map_err(|e| Error::Unavailable(format!("connecting to NATS: {e}")))?;
    let server = client.server_info();
    if !client.is_server_compatible(2, 10, 0) {
        let version = server.version;
        return Err(Error::Failed(format!("this needs NATS 2.10 or newer; the server is {version}")));
    }
    if server.max_payload < PAYLOAD_BYTES_MIN {
        let max = server.max_payload;
        return Err(Error::Failed(format!("the server needs `max_payload: 10MB`; it is {max} bytes")));
    }
    let context =
        ContextBuilder::new().timeout(options.ack_timeout).ack_timeout(options.ack_timeout).build(client);
    let stream = find_or_make(&context, name, options).await?;
    let info = stream.cached_info();
    check(&info.config)?;
    let incarnation = incarnation(info)?;
    Ok(Opened { context, stream, incarnation })
}

async fn find_or_make(context: &Context, name: &str, options: &Options) -> Result<Stream, Error> {
    if let Some(stream) = find(context, name).await? {
        return Ok(stream);
    }
    let config = Config {
        name: name.into(),
        subjects: vec![name.into()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_bytes: options.stream_bytes_max.map_or(-1, |bytes| bytes as i64),
        num_replicas: options.replicas,
        duplicate_window: options.duplicate_window(),
        allow_direct: true,
        deny_delete: true,
        metadata: HashMap::from([(INCARNATION_KEY.into(), base32(&options.ids.fresh()))]),
        ..Config::default()
    };
    match context.create_stream(config).await {
        Ok(stream) => Ok(stream),
        Err(e) => {
            // Another process may have been quicker; its stream has its own incarnation.
            let text = format!("making the stream `{name}`: {e}");
            let error = match e.kind() {
                CreateStreamErrorKind::TimedOut => Error::Unavailable(text),
                CreateStreamErrorKind::JetStreamUnavailable => Error::Unavailable(text),
                _ => Error::Failed(text),
            };
            find(context, name).await?.ok_or(error)
        }
    }
}

async fn find(context: &Context, name: &str) -> Result<Option<Stream>, Error> {
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(e) => match e.kind() {
            GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => {
                Err(Error::Failed(format!("`{name}` is not a name of a stream")))
            }
            _ => Err(Error::Unavailable(format!("looking for the stream `{name}`: {e}"))),
        },
    }
}

/// Refuses every setting with which acknowledged entries would vanish by themselves.
fn check(config: &Config) -> Result<(), Error> {
    let wrong = [
        (config.storage != StorageType::File, "storage: file"),
        (config.discard != DiscardPolicy::New, "discard: new"),
        (config.retention != RetentionPolicy::Limits, "retention: limits"),
        (config.max_age != Duration::ZERO, "max_age: 0"),
        (config.max_messages_per_subject > 0, "max_msgs_per_subject: unlimited"),
        (config.no_ack, "no_ack: false"),
        (config.mirror.is_some() || config.sources.is_some(), "no mirror and no sources"),
        (config.subjects != [config.name.as_str()], "the stream's own name as its only subject"),
    ];
    match wrong.iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, needed)) => {
            Err(Error::Failed(format!("the stream `{}` loses entries without {needed}", config.name)))
        }
        None => Ok(()),
    }
}

/// The name of this life of the stream: our id in its metadata, and when the server says it was made.
pub(super) fn incarnation(info: &Info) -> Result<[u8; 16], Error> {
    let id = info.config.metadata.get(INCARNATION_KEY).and_then(|text| unbase32(text));
    let id = id.ok_or_else(|| {
        Error::Failed(format!("the stream `{}` was not made by this log: it has no id", info.config.name))
    })?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id);
    hasher.update(&info.created.unix_timestamp_nanos().to_le_bytes());
    let mut incarnation = [0; 16];
    incarnation.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Ok(incarnation)
}

/// First and last sequence the server has, from its leader.
pub(super) async fn bounds(stream: &Stream, expected: [u8; 16]) -> Result<(u64, u64), Error> {
    let info = match stream.get_info().await {
        Ok(info) => info,
        Err(e) => {
            let text = format!("asking for the state of the stream: {e}");
            return Err(match e.kind() {
                RequestErrorKind::Other => match find_error(&e) {
                    Some(ErrorCode::STREAM_NOT_FOUND) => Error::Failed("the stream is gone".into()),
                    _ => Error::Unavailable(text),
                },
                _ => Error::Unavailable(text),
            });
        }
    };
    if incarnation(&info)? != expected {
        return Err(Error::Failed("the stream was replaced by another one of the same name".into()));
    }
    Ok((info.state.first_sequence, info.state.last_sequence))
}

/// The message with this sequence, or `None` if there is none.
///
/// Any replica answers quickly, but one that lags does not have the newest messages, so only the
/// leader's word counts for a message that is missing.
pub(super) async fn message(stream: &Stream, sequence: u64) -> Result<Option<Bytes>, Error> {
    if let Ok(message) = stream.direct_get(sequence).await {
        return Ok(Some(message.payload));
    }
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(Some(message.payload)),
        Err(e) => match e.kind() {
            LastRawMessageErrorKind::NoMessageFound => Ok(None),
            _ => Err(Error::Unavailable(format!("reading message {sequence}: {e}"))),
        },
    }
}

/// How many entries a message has. One that cannot be read counts as full: reading it will tell.
pub(super) async fn entry_count(stream: &Stream, sequence: u64) -> Result<u64, Error> {
    let message = message(stream, sequence).await?;
    Ok(message
        .and_then(|m| pack::unpack(&m).ok())
        .map_or(INDEX_MAX + 1, |entries| entries.len().max(1) as u64))
}

/// The server's error code behind a client error, if it was one.
pub(super) fn find_error(error: &(dyn std::error::Error + 'static)) -> Option<ErrorCode> {
    std::iter::successors(Some(error), |e| e.source())
        .find_map(|e| e.downcast_ref::<async_nats::jetstream::Error>())
        .map(|e| e.error_code())
}

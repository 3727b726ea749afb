//! The client side of the API: what the commands that talk to a server share.
//!
//! Decides which server that is (a running one, or one inside this process over a folder), how an
//! answer becomes a result or an error with an exit code, and what is tried again. Which events are
//! sent, and what is printed, the commands decide.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use kernel::Failure;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::local::Local;
use super::setting::Setting;

/// Which server, and who asks.
#[derive(Clone, Debug, Args)]
pub struct Connection {
    /// Address of a running server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", env = "HEADWATER_SERVER")]
    pub server: String,
    /// API token
    #[arg(long, value_name = "TOKEN", env = "HEADWATER_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Folder of an installation that no server is running on, instead of a server
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Workspace in the folder; the only one if absent
    #[arg(long, value_name = "NAME", requires = "data")]
    pub workspace: Option<String>,
}

/// A connection in use.
pub struct Session {
    /// The server's API.
    pub api: Api,
    local: Option<Local>,
}

impl Connection {
    /// Connects; over a folder, starts a server and waits until everything logged is applied.
    ///
    /// # Errors
    /// No token, a wrong address, or a folder that is no installation or is in use.
    pub async fn open(&self) -> anyhow::Result<Session> {
        let Some(folder) = &self.data else {
            let token = self.token.as_deref();
            let token = token.context("give --token (or HEADWATER_TOKEN), or --data for a folder")?;
            return Ok(Session { api: Api::new(&self.server, Some(token))?, local: None });
        };
        let mut local = Local::start(&Setting::existing(folder)?, self.workspace.as_deref()).await?;
        let api = Api::new(&local.address(), Some(&local.lend_token()?))?;
        api.wait_applied(|_| {}).await?;
        Ok(Session { api, local: Some(local) })
    }
}

impl Session {
    /// Ends the server inside the process, if there is one.
    pub async fn close(self) {
        if let Some(local) = self.local {
            local.stop().await;
        }
    }
}

/// Runs a command that talks to a server.
///
/// # Errors
/// The command's.
pub fn run<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let result = runtime.block_on(command);
    // A file may still be read by a thread that nobody waits for.
    runtime.shutdown_background();
    result
}

/// What the server answered instead of doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Its words.
    pub detail: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// As for the failures of this process, and 77 for a missing credential or permission.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            401 | 403 => 77,
            404 => 66,
            429 | 502..=504 => 69,
            400..=499 => 65,
            _ => 70,
        }
    }
}

/// How far a workspace's pipeline is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Figures {
    /// Newest entry of the log.
    pub log_head: u64,
    /// Newest entry that is part of the state.
    pub applied: u64,
    /// Events in the state.
    pub processed: u64,
    /// Copies recognised.
    pub deduplicated: u64,
    /// Events put aside.
    pub quarantined: u64,
    /// Parties known.
    pub parties: u64,
}

impl Figures {
    /// Events that are dealt with, in one way or another.
    pub fn done(&self) -> u64 {
        self.processed + self.deduplicated + self.quarantined
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// How long one request may take: a batch waits for the disk, and for others before it.
const REQUEST_MAX: Duration = Duration::from_secs(120);
/// How long a server may ask for patience before the command gives up.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest single pause a server is granted.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Further tries after a broken connection or an error of the server, when a person waits for an answer,
const TRIES: u32 = 2;
/// and in the middle of a long import.
const IMPORT_TRIES: u32 = 6;
/// How often progress is looked at.
const POLL: Duration = Duration::from_millis(250);

/// The API of a server. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: Url,
    token: Option<String>,
}

impl Api {
    /// The API at an address such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// It is no address of a server.
    pub fn new(server: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let text = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let base = Url::parse(&text).map_err(|e| Failure::invalid("--server", e.to_string()))?;
        if base.scheme() != "http" {
            let message = "must begin with http://; put a proxy that speaks TLS in between for https";
            return Err(Failure::invalid("--server", message).into());
        }
        let http = Client::builder().timeout(REQUEST_MAX).connect_timeout(Duration::from_secs(10)).build()?;
        Ok(Self { http, base, token: token.map(str::to_owned) })
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// `GET /api/v1/<path>?<query>`.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> anyhow::Result<T> {
        self.patiently(TRIES, || self.signed(self.http.get(self.url(path, query)))).await
    }

    /// `POST /api/v1/<path>`, once: it is not known of every path that repeating does no harm.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> anyhow::Result<T> {
        let request = self.signed(self.http.post(self.url(path, &[])).json(body));
        read(request.send().await.map_err(|e| self.unreachable(&e))?).await
    }

    /// `PUT /api/v1/<path>`, once.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn put<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> anyhow::Result<T> {
        let request = self.signed(self.http.put(self.url(path, &[])).json(body));
        read(request.send().await.map_err(|e| self.unreachable(&e))?).await
    }

    /// `PATCH /api/v1/<path>`, once.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn patch<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> anyhow::Result<T> {
        let request = self.signed(self.http.patch(self.url(path, &[])).json(body));
        read(request.send().await.map_err(|e| self.unreachable(&e))?).await
    }

    /// `DELETE /api/v1/<path>`, once.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn delete<T: DeserializeOwned>(&self, path: &[&str]) -> anyhow::Result<T> {
        let request = self.signed(self.http.delete(self.url(path, &[])));
        read(request.send().await.map_err(|e| self.unreachable(&e))?).await
    }

    /// Sends a JSON array of events as an import, under a source's write key, until they are durable.
    ///
    /// # Errors
    /// [`Refused`], or the server does not take them within ten minutes.
    pub async fn import<T: DeserializeOwned>(&self, write_key: &str, events: Bytes) -> anyhow::Result<T> {
        let url = self.url(&["events"], &[("import", "true")]);
        let request = || {
            let request = self.http.post(url.clone()).bearer_auth(write_key);
            request.header(header::CONTENT_TYPE, "application/json").body(events.clone())
        };
        self.patiently(IMPORT_TRIES, request).await
    }

    /// Repeats a request that can do no harm twice while the server asks for patience.
    async fn patiently<T: DeserializeOwned>(
        &self,
        tries_max: u32,
        request: impl Fn() -> RequestBuilder,
    ) -> anyhow::Result<T> {
        let (mut tries, mut waited) = (0, Duration::ZERO);
        loop {
            let answer = request().send().await;
            let pause = match answer {
                Ok(answer) if is_busy(answer.status()) => {
                    let pause = retry_after(&answer);
                    if waited > PATIENCE {
                        return read(answer).await;
                    }
                    pause
                }
                Ok(answer) if answer.status().is_server_error() && tries < tries_max => backoff(&mut tries),
                Ok(answer) => return read(answer).await,
                Err(_) if tries < tries_max => backoff(&mut tries),
                Err(error) => return Err(self.unreachable(&error)),
            };
            waited += pause;
            tokio::time::sleep(pause).await;
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let cause = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        Failure::unavailable(format!("the server at {} {cause}", self.base)).into()
    }

    /// How far the pipeline is.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn figures(&self) -> anyhow::Result<Figures> {
        self.get(&["pipeline"], &[]).await
    }

    /// Waits until everything that is in the log now is part of the state.
    ///
    /// # Errors
    /// [`Refused`], or no answer.
    pub async fn wait_applied(&self, mut tell: impl FnMut(&Figures)) -> anyhow::Result<Figures> {
        let mut figures = self.figures().await?;
        let goal = figures.log_head;
        loop {
            tell(&figures);
            if figures.applied >= goal {
                return Ok(figures);
            }
            tokio::time::sleep(POLL).await;
            figures = self.figures().await?;
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

fn retry_after(answer: &Response) -> Duration {
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).max(1)).min(PAUSE_MAX)
}

fn backoff(tries: &mut u32) -> Duration {
    *tries += 1;
    Duration::from_millis(50 << *tries)
}

async fn read<T: DeserializeOwned>(answer: Response) -> anyhow::Result<T> {
    #[derive(Default, Deserialize)]
    struct Problem {
        detail: String,
    }
    let status = answer.status();
    let body = answer.bytes().await.map_err(|_| Failure::unavailable("the answer broke off"))?;
    if status.is_success() {
        return serde_json::from_slice(&body).context("this is not the answer of a Headwater server");
    }
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    let detail =
        if problem.detail.is_empty() { format!("the server answered {status}") } else { problem.detail };
    Err(Refused { status: status.as_u16(), detail }.into())
}

/// A progress bar on standard error, drawn only on a terminal. Without a total it just counts.
pub fn progress(what: &'static str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{msg:>10} {wide_bar} {human_pos}/{human_len} {rate:>12} {eta:>4}",
        None => "{msg:>10} {spinner} {human_pos} {rate} {elapsed}",
    };
    let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}/s", state.per_sec());
    };
    let style = style.with_key("rate", rate);
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.with_style(style).with_message(what)
}

/// Text of others, safe to print: nothing in it moves the cursor or colours the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The exit code of a command that was stopped by Ctrl-C.
pub fn interrupted() -> ExitCode {
    ExitCode::from(130)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_does_not_reach_the_terminal_as_commands() {
        assert_eq!(plain("王\u{1b}[31m\r\n\u{9b}x"), "王\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}x");
    }

    #[test]
    fn a_server_is_named_with_or_without_its_scheme_and_path() {
        let url = |server| {
            Api::new(server, None).map(|api| api.url(&["parties", "by", "a/b", "ü"], &[]).to_string())
        };
        assert_eq!(url("localhost:8080").unwrap(), "http://localhost:8080/api/v1/parties/by/a%2Fb/%C3%BC");
        assert_eq!(url("http://h/cdp/").unwrap(), "http://h/cdp/api/v1/parties/by/a%2Fb/%C3%BC");
        assert!(url("https://h").is_err());
        assert!(url("http://").is_err());
    }

    #[test]
    fn a_server_may_ask_for_a_pause_within_reason() {
        let answer = |value: &str| {
            Response::from(axum::http::Response::builder().header("retry-after", value).body("").unwrap())
        };
        let seconds = |value| retry_after(&answer(value)).as_secs();
        assert_eq!([seconds("7"), seconds("0"), seconds("soon"), seconds("99999")], [7, 1, 1, 60]);
    }
}

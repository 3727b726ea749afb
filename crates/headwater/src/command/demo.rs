//! `headwater demo`: a made-up company to look at. Creates its workspaces, serves them, loads their events
//! through the public endpoints as any sender would, and tells how to sign in.
//!
//! The world itself, and what is true in it, is `demo`'s. A folder that is loaded is only served.

mod audiences;
mod credentials;
mod load;
mod replay;

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::client::{self, Api, Page, plain};
use super::local::Local;
use super::say;
use super::serve::{Serve, start_logging};
use super::setting::Setting;
use crate::machine::MachineClock;
use credentials::Credentials;

/// Load a made-up company and serve it.
///
/// The first start takes some minutes (a few seconds with --profile tiny); later ones serve at once what
/// is in the folder. Ends with Ctrl-C; the folder stays.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    setting: Setting,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "HEADWATER_LISTEN")]
    listen: SocketAddr,
    /// How large: small has 20,000 persons and 1.1 million events, tiny a fiftieth; small if absent
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// Another number makes another world; 1 if absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Go on with the end of the world, again and again, as if it were now: so many events a second
    #[arg(long, value_name = "N/s", value_parser = replay::rate)]
    replay: Option<u32>,
    /// Load, and end
    #[arg(long, conflicts_with = "replay")]
    no_serve: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Sizes of the demo world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileName {
    /// 20,000 persons.
    #[default]
    Small,
    /// 400 persons.
    Tiny,
}

/// What the workspaces are, for people.
const STORIES: [(&str, &str); 5] = [
    ("xiulin", "岫邻生活,连锁零售 · a retail chain"),
    ("chengdi", "澄滴饮品,饮料企业 · a beverage maker"),
    ("xiujin", "岫金银行,零售银行 · a retail bank"),
    ("yulan", "驭岚汽车,汽车经销商 · a car dealer"),
    ("clickstream", "一家网店的点击流 · a web shop's clickstream"),
];

impl Demo {
    /// Creates what is missing, loads what is not loaded, and serves until told to stop.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be written or served.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        start_logging(false, "warn");
        let credentials = Credentials::prepare(&self.setting, self.profile, self.seed)?;
        client::run(async {
            if self.no_serve { self.load_only(credentials).await } else { self.serve(credentials).await }
        })
    }

    async fn load_only(&self, credentials: Credentials) -> anyhow::Result<ExitCode> {
        let local = Local::start(&self.setting, Some(demo::SOURCES[0].0)).await?;
        let address = local.address();
        let loaded = tokio::select! {
            loaded = self.load(&address, credentials) => loaded.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        };
        local.stop().await;
        let Some(credentials) = loaded? else { return Ok(client::interrupted()) };
        if self.json {
            say(self.result(&credentials, None));
        } else {
            say(format_args!("the demo is loaded into {}", self.setting.data.display()));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn serve(&self, credentials: Credentials) -> anyhow::Result<ExitCode> {
        let (tell, told) = oneshot::channel();
        let serving = Serve::new(self.setting.clone(), self.listen).serve(|address| {
            let _ = tell.send(address);
        });
        let mut serving = Box::pin(serving);
        let work = async {
            let server = format!("http://{}", reachable(told.await?));
            let credentials = self.load(&server, credentials).await?;
            if self.json {
                say(self.result(&credentials, Some(&server)));
            } else {
                say(self.welcome(&credentials, &server).await);
            }
            anyhow::Ok((server, credentials))
        };
        let (server, credentials) = tokio::select! {
            served = &mut serving => {
                served?;
                return Ok(client::interrupted());
            }
            worked = work => worked?,
        };
        let Some(rate) = self.replay else {
            serving.await?;
            return Ok(ExitCode::SUCCESS);
        };
        let clock = MachineClock::default();
        tokio::select! {
            served = &mut serving => return served.map(|()| ExitCode::SUCCESS),
            replayed = replay::go_on(&server, &credentials, rate, &clock) => {
                // What was loaded is still worth looking at.
                if let Err(error) = replayed {
                    say(format_args!("回放已停止 · the replay has stopped: {error:#}"));
                }
            }
        }
        serving.await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn load(&self, server: &str, credentials: Credentials) -> anyhow::Result<Credentials> {
        if credentials.is_loaded {
            return Ok(credentials);
        }
        load::load(server, &credentials, &self.setting.data).await?;
        if let Some(shop) = credentials.workspaces.get(demo::SOURCES[0].0) {
            audiences::define(server, &shop.token).await?;
        }
        credentials.loaded(&self.setting.data)
    }

    fn result(&self, credentials: &Credentials, address: Option<&str>) -> Value {
        json!({
            "address": address, "profile": credentials.profile, "seed": credentials.seed,
            "workspaces": credentials.workspaces,
        })
    }

    /// All a newcomer needs.
    async fn welcome(&self, credentials: &Credentials, server: &str) -> String {
        let mut text = format!("\n源头演示已就绪 · The Headwater demo is ready\n\n    {server}\n\n");
        text.push_str("打开页面,粘贴一个令牌登录 · Open the page and paste a token to sign in:\n\n");
        for (name, story) in STORIES {
            if let Some(workspace) = credentials.workspaces.get(name) {
                let _ = writeln!(text, "    {name}  {story}\n        {}", workspace.token);
            }
        }
        if let Some(workspace) = credentials.workspaces.get(demo::SOURCES[0].0)
            && let Some(who) = somebody(server, &workspace.token).await
        {
            text.push_str("\n命令行 · On the command line:\n\n");
            let _ =
                writeln!(text, "    export HEADWATER_SERVER={server} HEADWATER_TOKEN={}", workspace.token);
            let _ = writeln!(text, "    headwater party {} --timeline --explain", plain(&who));
        }
        if let Some(rate) = self.replay {
            let _ = writeln!(
                text,
                "\n正在回放:每秒 {rate} 个事件,看人群进出 · Going on, {rate} events a second; watch people come and go:\n\n    \
                 {server}/#/audiences"
            );
        }
        let folder = self.setting.data.display();
        let _ = writeln!(
            text,
            "\n写入密钥 · Write keys: {folder}/demo.json\n标准答案 · What is true in this world: {folder}/truth\n\
             按 Ctrl-C 停止,数据保留 · Ctrl-C stops it and keeps the data"
        );
        text
    }
}

/// Where a process on this machine reaches a server that listens there.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// A party worth looking at, as `mobile:199…`: the busiest of the first page. None if there is trouble,
/// which is not worth failing for.
async fn somebody(server: &str, token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Item {
        identifiers: Vec<Identifier>,
        event_count: u64,
    }
    #[derive(Deserialize)]
    struct Identifier {
        kind: String,
        value: String,
    }
    let api = Api::new(server, Some(token)).ok()?;
    let page: Page<Item> = api.get(&["parties"], &[("limit", "200")]).await.ok()?;
    let mobile = |item: &Item| item.identifiers.iter().find(|i| i.kind == "mobile").map(|i| i.value.clone());
    let known = page.items.iter().filter_map(|item| Some((item.event_count, mobile(item)?)));
    known.max().map(|(_, value)| format!("mobile:{value}"))
}

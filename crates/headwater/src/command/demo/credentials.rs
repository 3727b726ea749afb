//! The demo's workspaces, and the file that keeps their credentials for the next start.
//!
//! The file is written before the workspaces are, and they are all made in one transaction: whatever
//! interrupts a first start, the next one goes on.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use kernel::Failure;
use kernel::scope::Permissions;
use serde::{Deserialize, Serialize};
use workspace::store::source::{NewSource, source_create};
use workspace::store::token::{NewToken, token_create};
use workspace::store::workspace::{NewWorkspace, TIME_ZONE, workspace_by_name, workspace_create};
use workspace::{Installation, credential};

use super::ProfileName;
use crate::command::setting::Setting;

/// The file in the folder.
const FILE: &str = "demo.json";
/// The world that is made if no number is given.
const SEED: u64 = 1;

/// What is kept of a demo. Only for its owner to read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Credentials {
    /// How large the world is.
    pub(super) profile: ProfileName,
    /// Which world it is.
    pub(super) seed: u64,
    /// Whether all of it is in.
    pub(super) is_loaded: bool,
    /// By name.
    pub(super) workspaces: BTreeMap<String, Workspace>,
}

/// One workspace's credentials.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Workspace {
    /// A token that may do everything in it.
    pub(super) token: String,
    /// The write key of each of its sources.
    pub(super) write_keys: BTreeMap<String, String>,
}

impl Credentials {
    /// Reads the credentials of a folder's demo, or makes them; and its workspaces if they are missing.
    ///
    /// # Errors
    /// The folder has another world, or workspaces of these names that are not the demo's.
    pub(super) fn prepare(
        setting: &Setting,
        profile: Option<ProfileName>,
        seed: Option<u64>,
    ) -> anyhow::Result<Self> {
        let installation = setting.open()?;
        let path = setting.data.join(FILE);
        let kept = match std::fs::read(&path) {
            Ok(json) => {
                let kept: Self =
                    serde_json::from_slice(&json).with_context(|| format!("reading {}", path.display()))?;
                kept.check(profile, seed)?;
                Some(kept)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let is_new = kept.is_none();
        let credentials = kept
            .unwrap_or_else(|| Self::fresh(&installation, profile.unwrap_or_default(), seed.unwrap_or(SEED)));
        if is_new {
            let taken = |name: &String| installation.workspaces().iter().any(|w| w.name == *name);
            if let Some(name) = credentials.workspaces.keys().find(|name| taken(name)) {
                let message =
                    format!("the folder has a workspace `{name}` that is not a demo's; use another folder");
                return Err(Failure::conflict(message).into());
            }
            credentials.save(&setting.data)?;
        }
        credentials.create(&installation)?;
        Ok(credentials)
    }

    fn fresh(installation: &Installation, profile: ProfileName, seed: u64) -> Self {
        let ids = installation.ids();
        let mut workspaces: BTreeMap<String, Workspace> = BTreeMap::new();
        for (name, source) in demo::SOURCES {
            let workspace = workspaces.entry(name.to_owned()).or_default();
            workspace.write_keys.insert(source.to_owned(), credential::write_key(&ids.secret()));
        }
        for workspace in workspaces.values_mut() {
            workspace.token = credential::token(&ids.fresh(), &ids.secret()).text;
        }
        Self { profile, seed, is_loaded: false, workspaces }
    }

    fn check(&self, profile: Option<ProfileName>, seed: Option<u64>) -> kernel::Result<()> {
        if profile.is_none_or(|p| p == self.profile) && seed.is_none_or(|s| s == self.seed) {
            return Ok(());
        }
        let message =
            format!("the folder has the world {:?} {}; use another folder", self.profile, self.seed);
        Err(Failure::conflict(message.to_lowercase()))
    }

    /// Creates the workspaces that are missing, with these credentials.
    fn create(&self, installation: &Installation) -> kernel::Result<()> {
        let (ids, now) = (installation.ids(), installation.now());
        installation.store().installation()?.write(|tx| {
            for (name, credentials) in &self.workspaces {
                if workspace_by_name(tx, name)?.is_some() {
                    continue;
                }
                let secret = ids.secret();
                let new = NewWorkspace { name, secret, partitions: 1, time_zone: TIME_ZONE };
                let workspace = workspace_create(tx, &new, now)?.no;
                for (id, write_key) in &credentials.write_keys {
                    source_create(tx, &NewSource { workspace, id, write_key, sensors_project: None }, now)?;
                }
                let text = credentials.token.clone();
                let id = credential::token_id(&text).map(str::to_owned);
                let id = id.ok_or_else(|| Failure::invalid(FILE, "a token in it is broken"))?;
                let owner =
                    NewToken { workspace, name: "owner", permissions: Permissions::all(), expires: None };
                token_create(tx, &credential::Token { id, text }, &owner, now)?;
            }
            Ok::<_, Failure>(())
        })?;
        installation.reload()
    }

    /// Notes that everything is in.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn loaded(self, folder: &Path) -> anyhow::Result<Self> {
        let loaded = Self { is_loaded: true, ..self };
        loaded.save(folder)?;
        Ok(loaded)
    }

    fn save(&self, folder: &Path) -> anyhow::Result<()> {
        // Such a file is readable by its owner only, and takes the place of the old one as a whole.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(folder.join(FILE))?;
        Ok(())
    }
}

//! Who is asking, in which workspace, and what they may do. Every store call takes a [`Scope`] first.

use crate::{Failure, WorkspaceNo};

/// One thing a principal may be allowed to do. The names are public: they are the scopes of API tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// Read profiles, timelines and searches (personal data masked unless [`Permission::PersonalRead`]).
    ProfileRead,
    /// See personal data in clear.
    PersonalRead,
    /// Merge and unmerge parties, change identity rules.
    IdentityWrite,
    /// Try identity rules without changing anything.
    IdentityRead,
    /// Send events on behalf of the workspace through the own API.
    EventWrite,
    /// See pipeline figures, live events, quarantine and the tracking plan.
    PipelineRead,
    /// Replay and discard quarantined events, change the tracking plan.
    PipelineWrite,
    /// Create and change sources and API tokens.
    WorkspaceWrite,
    /// Read the audit log and the list of sources.
    WorkspaceRead,
    /// See audiences, who is in them, and how many a rule would hold for.
    AudienceRead,
    /// Define, change and put away audiences.
    AudienceWrite,
    /// Ask the lake in SQL (personal data masked unless [`Permission::PersonalRead`]).
    QueryRun,
    /// See jobs, schedules and why something did not run.
    JobRead,
    /// Run and cancel jobs, define schedules.
    JobWrite,
    /// See tags, scores and stages, who has them, and what a definition would give.
    TagRead,
    /// Define, change, assign and put away tags, scores and stages.
    TagWrite,
    /// See destinations, what was sent there and what was not.
    DestinationRead,
    /// Define, change, pause and try destinations, keep their secrets.
    DestinationWrite,
}

impl Permission {
    /// Every permission with its public name.
    pub const ALL: [(Self, &'static str); 18] = [
        (Self::ProfileRead, "profile:read"),
        (Self::PersonalRead, "personal:read"),
        (Self::IdentityWrite, "identity:write"),
        (Self::IdentityRead, "identity:read"),
        (Self::EventWrite, "event:write"),
        (Self::PipelineRead, "pipeline:read"),
        (Self::PipelineWrite, "pipeline:write"),
        (Self::WorkspaceWrite, "workspace:write"),
        (Self::WorkspaceRead, "workspace:read"),
        (Self::AudienceRead, "audience:read"),
        (Self::AudienceWrite, "audience:write"),
        (Self::QueryRun, "query:run"),
        (Self::JobRead, "job:read"),
        (Self::JobWrite, "job:write"),
        (Self::TagRead, "tag:read"),
        (Self::TagWrite, "tag:write"),
        (Self::DestinationRead, "destination:read"),
        (Self::DestinationWrite, "destination:write"),
    ];

    /// The public name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(p, _)| *p == self).map(|(_, name)| *name).expect("ALL lists every permission")
    }

    /// The permission with this public name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(p, _)| *p)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// Everything. Only the installation's own processes and owner tokens have it.
    pub fn all() -> Self {
        Self::of(&Permission::ALL.map(|(p, _)| p))
    }

    /// Exactly these.
    pub fn of(list: &[Permission]) -> Self {
        Self(list.iter().fold(0, |bits, p| bits | 1 << *p as u32))
    }

    /// Reads names separated by spaces; unknown names are an error that lists the known ones.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut list = Vec::new();
        for name in text.split_whitespace() {
            if name == "all" {
                return Ok(Self::all());
            }
            list.push(Permission::parse(name).ok_or_else(|| {
                let known: Vec<_> = Permission::ALL.iter().map(|(_, n)| *n).collect();
                Failure::invalid("scopes", format!("`{name}` is not one of {}", known.join(", ")))
            })?);
        }
        Ok(Self::of(&list))
    }

    /// The names, separated by spaces.
    pub fn names(self) -> String {
        let names: Vec<_> =
            Permission::ALL.iter().filter(|(p, _)| self.has(*p)).map(|(_, name)| *name).collect();
        names.join(" ")
    }

    /// Whether `permission` is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u32 != 0
    }
}

/// A workspace, an actor and what the actor may do there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The workspace everything below is confined to.
    pub workspace: WorkspaceNo,
    /// Who acts: a token id, `pipeline`, `cli`. Goes into the audit log, so never personal data.
    pub actor: String,
    /// What they may do.
    pub permissions: Permissions,
}

impl Scope {
    /// The scope of a part of the system itself, such as `pipeline`.
    pub fn system(workspace: WorkspaceNo, actor: &str) -> Self {
        Self { workspace, actor: actor.to_owned(), permissions: Permissions::all() }
    }

    /// Fails unless the actor has `permission`.
    pub fn require(&self, permission: Permission) -> Result<(), Failure> {
        if self.permissions.has(permission) {
            return Ok(());
        }
        Err(Failure::Forbidden { permission: permission.name() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_read_back_what_they_print() {
        let some = Permissions::of(&[Permission::ProfileRead, Permission::EventWrite]);
        assert_eq!(Permissions::parse(&some.names()).unwrap(), some);
        assert!(!some.has(Permission::PersonalRead));
        assert!(Permissions::parse("profile:write").is_err());
        assert_eq!(Permissions::parse("all").unwrap(), Permissions::all());
    }
}

//! Changes as files in a folder of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use files::Cell;
use files::read::Options;
use serde_json::{Value, json};

use super::{World, identify, sharing, text};

/// A definition of files in a folder.
pub(super) fn folder(path: &str, format: &str, follows: Value) -> Value {
    json!({ "name": "files", "target": { "kind": "folder", "path": path, "format": format },
        "follows": follows, "fields": [{ "as": "city", "trait": "city" }] })
}

/// Every file below a folder.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(below(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// The rows of a file, each as the text of its columns.
pub(super) fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let read = files::read::open(path, &Options::default()).unwrap();
    let text = |cell: &Cell| cell.text().to_owned();
    read.map(|row| row.unwrap().cells.iter().map(|(name, cell)| (name.to_string(), text(cell))).collect())
        .collect()
}

#[test]
fn changes_that_leave_together_are_a_file_and_each_change_is_in_one() {
    for format in ["csv", "xlsx", "parquet"] {
        let world = World::new();
        let audience = world.gold();
        let follows = json!([{ "ledger": "audience", "id": audience }]);
        let id = text(&world.post("/api/v1/destinations", folder("crm/daily", format, follows))["id"]);
        let tested = world.post(&format!("/api/v1/destinations/{id}/test"), json!({}));
        assert_eq!(tested["delivered"], true, "{tested}");
        world.server.dispatch();
        world.send(&(0..5).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
        world.send(&[identify("u-9", 2, json!({ "tier": "gold" }))]);
        world.settled(&id);
        world.server.clock().advance(kernel::time::MINUTE);
        world.send(&[identify("u-1", 9, json!({ "tier": "silver" }))]);
        let status = world.settled(&id);
        assert_eq!((&status["delivered"], &status["blocked"]), (&json!(6), &json!(1)), "{status}");
        let folder = world.server.directory().join(format!("workspace-{}/crm/daily", world.workspace.no.0));
        let found = below(&folder.join("audience").join(&audience).join("changes"));
        let all: Vec<_> = found.iter().flat_map(|path| rows(path)).collect();
        assert_eq!(all.len(), 6, "{format}: {found:?}");
        let left: Vec<_> = all.iter().filter(|row| row["event"] == "audience.exited").collect();
        assert_eq!((left.len(), left[0]["party_id"].as_str()), (1, world.party("u-1").as_str()));
        assert_eq!((left[0]["city"].as_str(), left[0]["is_present"].as_str()), ("", "false"));
        let entered = all.iter().find(|row| row["party_id"] == world.party("u-2")).unwrap();
        assert_eq!((entered["city"].as_str(), entered["name"].as_str()), ("临澄", "黄金会员"));
        assert!(!all.iter().any(|row| row["party_id"] == world.party("u-9")), "said nothing about sharing");
    }
}

#[test]
fn a_folder_leads_nowhere_else_and_no_field_hides_a_column() {
    let world = World::new();
    let refused = |definition: Value| {
        let answer = world.server.post(&world.workspace.token, "/api/v1/destinations", &definition);
        assert_eq!(answer.status.as_u16(), 422, "{}", answer.text());
    };
    for path in ["..", "../workspace-2", "/etc", "a/../../b", "a//b", "", ".ssh", "a\\b", "~"] {
        refused(folder(path, "csv", json!([])));
    }
    refused(folder("a", "exe", json!([])));
    let mut taken = folder("a", "csv", json!([]));
    taken["fields"] = json!([{ "as": "party_id", "trait": "city" }]);
    refused(taken);
}

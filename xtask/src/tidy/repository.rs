//! The repository as text: every file git would commit, read once.
//!
//! Rules see nothing else, so a test plants a violation by listing paths and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::rust::Source;
use crate::shell::run_quietly;

/// Kinds of file whose text a rule reads; of the others only the name counts.
const TEXT: &[&str] = &[".rs", ".md", ".toml", ".sql", ".txt", ".mjs", ".py"];

/// Paths and texts, relative to the top, with `/` between parts.
pub(super) struct Repository {
    texts: BTreeMap<String, String>,
    sources: BTreeMap<String, Source>,
    /// Every file, and every folder that holds one.
    paths: BTreeSet<String>,
}

impl Repository {
    /// Everything tracked, and everything new that is not ignored.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let list = "ls-files -z --cached --others --exclude-standard";
        let mut git = crate::shell::program("git", list);
        let listed = run_quietly(git.current_dir(root))?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let file = root.join(path);
            if !file.is_file() {
                continue; // deleted, not yet committed
            }
            let is_text = TEXT.iter().any(|end| path.ends_with(end));
            let text = if is_text { fs::read_to_string(&file) } else { Ok(String::new()) };
            files.push((path.to_owned(), text.with_context(|| format!("reading {path}"))?));
        }
        Ok(Self::of(files))
    }

    pub(super) fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<String, String> = files.into_iter().collect();
        let mut paths = BTreeSet::from([String::new()]);
        for path in texts.keys() {
            paths.insert(path.clone());
            for (slash, _) in path.match_indices('/') {
                paths.insert(path[..slash].to_owned());
            }
        }
        let is_rust = |path: &&String| path.ends_with(".rs");
        let sources =
            texts.keys().filter(is_rust).map(|path| (path.clone(), Source::read(path, &texts[path])));
        Self { sources: sources.collect(), texts, paths }
    }

    /// The text of one file; empty when there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// A repository of a test: `[(path, text), …]`.
    #[cfg(test)]
    pub(super) fn planted(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
    }
}

/// The folder of a file; empty at the top.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

//! Documents point at what exists: relative links resolve, and the index of decisions is complete.

use super::Violation;
use super::repository::{Repository, parent};
use super::rust::numbered;

const ADR: &str = "docs/adr/";
const ADR_INDEX: &str = "docs/adr/README.md";

pub(super) fn check_links(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in repository.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (line, target) in links(text) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = file.contains("://") || file.starts_with("mailto:");
            if !file.is_empty()
                && !is_elsewhere
                && !resolve(parent(path), file).is_some_and(|to| repository.has(&to))
            {
                violations.push(Violation::new(
                    path,
                    line,
                    format!("link to `{target}`, which is not in the repository; mend or remove it"),
                ));
            }
        }
    }
    violations
}

pub(super) fn check_adr_index(repository: &Repository) -> Vec<Violation> {
    let index = repository.text(ADR_INDEX);
    let decisions =
        repository.texts().filter_map(|(path, _)| path.strip_prefix(ADR)).filter(|name| is_decision(name));
    let missing = decisions.filter(|name| !index.contains(&format!("({name})")));
    missing
        .map(|name| {
            Violation::new(ADR_INDEX, 0, format!("does not list `{name}`; add a line with a link to it"))
        })
        .collect()
}

/// `NNNN-title.md`
fn is_decision(name: &str) -> bool {
    let number = name.split('-').next().unwrap_or_default();
    number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()) && name.ends_with(".md")
}

/// Targets of `[text](target)` and `[name]: target`, outside code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (number, line) in numbered(text) {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        let prose = line.split('`').step_by(2);
        let inline =
            prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
        found.extend(inline.map(|target| (number, target)));
        let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        found.extend(reference.map(|(_, target)| (number, target.split(' ').next().unwrap_or_default())));
    }
    found
}

/// `../a/b.md` as seen from a folder; nothing when it leaves the repository.
fn resolve(folder: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Vec<usize> {
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", ""), ("crates/a/src/lib.rs", "")];
        check_links(&Repository::planted(&files)).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_link_to_nothing_is_a_violation() {
        assert_eq!(broken("[x](c.md)\n\n![x](../pictures/y.svg) [y](b.md)\n[z]: ../gone.md\n"), [1, 3, 4]);
        assert_eq!(broken("[x](../../outside.md)\n"), [1]);
    }

    #[test]
    fn links_that_resolve_leave_or_are_code_are_none() {
        assert_eq!(
            broken("[x](b.md#part) [y](../README.md) [z](https://a.example/c.md) [s](#here)\n"),
            [0; 0]
        );
        assert_eq!(broken("[folder](../crates/a/) `[x](c.md)`\n```text\n[x](c.md)\n```\n"), [0; 0]);
    }

    #[test]
    fn a_decision_missing_from_the_index_is_a_violation() {
        let files = [
            (ADR_INDEX, "- [One](0001-one.md)\n"),
            ("docs/adr/0001-one.md", ""),
            ("docs/adr/0002-two.md", ""),
            ("docs/adr/template.md", ""),
        ];
        let found = check_adr_index(&Repository::planted(&files));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("0002-two.md"));
    }
}

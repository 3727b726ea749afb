//! Exceptions to the size limits, which may only shrink.
//!
//! `xtask/ratchet.txt` names each exception with today's size. A larger size is a violation; so is a
//! smaller one until the line says so, because an exception that got better must not get worse again.

use std::collections::BTreeMap;

use super::Violation;
use super::repository::Repository;
use super::rust::numbered;
use super::sizes::{Excess, excesses};

const FILE: &str = "xtask/ratchet.txt";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    compare(&excesses(repository), repository.text(FILE))
}

fn compare(found: &[Excess], ratchet: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut excused: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (line, text) in numbered(ratchet).filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        match text.rsplit_once(' ').and_then(|(subject, size)| Some((subject, size.parse().ok()?))) {
            Some((subject, size)) => drop(excused.insert(subject, (size, line))),
            None => {
                violations.push(Violation::new(FILE, line, "not `<file|function|crate> <where> <lines>`"))
            }
        }
    }
    for excess in found {
        match excused.remove(excess.subject.as_str()) {
            None => violations.push(Violation::new(&excess.path, excess.line, &excess.instead)),
            Some((size, _)) if excess.lines > size => {
                let message = format!(
                    "{} (it had {size}, which {FILE} excuses: exceptions only shrink)",
                    excess.instead
                );
                violations.push(Violation::new(&excess.path, excess.line, message));
            }
            Some((size, line)) if excess.lines < size => {
                let message = format!("`{}` has shrunk; write {} here", excess.subject, excess.lines);
                violations.push(Violation::new(FILE, line, message));
            }
            Some(_) => {}
        }
    }
    let unneeded = |subject| format!("`{subject}` needs no exception any more; remove this line");
    violations.extend(
        excused.into_iter().map(|(subject, (_, line))| Violation::new(FILE, line, unneeded(subject))),
    );
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: usize, ratchet: &str) -> Vec<Violation> {
        let excess = Excess {
            subject: "file a.rs".into(),
            path: "a.rs".into(),
            line: 1,
            lines,
            instead: "split".into(),
        };
        compare(&[excess], ratchet)
    }

    #[test]
    fn an_excess_without_an_exception_is_a_violation() {
        assert_eq!(with(500, ""), [Violation::new("a.rs", 1, "split")]);
    }

    #[test]
    fn an_exception_excuses_exactly_its_size() {
        assert_eq!(with(500, "# why\nfile a.rs 500\n"), []);
        assert_eq!(with(501, "file a.rs 500\n")[0].path, "a.rs");
        assert!(with(499, "file a.rs 500\n")[0].message.contains("write 499"));
    }

    #[test]
    fn an_exception_nobody_needs_is_a_violation() {
        assert!(compare(&[], "file a.rs 500\n")[0].message.contains("remove this line"));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_a_violation() {
        assert_eq!(compare(&[], "file a.rs\n").len(), 1);
    }
}

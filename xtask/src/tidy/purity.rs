//! Deciding code performs no effect: nothing under a `rules/` folder, nor in `kernel`, names a clock,
//! a runtime, a server, a client or a database.

use super::Violation;
use super::repository::Repository;

/// Words that betray an effect, and what to do instead.
const EFFECTS: &[(&str, &str)] = &[
    ("sqlx", "move the SQL to `store/`"),
    ("rusqlite", "move the SQL to `store/`"),
    ("axum", "move the handler to `routes/`"),
    ("tokio", "move the waiting to `stages/`, `routes/` or `store/`"),
    ("reqwest", "let the caller fetch, and pass in what it got"),
    ("SystemTime", "take a `kernel::Instant` from the caller"),
];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in repository.sources().filter(|(path, _)| is_pure(path)) {
        for (word, instead) in EFFECTS {
            let message = format!("`{word}` in code that only decides; {instead}");
            violations.extend(
                source.lines_with_word(word).map(|line| Violation::new(path, line, message.as_str())),
            );
        }
    }
    violations
}

fn is_pure(path: &str) -> bool {
    path.starts_with("crates/kernel/src/") || (path.starts_with("crates/") && path.contains("/src/rules"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_under_rules_or_in_kernel_is_a_violation() {
        let found = check(&Repository::planted(&[
            ("crates/a/src/rules/decide.rs", "use tokio::sync::Mutex;\n"),
            ("crates/a/src/rules.rs", "fn f() -> std::time::SystemTime { g() }\n"),
            ("crates/kernel/src/time.rs", "use rusqlite::Row;\n"),
        ]));
        assert_eq!(found.len(), 3);
        assert!(found.iter().any(|violation| violation.message.contains("`tokio`") && violation.line == 1));
    }

    #[test]
    fn effects_elsewhere_and_words_in_comments_are_none_of_this_rule() {
        let found = check(&Repository::planted(&[
            ("crates/a/src/store/party.rs", "use rusqlite::Row;\n"),
            ("crates/a/src/rules/decide.rs", "//! No tokio here.\nfn f() { g(\"axum\") }\n"),
        ]));
        assert_eq!(found, []);
    }
}

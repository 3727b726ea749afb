//! Words that may not land: leftovers of debugging, promises without a number, tests that wait or rest.

use super::Violation;
use super::repository::Repository;
use super::rust::{Source, has_word, numbered};

/// In the program text; what it is, what to do instead.
const CODE: &[(&str, &str)] = &[
    ("dbg!", "remove it, or log through `tracing`"),
    ("todo!", "write it, or leave it out and open an issue"),
    ("unimplemented!", "write it, or leave it out and open an issue"),
    ("#[ignore", "make the test pass or delete it: a test nobody runs is a claim nobody checks"),
];

const SLEEP: &str = "thread::sleep";
const FIX: &str = concat!("FIX", "ME");
const LATER: &str = concat!("TO", "DO");

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in repository.sources() {
        violations.extend(code(path, source));
        violations.extend(promises(path, &source.comments));
    }
    // Scripts and SQL have no lexer here; the whole text is looked at.
    let scripts =
        repository.texts().filter(|(path, _)| [".mjs", ".py", ".sql"].iter().any(|end| path.ends_with(end)));
    violations.extend(scripts.flat_map(|(path, text)| promises(path, text)));
    violations
}

fn code(path: &str, source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (line, text) in numbered(&source.code) {
        for (word, instead) in CODE.iter().filter(|(word, _)| has_word_like(text, word)) {
            violations.push(Violation::new(path, line, format!("`{word}`: {instead}")));
        }
        if text.contains(SLEEP) && source.is_test(line) {
            let instead = "wait for the thing itself (a channel, a line of output, a manual clock): sleeping is slow and still races";
            violations.push(Violation::new(path, line, format!("`{SLEEP}` in a test: {instead}")));
        }
    }
    violations
}

/// `todo!` but not `my_todo!`; words that begin with a sign are looked for as they are.
fn has_word_like(line: &str, word: &str) -> bool {
    if word.starts_with('#') {
        line.contains(word)
    } else {
        has_word(line, word.trim_end_matches('!')) && line.contains(word)
    }
}

fn promises(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (line, text) in numbered(text) {
        if has_word(text, FIX) {
            violations.push(Violation::new(
                path,
                line,
                format!("`{FIX}`: mend it now, or open an issue and write `{LATER}(#n)`"),
            ));
        }
        if has_word(text, LATER) && !has_issue(text) {
            violations.push(Violation::new(
                path,
                line,
                format!("`{LATER}` without an issue; open one and write `{LATER}(#n)`"),
            ));
        }
    }
    violations
}

fn has_issue(text: &str) -> bool {
    text.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&Repository::planted(&[(path, text)])).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn leftovers_in_code_are_violations() {
        let text = "fn f() {\n    dbg!(1);\n    todo!();\n    unimplemented!()\n}\n#[ignore = \"slow\"]\nfn g() {}\n";
        assert_eq!(messages("crates/a/src/b.rs", text).len(), 4);
    }

    #[test]
    fn leftovers_in_strings_and_longer_words_are_not() {
        assert!(
            messages("crates/a/src/b.rs", "fn f() { g(\"dbg!\"); my_todo!(); }\n// dbg! is banned\n")
                .is_empty()
        );
    }

    #[test]
    fn a_sleep_is_a_violation_in_a_test_only() {
        let sleep = "fn f() { std::thread::sleep(d); }\n";
        assert!(messages("crates/a/src/b.rs", sleep).is_empty());
        assert_eq!(messages("crates/a/tests/b.rs", sleep).len(), 1);
        assert_eq!(
            messages("crates/a/src/b.rs", &format!("#[cfg(test)]\nmod tests {{\n{sleep}}}\n")).len(),
            1
        );
    }

    #[test]
    fn a_promise_needs_a_number() {
        let comment = |words: &str| format!("// {words}\n");
        assert_eq!(messages("a.rs", &comment(&format!("{LATER}: later"))).len(), 1);
        assert!(messages("a.rs", &comment(&format!("{LATER}(#12): later"))).is_empty());
        assert_eq!(messages("a.rs", &comment(FIX)).len(), 1);
        assert_eq!(messages("sdk/a.mjs", &comment(FIX)).len(), 1);
    }
}

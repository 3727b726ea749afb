use super::*;

fn source(text: &str) -> Source {
    Source::read("crates/a/src/lib.rs", text)
}

#[test]
fn comments_and_literals_are_not_code() {
    let read =
        source("let a = \"dbg!\"; // dbg!\nlet b = r#\"todo!\"\"#; /* x /* y */ z */ let c = b\"q\";\n");
    assert!(!read.code.contains("dbg!") && !read.code.contains("todo!"));
    assert_eq!(read.strings, [(1, "dbg!".into()), (2, "todo!\"".into()), (2, "q".into())]);
    assert!(read.comments.contains("// dbg!") && read.comments.contains("/* x /* y */ z */"));
    assert!(read.code.contains("let c"));
}

#[test]
fn a_lifetime_does_not_open_a_character() {
    let read =
        source("fn f<'a>(x: &'a str) -> char { let q = '\"'; let e = '\\''; let w = '中'; q } // end\n");
    assert!(read.strings.is_empty());
    assert!(read.comments.contains("// end"));
}

#[test]
fn lines_are_kept_whatever_is_blanked() {
    let text = "a\n/* b\nc */\n\"d\ne\"\nf\n";
    let read = source(text);
    assert_eq!(read.code.len(), text.len());
    assert_eq!(read.code.lines().nth(5), Some("f"));
}

#[test]
fn words_are_whole() {
    let read = source("use tokio::time;\nlet tokio_like = my_tokio;\n");
    assert_eq!(read.lines_with_word("tokio").collect::<Vec<_>>(), [1]);
}

#[test]
fn a_test_module_is_not_counted_as_code() {
    let read = source("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
    assert_eq!(read.lines_outside_tests(), 2);
    assert!(read.is_test(4) && !read.is_test(6));
}

#[test]
fn a_declared_test_module_ends_at_its_semicolon() {
    let read = source("#[cfg(test)]\nmod tests;\nfn c() {\n}\n");
    assert_eq!(read.lines_outside_tests(), 2);
}

#[test]
fn a_function_is_measured_from_its_name_to_its_brace() {
    let read = source(
        "fn a(x: [u8; 4]) -> u8\nwhere\n    u8: Copy,\n{\n    x[0]\n}\ntrait T {\n    fn none(&self);\n}\n",
    );
    assert_eq!(read.functions(), [Function { name: "a".into(), line: 1, length: 6 }]);
}

#[test]
fn a_function_type_is_not_a_function() {
    assert!(source("type F = fn (u8) -> u8;\nstatic R: &[fn() -> u8] = &[];\n").functions().is_empty());
}

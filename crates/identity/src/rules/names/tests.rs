//! Pairs of names, in both directions.

use super::*;

#[test]
fn ordinary_habits_do_not_make_two_people_of_one() {
    for (a, b) in [
        ("王伟", "王伟"),
        ("王伟", " 王 伟 "),
        ("王小明", "王晓明"),
        ("王伟", "汪玮"),
        ("劉偉", "刘伟"),
        ("王伟", "王先生"),
        ("王女士", "王芳"),
        ("小王", "王伟"),
        ("老王", "王先生"),
        ("小董", "董清琪"),
        ("王董", "王伟"),
        ("王总", "王伟"),
        ("王伟", "王伟先生"),
        ("欧阳先生", "欧阳锋"),
        ("王**", "王小明"),
        ("王*明", "王小明"),
        ("王某某", "王芳"),
        ("王xx", "王芳"),
        ("*明", "王小明"),
        ("王*", "小王"),
        ("王**", "王*明"),
        ("小明", "王小明"),
        ("王", "王伟"),
        ("Wang Wei", "wei  WANG"),
        ("wangwei", "Wang Wei"),
        ("Wang Wei", "王伟"),
        ("weiwang", "王伟"),
        ("Wang, Xiao-Ming", "王小明"),
        ("Xiaoming Wang", "王小明"),
        ("Wang", "王小明"),
        ("王先生", "Wang Wei"),
        ("Lv Bu", "吕布"),
        ("lyu bu", "吕布"),
        ("Shan Tian", "单田"),
        ("Mr. John Smith", "J Smith"),
        ("José García", "jose garcia"),
        ("买买提·艾力", "买买提艾力"),
        ("微信用户", "王伟"),
        ("", "王伟"),
        ("***", "王伟"),
        ("138", "王伟"),
        ("😀", "王伟"),
    ] {
        assert!(!names_differ(a, b), "{a} / {b}");
        assert!(!names_differ(b, a), "{b} / {a}");
    }
}

#[test]
fn different_given_names_differ() {
    for (a, b) in [
        ("王伟", "王芳"),
        ("小董", "王芳"),
        ("王伟", "李伟"),
        ("王小明", "王大明"),
        ("王先生", "李芳"),
        ("小王", "李明"),
        ("王总", "李总"),
        ("王**", "李小明"),
        ("王*明", "王小红"),
        ("*明", "王小红"),
        ("王*", "李*"),
        ("Wang Wei", "王芳"),
        ("Wang Wei", "Wang Fang"),
        ("Li", "王小明"),
        ("王先生", "Li Wei"),
        ("John Smith", "Jane Smith"),
        ("J Smith", "Kate Smith"),
    ] {
        assert!(names_differ(a, b), "{a} / {b}");
        assert!(names_differ(b, a), "{b} / {a}");
    }
}

#[test]
fn only_a_given_name_makes_a_name_full() {
    for (name, is_full) in [
        ("王伟", true),
        ("王伟先生", true),
        ("Wang Wei", true),
        ("wangwei", true),
        ("王先生", false),
        ("欧阳先生", false),
        ("小王", false),
        ("王*", false),
        ("Wang", false),
        ("", false),
    ] {
        assert_eq!(Name::parse(name).is_full(), is_full, "{name}");
    }
}

#[test]
fn a_text_that_is_no_name_costs_little() {
    let long = "行".repeat(10_000);
    assert!(!names_differ(&long, &"hang ".repeat(10_000)));
    assert!(names_differ(&long, "王伟"));
}

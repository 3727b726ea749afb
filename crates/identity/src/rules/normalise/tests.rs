//! Each kind of value with what becomes of it.

use super::*;

/// `Ok(value)`, `Ok(kind:value)` when the kind changed, or the reason.
fn check(kind: &str, raw: &str, expected: &str) {
    let text = match normalise(&Rules::default(), kind, raw) {
        Ok(found) if found.kind == kind => found.value,
        Ok(found) => format!("{}:{}", found.kind, found.value),
        Err(refusal) => format!("! {}", refusal.reason()),
    };
    assert_eq!(text, expected, "{kind} {raw:?}");
}

#[test]
fn chinese_mobiles_in_any_spelling_become_eleven_digits() {
    for raw in [
        "13800138000",
        " +86 138-0013-8000 ",
        "8613800138000",
        "0086 138 0013 8000",
        "+8613800138000",
        "(+86)13800138000",
        "１３８００１３８０００",
        "013800138000",
        "138\u{2011}0013\u{2011}8000",
        "\u{202d}13800138000\u{202c}",
        "\u{feff}138.0013.8000",
    ] {
        check("mobile", raw, "13800138000");
        check("$identity_mobile", raw, "13800138000");
    }
    check("mobile", "199-0000-1234", "19900001234");
    check("mobile", "19900091234", "19900091234");
}

#[test]
fn numbers_of_other_countries_keep_their_sign() {
    check("mobile", "+852 9123 4567", "+85291234567");
    check("mobile", "0044 20 7946 0958", "+442079460958");
    check("mobile", "+1 (415) 555-2671", "+14155552671");
    check("mobile", "+1234567", "! phone length");
    check("mobile", "+1234567890123456", "! phone length");
}

#[test]
fn a_fixed_line_given_as_a_mobile_is_filed_as_landline() {
    for (raw, value) in [
        ("010-62345678", "landline:01062345678"),
        ("0571-8765432", "landline:05718765432"),
        ("0755 2345 6789", "landline:075523456789"),
        ("+86 21 5555 1234", "landline:02155551234"),
        ("+86 10 6234 5678", "landline:01062345678"),
        ("86123456", "landline:86123456"),
        ("2345678", "landline:2345678"),
        ("400-820-8820", "landline:4008208820"),
        ("8008108888", "landline:8008108888"),
    ] {
        check("mobile", raw, value);
        check("landline", raw, value.strip_prefix("landline:").unwrap());
    }
}

#[test]
fn a_wrong_phone_is_refused_with_its_reason() {
    check("mobile", "1381234567", "! phone length");
    check("mobile", "138001380001", "! phone length");
    check("mobile", "86138001380001", "! phone length");
    check("mobile", "+86 1380013800", "! phone length");
    check("mobile", "12345678901", "! phone prefix");
    check("mobile", "85291234567", "! phone prefix");
    check("mobile", "1380013800x", "! phone characters");
    check("mobile", "138****8000", "! phone characters");
    check("mobile", "138+00138000", "! phone characters");
    check("mobile", "王伟", "! phone characters");
    check("mobile", "+", "! phone characters");
}

#[test]
fn placeholders_are_blocked_whatever_their_kind_and_case() {
    for raw in [
        "",
        "   ",
        "0",
        "000000",
        "00-00-00",
        "-1",
        "NULL",
        "Null",
        "undefined",
        "Anonymous",
        "none",
        "NIL",
        "unknown",
        "GUEST",
        "999999",
        "11111111111",
        "77777777777",
        "ＮＵＬＬ",
    ] {
        for kind in ["user_id", "mobile", "email", "uscc", "cookie", "never_heard_of"] {
            check(kind, raw, "! blocked value");
        }
    }
    check("mobile", "+86 999 9999 9999", "! blocked value");
    check("mobile", "+86 000-0000-0000", "! blocked value");
    check("email", "Test@example.com", "! blocked value");
    check("user_id", "999", "999");
    check("user_id", "1111111111", "1111111111");
    check("user_id", "guest-7", "guest-7");
}

#[test]
fn the_hotlines_of_the_company_are_blocked_in_any_spelling() {
    let mut document = super::super::Document::default();
    document.blocked_values.push("4008208820".into());
    let rules = Rules::new(document).unwrap();
    assert_eq!(normalise(&rules, "mobile", "400-820-8820"), Err(Refusal::Blocked));
}

#[test]
fn emails_are_lower_case_with_one_sign_and_a_host() {
    check("email", " Wang.Wei@Example.COM ", "wang.wei@example.com");
    check("email", "wang＠example.cn", "wang@example.cn");
    check("$identity_email", "A@B.CN", "a@b.cn");
    for raw in [
        "wang",
        "wang@",
        "@example.com",
        "a@b@c.cn",
        "a@localhost",
        "a@b..cn",
        "a b@c.cn",
        "a@-b.cn",
        "<a@b.cn>",
    ] {
        check("email", raw, "! email form");
    }
}

#[test]
fn a_social_credit_code_carries_its_check_character() {
    check("uscc", "91350100M000100Y43", "91350100M000100Y43");
    check("uscc", "91330106ma2aaaaa02", "91330106MA2AAAAA02");
    check("uscc", "9233 0106 MA2B BBBB 1A", "92330106MA2BBBBB1A");
    check("uscc", "91350100M000100Y44", "! uscc check character");
    check("uscc", "91350100M000100Y4", "! uscc length");
    check("uscc", "91350100I000100Y43", "! uscc characters");
}

#[test]
fn plain_values_keep_their_case_and_device_ids_do_not() {
    check("openid", " oAbC_1２ ", "oAbC_12");
    check("device_id", "6D92078A-8246-4BA4-AE5B-76104861E7DC", "6d92078a-8246-4ba4-ae5b-76104861e7dc");
    check("user_id", "a\u{0}b", "! control characters");
}

#[test]
fn overlong_values_are_refused_before_and_after_normalising() {
    check("user_id", &"a".repeat(IDENTIFIER_BYTES_MAX), &"a".repeat(IDENTIFIER_BYTES_MAX));
    check("user_id", &"a".repeat(IDENTIFIER_BYTES_MAX + 1), "! value too long");
    check("user_id", &"\u{fdfa}".repeat(300), "! value too long");
}

#[test]
fn normalising_twice_changes_nothing() {
    for (kind, raw) in [
        ("mobile", "+86 138-0013-8000"),
        ("mobile", "+852 9123 4567"),
        ("landline", "+86 21 5555 1234"),
        ("email", "A@B.CN"),
        ("uscc", "91350100m000100y43"),
        ("cookie", " Ａb "),
    ] {
        let once = normalise(&Rules::default(), kind, raw).unwrap();
        assert_eq!(normalise(&Rules::default(), kind, &once.value).unwrap(), once);
    }
}

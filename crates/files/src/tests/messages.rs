//! Rows to messages: values, errors, and ids that stay the same when a file is imported again.

use std::collections::BTreeSet;

use super::super::convert::Message;
use super::super::import::{Messages, Summary, plan, summarise};
use super::super::{convert, errors};
use super::*;

const CUSTOMERS: &str = r#"{"version":1,"source":"crm",
    "identifiers":[{"kind":"member_no","column":"会员号"},{"kind":"mobile","column":"手机"}],
    "traits":[{"field":"name","column":"姓名","required":true},{"field":"birthday","column":"生日","type":"date"}]}"#;

const ORDERS: &str = r#"{"version":1,"source":"pos","event":"Order Completed",
    "time":{"column":"at","zone":"Asia/Shanghai"},
    "identifiers":[{"kind":"user_id","column":"user"},{"kind":"anonymous_id","column":"anon"}],
    "properties":"*","constants":{"currency":"CNY"},
    "skip_if":[{"column":"order","starts_with":"C"},{"column":"user","is":["test"]}]}"#;

/// Converts a file; an error reads as its words.
fn converted(mapping_json: &str, bytes: impl AsRef<[u8]>) -> Vec<Result<Message, String>> {
    let input = Input::of(bytes);
    let messages = Messages::new(input.rows(), &mapping(mapping_json)).unwrap();
    messages.map(|m| m.map_err(|e| e.to_string())).collect()
}

fn ids(mapping_json: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    converted(mapping_json, bytes).into_iter().map(|m| m.unwrap().id).collect()
}

/// The message without its id.
fn body(message: &Message) -> String {
    let value: serde_json::Value = serde_json::from_str(&message.json).unwrap();
    assert_eq!(value["messageId"], message.id);
    assert!(!message.json.contains('\n'));
    message.json.replacen(&format!("\"messageId\":\"{}\",", message.id), "", 1)
}

#[test]
fn a_row_becomes_the_message_the_collector_takes() {
    let cases = [
        (
            CUSTOMERS,
            "会员号,手机,姓名,生日\nM1,13800138000, 王\"伟\" ,1990/2/8\n",
            r#"{"type":"identify","context":{"externalIds":[{"id":"M1","type":"member_no","collection":"users","encoding":"none"},{"id":"13800138000","type":"mobile","collection":"users","encoding":"none"}]},"traits":{"name":"王\"伟\"","birthday":"1990-02-08"}}"#,
        ),
        (
            ORDERS,
            "order,user,anon,at,city\nA1,u1,,2026-03-04 12:00,苏州\n",
            r#"{"type":"track","event":"Order Completed","timestamp":"2026-03-04T04:00:00.000Z","userId":"u1","properties":{"currency":"CNY","order":"A1","city":"苏州"}}"#,
        ),
        (
            ORDERS,
            "{\"order\":7,\"user\":13,\"anon\":\"a\",\"at\":1772597106,\"total\":0012.50}\n{\"order\":7,\"anon\":\"a\",\"at\":1772597106,\"total\":12.50,\"lines\":[{\"n\":1}],\"paid\":true}\n",
            r#"{"type":"track","event":"Order Completed","timestamp":"2026-03-04T04:05:06.000Z","anonymousId":"a","properties":{"currency":"CNY","order":7,"total":12.50,"lines":[{"n":1}],"paid":true}}"#,
        ),
    ];
    for (mapping_json, file, expected) in cases {
        let last = converted(mapping_json, file).pop().unwrap().unwrap();
        assert_eq!(body(&last), expected);
    }
}

#[test]
fn every_type_takes_what_it_means_and_refuses_the_rest() {
    let cases = [
        ("number", "1,234.50", Ok("1234.50")),
        ("number", "-007.10", Ok("-7.10")),
        ("number", "+.5", Ok("0.5")),
        ("number", "1e6", Ok("1e6")),
        ("number", "12345678901234567890.123456789", Ok("12345678901234567890.123456789")),
        ("number", "1,23", Err("not a number")),
        ("number", "1,2345", Err("not a number")),
        ("number", "5.", Err("not a number")),
        ("number", "1e9999", Err("not a number")),
        ("number", "NaN", Err("not a number")),
        ("number", "十", Err("not a number")),
        ("bool", "是", Ok("true")),
        ("bool", "N", Ok("false")),
        ("bool", "maybe", Err("not yes or no")),
        ("text", "007", Ok("\"007\"")),
        ("auto", "007", Ok("\"007\"")),
        ("time", "2026-03-04 12:00", Ok("\"2026-03-04T12:00:00.000Z\"")),
        ("time", "3/4/2026", Err("not a time in any expected format")),
        ("date", "2026年3月4日", Ok("\"2026-03-04\"")),
        ("date", "2026-02-30", Err("not a date in any expected format")),
        ("json", "[1]", Ok("[1]")),
        ("json", "{", Err("not JSON")),
    ];
    for (kind, cell, expected) in cases {
        let mapping_json = format!(
            r#"{{"version":1,"source":"s","identifiers":[{{"kind":"user_id","column":"id"}}],
                "time":{{"column":"at","zone":"UTC"}},
                "traits":[{{"field":"x","column":"x","type":"{kind}"}}]}}"#
        );
        let said = converted(&mapping_json, format!("id\tx\tat\nu\t{cell}\t\n")).pop().unwrap();
        match (said, expected) {
            (Ok(message), Ok(json)) => {
                assert!(
                    message.json.ends_with(&format!("\"traits\":{{\"x\":{json}}}}}")),
                    "{kind} {cell}: {message:?}"
                );
            }
            (Err(words), Err(reason)) => assert_eq!(words, format!("row 2: `x`: {reason}"), "{kind} {cell}"),
            (said, expected) => panic!("{kind} {cell}: {said:?} is not {expected:?}"),
        }
    }
}

#[test]
fn a_row_that_cannot_be_a_message_says_why() {
    let long = "长".repeat(convert::CELL_CHARS_MAX + 1);
    let fitting = "长".repeat(convert::CELL_CHARS_MAX);
    let cases = [
        ("A1,,,2026-03-04,x".to_owned(), Some("row 2: no identifier")),
        ("A1,u1,,,x".to_owned(), Some("row 2: `at`: no time")),
        ("A1,u1,,soon,x".to_owned(), Some("row 2: `at`: not a time in any expected format")),
        (format!("A1,u1,,2026-03-04,{long}"), Some("row 2: `city`: longer than 8191 characters")),
        (format!("A1,u1,,2026-03-04,{fitting}"), None),
        (format!("{fitting},u1,,2026-03-04,{fitting}"), Some("row 2: larger than 32 KiB")),
        (
            format!("A1,{},,2026-03-04,x", "u".repeat(1_021)),
            Some("row 2: `user`: an identifier longer than 1020 bytes"),
        ),
    ];
    for (row, expected) in cases {
        let said = converted(ORDERS, format!("order,user,anon,at,city\n{row}\n")).pop().unwrap();
        assert_eq!(said.err().as_deref(), expected);
    }
    let said = converted(CUSTOMERS, "会员号,手机,姓名,生日\nM1,,,\n").pop().unwrap();
    assert_eq!(said.unwrap_err(), "row 2: `姓名`: is required");
}

#[test]
fn a_mapping_for_another_file_is_refused_before_any_row() {
    let input = Input::of("a,b\n1,2\n");
    let said = Messages::new(input.rows(), &mapping(CUSTOMERS)).err().unwrap().to_string();
    assert_eq!(said, "the file has no column `会员号`, `手机`, `姓名`, `生日`; it has `a`, `b`");
}

#[test]
fn skipped_rows_are_counted_and_are_no_errors() {
    let file = "order,user,anon,at\nA1,u1,,2026-01-01\nC1,u1,,2026-01-01\nA2,test,,2026-01-01\nA3,,,2026-01-01\nC2,,,\n";
    let summary = plan(Input::of(file).rows(), &mapping(ORDERS), None).unwrap();
    assert_eq!((summary.rows, summary.good, summary.bad, summary.skipped), (5, 1, 1, 3));
    assert!(summary.is_complete);
}

/// 1,000 customers of which 17 are wrong in four ways.
fn thousand() -> String {
    let mut file = String::from("会员号,手机,姓名,生日\n");
    for i in 0..1_000 {
        let row = match i {
            100..105 => format!(",,无名{i},1990-01-01\n"),
            200..206 => format!("M{i},1990000{i:04},,1990-01-01\n"),
            300..304 => format!("M{i},1990000{i:04},客户{i},1990-02-30\n"),
            400..402 => format!("M{i},1990000{i:04},客户{i},1990-01-01,多余\n"),
            _ => format!("M{i},1990000{i:04},客户{i},1990-01-01\n"),
        };
        file.push_str(&row);
    }
    file
}

#[test]
fn of_1000_rows_with_17_bad_983_are_accepted_and_17_come_back_with_reasons() {
    let input = Input::of(thousand());
    let mut messages = Messages::new(input.rows(), &mapping(CUSTOMERS)).unwrap();
    let path = input.output("errors.csv");
    let mut writer = errors::Writer::create(&path, Format::Csv, messages.columns()).unwrap();
    let summary = summarise(&mut messages, None, Some(&mut writer)).unwrap();
    assert_eq!(writer.finish().unwrap(), 17);
    assert_eq!((summary.rows, summary.good, summary.bad), (1_000, 983, 17));
    let reasons: Vec<_> = summary.reasons.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    let expected = [
        ("`姓名`: is required", 6),
        ("`生日`: not a date in any expected format", 4),
        ("has 5 cells where the header has 4", 2),
        ("no identifier", 5),
    ];
    assert_eq!(reasons, expected);
    assert_eq!((summary.samples.len(), summary.errors.len()), (20, 17));
    let returned = std::fs::read_to_string(path).unwrap();
    let lines: Vec<_> = returned.lines().collect();
    assert_eq!(lines.len(), 18);
    assert_eq!(lines[0], "\u{feff}会员号,手机,姓名,生日,error");
    assert_eq!(lines[1], ",,无名100,1990-01-01,row 102: no identifier");
    assert!(
        lines[17].ends_with("row 403: has 5 cells where the header has 4,column 5=多余"),
        "{}",
        lines[17]
    );
    assert_eq!(
        plan(input.rows(), &mapping(CUSTOMERS), Some(50)).map(|s| (s.rows, s.is_complete)).unwrap(),
        (50, false)
    );
}

#[test]
fn importing_again_in_any_order_gives_the_same_message_ids() {
    let file = thousand();
    let good = |file: &str| -> Vec<String> {
        converted(CUSTOMERS, file).into_iter().flatten().map(|m| m.id).collect()
    };
    let first = good(&file);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 983, "no two rows share an id");
    assert!(first.iter().all(|id| id.len() == 30 && id.starts_with("imp_")));
    assert_eq!(good(&file), first);
    let (header, rows) = file.split_once('\n').unwrap();
    let mut lines: Vec<_> = rows.lines().collect();
    lines.reverse();
    lines.rotate_left(377);
    let shuffled = good(&format!("{header}\n{}\n", lines.join("\n")));
    assert_ne!(shuffled, first);
    assert_eq!(shuffled.iter().collect::<BTreeSet<_>>(), first.iter().collect());
}

#[test]
fn the_id_depends_on_what_the_row_says_and_on_nothing_else() {
    let file = "order,user,anon,at,city\nA1,u1,,2026-03-04,苏州\n";
    let id = &ids(ORDERS, file)[0];
    let same: [(&str, Vec<u8>); 4] = [
        ("columns in another order", "city,at,anon,user,order\n苏州,2026-03-04,,u1,A1\n".into()),
        ("tabs and blanks", "order\tuser\tanon\tat\tcity\n A1\tu1 \t\t2026-03-04\t苏州\n".into()),
        ("an empty column more", "order,user,anon,at,city,x\nA1,u1,,2026-03-04,苏州,\n".into()),
        ("json lines", "{\"city\":\"苏州\",\"at\":\"2026-03-04\",\"order\":\"A1\",\"user\":\"u1\"}".into()),
    ];
    for (name, file) in same {
        assert_eq!(&ids(ORDERS, file)[0], id, "{name}");
    }
    let workbook = Input::workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        let cells = [("order", "A1"), ("user", "u1"), ("anon", ""), ("at", "2026-03-04"), ("city", "苏州")];
        for (at, (name, value)) in cells.into_iter().enumerate() {
            sheet.write_string(0, at as u16, name).unwrap();
            sheet.write_string(1, at as u16, value).unwrap();
        }
    });
    let mut messages = Messages::new(workbook.rows(), &mapping(ORDERS)).unwrap();
    assert_eq!(&messages.next().unwrap().unwrap().id, id, "workbook");
    let other = [
        ("another cell", ORDERS.to_owned(), file.replace("苏州", "杭州")),
        ("another source", ORDERS.replace("pos", "web"), file.to_owned()),
        ("another event", ORDERS.replace("Completed", "Refunded"), file.to_owned()),
    ];
    for (name, mapping_json, file) in other {
        assert_ne!(&ids(&mapping_json, file)[0], id, "{name}");
    }
}

#[test]
fn equal_rows_are_different_messages_and_a_longer_file_keeps_the_ids_of_the_shorter() {
    let row = "A1,u1,,2026-03-04,苏州\n";
    let twice = ids(ORDERS, format!("order,user,anon,at,city\n{row}{row}"));
    let thrice = ids(ORDERS, format!("order,user,anon,at,city\nB,u2,,2026-03-04,x\n{row}{row}{row}"));
    assert_ne!(twice[0], twice[1]);
    assert_eq!(twice, thrice[1..3]);
}

#[test]
fn with_key_columns_a_corrected_row_keeps_its_id_and_a_repeated_key_is_an_error() {
    let keyed = ORDERS.replacen("\"time\"", "\"message_id\":[\"order\"],\"time\"", 1);
    let header = "order,user,anon,at,city\n";
    let file = format!(
        "{header}A1,u1,,2026-03-04,苏州\nA2,u1,,2026-03-04,苏州\nA1,u1,,2026-03-04,杭州\n,u1,,2026-03-04,x\n"
    );
    let said = converted(&keyed, file);
    assert_eq!(said[2].as_ref().unwrap_err(), "row 4: the same message id as an earlier row");
    assert_eq!(said[3].as_ref().unwrap_err(), "row 5: `order`: is empty, but part of the message id");
    let corrected = ids(&keyed, format!("{header}A1,u9,,2026-03-05,宁波\n"));
    assert_eq!(corrected[0], said[0].as_ref().unwrap().id);
    assert_ne!(corrected[0], said[1].as_ref().unwrap().id);
}

#[test]
fn a_file_cut_short_is_not_complete() {
    let text = "a,b\n1,2\n".to_owned() + "3,\"" + &"x".repeat(9 << 20);
    let mapping = mapping(r#"{"version":1,"source":"s","identifiers":[{"kind":"user_id","column":"a"}]}"#);
    let summary: Summary = plan(Input::of(text).rows(), &mapping, None).unwrap();
    assert_eq!((summary.good, summary.bad, summary.is_complete), (1, 1, false));
}

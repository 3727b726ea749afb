//! Bytes on disk to rows: formats, encodings, damage. What the cells mean is tested elsewhere.

use std::io::Write;

use encoding_rs::{GB18030, GBK};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_xlsxwriter::{ExcelDateTime, Format as Look, Formula};

use super::*;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_delimiter_quote_and_encoding_reads_as_the_same_rows() {
    let expected = ["2: 姓名='王 伟' note='a,b;c|d'", "3: 姓名='李娜' note=-"];
    let utf8 = "姓名,note\n王 伟,\"a,b;c|d\"\n李娜,\n";
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(utf8.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("utf-8", utf8.into()),
        ("byte order mark", [b"\xef\xbb\xbf", utf8.as_bytes()].concat()),
        ("windows line ends", utf8.replace('\n', "\r\n").into()),
        ("semicolons", "姓名;note\n王 伟;\"a,b;c|d\"\n李娜;\n".into()),
        ("tabs", "姓名\tnote\n王 伟\ta,b;c|d\n李娜\t\n".into()),
        ("pipes", "姓名|note\n王 伟|\"a,b;c|d\"\n李娜|\n".into()),
        ("gbk", GBK.encode(utf8).0.into_owned()),
        ("gb18030", GB18030.encode(utf8).0.into_owned()),
        ("utf-16", utf16),
        ("gzip", gzipped(utf8.as_bytes())),
        ("gzip of gbk", gzipped(&GBK.encode(utf8).0)),
        ("no line end at the end", utf8.trim_end().into()),
    ];
    for (name, bytes) in cases {
        assert_eq!(shown(Input::of(bytes).rows()), expected, "{name}");
    }
}

#[test]
fn a_character_only_gb18030_has_survives() {
    let bytes = GB18030.encode("姓名,城市\n𠮷田,苏州\n").0.into_owned();
    let rows = Input::of(bytes).rows();
    assert_eq!(rows.description, "CSV, gb18030, delimited by `,`");
    assert_eq!(shown(rows), ["2: 姓名='𠮷田' 城市='苏州'"]);
}

#[test]
fn a_character_on_the_border_of_the_sniffed_head_changes_no_encoding() {
    for shift in 0..3 {
        let mut text = format!("name,{}\n", "x".repeat(shift));
        while text.len() < 600_000 {
            text.push_str("王伟,苏州\n");
        }
        let rows = Input::of(&text).rows();
        assert_eq!(rows.description, "CSV, UTF-8, delimited by `,`");
        assert!(rows.flatten().all(|row| row.cells[0].1 == Cell::Text("王伟".into())));
    }
}

#[test]
fn a_row_that_does_not_fit_costs_only_itself() {
    let bad = b"\xe7\x8e\x8b\xff";
    let bytes = [
        "姓名,城市\n王伟,苏州\n李娜,杭州\n".as_bytes(),
        "张敏,南京,多余\n赵强\n".as_bytes(),
        bad,
        ",上海\n".as_bytes(),
        "刘洋,\"宁\n波\"\n,\n\n陈静,广州\n".as_bytes(),
    ]
    .concat();
    let expected = [
        "2: 姓名='王伟' 城市='苏州'",
        "3: 姓名='李娜' 城市='杭州'",
        "row 4: has 3 cells where the header has 2",
        "row 5: has 1 cells where the header has 2",
        "row 6: `姓名`: unreadable characters",
        "7: 姓名='刘洋' 城市='宁\n波'",
        "11: 姓名='陈静' 城市='广州'",
    ];
    assert_eq!(shown(Input::of(&bytes).rows()), expected);
    let windows = String::from_utf8_lossy(&bytes).replace('\n', "\r\n");
    let numbers: Vec<u64> =
        Input::of(windows).rows().map(|row| row.map_or_else(|e| e.row, |row| row.number)).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 11]);
}

#[test]
fn headers_are_trimmed_filled_and_made_unique() {
    let rows = Input::of(" a ,,b,a\n1,2,3,4\n").rows();
    assert_eq!(shown(rows), ["2: a='1' column 2='2' b='3' a (2)='4'"]);
}

#[test]
fn a_quote_that_is_never_closed_ends_the_file_instead_of_filling_memory() {
    let mut text = String::from("a,b\n1,2\n3,\"open\n");
    text.push_str(&"x,y\n".repeat(3 << 20));
    let rows = shown(Input::of(text).rows());
    assert_eq!(rows[0], "2: a='1' b='2'");
    assert!(rows[1].contains("unreadable from here") && rows[1].contains("quote"), "{}", rows[1]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_cut_gzip_file_says_so_after_its_last_whole_row() {
    let mut text = String::from("a,b\n");
    for i in 0..50_000 {
        text.push_str(&format!("{i},{}\n", i * 7919 % 104_729));
    }
    let bytes = gzipped(text.as_bytes());
    let rows: Vec<_> = Input::of(&bytes[..bytes.len() * 9 / 10]).rows().collect();
    let last = rows.last().unwrap().as_ref().unwrap_err();
    assert!(last.ends_file, "{last}");
    assert!(rows.len() > 30_000 && rows[..rows.len() - 1].iter().all(Result::is_ok));
}

#[test]
fn json_lines_keep_numbers_as_text_and_nested_values_as_json() {
    let text = concat!(
        "{\"id\":\"u1\",\"n\":1.50,\"big\":12345678901234567890.10,\"ok\":true,\"none\":null}\n",
        "\n",
        "{\"id\":\"王\\n伟\",\"address\":{\"city\":\"苏州\"},\"tags\":[1, 2]}\n",
        "[1]\n",
        "{\"id\":\"u2\"} trailing\n",
        "{\"id\":\"u3\"}",
    );
    let rows = Input::of(text).rows();
    let columns: Vec<_> = rows.columns.iter().map(|c| c.to_string()).collect();
    assert_eq!(columns, ["id", "n", "big", "ok", "none", "address", "tags"]);
    let expected = [
        "1: id='u1' n=#1.50 big=#12345678901234567890.10 ok=true none=-",
        "3: id='王\n伟' address={\"city\":\"苏州\"} tags=[1, 2]",
        "row 4: not a JSON object",
        "row 5: not a JSON object",
        "6: id='u3'",
    ];
    assert_eq!(shown(rows), expected);
}

#[test]
fn parquet_says_what_its_schema_says() {
    let rows = Input::of(include_bytes!("../fixtures/orders.parquet")).rows();
    assert_eq!(rows.format, Format::Parquet);
    let expected = [
        "1: member_no='M1' city='苏州' amount=#12.50 paid_at=@2026-01-01T00:00:00Z tags=[\"x\",\"y\"]",
        "2: member_no='M2' city=- amount=#-0.05 paid_at=@2026-01-01T00:00:00.123456Z tags=[\"z\"]",
        "3: member_no='M3' city='杭州' amount=#1000.00 paid_at=@1970-01-01T00:00:00Z tags=[\"w\"]",
    ];
    assert_eq!(shown(rows), expected);
}

/// Two sheets; the first has text, numbers, dates, a gap, a formula error and a stray cell.
fn people() -> Input {
    Input::workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        for (at, name) in ["姓名", "手机", "生日", "下单时间", "会员"].iter().enumerate() {
            sheet.write_string(1, at as u16, *name).unwrap();
        }
        let day = Look::new().set_num_format("yyyy-mm-dd");
        let time = Look::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        sheet.write_string(2, 0, "王伟").unwrap();
        sheet.write_number(2, 1, 13_800_138_000.0).unwrap();
        sheet.write_datetime_with_format(2, 2, ExcelDateTime::from_ymd(1990, 2, 28).unwrap(), &day).unwrap();
        let paid = ExcelDateTime::from_ymd(2026, 3, 4).unwrap().and_hms(5, 6, 7).unwrap();
        sheet.write_datetime_with_format(2, 3, paid, &time).unwrap();
        sheet.write_boolean(2, 4, true).unwrap();
        sheet.write_string(4, 0, "李娜").unwrap();
        sheet.write_number(4, 1, 0.1).unwrap();
        sheet.write_formula(5, 0, Formula::new("=NA()").set_result("#N/A")).unwrap();
        sheet.write_string(6, 0, "张敏").unwrap();
        sheet.write_string(6, 7, "stray").unwrap();
        let second = workbook.add_worksheet().set_name("门店").unwrap();
        second.write_string(0, 0, "store").unwrap();
        second.write_number(1, 0, 7.0).unwrap();
    })
}

#[test]
fn a_workbook_reads_as_excel_shows_it() {
    let input = people();
    let expected = [
        "3: 姓名='王伟' 手机=#13800138000 生日=@1990-02-28 下单时间=@2026-03-04T05:06:07 会员=true",
        "5: 姓名='李娜' 手机=#0.1 生日=- 下单时间=- 会员=-",
        "row 6: `姓名`: holds Excel's error #N/A",
        "row 7: `column 8`: has a value where the header has no name",
    ];
    assert_eq!(shown(input.rows()), expected);
    let options = Options { sheet: Some("门店".into()), ..Options::default() };
    assert_eq!(shown(open(&input.path, &options).unwrap()), ["2: store=#7"]);
}

#[test]
fn a_missing_sheet_and_files_of_other_kinds_are_refused_in_words() {
    let absent = Options { sheet: Some("absent".into()), ..Options::default() };
    let refusal = |input: &Input, options: &Options| format!("{:#}", open(&input.path, options).unwrap_err());
    assert!(refusal(&people(), &absent).contains("absent"));
    let cases: [(&[u8], &str); 6] = [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        (b"[{\"a\":1}]", "one object a line"),
        (b"\0\x01\x02\0", "neither text nor"),
        (b"PK\x03\x04 nothing", "zip"),
        (b"PAR1PAR1", "Parquet"),
        (b"", "empty"),
    ];
    for (bytes, words) in cases {
        let said = refusal(&Input::of(bytes), &Options::default());
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_workbook_that_unpacks_to_far_more_than_it_weighs_is_refused() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..20 {
        archive.write_all(&zeros).unwrap();
    }
    let bomb = archive.finish().unwrap().into_inner();
    assert!(bomb.len() < 100_000);
    let said = format!("{:#}", open(&Input::of(bomb).path, &Options::default()).unwrap_err());
    assert!(said.contains("more than is sensible"), "{said}");
}

#[test]
fn a_reader_dropped_half_way_through_a_large_sheet_does_not_hang() {
    let input = Input::workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        for row in 0..5_000 {
            sheet.write_number(row, 0, f64::from(row)).unwrap();
        }
    });
    let mut rows = input.rows();
    assert_eq!(show(&rows.next().unwrap()), "2: 0=#1");
    drop(rows);
    assert_eq!(input.rows().count(), 4_999);
}

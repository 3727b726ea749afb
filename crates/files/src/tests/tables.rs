//! What goes back to people: error files and exports, safe to open in a spreadsheet.

use serde_json::value::RawValue;

use super::super::export::{Layout, Party, Writer};
use super::super::import::{Messages, summarise};
use super::super::table::{neutral, unmarked};
use super::super::{Column, errors};
use super::*;

#[test]
fn what_a_spreadsheet_could_execute_is_marked_and_nothing_else() {
    let marked = [
        "=1+1",
        "=HYPERLINK(\"http://x\")",
        "+cmd|' /C calc'!A0",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1+1",
        "－a",
        "＠x",
        "-",
        "+86 138",
    ];
    for text in marked {
        assert_eq!(neutral(text), format!("'{text}"));
        assert_eq!(unmarked(&neutral(text)), Some(text));
    }
    for text in
        ["", "王伟", "1+1", "-5", "+5.50", "-1,234.5", "+8613800138000", "-1e5", "a=b", " =1", "'quoted"]
    {
        assert_eq!(neutral(text), text);
        assert_eq!(unmarked(text), None, "{text}");
    }
}

const CONTACTS: &str = r#"{"version":1,"source":"crm","identifiers":[{"kind":"user_id","column":"id"}],
    "traits":[{"field":"note","column":"note"},{"field":"age","column":"age","type":"number"}]}"#;

/// Writes the errors of `input` to `name` and answers how many.
fn rejected(input: &Input, name: &str) -> u64 {
    let rows = input.rows();
    let format = rows.format;
    let mut messages = Messages::new(rows, &mapping(CONTACTS)).unwrap();
    let mut writer = errors::Writer::create(&input.output(name), format, messages.columns()).unwrap();
    summarise(&mut messages, None, Some(&mut writer)).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_corrected_error_file_is_imported_as_if_it_had_been_right_at_once() {
    let header = "id,note,age\n";
    let wrong = Input::of(format!("{header}u1,=1+1,old\nu2,fine,7\n,@x,3\n"));
    assert_eq!(rejected(&wrong, "errors.csv"), 2);
    let returned = std::fs::read_to_string(wrong.output("errors.csv")).unwrap();
    assert_eq!(
        returned,
        "\u{feff}id,note,age,error\nu1,'=1+1,old,row 2: `age`: not a number\n,'@x,3,row 4: no identifier\n"
    );
    let corrected = returned.replace(",old,", ",70,").replace("\n,'@x", "\nu3,'@x");
    let again = Input::of(corrected);
    let messages = Messages::new(again.rows(), &mapping(CONTACTS)).unwrap();
    assert_eq!(messages.columns().len(), 3);
    let again: Vec<_> = messages.map(|m| m.unwrap().json).collect();
    let right = Input::of(format!("{header}u1,=1+1,70\nu3,@x,3\n"));
    let right = Messages::new(right.rows(), &mapping(CONTACTS)).unwrap();
    assert_eq!(again, right.map(|m| m.unwrap().json).collect::<Vec<_>>());
}

#[test]
fn a_workbook_gets_its_errors_back_as_a_workbook() {
    let input = Input::workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        for (row, cells) in
            [["id", "note", "age"], ["u1", "=cmd()", "old"], ["u2", "", "7"]].iter().enumerate()
        {
            for (at, cell) in cells.iter().enumerate() {
                sheet.write_string(row as u32, at as u16, *cell).unwrap();
            }
        }
        sheet.write_number(3, 2, 30.0).unwrap();
    });
    assert_eq!(rejected(&input, "errors.xlsx"), 2);
    let rows = open(&input.output("errors.xlsx"), &Options::default()).unwrap();
    let expected = [
        "2: id='u1' note=''=cmd()' age='old' error='row 2: `age`: not a number'",
        "3: id=- note=- age=#30 error='row 4: no identifier'",
    ];
    assert_eq!(shown(rows), expected);
}

#[test]
fn a_column_of_json_lines_called_error_is_a_column_like_any_other() {
    let file = Input::of("{\"id\":\"u1\",\"error\":\"E1\"}\n");
    let all = mapping(
        r#"{"version":1,"source":"log","identifiers":[{"kind":"user_id","column":"id"}],"traits":"*"}"#,
    );
    let message = Messages::new(file.rows(), &all).unwrap().next().unwrap().unwrap();
    assert!(message.json.ends_with(r#""traits":{"error":"E1"}}"#), "{}", message.json);
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn parties() -> Vec<Party> {
    let text = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    vec![
        Party {
            id: "pty_1".into(),
            identifiers: vec![
                text("mobile", "19900001111"),
                text("user_id", "u1"),
                text("mobile", "19900002222"),
            ],
            traits: vec![
                ("name".into(), raw("\"=王\"")),
                ("age".into(), raw("30")),
                ("is_member".into(), raw("true")),
                ("card".into(), raw("12345678901234567890")),
                ("tags".into(), raw("[\"a\",\n1]")),
            ],
        },
        Party { id: "pty_2".into(), ..Party::default() },
    ]
}

fn exported(format: Format, has_bom: bool) -> (Input, PathBuf) {
    let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
    let layout = Layout {
        format,
        identifiers: names(&["mobile"]),
        traits: names(&["name", "age", "is_member", "card", "tags"]),
        has_bom,
    };
    let folder = Input::of("");
    let path = folder.output("export");
    let mut writer = Writer::create(&path, layout).unwrap();
    for party in parties() {
        writer.write(&party).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), 2);
    (folder, path)
}

#[test]
fn parties_are_exported_to_each_format() {
    let (_folder, path) = exported(Format::Csv, false);
    let csv = "party_id,mobile,name,age,is_member,card,tags\n\
        pty_1,19900001111; 19900002222,'=王,30,true,12345678901234567890,\"[\"\"a\"\",\n1]\"\n\
        pty_2,,,,,,\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), csv);
    let (_folder, path) = exported(Format::Csv, true);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("\u{feff}{csv}"));

    let (_folder, path) = exported(Format::Xlsx, false);
    let rows = shown(open(&path, &Options::default()).unwrap());
    assert_eq!(
        rows[0],
        "2: party_id='pty_1' mobile='19900001111; 19900002222' name=''=王' age=#30 is_member=true \
         card='12345678901234567890' tags='[\"a\",\n1]'"
    );

    let (_folder, path) = exported(Format::JsonLines, false);
    let lines = std::fs::read_to_string(&path).unwrap();
    let expected = concat!(
        r#"{"party_id":"pty_1","identifiers":[{"kind":"mobile","value":"19900001111"},{"kind":"user_id","value":"u1"},{"kind":"mobile","value":"19900002222"}],"traits":{"name":"=王","age":30,"is_member":true,"card":12345678901234567890,"tags":["a", 1]}}"#,
        "\n",
        r#"{"party_id":"pty_2","identifiers":[],"traits":{}}"#,
        "\n",
    );
    assert_eq!(lines, expected);
    assert!(Writer::create(&path, Layout { format: Format::Parquet, ..Layout::default() }).is_err());
}

#[test]
fn a_cell_too_long_for_excel_is_shortened_and_not_an_error() {
    let folder = Input::of("");
    let path = folder.output("errors.xlsx");
    let columns = [Column::from("text")];
    let mut writer = errors::Writer::create(&path, Format::Xlsx, &columns).unwrap();
    let row = Row { number: 9, cells: vec![(columns[0].clone(), Cell::Text("长".repeat(40_000)))] };
    writer.write(&RowError::of_row(row, Some(columns[0].clone()), "longer than 8191 characters")).unwrap();
    writer.finish().unwrap();
    let row = open(&path, &Options::default()).unwrap().next().unwrap().unwrap();
    assert!(row.cells[0].1.text().ends_with('…'));
}

/// Rows of a destination, one of which would be a formula, as bytes.
fn rows(format: Format) -> Vec<u8> {
    use super::super::rows::{Kind, Writer};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let columns = [("party_id", Kind::Text), ("seq", Kind::Int), ("note", Kind::Text)];
    let mut writer = Writer::create(&path, format, &columns).unwrap();
    for (n, note) in ["=HYPERLINK(1)", "王,\"小\"明", "\t=1"].into_iter().enumerate() {
        let cells = [Cell::Text(format!("p{n}")), Cell::Number(n.to_string()), Cell::Text(note.into())];
        writer.write(&cells).unwrap();
    }
    writer.write(&[Cell::Text("p3".into()), Cell::Missing, Cell::Json("[1]".into())]).unwrap();
    assert_eq!(writer.finish().unwrap(), 4);
    std::fs::read(&path).unwrap()
}

#[test]
fn rows_of_a_destination_are_the_same_bytes_each_time_and_no_cell_is_a_formula() {
    for format in [Format::Csv, Format::Xlsx, Format::Parquet] {
        assert_eq!(rows(format), rows(format), "{format:?}");
    }
    let csv = String::from_utf8(rows(Format::Csv)).unwrap();
    let expected = "party_id,seq,note\np0,0,'=HYPERLINK(1)\np1,1,\"王,\"\"小\"\"明\"\np2,2,'\t=1\np3,,[1]\n";
    assert_eq!(csv, expected);
    for format in [Format::Xlsx, Format::Parquet] {
        let input = Input::of(rows(format));
        let read = open(&input.path, &Options::default()).unwrap();
        let notes: Vec<_> = read.map(|row| row.unwrap().cells[2].1.text().to_owned()).collect();
        let formula = if format == Format::Xlsx { "'=HYPERLINK(1)" } else { "=HYPERLINK(1)" };
        assert_eq!((notes.len(), notes[0].as_str(), notes[1].as_str()), (4, formula, "王,\"小\"明"));
    }
}

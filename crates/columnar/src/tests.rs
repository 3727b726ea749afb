//! Files written by the low-level writer and read back; damaged ones too.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::*;

type Column<'a> = Box<dyn Fn(&mut SerializedColumnWriter<'_>) + 'a>;

/// Writes one row group with one closure a leaf column and opens the result.
fn written(schema: &str, columns: &[Column<'_>]) -> Result<Rows> {
    open(file_of(&bytes_of(schema, columns)))
}

fn bytes_of(schema: &str, columns: &[Column<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(WriterProperties::builder().build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in columns {
        let mut leaf = group.next_column().unwrap().unwrap();
        column(&mut leaf);
        leaf.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn text(values: &[&str]) -> Vec<ByteArray> {
    values.iter().map(|v| ByteArray::from(*v)).collect()
}

#[test]
fn every_kind_of_column_says_what_the_schema_says() {
    let int64 = |v: i64| -> Column<'static> {
        Box::new(move |c| {
            c.typed::<Int64Type>().write_batch(&[v], None, None).unwrap();
        })
    };
    let int32 = |v: i32| -> Column<'static> {
        Box::new(move |c| {
            c.typed::<Int32Type>().write_batch(&[v], None, None).unwrap();
        })
    };
    let fixed = |v: Vec<u8>| -> Column<'static> {
        Box::new(move |c| {
            let value = FixedLenByteArray::from(v.clone());
            c.typed::<FixedLenByteArrayType>().write_batch(&[value], None, None).unwrap();
        })
    };
    let float = |v: f64| -> Column<'static> {
        Box::new(move |c| {
            c.typed::<DoubleType>().write_batch(&[v], None, None).unwrap();
        })
    };
    let string = |v: &'static str| -> Column<'static> {
        Box::new(move |c| {
            c.typed::<ByteArrayType>().write_batch(&text(&[v]), None, None).unwrap();
        })
    };
    let cases: Vec<(&str, Column<'_>, Value)> = vec![
        ("BINARY c (STRING)", string("姓名"), Value::Text("姓名".into())),
        ("BINARY c", string("unmarked"), Value::Text("unmarked".into())),
        ("INT32 c", int32(-7), Value::Number("-7".into())),
        ("INT64 c", int64(i64::MAX), Value::Number("9223372036854775807".into())),
        ("DOUBLE c", float(0.1), Value::Number("0.1".into())),
        ("DOUBLE c", float(f64::NAN), Value::Null),
        ("INT32 c (DECIMAL(5,2))", int32(-5), Value::Number("-0.05".into())),
        ("INT32 c (DECIMAL(2,2))", int32(99), Value::Number("0.99".into())),
        ("INT64 c (DECIMAL(18,0))", int64(120), Value::Number("120".into())),
        ("INT32 c (DATE)", int32(-1), Value::Instant("1969-12-31".into())),
        ("INT32 c (TIME_MILLIS)", int32(45_296_789), Value::Text("12:34:56.789".into())),
        (
            "INT64 c (TIMESTAMP(MILLIS,true))",
            int64(951_782_400_001),
            Value::Instant("2000-02-29T00:00:00.001Z".into()),
        ),
        (
            "INT64 c (TIMESTAMP(NANOS,true))",
            int64(-1),
            Value::Instant("1969-12-31T23:59:59.999999999Z".into()),
        ),
        ("INT64 c (TIMESTAMP(MICROS,false))", int64(0), Value::Instant("1970-01-01T00:00:00".into())),
        ("FIXED_LEN_BYTE_ARRAY(2) c", fixed(vec![0xff, 1]), Value::Text("ff01".into())),
        (
            "FIXED_LEN_BYTE_ARRAY(16) c (UUID)",
            fixed((0..16).collect()),
            Value::Text("00010203-0405-0607-0809-0a0b0c0d0e0f".into()),
        ),
        (
            "BOOLEAN c",
            Box::new(|c| {
                c.typed::<BoolType>().write_batch(&[true], None, None).unwrap();
            }),
            Value::Bool(true),
        ),
    ];
    for (column, write, expected) in cases {
        let mut rows = written(&format!("message m {{ REQUIRED {column}; }}"), &[write]).unwrap();
        assert_eq!(rows.next().unwrap().unwrap(), vec![expected], "{column}");
        assert!(rows.next().is_none(), "{column}");
    }
}

#[test]
fn rows_keep_their_order_and_nulls_stay_null() {
    let columns: [Column<'_>; 2] = [
        Box::new(|c| {
            c.typed::<ByteArrayType>().write_batch(&text(&["a", "b", "c"]), None, None).unwrap();
        }),
        Box::new(|c| {
            c.typed::<Int64Type>().write_batch(&[1, 3], Some(&[1, 0, 1]), None).unwrap();
        }),
    ];
    let rows = written("message m { REQUIRED BINARY k (STRING); OPTIONAL INT64 n; }", &columns).unwrap();
    assert_eq!(rows.columns().iter().map(|c| &**c).collect::<Vec<_>>(), ["k", "n"]);
    let said: Vec<_> = rows.map(|r| format!("{:?}", r.unwrap())).collect();
    assert_eq!(said, [r#"[Text("a"), Number("1")]"#, r#"[Text("b"), Null]"#, r#"[Text("c"), Number("3")]"#]);
}

#[test]
fn a_list_and_a_group_become_json() {
    let schema = "message m {
        REQUIRED group tags (LIST) { REPEATED group list { REQUIRED BINARY element (STRING); } }
        REQUIRED group address { REQUIRED BINARY city (STRING); REQUIRED INT32 floor; }
    }";
    let columns: [Column<'_>; 3] = [
        Box::new(|c| {
            let tags = text(&["x", "y"]);
            c.typed::<ByteArrayType>().write_batch(&tags, Some(&[1, 1]), Some(&[0, 1])).unwrap();
        }),
        Box::new(|c| {
            c.typed::<ByteArrayType>().write_batch(&text(&["苏州"]), None, None).unwrap();
        }),
        Box::new(|c| {
            c.typed::<Int32Type>().write_batch(&[3], None, None).unwrap();
        }),
    ];
    let mut rows = written(schema, &columns).unwrap();
    let expected =
        vec![Value::Json(r#"["x","y"]"#.into()), Value::Json(r#"{"city":"苏州","floor":3}"#.into())];
    assert_eq!(rows.next().unwrap().unwrap(), expected);
}

#[test]
fn a_damaged_or_foreign_file_ends_with_one_error_and_never_a_panic() {
    assert!(open(file_of(b"")).is_err());
    assert!(open(file_of(b"PAR1 and nothing more PAR1")).is_err());
    let columns: [Column<'_>; 1] = [Box::new(|c| {
        c.typed::<ByteArrayType>().write_batch(&text(&["a", "b", "c", "d"]), None, None).unwrap();
    })];
    let whole = bytes_of("message m { REQUIRED BINARY k (STRING); }", &columns);
    for at in 4..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let Ok(rows) = open(file_of(&bytes)) else { continue };
        let outcomes: Vec<_> = rows.take(100).map(|r| r.is_ok()).collect();
        let errors = outcomes.iter().filter(|ok| !**ok).count();
        assert!(errors <= 1, "byte {at}: {outcomes:?}");
        assert!(errors == 0 || outcomes.last() == Some(&false), "byte {at}: an error is the end");
    }
}

#[test]
fn rows_that_are_written_are_read_back_and_the_same_rows_are_the_same_bytes() {
    use std::io::Read;
    use write::{Kind, Writer};

    let columns = [("名称", Kind::Text), ("n", Kind::Int), ("is", Kind::Bool), ("at", Kind::Instant)];
    let rows = |n: usize| {
        let at = Value::Instant("2026-07-02T12:00:00.000Z".into());
        vec![
            Value::Text(format!("甲{n}")),
            Value::Number(n.to_string()),
            Value::Bool(n.is_multiple_of(2)),
            at,
        ]
    };
    let file = || {
        let mut writer = Writer::create(tempfile::tempfile().unwrap(), &columns).unwrap();
        for n in 0..10_000 {
            writer.write(&rows(n)).unwrap();
        }
        writer.write(&[Value::Null, Value::Text("no number".into()), Value::Null, Value::Null]).unwrap();
        let mut file = writer.finish().unwrap();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let bytes = file();
    assert_eq!(bytes, file());
    let read: Vec<_> = open(file_of(&bytes)).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 10_001);
    let at = Value::Instant("2026-07-02T12:00:00Z".into());
    let last = [Value::Text("甲9999".into()), Value::Number("9999".into()), Value::Bool(false), at];
    assert_eq!(read[9_999], last);
    assert_eq!(read[10_000], vec![Value::Null; 4]);
}

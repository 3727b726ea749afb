//! Statements and values: what goes in comes out, the same on both databases.

use std::collections::BTreeSet;

use ::db::{Bulk, ColumnType, Error, Keys, Result, Store, Tx, Value};

use super::{WORKSPACE, key, read, write};

testkit::both_databases![
    execute_says_how_many_rows_it_changed,
    a_query_gives_its_rows_in_the_order_asked_for,
    many_number_keys_find_their_rows_and_only_those,
    text_keys_find_their_rows,
    hash_keys_find_their_rows,
    no_keys_find_nothing,
    a_bulk_insert_counts_the_rows_it_changed,
    text_comes_back_in_code_point_order,
    text_is_compared_by_code_point,
    big_bytes_come_back_as_they_went_in,
    nulls_are_told_from_empty_values,
    numbers_come_back_up_to_their_limits,
    a_nul_in_text_is_stored_as_the_replacement_character,
];

const COLUMNS: &[(&str, ColumnType)] =
    &[("workspace_id", ColumnType::Int), ("name", ColumnType::Text), ("value", ColumnType::Int)];
const CONFLICT: &str = "on conflict (workspace_id, name) do";

static COUNTER: Bulk = Bulk { table: "counter", columns: COLUMNS, on_conflict: "" };

/// Rows of the `counter` table, the smallest there is.
fn put(tx: &mut Tx<'_>, counters: &[(&str, i64)]) -> Result<u64> {
    put_with(tx, &COUNTER, counters)
}

fn put_with(tx: &mut Tx<'_>, bulk: &Bulk, counters: &[(&str, i64)]) -> Result<u64> {
    let rows = counters.iter().map(|(name, value)| [WORKSPACE.into(), (*name).into(), (*value).into()]);
    tx.insert_many(bulk, &rows.flatten().collect::<Vec<Value<'_>>>())
}

fn counters(tx: &mut Tx<'_>) -> Result<Vec<(String, i64)>> {
    let map = |row: &::db::Row<'_>| Ok((row.text(0)?.to_owned(), row.int(1)?));
    tx.query("select name, value from counter order by name", &[], map)
}

fn execute_says_how_many_rows_it_changed(store: Store) {
    write(&store, |_, tx| {
        put(tx, &[("a", 1), ("b", 2), ("c", 3)])?;
        let sql = "update counter set value = value + ?1 where value >= ?2";
        assert_eq!(tx.execute(sql, &[Value::Int(10), Value::Int(2)])?, 2);
        assert_eq!(tx.execute(sql, &[Value::Int(10), Value::Int(100)])?, 0);
        assert_eq!(tx.execute("delete from counter where value > 10", &[])?, 2, "without parameters");
        assert_eq!(counters(tx)?, [("a".to_owned(), 1)]);
        Ok(())
    });
}

fn a_query_gives_its_rows_in_the_order_asked_for(store: Store) {
    write(&store, |_, tx| put(tx, &[("a", 2), ("b", 1), ("c", 3)]));
    read(&store, |_, tx| {
        let sql = "select name from counter where value < ?1 order by value";
        let names = tx.query(sql, &[Value::Int(3)], |row| Ok(row.text(0)?.to_owned()))?;
        assert_eq!(names, ["b", "a"]);
        let value = |tx: &mut Tx<'_>, name: &str| {
            tx.query_one("select value from counter where name = ?1", &[name.into()], |row| row.int(0))
        };
        assert_eq!((value(tx, "c")?, value(tx, "d")?), (Some(3), None));
        Ok(())
    });
}

fn many_number_keys_find_their_rows_and_only_those(store: Store) {
    let names: Vec<String> = (0..2_000).map(|n| format!("n{n}")).collect();
    let rows: Vec<(&str, i64)> = names.iter().zip(0..).map(|(name, n)| (name.as_str(), n)).collect();
    write(&store, |_, tx| put(tx, &rows));
    let wanted: Vec<i64> = (0..4_000).filter(|n| n % 3 == 0).collect();
    let found = read(&store, |_, tx| {
        let mut found = BTreeSet::new();
        let sql = "select name, value from counter where workspace_id = ?1 and value in (?2)";
        tx.query_many(sql, &[WORKSPACE.into()], Keys::Ints(&wanted), &mut |row| {
            assert!(found.insert((row.int(1)?, row.text(0)?.to_owned())), "no row comes twice");
            Ok(())
        })?;
        Ok(found)
    });
    let expected = (0..2_000).filter(|n| n % 3 == 0).map(|n| (n, format!("n{n}")));
    assert_eq!(found, expected.collect());
}

fn text_keys_find_their_rows(store: Store) {
    write(&store, |_, tx| put(tx, &[("王", 1), ("😀", 2), ("", 3), ("W", 4)]));
    let found = read(&store, |_, tx| {
        let mut found = BTreeSet::new();
        let sql = "select value from counter where workspace_id = ?1 and name in (?2)";
        tx.query_many(sql, &[WORKSPACE.into()], Keys::Texts(&["😀", "", "w", "王"]), &mut |row| {
            found.insert(row.int(0)?);
            Ok(())
        })?;
        Ok(found)
    });
    assert_eq!(found, BTreeSet::from([1, 2, 3]));
}

fn hash_keys_find_their_rows(store: Store) {
    write(&store, |_, tx| {
        let sql =
            "insert into seen_page (workspace_id, partition_no, run_no, page_no, newest_us, first_key, keys)
                   values (?1, 0, 0, ?2, 0, ?3, ?3)";
        (1..=5).try_for_each(|n| {
            tx.execute(sql, &[WORKSPACE.into(), Value::Int(n), (&key(n as u64)).into()]).map(drop)
        })
    });
    let wanted = [key(2), key(9), key(4)];
    let found = read(&store, |_, tx| {
        let mut found = BTreeSet::new();
        let sql = "select page_no, first_key from seen_page where workspace_id = ?1 and first_key in (?2)";
        tx.query_many(sql, &[WORKSPACE.into()], Keys::Keys(&wanted), &mut |row| {
            found.insert((row.int(0)?, row.key(1)?));
            Ok(())
        })?;
        Ok(found)
    });
    assert_eq!(found, BTreeSet::from([(2, key(2)), (4, key(4))]));
}

fn no_keys_find_nothing(store: Store) {
    write(&store, |_, tx| put(tx, &[("a", 1)]));
    let empty = [Keys::Ints(&[]), Keys::Keys(&[]), Keys::Texts(&[])];
    read(&store, |_, tx| {
        empty.into_iter().try_for_each(|keys| {
            let sql = "select value from counter where value in (?1)";
            tx.query_many(sql, &[], keys, &mut |_| panic!("a row for no key"))
        })
    });
}

fn a_bulk_insert_counts_the_rows_it_changed(store: Store) {
    let update = format!("{CONFLICT} update set value = excluded.value where excluded.value > counter.value");
    let update = Bulk { on_conflict: update.leak(), ..COUNTER };
    let ignore = Bulk { on_conflict: format!("{CONFLICT} nothing").leak(), ..COUNTER };
    write(&store, |_, tx| {
        assert_eq!(put(tx, &[])?, 0);
        assert_eq!(put(tx, &[("a", 1), ("b", 2)])?, 2);
        assert_eq!(put_with(tx, &ignore, &[("b", 9), ("c", 3)])?, 1);
        assert_eq!(put_with(tx, &update, &[("a", 0), ("b", 7), ("d", 4)])?, 2);
        let expected = [("a", 1), ("b", 7), ("c", 3), ("d", 4)];
        assert_eq!(counters(tx)?, expected.map(|(name, value)| (name.to_owned(), value)));
        Ok(())
    });
}

/// Texts that every language's own order, and UTF-16, would sort another way.
const TEXTS: [&str; 20] = [
    "", " ", "-", "1", "10", "2", "A", "B", "_", "a", "ab", "a b", "e\u{301}", "é", "丁", "一", "王伟", "龥",
    "\u{ffee}", "😀",
];

fn text_comes_back_in_code_point_order(store: Store) {
    let rows = TEXTS.map(|text| (text, 0));
    write(&store, |_, tx| put(tx, &rows));
    let ordered = read(&store, |_, tx| counters(tx));
    let mut expected = TEXTS.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(ordered.into_iter().map(|(text, _)| text).collect::<Vec<_>>(), expected);
}

fn text_is_compared_by_code_point(store: Store) {
    let rows = TEXTS.map(|text| (text, 0));
    write(&store, |_, tx| put(tx, &rows));
    for from in TEXTS {
        let sql = "select count(*) from counter where name >= ?1";
        let count = read(&store, |_, tx| tx.query_one(sql, &[from.into()], |row| row.int(0)));
        let expected = TEXTS.iter().filter(|text| **text >= from).count();
        assert_eq!(count, Some(expected as i64), "from {from:?} on");
    }
}

const CHUNK: &str =
    "insert into timeline (workspace_id, node_no, chunk_no, first_us, last_us, event_count, body)
                     values (?1, 1, ?2, 0, 0, 0, ?3)";

fn big_bytes_come_back_as_they_went_in(store: Store) {
    let big: Vec<u8> = (0..8 << 20).map(|i: u32| (i ^ i >> 8) as u8).collect();
    let bodies: [&[u8]; 3] = [&[], &[0], &big];
    write(&store, |_, tx| {
        bodies.iter().zip(0..).try_for_each(|(body, no)| {
            tx.execute(CHUNK, &[WORKSPACE.into(), Value::Int(no), Value::Blob(body)]).map(drop)
        })
    });
    let found = read(&store, |_, tx| {
        tx.query("select body from timeline order by chunk_no", &[], |row| Ok(row.blob(0)?.to_vec()))
    });
    assert!(found == bodies, "lengths {:?}", found.iter().map(Vec::len).collect::<Vec<_>>());
}

fn nulls_are_told_from_empty_values(store: Store) {
    let token =
        "insert into api_token (token_id, workspace_id, secret_hash, name, scopes, created_us, expires_us)
                 values (?1, 1, ?2, '', '', 0, ?3)";
    let source =
        "insert into source (workspace_id, source_no, source_id, write_key_hash, sensors_project, origins,
                  events_per_second, priority, grade, is_enabled, created_us)
                  values (1, ?1, ?2, ?3, ?4, '', 0, 0, 'C', 1, 0)";
    let installation = store.installation().unwrap();
    let work = |tx: &mut Tx<'_>| {
        tx.execute(token, &["a".into(), Value::Blob(&[]), Value::Null])?;
        tx.execute(token, &["b".into(), Value::Blob(&[]), Value::Int(0)])?;
        tx.execute(source, &[Value::Int(1), "a".into(), Value::Blob(&[1]), Value::Null])?;
        tx.execute(source, &[Value::Int(2), "b".into(), Value::Blob(&[2]), "".into()])?;
        let sql = "select expires_us from api_token order by token_id";
        assert_eq!(tx.query(sql, &[], |row| row.int_opt(0))?, [None, Some(0)]);
        assert!(matches!(tx.query(sql, &[], |row| row.int(0)), Err(Error::Other(_))), "null is no number");
        let sql = "select sensors_project from source order by source_no";
        let texts = tx.query(sql, &[], |row| Ok(row.text_opt(0)?.map(str::to_owned)))?;
        assert_eq!(texts, [None, Some(String::new())]);
        assert!(matches!(tx.query(sql, &[], |row| row.blob(0).map(drop)), Err(Error::Other(_))));
        Ok::<_, Error>(())
    };
    installation.write(work).unwrap();
}

fn numbers_come_back_up_to_their_limits(store: Store) {
    let limits = [i64::MIN, -1, 0, 1, i64::MAX];
    let names = limits.map(|n| n.to_string());
    let rows: Vec<(&str, i64)> = names.iter().zip(limits).map(|(name, n)| (name.as_str(), n)).collect();
    write(&store, |_, tx| put(tx, &rows));
    let found =
        read(&store, |_, tx| tx.query("select value from counter order by value", &[], |row| row.int(0)));
    assert_eq!(found, limits);
}

fn a_nul_in_text_is_stored_as_the_replacement_character(store: Store) {
    write(&store, |_, tx| {
        put(tx, &[("bulk\0", 1), ("plain", 2)])?;
        let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, 3)";
        tx.execute(sql, &[WORKSPACE.into(), "\0one\0".into()]).map(drop)
    });
    let names: Vec<String> = read(&store, |_, tx| counters(tx)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["bulk\u{fffd}", "plain", "\u{fffd}one\u{fffd}"]);
    let mut found = Vec::new();
    read(&store, |_, tx| {
        let sql = "select value from counter where name in (?1)";
        tx.query_many(sql, &[], Keys::Texts(&["\0one\0", "bulk\0"]), &mut |row| {
            found.push(row.int(0)?);
            Ok(())
        })
    });
    found.sort_unstable();
    assert_eq!(found, [1, 3], "looked up the way it was written");
}

//! Migrations: both databases get the same tables, once, whoever comes first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Barrier;

use ::db::{Location, Pool, Store};
use kernel::WorkspaceNo;
use testkit::PostgresServer;

use super::{pool, read, write};

/// The SQL files of one database.
fn files(database: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(database);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

fn applied(pool: &Pool) -> BTreeSet<String> {
    let names = pool
        .read(|tx| tx.query("select name from migration", &[], |row| Ok(format!("{}.sql", row.text(0)?))));
    names.unwrap().into_iter().collect()
}

/// A column as both databases describe it: type, whether it may be null, place in the primary key.
type Column = (String, bool, i64);

/// What a database has: the columns by table and name, and the indexes as (table, columns, unique).
#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    columns: BTreeMap<(String, String), Column>,
    indexes: BTreeSet<(String, String, bool)>,
}

impl Schema {
    fn read(&mut self, pool: &Pool, columns: &str, indexes: &str) {
        let read = pool.read(|tx| {
            tx.each(columns, &[], &mut |row| {
                let name = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
                let column = (row.text(2)?.to_owned(), row.int(3)? != 0, row.int(4)?);
                self.columns.insert(name, column);
                Ok(())
            })?;
            tx.each(indexes, &[], &mut |row| {
                let (table, columns) = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
                self.indexes.insert((table, columns, row.int(2)? != 0));
                Ok(())
            })
        });
        read.unwrap();
    }

    fn of_sqlite(store: &Store) -> Self {
        let columns = "select t.name, c.name, lower(c.type), c.\"notnull\" = 0, c.pk
                       from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table'";
        let indexes = "select t.name, group_concat(c.name, ' ' order by c.seqno), i.\"unique\"
                       from sqlite_schema t join pragma_index_list(t.name) i join pragma_index_info(i.name) c
                       where t.type = 'table' and i.origin <> 'pk' group by t.name, i.name, i.\"unique\"";
        let mut schema = Self::default();
        schema.read(&store.installation().unwrap(), columns, indexes);
        schema.read(&pool(store), columns, indexes);
        schema
    }

    fn of_postgres(store: &Store) -> Self {
        let columns = "select c.relname::text, a.attname::text,
                         case format_type(a.atttypid, a.atttypmod)
                           when 'bigint' then 'integer' when 'bytea' then 'blob'
                           else format_type(a.atttypid, a.atttypmod) end,
                         case when a.attnotnull then 0 else 1 end::bigint,
                         coalesce(array_position(p.conkey, a.attnum), 0)::bigint
                       from pg_class c join pg_attribute a on a.attrelid = c.oid
                       left join pg_constraint p on p.conrelid = c.oid and p.contype = 'p'
                       where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
                         and a.attnum > 0 and not a.attisdropped";
        let indexes = "select i.indrelid::regclass::text, string_agg(a.attname::text, ' ' order by k.place),
                         case when i.indisunique then 1 else 0 end::bigint
                       from pg_index i join pg_class c on c.oid = i.indrelid,
                         unnest(i.indkey::int2[]) with ordinality k (attnum, place), pg_attribute a
                       where a.attrelid = i.indrelid and a.attnum = k.attnum and not i.indisprimary
                         and c.relnamespace = 'public'::regnamespace
                       group by i.indexrelid, i.indrelid, i.indisunique";
        let mut schema = Self::default();
        schema.read(&store.installation().unwrap(), columns, indexes);
        schema
    }
}

fn sqlite() -> (testkit::TempDir, Location) {
    let directory = testkit::temp_dir();
    let location = Location::Directory(directory.path().to_owned());
    (directory, location)
}

fn postgres() -> Location {
    Location::Postgres(PostgresServer::start().database())
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    assert!(!files("sqlite").is_empty());
    assert_eq!(files("sqlite"), files("postgres"));
}

#[test]
fn every_migration_in_the_folders_is_applied() {
    let store = Store::open(&postgres()).unwrap();
    assert_eq!(applied(&store.installation().unwrap()), files("postgres"));
    let (_directory, location) = sqlite();
    let store = Store::open(&location).unwrap();
    let (installation, workspace) = (applied(&store.installation().unwrap()), applied(&pool(&store)));
    assert_eq!(&installation | &workspace, files("sqlite"));
    assert!(installation.is_disjoint(&workspace));
}

#[test]
fn both_databases_have_the_same_tables_columns_keys_and_indexes() {
    let (_directory, location) = sqlite();
    let sqlite = Schema::of_sqlite(&Store::open(&location).unwrap());
    let postgres = Schema::of_postgres(&Store::open(&postgres()).unwrap());
    assert!(sqlite.columns.len() > 100, "the query finds the tables");
    let columns = |schema: &Schema| schema.columns.clone().into_iter().collect::<BTreeSet<_>>();
    assert_eq!(&columns(&sqlite) ^ &columns(&postgres), BTreeSet::new(), "columns of one database alone");
    assert_eq!(&sqlite.indexes ^ &postgres.indexes, BTreeSet::new(), "indexes of one database alone");
}

#[test]
fn text_in_postgres_sorts_by_code_point() {
    let store = Store::open(&postgres()).unwrap();
    let wrong = store.installation().unwrap().read(|tx| {
        let sql = "select c.table_name || '.' || c.column_name from information_schema.columns c
                   where c.table_schema = 'public' and c.data_type = 'text' and c.table_name <> 'migration'
                   and c.collation_name is distinct from 'C'";
        tx.query(sql, &[], |row| Ok(row.text(0)?.to_owned()))
    });
    assert!(wrong.as_ref().unwrap().is_empty(), "without `collate \"C\"`: {wrong:?}");
}

#[test]
fn every_workspace_table_of_postgres_has_forced_row_level_security() {
    let (_directory, location) = sqlite();
    let store = Store::open(&location).unwrap();
    let expected: BTreeSet<String> = read(&store, |_, tx| {
        let sql = "select name from sqlite_schema where type = 'table' and name <> 'migration'";
        tx.query(sql, &[], |row| Ok(row.text(0)?.to_owned()))
    })
    .into_iter()
    .collect();
    let store = Store::open(&postgres()).unwrap();
    let walled: BTreeSet<String> = read(&store, |_, tx| {
        let sql = "select relname::text from pg_class c where relrowsecurity and relforcerowsecurity
                   and exists (select from pg_policy where polrelid = c.oid)";
        tx.query(sql, &[], |row| Ok(row.text(0)?.to_owned()))
    })
    .into_iter()
    .collect();
    assert_eq!(expected, walled);
}

/// Opens a location twice, with a row written in between.
fn open_twice(location: &Location, schema: fn(&Store) -> Schema) {
    let store = Store::open(location).unwrap();
    let before = schema(&store);
    write(&store, |scope, tx| {
        let sql = "insert into counter (workspace_id, name, value) values (?1, 'kept', 7)";
        tx.execute(sql, &[scope.workspace.into()])
    });
    drop(store);
    let again = Store::open(location).unwrap();
    assert_eq!(schema(&again), before);
    let sql = "select value from counter where name = 'kept'";
    assert_eq!(read(&again, |_, tx| tx.query_one(sql, &[], |row| row.int(0))), Some(7));
}

#[test]
fn applying_the_migrations_again_changes_nothing() {
    let (_directory, location) = sqlite();
    open_twice(&location, Schema::of_sqlite);
    open_twice(&postgres(), Schema::of_postgres);
}

/// Opens a new location from several threads at the same time, each with a store of its own.
fn open_at_once(location: &Location) {
    let threads = 6;
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        for no in 0..threads {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let store = Store::open(location).unwrap();
                let pool = store.workspace(WorkspaceNo(1)).unwrap();
                let sql = "insert into counter (workspace_id, name, value) values (1, ?1, 0)";
                let name = format!("thread {no}");
                pool.write(|tx| tx.execute(sql, &[(&name).into()])).unwrap();
            });
        }
    });
    let store = Store::open(location).unwrap();
    let count = read(&store, |_, tx| tx.query_one("select count(*) from counter", &[], |row| row.int(0)));
    assert_eq!(count, Some(threads as i64));
}

#[test]
fn a_new_postgres_database_can_be_opened_by_several_at_once() {
    (0..3).for_each(|_| open_at_once(&postgres()));
}

#[test]
fn a_new_sqlite_folder_can_be_opened_by_several_at_once() {
    for _ in 0..3 {
        let (_directory, location) = sqlite();
        open_at_once(&location);
    }
}

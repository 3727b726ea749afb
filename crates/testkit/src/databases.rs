//! One test, both databases.

/// Runs each test function, a `fn(store: db::Store)`, on SQLite in a folder of its own and on a fresh
/// PostgreSQL database. The tests are called `<function>::sqlite` and `<function>::postgres`.
///
/// The caller's crate depends on `db`; this one does not, so that `db` itself may test with it.
#[macro_export]
macro_rules! both_databases {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            #[test]
            fn sqlite() {
                let directory = $crate::temp_dir();
                let location = ::db::Location::Directory(directory.path().to_owned());
                super::$test(::db::Store::open(&location).unwrap());
            }

            #[test]
            fn postgres() {
                let url = $crate::PostgresServer::start().database();
                super::$test(::db::Store::open(&::db::Location::Postgres(url)).unwrap());
            }
        }
    )*};
}

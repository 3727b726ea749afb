//! Tables of a real MariaDB.

use kernel::Instant;
use serde_json::json;
use testkit::mariadb::{Database, Server};

use super::{home, message, outcomes, topic};
use crate::table::*;
use crate::{Guard, Outcome};

fn shape(database: &Database, on_exit: OnExit) -> Shape {
    Shape {
        host: "127.0.0.1".into(),
        port: database.port,
        database: database.name.clone(),
        user: database.name.clone(),
        table: TableName::parse("table", "crm").unwrap(),
        fields: vec!["city".into(), "age".into()],
        on_exit,
        tls: Tls::Off,
    }
}

fn table(database: &Database, on_exit: OnExit) -> MySql {
    MySql::new(home(), shape(database, on_exit), database.name.clone()).unwrap()
}

/// Party, presence, place and age of each row.
fn told(database: &Database) -> Vec<String> {
    let select = "select concat_ws(' ', party_id, is_present, seq, coalesce(age, '-')) from";
    Server::start().administer(&format!("{select} {}.crm order by ledger, party_id", database.name))
}

#[tokio::test]
async fn what_is_sent_twice_or_late_changes_nothing_and_the_last_of_a_batch_counts() {
    let database = Server::start().database();
    let table = table(&database, OnExit::Delete);
    let batch = [
        message("a", 1, Some(json!("30"))),
        message("b", 2, Some(json!("四十"))),
        message("a", 3, Some(json!("31"))),
        message("c", 4, Some(json!(1))),
        message("c", 5, None),
    ];
    for _ in 0..3 {
        assert_eq!(outcomes(&table.send(Instant(0), &batch).await), [true; 5]);
        assert_eq!(told(&database), ["a 1 3 31", "b 1 2 四十"]);
    }
    let late = [message("a", 2, None), message("b", 1, Some(json!("9")))];
    assert_eq!(outcomes(&table.send(Instant(0), &late).await), [true; 2]);
    assert_eq!(told(&database), ["a 1 3 31", "b 1 2 四十"]);
    let at = format!("select at from {}.crm where party_id = 'a'", database.name);
    assert_eq!(Server::start().administer(&at), ["1970-01-01 00:00:03.000"]);
}

#[tokio::test]
async fn whoever_left_is_marked_without_his_fields_where_rows_are_to_stay() {
    let database = Server::start().database();
    let table = table(&database, OnExit::Mark);
    table.send(Instant(0), &[message("a", 1, Some(json!("30"))), message("a", 2, None)]).await;
    table.send(Instant(0), &[message("a", 1, Some(json!("30")))]).await;
    assert_eq!(told(&database), ["a 0 2 -"]);
    table.send(Instant(0), &[message("a", 3, Some(json!("31")))]).await;
    assert_eq!(told(&database), ["a 1 3 31"]);
}

#[tokio::test]
async fn a_row_the_table_does_not_take_stops_no_other_and_its_value_is_told_to_nobody() {
    let database = Server::start().database();
    Server::start().administer(&format!(
        "create table {}.crm (ledger varchar(99), party_id varchar(64), is_present boolean, seq bigint,
         list_no bigint, at datetime(3), city text, age integer, primary key (ledger, party_id))",
        database.name
    ));
    let table = table(&database, OnExit::Delete);
    let batch = [
        message("a", 1, Some(json!("30"))),
        message("b", 2, Some(json!("secret"))),
        message("c", 3, Some(json!(7))),
    ];
    let attempts = table.send(Instant(0), &batch).await;
    assert_eq!(outcomes(&attempts), [true, false, true]);
    assert_eq!(told(&database), ["a 1 1 30", "c 1 3 7"]);
    let Outcome::Refused { reason } = &attempts[1].outcome else { panic!("{:?}", attempts[1]) };
    assert!(!reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn a_list_takes_away_who_is_not_on_it_but_nothing_that_is_newer() {
    for (on_exit, expected) in [
        (OnExit::Delete, vec!["a 1 5 1", "new 1 9 3"]),
        (OnExit::Mark, vec!["a 1 5 1", "new 1 9 3", "old 0 5 -"]),
    ] {
        let database = Server::start().database();
        let table = table(&database, on_exit);
        let before = [message("old", 1, Some(json!("2"))), message("new", 9, Some(json!("3")))];
        table.send(Instant(0), &before).await;
        for no in [701, 702] {
            let listed = [message("a", 5, Some(json!("1"))), message("new", 5, Some(json!("0")))];
            assert_eq!(outcomes(&table.list(no, &listed).await), [true; 2]);
            assert_eq!(table.sweep(&topic(), 5, no).await.outcome, Outcome::Delivered);
            assert_eq!(told(&database), expected);
        }
    }
}

#[tokio::test]
async fn trouble_of_the_place_may_pass_and_where_none_may_go_nothing_goes() {
    let database = Server::start().database();
    let one = [message("a", 1, Some(json!(1)))];
    let ask = async |guard: Guard, password: &str, change: &dyn Fn(&mut Shape)| {
        let mut shape = shape(&database, OnExit::Delete);
        change(&mut shape);
        MySql::new(guard, shape, password.into()).unwrap().send(Instant(0), &one).await.remove(0).outcome
    };
    let (none, plain) = (|shape: &mut Shape| shape.database = "none".into(), |_: &mut Shape| {});
    let secure = |shape: &mut Shape| shape.tls = Tls::Required(None);
    for (password, change) in
        [(&*database.name, &none as &dyn Fn(&mut Shape)), ("wrong", &plain), (&database.name, &secure)]
    {
        let outcome = ask(home(), password, change).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    let own = MySql::new(Guard::default(), shape(&database, OnExit::Delete), String::new());
    assert!(own.is_err(), "this machine's own address");
    let outcome = ask(Guard::default(), &database.name, &|shape| shape.host = "localhost".into()).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "this machine is nobody's to reach: {outcome:?}");
}

#[tokio::test]
async fn only_a_host_that_a_trusted_authority_vouches_for_is_told_anything() {
    let (database, ca) = (Server::start().database(), Server::start().authority());
    let one = [message("a", 1, Some(json!("1")))];
    let send = async |host: &str, tls: Tls| {
        let shape = Shape { host: host.into(), tls, ..shape(&database, OnExit::Delete) };
        let table = MySql::new(home(), shape, database.name.clone()).unwrap();
        table.send(Instant(0), &one).await.remove(0).outcome
    };
    for (host, tls) in [("127.0.0.1", Tls::Required(None)), ("127.0.0.2", Tls::Required(Some(ca.clone())))] {
        let outcome = send(host, tls).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    assert_eq!(send("127.0.0.1", Tls::Required(Some(ca))).await, Outcome::Delivered);
    assert_eq!(told(&database), ["a 1 1 1"]);
}

//! Tables of a real PostgreSQL; of a real MariaDB in [`mysql`].

mod mysql;

use kernel::Instant;
use serde_json::{Map, Value, json};
use tokio_postgres::NoTls;

use super::*;
use crate::{Guard, Outcome};

/// A database of the test's own.
struct Database {
    url: String,
}

impl Database {
    fn new() -> Self {
        Self { url: testkit::postgres::Server::start().database() }
    }

    async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The table's rows, each as JSON, in the order of the parties.
    async fn rows(&self) -> Vec<Value> {
        let sql = "select to_jsonb(t)::text from crm t order by ledger, party_id";
        let rows = self.client().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    fn table(&self, on_exit: OnExit) -> Postgres {
        let url = url::Url::parse(&self.url).unwrap();
        let shape = Shape {
            host: "127.0.0.1".into(),
            port: url.port().unwrap(),
            database: url.path()[1..].to_owned(),
            user: url.username().to_owned(),
            table: TableName::parse("table", "public.crm").unwrap(),
            fields: vec!["city".into(), "age".into()],
            on_exit,
            tls: Tls::Off,
        };
        Postgres::new(home(), shape, "unused".into()).unwrap()
    }
}

fn home() -> Guard {
    Guard::new(["127.0.0.0/8".parse().unwrap()])
}

fn topic() -> Topic {
    Topic { kind: "audience".into(), id: "gold".into(), name: "gold".into() }
}

/// A party that is in with an age, or that left.
fn message(party: &str, seq: u64, age: Option<Value>) -> Message {
    let fields = age.clone().map(|age| Map::from_iter([("age".to_owned(), age)]));
    Message {
        key: format!("m{seq}"),
        event: "audience.entered".into(),
        party: party.into(),
        topic: topic(),
        is_present: age.is_some(),
        seq,
        at: Instant(1_000_000 * seq as i64),
        fields: fields.unwrap_or_default(),
    }
}

fn outcomes(attempts: &[Attempt]) -> Vec<bool> {
    attempts.iter().map(|attempt| attempt.outcome == Outcome::Delivered).collect()
}

/// Party, presence, place and age of each row.
fn told(rows: &[Value]) -> Vec<Value> {
    rows.iter().map(|row| json!([row["party_id"], row["is_present"], row["seq"], row["age"]])).collect()
}

#[tokio::test]
async fn what_is_sent_twice_or_late_changes_nothing_and_the_last_of_a_batch_counts() {
    let database = Database::new();
    let table = database.table(OnExit::Delete);
    let batch = [
        message("a", 1, Some(json!("30"))),
        message("b", 2, Some(json!(40))),
        message("a", 3, Some(json!("31"))),
        message("c", 4, Some(json!(1))),
        message("c", 5, None),
    ];
    for _ in 0..3 {
        assert_eq!(outcomes(&table.send(Instant(0), &batch).await), [true; 5]);
        let rows = database.rows().await;
        assert_eq!(told(&rows), [json!(["a", true, 3, "31"]), json!(["b", true, 2, "40"])]);
        assert_eq!(rows[0]["ledger"], "audience:gold");
    }
    let late = [message("a", 2, None), message("b", 1, Some(json!("9")))];
    assert_eq!(outcomes(&table.send(Instant(0), &late).await), [true; 2]);
    assert_eq!(told(&database.rows().await), [json!(["a", true, 3, "31"]), json!(["b", true, 2, "40"])]);
}

#[tokio::test]
async fn whoever_left_is_marked_without_his_fields_where_rows_are_to_stay() {
    let database = Database::new();
    let table = database.table(OnExit::Mark);
    table.send(Instant(0), &[message("a", 1, Some(json!("30"))), message("a", 2, None)]).await;
    assert_eq!(told(&database.rows().await), [json!(["a", false, 2, null])]);
    table.send(Instant(0), &[message("a", 1, Some(json!("30")))]).await;
    assert_eq!(told(&database.rows().await), [json!(["a", false, 2, null])], "what came late is older");
    table.send(Instant(0), &[message("a", 3, Some(json!("31")))]).await;
    assert_eq!(told(&database.rows().await), [json!(["a", true, 3, "31"])]);
}

#[tokio::test]
async fn a_row_the_table_does_not_take_stops_no_other_and_its_value_is_told_to_nobody() {
    let database = Database::new();
    let statement = "create table crm (ledger text, party_id text, is_present boolean, seq bigint,
        list_no bigint, at timestamptz, city text, age integer, primary key (ledger, party_id))";
    database.client().await.batch_execute(statement).await.unwrap();
    let table = database.table(OnExit::Delete);
    let batch = [
        message("a", 1, Some(json!("30"))),
        message("b", 2, Some(json!("secret"))),
        message("c", 3, Some(json!(7))),
    ];
    let attempts = table.send(Instant(0), &batch).await;
    assert_eq!(outcomes(&attempts), [true, false, true]);
    assert_eq!(told(&database.rows().await), [json!(["a", true, 1, 30]), json!(["c", true, 3, 7])]);
    let Outcome::Refused { reason } = &attempts[1].outcome else { panic!("{:?}", attempts[1]) };
    assert!(reason.contains("22P02") && !reason.contains("secret"), "{reason}");
}

#[tokio::test]
async fn a_list_takes_away_who_is_not_on_it_but_nothing_that_is_newer() {
    for (on_exit, expected) in [
        (OnExit::Delete, vec![json!(["a", true, 5, "1"]), json!(["new", true, 9, "3"])]),
        (
            OnExit::Mark,
            vec![json!(["a", true, 5, "1"]), json!(["new", true, 9, "3"]), json!(["old", false, 5, null])],
        ),
    ] {
        let database = Database::new();
        let table = database.table(on_exit);
        let before = [message("old", 1, Some(json!("2"))), message("new", 9, Some(json!("3")))];
        table.send(Instant(0), &before).await;
        for no in [701, 702] {
            let listed = [message("a", 5, Some(json!("1"))), message("new", 5, Some(json!("0")))];
            assert_eq!(outcomes(&table.list(no, &listed).await), [true; 2]);
            assert_eq!(table.sweep(&topic(), 5, no).await.outcome, Outcome::Delivered);
            assert_eq!(told(&database.rows().await), expected);
        }
    }
}

#[tokio::test]
async fn trouble_of_the_place_may_pass_and_where_none_may_go_nothing_goes() {
    let database = Database::new();
    let one = [message("a", 1, Some(json!(1)))];
    let ask = async |guard: Guard, change: &dyn Fn(&mut Shape)| {
        let mut table = database.table(OnExit::Delete);
        change(&mut table.shape);
        let table = Postgres::new(guard, table.shape, "unused".into()).unwrap();
        table.send(Instant(0), &one).await.remove(0).outcome
    };
    for change in [
        &(|shape: &mut Shape| shape.database = "none".into()) as &dyn Fn(&mut Shape),
        &|shape| shape.table = TableName::parse("table", "nowhere.crm").unwrap(),
        &|shape| shape.host = "nobody.invalid".into(),
        &|shape| shape.tls = Tls::Required(None),
    ] {
        let outcome = ask(home(), change).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    let shape = database.table(OnExit::Delete).shape;
    assert!(Postgres::new(Guard::default(), shape, String::new()).is_err(), "this machine's own address");
    let outcome = ask(Guard::default(), &|shape| shape.host = "localhost".into()).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "this machine is nobody's to reach: {outcome:?}");
    assert!(database.client().await.query("select 1 from crm", &[]).await.is_err(), "no table was made");
}

#[tokio::test]
async fn only_a_host_that_a_trusted_authority_vouches_for_is_told_anything() {
    let (database, ca) = (Database::new(), testkit::postgres::Server::start().secure());
    let one = [message("a", 1, Some(json!("1")))];
    let send = async |host: &str, tls: Tls| {
        let mut table = database.table(OnExit::Delete);
        (table.shape.tls, table.shape.host) = (tls, host.into());
        Postgres::new(home(), table.shape, "unused".into())
            .unwrap()
            .send(Instant(0), &one)
            .await
            .remove(0)
            .outcome
    };
    // The machine's authorities know nothing of it, and it has no certificate for another address.
    for (host, tls) in [("127.0.0.1", Tls::Required(None)), ("127.0.0.2", Tls::Required(Some(ca.clone())))] {
        let outcome = send(host, tls).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
    }
    assert!(database.client().await.query("select 1 from crm", &[]).await.is_err(), "no table was made");
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(send(host, Tls::Required(Some(ca.clone()))).await, Outcome::Delivered, "{host}");
    }
    assert_eq!(told(&database.rows().await), [json!(["a", true, 1, "1"])]);
    let wrong = Tls::Required(Some("no certificate".into()));
    let shape = Shape { tls: wrong, ..database.table(OnExit::Delete).shape };
    assert!(Postgres::new(home(), shape, String::new()).is_err());
}

#[test]
fn a_table_has_a_plain_name() {
    assert_eq!(TableName::parse("t", "crm.Gold_1").unwrap().quoted('"'), r#""crm"."Gold_1""#);
    for name in ["", "a.b.c", "a\"b", "a;drop", "1a", "名", &"x".repeat(64), "a."] {
        assert!(TableName::parse("t", name).is_err(), "{name}");
    }
}

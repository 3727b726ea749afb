//! A table of a real PostgreSQL that follows an audience, and is put right by a list.

use serde_json::{Value, json};
use testkit::PostgresServer;
use tokio_postgres::NoTls;

use super::lists::{Runner, ask};
use super::{World, identify, sharing, text};

/// Somebody else's database.
struct Database {
    url: String,
}

impl Database {
    /// The destination of a table there.
    fn definition(&self, world: &World, audience: &str, on_exit: &str) -> Value {
        let secret = world.post("/api/v1/destination-secrets", json!({ "name": "db", "value": "unused" }));
        let rest = self.url.strip_prefix("postgres://").unwrap();
        let (user, rest) = rest.split_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let (host, port) = host.split_once(':').unwrap();
        json!({ "name": "db", "follows": [{ "ledger": "audience", "id": audience }],
            "fields": [{ "as": "city", "trait": "city" }, { "as": "age", "trait": "age" }],
            "target": { "kind": "postgres", "host": host, "port": port.parse::<u16>().unwrap(), "database": database,
                "user": user, "secret": secret["id"], "table": "crm", "on_exit": on_exit, "tls": "off" } })
    }

    fn run(&self, world: &World, statement: &str) -> Vec<String> {
        world.server.tokio().block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let rows = client.query(statement, &[]).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    fn parties(&self, world: &World) -> Vec<String> {
        self.run(world, "select party_id from crm where is_present order by party_id collate \"C\"")
    }
}

fn parties(world: &World, users: &[&str]) -> Vec<String> {
    let mut all: Vec<_> = users.iter().map(|user| world.party(user)).collect();
    all.sort();
    all
}

#[test]
fn a_table_has_who_is_in_and_a_value_it_does_not_take_is_a_dead_letter_alone() {
    for on_exit in ["delete", "mark"] {
        let (world, database) = (World::new(), Database { url: PostgresServer::start().database() });
        let table =
            "create table crm (ledger text, party_id text, is_present boolean, seq bigint, list_no bigint,
            at timestamptz, city text, age integer, primary key (ledger, party_id))";
        database.run(&world, table);
        let audience = world.gold();
        let definition = database.definition(&world, &audience, on_exit);
        let id = text(&world.post("/api/v1/destinations", definition)["id"]);
        let tested = world.post(&format!("/api/v1/destinations/{id}/test"), json!({}));
        assert_eq!(tested["delivered"], true, "{tested}");
        world.server.dispatch();
        world.send(&(0..4).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
        world.settled(&id);
        assert_eq!(database.parties(&world), parties(&world, &["u-0", "u-1", "u-2", "u-3"]));
        world.server.clock().advance(kernel::time::MINUTE);
        let mut old = sharing("u-5");
        old[1]["traits"]["age"] = json!("old");
        world.send(&old);
        world.send(&[
            identify("u-1", 9, json!({ "tier": "silver" })),
            identify("u-9", 2, json!({ "tier": "gold" })),
        ]);
        let status = world.settled(&id);
        assert_eq!((&status["dead"], &status["blocked"]), (&json!(1), &json!(1)), "{status}");
        let dead = world.log(&id, "dead");
        assert_eq!(text(&dead[0]["party"]), world.party("u-5"));
        assert!(text(&dead[0]["reason"]).contains("22P02"), "{dead:?}");
        assert_eq!(database.parties(&world), parties(&world, &["u-0", "u-2", "u-3"]));
        let left = database.run(&world, "select coalesce(city, '-') from crm where not is_present");
        assert_eq!(left, if on_exit == "mark" { vec!["-"] } else { Vec::new() });
        let password = world.get(&format!("/api/v1/destinations/{id}")).to_string();
        assert!(!password.contains("unused"));
    }
}

#[test]
fn a_list_puts_a_table_right_and_again_changes_nothing() {
    let (world, database) = (World::new(), Database { url: PostgresServer::start().database() });
    let audience = world.gold();
    let mut definition = database.definition(&world, &audience, "delete");
    definition["follows"] = json!([]);
    let id = text(&world.post("/api/v1/destinations", definition)["id"]);
    world.send(&(0..3).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
    world.send(&[identify("u-9", 2, json!({ "tier": "gold" }))]);
    let mut runner = Runner::new(&world);
    for round in 0..3 {
        let no = ask(&world, &id, &audience);
        runner.go();
        let job = world.get(&format!("/api/v1/jobs/{no}"));
        assert_eq!(job["state"], "succeeded", "{job}");
        assert_eq!(database.parties(&world), parties(&world, &["u-0", "u-1", "u-2"]), "round {round}");
        database.run(
            &world,
            &format!(
                "insert into crm (ledger, party_id, is_present, seq, at)
            values ('audience:{audience}', 'gone', true, 1, now()), ('other', 'kept', false, 1, now())
            on conflict do nothing"
            ),
        );
    }
    world.send(&[super::consent("u-0", 20, "third_party_share", "withdrawn")]);
    world.server.clock().advance(kernel::time::MINUTE);
    ask(&world, &id, &audience);
    runner.go();
    assert_eq!(database.parties(&world), parties(&world, &["u-1", "u-2"]), "who withdrew is taken back");
    assert_eq!(database.run(&world, "select party_id from crm where ledger = 'other'"), ["kept"]);
}

#[test]
fn a_table_of_mariadb_follows_an_audience_as_one_of_postgresql_does() {
    let (world, database) = (World::new(), testkit::mariadb::Server::start().database());
    let secret = json!({ "name": "db", "value": database.name });
    let secret = world.post("/api/v1/destination-secrets", secret);
    let audience = world.gold();
    let definition = json!({ "name": "db", "follows": [{ "ledger": "audience", "id": audience }],
        "fields": [{ "as": "city", "trait": "city" }],
        "target": { "kind": "mysql", "host": "127.0.0.1", "port": database.port, "database": database.name,
            "user": database.name, "secret": secret["id"], "table": "crm", "tls": "off" } });
    let id = text(&world.post("/api/v1/destinations", definition)["id"]);
    let tested = world.post(&format!("/api/v1/destinations/{id}/test"), json!({}));
    assert_eq!(tested["delivered"], true, "{tested}");
    let rows = |what: &str| {
        let select = format!("select {what} from {}.crm order by party_id", database.name);
        testkit::mariadb::Server::start().administer(&select)
    };
    world.server.dispatch();
    world.send(&(0..3).flat_map(|n| sharing(&format!("u-{n}"))).collect::<Vec<_>>());
    world.settled(&id);
    world.server.clock().advance(kernel::time::MINUTE);
    world.send(&[
        identify("u-1", 9, json!({ "tier": "silver" })),
        identify("u-9", 2, json!({ "tier": "gold" })),
    ]);
    let status = world.settled(&id);
    assert_eq!((&status["dead"], &status["blocked"]), (&json!(0), &json!(1)), "{status}");
    assert_eq!(rows("party_id"), parties(&world, &["u-0", "u-2"]));
    assert_eq!(rows("city"), ["临澄", "临澄"]);
    let mut runner = Runner::new(&world);
    let gone = "insert into {}.crm (ledger, party_id, is_present, seq, at)";
    let gone = gone.replace("{}", &database.name);
    let values = format!("values ('audience:{audience}', 'gone', true, 1, now())");
    testkit::mariadb::Server::start().administer(&format!("{gone} {values}"));
    ask(&world, &id, &audience);
    runner.go();
    assert_eq!(rows("party_id"), parties(&world, &["u-0", "u-2"]));
}

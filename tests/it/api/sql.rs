//! SQL over the API: right answers, nothing personal, no way out, and a server that outlives every statement.

use headwater_tests::{Answer, TestServer, TestWorkspace};
use serde_json::{Value, json};

use super::identify;

/// Two workspaces with a secret each.
struct Two {
    server: TestServer,
    mine: TestWorkspace,
    masked: String,
}

impl Two {
    fn new() -> Self {
        let (server, mine) = TestServer::with_sql();
        let theirs = server.workspace("theirs");
        let secret = json!({ "email": "canary-mine@example.com", "phone": "19900001234", "city": "临澄" });
        server.collect(&mine, &[identify("u-1", 1, secret), order("u-1", 1, 30), order("u-2", 2, 12)]);
        server
            .collect(&theirs, &[identify("u-1", 1, json!({ "note": "canary-theirs" })), order("u-1", 3, 1)]);
        server.drain(&mine);
        server.drain(&theirs);
        let masked = server.token(&mine, "query:run");
        Self { server, mine, masked }
    }

    fn ask(&self, token: &str, sql: &str) -> Answer {
        self.server.post(token, "/api/v1/query", &json!({ "sql": sql }))
    }
}

fn order(user: &str, number: u32, total: u32) -> Value {
    json!({ "type": "track", "messageId": format!("o-{number}"), "userId": user, "event": "Order Completed",
        "timestamp": "2026-06-20T08:00:00.000Z",
        "properties": { "total": total, "receiver_phone": "19900001234", "note": "canary-mine@example.com" } })
}

#[test]
fn a_statement_sees_what_was_applied_a_moment_ago_and_only_its_workspace() {
    let two = Two::new();
    let sql = "SELECT event, count(*) AS n, sum(total) AS total FROM events GROUP BY event ORDER BY event";
    let answer = two.ask(&two.masked, sql).ok();
    assert_eq!(answer["columns"], json!(["event", "n", "total"]));
    assert_eq!(answer["rows"][1], json!(["Order Completed", 2, "42.0000"]));
    assert_eq!((&answer["is_cut"], &answer["is_masked"]), (&json!(false), &json!(true)));
    let cut = json!({ "sql": "SELECT event FROM events", "limit": 1 });
    let cut = two.server.post(&two.masked, "/api/v1/query", &cut).ok();
    assert_eq!((cut["rows"].as_array().unwrap().len(), &cut["is_cut"]), (1, &json!(true)));
    let wrong = two.ask(&two.masked, "SELECT nothing FROM events");
    assert_eq!((wrong.status.as_u16(), &wrong.json()["field"]), (422, &json!("sql")));
}

#[test]
fn personal_fields_are_masked_however_a_statement_looks_at_them_unless_the_token_may_see_them() {
    let two = Two::new();
    let statements = [
        "SELECT properties FROM events",
        "SELECT * FROM events",
        "SELECT max(properties) FROM events",
        "SELECT upper(properties) FROM events",
        "SELECT reverse(properties) FROM events",
        "SELECT substr(properties, 10) FROM events",
        "SELECT string_agg(properties, ',') FROM events",
        "SELECT array_agg(context) FROM events",
        "SELECT e.properties || 'x' FROM events e",
        "WITH x AS (SELECT properties AS p FROM events) SELECT p FROM x UNION ALL SELECT p FROM x",
        "SELECT (SELECT max(properties) FROM events)",
        "SELECT first_value(properties) OVER (ORDER BY time) FROM events",
        "SELECT regexp_replace(properties, 'a', 'b') FROM events WHERE strpos(properties, '19900001234') > 0",
        "SELECT traits FROM parties",
    ];
    for sql in statements {
        let text = two.ask(&two.masked, sql).ok().to_string();
        assert!(!text.contains("19900001234") && !text.contains("43210000991"), "{sql}: {text}");
        assert!(!text.contains("canary-theirs"), "{sql}: {text}");
    }
    let clear = "SELECT properties FROM events WHERE strpos(properties, '19900001234') > 0";
    assert_eq!(two.ask(&two.masked, clear).ok()["rows"], json!([]));
    let shown = two.ask(&two.mine.token, clear).ok();
    assert_eq!((shown["rows"].as_array().unwrap().len(), &shown["is_masked"]), (3, &json!(false)));
    let audit = two.server.get(&two.mine.token, "/api/v1/audit").ok();
    let runs: Vec<&Value> =
        audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "query.run").collect();
    assert_eq!(runs.len(), 1, "only the statement that saw personal data");
    assert!(!audit.to_string().contains("19900001234"));
}

#[test]
fn a_statement_that_eats_memory_or_time_ends_alone() {
    let two = Two::new();
    let ten = |n: usize| vec![format!("x{n}"); 10].join("||");
    let doubled: Vec<String> =
        (1..12).map(|n| format!("t{n} AS (SELECT {} AS x{n} FROM t{})", ten(n - 1), n - 1)).collect();
    let bombs = [
        format!("WITH t0 AS (SELECT repeat('x', 10) AS x0), {} SELECT length(x11) FROM t11", doubled.join(", ")),
        "SELECT repeat('x', 2000000000)".to_owned(),
        "SELECT sum(length(repeat('x', 100000000))) FROM generate_series(1, 1000)".to_owned(),
        "SELECT length(array_to_string(range(1, 4000000000), ','))".to_owned(),
        "SELECT lpad('x', 2147483647, 'y') || lpad('x', 2147483647, 'y')".to_owned(),
        "SELECT count(*) FROM (SELECT DISTINCT a.value, b.value FROM generate_series(1, 100000) a, generate_series(1, 100000) b)".to_owned(),
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1", "NOT ".repeat(10_000)),
    ];
    let mut refused = 0;
    for sql in &bombs {
        let limited = json!({ "sql": sql, "seconds": 5 });
        let answer = two.server.post(&two.masked, "/api/v1/query", &limited);
        // What the engine answers within its limits is an answer; nothing else than a refusal besides.
        let status = answer.status.as_u16();
        assert!([200, 413, 422].contains(&status), "{}…: {status} {}", &sql[..40], answer.text());
        refused += usize::from(status != 200);
        assert_eq!(two.ask(&two.masked, "SELECT 1 AS one").ok()["rows"], json!([[1]]));
    }
    assert!(refused >= 4, "only {refused} of {} are too much", bombs.len());
}

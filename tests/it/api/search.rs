//! Finding people the ways people search.

use headwater_tests::encoded;
use serde_json::json;

use super::{World, identify, ids};

fn world() -> World {
    let world = World::new();
    let person =
        |name: &str, phone: &str, email: &str| json!({ "name": name, "phone": phone, "email": email });
    world.send(&[
        identify("u-1", 1, person("王小明", "13800138000", "wang.xm@example.com")),
        identify("u-2", 1, person("王晓敏", "13900139001", "min@example.cn")),
        identify("u-3", 1, person("Li Lei", "13700137002", "lilei@example.com")),
        identify("u-4", 1, person("欧阳娜娜", "13600138000", "nana@example.com")),
    ]);
    world
}

#[test]
fn people_are_found_by_name_pinyin_initials_phone_email_identifier_and_id() {
    let world = world();
    let user = |n: usize| world.id(&format!("user_id:u-{n}"));
    let cases: [(&str, &[usize]); 20] = [
        ("王小明", &[1]),
        ("王", &[1, 2]),
        ("小明", &[1]),
        ("wangxiaoming", &[1]),
        ("Wang Xiao", &[1, 2]),
        ("xiaomin", &[1, 2]),
        ("wxm", &[1, 2]),
        ("oynn", &[4]),
        ("娜", &[4]),
        ("li lei", &[3]),
        ("lei", &[3]),
        ("8000", &[1, 4]),
        ("138000", &[1, 4]),
        ("13800138000", &[1]),
        ("+86 138-0013-8000", &[1]),
        ("１３９００１３９００１", &[2]),
        ("wang.xm@", &[1]),
        ("MIN@EXAMPLE.CN", &[2]),
        ("u-3", &[3]),
        (" u-4 ", &[4]),
    ];
    for (query, expected) in cases {
        let page = world.get(&format!("/api/v1/parties?q={}", encoded(query)));
        let mut found = ids(&page);
        let mut expected: Vec<String> = expected.iter().map(|n| user(*n)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    }
    let id = user(2);
    assert_eq!(ids(&world.get(&format!("/api/v1/parties?q={id}"))), [id]);
}

#[test]
fn what_nobody_has_finds_nobody() {
    let world = world();
    for query in [
        "张三",
        "明小",
        "1380",
        "0000",
        "zzz",
        "pty_00000000000000000000000000",
        "%",
        "'; drop table node; --",
        "\u{0}",
    ] {
        let page = world.get(&format!("/api/v1/parties?q={}", encoded(query)));
        assert_eq!(page, json!({ "items": [], "next": null }), "{query}");
    }
}

#[test]
fn an_empty_query_lists_everybody_page_by_page() {
    let world = world();
    for path in ["/api/v1/parties?q=%20&limit=3", "/api/v1/parties?limit=3"] {
        let first = world.get(path);
        let next = first["next"].as_str().unwrap();
        let second = world.get(&format!("/api/v1/parties?limit=3&cursor={next}"));
        let mut all = [ids(&first), ids(&second)].concat();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), &second["next"]), (4, &json!(null)), "{path}");
    }
}

#[test]
fn the_results_of_a_search_come_in_pages() {
    let world = world();
    let first = world.get("/api/v1/parties?q=example&limit=1");
    assert_eq!(first["items"], json!([]), "a host alone is no beginning of an address");
    let first = world.get(&format!("/api/v1/parties?q={}&limit=1", encoded("王")));
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("/api/v1/parties?q={}&limit=1&cursor={next}", encoded("王")));
    assert_eq!((ids(&first).len(), ids(&second).len(), &second["next"]), (1, 1, &json!(null)));
    assert_ne!(ids(&first), ids(&second));
}

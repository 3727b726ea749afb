//! `headwater export` over a folder.

use super::Place;

#[test]
fn no_exported_cell_is_a_formula_and_no_two_columns_have_one_name() {
    let place = Place::new();
    place.write("people.csv", "mobile,email,name,note\n19900001234,wang@example.com,=1+1,\"+cmd|' /C calc'!A0\"\n19900005678,,@SUM(A1),-5\n");
    place.import(&["people.csv"]);
    let told = place.run(&["export", "--data", "data", "--output", "out.csv", "--bom", "--json"]).ok().json();
    assert_eq!(told["parties"], 2);
    let text = place.read("out.csv");
    let text = text.strip_prefix('\u{feff}').expect("Excel needs the mark");
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.remove(0), "party_id,email,mobile,trait.email,name,note,phone");
    let ends: Vec<&str> = lines.iter().map(|line| line.split_once(',').unwrap().1).collect();
    for end in [
        "wang@example.com,19900001234,wang@example.com,'=1+1,'+cmd|' /C calc'!A0,19900001234",
        ",19900005678,,'@SUM(A1),-5,19900005678",
    ] {
        assert!(ends.contains(&end), "{text}");
    }
}

#[test]
fn a_search_exports_only_what_it_finds() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,王小明\n19900005678,欧阳娜\n");
    place.import(&["people.csv"]);
    let words = ["export", "--data", "data", "--format", "xlsx", "--output", "out.xlsx", "--q", "欧阳"];
    assert!(place.run(&words).ok().out.starts_with("1 parties"));
    assert!(std::fs::read(place.path("out.xlsx")).unwrap().starts_with(b"PK"));
}

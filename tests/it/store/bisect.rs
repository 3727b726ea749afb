//! Poison among good events: it is found in few runs, put aside, and costs nobody else anything.

use std::panic::panic_any;

use ::db::{Error, Store, Tx, Value};
use kernel::{Failure, Result};
use pipeline::{Work, run_bisected};

use super::{WORKSPACE, pool, read};

testkit::both_databases![
    work_without_poison_runs_once,
    nothing_to_do_runs_nothing,
    one_poison_of_a_thousand_costs_few_runs_and_no_neighbour,
    poison_is_found_wherever_it_lies,
    a_panic_is_caught_and_its_text_is_the_reason,
    a_row_the_database_refuses_is_put_aside,
    poison_alone_is_put_aside,
    items_that_only_fail_together_are_all_kept,
    what_is_nobodys_fault_is_passed_on,
    what_cannot_be_put_aside_undoes_everything,
    what_was_remembered_of_failed_runs_is_forgotten,
];

/// What happens to an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Fails,
    Panics,
    PanicsWithString,
    PanicsWithNumber,
    /// Writes the row of item 0 once more.
    Repeats,
    DiskFull,
    CannotBePutAside,
}

struct Item {
    no: i64,
    fate: Fate,
}

/// Writes one row an item; counts its runs.
#[derive(Default)]
struct Writer {
    runs: usize,
    failed_runs: usize,
    aside: Vec<(i64, String)>,
    /// Items of runs that were not taken back.
    memory: Vec<i64>,
    forgotten: usize,
}

fn write(tx: &mut Tx<'_>, no: i64) -> ::db::Result<()> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, ?3)";
    tx.execute(sql, &[WORKSPACE.into(), (&format!("{no:06}")).into(), Value::Int(no)]).map(drop)
}

impl Work<Item> for Writer {
    fn run(&mut self, tx: &mut Tx<'_>, items: &mut [Item]) -> Result<()> {
        self.runs += 1;
        for item in items {
            self.memory.push(item.no);
            match item.fate {
                Fate::Fine => write(tx, item.no)?,
                Fate::Fails | Fate::CannotBePutAside => {
                    write(tx, item.no)?;
                    return Err(Failure::invalid("amount", "is not a number"));
                }
                Fate::Panics => panic!("a defect"),
                Fate::PanicsWithString => panic!("a defect in item {}", item.no),
                Fate::PanicsWithNumber => panic_any(7),
                Fate::Repeats => write(tx, 0)?,
                Fate::DiskFull => return Err(Error::Full.into()),
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, _: &mut Tx<'_>, item: &mut Item, reason: &str) -> Result<()> {
        if item.fate == Fate::CannotBePutAside {
            return Err(Failure::internal("the quarantine is broken"));
        }
        self.aside.push((item.no, reason.to_owned()));
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.failed_runs += 1;
        self.forgotten += std::mem::take(&mut self.memory).len();
    }
}

fn items(count: i64, poison: &[(i64, Fate)]) -> Vec<Item> {
    let fate = |no: i64| poison.iter().find(|(at, _)| *at == no).map_or(Fate::Fine, |(_, fate)| *fate);
    (0..count).map(|no| Item { no, fate: fate(no) }).collect()
}

fn run(store: &Store, work: &mut dyn Work<Item>, mut items: Vec<Item>) -> Result<()> {
    pool(store).write(|tx| run_bisected(work, tx, &mut items))
}

fn rows(store: &Store) -> Vec<i64> {
    read(store, |_, tx| tx.query("select value from counter order by name", &[], |row| row.int(0)))
}

fn work_without_poison_runs_once(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, items(100, &[])).unwrap();
    assert_eq!((writer.runs, writer.failed_runs, writer.aside.len()), (1, 0, 0));
    assert_eq!(rows(&store), (0..100).collect::<Vec<_>>());
}

fn nothing_to_do_runs_nothing(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, Vec::new()).unwrap();
    assert_eq!(writer.runs, 0);
}

fn one_poison_of_a_thousand_costs_few_runs_and_no_neighbour(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, items(1_000, &[(617, Fate::Fails)])).unwrap();
    assert_eq!(rows(&store), (0..1_000).filter(|no| *no != 617).collect::<Vec<_>>());
    assert_eq!(writer.aside, [(617, "amount: is not a number".to_owned())]);
    // The whole, then two halves at each of ten levels: one fails, one succeeds.
    assert!(writer.failed_runs <= 12, "{} runs failed", writer.failed_runs);
    assert!(writer.runs <= 21, "{} runs", writer.runs);
}

fn poison_is_found_wherever_it_lies(store: Store) {
    let places = [0, 1, 8, 15, 16];
    for (round, place) in places.into_iter().enumerate() {
        let mut writer = Writer::default();
        run(&store, &mut writer, items(17, &[(place, Fate::Fails)])).unwrap();
        assert_eq!(rows(&store), (0..17).filter(|no| *no != place).collect::<Vec<_>>(), "round {round}");
        pool(&store).write(|tx| tx.execute("delete from counter", &[])).unwrap();
    }
    let mut writer = Writer::default();
    run(&store, &mut writer, items(17, &places.map(|place| (place, Fate::Fails)))).unwrap();
    assert_eq!(writer.aside.iter().map(|(no, _)| *no).collect::<Vec<_>>(), places);
    assert_eq!(rows(&store).len(), 12);
}

fn a_panic_is_caught_and_its_text_is_the_reason(store: Store) {
    let mut writer = Writer::default();
    let poison = [(3, Fate::Panics), (50, Fate::PanicsWithString), (99, Fate::PanicsWithNumber)];
    run(&store, &mut writer, items(100, &poison)).unwrap();
    let reason = |no: i64, text: &str| (no, format!("panic: {text}"));
    let expected =
        [reason(3, "a defect"), reason(50, "a defect in item 50"), reason(99, "without a message")];
    assert_eq!(writer.aside, expected);
    assert_eq!(rows(&store).len(), 97);
}

fn a_row_the_database_refuses_is_put_aside(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, items(40, &[(20, Fate::Repeats)])).unwrap();
    assert_eq!(writer.aside.iter().map(|(no, _)| *no).collect::<Vec<_>>(), [20]);
    assert_eq!(rows(&store), (0..40).filter(|no| *no != 20).collect::<Vec<_>>());
}

fn poison_alone_is_put_aside(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, items(1, &[(0, Fate::Panics)])).unwrap();
    assert_eq!((writer.runs, writer.aside.len()), (1, 1));
    assert!(rows(&store).is_empty());
}

/// Fails when items 1 and 2 come in one run.
struct Touchy(Writer);

impl Work<Item> for Touchy {
    fn run(&mut self, tx: &mut Tx<'_>, items: &mut [Item]) -> Result<()> {
        self.0.run(tx, items)?;
        match items.iter().filter(|item| [1, 2].contains(&item.no)).count() {
            2 => Err(Failure::internal("these two do not go together")),
            _ => Ok(()),
        }
    }

    fn put_aside(&mut self, tx: &mut Tx<'_>, item: &mut Item, reason: &str) -> Result<()> {
        self.0.put_aside(tx, item, reason)
    }

    fn rolled_back(&mut self) {
        self.0.rolled_back();
    }
}

fn items_that_only_fail_together_are_all_kept(store: Store) {
    let mut touchy = Touchy(Writer::default());
    run(&store, &mut touchy, items(4, &[])).unwrap();
    assert!(touchy.0.aside.is_empty());
    assert_eq!(rows(&store), [0, 1, 2, 3]);
}

fn what_is_nobodys_fault_is_passed_on(store: Store) {
    for (poison, runs) in [(&[(30, Fate::DiskFull)][..], 1), (&[(5, Fate::Fails), (30, Fate::DiskFull)], 0)] {
        let mut writer = Writer::default();
        let failed = run(&store, &mut writer, items(40, poison));
        assert!(matches!(failed, Err(Failure::Unavailable { .. })), "{failed:?}");
        assert!(writer.runs == runs || runs == 0, "a full disk is not looked for among the items");
        assert!(rows(&store).is_empty(), "the caller tries everything again");
        assert!(writer.aside.iter().all(|(no, _)| *no == 5));
    }
}

fn what_cannot_be_put_aside_undoes_everything(store: Store) {
    let mut writer = Writer::default();
    let failed = run(&store, &mut writer, items(10, &[(9, Fate::CannotBePutAside)]));
    assert!(matches!(failed, Err(Failure::Internal(_))), "{failed:?}");
    assert!(rows(&store).is_empty());
}

fn what_was_remembered_of_failed_runs_is_forgotten(store: Store) {
    let mut writer = Writer::default();
    run(&store, &mut writer, items(8, &[(0, Fate::Fails)])).unwrap();
    // Runs: all, 0–3, 0–1, 0 fail; 1, 2–3, 4–7 succeed after the last failure.
    assert_eq!((writer.runs, writer.failed_runs), (7, 4));
    assert_eq!(writer.memory, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(writer.forgotten, 4, "each failed run stopped at the poison");
}

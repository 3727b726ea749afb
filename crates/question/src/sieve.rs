//! Events by condition: which rows of which runs are wanted, decided by the evaluator of rules.
//!
//! ```text
//! runs by name, as they are read ──▶ Sieve: rows that meet conditions ──▶ runs by selection, as operators know them
//! ```
//!
//! An operator has a run for each selection of its question. Where a selection is one name without conditions
//! that is a run as it is read; otherwise [`Sifted`] stands between the two and puts rows together.

mod gather;
mod masks;

use criteria::{Evaluator, Facts, Party, Program, Rule, Timeline, Zone};
use kernel::{Instant, PartyNo};

use crate::answer::Finding;
use crate::needs::{Need, Needs};
use crate::operator::{Block, Operator, Slice};
use crate::partial::Partial;
use crate::people::People;
use crate::plan::Kind;
use crate::which::Which;
use gather::Gathered;
pub(crate) use masks::{Masks, Met};

/// Selections made ready.
pub(crate) struct Sieve {
    program: Program,
    as_of: Instant,
    /// What is read, a run for each name.
    events: Vec<Need>,
    /// For each selection its runs, and where in each the columns are that it was asked with.
    parts: Vec<Vec<Part>>,
}

/// A run of a selection.
pub(crate) struct Part {
    pub(crate) run: usize,
    pub(crate) columns: Vec<usize>,
}

impl Sieve {
    /// Makes selections ready. The stretch of time and the columns of each are those of its need.
    pub(crate) fn new(picks: &[(&Which, Need)], setting: (&Zone, i64)) -> Self {
        Self::with(picks, Vec::new(), setting)
    }

    /// The same with rules, which come after the selections in the program.
    pub(crate) fn with(picks: &[(&Which, Need)], others: Vec<Rule>, (zone, as_of): (&Zone, i64)) -> Self {
        let is_alone = others.is_empty();
        let rules = picks.iter().map(|(which, need)| which.rule(need.from, need.until)).chain(others);
        let program = Program::compile((0..).zip(rules), zone.clone());
        let read = |(run, need): (usize, &criteria::program::EventNeed)| {
            let of = picks.iter().filter(|(which, _)| which.names().contains(&&*need.name));
            let needs: Vec<&Need> = of.map(|(_, need)| need).collect();
            let latest = needs.iter().map(|need| need.until.unwrap_or(Instant(i64::MAX))).max();
            let latest = if is_alone { latest } else { Some(Instant(as_of.saturating_add(1))) };
            let mut columns = need.properties.clone();
            for path in needs.iter().flat_map(|need| &need.columns) {
                if !columns.contains(path) {
                    columns.push(path.clone());
                }
            }
            debug_assert_eq!(program.run(&need.name), Some(run));
            let event = (&*need.name != "*").then(|| std::sync::Arc::from(&*need.name));
            let is_keyed = need.is_keyed || needs.iter().any(|need| need.is_keyed);
            let until = latest.filter(|latest| latest.0 < i64::MAX);
            Need { event, columns, is_keyed, from: program.earliest(run, Instant(as_of)), until }
        };
        let events: Vec<Need> = program.needs().events.iter().enumerate().map(read).collect();
        let parts = picks.iter().map(|(which, need)| {
            let runs = which.names().into_iter().filter_map(|name| program.run(name));
            let part = |run: usize| {
                let place = |path| events[run].columns.iter().position(|other| other == path);
                Part { run, columns: need.columns.iter().filter_map(place).collect() }
            };
            runs.map(part).collect()
        });
        let parts = parts.collect();
        Self { program, as_of: Instant(as_of), events, parts }
    }

    /// The selections, and after them other rules.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// What is read.
    pub(crate) fn events(&self) -> &[Need] {
        &self.events
    }

    /// How many selections there are.
    pub(crate) fn selections(&self) -> usize {
        self.parts.len()
    }

    /// The runs of a selection.
    pub(crate) fn parts(&self, selection: usize) -> &[Part] {
        &self.parts[selection]
    }

    /// For asking often.
    pub(crate) fn picker(&self) -> Picker<'_> {
        Picker { of: self, evaluator: Evaluator::new(&self.program), nobody: Facts::default() }
    }
}

/// Asks a sieve about one person after another.
pub(crate) struct Picker<'s> {
    of: &'s Sieve,
    evaluator: Evaluator<'s>,
    nobody: Facts,
}

impl Picker<'_> {
    /// Calls `visit` with selection, run and row of each wanted event: by selection, by run, in order.
    pub(crate) fn pick(&mut self, timeline: &dyn Timeline, mut visit: impl FnMut(usize, usize, usize)) {
        let party = Party { timeline, subject: &self.nobody };
        let mut evaluation = self.evaluator.at(party, self.of.as_of);
        for selection in 0..self.of.parts.len() {
            evaluation.events(selection, |run, row| visit(selection, run, row));
        }
    }
}

/// A kind of question whose operator gets a run for each selection.
pub(crate) struct Sifted {
    kind: Box<dyn Kind>,
    sieve: Sieve,
    needs: Needs,
    /// For each selection, which of its columns have several values a row.
    many: Vec<Vec<bool>>,
}

/// The kind as it is if all its selections are names, and behind a sieve otherwise.
pub(crate) fn sifted(kind: Box<dyn Kind>, zone: &Zone, as_of: i64) -> Box<dyn Kind> {
    let needs = kind.needs();
    let picks: Vec<(&Which, Need)> = kind.events().into_iter().zip(needs.events.iter().cloned()).collect();
    if picks.iter().all(|(which, _)| which.plain().is_some()) {
        return kind;
    }
    let sieve = Sieve::new(&picks, (zone, as_of));
    let many = needs.events.iter().map(|need| need.columns.iter().map(|path| path.is_many()).collect());
    let (many, needs) = (many.collect(), Needs { events: sieve.events.clone(), ..needs });
    Box::new(Sifted { sieve, many, needs, kind })
}

impl Kind for Sifted {
    fn needs(&self) -> Needs {
        self.needs.clone()
    }

    fn operator<'p>(&'p self, slice: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        let rows = vec![Vec::new(); self.many.len()];
        let inner = self.kind.operator(slice, people);
        Box::new(Sifting { of: self, picker: self.sieve.picker(), inner, rows })
    }

    fn finish(&self, found: Partial, people: &People) -> Finding {
        self.kind.finish(found, people)
    }
}

/// A wanted event: whose, when, in which run and which row.
#[derive(Clone, Copy)]
struct Row {
    party: u32,
    time: i64,
    run: usize,
    row: usize,
}

struct Sifting<'p> {
    of: &'p Sifted,
    picker: Picker<'p>,
    inner: Box<dyn Operator + 'p>,
    /// By selection.
    rows: Vec<Vec<Row>>,
}

impl Sifting<'_> {
    /// Picks a person's rows; `offset` says where the person begins in a run.
    fn pick(&mut self, party: PartyNo, timeline: &dyn Timeline, offset: impl Fn(usize) -> usize) {
        let rows = &mut self.rows;
        let starts: Vec<usize> = rows.iter().map(Vec::len).collect();
        self.picker.pick(timeline, |selection, run, row| {
            let time = timeline.times(run)[row];
            rows[selection].push(Row { party: party.0, time, run, row: offset(run) + row });
        });
        for ((rows, start), parts) in rows.iter_mut().zip(starts).zip(&self.of.sieve.parts) {
            if parts.len() > 1 {
                rows[start..].sort_by_key(|row| row.time);
            }
        }
    }

    fn gather<'a>(&self, source: &dyn Source<'a>) -> Vec<Gathered<'a>> {
        let of = self.of;
        let runs = self.rows.iter().zip(&of.sieve.parts).zip(&of.many);
        runs.map(|((rows, parts), many)| Gathered::new(rows, parts, many, source)).collect()
    }
}

/// Where columns and keys are taken from.
trait Source<'a> {
    fn column(&self, run: usize, column: usize) -> criteria::Column<'a>;
    fn key(&self, run: usize, row: usize) -> kernel::Key;
}

impl Operator for Sifting<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        self.rows.iter_mut().for_each(Vec::clear);
        self.pick(party, timeline, |_| 0);
        let gathered = self.gather(&gather::OfParty(timeline));
        self.inner.party(party, &gather::Runs(gathered));
    }

    fn block(&mut self, block: &Block<'_>) {
        self.rows.iter_mut().for_each(Vec::clear);
        let mut walk = block.parties();
        while let Some((party, timeline)) = walk.next_party() {
            self.pick(party, &timeline, |run| timeline.start(run));
        }
        let gathered = self.gather(&gather::OfBlock(block));
        self.inner.block(&Block { runs: gathered.iter().map(Gathered::rows).collect() });
    }

    fn finish(self: Box<Self>) -> Partial {
        self.inner.finish()
    }
}

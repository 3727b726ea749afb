//! A timeline in the columns the lake hands over: decimals at a scale, codes, bitmaps, offsets.
//!
//! Which encoding a column gets is drawn among those that can hold its values; columns begin in the
//! middle of longer ones, as those of one party do.

use kernel::{Instant, Key};

use super::dice::Dice;
use super::generate::INSTANT_PROPERTIES;
use super::world::World;
use criteria::column::{Bits, Column, Dictionary, Timeline, Values};
use criteria::path::Path;
use criteria::program::Program;
use criteria::value::Value;

/// Rows before the party's own.
const BEFORE: usize = 3;

/// A timeline in columns of many kinds.
pub struct Packed {
    runs: Vec<Run>,
}

struct Run {
    times: Vec<i64>,
    keys: Vec<Key>,
    columns: Vec<Cells>,
}

enum Cells {
    Absent,
    Number(Vec<i64>, u8, Vec<u8>),
    Decimal(Vec<i128>, u8, Vec<u8>),
    Text(Vec<u32>, Texts, Vec<u8>),
    Boolean(Vec<u8>, Vec<u8>),
    Instant(Vec<i64>, Vec<u8>),
    Mixed(Vec<Option<Value>>),
    Many(Vec<i32>, Box<Cells>),
}

struct Texts {
    id: u64,
    texts: Vec<Box<str>>,
}

impl Dictionary for Texts {
    fn id(&self) -> u64 {
        self.id
    }

    fn len(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.texts[code as usize]
    }
}

impl Cells {
    fn values(&self) -> Values<'_> {
        match self {
            Self::Absent | Self::Many(..) => Values::Absent,
            Self::Number(mantissas, scale, valid) => {
                Values::Number { mantissas, scale: *scale, valid: Some(at(valid)) }
            }
            Self::Decimal(mantissas, scale, valid) => {
                Values::Decimal { mantissas, scale: *scale, valid: Some(at(valid)) }
            }
            Self::Text(codes, dictionary, valid) => {
                Values::Text { codes, dictionary, valid: Some(at(valid)) }
            }
            Self::Boolean(values, valid) => Values::Boolean { values: at(values), valid: Some(at(valid)) },
            Self::Instant(micros, valid) => Values::Instant { micros, valid: Some(at(valid)) },
            Self::Mixed(values) => Values::Mixed(values),
        }
    }
}

impl Packed {
    /// Packs what a program needs of a party.
    pub fn new(world: &World, program: &Program, dice: &mut Dice) -> Self {
        let mut runs = Vec::new();
        for need in &program.needs().events {
            let is_wanted = |name: &str| *need.name == *"*" || *need.name == *name;
            let mut events: Vec<_> = world.events.iter().filter(|event| is_wanted(&event.name)).collect();
            events.sort_by_key(|event| (event.time, event.key));
            let columns = need.properties.iter().map(|path| {
                let cells = events.iter().map(|event| {
                    let mut values = Vec::new();
                    path.read_event(&event.properties, &event.context, |value| values.push(value));
                    values
                });
                pack(path, cells.collect(), dice)
            });
            let columns = columns.collect();
            let (times, keys) = events.iter().map(|event| (event.time, event.key)).unzip();
            runs.push(Run { times, keys, columns });
        }
        Self { runs }
    }
}

fn pack(path: &Path, mut cells: Vec<Vec<Value>>, dice: &mut Dice) -> Cells {
    if INSTANT_PROPERTIES.contains(&path.to_string().as_str()) {
        for value in cells.iter_mut().flatten() {
            if let Value::Text(text) = value
                && let Some(at) = Instant::parse(text)
            {
                *value = Value::Instant(at);
            }
        }
    }
    if path.is_many() {
        let (mut offsets, mut items) = (vec![0; BEFORE + 1], Vec::new());
        for values in cells {
            items.extend(values.into_iter().map(Some));
            // A missing element is as good as none.
            items.extend(dice.chance(10).then_some(None));
            offsets.push(items.len() as i32);
        }
        let items = if dice.chance(25) { Cells::Mixed(items) } else { typed(items, dice) };
        return Cells::Many(offsets, Box::new(items));
    }
    let padding = std::iter::repeat_n(None, BEFORE);
    let values: Vec<Option<Value>> =
        padding.chain(cells.into_iter().map(|cell| cell.into_iter().next())).collect();
    if dice.chance(25) { Cells::Mixed(values) } else { typed(values, dice) }
}

/// A column of one type, if the values have one.
fn typed(values: Vec<Option<Value>>, dice: &mut Dice) -> Cells {
    let valid = bits(values.iter().map(Option::is_some));
    let all = |is: fn(&Value) -> bool| values.iter().flatten().all(is);
    if values.iter().all(Option::is_none) {
        return Cells::Absent;
    }
    if all(|value| matches!(value, Value::Number(_))) {
        let scales = values.iter().flatten().map(|value| match value {
            Value::Number(number) => number.scale(),
            _ => 0,
        });
        let scale = scales.max().unwrap_or_default() + dice.roll(4) as u8;
        let digits = values.iter().map(|value| match value {
            Some(Value::Number(number)) => number.mantissa() * 10i128.pow(u32::from(scale - number.scale())),
            _ => 77,
        });
        let digits: Vec<i128> = digits.collect();
        return if dice.chance(30) {
            Cells::Decimal(digits, scale, valid)
        } else {
            Cells::Number(digits.iter().map(|digits| *digits as i64).collect(), scale, valid)
        };
    }
    if all(|value| matches!(value, Value::Text(_))) {
        let mut texts: Vec<Box<str>> = vec!["never".into()];
        let codes = values.iter().map(|value| {
            let Some(Value::Text(text)) = value else { return 0 };
            let known = texts.iter().position(|other| other == text);
            known.unwrap_or_else(|| {
                texts.push(text.clone());
                texts.len() - 1
            }) as u32
        });
        let codes = codes.collect();
        return Cells::Text(codes, Texts { id: dice.roll(usize::MAX) as u64, texts }, valid);
    }
    if all(|value| matches!(value, Value::Boolean(_))) {
        return Cells::Boolean(bits(values.iter().map(|value| *value == Some(Value::Boolean(true)))), valid);
    }
    if all(|value| matches!(value, Value::Instant(_))) {
        let micros = values.iter().map(|value| if let Some(Value::Instant(at)) = value { at.0 } else { 0 });
        return Cells::Instant(micros.collect(), valid);
    }
    Cells::Mixed(values)
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, value) in values.enumerate() {
        if at % 8 == 0 {
            bytes.push(0);
        }
        bytes[at / 8] |= u8::from(value) << (at % 8);
    }
    bytes
}

fn at(bytes: &[u8]) -> Bits<'_> {
    Bits { bytes, offset: 0 }
}

impl Timeline for Packed {
    fn times(&self, run: usize) -> &[i64] {
        &self.runs[run].times
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        let run = &self.runs[run];
        let whole = match &run.columns[column] {
            Cells::Many(offsets, items) => Column::many(offsets, items.values()),
            cells => Column::one(cells.values()),
        };
        whole.slice(BEFORE, run.times.len())
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.runs[run].keys[row]
    }
}

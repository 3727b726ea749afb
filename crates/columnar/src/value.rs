//! One stored value in plain words. The type written in the schema decides, not the look of the value.

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::data_type::Decimal;
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::Value as Json;

use super::Value;

const SECOND_NANOS: i128 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// What the schema says of a column beyond what the decoder already applies.
pub(super) struct Column {
    /// Nanoseconds of one stored tick, when the column is a timestamp.
    tick_nanos: Option<i128>,
    /// Whether a timestamp is an instant (UTC) or the time on somebody's wall.
    is_utc: bool,
    is_uuid: bool,
}

impl Column {
    pub(super) fn of(field: &Type) -> Self {
        let logical = field.get_basic_info().logical_type_ref();
        let mut column = Self { tick_nanos: None, is_utc: true, is_uuid: false };
        match logical {
            Some(LogicalType::Timestamp(t)) if is_int64(field) => {
                column.is_utc = t.is_adjusted_to_u_t_c;
                column.tick_nanos = Some(match t.unit {
                    TimeUnit::MILLIS => 1_000_000,
                    TimeUnit::MICROS => 1_000,
                    TimeUnit::NANOS => 1,
                });
            }
            Some(LogicalType::Uuid) => column.is_uuid = true,
            _ => {}
        }
        column
    }

    pub(super) fn value(&self, field: Field) -> Value {
        match field {
            Field::Long(ticks) => match self.tick_nanos {
                Some(tick) => self.instant(i128::from(ticks) * tick),
                None => Value::Number(ticks.to_string()),
            },
            Field::TimestampMillis(ms) => self.instant(i128::from(ms) * 1_000_000),
            Field::TimestampMicros(us) => self.instant(i128::from(us) * 1_000),
            Field::Bytes(bytes) if self.is_uuid && bytes.len() == 16 => Value::Text(uuid(bytes.data())),
            other => plain(other),
        }
    }

    fn instant(&self, nanos: i128) -> Value {
        let mut text = date_time(nanos);
        if self.is_utc {
            text.push('Z');
        }
        Value::Instant(text)
    }
}

fn is_int64(field: &Type) -> bool {
    field.is_primitive() && field.get_physical_type() == Physical::INT64
}

fn plain(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(b) => Value::Bool(b),
        Field::Byte(n) => Value::Number(n.to_string()),
        Field::Short(n) => Value::Number(n.to_string()),
        Field::Int(n) => Value::Number(n.to_string()),
        Field::Long(n) => Value::Number(n.to_string()),
        Field::UByte(n) => Value::Number(n.to_string()),
        Field::UShort(n) => Value::Number(n.to_string()),
        Field::UInt(n) => Value::Number(n.to_string()),
        Field::ULong(n) => Value::Number(n.to_string()),
        Field::Float16(n) => float(f64::from(f32::from(n)), n.to_string()),
        Field::Float(n) => float(f64::from(n), n.to_string()),
        Field::Double(n) => float(n, n.to_string()),
        Field::Decimal(d) => decimal(&d),
        Field::Str(s) => Value::Text(s),
        Field::Bytes(b) => Value::Text(text_or_hex(b.data())),
        Field::Date(days) => Value::Instant(date(i64::from(days))),
        Field::TimeMillis(ms) => Value::Text(time_of_day(i64::from(ms) * 1_000)),
        Field::TimeMicros(us) => Value::Text(time_of_day(us)),
        Field::TimestampMillis(ms) => Value::Instant(date_time(i128::from(ms) * 1_000_000) + "Z"),
        Field::TimestampMicros(us) => Value::Instant(date_time(i128::from(us) * 1_000) + "Z"),
        nested => Value::Json(json(nested).to_string()),
    }
}

/// A missing number is often written as NaN; the other odd ones are kept as words.
fn float(number: f64, text: String) -> Value {
    match number {
        n if n.is_nan() => Value::Null,
        n if n.is_infinite() => Value::Text(text),
        _ => Value::Number(text),
    }
}

/// Unscaled big-endian two's complement, up to 38 digits; a wider one stays hexadecimal.
fn decimal(decimal: &Decimal) -> Value {
    let bytes = decimal.data();
    let scale = usize::try_from(decimal.scale()).unwrap_or(0);
    if bytes.is_empty() || bytes.len() > 16 || scale > 38 {
        return Value::Text(text_or_hex(bytes));
    }
    let fill = if bytes[0] & 0x80 != 0 { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    let unscaled = i128::from_be_bytes(wide);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Value::Number(format!("{sign}{whole}{point}{fraction}"))
}

/// Old writers do not mark their strings as text; bytes that are no text become hexadecimal.
fn text_or_hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => bytes.iter().map(|b| format!("{b:02x}")).collect(),
    }
}

fn uuid(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn date_time(nanos: i128) -> String {
    let seconds = i64::try_from(nanos.div_euclid(SECOND_NANOS)).unwrap_or(i64::MAX);
    let fraction = nanos.rem_euclid(SECOND_NANOS);
    let day = date(seconds.div_euclid(DAY_SECONDS));
    let of_day = seconds.rem_euclid(DAY_SECONDS);
    let mut text = format!("{day}T{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60);
    if fraction != 0 {
        let digits = format!("{fraction:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

fn time_of_day(micros: i64) -> String {
    let time = date_time(i128::from(micros.clamp(0, DAY_SECONDS * 1_000_000 - 1)) * 1_000);
    time["1970-01-01T".len()..].to_owned()
}

/// Days since 1970 as a calendar date (Howard Hinnant, `civil_from_days`).
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn json(field: Field) -> Json {
    match field {
        Field::Group(row) => {
            Json::Object(row.into_columns().into_iter().map(|(name, f)| (name, json(f))).collect())
        }
        Field::ListInternal(list) => Json::Array(list.elements().iter().cloned().map(json).collect()),
        Field::MapInternal(map) => {
            let entry = |(k, v): &(Field, Field)| (key(json(k.clone())), json(v.clone()));
            Json::Object(map.entries().iter().map(entry).collect())
        }
        other => match plain(other) {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(b),
            // A decimal that a double cannot hold stays text rather than change its value.
            Value::Number(n) => match serde_json::from_str::<Json>(&n).map(|j| (j.to_string(), j)) {
                Ok((text, number)) if text == n => number,
                _ => Json::String(n),
            },
            Value::Text(s) | Value::Instant(s) | Value::Json(s) => Json::String(s),
        },
    }
}

fn key(value: Json) -> String {
    match value {
        Json::String(s) => s,
        other => other.to_string(),
    }
}

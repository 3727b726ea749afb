//! Whether a rule document makes sense, and precisely where it does not.
//!
//! All faults are reported at once: the person who edits it should not have to try ten times.

use super::{
    BLOCKED_VALUES_MAX, DAYS_MAX, Document, Fault, Faults, KINDS_MAX, Kind, LANDLINE, Normaliser, Strength,
    VERSION,
};
use kernel::limits::NAME_BYTES_MAX;

impl Document {
    /// Whether the document makes sense.
    ///
    /// # Errors
    /// Every fault, with the path of its field.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Vec::new();
        if self.version != VERSION {
            faults.push(fault(
                "version",
                format!("`{}` is not a known version; this is {VERSION}", self.version),
            ));
        }
        self.check_kinds(&mut faults);
        self.check_mirrors(&mut faults);
        self.check_numbers(&mut faults);
        self.check_lists(&mut faults);
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn check_kinds(&self, faults: &mut Vec<Fault>) {
        if self.kinds.is_empty() || self.kinds.len() > KINDS_MAX {
            faults.push(fault("kinds", format!("{} kinds; between 1 and {KINDS_MAX}", self.kinds.len())));
        }
        let mut has_soft = false;
        for (i, kind) in self.kinds.iter().enumerate() {
            let at = |field: &str| format!("kinds[{i}].{field}");
            if let Some(message) = name_fault(&kind.name) {
                faults.push(fault(at("name"), message));
            }
            if let Some(first) = self.kinds[..i].iter().position(|k| k.name == kind.name) {
                faults.push(fault(at("name"), format!("`{}` is already kinds[{first}]", kind.name)));
            }
            if has_soft && kind.strength == Strength::Hard {
                faults.push(fault(
                    at("strength"),
                    format!("`{}` is hard but ranks after a soft kind", kind.name),
                ));
            }
            has_soft |= kind.strength == Strength::Soft;
            check_limit(kind, at, faults);
        }
        let needs_landline =
            self.kinds.iter().any(|k| k.normaliser == Normaliser::Mobile && k.name != LANDLINE);
        let has_landline = self.kinds.iter().any(|k| k.name == LANDLINE && k.strength == Strength::Soft);
        if needs_landline && !has_landline {
            let message = format!("a kind of mobile numbers needs the soft kind `{LANDLINE}` beside it");
            faults.push(fault("kinds", message));
        }
    }

    fn check_mirrors(&self, faults: &mut Vec<Fault>) {
        for (i, mirror) in self.mirrors.iter().enumerate() {
            let at = |field: &str| format!("mirrors[{i}].{field}");
            for (field, name) in [("from", &mirror.from), ("to", &mirror.to)] {
                if !self.kinds.iter().any(|k| k.name == *name) {
                    faults.push(fault(at(field), format!("`{name}` is not one of the kinds")));
                }
            }
            if self.mirrors[..i].iter().any(|m| m.from == mirror.from) {
                faults.push(fault(at("from"), format!("`{}` already mirrors another kind", mirror.from)));
            }
            if self.mirrors.iter().any(|m| m.from == mirror.to) {
                let message = format!("`{}` is itself a mirror; chains are not followed", mirror.to);
                faults.push(fault(at("to"), message));
            }
        }
    }

    fn check_numbers(&self, faults: &mut Vec<Fault>) {
        let mut positive = |field: &str, value: u32| {
            if value == 0 {
                faults.push(fault(field, "must be at least 1"));
            }
        };
        positive("unknown_limit", self.unknown_limit);
        positive("soft_limit.limit", self.soft_limit.limit);
        positive("soft_limit.window_days", self.soft_limit.window_days);
        positive("recycle_days", self.recycle_days);
        positive("neighbours_max", self.neighbours_max);
        for (field, days) in [
            ("soft_limit.window_days", self.soft_limit.window_days),
            ("backfill_days", self.backfill_days),
            ("recycle_days", self.recycle_days),
        ] {
            if days > DAYS_MAX {
                faults.push(fault(field, format!("`{days}` days; at most {DAYS_MAX}")));
            }
        }
    }

    fn check_lists(&self, faults: &mut Vec<Fault>) {
        if self.blocked_values.len() > BLOCKED_VALUES_MAX {
            let message = format!("{} values; at most {BLOCKED_VALUES_MAX}", self.blocked_values.len());
            faults.push(fault("blocked_values", message));
        }
        for (i, value) in self.blocked_values.iter().enumerate() {
            let body = value.strip_suffix('*').unwrap_or(value);
            if body.trim().is_empty() || body.contains('*') {
                let message = format!("`{value}` must be a value, or the start of one and a `*`");
                faults.push(fault(format!("blocked_values[{i}]"), message));
            }
        }
        for (i, guard) in self.guards.iter().enumerate() {
            if self.guards[..i].contains(guard) {
                faults.push(fault(format!("guards[{i}]"), "is listed twice"));
            }
        }
    }
}

fn check_limit(kind: &Kind, at: impl Fn(&str) -> String, faults: &mut Vec<Fault>) {
    if kind.limit == Some(0) && kind.strength == Strength::Hard {
        faults.push(fault(at("limit"), format!("`{}` is hard, so at least 1", kind.name)));
    }
    if kind.window_days.is_some() && kind.limit.is_none() {
        faults.push(fault(at("window_days"), "means nothing without a limit"));
    }
    if kind.window_days.is_some_and(|days| days == 0 || days > DAYS_MAX) {
        faults.push(fault(at("window_days"), format!("between 1 and {DAYS_MAX}")));
    }
    if kind.can_change_hands && kind.strength == Strength::Soft {
        faults
            .push(fault(at("can_change_hands"), "is for hard kinds; soft ones serve people in turn anyway"));
    }
}

fn name_fault(name: &str) -> Option<String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Some(format!("between 1 and {NAME_BYTES_MAX} bytes"));
    }
    if name == "*" || name.matches('*').count() > 1 {
        return Some(format!("`{name}`: one `*` with something beside it"));
    }
    name.contains(|c: char| c.is_whitespace() || c.is_control())
        .then(|| format!("`{name}` contains white space"))
}

fn fault(field: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault { field: field.into(), message: message.into() }
}

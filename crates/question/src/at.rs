//! A number of an answer by its place: the JSON pointer (RFC 6901) under which it stands when the answer is
//! written as JSON.

use crate::answer::{Count, Finding};

impl Finding {
    /// The number of people at a pointer such as `/funnel/steps/2/people`; `None` if there is none.
    pub fn at(&self, pointer: &str) -> Option<&Count> {
        let parts: Vec<&str> = pointer.strip_prefix('/')?.split('/').collect();
        match (self, parts.as_slice()) {
            (Self::Members(people), ["members"]) | (Self::Absence { people, .. }, ["absence", "people"]) => {
                Some(people)
            }
            (Self::Funnel { steps, .. }, ["funnel", "steps", step, "people"]) => {
                Some(&steps.get(place(step)?)?.people)
            }
            (Self::Funnel { by: Some(groups), .. }, ["funnel", "by", group, "steps", step, "people"]) => {
                Some(&groups.get(place(group)?)?.steps.get(place(step)?)?.people)
            }
            (Self::Retention(cohorts), ["retention", cohort, "size"]) => {
                Some(&cohorts.get(place(cohort)?)?.size)
            }
            (Self::Retention(cohorts), ["retention", cohort, "returned", period]) => {
                cohorts.get(place(cohort)?)?.returned.get(place(period)?)
            }
            (Self::Rfm(rfm), ["rfm", part, number, "people"]) => {
                let number = place(number)?;
                match *part {
                    "cells" => rfm.cells.get(number).map(|cell| &cell.people),
                    "segments" => rfm.segments.get(number).map(|segment| &segment.people),
                    "eight" => rfm.eight.get(number).map(|segment| &segment.people),
                    _ => None,
                }
            }
            (Self::Top(items), ["top", item, "periods", period, "people"]) => {
                Some(&items.get(place(item)?)?.periods.get(place(period)?)?.people)
            }
            (Self::Overlap { sizes, .. }, ["overlap", "sizes", group]) => sizes.get(place(group)?),
            (Self::Overlap { parts, .. }, ["overlap", "parts", part, "people"]) => {
                Some(&parts.get(place(part)?)?.people)
            }
            (Self::Profile { group, .. }, ["profile", "group"]) => Some(group),
            (Self::Profile { base, .. }, ["profile", "base"]) => Some(base),
            (Self::Profile { traits, .. }, ["profile", "traits", name, "values", value, part]) => {
                let value = traits.get(place(name)?)?.values.get(place(value)?)?;
                match *part {
                    "group" => Some(&value.group),
                    "base" => Some(&value.base),
                    _ => None,
                }
            }
            (Self::Trend(points), ["trend", point, "people"]) => Some(&points.get(place(point)?)?.people),
            _ => None,
        }
    }
}

/// The place in a list.
fn place(part: &str) -> Option<usize> {
    part.parse().ok()
}

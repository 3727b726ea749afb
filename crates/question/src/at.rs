//! A number of an answer by its place: the JSON pointer (RFC 6901) under which it stands when the answer is
//! written as JSON.

use crate::answer::{Closure, Count, DataFunnelStep, Fate, Finding, Paths, Sessions, Visits};

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
            (Self::Rfm(rfm), ["rfm", "buyers"]) => Some(&rfm.buyers),
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
            (Self::Trend(points), ["trend", point, "people"]) => Some(&points.get(place(point)?)?.people),
            (Self::Sessions(found), ["sessions", parts @ ..]) => found.at(parts),
            (Self::Paths(found), ["paths", parts @ ..]) => found.at(parts),
            _ => self.at_groups(&parts),
        }
    }

    /// The same in answers about groups of people.
    fn at_groups(&self, parts: &[&str]) -> Option<&Count> {
        match (self, parts) {
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
            (Self::Closure(found), ["closure", parts @ ..]) => found.at(parts),
            (Self::DataFunnel(found), ["data_funnel", "steps", step, part]) => {
                found.steps.get(place(step)?)?.at(part)
            }
            (Self::DataFunnel(found), ["data_funnel", "by", group, "steps", step, part]) => {
                found.by.as_ref()?.get(place(group)?)?.steps.get(place(step)?)?.at(part)
            }
            (Self::Breakdown(found), ["breakdown", "people"]) => Some(&found.people),
            (Self::Breakdown(found), ["breakdown", "rest", "people"]) => Some(&found.rest.as_ref()?.people),
            (Self::Breakdown(found), ["breakdown", "rows", row, "people"]) => {
                Some(&found.rows.get(place(row)?)?.people)
            }
            _ => None,
        }
    }
}

/// The place in a list.
fn place(part: &str) -> Option<usize> {
    part.parse().ok()
}

impl Closure {
    fn at(&self, parts: &[&str]) -> Option<&Count> {
        match parts {
            ["closed", part] => self.closed.at(part),
            ["like", part] => self.like.as_ref()?.at(part),
            ["stores", store, "people"] => Some(&self.stores.get(place(store)?)?.people),
            ["by", group, part] => self.by.as_ref()?.get(place(group)?)?.fate.at(part),
            _ => None,
        }
    }
}

impl Fate {
    fn at(&self, part: &str) -> Option<&Count> {
        match part {
            "people" => Some(&self.people),
            "store" => Some(&self.store),
            "online" => Some(&self.online),
            "none" => Some(&self.none),
            _ => None,
        }
    }
}

impl DataFunnelStep {
    fn at(&self, part: &str) -> Option<&Count> {
        match part {
            "people" => Some(&self.people),
            "lost" => self.lost.as_ref(),
            _ => None,
        }
    }
}

impl Sessions {
    fn at(&self, parts: &[&str]) -> Option<&Count> {
        match parts {
            ["all", part] => self.all.at(part),
            ["periods", period, part] => self.periods.as_ref()?.get(place(period)?)?.visits.at(part),
            ["by", group, part] => self.by.as_ref()?.get(place(group)?)?.visits.at(part),
            ["landing", page, "people"] => Some(&self.landing.get(place(page)?)?.people),
            ["exit", page, "people"] => Some(&self.exit.get(place(page)?)?.people),
            _ => None,
        }
    }
}

impl Visits {
    fn at(&self, part: &str) -> Option<&Count> {
        match part {
            "people" => Some(&self.people),
            "buyers" => Some(&self.buyers),
            _ => None,
        }
    }
}

impl Paths {
    fn at(&self, parts: &[&str]) -> Option<&Count> {
        match parts {
            ["people"] => Some(&self.people),
            ["links", link, "people"] => Some(&self.links.get(place(link)?)?.people),
            ["steps", step, "other"] => Some(&self.steps.get(place(step)?)?.other),
            ["steps", step, "ended"] => Some(&self.steps.get(place(step)?)?.ended),
            ["steps", step, "nodes", node, "people"] => {
                Some(&self.steps.get(place(step)?)?.nodes.get(place(node)?)?.people)
            }
            _ => None,
        }
    }
}

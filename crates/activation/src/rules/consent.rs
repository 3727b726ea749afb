//! Whether something of a person may leave, by what the person said.
//!
//! For each contact point and channel the latest statement counts; across them the most restrictive. One
//! that names no contact point or no channel is about all of them. Nothing said is not a yes.

use std::collections::BTreeSet;

use criteria::rule::Consent;
use kernel::{Instant, Key};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Giving data to others.
pub const THIRD_PARTY_SHARE: &str = "third_party_share";
/// Advertising to the person.
pub const MARKETING: &str = "marketing";
/// Serving the person as agreed.
pub const SERVICE: &str = "service";

/// One thing a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The contact point it is about; empty for all.
    pub contact: String,
    /// The channel it is about; empty for all.
    pub channel: String,
    /// The purpose it is about.
    pub purpose: String,
    /// What was said.
    pub status: Consent,
    /// When.
    pub at: Instant,
    /// Breaks ties of time.
    pub key: Key,
    /// From when on it counts no more.
    pub expires: Option<Instant>,
}

/// Who handles what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Processor {
    /// Somebody else: the person must have allowed `third_party_share`.
    #[default]
    ThirdParty,
    /// Somebody else who advertises: `third_party_share` and `marketing`.
    Advertising,
    /// Ourselves, to serve the person as agreed: unless the person refused `service`.
    Internal,
}

/// What a person said about a purpose, on a channel or on any.
pub fn status(statements: &[Statement], purpose: &str, channel: Option<&str>, now: Instant) -> Consent {
    let is_about = |s: &&Statement| {
        s.purpose == purpose && channel.is_none_or(|channel| s.channel == channel || s.channel.is_empty())
    };
    let about: Vec<&Statement> = statements.iter().filter(is_about).filter(|s| s.at <= now).collect();
    let groups: BTreeSet<(&str, &str)> =
        about.iter().map(|s| (s.contact.as_str(), channel.unwrap_or(&s.channel))).collect();
    let said = groups.into_iter().map(|(contact, channel)| {
        let mut here = about.iter().filter(|s| {
            (s.contact == contact || s.contact.is_empty()) && (s.channel == channel || s.channel.is_empty())
        });
        let mut latest = here.next();
        for statement in here {
            latest = latest.filter(|l| (l.at, l.key) > (statement.at, statement.key)).or(Some(statement));
        }
        let valid = latest.filter(|s| s.expires.is_none_or(|expires| now < expires));
        valid.map_or(Consent::Unknown, |s| s.status)
    });
    said.min_by_key(|status| severity(*status)).unwrap_or(Consent::Unknown)
}

fn severity(status: Consent) -> u8 {
    match status {
        Consent::Withdrawn => 0,
        Consent::Denied => 1,
        Consent::Unknown => 2,
        Consent::Granted => 3,
    }
}

/// Whether something may be sent to such a processor now; otherwise the reason, such as
/// `consent.third_party_share.unknown`.
///
/// # Errors
/// The reason.
pub fn allows(
    processor: Processor,
    channel: Option<&str>,
    statements: &[Statement],
    now: Instant,
) -> Result<(), String> {
    let purposes: &[&str] = match processor {
        Processor::ThirdParty => &[THIRD_PARTY_SHARE],
        Processor::Advertising => &[THIRD_PARTY_SHARE, MARKETING],
        Processor::Internal => &[SERVICE],
    };
    for purpose in purposes {
        let said = status(statements, purpose, channel, now);
        // Serving as agreed has the agreement as its basis: silence is no refusal there.
        let is_basis = processor == Processor::Internal && said == Consent::Unknown;
        if said != Consent::Granted && !is_basis {
            return Err(format!("consent.{purpose}.{}", name(said)));
        }
    }
    Ok(())
}

fn name(status: Consent) -> &'static str {
    match status {
        Consent::Granted => "granted",
        Consent::Denied => "denied",
        Consent::Withdrawn => "withdrawn",
        Consent::Unknown => "unknown",
    }
}

/// The status of this name; anything else was not said clearly and counts as unknown.
pub fn status_named(text: &str) -> Consent {
    let all = [Consent::Granted, Consent::Denied, Consent::Withdrawn];
    all.into_iter().find(|status| name(*status) == text).unwrap_or(Consent::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(contact: &str, channel: &str, purpose: &str, status: &str, at: i64) -> Statement {
        Statement {
            contact: contact.to_owned(),
            channel: channel.to_owned(),
            purpose: purpose.to_owned(),
            status: status_named(status),
            at: Instant(at),
            key: Key([at as u8; 16]),
            expires: None,
        }
    }

    const NOW: Instant = Instant(100);

    fn shared(statements: &[Statement]) -> Consent {
        status(statements, THIRD_PARTY_SHARE, None, NOW)
    }

    #[test]
    fn nothing_said_is_not_a_yes() {
        assert_eq!(shared(&[]), Consent::Unknown);
        assert_eq!(shared(&[said("", "", MARKETING, "granted", 1)]), Consent::Unknown);
        assert_eq!(shared(&[said("", "", THIRD_PARTY_SHARE, "maybe", 1)]), Consent::Unknown);
        assert_eq!(
            shared(&[said("", "", THIRD_PARTY_SHARE, "granted", 101)]),
            Consent::Unknown,
            "said later"
        );
    }

    #[test]
    fn the_latest_statement_on_a_contact_point_counts_whatever_order_they_come_in() {
        let yes = said("a@x", "", THIRD_PARTY_SHARE, "granted", 1);
        let no = said("a@x", "", THIRD_PARTY_SHARE, "withdrawn", 2);
        assert_eq!(shared(&[yes.clone(), no.clone()]), Consent::Withdrawn);
        assert_eq!(shared(&[no.clone(), yes.clone()]), Consent::Withdrawn);
        assert_eq!(shared(&[no, said("a@x", "", THIRD_PARTY_SHARE, "granted", 3)]), Consent::Granted);
    }

    #[test]
    fn across_contact_points_and_channels_the_most_restrictive_counts() {
        let granted = said("a@x", "", THIRD_PARTY_SHARE, "granted", 9);
        let denied = said("199", "", THIRD_PARTY_SHARE, "denied", 1);
        assert_eq!(shared(&[granted.clone(), denied]), Consent::Denied);
        assert_eq!(
            shared(&[granted.clone(), said("a@x", "sms", THIRD_PARTY_SHARE, "denied", 10)]),
            Consent::Denied
        );
        // A later word about everything replaces what was said of a part.
        let all = said("", "", THIRD_PARTY_SHARE, "granted", 11);
        assert_eq!(shared(&[said("199", "sms", THIRD_PARTY_SHARE, "denied", 1), all]), Consent::Granted);
        let other = [granted, said("", "sms", THIRD_PARTY_SHARE, "denied", 10)];
        assert_eq!(status(&other, THIRD_PARTY_SHARE, Some("email"), NOW), Consent::Granted);
        assert_eq!(status(&other, THIRD_PARTY_SHARE, Some("sms"), NOW), Consent::Denied);
    }

    #[test]
    fn what_has_expired_is_as_if_nothing_were_said() {
        let mut yes = said("", "", THIRD_PARTY_SHARE, "granted", 1);
        yes.expires = Some(NOW);
        assert_eq!(shared(&[yes.clone()]), Consent::Unknown);
        yes.expires = Some(NOW.plus(1));
        assert_eq!(shared(&[yes]), Consent::Granted);
    }

    #[test]
    fn each_kind_of_processor_needs_what_its_purposes_need() {
        let share = said("", "", THIRD_PARTY_SHARE, "granted", 1);
        let both = [share.clone(), said("", "", MARKETING, "granted", 1)];
        let check = |processor, statements: &[Statement]| allows(processor, None, statements, NOW);
        assert_eq!(check(Processor::ThirdParty, &[]), Err("consent.third_party_share.unknown".to_owned()));
        assert_eq!(check(Processor::ThirdParty, &[share.clone()]), Ok(()));
        assert_eq!(check(Processor::Advertising, &[share]), Err("consent.marketing.unknown".to_owned()));
        assert_eq!(check(Processor::Advertising, &both), Ok(()));
        assert_eq!(check(Processor::Internal, &[]), Ok(()));
        let refused = [said("", "", SERVICE, "withdrawn", 1)];
        assert_eq!(check(Processor::Internal, &refused), Err("consent.service.withdrawn".to_owned()));
    }
}

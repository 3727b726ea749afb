//! How many of everything. The numbers of `Small` are the demo world's table; `Tiny` is a fiftieth.

use crate::people::Source;

/// The size of a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// 20,000 persons, about 1.1 million messages.
    Small,
    /// A fiftieth of `Small`, rounded up, for tests.
    Tiny,
}

/// Source profiles of one source: first profiles of a person, and further ones.
pub(crate) struct SourceQuota {
    pub(crate) source: Source,
    /// Persons who have this profile before any other; these add up to all persons.
    pub(crate) first: usize,
    /// Persons who have it besides another.
    pub(crate) further: usize,
}

/// Exact counts of one world.
pub(crate) struct Quotas {
    pub(crate) persons: usize,
    pub(crate) sources: [SourceQuota; 5],
    /// Profiles of persons with several that share no identifier with the others.
    pub(crate) detached: usize,
    pub(crate) families: usize,
    pub(crate) families_one_surname: usize,
    pub(crate) kiosks: usize,
    pub(crate) kiosk_pairs: usize,
    /// Persons seen on each kiosk; always more than the five a device may be shared by.
    pub(crate) kiosk_visitors: usize,
    pub(crate) recycled: usize,
    pub(crate) namesakes: usize,
    /// Orders with 1, 2, … 6 lines.
    pub(crate) orders_by_lines: [usize; 6],
    pub(crate) orders_store: usize,
    pub(crate) refunds: usize,
    /// Behaviour events, those of sessions, logins and kiosks included.
    pub(crate) behaviour: usize,
    pub(crate) sessions: usize,
    pub(crate) sessions_shared: usize,
    pub(crate) bad_phones: usize,
    pub(crate) future: usize,
    pub(crate) duplicates: usize,
    pub(crate) late: usize,
    pub(crate) renamed: usize,
    /// Mobiles that are in both workspaces.
    pub(crate) merchants: usize,
}

impl Quotas {
    pub(crate) fn of(profile: Profile) -> Self {
        let divisor = match profile {
            Profile::Small => 1,
            Profile::Tiny => 50,
        };
        let n = |small: usize| small.div_ceil(divisor);
        let source = |source, first, further| SourceQuota { source, first: n(first), further: n(further) };
        Self {
            persons: n(20_000),
            sources: [
                source(Source::Pos, 7_000, 5_000),
                source(Source::MiniProgram, 6_300, 4_700),
                source(Source::App, 3_300, 2_700),
                source(Source::Web, 2_800, 2_200),
                source(Source::CallCentre, 600, 400),
            ],
            detached: n(300),
            families: n(150),
            families_one_surname: n(120),
            kiosks: n(4),
            kiosk_pairs: n(60),
            kiosk_visitors: n(60).max(8),
            recycled: n(40),
            namesakes: n(25),
            orders_by_lines: [30_000, 40_000, 35_000, 25_000, 15_000, 5_000].map(n),
            orders_store: n(90_000),
            refunds: n(6_200),
            behaviour: n(900_000),
            sessions: n(3_000),
            sessions_shared: n(200),
            bad_phones: n(700),
            future: n(175),
            duplicates: n(9_000),
            late: n(27_000),
            renamed: n(200),
            merchants: n(500),
        }
    }
}

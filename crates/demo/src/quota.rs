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
    pub(crate) lives: LifeQuotas,
    pub(crate) others: OtherQuotas,
}

/// How many persons of the first workspace live how. They and the regular ones add up to all persons.
pub(crate) struct LifeQuotas {
    /// Without purchase or clear demand, the young among them.
    pub(crate) new: usize,
    /// Registered of late.
    pub(crate) young: usize,
    pub(crate) first_order: usize,
    pub(crate) idle: usize,
    /// Those bound just now among them.
    pub(crate) members: usize,
    pub(crate) just_bound: usize,
    pub(crate) supers: usize,
    /// Silent for longer than their rhythm lets expect, those lost among them.
    pub(crate) churners: usize,
    /// Woken up in vain, those whose third attempt failed just now among them.
    pub(crate) churned: usize,
    pub(crate) just_lost: usize,
    pub(crate) won_back: usize,
    pub(crate) seasonal: usize,
    /// Customers of the closed store and online who go to another store, stay online, or leave.
    pub(crate) closure: [usize; 3],
    /// Those of the store it is compared with who stay and who leave.
    pub(crate) control: [usize; 2],
    /// Persons and orders of the last 90 days by way of payment: Alipay, `WeChat`, card.
    pub(crate) payers: [(usize, usize); 3],
    /// Seen in a store: bought online within a week; later; or in a store as well.
    pub(crate) showroom: [usize; 3],
}

/// Marks on persons, and what is in the other workspaces.
pub(crate) struct OtherQuotas {
    pub(crate) latent: usize,
    pub(crate) latent_seeds: usize,
    /// Addresses, phones and preferences past their limit, and such that are fresh.
    pub(crate) stale: [usize; 3],
    pub(crate) fresh: [usize; 3],
    pub(crate) subscribers: usize,
    /// Customers of the bank by age, and how many of them prefer what their age does.
    pub(crate) bank: [(usize, usize); 3],
    pub(crate) outlets: usize,
    /// Not scaled: the workspace is small in every world.
    pub(crate) cars: usize,
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
            lives: LifeQuotas::scaled(n),
            others: OtherQuotas::scaled(n),
        }
    }
}

impl LifeQuotas {
    fn scaled(n: impl Fn(usize) -> usize) -> Self {
        let pair = |(persons, orders)| (n(persons), n(orders));
        Self {
            new: n(4_500),
            young: n(1_000),
            first_order: n(100),
            idle: n(400),
            members: n(7_200),
            just_bound: n(60),
            supers: n(800),
            churners: n(1_200),
            churned: n(500),
            just_lost: n(20),
            won_back: n(40),
            seasonal: n(800),
            closure: [270, 240, 90].map(&n),
            control: [570, 30].map(&n),
            payers: [(1_400, 2_520), (600, 11_700), (400, 800)].map(pair),
            showroom: [80, 40, 30].map(&n),
        }
    }
}

impl OtherQuotas {
    fn scaled(n: impl Fn(usize) -> usize) -> Self {
        Self {
            latent: n(1_200),
            latent_seeds: n(200),
            stale: [500, 600, 300].map(&n),
            fresh: [1_500, 1_800, 900].map(&n),
            subscribers: n(10_000),
            bank: [(700, 630), (1_300, 1_170), (1_000, 900)].map(|(all, typical)| (n(all), n(typical))),
            outlets: n(1_000),
            cars: 200,
        }
    }
}

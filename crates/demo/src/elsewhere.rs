//! The other workspaces: outlets of the beverage maker that are one peer group, customers of a bank who prefer
//! a channel, and a car dealer with few customers.

use crate::calendar::{AS_OF, DAY, LATEST};
use crate::draw::{Draw, Part, log_normal};
use crate::names::{Address, Name};
use crate::quota::Quotas;
use crate::schedule::{Schedule, What};

/// What is known of an outlet, in steps that rise with its rank: contribution, then potential.
pub(crate) const CONTRIBUTION: [&str; 8] = [
    "net_sales_12m",
    "gross_margin_12m",
    "order_regularity",
    "category_breadth",
    "growth_yoy",
    "payment_discipline",
    "promotion_execution",
    "data_contribution",
];
pub(crate) const POTENTIAL: [&str; 7] = [
    "headroom",
    "location_traffic",
    "segment_trend",
    "relationship",
    "sales_slope_3m",
    "wallet_gap",
    "verification",
];
/// Channels of the bank. Each age prefers one: from 60, from 35, from 18.
pub(crate) const CHANNELS: [&str; 3] = ["branch", "phone", "app"];
/// First and last year of birth of each.
const BORN: [(u32, u32); 3] = [(1_936, 1_966), (1_967, 1_991), (1_992, 2_008)];
/// Transactions of a customer, and how many of them are in the preferred channel.
const TRANSACTIONS: u32 = 12;
const TRANSACTIONS_PREFERRED: u32 = 10;
/// Orders that keep the dealer's customers from being too alike.
const CARS_ORDERS_MAX: u32 = 3;

/// An outlet: its places among its peers, from 0.
pub(crate) struct Outlet {
    pub(crate) name: Name,
    pub(crate) address: Address,
    pub(crate) contribution: u32,
    pub(crate) potential: u32,
}

/// A customer of the bank or the dealer.
pub(crate) struct Customer {
    pub(crate) name: Name,
    pub(crate) is_female: bool,
    pub(crate) address: Address,
    pub(crate) birth_year: u16,
    /// An index into [`CHANNELS`].
    pub(crate) prefers: u8,
}

/// Something that happens in another workspace.
#[derive(Clone, Copy)]
pub(crate) enum Happening {
    Outlet(u32),
    BankCustomer(u32),
    Transaction { customer: u32, channel: u8, fen: i64 },
    CarCustomer(u32),
    CarOrder { customer: u32, fen: i64 },
}

/// What there is elsewhere.
pub(crate) struct Elsewhere {
    pub(crate) outlets: Vec<Outlet>,
    /// For each measure, the outlets' values by place, ascending.
    pub(crate) measures: Vec<Vec<i64>>,
    pub(crate) bank: Vec<Customer>,
    pub(crate) cars: Vec<Customer>,
    pub(crate) happenings: Vec<Happening>,
}

impl Elsewhere {
    /// Draws and schedules it.
    pub(crate) fn draw(quotas: &Quotas, seed: u64, schedule: &mut Schedule) -> Self {
        let mut elsewhere = Self {
            outlets: Vec::new(),
            measures: Vec::new(),
            bank: Vec::new(),
            cars: Vec::new(),
            happenings: Vec::new(),
        };
        elsewhere.draw_outlets(quotas.others.outlets, seed, schedule);
        elsewhere.draw_bank(quotas.others.bank, seed, schedule);
        elsewhere.draw_cars(quotas.others.cars, seed, schedule);
        elsewhere
    }

    fn happens(&mut self, at: u32, happening: Happening, schedule: &mut Schedule) {
        schedule.add(at, What::Elsewhere(self.happenings.len() as u32));
        self.happenings.push(happening);
    }

    /// Within an axis all measures rank the outlets alike, so that the place is the same under any weights.
    fn draw_outlets(&mut self, count: usize, seed: u64, schedule: &mut Schedule) {
        let mut draw = Draw::new(seed, Part::Outlets);
        let (contribution, potential) = (draw.order(count), draw.order(count));
        for (contribution, potential) in contribution.into_iter().zip(potential) {
            let (name, address) = (Name::draw(&mut draw), Address::draw(&mut draw));
            let at = draw.waking_second(AS_OF - 60 * DAY, LATEST);
            self.happens(at, Happening::Outlet(self.outlets.len() as u32), schedule);
            self.outlets.push(Outlet { name, address, contribution, potential });
        }
        for _ in 0..CONTRIBUTION.len() + POTENTIAL.len() {
            let mut value = i64::from(draw.below(5_000));
            let rising = (0..count).map(|_| {
                value += 1 + i64::from(draw.below(900));
                value
            });
            self.measures.push(rising.collect());
        }
    }

    fn draw_bank(&mut self, quotas: [(usize, usize); 3], seed: u64, schedule: &mut Schedule) {
        let mut draw = Draw::new(seed, Part::Bank);
        let mut customers = Vec::new();
        for (age, (all, typical)) in (0u8..).zip(quotas) {
            for turn in 0..all {
                let other = (age + 1 + (turn % 2) as u8) % CHANNELS.len() as u8;
                let prefers = if turn < typical { age } else { other };
                let (from, until) = BORN[usize::from(age)];
                customers.push(Customer {
                    birth_year: draw.between(from, until) as u16,
                    prefers,
                    ..draw_customer(&mut draw)
                });
            }
        }
        draw.shuffle(&mut customers);
        for (no, customer) in (0u32..).zip(customers) {
            let known = draw.waking_second(0, 300 * DAY);
            self.happens(known, Happening::BankCustomer(no), schedule);
            // One in each month of the last year, the preferred channel in most of them.
            for (month, turn) in (0..TRANSACTIONS).zip(draw.order(TRANSACTIONS as usize)) {
                let is_preferred = turn < TRANSACTIONS_PREFERRED;
                let other = (customer.prefers + 1 + draw.below(2) as u8) % CHANNELS.len() as u8;
                let channel = if is_preferred { customer.prefers } else { other };
                let day = AS_OF - (month * 30 + draw.between(1, 29)) * DAY;
                let fen = (80_000.0 * log_normal(&mut draw, 1.1)) as i64;
                let at = draw.waking_second(day - DAY / 2, day);
                self.happens(at, Happening::Transaction { customer: no, channel, fen }, schedule);
            }
            self.bank.push(customer);
        }
    }

    fn draw_cars(&mut self, count: usize, seed: u64, schedule: &mut Schedule) {
        let mut draw = Draw::new(seed, Part::Cars);
        for no in 0..count as u32 {
            let known = draw.waking_second(0, 500 * DAY);
            self.happens(known, Happening::CarCustomer(no), schedule);
            for _ in 0..draw.below(CARS_ORDERS_MAX + 1) {
                let fen = (150_000.0 * log_normal(&mut draw, 0.8)) as i64;
                let at = draw.waking_second(known, LATEST);
                self.happens(at, Happening::CarOrder { customer: no, fen }, schedule);
            }
            let customer = draw_customer(&mut draw);
            self.cars.push(customer);
        }
    }
}

fn draw_customer(draw: &mut Draw) -> Customer {
    Customer {
        name: Name::draw(draw),
        is_female: draw.below(2) == 0,
        address: Address::draw(draw),
        birth_year: (1_960 + draw.below(45)) as u16,
        prefers: 0,
    }
}

//! Three ways of paying, each with customers, amounts and goods of its own, over the last 90 days.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY, LATEST};
use crate::draw::{Draw, Part};
use crate::lives::{Life, Method, Ways};
use crate::orders::{Goods, Order, Planned};
use crate::people::People;
use crate::quota::Quotas;

/// Who pays in this way, and for what.
struct Habit {
    method: Method,
    /// The mean.
    born: u32,
    /// In fen: the median, and how far amounts lie from it at most.
    ticket: u32,
    spread: u32,
    categories: [u8; 2],
    /// Whether they joined within the last half year.
    is_recent: bool,
}

/// Clothes and appliances, food and things of every day, things for the home.
const HABITS: [Habit; 3] = [
    Habit {
        method: Method::Alipay,
        born: 1_998,
        ticket: 68_000,
        spread: 30_000,
        categories: [4, 6],
        is_recent: false,
    },
    Habit {
        method: Method::Wechat,
        born: 2_003,
        ticket: 3_800,
        spread: 2_600,
        categories: [0, 2],
        is_recent: true,
    },
    Habit {
        method: Method::Card,
        born: 1_986,
        ticket: 16_000,
        spread: 9_000,
        categories: [5, 5],
        is_recent: false,
    },
];

/// Plans their orders. Ages and amounts come in pairs about their mean, so that both are exact.
pub(crate) fn plan(people: &mut People, ways: &[Ways], quotas: &Quotas, seed: u64, planned: &mut Planned) {
    let mut draw = Draw::new(seed, Part::Payments);
    for (habit, (_, orders)) in HABITS.iter().zip(quotas.lives.payers) {
        let is_one = |person: &u32| people.persons[*person as usize].life == Life::Payer(habit.method);
        let mut payers: Vec<u32> = (0..people.persons.len() as u32).filter(is_one).collect();
        draw.shuffle(&mut payers);
        for pair in payers.chunks(2) {
            let apart = if pair.len() == 2 { draw.below(5) } else { 0 };
            for (person, born) in pair.iter().zip([habit.born - apart, habit.born + apart]) {
                people.persons[*person as usize].birth_year = born as u16;
            }
        }
        let mut tickets = draw_tickets(habit, orders, &mut draw).into_iter();
        let (each, further) = (orders / payers.len(), orders % payers.len());
        for (turn, no) in payers.into_iter().enumerate() {
            let person = &mut people.persons[no as usize];
            let Some(record) = ways[no as usize].buys() else { continue };
            if habit.is_recent {
                person.from = AS_OF - draw.between(120, 175) * DAY;
            }
            person.known_by = Some(BEHAVIOUR_FROM - DAY);
            for (order, ticket) in tickets.by_ref().take(each + usize::from(turn < further)).enumerate() {
                // Nobody's first order is within the last fortnight.
                let until = if order == 0 { AS_OF - 16 * DAY } else { LATEST };
                let at = draw.waking_second(BEHAVIOUR_FROM + 3_600, until);
                let goods = Goods::Ticket(habit.categories, ticket);
                planned.add(Order { goods, payment: Some(habit.method), ..Order::usual(record, at) });
            }
        }
    }
}

fn draw_tickets(habit: &Habit, orders: usize, draw: &mut Draw) -> Vec<u32> {
    let mut tickets = vec![habit.ticket; orders % 2];
    // The two in the middle are the median, whatever the others are.
    while tickets.len() < orders {
        let apart = if tickets.len() < 2 { 0 } else { draw.below(habit.spread) };
        tickets.extend([habit.ticket - apart, habit.ticket + apart]);
    }
    draw.shuffle(&mut tickets);
    tickets
}

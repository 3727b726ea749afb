//! Orders: net of refunds, without what was cancelled, tried out or given back whole.

use std::collections::{BTreeMap, BTreeSet};

use criteria::Zone;
use criteria::value::Value;
use scoring::facts::{Line, Order};
use scoring::{Day, Money};

use super::{Row, day, money, number, text};

/// Orders as they come together.
#[derive(Default)]
pub(super) struct Orders {
    /// By number, or by place where an order has none. An order told twice counts as it was told last.
    orders: BTreeMap<String, Order>,
    refunds: BTreeMap<String, Money>,
    cancelled: BTreeSet<String>,
}

impl Orders {
    pub(super) fn add(&mut self, row: &Row<'_>, zone: &Zone) {
        if row.is_true("is_test") {
            return;
        }
        let shipping = row.money("shipping").unwrap_or(Money::ZERO);
        let paid = row.money("total").map(|total| total.minus(shipping));
        let before_tax = || Some(row.money("revenue")?.plus(row.money("tax").unwrap_or(Money::ZERO)));
        let net = paid.or_else(before_tax).unwrap_or(Money::ZERO);
        let discount = row.money("discount").unwrap_or(Money::ZERO);
        let order = Order {
            at: row.at,
            day: day(zone, row.at),
            net,
            list: Some(net.plus(discount)),
            discount,
            channel: row.text("channel"),
            payment_method: row.text("payment_method"),
            lines: lines(row),
        };
        // A number cannot begin with a line break, so the two kinds of names do not meet.
        let name = row.text("order_id").unwrap_or_else(|| format!("\n{}", self.orders.len()));
        self.orders.insert(name, order);
    }

    pub(super) fn refund(&mut self, row: &Row<'_>) {
        let amount = ["total", "revenue", "value"].iter().find_map(|name| row.money(name));
        if let (Some(id), Some(amount)) = (row.text("order_id"), amount) {
            let refunded = self.refunds.entry(id).or_default();
            *refunded = refunded.plus(Money(amount.0.saturating_abs()));
        }
    }

    pub(super) fn cancel(&mut self, row: &Row<'_>) {
        self.cancelled.extend(row.text("order_id"));
    }

    /// The orders that count, and the days of those that were given back whole; both ascending.
    pub(super) fn finish(self) -> (Vec<Order>, Vec<Day>) {
        let Self { orders, refunds, cancelled } = self;
        let mut left: Vec<(String, Order)> =
            orders.into_iter().filter(|(id, _)| !cancelled.contains(id)).collect();
        for (id, order) in &mut left {
            if let Some(refunded) = refunds.get(id) {
                order.net = order.net.minus(*refunded);
            }
        }
        left.sort_by(|(a, first), (b, second)| first.at.cmp(&second.at).then(a.cmp(b)));
        let is_kept = |id: &String, order: &Order| order.net > Money::ZERO || !refunds.contains_key(id);
        let (kept, returned): (Vec<_>, Vec<_>) = left.into_iter().partition(|(id, order)| is_kept(id, order));
        let days = returned.into_iter().map(|(_, order)| order.day);
        (kept.into_iter().map(|(_, order)| order).collect(), days.collect())
    }
}

/// The lines of an order. A property some products lack cannot be told apart by product and is missing.
fn lines(row: &Row<'_>) -> Vec<Line> {
    let columns = ["products[].sku", "products[].category", "products[].quantity", "products[].price"];
    let [skus, categories, quantities, prices] = columns.map(|name| row.all(name));
    let count = [skus, categories, quantities, prices].iter().map(|values| values.len()).max().unwrap_or(0);
    let at = |values: &[Value], place: usize| values.get(place).filter(|_| values.len() == count).cloned();
    (0..count)
        .map(|place| Line {
            sku: at(skus, place).as_ref().and_then(text),
            category: at(categories, place).as_ref().and_then(text),
            quantity: at(quantities, place).as_ref().and_then(number).unwrap_or(1.0),
            price: at(prices, place).as_ref().and_then(money),
        })
        .collect()
}

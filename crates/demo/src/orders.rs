//! What was bought and given back. Lines and amounts are drawn from an order's number when asked
//! for, so an order is small.

use crate::calendar::{AS_OF, CLOSED_FROM, DAY};
use crate::closure::{CLOSED, COMPARED};
use crate::draw::{Draw, Mix, Part, log_normal, zipf_shares};
use crate::lives::{Life, Method};
use crate::people::{People, Record, Source};
use crate::quota::Quotas;

/// A purchase.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    /// The record whose identifier the order carries.
    pub(crate) record: u32,
    pub(crate) at: u32,
    pub(crate) lines: u8,
    pub(crate) goods: Goods,
    pub(crate) payment: Option<Method>,
    /// Another store than the nearest.
    pub(crate) store: Option<u8>,
}

/// What is in an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goods {
    /// Anything.
    Usual,
    /// Anything but one category.
    Without(u8),
    /// One thing of one of two categories, for so many fen and no shipping.
    Ticket([u8; 2], u32),
}

impl Order {
    /// An order of whatever, whose lines are dealt out later.
    pub(crate) fn usual(record: u32, at: u32) -> Self {
        Self { record, at, lines: 0, goods: Goods::Usual, payment: None, store: None }
    }
}

/// Orders that plants need. Chance may only add others.
#[derive(Default)]
pub(crate) struct Planned(Vec<Order>);

impl Planned {
    pub(crate) fn add(&mut self, order: Order) {
        self.0.push(order);
    }
}

/// A return of all or the first line of an order.
pub(crate) struct Refund {
    pub(crate) order: u32,
    pub(crate) at: u32,
}

/// Something on the shelf.
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) category: &'static str,
    /// In fen.
    pub(crate) price: i64,
}

/// One line of an order.
pub(crate) struct Line<'w> {
    pub(crate) product: &'w Product,
    pub(crate) quantity: i64,
    /// Of one, in fen.
    pub(crate) price: i64,
}

pub(crate) const CATEGORIES: [(&str, [&str; 10]); 8] = [
    ("食品", ["挂面", "香米", "坚果", "饼干", "燕麦", "蜂蜜", "酱油", "红枣", "粉丝", "海苔"]),
    ("饮品", ["绿茶", "乌龙茶", "豆奶", "苏打水", "椰汁", "咖啡", "果汁", "酸奶", "凉茶", "米酒"]),
    ("日用", ["洗衣液", "抽纸", "牙膏", "香皂", "洗洁精", "毛巾", "垃圾袋", "保鲜膜", "拖把", "衣架"]),
    ("个护", ["面霜", "洗发水", "护手霜", "面膜", "防晒霜", "沐浴露", "唇膏", "梳子", "剃须刀", "漱口水"]),
    ("服饰", ["衬衫", "围巾", "袜子", "外套", "卫衣", "帽子", "手套", "短裤", "针织衫", "皮带"]),
    ("家居", ["台灯", "抱枕", "餐盘", "保温杯", "收纳盒", "窗帘", "地垫", "花瓶", "砂锅", "床品"]),
    ("家电", ["电水壶", "吹风机", "电饭煲", "加湿器", "风扇", "吸尘器", "烤箱", "榨汁机", "熨斗", "电热毯"]),
    ("运动", ["瑜伽垫", "跳绳", "水壶", "护膝", "哑铃", "泳镜", "背包", "运动鞋", "球拍", "帐篷"]),
];
const SERIES: [&str; 5] = ["山茶", "晴屿", "青砚", "云汀", "松间"];
/// Median price of each category, in fen.
const MEDIANS: [f64; 8] = [1_850.0, 1_250.0, 2_400.0, 5_600.0, 14_800.0, 8_900.0, 25_900.0, 11_900.0];

/// The 400 products.
pub(crate) fn catalogue(seed: u64) -> Vec<Product> {
    let mut draw = Draw::new(seed, Part::Catalogue);
    let mut products = Vec::with_capacity(400);
    for (category, (name, nouns)) in CATEGORIES.iter().enumerate() {
        for noun in nouns {
            for series in SERIES {
                let price = (MEDIANS[category] * log_normal(&mut draw, 0.45)) as i64;
                products.push(Product {
                    id: String::new(),
                    name: format!("{series}{noun}"),
                    category: name,
                    price: price / 10 * 10 + 9 * i64::from(draw.below(2)),
                });
            }
        }
    }
    draw.shuffle(&mut products);
    for (no, product) in products.iter_mut().enumerate() {
        product.id = format!("SKU-{:04}", no + 1);
    }
    products
}

/// All orders and refunds: those planned, and as many others as the quotas say.
pub(crate) fn draw(
    people: &People,
    planned: Planned,
    quotas: &Quotas,
    seed: u64,
) -> (Vec<Order>, Vec<Refund>) {
    let mut draw = Draw::new(seed, Part::Orders);
    let mut orders = planned.0;
    let tickets = orders.iter().filter(|order| matches!(order.goods, Goods::Ticket(..))).count();
    let mut pack = quotas.orders_by_lines;
    pack[0] = pack[0].checked_sub(tickets).expect("the quotas leave room for orders of one line");
    let mut lines: Vec<u8> =
        (1u8..).zip(pack).flat_map(|(lines, count)| std::iter::repeat_n(lines, count)).collect();
    draw.shuffle(&mut lines);
    for order in &mut orders {
        order.lines = match order.goods {
            Goods::Ticket(..) => 1,
            _ => lines.pop().expect("the quotas leave room for planned orders"),
        };
    }
    let in_store = orders.iter().filter(|o| people.records[o.record as usize].source == Source::Pos).count();
    let left = quotas.orders_store.checked_sub(in_store).expect("the stores have room for planned orders");
    assert!(left <= lines.len(), "there is room for planned orders online");
    let (store_lines, online_lines) = lines.split_at(left);
    deal_orders(people, store_lines, |r| r.source == Source::Pos, &mut draw, &mut orders);
    let online = |r: &Record| {
        let is_compared = [CLOSED, COMPARED].contains(&people.persons[r.person as usize].address.store_no());
        // Who buys there and online is planned.
        let is_local = is_compared && people.has_record(r.person, |r| r.source == Source::Pos);
        !is_local && (r.source == Source::MiniProgram || (r.has_account && r.source != Source::Pos))
    };
    deal_orders(people, online_lines, online, &mut draw, &mut orders);
    // An order's number must not tell whether it was planned.
    draw.shuffle(&mut orders);
    let mut refunds = Vec::with_capacity(quotas.refunds);
    for order in draw.order(orders.len()) {
        let Order { at: bought, goods, payment, store, .. } = orders[order as usize];
        // What a plant counts stays bought.
        let is_counted = goods != Goods::Usual || payment.is_some() || store.is_some();
        if refunds.len() < quotas.refunds && bought < AS_OF - 15 * DAY && !is_counted {
            refunds.push(Refund { order, at: draw.between(bought + DAY, bought + 14 * DAY) });
        }
    }
    assert_eq!(refunds.len(), quotas.refunds, "enough orders can be given back");
    (orders, refunds)
}

/// Deals orders out to those who buy as chance has it, a first one to each before the last fortnight.
fn deal_orders(
    people: &People,
    lines: &[u8],
    fits: impl Fn(&Record) -> bool,
    draw: &mut Draw,
    orders: &mut Vec<Order>,
) {
    let is_free = |r: &Record| people.persons[r.person as usize].life == Life::Regular && !r.is_detached;
    let mut buyers: Vec<u32> = (0..people.records.len() as u32)
        .filter(|no| is_free(&people.records[*no as usize]) && fits(&people.records[*no as usize]))
        .collect();
    draw.shuffle(&mut buyers);
    let shares = zipf_shares(lines.len(), buyers.len(), 200);
    let mut lines = lines.iter();
    for (record, share) in buyers.into_iter().zip(shares) {
        let of = &people.records[record as usize];
        let until = people.persons[of.person as usize].until;
        for (turn, lines) in lines.by_ref().take(share as usize).enumerate() {
            let until = if turn == 0 { until.min(AS_OF - 16 * DAY) } else { until };
            let at = draw.waking_second(of.at, until);
            orders.push(Order { lines: *lines, ..Order::usual(record, at) });
        }
    }
}

/// The store of somebody's order, by its number: not the one that closed, after that day.
pub(crate) fn store_of(nearest: u8, order: &Order) -> u8 {
    match order.store.unwrap_or(nearest) {
        CLOSED if order.at >= CLOSED_FROM => CLOSED - 1,
        store => store,
    }
}

/// The lines of an order, each of another product.
pub(crate) fn basket<'w>(
    products: &'w [Product],
    seed: u64,
    no: u32,
    order: &Order,
) -> impl Iterator<Item = Line<'w>> {
    let mut mix = Mix::new(seed ^ 0x6F72_6465, u64::from(no));
    let count = products.len() as u32;
    // Few products sell most: the smaller of two draws.
    let mut product = mix.below(count).min(mix.below(count));
    let goods = order.goods;
    // Steps of at most a tenth of the shelf never come round in six lines.
    (0..order.lines).map(move |_| {
        product = (product + 1 + mix.below(count / 10)) % count;
        while !goods.may_have(&products[product as usize]) {
            product = (product + 1) % count;
        }
        let product = &products[product as usize];
        match goods {
            Goods::Ticket(_, price) => Line { product, quantity: 1, price: i64::from(price) },
            _ => Line { product, quantity: 1 + i64::from(mix.below(8) / 6), price: product.price },
        }
    })
}

impl Goods {
    fn may_have(self, product: &Product) -> bool {
        match self {
            Self::Usual => true,
            Self::Without(category) => CATEGORIES[usize::from(category)].0 != product.category,
            Self::Ticket(pool, _) => {
                pool.iter().any(|category| CATEGORIES[usize::from(*category)].0 == product.category)
            }
        }
    }
}

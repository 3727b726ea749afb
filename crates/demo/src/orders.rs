//! What was bought and given back. Lines and amounts are drawn from an order's number when asked
//! for, so an order is twelve bytes.

use crate::calendar::{AS_OF, DAY};
use crate::draw::{Draw, Mix, Part, log_normal, zipf_shares};
use crate::people::{People, Record, Source};
use crate::quota::Quotas;

/// A purchase.
pub(crate) struct Order {
    /// The record whose identifier the order carries.
    pub(crate) record: u32,
    pub(crate) at: u32,
    pub(crate) lines: u8,
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
}

const CATEGORIES: [(&str, [&str; 10]); 8] = [
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

/// All orders and refunds.
pub(crate) fn draw(people: &People, quotas: &Quotas, seed: u64) -> (Vec<Order>, Vec<Refund>) {
    let mut draw = Draw::new(seed, Part::Orders);
    let mut lines: Vec<u8> = (1u8..)
        .zip(quotas.orders_by_lines)
        .flat_map(|(lines, count)| std::iter::repeat_n(lines, count))
        .collect();
    draw.shuffle(&mut lines);
    let in_store = |r: &Record| r.source == Source::Pos;
    let online = |r: &Record| r.source == Source::MiniProgram || (r.has_account && r.source != Source::Pos);
    let mut orders = Vec::with_capacity(lines.len());
    let (store_lines, online_lines) = lines.split_at(quotas.orders_store);
    deal_orders(people, store_lines, in_store, &mut draw, &mut orders);
    deal_orders(people, online_lines, online, &mut draw, &mut orders);
    let mut refunds = Vec::with_capacity(quotas.refunds);
    for order in draw.order(orders.len()) {
        let bought = orders[order as usize].at;
        if refunds.len() < quotas.refunds && bought < AS_OF - 15 * DAY {
            refunds.push(Refund { order, at: draw.between(bought + DAY, bought + 14 * DAY) });
        }
    }
    (orders, refunds)
}

fn deal_orders(
    people: &People,
    lines: &[u8],
    fits: impl Fn(&Record) -> bool,
    draw: &mut Draw,
    orders: &mut Vec<Order>,
) {
    let mut buyers: Vec<u32> =
        (0..people.records.len() as u32).filter(|no| fits(&people.records[*no as usize])).collect();
    draw.shuffle(&mut buyers);
    let shares = zipf_shares(lines.len(), buyers.len(), 200);
    let mut lines = lines.iter();
    for (record, share) in buyers.into_iter().zip(shares) {
        let of = &people.records[record as usize];
        let until = people.persons[of.person as usize].until;
        for lines in lines.by_ref().take(share as usize) {
            orders.push(Order { record, at: draw.waking_second(of.at, until), lines: *lines });
        }
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
    // Steps of at most a tenth of the shelf never come round in six lines.
    (0..order.lines).map(move |_| {
        product = (product + 1 + mix.below(count / 10)) % count;
        Line { product: &products[product as usize], quantity: 1 + i64::from(mix.below(8) / 6) }
    })
}

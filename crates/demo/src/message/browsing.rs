//! What people do while they browse.

use super::{Content, Parts, item, own_subject};
use crate::draw::Mix;
use crate::orders::{CATEGORIES, Line, Product};
use crate::people::Source;
use crate::schedule::{Doing, Interest, Moment};
use crate::wire::Properties;
use crate::world::World;

/// Something somebody does while browsing.
pub(super) fn browse<'w>(
    world: &'w World,
    no: u32,
    moment: Moment,
    interest: Interest,
    mix: &mut Mix,
) -> Parts<'w> {
    let source = world.people.records[no as usize].source;
    let subject = own_subject(world, no, source.name(), moment.is_signed_in);
    (source.name(), subject, activity(world, source, moment.opens, interest, mix))
}

/// What a record's person looks for.
pub(super) fn interest_of(world: &World, record: u32) -> Interest {
    let person = world.people.records[record as usize].person;
    Interest { category: world.people.persons[person as usize].taste, doing: Doing::Anything }
}

/// One thing done while browsing. A session opens with a page.
pub(super) fn activity<'w>(
    world: &'w World,
    source: Source,
    opens: bool,
    interest: Interest,
    mix: &mut Mix,
) -> Content<'w> {
    const PAGES: [(&str, &str); 5] =
        [("首页", "/"), ("分类", "/list"), ("活动", "/sale"), ("我的", "/mine"), ("门店", "/stores")];
    const QUERIES: [&str; 6] = ["洗衣液", "绿茶", "保温杯", "坚果", "围巾", "台灯"];
    const LISTS: [&str; 4] = ["new", "sale", "daily", "food"];
    let none = Properties::default;
    let ticket = match interest.doing {
        _ if opens => 0,
        Doing::Viewing => 22,
        Doing::Adding => 60,
        Doing::Anything => mix.below(100),
    };
    match ticket {
        0..22 => {
            let (name, path) = PAGES[if opens { 0 } else { mix.below(5) as usize }];
            let kind = if source == Source::App { "screen" } else { "page" };
            let properties = Some(Properties { path: Some(path), ..none() });
            Content { kind, name: Some(name), properties, ..Content::default() }
        }
        22..60 => Content::track("Product Viewed", about(product(world, interest.category, mix))),
        60..69 => Content::track("Product Added", about(product(world, interest.category, mix))),
        69..72 => Content::track("Product Removed", about(product(world, interest.category, mix))),
        72..80 => {
            let query = Some(QUERIES[mix.below(6) as usize]);
            Content::track("Products Searched", Properties { query, ..none() })
        }
        80..88 => {
            let list_id = Some(LISTS[mix.below(4) as usize]);
            Content::track("Product List Viewed", Properties { list_id, ..none() })
        }
        88..95 => {
            let article_id = Some(format!("A-{:03}", 1 + mix.below(120)));
            let dwell_s = Some(5 + mix.below(50) * (1 + mix.below(12)));
            Content::track("Article Read", Properties { article_id, dwell_s, ..none() })
        }
        _ => {
            let promotion_id = Some(format!("P-{:02}", 1 + mix.below(30)));
            Content::track("Promotion Clicked", Properties { promotion_id, ..none() })
        }
    }
}

/// A product of a category, few of them most of the time.
fn product<'w>(world: &'w World, category: u8, mix: &mut Mix) -> &'w Product {
    let count = world.products.len() as u32;
    let mut place = mix.below(count).min(mix.below(count));
    while world.products[place as usize].category != CATEGORIES[usize::from(category)].0 {
        place = (place + 1) % count;
    }
    &world.products[place as usize]
}

fn about(product: &Product) -> Properties<'_> {
    let line = Line { product, quantity: 1, price: product.price };
    Properties { product: Some(item(line)), ..Properties::default() }
}

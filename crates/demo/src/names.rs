//! Invented names, cities and streets, and the ways one name gets written.
//!
//! Only characters with one common reading are used, so that a homophone is one for everybody.

use crate::draw::Draw;

/// Numbers in the demo's mobile range.
pub(crate) const MOBILES: u32 = 100_000;

const SURNAMES: [(&str, &str); 72] = [
    ("王", "wang"),
    ("李", "li"),
    ("张", "zhang"),
    ("刘", "liu"),
    ("陈", "chen"),
    ("杨", "yang"),
    ("赵", "zhao"),
    ("黄", "huang"),
    ("周", "zhou"),
    ("吴", "wu"),
    ("徐", "xu"),
    ("孙", "sun"),
    ("胡", "hu"),
    ("朱", "zhu"),
    ("高", "gao"),
    ("林", "lin"),
    ("何", "he"),
    ("郭", "guo"),
    ("马", "ma"),
    ("罗", "luo"),
    ("梁", "liang"),
    ("宋", "song"),
    ("郑", "zheng"),
    ("谢", "xie"),
    ("韩", "han"),
    ("唐", "tang"),
    ("冯", "feng"),
    ("于", "yu"),
    ("董", "dong"),
    ("萧", "xiao"),
    ("程", "cheng"),
    ("曹", "cao"),
    ("袁", "yuan"),
    ("邓", "deng"),
    ("许", "xu"),
    ("傅", "fu"),
    ("彭", "peng"),
    ("苏", "su"),
    ("卢", "lu"),
    ("蒋", "jiang"),
    ("蔡", "cai"),
    ("丁", "ding"),
    ("魏", "wei"),
    ("薛", "xue"),
    ("潘", "pan"),
    ("杜", "du"),
    ("戴", "dai"),
    ("夏", "xia"),
    ("钟", "zhong"),
    ("汪", "wang"),
    ("田", "tian"),
    ("姜", "jiang"),
    ("范", "fan"),
    ("方", "fang"),
    ("姚", "yao"),
    ("谭", "tan"),
    ("廖", "liao"),
    ("邹", "zou"),
    ("熊", "xiong"),
    ("陆", "lu"),
    ("郝", "hao"),
    ("孔", "kong"),
    ("崔", "cui"),
    ("康", "kang"),
    ("毛", "mao"),
    ("邱", "qiu"),
    ("秦", "qin"),
    ("史", "shi"),
    ("顾", "gu"),
    ("邵", "shao"),
    ("龚", "gong"),
    ("钱", "qian"),
];

const GIVEN: [(&str, &str); 72] = [
    ("小", "xiao"),
    ("晓", "xiao"),
    ("明", "ming"),
    ("鸣", "ming"),
    ("伟", "wei"),
    ("玮", "wei"),
    ("丽", "li"),
    ("莉", "li"),
    ("静", "jing"),
    ("婧", "jing"),
    ("军", "jun"),
    ("君", "jun"),
    ("洋", "yang"),
    ("阳", "yang"),
    ("艳", "yan"),
    ("燕", "yan"),
    ("杰", "jie"),
    ("洁", "jie"),
    ("平", "ping"),
    ("萍", "ping"),
    ("辉", "hui"),
    ("慧", "hui"),
    ("玲", "ling"),
    ("灵", "ling"),
    ("健", "jian"),
    ("建", "jian"),
    ("红", "hong"),
    ("宏", "hong"),
    ("文", "wen"),
    ("雯", "wen"),
    ("欣", "xin"),
    ("新", "xin"),
    ("宇", "yu"),
    ("雨", "yu"),
    ("佳", "jia"),
    ("嘉", "jia"),
    ("涵", "han"),
    ("晗", "han"),
    ("思", "si"),
    ("斯", "si"),
    ("浩", "hao"),
    ("昊", "hao"),
    ("志", "zhi"),
    ("智", "zhi"),
    ("峰", "feng"),
    ("锋", "feng"),
    ("云", "yun"),
    ("芸", "yun"),
    ("琳", "lin"),
    ("霖", "lin"),
    ("清", "qing"),
    ("青", "qing"),
    ("悦", "yue"),
    ("越", "yue"),
    ("芳", "fang"),
    ("敏", "min"),
    ("强", "qiang"),
    ("磊", "lei"),
    ("勇", "yong"),
    ("娟", "juan"),
    ("涛", "tao"),
    ("超", "chao"),
    ("霞", "xia"),
    ("刚", "gang"),
    ("梅", "mei"),
    ("琪", "qi"),
    ("轩", "xuan"),
    ("诗", "shi"),
    ("博", "bo"),
    ("雪", "xue"),
    ("婷", "ting"),
    ("鹏", "peng"),
];

/// A city's name and how many of the 40 stores it has.
const CITIES: [(&str, u8); 6] =
    [("岫安", 12), ("临澄", 8), ("禾屏", 7), ("渡云", 5), ("栖原", 5), ("砚北", 3)];
const STORES: u8 = 40;
const DISTRICTS: [&str; 4] = ["东塘区", "西屿区", "南汀区", "北岚区"];
const STREETS: [&str; 16] = [
    "栖霞路",
    "澄湖街",
    "听松巷",
    "望屏路",
    "云渡街",
    "青砚路",
    "荷风巷",
    "石桥街",
    "白鹭路",
    "松涛街",
    "临溪路",
    "竹影巷",
    "晴川路",
    "渔歌街",
    "枫林路",
    "桂子巷",
];

/// How a source wrote a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    Full,
    /// 小王.
    Familiar,
    /// 王先生, 王女士.
    Titled,
    /// Wang Xiaoming.
    Latin,
    /// 王 小明.
    Spaced,
    /// 王晓明 for 王小明.
    Homophone,
}

/// A person's name: indexes into the tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    surname: u8,
    given: u8,
    second: Option<u8>,
}

impl Name {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        // The commoner surnames stand first: the smaller of two draws prefers them.
        let surname = draw.below(SURNAMES.len() as u32).min(draw.below(SURNAMES.len() as u32)) as u8;
        let given = draw.below(GIVEN.len() as u32) as u8;
        let second = (draw.below(100) < 70).then(|| draw.below(GIVEN.len() as u32) as u8);
        Self { surname, given, second }
    }

    /// Another name that nobody takes for this one: neither given name, spelled out, contains the
    /// other, and surnames of two families sound different.
    pub(crate) fn another(self, draw: &mut Draw, family: Family) -> Self {
        loop {
            let mut other = Self::draw(draw);
            if family == Family::OneSurname {
                other.surname = self.surname;
            } else if SURNAMES[usize::from(other.surname)].1 == SURNAMES[usize::from(self.surname)].1 {
                continue;
            }
            let (a, b) = (self.given_spelling(), other.given_spelling());
            if !a.contains(&b) && !b.contains(&a) {
                return other;
            }
        }
    }

    fn given_chars(self) -> impl Iterator<Item = u8> {
        [Some(self.given), self.second].into_iter().flatten()
    }

    fn given_spelling(self) -> String {
        self.given_chars().map(|i| GIVEN[usize::from(i)].1).collect()
    }

    fn surname(self) -> &'static str {
        SURNAMES[usize::from(self.surname)].0
    }

    /// `wangxiaoming`, the beginning of an e-mail address.
    pub(crate) fn spelling(self) -> String {
        format!("{}{}", SURNAMES[usize::from(self.surname)].1, self.given_spelling())
    }

    /// Whether another character sounds like one of the given name.
    pub(crate) fn has_homophone(self) -> bool {
        self.given_chars().any(|i| homophone(i).is_some())
    }

    pub(crate) fn written(self, how: Spelling, is_female: bool) -> String {
        let surname = self.surname();
        let given = |swap: bool| -> String {
            let mut left = usize::from(swap);
            let chars = self.given_chars().map(|i| match homophone(i) {
                Some(other) if left > 0 => {
                    left -= 1;
                    other
                }
                _ => i,
            });
            chars.map(|i| GIVEN[usize::from(i)].0).collect()
        };
        match how {
            Spelling::Full => format!("{surname}{}", given(false)),
            Spelling::Familiar => format!("小{surname}"),
            Spelling::Titled => format!("{surname}{}", if is_female { "女士" } else { "先生" }),
            Spelling::Latin => {
                let first = capital(SURNAMES[usize::from(self.surname)].1);
                format!("{first} {}", capital(&self.given_spelling()))
            }
            Spelling::Spaced => format!("{surname} {}", given(false)),
            Spelling::Homophone => format!("{surname}{}", given(true)),
        }
    }
}

/// How two names of one household relate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    OneSurname,
    TwoSurnames,
}

/// The other character with the same reading; they stand in pairs.
fn homophone(given: u8) -> Option<u8> {
    let other = given ^ 1;
    (GIVEN[usize::from(given)].1 == GIVEN[usize::from(other)].1).then_some(other)
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// The index of a store's city.
fn city_of(store: u8) -> u8 {
    let mut city = 0;
    let mut stores_below = CITIES[0].1;
    while store >= stores_below {
        city += 1;
        stores_below += CITIES[usize::from(city)].1;
    }
    city
}

/// What a store is called.
pub(crate) fn store_id(store: u8) -> String {
    format!("ST-{:03}", store + 1)
}

/// Where somebody lives, on a made-up street grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    city: u8,
    /// The nearest store, `0..40`.
    store: u8,
    district: u8,
    street: u8,
    number: u16,
    room: u16,
}

impl Address {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let store = draw.below(u32::from(STORES)) as u8;
        Self {
            city: city_of(store),
            store,
            district: draw.below(DISTRICTS.len() as u32) as u8,
            street: draw.below(STREETS.len() as u32) as u8,
            number: draw.between(1, 288) as u16,
            room: (draw.between(1, 18) * 100 + draw.between(1, 4)) as u16,
        }
    }

    /// The same street and house near another store.
    pub(crate) fn near(self, store: u8) -> Self {
        Self { city: city_of(store), store, ..self }
    }

    /// The number of the nearest store, from 0.
    pub(crate) fn store_no(self) -> u8 {
        self.store
    }

    pub(crate) fn city(self) -> &'static str {
        CITIES[usize::from(self.city)].0
    }

    pub(crate) fn district(self) -> &'static str {
        DISTRICTS[usize::from(self.district)]
    }

    pub(crate) fn street(self) -> String {
        format!("{}{}号{}室", STREETS[usize::from(self.street)], self.number, self.room)
    }

    /// The street without house and room.
    pub(crate) fn street_only(self) -> &'static str {
        STREETS[usize::from(self.street)]
    }
}

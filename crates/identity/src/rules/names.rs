//! Whether two names can belong to one person.
//!
//! The question stops wrong merges on a shared mobile, so it says *differ* only where no ordinary
//! habit explains the difference: 王伟 and 王芳 differ; 王伟, 王玮, "Wang Wei", 王先生, 小王, 王* and
//! "wangwei" do not. It knows nothing of dates, gender or frequency; the matcher weighs those.

mod spelling;
#[cfg(test)]
mod tests;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::normalise::clean;
use spelling::{is_alike, is_alike_surname, is_spelled, spells_part_of};

/// Characters of a name that are looked at; longer ones are not names, and the comparison is cubic.
const NAME_CHARS_MAX: usize = 40;
/// Words of a Latin name that are looked at.
const NAME_WORDS_MAX: usize = 6;

/// Whether `a` and `b` cannot be names of one person. An empty name differs from none.
pub fn names_differ(a: &str, b: &str) -> bool {
    Name::parse(a).differs(&Name::parse(b))
}

/// A name taken apart once, to be compared many times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    script: Script,
    /// Whether it says the given name too, so that it can tell two people of one family apart.
    is_full: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Script {
    /// Nothing a name is made of, or a placeholder.
    Silent,
    /// Contains Chinese characters: title taken off, masked characters as `*`.
    Chinese(Vec<char>),
    /// Words in lower case without accents and titles.
    Latin(Vec<String>),
}

const TITLES: [&str; 36] = [
    "先生",
    "女士",
    "小姐",
    "太太",
    "夫人",
    "同学",
    "师傅",
    "老师",
    "老板",
    "老板娘",
    "经理",
    "总经理",
    "主任",
    "医生",
    "大夫",
    "教授",
    "律师",
    "店长",
    "厂长",
    "校长",
    "院长",
    "处长",
    "科长",
    "局长",
    "阿姨",
    "叔叔",
    "大哥",
    "大姐",
    "总",
    "董",
    "哥",
    "姐",
    "工",
    "姨",
    "叔",
    "嫂",
];
const FAMILIAR_PREFIXES: [char; 4] = ['小', '老', '大', '阿'];
const COMPOUND_SURNAMES: [&str; 16] = [
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯", "端木",
    "轩辕", "宇文", "长孙",
];
const PLACEHOLDERS: [&str; 14] = [
    "未知",
    "匿名",
    "匿名用户",
    "微信用户",
    "用户",
    "顾客",
    "客户",
    "会员",
    "游客",
    "null",
    "unknown",
    "anonymous",
    "undefined",
    "none",
];
const LATIN_TITLES: [&str; 10] = ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "mister", "lady"];

impl Name {
    /// Takes a name apart.
    pub fn parse(raw: &str) -> Self {
        let text: String = clean(raw).to_lowercase().chars().take(NAME_CHARS_MAX).collect();
        if PLACEHOLDERS.contains(&text.as_str()) {
            return Self { script: Script::Silent, is_full: false };
        }
        if text.contains(is_chinese) { chinese(&text) } else { latin(&text) }
    }

    /// Whether both cannot belong to one person.
    pub fn differs(&self, other: &Self) -> bool {
        match (&self.script, &other.script) {
            (Script::Silent, _) | (_, Script::Silent) => false,
            (Script::Chinese(_), Script::Chinese(_)) => !is_same_chinese(self, other),
            (Script::Latin(a), Script::Latin(b)) => !is_same_latin(a, b),
            (Script::Chinese(chars), Script::Latin(words))
            | (Script::Latin(words), Script::Chinese(chars)) => !is_same_spelled(chars, words),
        }
    }

    /// Whether it says the given name too: 王伟 does, 王先生, 小王 and 王* do not.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    fn chars(&self) -> &[char] {
        match &self.script {
            Script::Chinese(chars) => chars,
            Script::Silent | Script::Latin(_) => &[],
        }
    }
}

fn chinese(text: &str) -> Name {
    let is_crossed_out = text.chars().all(|c| c == 'x' || !c.is_ascii_alphanumeric());
    let mask = |c: char| match c {
        '*' | '某' | '×' | '●' | '○' | '□' | '■' | '〇' => Some('*'),
        'x' if is_crossed_out => Some('*'),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    };
    let all: Vec<char> = text.chars().filter_map(mask).collect();
    let (chars, has_title) = without_title(&all);
    let is_surname =
        chars.len() < 2 || (has_title && COMPOUND_SURNAMES.contains(&String::from_iter(chars).as_str()));
    let is_silent = chars.iter().all(|c| *c == '*');
    let script = if is_silent { Script::Silent } else { Script::Chinese(chars.to_vec()) };
    Name { script, is_full: !is_surname && !chars.contains(&'*') }
}

/// 王先生 and 小王 are 王; 先生 alone stays what it is.
fn without_title(all: &[char]) -> (&[char], bool) {
    // The one title that is a surname, too: 小董 is a 董, 王董 a 王.
    if let [prefix, '董'] = all
        && FAMILIAR_PREFIXES.contains(prefix)
    {
        return (&all[1..], true);
    }
    let ends_with = |title: &&str| {
        let length = title.chars().count();
        length < all.len() && all[all.len() - length..].iter().copied().eq(title.chars())
    };
    if let Some(longest) = TITLES.iter().filter(|t| ends_with(t)).map(|t| t.chars().count()).max() {
        return (&all[..all.len() - longest], true);
    }
    match all {
        [prefix, surname] if FAMILIAR_PREFIXES.contains(prefix) && is_chinese(*surname) => (&all[1..], true),
        _ => (all, false),
    }
}

fn latin(text: &str) -> Name {
    let plain: String = text.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    let mut words: Vec<String> = plain
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.replace('\'', ""))
        .filter(|word| !word.is_empty() && !LATIN_TITLES.contains(&word.as_str()))
        .collect();
    words.truncate(NAME_WORDS_MAX);
    let letters = words.iter().map(String::len).sum::<usize>();
    if text.contains('*') || !words.concat().contains(char::is_alphabetic) {
        return Name { script: Script::Silent, is_full: false };
    }
    // One short word may be a surname alone.
    let is_full = words.len() > 1 || letters >= 6;
    Name { script: Script::Latin(words), is_full }
}

fn is_same_chinese(a: &Name, b: &Name) -> bool {
    let (short, long) = if a.chars().len() <= b.chars().len() { (a, b) } else { (b, a) };
    let (s, l) = (short.chars(), long.chars());
    if s.contains(&'*') || l.contains(&'*') {
        return is_same_masked(a, b);
    }
    if s.len() == l.len() && starts_alike(s, l) {
        return true;
    }
    let is_surname_of = !short.is_full && starts_alike(s, l);
    is_surname_of || l.windows(s.len()).any(|window| window == s)
}

/// What is left legible before the first and after the last masked character must agree.
fn is_same_masked(a: &Name, b: &Name) -> bool {
    let ends = |name: &Name| {
        let chars = name.chars();
        let before = chars.iter().take_while(|c| **c != '*').count();
        let after = chars.iter().rev().take_while(|c| **c != '*').count();
        // A surname says nothing about the end of the name.
        if before < chars.len() || name.is_full { (before, after) } else { (before, 0) }
    };
    let ((before_a, after_a), (before_b, after_b)) = (ends(a), ends(b));
    let (x, y) = (a.chars(), b.chars());
    let before = before_a.min(before_b);
    let after = after_a.min(after_b);
    let fits =
        |name: &Name, before: usize, after: usize| !name.is_full || before + after <= name.chars().len();
    starts_alike(&x[..before], &y[..before])
        && x[x.len() - after..].iter().zip(&y[y.len() - after..]).all(|(c, d)| is_alike(*c, *d))
        && fits(a, before_b, after_b)
        && fits(b, before_a, after_a)
}

/// Whether `long` begins like `short`, character by character, in writing or in sound.
fn starts_alike(short: &[char], long: &[char]) -> bool {
    short.iter().zip(long).enumerate().all(
        |(i, (c, d))| {
            if i == 0 { is_alike_surname(*c, *d) } else { is_alike(*c, *d) }
        },
    )
}

fn is_same_latin(a: &[String], b: &[String]) -> bool {
    let joined = b.concat();
    if rotations(a).any(|text| text == joined) || rotations(b).any(|text| text == a.concat()) {
        return true;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut free: Vec<&String> = long.iter().collect();
    let mut take = |matches: &dyn Fn(&String) -> bool| {
        let found = free.iter().position(|word| matches(word));
        found.map(|i| free.swap_remove(i)).is_some()
    };
    // Whole words first, so that an initial does not take the word another word needs.
    let rest: Vec<&String> = short.iter().filter(|word| !take(&|other| other == *word)).collect();
    rest.iter().all(|word| {
        take(&|other| {
            other.starts_with(word.as_str()) && word.len() == 1
                || word.starts_with(other.as_str()) && other.len() == 1
        })
    })
}

fn is_same_spelled(chars: &[char], words: &[String]) -> bool {
    let legible: &[char] = match chars.iter().position(|c| *c == '*') {
        Some(0) => return true,
        Some(first) => &chars[..first],
        None => chars,
    };
    // As Latin readers write it: the surname, of one character or two, at the end.
    let reversed = |length: usize| {
        let (surname, given) = legible.split_at(length.min(legible.len()));
        [given, surname].concat()
    };
    let orders = [legible.to_vec(), reversed(1), reversed(2)];
    if rotations(words).any(|text| orders.iter().any(|chars| spells_part_of(chars, &text))) {
        return true;
    }
    let runs = (0..words.len()).flat_map(|from| (from + 1..=words.len()).map(move |to| (from, to)));
    runs.into_iter().any(|(from, to)| is_spelled(legible, &words[from..to].concat()))
}

/// The words joined, starting from each in turn: surname first or last.
fn rotations(words: &[String]) -> impl Iterator<Item = String> + '_ {
    (0..words.len()).map(|first| words[first..].concat() + &words[..first].concat())
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

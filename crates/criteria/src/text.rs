//! A rule as text for people, in Chinese and in English: the same tree, one line a leaf.
//!
//! Only for reading: the JSON is the only stored form.

mod leaf;

use crate::rule::Rule;

/// A language rules can be read in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// zh-CN.
    Chinese,
    /// en.
    English,
}

impl Language {
    /// The language of a BCP 47 tag, by its first part.
    pub fn of(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()? {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The first of two in Chinese, the second in English.
    fn choose<'a>(self, chinese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }
}

/// The rule as text: a line for each group and leaf, members two spaces further in.
pub fn text(rule: &Rule, language: Language) -> String {
    let mut out = String::new();
    write(rule, language, 0, &mut out);
    out.truncate(out.trim_end().len());
    out
}

fn write(rule: &Rule, language: Language, depth: usize, out: &mut String) {
    let heading = match rule {
        Rule::All(_) => language.choose("同时满足：", "all of:"),
        Rule::Any(_) => language.choose("满足任意一项：", "any of:"),
        Rule::None(_) => language.choose("均不满足：", "none of:"),
        _ => "",
    };
    let line = if heading.is_empty() { leaf::leaf(rule, language) } else { heading.to_owned() };
    let bullet = if depth == 0 { "" } else { "- " };
    out.push_str(&"  ".repeat(depth.saturating_sub(1)));
    out.push_str(&format!("{bullet}{line}\n"));
    rule.members().iter().for_each(|member| write(member, language, depth + 1, out));
}

#[cfg(test)]
mod tests;

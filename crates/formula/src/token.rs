//! A formula as words and signs, each with its place.

use crate::Error;

/// A word or sign.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Token {
    /// A name or keyword.
    Name(String),
    /// Digits, perhaps with a point.
    Number(String),
    /// A duration such as `30d`.
    Duration(String),
    /// Text in single quotes.
    Text(String),
    /// A name of events in double quotes.
    Event(String),
    /// `+ - * / % ( ) , . = != < <= > >= ||`
    Sign(&'static str),
    /// The end.
    End,
}

impl Token {
    /// For messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Name(text) | Self::Number(text) | Self::Duration(text) => format!("`{text}`"),
            Self::Text(text) => format!("`'{text}'`"),
            Self::Event(text) => format!("`\"{text}\"`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

const SIGNS: [&str; 20] = [
    "<=", ">=", "!=", "<>", "||", "[]", "+", "-", "*", "/", "%", "(", ")", ",", ".", "=", "<", ">", "[", "]",
];

/// Splits a formula; each token with how many characters come before it.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Error> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = chars.get(at).copied() {
        let start = at;
        let token = match first {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' | '"' => {
                let quoted = quoted(&chars, &mut at)?;
                if first == '"' { Token::Event(quoted) } else { Token::Text(quoted) }
            }
            c if c.is_ascii_digit() => number(&chars, &mut at),
            c if is_name(c) => {
                while chars.get(at).is_some_and(|c| is_name(*c) || c.is_ascii_digit()) {
                    at += 1;
                }
                Token::Name(chars[start..at].iter().collect())
            }
            _ => {
                let rest: String = chars[at..chars.len().min(at + 2)].iter().collect();
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| error(at, format!("`{first}` means nothing here")))?;
                at += sign.len();
                Token::Sign(if *sign == "<>" { "!=" } else { sign })
            }
        };
        found.push((token, start));
    }
    found.push((Token::End, chars.len()));
    Ok(found)
}

pub(crate) fn error(at: usize, message: impl Into<String>) -> Error {
    Error { measure: None, at, message: message.into() }
}

fn is_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

/// Text between quotes; a doubled quote stands for one.
fn quoted(chars: &[char], at: &mut usize) -> Result<String, Error> {
    let (start, quote) = (*at, chars[*at]);
    let mut text = String::new();
    *at += 1;
    loop {
        match chars.get(*at) {
            None => return Err(error(start, format!("the text that begins here is not ended by `{quote}`"))),
            Some(c) if *c == quote && chars.get(*at + 1) == Some(&quote) => {
                text.push(quote);
                *at += 2;
            }
            Some(c) if *c == quote => {
                *at += 1;
                return Ok(text);
            }
            Some(c) => {
                text.push(*c);
                *at += 1;
            }
        }
    }
}

fn number(chars: &[char], at: &mut usize) -> Token {
    let start = *at;
    let digits = |at: &mut usize| {
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
    };
    digits(at);
    let is_fraction = chars.get(*at) == Some(&'.') && chars.get(*at + 1).is_some_and(char::is_ascii_digit);
    if is_fraction {
        *at += 1;
        digits(at);
    }
    let is_end = chars.get(*at + 1).is_none_or(|c| !is_name(*c) && !c.is_ascii_digit());
    if !is_fraction && is_end && chars.get(*at).is_some_and(|c| "mhdw".contains(*c)) {
        *at += 1;
        return Token::Duration(chars[start..*at].iter().collect());
    }
    Token::Number(chars[start..*at].iter().collect())
}

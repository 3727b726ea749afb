//! From text to a tree, with types checked on the way: what is wrong is said where it stands.

use std::collections::BTreeMap;

use criteria::Rule;
use criteria::number::Number;
use criteria::value::{Type, Value};

use crate::token::{Token, error, tokens};
use crate::tree::{Expression, Operator};
use crate::typing::{fits, join, same};
use crate::{DEPTH_MAX, Error, FORMULA_CHARS_MAX, MEASURES_MAX};

/// A part of a formula and its type; `None` is known only when it is read.
pub(crate) type Typed = (Expression, Option<Type>);

/// A formula that has been read.
pub(crate) struct Parsed {
    pub(crate) root: Expression,
    pub(crate) inputs: Vec<Rule>,
    pub(crate) names: Vec<String>,
    pub(crate) of: Option<Type>,
}

/// What a formula reads, collected from all its measures.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) rules: Vec<Rule>,
    pub(crate) names: Vec<String>,
}

pub(crate) fn parse(text: &str, measures: &BTreeMap<String, String>) -> Result<Parsed, Error> {
    if measures.len() > MEASURES_MAX {
        return Err(error(0, format!("a formula names at most {MEASURES_MAX} measures")));
    }
    let mut inputs = Inputs::default();
    // Measures nobody names have to read too.
    for (name, text) in measures {
        let within = |e: Error| Error { measure: e.measure.or_else(|| Some(name.clone())), ..e };
        whole(text, measures, &mut Inputs::default(), &mut vec![name.clone()]).map_err(within)?;
    }
    let (root, of) = whole(text, measures, &mut inputs, &mut Vec::new())?;
    Ok(Parsed { root, inputs: inputs.rules, names: inputs.names, of })
}

pub(crate) fn whole(
    text: &str,
    measures: &BTreeMap<String, String>,
    inputs: &mut Inputs,
    within: &mut Vec<String>,
) -> Result<Typed, Error> {
    if text.chars().count() > FORMULA_CHARS_MAX {
        return Err(error(
            FORMULA_CHARS_MAX,
            format!("a formula has at most {FORMULA_CHARS_MAX} characters"),
        ));
    }
    let tokens = tokens(text)?;
    let chars = text.chars().collect();
    let mut parser = Parser { tokens, chars, place: 0, depth: 0, measures, inputs, within };
    let typed = parser.expression()?;
    match parser.next() {
        (Token::End, _) => Ok(typed),
        (other, at) => Err(error(at, format!("an operator or the end, not {}", other.shown()))),
    }
}

pub(crate) struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    pub(crate) chars: Vec<char>,
    place: usize,
    depth: usize,
    pub(crate) measures: &'a BTreeMap<String, String>,
    pub(crate) inputs: &'a mut Inputs,
    /// The measures this one is named by.
    pub(crate) within: &'a mut Vec<String>,
}

impl Parser<'_> {
    /// How many characters come before what is next.
    pub(crate) fn at(&self) -> usize {
        self.tokens[self.place].1
    }

    pub(crate) fn peek(&self) -> &Token {
        &self.tokens[self.place].0
    }

    pub(crate) fn next(&mut self) -> (Token, usize) {
        let next = self.tokens[self.place].clone();
        // The end stays where it is.
        self.place = (self.place + 1).min(self.tokens.len() - 1);
        next
    }

    pub(crate) fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Sign(next) if *next == sign);
        if is_next {
            self.next();
        }
        is_next
    }

    pub(crate) fn takes_name(&mut self, name: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Name(next) if next == name);
        if is_next {
            self.next();
        }
        is_next
    }

    pub(crate) fn needs(&mut self, sign: &str) -> Result<(), Error> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(error(self.at(), format!("`{sign}` is missing before {}", self.peek().shown())))
    }

    pub(crate) fn needs_name(&mut self, name: &str) -> Result<(), Error> {
        if self.takes_name(name) {
            return Ok(());
        }
        Err(error(self.at(), format!("`{name}` is missing before {}", self.peek().shown())))
    }

    pub(crate) fn expression(&mut self) -> Result<Typed, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error(self.at(), format!("parts are nested more than {DEPTH_MAX} deep")));
        }
        let mut left = self.conjunction()?;
        while let at = self.at()
            && self.takes_name("or")
        {
            let right = self.conjunction()?;
            left = join(Operator::Or, left, right, at)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Typed, Error> {
        let mut left = self.negation()?;
        while let at = self.at()
            && self.takes_name("and")
        {
            let right = self.negation()?;
            left = join(Operator::And, left, right, at)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Typed, Error> {
        let mut count = 0;
        while self.takes_name("not") {
            count += 1;
        }
        let at = self.at();
        let (inner, of) = self.comparison()?;
        if count == 0 {
            return Ok((inner, of));
        }
        fits(of, Some(Type::Boolean), "not", at)?;
        let inner = if count % 2 == 1 { Expression::Not(Box::new(inner)) } else { inner };
        Ok((inner, Some(Type::Boolean)))
    }

    fn comparison(&mut self) -> Result<Typed, Error> {
        let left = self.level(1)?;
        let at = self.at();
        let is_not = matches!(self.peek(), Token::Name(name) if name == "not");
        if self.takes_name("in")
            || (is_not && matches!(&self.tokens[self.place + 1].0, Token::Name(n) if n == "in"))
        {
            if is_not {
                self.place += 2;
            }
            self.needs("(")?;
            let mut values = Vec::new();
            loop {
                let at = self.at();
                let (value, of) = self.expression()?;
                same(left.1, of, "in", at)?;
                values.push(value);
                if !self.takes(",") {
                    break;
                }
            }
            self.needs(")")?;
            let found = Expression::In(Box::new(left.0), values);
            let found = if is_not { Expression::Not(Box::new(found)) } else { found };
            return Ok((found, Some(Type::Boolean)));
        }
        let Token::Sign(sign) = *self.peek() else { return Ok(left) };
        let Some(operator) = Operator::of(sign, 0) else { return Ok(left) };
        self.next();
        let right = self.level(1)?;
        join(operator, left, right, at)
    }

    /// Sums (1) and products (2).
    fn level(&mut self, level: usize) -> Result<Typed, Error> {
        let mut left = if level == 2 { self.unary()? } else { self.level(2)? };
        loop {
            let at = self.at();
            let Token::Sign(sign) = *self.peek() else { return Ok(left) };
            let Some(operator) = Operator::of(sign, level) else { return Ok(left) };
            self.next();
            let right = if level == 2 { self.unary()? } else { self.level(2)? };
            left = join(operator, left, right, at)?;
        }
    }

    fn unary(&mut self) -> Result<Typed, Error> {
        let at = self.at();
        if !self.takes("-") {
            return self.atom();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(error(at, format!("parts are nested more than {DEPTH_MAX} deep")));
        }
        let (inner, of) = self.unary()?;
        self.depth -= 1;
        fits(of, Some(Type::Number), "-", at)?;
        Ok((Expression::Minus(Box::new(inner)), Some(Type::Number)))
    }

    fn atom(&mut self) -> Result<Typed, Error> {
        let (token, at) = self.next();
        match token {
            Token::Number(text) => {
                let number = Number::parse(&text).ok_or_else(|| error(at, "a number with fewer digits"))?;
                Ok((Expression::Literal(Some(Value::Number(number))), Some(Type::Number)))
            }
            Token::Text(text) => Ok((Expression::Literal(Some(Value::Text(text.into()))), Some(Type::Text))),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.needs(")")?;
                Ok(inner)
            }
            Token::Name(name) => self.named(&name, at),
            Token::Event(name) => {
                let message = format!("events are counted or summed up: write `count(\"{name}\")`");
                Err(error(at, message))
            }
            other => Err(error(at, format!("a value, not {}", other.shown()))),
        }
    }
}

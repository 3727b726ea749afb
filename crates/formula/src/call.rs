//! What begins with a name: functions, aggregates, conditions, measures, and what is known of a party.

use criteria::Rule;
use criteria::rule::{Comparison, Named};
use criteria::value::{Type, Value};

use crate::aggregate::is_aggregate;
use crate::function::{Signature, by_name};
use crate::parse::{Parser, Typed, whole};
use crate::token::{Token, error};
use crate::tree::Expression;
use crate::typing::{Argument, common, fits};
use crate::{Error, INPUTS_MAX};

impl Parser<'_> {
    pub(crate) fn named(&mut self, name: &str, at: usize) -> Result<Typed, Error> {
        match name {
            "true" | "false" => {
                return Ok((Expression::Literal(Some(Value::Boolean(name == "true"))), Some(Type::Boolean)));
            }
            "null" => return Ok((Expression::Literal(None), None)),
            "case" => return self.case(at),
            _ => {}
        }
        if !self.takes("(") {
            return self.measure(name, at);
        }
        if is_aggregate(name, self.peek()) {
            let (rule, of) = self.aggregate(name, at)?;
            self.needs(")")?;
            return Ok((self.input(rule, at)?, of));
        }
        match name {
            "trait" | "tag" | "score" | "stage" | "in_audience" => self.known(name, at),
            "today" => {
                self.needs(")")?;
                Ok((Expression::Today, Some(Type::Instant)))
            }
            "if" => self.conditional(at),
            "coalesce" => {
                let parts = self.arguments()?;
                let of = common(&parts, "coalesce", at)?;
                Ok((Expression::Coalesce(parts.into_iter().map(|(part, ..)| part).collect()), of))
            }
            "is_missing" => {
                let (inner, _) = self.expression()?;
                self.needs(")")?;
                Ok((Expression::IsMissing(Box::new(inner)), Some(Type::Boolean)))
            }
            _ => match by_name(name) {
                Some(signature) => self.call(signature, at),
                None => Err(error(at, format!("there is no function `{name}`"))),
            },
        }
    }

    /// Another formula by its name.
    fn measure(&mut self, name: &str, at: usize) -> Result<Typed, Error> {
        let Some(text) = self.measures.get(name) else {
            let message = format!("there is no measure `{name}`; a trait is written `trait('{name}')`");
            return Err(error(at, message));
        };
        if self.within.iter().any(|outer| outer == name) {
            let circle = self.within.join(" → ");
            return Err(error(at, format!("measures would ask for one another: {circle} → {name}")));
        }
        self.within.push(name.to_owned());
        let found = whole(text, self.measures, self.inputs, self.within);
        self.within.pop();
        found.map_err(|e| Error { measure: e.measure.or_else(|| Some(name.to_owned())), ..e })
    }

    /// What is known of a party besides its events.
    fn known(&mut self, what: &str, at: usize) -> Result<Typed, Error> {
        let (token, inner) = self.next();
        let Token::Text(name) = token else {
            return Err(error(inner, format!("a name in single quotes, not {}", token.shown())));
        };
        self.needs(")")?;
        let named = Named { name: name.clone(), comparison: Comparison::Exists };
        let (rule, of) = match what {
            "trait" => (Rule::Trait(named), None),
            "tag" => (Rule::Tag(named), None),
            "score" => (Rule::Score(named), Some(Type::Number)),
            "stage" => (Rule::Stage(named), Some(Type::Text)),
            _ => (Rule::Audience(name), Some(Type::Boolean)),
        };
        let rule = match rule {
            // A stage is asked for with a state; what is read of it is the state there is.
            Rule::Stage(named) => Rule::Stage(named),
            rule => Rule::parse(&rule.to_json()).map_err(|e| error(inner, e.message))?,
        };
        Ok((self.input(rule, at)?, of))
    }

    /// The place of what is read, by its text from `at` to here.
    fn input(&mut self, rule: Rule, at: usize) -> Result<Expression, Error> {
        if let Some(place) = self.inputs.rules.iter().position(|known| *known == rule) {
            return Ok(Expression::Input(place));
        }
        if self.inputs.rules.len() >= INPUTS_MAX {
            return Err(error(at, format!("a formula reads at most {INPUTS_MAX} things of a party")));
        }
        self.inputs.rules.push(rule);
        let text: String = self.chars[at..self.at()].iter().collect();
        self.inputs.names.push(text.trim_end().to_owned());
        Ok(Expression::Input(self.inputs.rules.len() - 1))
    }

    /// Arguments up to the closing bracket, each with its place.
    fn arguments(&mut self) -> Result<Vec<Argument>, Error> {
        let mut found = Vec::new();
        if self.takes(")") {
            return Ok(found);
        }
        loop {
            let at = self.at();
            let (part, of) = self.expression()?;
            found.push((part, of, at));
            if !self.takes(",") {
                self.needs(")")?;
                return Ok(found);
            }
        }
    }

    fn call(&mut self, signature: &Signature, at: usize) -> Result<Typed, Error> {
        let arguments = self.arguments()?;
        let Signature { name, least, most, .. } = signature;
        if !(*least..=*most).contains(&arguments.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(error(at, format!("`{name}` takes {wanted} values, not {}", arguments.len())));
        }
        for (place, (_, of, at)) in arguments.iter().enumerate() {
            let wanted = signature.takes.get(place).or(signature.takes.last()).copied().flatten();
            fits(*of, wanted, name, *at)?;
        }
        let of = if *name == "nullif" { common(&arguments, name, at)? } else { signature.gives };
        let parts = arguments.into_iter().map(|(part, ..)| part).collect();
        Ok((Expression::Call(signature.function, parts), of))
    }

    fn conditional(&mut self, at: usize) -> Result<Typed, Error> {
        let mut arguments = self.arguments()?;
        if !(2..=3).contains(&arguments.len()) {
            return Err(error(at, "`if` takes a condition, a value, and a value for else"));
        }
        let (condition, of, place) = arguments.remove(0);
        fits(of, Some(Type::Boolean), "if", place)?;
        let of = common(&arguments, "if", at)?;
        let mut parts = arguments.into_iter().map(|(part, ..)| part);
        let value = parts.next().unwrap_or(Expression::Literal(None));
        let other = parts.next().unwrap_or(Expression::Literal(None));
        Ok((Expression::Case(vec![(condition, value)], Box::new(other)), of))
    }

    fn case(&mut self, at: usize) -> Result<Typed, Error> {
        let (mut cases, mut values) = (Vec::new(), Vec::new());
        while self.takes_name("when") {
            let place = self.at();
            let (condition, of) = self.expression()?;
            fits(of, Some(Type::Boolean), "when", place)?;
            self.needs_name("then")?;
            let place = self.at();
            let (value, of) = self.expression()?;
            values.push((value.clone(), of, place));
            cases.push((condition, value));
        }
        if cases.is_empty() {
            return Err(error(self.at(), "`when` is missing after `case`"));
        }
        let mut other = Expression::Literal(None);
        if self.takes_name("else") {
            let place = self.at();
            let (value, of) = self.expression()?;
            values.push((value.clone(), of, place));
            other = value;
        }
        self.needs_name("end")?;
        Ok((Expression::Case(cases, Box::new(other)), common(&values, "case", at)?))
    }
}

//! Calls of functions, `if` and `case`: parts that take several values.

use criteria::value::Type;

use crate::Error;
use crate::function::Signature;
use crate::parse::Parser;
use crate::token::error;
use crate::tree::Expression;
use crate::types::{Typed, common, fits};

impl Parser<'_> {
    pub(crate) fn call(&mut self, signature: &Signature, at: usize) -> Result<Typed, Error> {
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

    pub(crate) fn conditional(&mut self, at: usize) -> Result<Typed, Error> {
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

    pub(crate) fn case(&mut self, at: usize) -> Result<Typed, Error> {
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

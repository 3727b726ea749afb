//! Aggregates over events, as the rules that measure them.

use criteria::Rule;
use criteria::path::Path;
use criteria::rule::{
    Aggregate, Comparison, Duration, EventRule, Events, Filter, Literal, Measure, Period, Relation, Since,
    TextRelation, Window,
};
use criteria::value::Type;
use kernel::Instant;

use crate::Error;
use crate::parse::Parser;
use crate::token::{Token, error};

/// The measure of a name, and whether it measures a property.
fn measure(name: &str) -> Option<(Option<Measure>, Option<Aggregate>)> {
    let plain = match name {
        "count" => Measure::Count,
        "days" => Measure::Days,
        "first_time" => Measure::FirstTime,
        "last_time" => Measure::LastTime,
        _ => {
            let (_, aggregate) = Aggregate::ALL.iter().find(|(known, _)| *known == name)?;
            return Some((None, Some(*aggregate)));
        }
    };
    Some((Some(plain), None))
}

/// Whether `name(` begins an aggregate: events come next.
pub(crate) fn is_aggregate(name: &str, next: &Token) -> bool {
    measure(name).is_some() && matches!(next, Token::Event(_) | Token::Sign("*"))
}

impl Parser<'_> {
    /// What stands between the brackets of an aggregate, as a rule, and the type of its value.
    pub(crate) fn aggregate(&mut self, name: &str, at: usize) -> Result<(Rule, Option<Type>), Error> {
        let events = self.events()?;
        let path = if self.takes(".") { Some(self.path()?) } else { None };
        let (measure, of) = match (measure(name), path) {
            (Some((Some(measure), _)), None) => {
                let is_time = matches!(measure, Measure::FirstTime | Measure::LastTime);
                (measure, Some(if is_time { Type::Instant } else { Type::Number }))
            }
            (Some((_, Some(aggregate))), Some(path)) => {
                let is_any = matches!(aggregate, Aggregate::First | Aggregate::Last);
                (Measure::Of(aggregate, path), if is_any { None } else { Some(Type::Number) })
            }
            (_, Some(_)) => return Err(error(at, format!("`{name}` looks at events, not at a property"))),
            (_, None) => {
                return Err(error(at, format!("`{name}` needs a property: `{name}(\"Event\".property)`")));
            }
        };
        let filters = if self.takes_name("where") { vec![self.any_filter()?] } else { Vec::new() };
        let window = if self.takes(",") { self.window()? } else { Window::Ever };
        let rule = EventRule { events, filters, window, measure, comparison: Comparison::Exists };
        // What the language of rules refuses (limits, empty names) is refused here too.
        let rule = Rule::parse(&Rule::Event(rule).to_json()).map_err(|e| error(at, e.message))?;
        Ok((rule, of))
    }

    fn events(&mut self) -> Result<Events, Error> {
        if self.takes("*") {
            return Ok(Events::Every);
        }
        let mut names = vec![self.event()?];
        while self.takes_name("or") {
            names.push(self.event()?);
        }
        Ok(Events::Named(names))
    }

    fn event(&mut self) -> Result<String, Error> {
        match self.next() {
            (Token::Event(name), _) => Ok(name),
            (other, at) => {
                Err(error(at, format!("the name of an event in double quotes, not {}", other.shown())))
            }
        }
    }

    fn path(&mut self) -> Result<Path, Error> {
        let at = self.at();
        let mut text = String::new();
        loop {
            match self.next() {
                (Token::Name(name) | Token::Event(name), _) => text.push_str(&name),
                (other, at) => {
                    return Err(error(at, format!("the name of a property, not {}", other.shown())));
                }
            }
            if self.takes("[]") {
                text.push_str("[]");
            }
            if !self.takes(".") {
                return Path::parse(&text).map_err(|message| error(at, message));
            }
            text.push('.');
        }
    }

    fn any_filter(&mut self) -> Result<Filter, Error> {
        let mut found = vec![self.all_filter()?];
        while self.takes_name("or") {
            found.push(self.all_filter()?);
        }
        Ok(if found.len() == 1 { found.remove(0) } else { Filter::Any(found) })
    }

    fn all_filter(&mut self) -> Result<Filter, Error> {
        let mut found = vec![self.filter()?];
        while self.takes_name("and") {
            found.push(self.filter()?);
        }
        Ok(if found.len() == 1 { found.remove(0) } else { Filter::All(found) })
    }

    fn filter(&mut self) -> Result<Filter, Error> {
        if self.takes("(") {
            let inner = self.any_filter()?;
            self.needs(")")?;
            return Ok(inner);
        }
        if self.takes_name("not") {
            return Ok(Filter::None(vec![self.filter()?]));
        }
        let path = self.path()?;
        if self.takes_name("exists") {
            return Ok(Filter::Property(path, Comparison::Exists));
        }
        if self.takes_name("missing") {
            return Ok(Filter::Property(path, Comparison::Missing));
        }
        if self.takes_name("in") {
            self.needs("(")?;
            let mut values = vec![self.literal()?];
            while self.takes(",") {
                values.push(self.literal()?);
            }
            self.needs(")")?;
            return Ok(Filter::Property(path, Comparison::In(values)));
        }
        for (name, relation) in TextRelation::ALL {
            if self.takes_name(name) {
                return match self.next() {
                    (Token::Text(text), _) => Ok(Filter::Property(path, Comparison::Text(relation, text))),
                    (other, at) => Err(error(at, format!("a text in single quotes, not {}", other.shown()))),
                };
            }
        }
        let (sign, at) = self.next();
        let relation = match sign {
            Token::Sign("=") => Relation::Eq,
            Token::Sign("!=") => Relation::Ne,
            Token::Sign(">") => Relation::Gt,
            Token::Sign(">=") => Relation::Gte,
            Token::Sign("<") => Relation::Lt,
            Token::Sign("<=") => Relation::Lte,
            other => return Err(error(at, format!("a comparison, not {}", other.shown()))),
        };
        Ok(Filter::Property(path, Comparison::Is(relation, self.literal()?)))
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        let is_minus = self.takes("-");
        match self.next() {
            (Token::Number(text), at) => {
                let text = if is_minus { format!("-{text}") } else { text };
                let number = criteria::number::Number::parse(&text);
                number.map(Literal::Number).ok_or_else(|| error(at, "a number with fewer digits"))
            }
            (Token::Text(text), _) if !is_minus => Ok(Literal::Text(text)),
            (Token::Name(name), _) if name == "true" && !is_minus => Ok(Literal::Boolean(true)),
            (Token::Name(name), _) if name == "false" && !is_minus => Ok(Literal::Boolean(false)),
            (other, at) => {
                Err(error(at, format!("a number, a text or true or false, not {}", other.shown())))
            }
        }
    }

    fn window(&mut self) -> Result<Window, Error> {
        let (token, at) = self.next();
        let Token::Name(word) = &token else {
            return Err(error(at, format!("a window such as `last 30d`, not {}", token.shown())));
        };
        if let Some((_, period)) = Period::ALL.iter().find(|(name, _)| name == word) {
            return Ok(Window::Calendar(*period));
        }
        match word.as_str() {
            "ever" => Ok(Window::Ever),
            "last" => match self.next() {
                (Token::Duration(text), at) => Duration::parse(&text)
                    .map(Window::Last)
                    .ok_or_else(|| error(at, "a duration of at most a hundred years")),
                (other, at) => Err(error(at, format!("a duration such as `30d`, not {}", other.shown()))),
            },
            "since" => {
                let is_last = !self.takes_name("first");
                if is_last {
                    self.takes_name("last");
                }
                let event = self.event()?;
                let filters = if self.takes_name("where") { vec![self.any_filter()?] } else { Vec::new() };
                Ok(Window::Since(Since { event, filters, is_last }))
            }
            "from" => {
                let from = self.instant()?;
                let to = if self.takes_name("to") { Some(self.instant()?) } else { None };
                Ok(Window::Between(Some(from), to))
            }
            "to" => Ok(Window::Between(None, Some(self.instant()?))),
            other => {
                let message = format!(
                    "`{other}` is no window; write `last 30d`, `this_month`, `since last \"Event\"` …"
                );
                Err(error(at, message))
            }
        }
    }

    fn instant(&mut self) -> Result<Instant, Error> {
        let (token, at) = self.next();
        let read = match &token {
            Token::Text(text) => Instant::parse(text),
            _ => None,
        };
        read.ok_or_else(|| {
            error(at, format!("an instant such as `'2026-01-01T00:00:00Z'`, not {}", token.shown()))
        })
    }
}

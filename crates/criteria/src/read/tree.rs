//! JSON whose numbers keep every digit, with the place of each part.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, element, member};

/// A JSON value.
#[derive(Debug)]
pub(super) enum Tree {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        // Checks the syntax and the nesting of the whole once, so that what follows cannot recurse far.
        serde_json::from_str::<&RawValue>(text)
            .and_then(|raw| Self::read(raw.get()))
            .map_err(|cause| Error::new("", format!("not a rule in JSON: {cause}")))
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let text = text.trim();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(text)?;
                let read = members.0.into_iter().map(|(key, raw)| Ok((key, Self::read(raw.get())?)));
                Self::Object(read.collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(|raw| Self::read(raw.get())).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Boolean(serde_json::from_str(text)?),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// What it is, in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.iter().any(|(other, _)| *other == key) {
                        return Err(A::Error::custom(format!("`{key}` is written twice in one object")));
                    }
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A part of a rule and where it stands.
pub(super) struct Node<'a> {
    pub(super) tree: &'a Tree,
    pub(super) pointer: String,
}

impl<'a> Node<'a> {
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.pointer.as_str(), message)
    }

    fn expected(&self, what: &str) -> Error {
        self.error(format!("expected {what}, found {}", self.tree.kind()))
    }

    /// The member called `key`, if the object has it.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let Tree::Object(members) = self.tree else { return None };
        let (_, tree) = members.iter().find(|(name, _)| name == key)?;
        Some(Node { tree, pointer: member(&self.pointer, key) })
    }

    pub(super) fn require(&self, key: &str) -> Result<Node<'a>, Error> {
        self.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    /// An object with no members but these.
    pub(super) fn only(&self, allowed: &[&str]) -> Result<(), Error> {
        let Tree::Object(members) = self.tree else { return Err(self.expected("an object")) };
        match members.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
            Some((key, _)) => Err(Error::new(
                member(&self.pointer, key),
                format!("`{key}` is not known here; allowed: {}", allowed.join(", ")),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn keys(&self) -> Result<impl Iterator<Item = &'a str> + use<'a>, Error> {
        let Tree::Object(members) = self.tree else { return Err(self.expected("an object")) };
        Ok(members.iter().map(|(key, _)| key.as_str()))
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        let Tree::Text(text) = self.tree else { return Err(self.expected("a text")) };
        Ok(text)
    }

    /// A text that can name something.
    pub(super) fn name(&self) -> Result<String, Error> {
        let text = self.text()?;
        if text.is_empty() || text.len() > kernel::limits::NAME_BYTES_MAX {
            let max = kernel::limits::NAME_BYTES_MAX;
            return Err(self.error(format!("a name has 1 to {max} bytes, this one {}", text.len())));
        }
        Ok(text.to_owned())
    }

    pub(super) fn boolean(&self) -> Result<bool, Error> {
        let Tree::Boolean(value) = self.tree else { return Err(self.expected("true or false")) };
        Ok(*value)
    }

    pub(super) fn items(&self) -> Result<impl ExactSizeIterator<Item = Node<'a>> + use<'a>, Error> {
        let Tree::List(items) = self.tree else { return Err(self.expected("a list")) };
        let pointer = self.pointer.clone();
        let node = move |(index, tree)| Node { tree, pointer: element(&pointer, index) };
        Ok(items.iter().enumerate().map(node))
    }

    /// One of the names of a table.
    pub(super) fn one_of<T: Copy>(&self, table: &[(&'static str, T)]) -> Result<T, Error> {
        let text = self.text()?;
        crate::rule::by_name(table, text).ok_or_else(|| {
            let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            self.error(format!("`{text}` is not known; one of: {}", names.join(", ")))
        })
    }
}

//! Files of definitions: read with the line of every value, written so that equal definitions are equal bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::kinds::Kind;

/// Bytes of a file: a rule of everything there is stays far below.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Files of a folder.
const FILES_MAX: usize = 10_000;

/// A definition as a file says it.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// Everything but the id.
    pub(crate) body: Value,
    pub(crate) path: PathBuf,
    /// The line of each value, by JSON pointer.
    pub(crate) lines: BTreeMap<String, u64>,
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    pub(crate) line: Option<u64>,
    pub(crate) message: String,
}

/// What a folder says.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) faults: Vec<Fault>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.message),
            None => write!(f, "{}: {}", self.path.display(), self.message),
        }
    }
}

impl Definition {
    /// Something wrong with the value at a pointer, or with what is nearest above it.
    pub(crate) fn fault(&self, pointer: &str, message: impl Into<String>) -> Fault {
        let mut at = pointer;
        let line = loop {
            match (self.lines.get(at), at.rsplit_once('/')) {
                (Some(line), _) => break Some(*line),
                (None, Some((above, _))) => at = above,
                (None, None) => break None,
            }
        };
        Fault { path: self.path.clone(), line, message: message.into() }
    }
}

/// Reads a folder. What is wrong with single files is in the result; all of it is told at once.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Read> {
    let mut read = Read::default();
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| kind.folder().0 == name);
        match (path.is_dir(), kind) {
            (true, Some(kind)) => {
                for file in entries(&path)? {
                    read.file(kind, file)?;
                }
            }
            (true, None) if !name.starts_with('.') => {
                let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.folder().0).collect();
                let message = format!("no kind of definition; folders are {}", known.join(", "));
                read.faults.push(Fault { path, line: None, message });
            }
            (false, _) if is_yaml(&path) => {
                let message = "a definition lies in the folder of its kind".to_owned();
                read.faults.push(Fault { path, line: None, message });
            }
            _ => {}
        }
    }
    Ok(read)
}

impl Read {
    fn file(&mut self, kind: Kind, path: PathBuf) -> anyhow::Result<()> {
        if !is_yaml(&path) {
            return Ok(());
        }
        if self.definitions.len() >= FILES_MAX {
            anyhow::bail!("more than {FILES_MAX} files");
        }
        let size = std::fs::metadata(&path).with_context(|| path.display().to_string())?.len();
        if size > FILE_BYTES_MAX {
            let message = format!("{size} bytes; at most {FILE_BYTES_MAX}");
            self.faults.push(Fault { path, line: None, message });
            return Ok(());
        }
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        match parse(kind, &path, &text) {
            Ok(definition) => {
                let same = |other: &&Definition| other.kind == kind && other.id == definition.id;
                if let Some(other) = self.definitions.iter().find(same) {
                    let message = format!("`{}` is defined in {} already", other.id, other.path.display());
                    self.faults.push(definition.fault("/id", message));
                } else {
                    self.definitions.push(definition);
                }
            }
            Err(fault) => self.faults.push(fault),
        }
        Ok(())
    }
}

fn parse(kind: Kind, path: &Path, text: &str) -> Result<Definition, Fault> {
    // Else `n`, `yes` and `off` would be no texts.
    let options = serde_saphyr::options! { strict_booleans: true };
    let node: Spanned<Node> = serde_saphyr::from_str_with_options(text, options).map_err(|error| Fault {
        path: path.to_owned(),
        line: error.location().map(|at| at.line()),
        message: error.without_snippet().to_string(),
    })?;
    let mut lines = BTreeMap::new();
    let value = node.value.told(node.referenced.line(), String::new(), &mut lines);
    let mut definition =
        Definition { kind, id: String::new(), body: Value::Null, path: path.to_owned(), lines };
    let Value::Object(mut body) = value else {
        return Err(definition.fault("", "a definition is a mapping that names its `id`"));
    };
    match body.shift_remove("id") {
        Some(Value::String(id)) if !id.is_empty() => definition.id = id,
        _ => return Err(definition.fault("/id", "name the `id`, a text")),
    }
    definition.body = Value::Object(body);
    Ok(definition)
}

/// Where a definition is written that has no file yet, below the folder.
pub(crate) fn place(kind: Kind, id: &str) -> PathBuf {
    let mut name = String::new();
    for c in id.chars() {
        if c.is_alphanumeric() || "-_$".contains(c) {
            name.push(c);
        } else {
            name.push_str(&format!("%{:x}", u32::from(c)));
        }
    }
    Path::new(kind.folder().0).join(format!("{name}.yaml"))
}

/// Writes a definition, replacing the file as a whole.
///
/// # Errors
/// As the file system says.
pub(crate) fn write(path: &Path, id: &str, body: &Value) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut whole = Map::from_iter([("id".to_owned(), Value::from(id))]);
    whole.extend(body.as_object().cloned().unwrap_or_default());
    let text = yaml(&Value::Object(whole))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| folder.display().to_string())?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path).with_context(|| path.display().to_string())?;
    Ok(())
}

/// A value as YAML.
pub(crate) fn yaml(value: &Value) -> anyhow::Result<String> {
    let mut text = serde_saphyr::to_string(value).context("writing YAML")?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let list = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = list.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// A value with the places of the values in it.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl Node {
    /// The value alone; the line of everything in it is noted under its pointer.
    fn told(self, line: u64, pointer: String, lines: &mut BTreeMap<String, u64>) -> Value {
        let value = match self {
            Self::Scalar(value) => value,
            Self::List(items) => {
                let item = |(at, item): (usize, Spanned<Self>)| {
                    item.value.told(item.referenced.line(), format!("{pointer}/{at}"), lines)
                };
                items.into_iter().enumerate().map(item).collect()
            }
            Self::Map(fields) => {
                let field = |(name, field): (String, Spanned<Self>)| {
                    let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    (name, field.value.told(field.referenced.line(), below, lines))
                };
                Value::Object(fields.into_iter().map(field).collect())
            }
        };
        lines.insert(pointer, line);
        value
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

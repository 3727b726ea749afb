//! Distinct texts and their codes, shared by all pieces of one column, so that pieces are put together without
//! translating codes. Codes are only ever added.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criteria::column::Dictionary;
use parking_lot::RwLock;

/// Texts by their codes.
pub(crate) type List = Arc<Vec<Arc<str>>>;

/// Texts of one column after which a column begins a new list: one that has so many repeats few.
const TEXTS_MAX: usize = 1 << 20;

/// The texts of a column.
pub(crate) struct Words {
    id: u64,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    list: List,
    codes: HashMap<Arc<str>, u32>,
}

impl Words {
    pub(crate) fn new() -> Arc<Self> {
        /// Evaluators outlive buckets and scans, so a number is never given twice.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self { id: NEXT.fetch_add(1, Ordering::Relaxed), inner: RwLock::default() })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The codes of texts, new ones for those that are new.
    pub(crate) fn codes<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let mut inner = self.inner.write();
        let Inner { list, codes } = &mut *inner;
        texts.map(|text| code(list, codes, text)).collect()
    }

    /// The codes of texts, some missing.
    pub(crate) fn codes_of<'a>(
        &self,
        texts: impl Iterator<Item = Option<&'a str>>,
        missing: u32,
    ) -> Vec<u32> {
        let mut inner = self.inner.write();
        let Inner { list, codes } = &mut *inner;
        texts.map(|text| text.map_or(missing, |text| code(list, codes, text))).collect()
    }

    /// All texts there are now.
    pub(crate) fn list(&self) -> List {
        self.inner.read().list.clone()
    }

    /// Whether it has grown so long that new pieces better begin another.
    pub(crate) fn is_full(&self) -> bool {
        self.inner.read().list.len() >= TEXTS_MAX
    }
}

fn code(list: &mut List, codes: &mut HashMap<Arc<str>, u32>, text: &str) -> u32 {
    if let Some(code) = codes.get(text) {
        return *code;
    }
    let (code, text) = (list.len() as u32, Arc::<str>::from(text));
    // Copied if a question holds the list as it was.
    Arc::make_mut(list).push(text.clone());
    codes.insert(text, code);
    code
}

/// The texts as they were at one moment: enough for all codes of a column made before.
#[derive(Clone)]
pub(crate) struct Texts {
    pub(crate) words: Arc<Words>,
    list: List,
}

impl Texts {
    pub(crate) fn of(words: &Arc<Words>) -> Self {
        Self { words: words.clone(), list: words.list() }
    }
}

impl Dictionary for Texts {
    fn id(&self) -> u64 {
        self.words.id
    }

    fn len(&self) -> usize {
        self.list.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.list[code as usize]
    }
}

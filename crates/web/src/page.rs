//! Lists are pages with a cursor: `{items, next}`, `next` being absent on the last one.

use kernel::{Failure, limits};

/// One page of a list.
#[derive(Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Hand this to `cursor` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// The query parameters of every list.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items, at most 200; 50 if absent.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The number of items to return.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT).clamp(1, limits::PAGE_ITEMS_MAX) as usize
    }
}

/// Makes an opaque cursor of any serialisable position.
pub fn encode_cursor(position: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(position).expect("positions are plain values");
    json.iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads a cursor made by [`encode_cursor`].
///
/// # Errors
/// [`Failure::Invalid`] for anything else.
pub fn decode_cursor<T: serde::de::DeserializeOwned>(text: &str) -> kernel::Result<T> {
    let invalid = || Failure::invalid("cursor", "not a cursor of this list; leave it out for the first page");
    let bytes: Option<Vec<u8>> = (0..text.len())
        .step_by(2)
        .map(|i| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    serde_json::from_slice(&bytes.ok_or_else(invalid)?).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        let text = encode_cursor(&(17i64, "键"));
        assert_eq!(decode_cursor::<(i64, String)>(&text).unwrap(), (17, "键".to_owned()));
        for wrong in ["", "zz", "1", "7b7d", "é"] {
            assert!(decode_cursor::<(i64, String)>(wrong).is_err(), "{wrong}");
        }
    }
}

//! What a query sees of a table: without what is being erased, and with its JSON columns shown through a
//! function. Both are part of the view the query is planned over, so no expression reaches behind them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, col, create_udf, ident, lit};

use super::provider::Provider;

/// Columns that hold JSON objects, in any table.
const JSON_COLUMNS: [&str; 3] = ["properties", "context", "traits"];

/// How a JSON object is shown to somebody who may not see personal data: a pure function of its text.
#[derive(Clone)]
pub struct Hide(Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Hide {
    /// Shows JSON through `show`.
    pub fn new(show: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(show))
    }
}

impl fmt::Debug for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hide")
    }
}

/// The table that is registered for a provider.
pub(super) fn view(
    context: &SessionContext,
    provider: Arc<Provider>,
    suppressed: &[u64],
    hide: Option<&Hide>,
) -> Result<Arc<dyn TableProvider>> {
    let schema = provider.schema();
    let is_hidden = |name: &str| JSON_COLUMNS.contains(&name);
    let hide = hide.filter(|_| schema.fields().iter().any(|field| is_hidden(field.name())));
    if suppressed.is_empty() && hide.is_none() {
        return Ok(provider);
    }
    let mut rows = context.read_table(provider)?;
    if !suppressed.is_empty() {
        // What is being erased is no longer there for anybody, before its files are rewritten.
        let nodes = suppressed.iter().map(|node| lit(node.cast_signed())).collect();
        rows = rows.filter(col("node_no").in_list(nodes, true))?;
    }
    if let Some(hide) = hide {
        let shown = shown(hide);
        let columns = schema.fields().iter().map(|field| match is_hidden(field.name()) {
            true => shown.call(vec![ident(field.name())]).alias(field.name()),
            false => ident(field.name()),
        });
        rows = rows.select(columns.collect::<Vec<_>>())?;
    }
    Ok(rows.into_view())
}

/// The function as the engine calls it. It is in no catalog, so no statement can name it.
fn shown(hide: &Hide) -> ScalarUDF {
    let hide = hide.clone();
    let show = move |values: &[ColumnarValue]| {
        let array = ColumnarValue::values_to_arrays(values)?;
        let texts = array.first().and_then(|array| array.as_string_opt::<i32>());
        let texts = texts.ok_or_else(|| DataFusionError::Internal("a JSON column is no text".into()))?;
        let shown: StringArray = texts.iter().map(|text| text.map(|text| (hide.0)(text))).collect();
        Ok(ColumnarValue::Array(Arc::new(shown) as ArrayRef))
    };
    create_udf("shown", vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(show))
}

//! Poison: one item that cannot be processed must not stop the others, nor be lost.

use std::panic::{AssertUnwindSafe, catch_unwind};

use db::Tx;
use kernel::Failure;

/// Something done to a slice of items inside a transaction.
pub trait Work<I> {
    /// Does it to all of `items`, or fails.
    ///
    /// # Errors
    /// Whatever makes the slice impossible to process as a whole.
    fn run(&mut self, tx: &mut Tx<'_>, items: &mut [I]) -> kernel::Result<()>;

    /// Puts one item aside that failed alone.
    ///
    /// # Errors
    /// The item could not even be put aside; the whole batch is tried again later.
    fn put_aside(&mut self, tx: &mut Tx<'_>, item: &mut I, reason: &str) -> kernel::Result<()>;

    /// Forgets what was remembered of work that is being undone.
    fn rolled_back(&mut self);
}

/// Runs `work` on `items`; if that fails or panics, undoes it and tries each half, down to the
/// single items that are to blame, which are put aside with the reason.
///
/// # Errors
/// A failure that is nobody's fault ([`Failure::Unavailable`]): the disk is full, another
/// transaction was in the way. The caller rolls back and tries everything again.
pub fn run_bisected<I>(work: &mut dyn Work<I>, tx: &mut Tx<'_>, items: &mut [I]) -> kernel::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    tx.savepoint("batch")?;
    let result = catch_unwind(AssertUnwindSafe(|| work.run(tx, items)));
    let reason = match result {
        Ok(Ok(())) => return Ok(tx.release("batch")?),
        Ok(Err(failure @ Failure::Unavailable { .. })) => return Err(failure),
        Ok(Err(failure)) => failure.to_string(),
        Err(panic) => format!("panic: {}", panic_text(panic.as_ref())),
    };
    tx.rollback_to("batch")?;
    work.rolled_back();
    if let [item] = items {
        return work.put_aside(tx, item, &reason);
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    run_bisected(work, tx, left)?;
    run_bisected(work, tx, right)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

//! A place in a worker's work where a drill can have it wait, to be killed exactly there.

use std::sync::atomic::{AtomicU32, Ordering};

/// Where a worker can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It has been given work and has not begun.
    Plan,
    /// It reads a file.
    Read,
    /// It has worked out its part of an answer and has not said it.
    Answer,
}

impl Point {
    /// The point of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "plan" => Some(Self::Plan),
            "read" => Some(Self::Read),
            "answer" => Some(Self::Answer),
            _ => None,
        }
    }
}

/// Waits for ever at a point.
pub struct Pause {
    point: Point,
    left: AtomicU32,
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Pause {
    /// Waits when `point` is reached for the time after `passed` others; `tell` is called then.
    pub fn new(point: Point, passed: u32, tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self { point, left: AtomicU32::new(passed), tell: Box::new(tell) }
    }

    /// A point is reached.
    pub(super) async fn at(pause: Option<&Self>, point: Point) {
        let Some(pause) = pause.filter(|pause| pause.point == point) else { return };
        let before =
            pause.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(1)));
        if before == Ok(0) {
            (pause.tell)();
            std::future::pending::<()>().await;
        }
    }
}

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pause({:?})", self.point)
    }
}

//! Who applies which commands.

use intake::command::Handler;

/// Every context's handler.
pub fn all() -> Vec<Box<dyn Handler>> {
    vec![
        Box::new(identity::commands::Decide),
        Box::new(intake::stages::SetPlan),
        Box::new(insight::commands::Define),
        Box::new(jobs::commands::Define),
        Box::new(activation::commands::Define),
    ]
}

//! Applies what people decide about the tracking plan.

use db::Tx;
use kernel::Failure;

use crate::batch::Context;
use crate::command::{Command, Handler};
use crate::store::plan::{PlanProperty, plan_set};

/// The command that sets the type of a property.
pub const PLAN_SET: &str = "plan.set";

/// Sets the type of a property.
pub struct SetPlan;

impl Handler for SetPlan {
    fn names(&self) -> &'static [&'static str] {
        &[PLAN_SET]
    }

    fn apply(&mut self, tx: &mut Tx<'_>, context: &Context, command: &Command) -> kernel::Result<()> {
        let property: PlanProperty = serde_json::from_value(command.body.clone())
            .map_err(|e| Failure::invalid("body", e.to_string()))?;
        plan_set(&context.scope, tx, &PlanProperty { first: command.at(), ..property })
    }
}

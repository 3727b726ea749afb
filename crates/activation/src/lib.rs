//! Activation, first part: what is known goes to destinations.

//! P08: people like a few examples.

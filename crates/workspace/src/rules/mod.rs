//! Pure decisions about credentials.

pub mod credential;

//! Pure decisions about credentials, and about what a source may be called and say of itself.

pub mod credential;
pub mod sender;

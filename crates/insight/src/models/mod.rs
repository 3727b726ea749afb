//! The built-in models over stored parties: everybody for a batch, one party for the stream. What they look at and
//! what they say of it is in `models`.

pub mod batch;
mod live;

pub(crate) use live::prepare;

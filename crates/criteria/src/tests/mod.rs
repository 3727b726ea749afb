mod errors;
mod property;
mod specification;

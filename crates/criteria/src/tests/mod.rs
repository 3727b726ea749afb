mod errors;
mod property;
mod specification;
mod spoiled;

mod property;
mod specification;
mod spoiled;

//! Questions over everybody, and the operators that answer them party by party. Pure.

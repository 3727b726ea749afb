//! Analytics: questions over everybody, asked by people.

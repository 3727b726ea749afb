//! Nothing. Its manifest gives third-party crates one set of features whatever `-p` selects (`.config/hakari.toml`).

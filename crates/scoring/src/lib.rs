//! Scores, tiers and stages of a party as pure formulas. Pure.

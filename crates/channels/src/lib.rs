//! Getting something out of the house: one folder a channel.

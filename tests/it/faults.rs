//! Faults to survive, each by the number it has in the project's list, and the tests that show it.

mod bytes;
mod checker;
mod crash;
mod database;
mod providers;
mod queue;
mod time;

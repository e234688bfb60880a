//! The public API, through HTTP, on both databases.

mod onboardings;

//! One integration binary: everything is tested through the front door.

mod deliver;
mod support;

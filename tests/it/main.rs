//! One integration binary: everything is tested through the front door.

mod render;
mod deliver;
mod support;

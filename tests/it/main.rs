//! One integration binary: everything is tested through the front door.

mod api;
mod deliver;
mod flow;
mod render;
mod support;

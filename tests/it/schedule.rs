//! The rules as they come out at the front door: rows written over HTTP, passes and deliveries run `--now`.

mod accounts;
mod as_of;
mod away;
mod changes;
mod channels;
mod customers;
mod days;
mod moments;
mod nudges;
mod sentences;
mod test_mode;

//! The rules as they come out at the front door: rows written over HTTP, passes and deliveries run `--now`.

mod accounts;
mod away;
mod changes;
mod channels;
mod days;
mod nudges;
mod test_mode;

//! Values and rules, pure. Nothing in here knows a database, a network or the time of day; whoever reads it understands the product.
//!
//! [`facts`] is what a decision sees, [`decide`] the rules, with [`slots`] for when and [`routing`] for who and [`findings`] for why; [`plan`] is what they lead to,
//! [`digest`] what a digest says, [`message`] what leaves the house, [`transition`] what a change entails.

pub mod calendar;
pub mod decide;
pub mod digest;
pub mod facts;
pub mod findings;
pub mod forecast;
pub mod ids;
pub mod link;
pub mod meanwhile;
pub mod message;
pub mod plan;
pub mod routing;
pub mod slots;
pub mod timetable;
pub mod transition;
pub mod values;

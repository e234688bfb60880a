//! A digest as it could be.

use pivotal_reminders::domain::digest::{Digest, Group};
use pivotal_reminders::render::samples;

/// Every line's customer.
pub(crate) const CUSTOMER: &str = "Halden Freight";

/// A digest of `count` lines, spread over the groups.
pub(crate) fn digest(count: i64) -> Digest {
    let since = samples::TODAY - chrono::Days::new(5);
    let lines = (0..count)
        .map(|n| {
            let group = Group::ALL[usize::try_from(n).unwrap_or_default() % Group::ALL.len()];
            let line = samples::line(group, n, CUSTOMER, "Integration", since);
            samples::launching(line, samples::TODAY + chrono::Days::new(20))
        })
        .collect();
    samples::digest_of(lines)
}

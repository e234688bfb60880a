//! Who acts at the command line, for the audit log.

use std::os::unix::fs::MetadataExt;

use crate::store::audit::Author;

/// Most characters of a name.
const MOST: usize = 200;

/// Whoever sits at this shell, also behind `sudo`.
pub(super) fn author() -> Author {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| {
        let name: String = std::env::var(name).ok()?;
        let shown: String = name.chars().filter(|c| !c.is_control()).take(MOST).collect();
        (!shown.trim().is_empty()).then_some(shown)
    });
    // In a container nobody may be named; the kernel knows whose process this is.
    let number = || std::fs::metadata("/proc/self").map(|process| format!("uid {}", process.uid()));
    let name = named.or_else(|| number().ok()).unwrap_or_else(|| "somebody".to_owned());
    Author::shell(&name)
}

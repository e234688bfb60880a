//! What this process has in its hands.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The notifications that some task of this process is working on. A row leased to this process that no task works on was orphaned
/// inside a live process, and is rescued like those of dead ones.
#[derive(Debug, Default)]
pub struct Held(Arc<Mutex<HashSet<String>>>);

/// Keeps one notification in [`Held`] until dropped.
#[derive(Debug)]
pub struct Hold {
    held: Arc<Mutex<HashSet<String>>>,
    id: String,
}

impl Held {
    pub(super) fn hold(&self, id: &str) -> Hold {
        lock(&self.0).insert(id.to_owned());
        Hold { held: Arc::clone(&self.0), id: id.to_owned() }
    }

    /// The ids under way.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        lock(&self.0).iter().cloned().collect()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept behind these locks is whole whatever panicked elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

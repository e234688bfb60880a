//! Facts to messages.

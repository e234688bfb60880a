//! Messages to providers.

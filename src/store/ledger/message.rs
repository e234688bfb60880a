//! Messages in the form in which they are stored.

use std::cell::RefCell;

use zstd::bulk::Compressor;

use crate::domain::message::Message;

/// A message in the form in which it is stored.
pub fn pack(message: &Message) -> std::io::Result<Vec<u8>> {
    // A compressor is half a megabyte of tables; making one costs as much as using it.
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    let plain = rmp_serde::to_vec_named(message).map_err(std::io::Error::other)?;
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = match kept.take() {
            Some(compressor) => compressor,
            None => Compressor::new(1)?,
        };
        let packed = compressor.compress(&plain);
        *kept = Some(compressor);
        packed
    })
}

/// The inverse of [`pack`].
pub fn unpack(body: &[u8]) -> std::io::Result<Message> {
    rmp_serde::from_slice(&zstd::decode_all(body)?).map_err(std::io::Error::other)
}

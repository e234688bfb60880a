//! Messages in the form in which they are stored: `MessagePack`, compressed against a dictionary of messages like them.
//!
//! Nine tenths of a mail are what our templates always say. Compressed against a mail that says it too, 30 KB become less than two, in a
//! fraction of the time. A dictionary is kept in the database by the hash of its content, and a message names the one it was packed with:
//! binaries with other templates read each other's messages.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::db::{Conn, DbError};
use crate::domain::message::Message;
use crate::on;

/// The level of compression: with a dictionary a higher one takes longer and saves nothing.
const LEVEL: i32 = 1;

/// Entries of the compressor's table, as a power of two. Starting on a message copies all of it, so it is as small as a dictionary allows.
const HASH_LOG: u32 = 14;

/// A message in the form in which it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// The line by which a person recognises it.
    pub headline: String,
    /// Compressed.
    pub body: Vec<u8>,
    /// Id of the dictionary that it takes to read it.
    pub dictionary_id: Arc<str>,
}

/// Packs messages.
pub struct Packer {
    dictionary: Vec<u8>,
    id: Arc<str>,
    /// Compressors nobody uses at the moment: making one, with its tables of a dictionary, takes as long as packing ten messages.
    idle: Mutex<Vec<Compressor<'static>>>,
}

impl Packer {
    /// A packer for messages like `examples`; keeps its dictionary in the database, where [`message`] finds it.
    ///
    /// # Errors
    /// The database does not take the dictionary.
    pub async fn open(
        conn: &mut Conn,
        examples: &[Message],
        now: DateTime<Utc>,
    ) -> Result<Self, DbError> {
        const SQL: &str = "INSERT INTO dictionaries (id, body, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        let mut dictionary = Vec::new();
        for example in examples {
            dictionary.extend(plain(example).map_err(|error| DbError::Encode(error.into()))?);
        }
        let hash = Sha256::digest(&dictionary);
        let start = hash.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default();
        let id = format!("{start:016x}");
        on!(conn, |c| sqlx::query(SQL)
            .bind(&id)
            .bind(&dictionary)
            .bind(now)
            .execute(c)
            .await
            .map(|_| ()))?;
        Ok(Self { dictionary, id: id.into(), idle: Mutex::default() })
    }

    /// A message in the form in which it is stored.
    pub fn pack(&self, message: &Message) -> io::Result<Packed> {
        let plain = plain(message)?;
        let kept = self.idle().pop();
        let mut compressor = kept.map_or_else(|| self.compressor(), Ok)?;
        let body = compressor.compress(&plain)?;
        self.idle().push(compressor);
        Ok(Packed { headline: message.headline(), body, dictionary_id: Arc::clone(&self.id) })
    }

    fn compressor(&self) -> io::Result<Compressor<'static>> {
        let mut compressor = Compressor::with_dictionary(LEVEL, &self.dictionary)?;
        compressor.set_parameter(CParameter::HashLog(HASH_LOG))?;
        Ok(compressor)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Compressor<'static>>> {
        // What is kept behind this lock is whole whatever panicked elsewhere.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain(message: &Message) -> io::Result<Vec<u8>> {
    rmp_serde::to_vec_named(message).map_err(io::Error::other)
}

/// The message of a notification as rendered last; `None` before that, and after its retention.
pub async fn message(conn: &mut Conn, id: &str) -> Result<Option<Message>, DbError> {
    const SQL: &str = "SELECT m.body, d.body FROM messages m LEFT JOIN dictionaries d ON d.id = m.dictionary_id WHERE m.notification_id = $1";
    let found: Option<(Vec<u8>, Option<Vec<u8>>)> =
        on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?);
    found
        .map(|(body, dictionary)| {
            unpack(&body, dictionary.as_deref().unwrap_or_default())
                .map_err(|error| DbError::Decode(error.into()))
        })
        .transpose()
}

fn unpack(body: &[u8], dictionary: &[u8]) -> io::Result<Message> {
    let decoder = zstd::Decoder::with_dictionary(body, dictionary)?;
    rmp_serde::from_read(decoder).map_err(io::Error::other)
}

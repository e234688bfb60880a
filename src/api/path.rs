//! References in paths.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::domain::ids::Ref;

/// The one parameter of a path, as a reference. What can be none names nothing, and the handler answers as for anything absent.
#[derive(Clone, Debug)]
pub(super) struct PathRef(pub Option<Ref>);

impl<S: Send + Sync> FromRequestParts<S> for PathRef {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        Ok(Self(text.and_then(|Path(text)| Ref::parse(&text))))
    }
}

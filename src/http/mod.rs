//! HTTP/1.1 bytes: what to send, and what came back. Pure: bytes in, facts out.
//!
//! `url` and `request` make the bytes of a request once; `response` reads answers, one parser a
//! connection, in any cut of the stream; `server_request` is its mirror for the built-in target.
//! Below both: `head_reader` takes heads from a stream; `head`, `framing`, `chunked` know the grammar.
//! `headers` finds fields in a kept head. `coding` undoes content codings of whole bodies.

pub mod base64;
pub mod chunked;
pub mod coding;
pub mod cookies;
pub mod digest;
pub mod error;
pub mod form;
pub mod framing;
pub mod head;
pub mod head_reader;
pub mod headers;
pub mod json;
pub mod multipart;
pub mod request;
pub mod response;
pub mod server_request;
pub mod set_cookie;
pub mod url;

pub use error::ParseError;
pub use headers::Head;
pub use request::{RequestError, RequestSpec, RequestTemplate};
pub use response::{HeadCache, Keep, Parsed, Response, ResponseParser};
pub use server_request::{Request, RequestCache, RequestParsed, RequestParser};
pub use url::{Host, Scheme, Target, UrlError};

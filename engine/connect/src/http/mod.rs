//! Requests to a vendor. What only reads is a [`ReadRequest`], what changes something is a [`Mutation`], which is made from
//! an `Approved` and nothing else.
//!
//! Mutations are sent once, on a fresh connection (an idle one may have been closed by the other side, and then nobody
//! knows whether the request was read), and no redirect is followed, so the token goes nowhere else.

mod limiter;
mod login;
pub mod outcome;
mod path;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reframe_workflow::{
    gate::Approved,
    system::{ReadError, WriteError},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent,
    http::{Method, Request, header},
};

pub use self::{
    limiter::{Allowance, Limiter},
    login::Login,
    outcome::{Answer, Broken},
    path::{BadSegment, Path},
};
use self::{
    login::Door,
    outcome::{broken, pause_ms, read_error, write_error, write_without_answer, write_without_read},
};
use crate::secret::Secret;

/// Longest answer read, in bytes: a page of 100 HubSpot notes of 65,536 characters, or one message of Gmail's largest.
const MAX_BODY: u64 = 48 * 1_024 * 1_024;
/// Bodies of token endpoints are short.
const MAX_TOKEN_BODY: u64 = 64 * 1_024;

/// Where a vendor is and how long we wait.
#[derive(Clone, Debug)]
pub struct Wire {
    /// `https://api.hubapi.com`, without a slash at the end.
    pub base_url: String,
    /// For one request from connecting to the last byte, in ms.
    pub timeout_ms: u64,
    /// How much we may ask.
    pub allowance: Allowance,
    /// Longest wait of ours for the allowance, in ms; beyond it the caller is told to wait.
    pub patience_ms: u64,
}

/// An address nobody may be asked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address that may be asked: write https://HOST (http:// only for this machine)")]
pub struct BadAddress(String);

/// A request that changes nothing.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    path: Path,
    body: Option<Value>,
    cost: u32,
}

impl ReadRequest {
    /// A `GET`.
    #[must_use]
    pub const fn get(path: Path) -> Self {
        Self { path, body: None, cost: 1 }
    }

    /// A `POST` that only reads; nothing unless it is one of the few we know to do so.
    #[must_use]
    pub fn post(path: Path, body: Value) -> Option<Self> {
        only_reads(path.without_query()).then_some(Self { path, body: Some(body), cost: 1 })
    }

    /// With another price than one unit.
    #[must_use]
    pub const fn costing(mut self, units: u32) -> Self {
        self.cost = units;
        self
    }
}

/// The `POST`s that read: HubSpot's reading of many records at once.
fn only_reads(path: &str) -> bool {
    let rest = path.strip_prefix(crate::hubspot::API.objects).and_then(|r| r.strip_prefix('/'));
    rest.and_then(|r| r.strip_suffix("/batch/read")).is_some_and(|kind| !kind.is_empty() && !kind.contains('/'))
}

/// How a [`Mutation`] is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Makes something.
    Post,
    /// Changes part of something.
    Patch,
}

/// A request that changes something. Private fields: it comes from [`Mutation::new`], which takes an `Approved`.
///
/// ```compile_fail
/// use reframe_connect::http::{Mutation, Path, Verb};
/// // There is nothing to give for the first argument but an approval.
/// let path = Path::new("/crm/v3/objects", &["notes"]).unwrap();
/// let mutation = Mutation::new(&"please", Verb::Post, path, serde_json::json!({}));
/// ```
///
/// The same with an approval is accepted:
///
/// ```
/// use reframe_connect::http::{Mutation, Path, Verb};
/// fn note(approved: &reframe_workflow::gate::Approved) -> Mutation {
///     let path = Path::new("/crm/v3/objects", &["notes"]).unwrap();
///     Mutation::new(approved, Verb::Post, path, serde_json::json!({}))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Mutation {
    verb: Verb,
    path: Path,
    body: Value,
    cost: u32,
    marker: String,
}

impl Mutation {
    /// A request for what was approved.
    #[must_use]
    pub fn new(approved: &Approved, verb: Verb, path: Path, body: Value) -> Self {
        Self { verb, path, body, cost: 1, marker: approved.marker().as_str().to_owned() }
    }

    /// With another price than one unit.
    #[must_use]
    pub const fn costing(mut self, units: u32) -> Self {
        self.cost = units;
        self
    }
}

/// A vendor's API. Its methods block.
#[derive(Debug)]
pub struct Http {
    system: &'static str,
    wire: Wire,
    agent: Agent,
    door: Door,
    limiter: Mutex<Limiter>,
    started: Instant,
}

impl Http {
    /// The API at `wire`, entered by `login`.
    ///
    /// # Errors
    /// [`BadAddress`]: keys go over TLS, or to this very machine.
    pub fn new(system: &'static str, wire: Wire, login: Login) -> Result<Self, BadAddress> {
        check_address(&wire.base_url)?;
        if let Login::Refresh { token_url, .. } = &login {
            check_address(token_url)?;
        }
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_millis(wire.timeout_ms)))
            // Shorter, so that a host that cannot be reached is told from one that does not answer.
            .timeout_connect(Some(Duration::from_millis(wire.timeout_ms / 2)))
            .user_agent(concat!("reframe/", env!("CARGO_PKG_VERSION")));
        let limiter = Mutex::new(Limiter::new(wire.allowance));
        Ok(Self {
            system,
            wire,
            agent: config.build().into(),
            door: Door::new(login),
            limiter,
            started: Instant::now(),
        })
    }

    /// Reads; nothing if there is nothing there. A token that has run out is renewed once.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read<T: DeserializeOwned>(&self, request: &ReadRequest) -> Result<Option<T>, ReadError> {
        let (method, body) = match &request.body {
            Some(body) => (Method::POST, body.to_string().into_bytes()),
            None => (Method::GET, Vec::new()),
        };
        let mut answer = self.allowed(&method, &request.path, &body, request.cost)?;
        if answer.0.status == 401 && self.door.refused(&answer.1) {
            answer = self.allowed(&method, &request.path, &body, request.cost)?;
        }
        let answer = answer.0;
        let odd = |problem| ReadError::Odd { system: self.system.to_owned(), problem };
        if !answer.is_success() {
            // Only the vendor's own 404 says that a record is not there.
            let vendor = answer.json().is_ok_and(|json| json.is_object());
            return if answer.status == 404 && vendor { Ok(None) } else { Err(read_error(self.system, &answer)) };
        }
        let json = answer.json().map_err(|problem| match answer.body {
            Err(_) => ReadError::Unreachable { system: self.system.to_owned(), problem },
            Ok(_) => odd(problem),
        })?;
        serde_json::from_value(json).map(Some).map_err(|e| odd(format!("{}: {e}", request.path.without_query())))
    }

    /// Sends a change, once. What it answers, `null` if that is empty.
    ///
    /// # Errors
    /// [`WriteError`]. When the token had run out it was not done; the next attempt gets a new one.
    pub fn write(&self, mutation: &Mutation) -> Result<Value, WriteError> {
        let token = self.token().map_err(|e| write_without_read(&e))?;
        let wait = |wait_ms| WriteError::NotDone { problem: "our own limit for requests is reached".into(), wait_ms };
        self.wait_turn(mutation.cost).map_err(wait)?;
        let method = if mutation.verb == Verb::Post { Method::POST } else { Method::PATCH };
        tracing::info!(system = self.system, path = mutation.path.without_query(), marker = mutation.marker, "write");
        let body = mutation.body.to_string().into_bytes();
        let answer = self.send(&method, &mutation.path, &body, &token).map_err(|b| write_without_answer(&b))?;
        if answer.is_success() {
            // It was done, but by which id we cannot tell.
            return answer.json().map_err(|problem| WriteError::Unknown { problem });
        }
        if answer.status == 401 && self.door.refused(&token) {
            return Err(WriteError::NotDone { problem: "the token had run out".into(), wait_ms: 0 });
        }
        Err(write_error(&answer))
    }

    fn allowed(&self, method: &Method, path: &Path, body: &[u8], cost: u32) -> Result<(Answer, Secret), ReadError> {
        let system = || self.system.to_owned();
        let token = self.token()?;
        self.wait_turn(cost).map_err(|wait_ms| ReadError::Busy { system: system(), wait_ms })?;
        let answer = self.send(method, path, body, &token).map_err(|b| match b {
            Broken::NeverLeft(problem) | Broken::Lost(problem) => ReadError::Unreachable { system: system(), problem },
        })?;
        Ok((answer, token))
    }

    fn token(&self) -> Result<Secret, ReadError> {
        self.door.token(self.system, |url, form| {
            let request = Request::post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            self.exchange(request, form.into_bytes(), MAX_TOKEN_BODY)
        })
    }

    /// Waits until `cost` may be spent.
    ///
    /// # Errors
    /// The wait in ms, if it is longer than our patience.
    fn wait_turn(&self, cost: u32) -> Result<(), u64> {
        let mut patience = self.wire.patience_ms;
        loop {
            let taken = self.limiter().take(self.now_ms(), cost);
            match taken {
                Ok(()) => return Ok(()),
                Err(wait_ms) if wait_ms > patience => return Err(wait_ms),
                Err(wait_ms) => {
                    patience -= wait_ms;
                    std::thread::sleep(Duration::from_millis(wait_ms));
                }
            }
        }
    }

    fn limiter(&self) -> std::sync::MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn send(&self, method: &Method, path: &Path, body: &[u8], token: &Secret) -> Result<Answer, Broken> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.wire.base_url))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        let answer = self.exchange(request, body.to_vec(), MAX_BODY);
        let status = answer.as_ref().map_or(0, |a| a.status);
        tracing::debug!(system = self.system, %method, path = path.without_query(), status, "request");
        if let Some(wait_ms) = answer.as_ref().ok().filter(|a| !a.is_success()).and_then(pause_ms) {
            self.limiter().pause(self.now_ms(), wait_ms);
        }
        answer
    }

    fn exchange(&self, request: ureq::http::request::Builder, body: Vec<u8>, most: u64) -> Result<Answer, Broken> {
        let request = request.body(body).map_err(|e| Broken::NeverLeft(e.to_string()))?;
        exchange(&self.agent, request, most).map_err(|e| broken(&e))
    }
}

/// Sends a request and reads its answer, at most `most` bytes of it.
pub(crate) fn exchange(agent: &Agent, request: Request<Vec<u8>>, most: u64) -> Result<Answer, ureq::Error> {
    let mut response =
        if request.method() == Method::GET { agent.run(request.map(|_| ())) } else { agent.run(request) }?;
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
    // Seconds; the form with a date is not used by the vendors we speak to.
    let retry_after_ms = retry_after.and_then(|v| v.trim().parse::<u64>().ok()).map(|s| s.saturating_mul(1_000));
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(most).read_to_vec().map_err(|e| e.to_string());
    Ok(Answer { status, retry_after_ms, body })
}

/// Whether keys may be sent there.
///
/// # Errors
/// [`BadAddress`].
pub(crate) fn check_address(url: &str) -> Result<(), BadAddress> {
    let bad = || BadAddress(url.chars().take(80).collect());
    let uri: ureq::http::Uri = url.parse().map_err(|_| bad())?;
    let here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let sound = match uri.scheme_str() {
        Some("https") => uri.host().is_some(),
        Some("http") => here,
        _ => false,
    };
    let bare = uri.query().is_none() && !url.ends_with('/') && !url.contains('@');
    if sound && bare { Ok(()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_over_tls_or_nowhere() {
        for good in ["https://api.hubapi.com", "http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:9"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in
            ["http://api.hubapi.com", "https://", "ftp://x", "x", "", "https://a/", "https://a?b", "https://u:p@a"]
        {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_post_that_could_write_is_no_read() {
        let post = |segments: &[&str]| {
            let path = Path::new(crate::hubspot::API.objects, segments).unwrap();
            ReadRequest::post(path, Value::Null).is_some()
        };
        assert!(post(&["notes", "batch", "read"]));
        for bad in [&["notes"][..], &["notes", "batch", "create"], &["batch", "read"], &["a", "b", "batch", "read"]] {
            assert!(!post(bad), "{bad:?}");
        }
        let gmail = Path::new("/gmail/v1/users/me/messages/batch/read", &[]).unwrap();
        assert!(ReadRequest::post(gmail, Value::Null).is_none());
    }
}

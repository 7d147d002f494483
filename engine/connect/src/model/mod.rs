//! Language models behind `reframe_workflow`'s port: the two shapes of HTTP interface that hosted and local servers speak.
//!
//! A request goes out once, on a connection of its own, with nothing but the question in it. One is under way at a time.
//! When a provider says stop, nothing more goes out until its wait is over. Neither question nor answer is ever logged, and
//! errors quote neither.

mod anthropic;
mod openai;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reframe_workflow::drafting::{ModelError, Reply, Request, WritingModel};
use serde::Deserialize;
use serde_json::Value;
use ureq::{
    Agent,
    http::{Request as HttpRequest, header, request::Builder},
};

use crate::{
    http::{Allowance, Answer, BadAddress, Limiter, check_address, exchange},
    secret::Secret,
};

/// Longest answer read, in bytes: far beyond any number of tokens we ask for.
const MAX_BODY: u64 = 1_024 * 1_024;
/// Wait after "too many requests" of a provider that does not say how long.
const BUSY_MS: u64 = 5_000;
/// Longest wait a provider may ask for.
const LONGEST_MS: u64 = 60 * 60 * 1_000;

/// Which of the two shapes an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// `/v1/messages`.
    Anthropic,
    /// `/v1/chat/completions`: also Ollama, vLLM, llama.cpp and most gateways.
    Openai,
}

impl Provider {
    /// The word in settings, artifacts and the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
        }
    }

    /// The vendor's own address.
    #[must_use]
    pub const fn home(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::Openai => "https://api.openai.com",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Openai => "/v1/chat/completions",
        }
    }
}

/// Where a model is and how it is entered.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its shape.
    pub provider: Provider,
    /// Its address without the path: `http://127.0.0.1:11434`; nothing: the vendor's own.
    pub base_url: Option<String>,
    /// Name of the model there.
    pub model: String,
    /// Key; a server on this machine mostly wants none.
    pub key: Option<Secret>,
}

/// A model at the other end of a connection.
#[derive(Debug)]
pub struct HttpModel {
    provider: Provider,
    base_url: String,
    model: String,
    key: Option<Secret>,
    name: String,
    agent: Agent,
    /// Held while a request is under way: there is one at a time.
    limiter: Mutex<Limiter>,
    started: Instant,
}

impl HttpModel {
    /// The model at `endpoint`. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`BadAddress`]: questions and keys go over TLS, or to this very machine.
    pub fn new(endpoint: Endpoint) -> Result<Self, BadAddress> {
        let Endpoint { provider, base_url, model, key } = endpoint;
        let base_url = base_url.unwrap_or_else(|| provider.home().to_owned());
        check_address(&base_url)?;
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("reframe/", env!("CARGO_PKG_VERSION")));
        let name = format!("{}:{model}", provider.as_str());
        // Only its pauses are of use here: how many requests there are is decided by who asks.
        let limiter = Mutex::new(Limiter::new(Allowance { units: u32::MAX, window_ms: 1 }));
        Ok(Self {
            provider,
            base_url,
            model,
            key,
            name,
            agent: config.build().into(),
            limiter,
            started: Instant::now(),
        })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn request(&self, request: &Request) -> Result<HttpRequest<Vec<u8>>, ureq::http::Error> {
        let builder = HttpRequest::post(format!("{}{}", self.base_url, self.provider.path()))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json");
        let (builder, body): (Builder, Value) = match self.provider {
            Provider::Anthropic => {
                (anthropic::headers(builder, self.key.as_ref()), anthropic::body(&self.model, request))
            }
            Provider::Openai => (
                openai::headers(builder, self.key.as_ref()),
                openai::body(&self.model, request, self.base_url == Provider::Openai.home()),
            ),
        };
        builder.body(body.to_string().into_bytes())
    }

    fn read(&self, answer: &Answer) -> Result<Reply, ModelError> {
        if !answer.is_success() {
            return Err(refused(answer));
        }
        let odd = |problem: &str| ModelError::Odd { problem: problem.to_owned() };
        let body = answer.body.as_ref().map_err(|_| ModelError::Unreachable { problem: "it broke off".to_owned() })?;
        // A cut body is a broken connection, not another form.
        let json: Value = serde_json::from_slice(body).map_err(|e| {
            if e.is_eof() { ModelError::Unreachable { problem: "it broke off".to_owned() } } else { odd("no JSON") }
        })?;
        match self.provider {
            Provider::Anthropic => anthropic::reply(&json),
            Provider::Openai => openai::reply(&json),
        }
    }
}

impl WritingModel for HttpModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn write(&self, request: &Request) -> Result<Reply, ModelError> {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.take(self.now_ms(), 1).map_err(|wait_ms| ModelError::Busy { wait_ms })?;
        let limit = Duration::from_millis(request.timeout_ms);
        let began = Instant::now();
        let http = self.request(request).map_err(|e| ModelError::Odd { problem: e.to_string() })?;
        let http = self.agent.configure_request(http).timeout_global(Some(limit)).build();
        let result = match exchange(&self.agent, http, MAX_BODY) {
            Ok(answer) => self.read(&answer),
            Err(ureq::Error::Timeout(_)) => Err(ModelError::TimedOut),
            Err(error) => Err(ModelError::Unreachable { problem: error.to_string() }),
        };
        let result = match result {
            // It began to answer and did not end in time.
            Err(ModelError::Unreachable { .. }) if began.elapsed() >= limit => Err(ModelError::TimedOut),
            other => other,
        };
        if let Err(ModelError::Busy { wait_ms }) = result {
            limiter.pause(self.now_ms(), wait_ms);
        }
        let outcome = result.as_ref().map_or_else(|e| e.reason().code(), |_| "answered");
        tracing::debug!(model = self.name, outcome, "a model was asked");
        result
    }
}

/// What an answer that is no yes means. Its text is not quoted: it may repeat what it was asked.
fn refused(answer: &Answer) -> ModelError {
    let status = answer.status;
    match status {
        // 529: Anthropic, overloaded.
        429 | 503 | 529 => ModelError::Busy { wait_ms: answer.retry_after_ms.unwrap_or(BUSY_MS).min(LONGEST_MS) },
        401 | 403 => ModelError::Forbidden { status },
        404 => ModelError::Odd { problem: "HTTP 404; check workflow.drafting.base_url and model".to_owned() },
        408 | 500.. => ModelError::Unreachable { problem: format!("HTTP {status}") },
        _ => {
            let json = answer.json().unwrap_or_default();
            let kind = json["error"]["type"].as_str().filter(|k| k.len() <= 40).unwrap_or_default();
            let kind: String = kind.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').collect();
            ModelError::Odd { problem: format!("HTTP {status} {kind}").trim_end().to_owned() }
        }
    }
}

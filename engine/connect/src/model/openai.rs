//! The shape of `/v1/chat/completions`.

use reframe_workflow::drafting::{ModelError, Reply, Request};
use serde_json::{Value, json};
use ureq::http::{header, request::Builder};

use crate::secret::Secret;

pub(super) fn headers(builder: Builder, key: Option<&Secret>) -> Builder {
    match key {
        Some(key) => builder.header(header::AUTHORIZATION, format!("Bearer {}", key.expose())),
        None => builder,
    }
}

/// `at_home`: the vendor's own models know only the newer name of the limit, and other servers mostly only the older one.
pub(super) fn body(model: &str, request: &Request, at_home: bool) -> Value {
    let limit = if at_home { "max_completion_tokens" } else { "max_tokens" };
    json!({
        "model": model,
        limit: request.max_tokens,
        "stream": false,
        "messages": [
            { "role": "system", "content": request.system },
            { "role": "user", "content": request.prompt },
        ],
    })
}

pub(super) fn reply(json: &Value) -> Result<Reply, ModelError> {
    let choice = &json["choices"][0];
    let message = &choice["message"];
    if message.is_null() {
        return Err(ModelError::Odd { problem: "no choices".to_owned() });
    }
    match choice["finish_reason"].as_str() {
        Some("length") => return Err(ModelError::CutOff),
        Some("content_filter") => return Err(ModelError::Declined),
        _ => {}
    }
    if message["refusal"].as_str().is_some_and(|r| !r.is_empty()) {
        return Err(ModelError::Declined);
    }
    let text = message["content"].as_str().unwrap_or_default().to_owned();
    let usage = &json["usage"];
    Ok(Reply { text, tokens_in: usage["prompt_tokens"].as_u64(), tokens_out: usage["completion_tokens"].as_u64() })
}

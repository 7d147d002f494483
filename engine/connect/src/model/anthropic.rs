//! The shape of `/v1/messages`.

use reframe_workflow::drafting::{ModelError, Reply, Request};
use serde_json::{Value, json};
use ureq::http::request::Builder;

use crate::secret::Secret;

/// Version of the interface we speak.
const VERSION: &str = "2023-06-01";

pub(super) fn headers(builder: Builder, key: Option<&Secret>) -> Builder {
    let builder = builder.header("anthropic-version", VERSION);
    match key {
        Some(key) => builder.header("x-api-key", key.expose()),
        None => builder,
    }
}

pub(super) fn body(model: &str, request: &Request) -> Value {
    json!({
        "model": model,
        "max_tokens": request.max_tokens,
        "system": request.system,
        "messages": [{ "role": "user", "content": request.prompt }],
    })
}

pub(super) fn reply(json: &Value) -> Result<Reply, ModelError> {
    match json["stop_reason"].as_str() {
        Some("max_tokens" | "model_context_window_exceeded") => return Err(ModelError::CutOff),
        Some("refusal") => return Err(ModelError::Declined),
        _ => {}
    }
    let parts = json["content"].as_array().ok_or_else(|| ModelError::Odd { problem: "no content".to_owned() })?;
    let text = parts.iter().filter(|p| p["type"] == "text").filter_map(|p| p["text"].as_str()).collect();
    let usage = &json["usage"];
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"].map(|n| usage[n].as_u64().unwrap_or(0));
    Ok(Reply {
        text,
        tokens_in: usage["input_tokens"].as_u64().map(|n| n.saturating_add(cached[0]).saturating_add(cached[1])),
        tokens_out: usage["output_tokens"].as_u64(),
    })
}

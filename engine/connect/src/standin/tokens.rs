//! Who is let in, and giving out tokens for a refresh token.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    KEY, REFRESH_TOKEN,
    wire::{Reply, Request},
};

/// Tokens given out, with their end in ms of the stand-in's clock.
#[derive(Debug, Default)]
pub struct Tokens {
    given: Vec<(String, u64)>,
    refused: BTreeSet<String>,
}

impl Tokens {
    pub fn lets_in(&self, token: Option<&str>, now_ms: u64) -> bool {
        let Some(token) = token else { return false };
        let given = self.given.iter().any(|(t, until)| t == token && now_ms < *until);
        (given || token == KEY) && !self.refused.contains(token)
    }

    /// This token is let in no more; the fixed key is refused this once.
    pub fn refuse(&mut self, token: Option<&str>) {
        self.refused.extend(token.filter(|t| *t != KEY).map(str::to_owned));
    }

    pub fn give(&mut self, request: &Request, now_ms: u64, life_ms: u64) -> Reply {
        let grant = request.form("grant_type");
        let sound =
            grant.as_deref() == Some("refresh_token") && request.form("client_id").is_some_and(|c| !c.is_empty());
        if !sound || request.form("refresh_token").as_deref() != Some(REFRESH_TOKEN) {
            let body =
                json!({ "error": "invalid_grant", "error_description": "the refresh token is expired or revoked" });
            return Reply::json(400, &body);
        }
        let token = format!("standin-access-{}", self.given.len() + 1);
        self.given.push((token.clone(), now_ms + life_ms));
        let body = json!({
            "access_token": token,
            "refresh_token": REFRESH_TOKEN,
            "expires_in": life_ms / 1_000,
            "token_type": "bearer",
        });
        Reply::json(200, &body)
    }
}

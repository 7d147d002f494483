//! What has to be said about a Gmail mailbox.

use serde::Deserialize;

use super::NAME;
use crate::{
    http::{Allowance, BadAddress, Http, Login, Wire},
    secret::{NoSecret, Secret},
};

/// A Gmail mailbox. Keys are named by environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address of the API.
    pub base_url: String,
    /// Where tokens are given out.
    pub token_url: String,
    /// The app's name at Google.
    pub client_id: String,
    /// Variable with the app's password.
    pub client_secret_env: String,
    /// Variable with the token that the mailbox's owner gave.
    pub refresh_token_env: String,
    /// Variable with a token that is used as it is, instead of the three above: for an hour's trial.
    pub token_env: Option<String>,
    /// The sender's address; left out, Gmail puts in the mailbox's own.
    pub from: Option<String>,
    /// Quota units allowed in a minute (Gmail: 15,000 a user).
    pub units_per_minute: u32,
    /// Longest time for one request, in ms.
    pub timeout_ms: u64,
    /// Longest wait of ours for our own limit, in ms.
    pub patience_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://gmail.googleapis.com".into(),
            token_url: "https://oauth2.googleapis.com/token".into(),
            client_id: String::new(),
            client_secret_env: "GMAIL_CLIENT_SECRET".into(),
            refresh_token_env: "GMAIL_REFRESH_TOKEN".into(),
            token_env: None,
            from: None,
            units_per_minute: 15_000,
            timeout_ms: 15_000,
            patience_ms: 5_000,
        }
    }
}

/// Settings that lead nowhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadSettings {
    /// A key is missing.
    #[error(transparent)]
    Secret(#[from] NoSecret),
    /// The address is none.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// Nobody to be.
    #[error("client_id is empty; write the app's client id from Google's console")]
    NoClient,
}

impl Settings {
    /// The way in, with keys from the environment.
    pub(super) fn login(&self) -> Result<Login, BadSettings> {
        Ok(match &self.token_env {
            Some(name) => Login::Key(Secret::from_env(name)?),
            None if self.client_id.is_empty() => return Err(BadSettings::NoClient),
            None => Login::Refresh {
                token_url: self.token_url.clone(),
                client_id: self.client_id.clone(),
                client_secret: Secret::from_env(&self.client_secret_env)?,
                refresh_token: Secret::from_env(&self.refresh_token_env)?,
            },
        })
    }

    pub(super) fn open(&self, login: Login) -> Result<Http, BadSettings> {
        let wire = Wire {
            base_url: self.base_url.clone(),
            timeout_ms: self.timeout_ms,
            allowance: Allowance { units: self.units_per_minute, window_ms: 60_000 },
            patience_ms: self.patience_ms,
        };
        Ok(Http::new(NAME, wire, login)?)
    }
}

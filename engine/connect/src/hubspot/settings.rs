//! What has to be said about a HubSpot account.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{API, NAME, mapping::BadField};
use crate::{
    http::{Allowance, BadAddress, Http, Login, Wire},
    secret::{NoSecret, Secret},
};

/// HubSpot counts requests over ten seconds.
const WINDOW_MS: u64 = 10_000;

/// A HubSpot account. Keys are named by environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address of the API.
    pub base_url: String,
    /// Variable with the key of a private app; not used with `oauth`.
    pub token_env: String,
    /// How a public app gets its tokens.
    pub oauth: Option<OAuth>,
    /// Requests allowed in ten seconds: 100 for private apps on small plans, 110 for public apps, 190 and more on large plans.
    pub requests_per_10_s: u32,
    /// Longest time for one request, in ms.
    pub timeout_ms: u64,
    /// Longest wait of ours for our own limit, in ms.
    pub patience_ms: u64,
    /// Time zone days are meant in: `Europe/Berlin`.
    pub zone: String,
    /// Number of the account, for addresses a person can open.
    pub portal: Option<u64>,
    /// Other properties for our fields, by kind: `[fields.deal] next_step_date = "next_step_on"`.
    pub fields: BTreeMap<String, BTreeMap<String, String>>,
}

/// A public app's way in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// The app's name at HubSpot.
    pub client_id: String,
    /// Variable with its password.
    pub client_secret_env: String,
    /// Variable with the token that the account's owner gave.
    pub refresh_token_env: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://api.hubapi.com".into(),
            token_env: "HUBSPOT_TOKEN".into(),
            oauth: None,
            requests_per_10_s: 100,
            // A write asks up to five things; together they must end within the outbox's lease of two minutes.
            timeout_ms: 15_000,
            patience_ms: 5_000,
            zone: "UTC".into(),
            portal: None,
            fields: BTreeMap::new(),
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
    /// The time zone is none.
    #[error("`{0}` is no time zone; write one like Europe/Berlin")]
    Zone(String),
    /// A field that nobody knows, or a kind.
    #[error(transparent)]
    Field(BadField),
}

impl Settings {
    /// The way in, with keys from the environment.
    pub(super) fn login(&self) -> Result<Login, BadSettings> {
        Ok(match &self.oauth {
            None => Login::Key(Secret::from_env(&self.token_env)?),
            Some(oauth) => Login::Refresh {
                token_url: format!("{}{}", self.base_url, API.token),
                client_id: oauth.client_id.clone(),
                client_secret: Secret::from_env(&oauth.client_secret_env)?,
                refresh_token: Secret::from_env(&oauth.refresh_token_env)?,
            },
        })
    }

    pub(super) fn open(&self, login: Login) -> Result<(Http, TimeZone), BadSettings> {
        let zone = TimeZone::get(&self.zone).map_err(|_| BadSettings::Zone(self.zone.clone()))?;
        let wire = Wire {
            base_url: self.base_url.clone(),
            timeout_ms: self.timeout_ms,
            allowance: Allowance { units: self.requests_per_10_s, window_ms: WINDOW_MS },
            patience_ms: self.patience_ms,
        };
        Ok((Http::new(NAME, wire, login)?, zone))
    }
}

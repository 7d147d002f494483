//! Letting ourselves in: a fixed key, or a short-lived token got with a refresh token.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reframe_workflow::system::ReadError;

use super::{Answer, Broken, outcome::read_error, path::form};
use crate::secret::Secret;

/// A token is renewed this long before its end, so that it does not run out on the way.
const EARLY: Duration = Duration::from_secs(60);
/// Life of a token whose endpoint does not say: the shortest we know of (HubSpot's half an hour), halved.
const UNSAID: Duration = Duration::from_secs(15 * 60);

/// How a vendor lets us in.
#[derive(Clone, Debug)]
pub enum Login {
    /// A key that does not change: HubSpot's private apps.
    Key(Secret),
    /// OAuth 2.0 with a refresh token that was got before (RFC 6749, section 6).
    Refresh {
        /// Where tokens are given out.
        token_url: String,
        /// Our name there.
        client_id: String,
        /// Our password there.
        client_secret: Secret,
        /// What the person who let us in gave.
        refresh_token: Secret,
    },
}

#[derive(Debug)]
struct Token {
    secret: Secret,
    until: Instant,
}

/// A [`Login`] and the token it has at the moment.
#[derive(Debug)]
pub(super) struct Door {
    login: Login,
    token: Mutex<Option<Token>>,
}

impl Door {
    pub(super) const fn new(login: Login) -> Self {
        Self { login, token: Mutex::new(None) }
    }

    /// A token that should work. `post` sends a form to an address.
    pub(super) fn token(
        &self,
        system: &str,
        post: impl FnOnce(&str, String) -> Result<Answer, Broken>,
    ) -> Result<Secret, ReadError> {
        let Login::Refresh { token_url, client_id, client_secret, refresh_token } = &self.login else {
            let Login::Key(key) = &self.login else { unreachable!("there are two kinds") };
            return Ok(key.clone());
        };
        // Held while asking: two threads must not ask for two tokens.
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = token.as_ref().filter(|t| Instant::now() < t.until) {
            return Ok(token.secret.clone());
        }
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose()),
            ("refresh_token", refresh_token.expose()),
        ]);
        let unreachable = |problem| ReadError::Unreachable { system: system.to_owned(), problem };
        let answer = post(token_url, body).map_err(|b| match b {
            Broken::NeverLeft(p) | Broken::Lost(p) => unreachable(format!("its token endpoint: {p}")),
        })?;
        if !answer.is_success() {
            let error = read_error(system, &answer);
            return Err(match error {
                ReadError::Odd { system, problem } | ReadError::Forbidden { system, problem } => {
                    let problem = format!("{problem}; connect {system} again to get a new refresh token");
                    ReadError::Forbidden { system, problem }
                }
                other => other,
            });
        }
        let odd = |problem: &str| ReadError::Odd { system: system.to_owned(), problem: problem.to_owned() };
        // What stands in this answer is secret: errors must not quote it.
        let json = answer.json().map_err(|_| odd("its token endpoint's answer is no JSON"))?;
        let secret = json["access_token"].as_str().and_then(Secret::new);
        let secret = secret.ok_or_else(|| odd("its token endpoint's answer has no access_token"))?;
        let life = json["expires_in"].as_u64().map_or(UNSAID, Duration::from_secs);
        *token = Some(Token { secret: secret.clone(), until: Instant::now() + life.saturating_sub(EARLY) });
        Ok(secret)
    }

    /// Throws the token away that was refused. Whether there can be another.
    pub(super) fn refused(&self, refused: &Secret) -> bool {
        if matches!(self.login, Login::Key(_)) {
            return false;
        }
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.as_ref().is_some_and(|t| t.secret == *refused) {
            *token = None;
        }
        true
    }
}

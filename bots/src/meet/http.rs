//! One request over HTTPS: `connectActiveConference`. And the access token it needs.

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use ureq::Agent;

use super::protocol::{self, ConnectRefused, MAX_MESSAGE_BYTES, Sdp};

/// Where Google answers.
pub const GOOGLE: &str = "https://meet.googleapis.com";
/// For the whole request.
const REQUEST: Duration = Duration::from_secs(20);

/// How often an empty token file is read again, and how long apart: writing a line takes far less.
const REFILL_TRIES: u32 = 10;
const REFILL_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Where the access token comes from. It is never shown.
#[derive(Clone)]
pub enum TokenSource {
    /// This one. When it is no longer good, the call cannot be joined again.
    Fixed(String),
    /// A file that somebody keeps up to date; read anew for every request.
    File(PathBuf),
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_) => f.write_str("Fixed"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl TokenSource {
    /// The token as it is now.
    ///
    /// # Errors
    /// If the file cannot be read or holds no token.
    pub fn read(&self) -> anyhow::Result<String> {
        let mut text = self.read_once()?;
        // Whoever renews the file may have emptied it and not filled it again yet.
        for _ in 0..REFILL_TRIES {
            if !text.trim().is_empty() || !self.may_change() {
                break;
            }
            std::thread::sleep(REFILL_PAUSE);
            text = self.read_once()?;
        }
        let token = text.trim();
        ensure!(!token.is_empty(), "the access token is empty");
        ensure!(token.chars().all(|c| c.is_ascii_graphic()), "the access token holds characters no token has");
        Ok(token.to_owned())
    }

    fn read_once(&self) -> anyhow::Result<String> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::File(path) => std::fs::read_to_string(path)
                .with_context(|| format!("the file with the access token, {}, cannot be read", path.display())),
        }
    }

    /// May a later reading give another token?
    #[must_use]
    pub const fn may_change(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Google said no.
    #[error(transparent)]
    Refused(#[from] ConnectRefused),
    /// Google could not be reached.
    #[error("Google cannot be reached: {0}")]
    Offline(String),
    /// The address or the token cannot be used.
    #[error("{0:#}")]
    Setup(anyhow::Error),
}

/// Sends the offer and gives the answer.
///
/// # Errors
/// [`ConnectError`] with Google's words.
pub async fn connect(base: &str, space: &str, token: &str, offer: &Sdp) -> Result<Sdp, ConnectError> {
    let (url, token, body) = (protocol::connect_url(base, space), token.to_owned(), protocol::connect_request(offer));
    tokio::task::spawn_blocking(move || post(&url, &token, &body))
        .await
        .map_err(|error| ConnectError::Offline(error.to_string()))?
}

fn post(url: &str, token: &str, body: &str) -> Result<Sdp, ConnectError> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(REQUEST))
        .http_status_as_error(false)
        // A token must not follow to somewhere else.
        .max_redirects(0)
        .build()
        .into();
    let sent = agent
        .post(url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .send(body);
    let mut response = match sent {
        Ok(response) => response,
        Err(ureq::Error::BadUri(why)) => {
            return Err(ConnectError::Setup(anyhow::anyhow!("{url} is no address: {why}")));
        }
        Err(error) => return Err(ConnectError::Offline(error.to_string())),
    };
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_MESSAGE_BYTES as u64)
        .read_to_vec()
        .map_err(|error| ConnectError::Offline(format!("its answer broke off: {error}")))?;
    Ok(protocol::connect_response(status, &body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_is_read_anew_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let source = TokenSource::File(path.clone());
        assert!(source.read().unwrap_err().to_string().contains("cannot be read"));
        std::fs::write(&path, "ya29.one\n").unwrap();
        assert_eq!(source.read().unwrap(), "ya29.one");
        std::fs::write(&path, "ya29.two").unwrap();
        assert_eq!(source.read().unwrap(), "ya29.two");
        std::fs::write(&path, " \n").unwrap();
        assert!(source.read().is_err());
        // Emptied, and filled a moment later.
        std::fs::write(&path, "").unwrap();
        let file = path.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(REFILL_PAUSE * 3);
            std::fs::write(file, "ya29.three").unwrap();
        });
        let token = source.read();
        writer.join().unwrap();
        assert_eq!(token.unwrap(), "ya29.three");
        let fixed = TokenSource::Fixed("ya29.secret".into());
        assert!(!format!("{fixed:?} {source:?}").contains("ya29"));
        assert!(TokenSource::Fixed("a b\u{7}".into()).read().is_err());
    }
}

//! Who may feed a call: the port the application's tokens stand behind.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::socket::protocol::{Code, Refusal};

/// Decides what a token lets its bearer do.
pub trait Access: Send + Sync + 'static {
    /// What `token` allows. `None` is a sender that brought none.
    ///
    /// # Errors
    /// [`Refusal`] with [`Code::Unauthorized`]: missing, wrong or expired; it says which.
    fn admit(&self, token: Option<&str>) -> Result<Grant, Refusal>;
}

/// What a good token allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The one call its bearer may feed; `None`: any.
    pub call: Option<String>,
}

impl Grant {
    /// The call to open when `asked` was named: the token's own if nothing was asked.
    ///
    /// # Errors
    /// [`Refusal`] if the token is for another call.
    pub fn call_for(&self, asked: Option<&str>) -> Result<Option<String>, Refusal> {
        match (&self.call, asked) {
            (Some(own), Some(asked)) if own != asked => {
                let message = format!("this token is for another call than `{asked}`; ask for one for this call");
                Err(Refusal::new(Code::Unauthorized, message))
            }
            (Some(own), _) => Ok(Some(own.clone())),
            (None, asked) => Ok(asked.map(str::to_owned)),
        }
    }
}

/// One token for all, or none at all: for a loopback address, and for tests.
#[derive(Clone)]
pub struct OneToken(Option<String>);

impl OneToken {
    /// Lets in who brings `token`; everybody if there is none.
    #[must_use]
    pub fn new(token: Option<String>) -> Arc<Self> {
        Arc::new(Self(token))
    }
}

impl Access for OneToken {
    fn admit(&self, token: Option<&str>) -> Result<Grant, Refusal> {
        let fits = match &self.0 {
            None => true,
            // Takes as long for a near miss as for a far one.
            Some(wanted) => bool::from(token.unwrap_or_default().as_bytes().ct_eq(wanted.as_bytes())),
        };
        if fits { Ok(Grant::default()) } else { Err(wrong_token()) }
    }
}

/// The refusal of somebody without a good token.
#[must_use]
pub fn wrong_token() -> Refusal {
    Refusal::new(Code::Unauthorized, "wrong or missing token; send it as `Authorization: Bearer TOKEN`")
}

/// The bearer token of an `Authorization` header's value.
#[must_use]
pub fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, token) = header?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_fits() {
        let one = OneToken::new(Some("secret-secret".into()));
        assert!(one.admit(Some("secret-secret")).is_ok());
        for wrong in [None, Some(""), Some("secret-secre"), Some("secret-secret ")] {
            assert_eq!(one.admit(wrong).unwrap_err().code, Code::Unauthorized);
        }
        assert!(OneToken::new(None).admit(None).is_ok());
        assert_eq!(bearer(Some("bearer  x ")), Some("x"));
        assert_eq!(bearer(Some("Basic x")), None);
    }

    #[test]
    fn a_token_for_one_call_opens_no_other() {
        let grant = Grant { call: Some("a".into()) };
        assert_eq!(grant.call_for(None), Ok(Some("a".into())));
        assert_eq!(grant.call_for(Some("a")), Ok(Some("a".into())));
        assert_eq!(grant.call_for(Some("b")).unwrap_err().code, Code::Unauthorized);
        assert_eq!(Grant::default().call_for(Some("b")), Ok(Some("b".into())));
    }
}

//! Gmail's JSON, as far as we read it. Whatever may be left out is optional.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: String,
    pub thread_id: Option<String>,
    #[serde(default)]
    pub label_ids: Vec<String>,
    /// The whole message, in base64.
    pub raw: Option<String>,
    /// Ms since 1970, as text.
    pub internal_date: Option<String>,
    pub payload: Option<Part>,
}

#[derive(Debug, Deserialize)]
pub struct Part {
    #[serde(default)]
    pub headers: Vec<Header>,
}

#[derive(Debug, Deserialize)]
pub struct Header {
    pub name: String,
    pub value: String,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = &self.payload.as_ref()?.headers;
        headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.trim())
    }

    pub fn is_sent(&self) -> bool {
        self.label_ids.iter().any(|l| l == "SENT")
    }

    pub fn is_draft(&self) -> bool {
        self.label_ids.iter().any(|l| l == "DRAFT")
    }
}

#[derive(Debug, Deserialize)]
pub struct Draft {
    pub message: Message,
}

/// Something in a list: its id alone.
#[derive(Debug, Deserialize)]
pub struct Listed {
    pub id: String,
}

/// Lists leave out the list when it is empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    #[serde(default)]
    pub messages: Vec<Listed>,
    pub next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drafts {
    #[serde(default)]
    pub drafts: Vec<Listed>,
    pub next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Thread {
    #[serde(default)]
    pub messages: Vec<Message>,
}

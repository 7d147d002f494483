//! Reads a message: the parts that matter to us.

use mail_parser::{Address, MessageParser};
use reframe_workflow::gate::Mail;

/// What a message has as fields of a record: our names.
pub const FIELDS: [&str; 7] = ["message_id", "from", "to", "cc", "subject", "body", "in_reply_to"];

/// A message as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its `Message-ID` in angle brackets; empty if it has none.
    pub message_id: String,
    /// Address of the sender.
    pub from: Option<String>,
    /// Addresses it goes to.
    pub to: Vec<String>,
    /// Addresses that get a copy.
    pub cc: Vec<String>,
    /// Addresses that get a copy nobody sees.
    pub bcc: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Its text, lines ended by `\n`, without line breaks at the end.
    pub body: String,
    /// `Message-ID` of what it answers.
    pub in_reply_to: Option<String>,
    /// When it was written, in ms since 1970-01-01 UTC.
    pub date_unix_ms: Option<i64>,
    /// Addresses in `List-Unsubscribe`, in order: `mailto:…`, `https://…`.
    pub unsubscribe: Vec<String>,
    /// How many files hang on it.
    pub attachments: usize,
}

/// Reads a message; nothing if it is none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Message> {
    let parsed = MessageParser::default().parse(bytes)?;
    let framed = |id: &str| format!("<{id}>");
    Some(Message {
        message_id: parsed.message_id().map(framed).unwrap_or_default(),
        from: addresses(parsed.from()).into_iter().next(),
        to: addresses(parsed.to()),
        cc: addresses(parsed.cc()),
        bcc: addresses(parsed.bcc()),
        subject: parsed.subject().unwrap_or_default().to_owned(),
        body: parsed.body_text(0).unwrap_or_default().replace("\r\n", "\n").trim_end_matches('\n').to_owned(),
        in_reply_to: parsed.in_reply_to().as_text().map(framed),
        date_unix_ms: parsed.date().map(|d| d.to_timestamp().saturating_mul(1_000)),
        unsubscribe: parsed.header_raw("List-Unsubscribe").map(bracketed).unwrap_or_default(),
        attachments: parsed.attachment_count(),
    })
}

/// What stands between angle brackets.
fn bracketed(raw: &str) -> Vec<String> {
    let inside = raw.split('<').skip(1).filter_map(|part| part.split_once('>'));
    inside.map(|(uri, _)| uri.split_whitespace().collect()).collect()
}

fn addresses(list: Option<&Address<'_>>) -> Vec<String> {
    list.into_iter().flat_map(Address::iter).filter_map(|a| a.address.as_deref().map(str::to_owned)).collect()
}

impl Message {
    /// It as fields of a record, in the order of [`FIELDS`]; lists are joined by `, `.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, Option<String>); FIELDS.len()] {
        let values = [
            Some(self.message_id.clone()),
            self.from.clone(),
            Some(self.to.join(", ")),
            Some(self.cc.join(", ")),
            Some(self.subject.clone()),
            Some(self.body.clone()),
            self.in_reply_to.clone(),
        ];
        let mut values = values.into_iter();
        FIELDS.map(|name| (name, values.next().flatten().filter(|v| !v.is_empty())))
    }

    /// What in it is not as in `mail`, the first thing found. Its `Message-ID` may be another: mailboxes give drafts new
    /// ones.
    #[must_use]
    pub fn differs_from(&self, mail: &Mail) -> Option<&'static str> {
        let stop = mail.unsubscribe.iter().flat_map(|u| [Some(format!("mailto:{}", u.mailto)), u.https.clone()]);
        let stop: Vec<String> = stop.flatten().collect();
        let body = mail.body.replace("\r\n", "\n");
        [
            (self.to == mail.to, "its recipients"),
            (self.cc == mail.cc && self.bcc.is_empty(), "who gets a copy"),
            (self.subject == mail.subject, "its subject"),
            (self.body == body.trim_end_matches('\n'), "its text"),
            (self.in_reply_to == mail.in_reply_to, "what it answers"),
            (self.unsubscribe == stop, "how to stop further ones"),
            (self.attachments == 0, "what hangs on it"),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }
}

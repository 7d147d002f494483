//! The words of the Google Meet Media API: the answer to `connectActiveConference` and the messages of the data
//! channels. No IO. Shapes after developers.google.com/workspace/meet/media-api and Google's published clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// Longest message of a data channel or of the HTTP answer, in bytes: what Google's clients allow in their offers
/// (`a=max-message-size:262144`).
pub const MAX_MESSAGE_BYTES: usize = 262_144;
/// Most resources of one message. A Meet conference has at most 1,000 participants.
pub const MAX_RESOURCES: usize = 2_000;
/// Longest name or text that is kept, in characters: what the engine's ingest takes.
pub const MAX_CHARS: usize = 200;
/// Most sections and names of a statistics allowlist.
const MAX_ALLOWED: usize = 200;

/// Labels of the data channels.
pub mod channel {
    /// Waiting, joined, disconnected; leaving.
    pub const SESSION_CONTROL: &str = "session-control";
    /// What the client must report about its connection.
    pub const MEDIA_STATS: &str = "media-stats";
    /// Which CSRC is whose.
    pub const MEDIA_ENTRIES: &str = "media-entries";
    /// Who is there.
    pub const PARTICIPANTS: &str = "participants";
    /// All that a client without video opens, in the order Google's clients do.
    pub const ALL: [&str; 4] = [SESSION_CONTROL, MEDIA_STATS, MEDIA_ENTRIES, PARTICIPANTS];
}

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("a message of {0} bytes; at most {MAX_MESSAGE_BYTES} are read")]
    TooLong(usize),
    /// No JSON object, or a known field of another kind.
    #[error("not a message of the Meet Media API: {0}")]
    Strange(String),
    /// More than [`MAX_RESOURCES`] resources.
    #[error("{0} resources in one message; at most {MAX_RESOURCES} are read")]
    TooMany(usize),
}

/// A session description. It holds the password of a connection, so it shows only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sdp(pub String);

impl fmt::Debug for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp({} bytes)", self.0.len())
    }
}

/// Spells the body of `connectActiveConference`.
#[must_use]
pub fn connect_request(offer: &Sdp) -> String {
    json!({ "offer": offer.0 }).to_string()
}

/// The address of `connectActiveConference` for a space: `spaces/abc`, `abc`, or a meeting code `abc-defg-hij`.
#[must_use]
pub fn connect_url(base: &str, space: &str) -> String {
    let space = space.trim().trim_start_matches("spaces/");
    format!("{}/v2beta/spaces/{space}:connectActiveConference", base.trim_end_matches('/'))
}

/// May this be the name of a space? It becomes part of an address.
#[must_use]
pub fn is_space(space: &str) -> bool {
    let name = space.trim().trim_start_matches("spaces/");
    !name.is_empty() && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Why a conference was not connected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectRefused {
    /// The token is missing, wrong or no longer good.
    #[error("Google does not take the access token: {0}")]
    Token(String),
    /// Not allowed: scopes, enrolment in the preview, the host's or admin's settings, or a person who has to agree.
    #[error("Google refuses the connection: {0}")]
    Forbidden(String),
    /// No such space, or nobody is in it.
    #[error("no conference is running there: {0}")]
    NoConference(String),
    /// Something about our request.
    #[error("Google does not take the request: {0}")]
    BadRequest(String),
    /// Come back later.
    #[error("Google is busy: {0}")]
    Busy(String),
    /// The answer makes no sense.
    #[error("the answer cannot be read: {0}")]
    Strange(String),
}

/// Reads the answer to `connectActiveConference`.
///
/// # Errors
/// [`ConnectRefused`] with Google's words.
pub fn connect_response(http_status: u16, body: &[u8]) -> Result<Sdp, ConnectRefused> {
    if body.len() > MAX_MESSAGE_BYTES {
        return Err(ConnectRefused::Strange(Unreadable::TooLong(body.len()).to_string()));
    }
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if http_status == 200 {
        return match value.get("answer").and_then(Value::as_str) {
            Some(answer) if answer.starts_with("v=0") => Ok(Sdp(answer.to_owned())),
            _ => Err(ConnectRefused::Strange("it holds no session description".into())),
        };
    }
    let error = &value["error"];
    let status = error["status"].as_str().unwrap_or_default();
    let message = match error["message"].as_str() {
        Some(message) if !message.is_empty() => short(message),
        _ => format!("HTTP status {http_status}"),
    };
    Err(match (http_status, status) {
        (401, _) | (_, "UNAUTHENTICATED") => ConnectRefused::Token(message),
        // Encrypted or watermarked meetings and consent that is missing are conditions of the meeting, not of the request.
        (403, _) | (_, "PERMISSION_DENIED" | "FAILED_PRECONDITION") => ConnectRefused::Forbidden(message),
        (404, _) | (_, "NOT_FOUND") => ConnectRefused::NoConference(message),
        (408 | 409 | 429 | 500..=599, _) => ConnectRefused::Busy(message),
        _ => ConnectRefused::BadRequest(message),
    })
}

/// The answer with an SSRC in every audio section. Google need not name the SSRCs of its virtual streams, but the WebRTC
/// library takes no answer of several sections without; packets are told apart by the SSRC they carry, not by these.
#[must_use]
pub fn with_streams_named(answer: &Sdp) -> Sdp {
    let mut out = String::with_capacity(answer.0.len() + 100);
    for (n, section) in answer.0.split_inclusive('\n').fold(Vec::<String>::new(), by_section).iter().enumerate() {
        out.push_str(section);
        if section.starts_with("m=audio ") && !section.contains("\na=ssrc:") {
            // Writing to a string cannot fail.
            let _written = write!(out, "a=ssrc:{n} cname:unnamed\r\n");
        }
    }
    Sdp(out)
}

/// Gathers lines into the session's part and one part for each media section.
fn by_section(mut sections: Vec<String>, line: &str) -> Vec<String> {
    match sections.last_mut() {
        Some(section) if !line.starts_with("m=") => section.push_str(line),
        _ => sections.push(line.to_owned()),
    }
    sections
}

/// Keeps what fits a status line, without control characters.
#[must_use]
pub fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect::<String>().trim().to_owned()
}

/// What a data channel says: resources that replace what was known under their ids, ids that are gone, and an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update<T> {
    /// New or changed resources with their ids.
    pub resources: Vec<(i64, T)>,
    /// Ids that are gone.
    pub deleted: Vec<i64>,
    /// The answer to a request of ours.
    pub response: Option<Response>,
    /// Resources of a kind, or with content, that is not known here: counted, not kept.
    pub unknown: usize,
}

/// The answer to a request of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Number of the request.
    pub request_id: i64,
    /// 0 is good; otherwise a canonical code of google.rpc.
    pub code: i64,
    /// In words; may be empty.
    pub message: String,
}

/// How our connection to the conference stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// Somebody has to let us in.
    Waiting,
    /// Media may come.
    Joined,
    /// It is over.
    Disconnected(DisconnectReason),
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// We left.
    ClientLeft,
    /// Somebody in the meeting stopped us.
    UserStopped,
    /// The meeting ended.
    ConferenceEnded,
    /// The connection is no longer any good.
    SessionUnhealthy,
    /// None, or one that is not known here.
    Unknown,
}

impl DisconnectReason {
    /// For the rep.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ClientLeft => "the bot left the meeting",
            Self::UserStopped => "somebody in the meeting stopped the bot",
            Self::ConferenceEnded => "the meeting ended",
            Self::SessionUnhealthy => "Google Meet gave the connection up as unhealthy",
            Self::Unknown => "Google Meet ended the connection and gave no reason",
        }
    }

    /// May we come back?
    #[must_use]
    pub const fn may_reconnect(self) -> bool {
        matches!(self, Self::SessionUnhealthy)
    }
}

/// Whose sound a CSRC is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MediaEntry {
    /// Resource name of the participant.
    pub participant: Option<String>,
    /// Key that also the `participants` channel uses.
    pub participant_key: Option<String>,
    /// Names one device of the participant.
    pub session_name: Option<String>,
    /// The CSRC of its sound; 0 or none while it has none.
    #[serde(deserialize_with = "opt_u32")]
    pub audio_csrc: Option<u32>,
    /// Its microphone is off.
    pub audio_muted: bool,
}

/// A person in the conference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Participant {
    /// Resource name.
    pub name: Option<String>,
    /// Key that also media entries use.
    pub participant_key: Option<String>,
    /// Somebody with a Google account.
    pub signed_in_user: Option<User>,
    /// Somebody who typed a name.
    pub anonymous_user: Option<User>,
    /// Somebody on the phone.
    pub phone_user: Option<User>,
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// `users/…`, of signed-in people.
    pub user: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
}

/// What the client must report, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsConfiguration {
    /// Seconds between two reports; 0 asks for none.
    pub upload_interval_s: u32,
    /// By kind of section (as WebRTC statistics name them): the names that are wanted.
    pub allowlist: BTreeMap<String, BTreeSet<String>>,
}

/// Reads a message of `session-control`.
///
/// # Errors
/// [`Unreadable`].
pub fn session_control(message: &[u8]) -> Result<Update<SessionStatus>, Unreadable> {
    update(message, |resource| {
        let status = resource.get("sessionStatus")?;
        match status.get("connectionState")?.as_str()? {
            "STATE_WAITING" => Some(SessionStatus::Waiting),
            "STATE_JOINED" => Some(SessionStatus::Joined),
            "STATE_DISCONNECTED" => {
                Some(SessionStatus::Disconnected(match status.get("disconnectReason").and_then(Value::as_str) {
                    Some("REASON_CLIENT_LEFT") => DisconnectReason::ClientLeft,
                    Some("REASON_USER_STOPPED") => DisconnectReason::UserStopped,
                    Some("REASON_CONFERENCE_ENDED") => DisconnectReason::ConferenceEnded,
                    Some("REASON_SESSION_UNHEALTHY") => DisconnectReason::SessionUnhealthy,
                    _ => DisconnectReason::Unknown,
                }))
            }
            _ => None,
        }
    })
}

/// Reads a message of `media-entries`.
///
/// # Errors
/// [`Unreadable`].
pub fn media_entries(message: &[u8]) -> Result<Update<MediaEntry>, Unreadable> {
    update(message, |resource| {
        let mut entry: MediaEntry = typed(resource.get("mediaEntry")?)?;
        cut(&mut entry.participant);
        cut(&mut entry.participant_key);
        cut(&mut entry.session_name);
        Some(entry)
    })
}

/// Reads a message of `participants`.
///
/// # Errors
/// [`Unreadable`].
pub fn participants(message: &[u8]) -> Result<Update<Participant>, Unreadable> {
    update(message, |resource| {
        let mut participant: Participant = typed(resource.get("participant")?)?;
        cut(&mut participant.name);
        cut(&mut participant.participant_key);
        for user in [&mut participant.signed_in_user, &mut participant.anonymous_user, &mut participant.phone_user]
            .into_iter()
            .flatten()
        {
            cut(&mut user.user);
            cut(&mut user.display_name);
        }
        Some(participant)
    })
}

/// Reads a message of `media-stats`.
///
/// # Errors
/// [`Unreadable`].
pub fn media_stats(message: &[u8]) -> Result<Update<StatsConfiguration>, Unreadable> {
    update(message, |resource| {
        let configuration = resource.get("configuration")?;
        let upload_interval_s = whole(configuration.get("uploadIntervalSeconds")?)?;
        let mut allowlist = BTreeMap::new();
        if let Some(Value::Object(sections)) = configuration.get("allowlist") {
            for (kind, names) in sections.iter().take(MAX_ALLOWED) {
                let names = names.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let names = names.iter().filter_map(Value::as_str).take(MAX_ALLOWED).map(short).collect();
                allowlist.insert(short(kind), names);
            }
        }
        Some(StatsConfiguration { upload_interval_s: u32::try_from(upload_interval_s).ok()?, allowlist })
    })
}

/// Spells the request to leave.
#[must_use]
pub fn leave_request(request_id: i64) -> String {
    json!({"request": {"requestId": request_id, "leave": {}}}).to_string()
}

/// One section of a statistics report.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsSection {
    /// Kind, as WebRTC statistics name it: `inbound-rtp`.
    pub kind: String,
    /// Id of the section.
    pub id: String,
    /// Its values by their WebRTC names.
    pub values: Map<String, Value>,
}

/// Spells a statistics report: of each section what the allowlist wants. `None` if that is nothing.
#[must_use]
pub fn stats_request(request_id: i64, allowed: &StatsConfiguration, sections: &[StatsSection]) -> Option<String> {
    let wanted: Vec<Value> = sections
        .iter()
        .filter_map(|section| {
            let names = allowed.allowlist.get(&section.kind)?;
            // The id has its place in the section itself.
            let values: Map<String, Value> = section
                .values
                .iter()
                .filter(|(name, _)| *name != "id" && names.contains(*name))
                .map(|(name, value)| (underscored(name), value.clone()))
                .collect();
            if values.is_empty() {
                return None;
            }
            let mut out = Map::new();
            out.insert("id".into(), json!(section.id));
            // Fields of the message are spelled with underscores where statistics have hyphens and capitals.
            out.insert(section.kind.replace('-', "_"), Value::Object(values));
            Some(Value::Object(out))
        })
        .collect();
    let request = json!({"request": {"requestId": request_id, "uploadMediaStats": {"sections": wanted}}});
    (!wanted.is_empty()).then(|| request.to_string())
}

fn underscored(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn update<T>(message: &[u8], read: impl Fn(&Map<String, Value>) -> Option<T>) -> Result<Update<T>, Unreadable> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Unreadable::TooLong(message.len()));
    }
    let strange = |what: &str| Unreadable::Strange(what.to_owned());
    let message: Map<String, Value> =
        serde_json::from_slice(message).map_err(|error| Unreadable::Strange(short(&error.to_string())))?;
    let list = |name: &str| match message.get(name) {
        None | Some(Value::Null) => Ok([].as_slice()),
        Some(Value::Array(list)) if list.len() > MAX_RESOURCES => Err(Unreadable::TooMany(list.len())),
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(_) => Err(Unreadable::Strange(format!("{name} is not a list"))),
    };
    // An id that is left out is 0, as everywhere in messages of this origin.
    let id = |resource: &Map<String, Value>| resource.get("id").map_or(Some(0), whole);
    let mut out = Update { resources: Vec::new(), deleted: Vec::new(), response: None, unknown: 0 };
    for resource in list("resources")? {
        let resource = resource.as_object().ok_or_else(|| strange("a resource is not an object"))?;
        match id(resource).zip(read(resource)) {
            Some(known) => out.resources.push(known),
            None => out.unknown += 1,
        }
    }
    for resource in list("deletedResources")? {
        match resource.as_object().and_then(id) {
            Some(id) => out.deleted.push(id),
            None => out.unknown += 1,
        }
    }
    if let Some(response) = message.get("response").and_then(Value::as_object) {
        let request_id =
            response.get("requestId").and_then(whole).ok_or_else(|| strange("a response without requestId"))?;
        let status = response.get("status").unwrap_or(&Value::Null);
        out.response = Some(Response {
            request_id,
            code: status.get("code").and_then(whole).unwrap_or(0),
            message: status.get("message").and_then(Value::as_str).map(short).unwrap_or_default(),
        });
    }
    Ok(out)
}

fn typed<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// A whole number; messages of this origin may spell 64-bit ones as strings.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn opt_u32<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let value = Option::<Value>::deserialize(from)?;
    Ok(value.as_ref().and_then(whole).and_then(|n| u32::try_from(n).ok()).filter(|n| *n != 0))
}

fn cut(text: &mut Option<String>) {
    if let Some(full) = text {
        *full = short(full);
    }
    if text.as_ref().is_some_and(String::is_empty) {
        *text = None;
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;

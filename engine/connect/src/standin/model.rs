//! A stand-in for a language model, in both shapes: it answers what it is told to, or fails as it is told to, and keeps
//! every byte it was sent.

use std::{
    collections::VecDeque,
    io::{self, BufReader, Read},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

use super::wire::{Reply, Request};

/// Longest silence of [`Play::Hang`], in ms: longer than any test waits.
const HANG_MS: u64 = 20_000;

/// What is answered to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Play {
    /// This text, as the model's.
    Say(String),
    /// A status, with `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// Nothing, until whoever asked goes away.
    Hang,
    /// This text, cut in the middle of the answer's JSON.
    CutBody(String),
    /// This text, with the mark that it is not whole.
    CutText(String),
    /// A refusal.
    Decline,
    /// The connection is dropped.
    Drop,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Everything that was sent, head and body.
    pub bytes: Vec<u8>,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Value,
}

#[derive(Debug, Default)]
struct Script {
    plays: VecDeque<Play>,
    asked: Vec<Asked>,
}

/// A running stand-in; stops when it is dropped.
#[derive(Debug)]
pub struct ModelStandIn {
    at: SocketAddr,
    script: Arc<Mutex<Script>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ModelStandIn {
    /// Starts one on this machine. Requests meet `plays` in turn; whatever comes after the last is answered with 500.
    ///
    /// # Errors
    /// If no port can be had.
    pub fn start(plays: impl IntoIterator<Item = Play>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let at = listener.local_addr()?;
        let script = Arc::new(Mutex::new(Script { plays: plays.into_iter().collect(), asked: Vec::new() }));
        let stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&script), Arc::clone(&stopping));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(stream), script, stop) = (stream, Arc::clone(&shared), Arc::clone(&stop)) else { continue };
                std::thread::spawn(move || connection(&stream, &script, &stop));
            }
        });
        Ok(Self { at, script, stopping, thread: Some(thread) })
    }

    /// Its address: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

impl Drop for ModelStandIn {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        TcpStream::connect(self.at).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Keeps what is read through it.
struct Kept<'a, R> {
    from: R,
    bytes: &'a Mutex<Vec<u8>>,
}

impl<R: Read> Read for Kept<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buf)?;
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend(&buf[..n]);
        Ok(n)
    }
}

fn connection(stream: &TcpStream, script: &Mutex<Script>, stopping: &AtomicBool) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok();
    let bytes = Mutex::new(Vec::new());
    let Ok(Some(request)) = Request::read(BufReader::new(Kept { from: stream, bytes: &bytes }), stream) else { return };
    let play = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        script.asked.push(Asked { bytes, path: request.path.clone(), body: request.json() });
        script.plays.pop_front().unwrap_or(Play::Status(500, None))
    };
    let messages = request.path.ends_with("/v1/messages");
    if !messages && !request.path.ends_with("/v1/chat/completions") {
        Reply::json(404, &json!({ "error": { "type": "not_found_error" } })).send(stream).ok();
        return;
    }
    let said = |text: &str, stop: (&str, &str)| Reply::json(200, &answer(messages, &request.json(), text, stop));
    let whole = ("end_turn", "stop");
    let reply = match &play {
        Play::Say(text) => said(text, whole),
        Play::CutText(text) => said(text, ("max_tokens", "length")),
        Play::Decline => said("", ("refusal", "content_filter")),
        Play::CutBody(text) => {
            let mut reply = said(text, whole);
            reply.body.truncate(reply.body.len() / 2);
            reply
        }
        Play::Status(status, wait_s) => {
            let reply =
                Reply::json(*status, &json!({ "type": "error", "error": { "type": "some_error", "message": "no" } }));
            wait_s.map_or(reply.clone(), |s| reply.with("Retry-After", &s.to_string()))
        }
        Play::Hang | Play::Drop => {
            let mut left = if play == Play::Hang { HANG_MS } else { 0 };
            while left > 0 && !stopping.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(20));
                left = left.saturating_sub(20);
            }
            stream.shutdown(Shutdown::Both).ok();
            return;
        }
    };
    reply.send(stream).ok();
}

/// The answer's JSON, as the vendors' own clients read it.
fn answer(messages: bool, asked: &Value, text: &str, (end, finish): (&str, &str)) -> Value {
    let tokens = |text: &str| text.len().div_ceil(4);
    let (question, said) = (tokens(&asked.to_string()), tokens(text));
    if messages {
        return json!({
            "id": "msg_standin",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [{ "type": "text", "text": text }],
            "stop_reason": end,
            "stop_sequence": null,
            "usage": { "input_tokens": question, "output_tokens": said },
        });
    }
    json!({
        "id": "chatcmpl-standin",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": finish,
        }],
        "usage": { "prompt_tokens": question, "completion_tokens": said, "total_tokens": question + said },
    })
}

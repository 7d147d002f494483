//! Fetching a model's files over HTTP: resumed where it was cut, checked before it counts. The only code of the program
//! that opens a connection to the outside, and only when told to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ureq::{Agent, Body, http::Response};

use super::{
    catalogue::Entry,
    lock::{self, Lock, Pinned, Source},
};

/// Where models are fetched from unless told otherwise.
pub const HUB: &str = "https://huggingface.co";
/// A hub sends one or two redirects.
const MAX_REDIRECTS: usize = 8;
/// No byte for this long means that the connection is dead.
const STALL: Duration = Duration::from_secs(60);

/// Told what happens during a fetch.
pub trait Watch {
    /// A file begins: its name, and its length where the server says it.
    fn begin(&mut self, file: &str, bytes: Option<u64>);
    /// So many bytes of it are here now.
    fn at(&mut self, bytes: u64);
    /// Something worth a line.
    fn note(&mut self, line: &str);
    /// The file is done.
    fn end(&mut self);
}

/// How to fetch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://huggingface.co`, or a mirror laid out like it.
    pub endpoint: String,
    /// Tries per file; each goes on where the one before was cut.
    pub tries: u32,
    /// Wait before the second try; doubles.
    pub pause: Duration,
}

impl Settings {
    /// Three tries from `endpoint`.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), tries: 3, pause: Duration::from_secs(1) }
    }
}

/// Why one try at one file failed.
#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error("{url}: not found (404); the model may have moved")]
    NotFound { url: String },
    #[error("{url}: refused with status {status}{}", hint(*status))]
    Status { url: String, status: u16 },
    #[error(
        "{url}: cannot connect: {why}; is this machine online? Behind a proxy set HTTPS_PROXY, or fetch the files elsewhere and copy them into the folder"
    )]
    Offline { url: String, why: String },
    #[error("cut off after {have} of {} bytes ({why}); run the command again to go on from there", total.map_or_else(|| "unknown".to_owned(), |t| t.to_string()))]
    Cut { have: u64, total: Option<u64>, why: String },
    #[error("{url}: {why}")]
    Odd { url: String, why: String },
    #[error("{}: the disk is full; free some space and run the command again, it goes on where it stopped", path.display())]
    DiskFull { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
}

impl TryError {
    fn disk(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Disk { path, source },
        }
    }

    /// Whether another try may help.
    fn passing(&self) -> bool {
        match self {
            Self::Offline { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => ": the model may need an account; fetch it in a browser and copy the files into the folder",
        429 => ": too many requests; wait a little",
        500.. => ": the server has a problem; try later",
        _ => "",
    }
}

/// Fetches `entry` into `folder`. Files that are there and match the lock are left alone.
///
/// # Errors
/// If a file cannot be fetched, or is not the one expected; says what to do.
pub fn fetch(entry: &Entry, folder: &Path, settings: &Settings, watch: &mut dyn Watch) -> Result<Lock> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let mut lock = Lock::read(folder)?.unwrap_or_else(|| Lock {
        version: 1,
        repo: entry.repo.to_owned(),
        revision: "main".to_owned(),
        files: Default::default(),
    });
    if lock.repo != entry.repo {
        bail!("{}: holds a model of {}, not of {}", folder.join(lock::FILE).display(), lock.repo, entry.repo);
    }
    let agent = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(STALL))
        .timeout_per_read(Some(STALL))
        .user_agent(concat!("reframe/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let wanted = entry.files.iter().map(|f| (f, true)).chain(entry.optional.iter().map(|f| (f, false)));
    for ((remote, here), needed) in wanted {
        let job = Job { agent: &agent, settings, repo: entry.repo, remote, path: folder.join(here) };
        if let Some(pinned) = lock.files.get(*here)
            && let Ok((bytes, sha256)) = lock::hash_file(&job.path, |_| {})
        {
            if bytes == pinned.bytes && sha256 == pinned.sha256 {
                watch.note(&format!("{here}: already here, checksum right"));
                continue;
            }
            watch.note(&format!("{here}: is not the file that was pinned; fetched again"));
        }
        match job.run(&mut lock, here, watch) {
            Ok(()) => lock.write(folder)?,
            Err(e) if !needed && matches!(e.downcast_ref(), Some(TryError::NotFound { .. })) => {
                watch.note(&format!("{here}: this model has none; not needed"));
            }
            Err(e) => return Err(e.context(format!("{here}: not fetched"))),
        }
    }
    Ok(lock)
}

/// What the server says about a file.
#[derive(Debug, Default)]
struct Facts {
    sha256: Option<String>,
    commit: Option<String>,
    total: Option<u64>,
}

struct Job<'a> {
    agent: &'a Agent,
    settings: &'a Settings,
    repo: &'a str,
    remote: &'a str,
    path: PathBuf,
}

impl Job<'_> {
    fn run(&self, lock: &mut Lock, here: &str, watch: &mut dyn Watch) -> Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        let (mut pause, mut restarted) = (self.settings.pause, false);
        let mut tries = 0;
        loop {
            tries += 1;
            let resumed = part.metadata().map_or(0, |m| m.len());
            let facts = match self.try_once(&lock.revision, &part, here, watch) {
                Ok(facts) => facts,
                Err(e) if e.passing() && tries < self.settings.tries => {
                    watch.note(&format!("{here}: {e}; trying again"));
                    std::thread::sleep(pause);
                    pause *= 2;
                    continue;
                }
                Err(e) => return Err(e.into()),
            };
            let (bytes, sha256) = lock::hash_file(&part, |_| {}).map_err(|e| TryError::disk(&part, e))?;
            let pinned = lock.files.get(here);
            let expected = pinned.map(|p| p.sha256.clone()).or(facts.sha256.clone());
            if expected.as_ref().is_some_and(|e| *e != sha256) {
                // A bad file is of no use for resuming: the next try must start from nothing.
                std::fs::remove_file(&part).map_err(|e| TryError::disk(&part, e))?;
                if resumed > 0 && !restarted {
                    restarted = true;
                    watch.note(&format!("{here}: the part fetched earlier does not fit; starting anew"));
                    continue;
                }
                let who = if pinned.is_some() { "model.lock pins" } else { "the hub names" };
                let hint = if pinned.is_some() {
                    "if the model was replaced on purpose, delete model.lock and fetch again"
                } else {
                    "a proxy may have changed it; nothing was kept"
                };
                bail!("wrong checksum: {who} sha256 {}, what came has {sha256}; {hint}", expected.unwrap_or_default());
            }
            std::fs::rename(&part, &self.path).map_err(|e| TryError::disk(&self.path, e))?;
            let source = match pinned.map(|p| p.source) {
                Some(source) => source,
                None if facts.sha256.is_some() => Source::Hub,
                None => Source::FirstFetch,
            };
            // All files of a model are taken from the commit the first one came from.
            if let Some(commit) = facts.commit.filter(|_| lock.files.is_empty()) {
                lock.revision = commit;
            }
            lock.files.insert(here.to_owned(), Pinned { bytes, sha256, source });
            watch.end();
            return Ok(());
        }
    }

    /// Fetches what is still missing of `part`.
    fn try_once(&self, revision: &str, part: &Path, here: &str, watch: &mut dyn Watch) -> Result<Facts, TryError> {
        let mut have = part.metadata().map_or(0, |m| m.len());
        let mut url = format!("{}/{}/resolve/{revision}/{}", self.settings.endpoint, self.repo, self.remote);
        let mut facts = Facts::default();
        let mut redirects = 0;
        let response = loop {
            let response = self.get(&url, have)?;
            facts.learn(&response);
            let status = response.status().as_u16();
            match status {
                200 => break response,
                206 => match content_range(&response) {
                    Some((from, total)) if from == have => {
                        facts.total = total.or(facts.total);
                        break response;
                    }
                    _ => return Err(odd(&url, "the server sent another part than asked for".to_owned())),
                },
                301 | 302 | 303 | 307 | 308 => {
                    redirects += 1;
                    let to = header(&response, "location").unwrap_or_default();
                    let next = resolve(&url, to).ok_or_else(|| odd(&url, format!("redirects to `{to}`")))?;
                    if url.starts_with("https:") && !next.starts_with("https:") {
                        return Err(odd(&url, format!("redirects to {next}, which is not encrypted")));
                    }
                    if redirects > MAX_REDIRECTS {
                        return Err(odd(&url, format!("redirects more than {MAX_REDIRECTS} times")));
                    }
                    url = next;
                }
                // Nothing lies beyond what is here: either it is complete or it belongs to another file.
                416 if have > 0 => {
                    if content_range(&response).and_then(|(_, total)| total).or(facts.total) == Some(have) {
                        return Ok(facts);
                    }
                    std::fs::remove_file(part).map_err(|e| TryError::disk(part, e))?;
                    have = 0;
                    redirects += 1;
                    if redirects > MAX_REDIRECTS {
                        return Err(odd(&url, "refuses every part".to_owned()));
                    }
                }
                404 => return Err(TryError::NotFound { url }),
                status => return Err(TryError::Status { url, status }),
            }
        };
        let length: Option<u64> = header(&response, "content-length").and_then(|l| l.parse().ok());
        if response.status().as_u16() == 200 {
            // The server sends all of it, whatever was asked.
            have = 0;
            facts.total = length.or(facts.total);
        }
        watch.begin(here, facts.total);
        let file = if have > 0 { OpenOptions::new().append(true).open(part) } else { File::create(part) };
        let mut file = file.map_err(|e| TryError::disk(part, e))?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            watch.at(have);
            let got = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => got,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    file.sync_all().map_err(|e| TryError::disk(part, e))?;
                    return Err(TryError::Cut { have, total: facts.total, why: e.to_string() });
                }
            };
            file.write_all(&buffer[..got]).map_err(|e| TryError::disk(part, e))?;
            have += got as u64;
        }
        file.sync_all().map_err(|e| TryError::disk(part, e))?;
        match facts.total {
            Some(total) if have < total => {
                Err(TryError::Cut { have, total: Some(total), why: "the server closed the connection".to_owned() })
            }
            Some(total) if have > total => {
                std::fs::remove_file(part).map_err(|e| TryError::disk(part, e))?;
                Err(odd(&url, format!("sent {have} bytes of a file of {total}")))
            }
            _ => Ok(facts),
        }
    }

    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, TryError> {
        // Compressed on the way, neither lengths nor parts would be those of the file.
        let mut request = self.agent.get(url).header("accept-encoding", "identity");
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        request.call().map_err(|e| match e {
            ureq::Error::BadUri(why) => odd(url, format!("is no address: {why}")),
            ureq::Error::Http(why) => odd(url, format!("is no address: {why}")),
            ureq::Error::Protocol(why) => odd(url, format!("does not speak HTTP: {why}")),
            other => TryError::Offline { url: url.to_owned(), why: other.to_string() },
        })
    }
}

impl Facts {
    /// The hub names a large file's SHA-256 and length on the redirect to where it is stored.
    fn learn(&mut self, response: &Response<Body>) {
        // Not `etag`: for small files that is a git hash, and behind the redirect the storage's own number.
        if let Some(tag) = header(response, "x-linked-etag") {
            let tag = tag.trim_start_matches("W/").trim_matches('"');
            if self.sha256.is_none() && tag.len() == 64 && tag.chars().all(|c| c.is_ascii_hexdigit()) {
                self.sha256 = Some(tag.to_ascii_lowercase());
            }
        }
        if let Some(size) = header(response, "x-linked-size").and_then(|s| s.parse().ok()) {
            self.total = Some(size);
        }
        if let Some(commit) = header(response, "x-repo-commit")
            && commit.len() == 40
            && commit.chars().all(|c| c.is_ascii_hexdigit())
        {
            self.commit = Some(commit.to_owned());
        }
    }
}

fn odd(url: &str, why: String) -> TryError {
    TryError::Odd { url: url.to_owned(), why }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|v| v.to_str().ok())
}

/// First byte and length of the whole from `bytes 5-9/10` (or the length alone from `bytes */10`).
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split('-').next().and_then(|f| f.trim().parse().ok()).unwrap_or(u64::MAX);
    Some((from, total.trim().parse().ok()))
}

/// Where a redirect from `base` to `to` leads.
fn resolve(base: &str, to: &str) -> Option<String> {
    let (scheme, rest) = base.split_once("://")?;
    let host = rest.split('/').next()?;
    if to.starts_with("http://") || to.starts_with("https://") {
        Some(to.to_owned())
    } else if let Some(other) = to.strip_prefix("//") {
        Some(format!("{scheme}://{other}"))
    } else if to.starts_with('/') {
        Some(format!("{scheme}://{host}{to}"))
    } else if to.is_empty() {
        None
    } else {
        let folder = base.split(['?', '#']).next()?.rsplit_once('/')?.0;
        Some(format!("{folder}/{to}"))
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;

//! Fetching from a server of our own on this machine: whole, cut off, wrong, moved, missing.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::*;

const ENTRY: Entry = Entry {
    name: "toy",
    repo: "someone/toy",
    files: &[("config.json", "config.json"), ("big.bin", "model.safetensors")],
    optional: &[("generation_config.json", "generation_config.json")],
    params_m: 0,
    licence: "none",
    note: "",
};
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Clone, Default)]
struct Plan {
    files: BTreeMap<String, Vec<u8>>,
    /// The big file lies behind a redirect that names this checksum, as on the hub.
    named_sha256: Option<String>,
    /// The connection breaks after so many bytes of each answer with a body longer than that.
    cut_after: Option<usize>,
    /// Parts are not served.
    ignore_range: bool,
    /// Answered instead of anything.
    status: Option<u16>,
}

/// Path and range of a request.
type Asked = (String, Option<String>);

struct Server {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            plan: Arc::new(Mutex::new(plan)),
            asked: Arc::default(),
            stop: Arc::default(),
        };
        let (plan, asked, stop) = (Arc::clone(&server.plan), Arc::clone(&server.asked), Arc::clone(&server.stop));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (plan, asked) = (plan.lock().unwrap().clone(), Arc::clone(&asked));
                // One request per connection, and a client that goes away is no failure.
                drop(stream.and_then(|s| serve(s, &plan, &asked)));
            }
        });
        server
    }

    fn settings(&self, tries: u32) -> Settings {
        let mut settings = Settings::new(&format!("http://{}/", self.address));
        settings.tries = tries;
        settings.pause = Duration::ZERO;
        settings
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: TcpStream, plan: &Plan, asked: &Mutex<Vec<Asked>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range:") {
            range = Some(value.trim().to_owned());
        }
    }
    asked.lock().unwrap().push((path.clone(), range.clone()));
    let mut stream = stream;
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some(body) = plan.files.get(name).filter(|_| plan.status.is_none()) else {
        let status = plan.status.unwrap_or(404);
        return write!(stream, "HTTP/1.1 {status} Oh\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
    };
    if let (Some(sha256), true) = (&plan.named_sha256, name == "big.bin" && !path.starts_with("/store/")) {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: /store/{name}\r\nx-linked-etag: \"{sha256}\"\r\nx-linked-size: {}\r\n\
             x-repo-commit: {COMMIT}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            body.len()
        );
    }
    let from: usize = range
        .filter(|_| !plan.ignore_range)
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    if from > 0 && from >= body.len() {
        return write!(
            stream,
            "HTTP/1.1 416 Beyond\r\ncontent-range: bytes */{}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            body.len()
        );
    }
    let part = &body[from..];
    if from > 0 {
        let (last, all) = (body.len() - 1, body.len());
        write!(stream, "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-{last}/{all}\r\n")?;
    } else {
        write!(stream, "HTTP/1.1 200 Fine\r\n")?;
    }
    write!(
        stream,
        "x-repo-commit: {COMMIT}\r\netag: \"{}\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        "ab".repeat(32),
        part.len()
    )?;
    let upto = plan.cut_after.map_or(part.len(), |c| c.min(part.len()));
    stream.write_all(&part[..upto])
}

#[derive(Default)]
struct Notes(Vec<String>, Vec<u64>);

impl Watch for Notes {
    fn begin(&mut self, _file: &str, _bytes: Option<u64>) {}
    fn at(&mut self, bytes: u64) {
        self.1.push(bytes);
    }
    fn note(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }
    fn end(&mut self) {}
}

fn big() -> Vec<u8> {
    (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    std::fs::write(&path, bytes).unwrap();
    lock::hash_file(&path, |_| {}).unwrap().1
}

fn plan() -> Plan {
    let files = [("config.json", b"{}".to_vec()), ("big.bin", big())];
    Plan {
        files: files.into_iter().map(|(n, b)| (n.to_owned(), b)).collect(),
        named_sha256: Some(sha256(&big())),
        ..Plan::default()
    }
}

fn go(server: &Server, folder: &Path, tries: u32) -> (Result<Lock>, Notes) {
    let mut notes = Notes::default();
    (fetch(&ENTRY, folder, &server.settings(tries), &mut notes), notes)
}

fn parts(folder: &Path) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), e.metadata().unwrap().len()))
        .filter(|(name, _)| name.ends_with(".part"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_model_comes_whole_and_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/toy");
    let server = Server::start(plan());
    let (lock, notes) = go(&server, &folder, 1);
    let lock = lock.unwrap();
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), big());
    assert_eq!(std::fs::read(folder.join("config.json")).unwrap(), b"{}");
    assert_eq!(lock, Lock::read(&folder).unwrap().unwrap());
    assert_eq!(lock.revision, COMMIT);
    assert_eq!(lock.files["model.safetensors"].source, Source::Hub);
    assert_eq!(lock.files["config.json"].source, Source::FirstFetch);
    assert_eq!(lock.files["config.json"].sha256, sha256(b"{}"));
    assert!(notes.0.iter().any(|n| n.starts_with("generation_config.json: this model has none")), "{:?}", notes.0);
    assert_eq!(parts(&folder), []);
    let asked = server.asked();
    assert_eq!(asked[0].0, "/someone/toy/resolve/main/config.json");
    assert!(asked[1].0.contains(COMMIT), "the rest comes from the same commit: {asked:?}");

    // A second time nothing is fetched but what is missing.
    let (lock, notes) = go(&server, &folder, 1);
    lock.unwrap();
    assert_eq!(notes.0.iter().filter(|n| n.contains("already here")).count(), 2);
    assert!(server.asked().iter().all(|(path, _)| path.ends_with("generation_config.json")));
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(Plan { cut_after: Some(100_000), ..plan() });
    let (cut, _) = go(&server, dir.path(), 1);
    let message = format!("{:#}", cut.unwrap_err());
    assert!(
        message.contains("cut off after 100000 of 300000 bytes") && message.contains("run the command again"),
        "{message}"
    );
    assert_eq!(parts(dir.path()), [("model.safetensors.part".to_owned(), 100_000)]);
    assert!(!dir.path().join("model.safetensors").exists(), "half a file never has the real name");
    server.asked();
    // Each try brings 100,000 more.
    let (lock, notes) = go(&server, dir.path(), 3);
    lock.unwrap();
    assert_eq!(std::fs::read(dir.path().join("model.safetensors")).unwrap(), big());
    assert_eq!(parts(dir.path()), []);
    let ranges: Vec<_> =
        server.asked().into_iter().filter(|(p, _)| p.starts_with("/store/")).filter_map(|(_, r)| r).collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=200000-"]);
    assert!(notes.1.is_sorted_by(|a, b| a <= b || *a == 2), "progress goes forward: {:?}", notes.1);
}

#[test]
fn a_server_without_parts_sends_all_again() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.safetensors.part"), &big()[..50_000]).unwrap();
    let server = Server::start(Plan { ignore_range: true, ..plan() });
    go(&server, dir.path(), 1).0.unwrap();
    assert_eq!(std::fs::read(dir.path().join("model.safetensors")).unwrap(), big());
}

#[test]
fn a_complete_part_needs_no_byte_more() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.safetensors.part"), big()).unwrap();
    let server = Server::start(plan());
    let (lock, notes) = go(&server, dir.path(), 1);
    lock.unwrap();
    assert!(notes.1.iter().all(|at| *at <= 2), "nothing of the big file came: {:?}", notes.1);
    // Too much of something else: started anew.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.safetensors.part"), vec![7; 400_000]).unwrap();
    go(&server, dir.path(), 1).0.unwrap();
    assert_eq!(std::fs::read(dir.path().join("model.safetensors")).unwrap(), big());
}

#[test]
fn a_part_of_another_file_is_thrown_away_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("model.safetensors.part"), vec![7; 1_000]).unwrap();
    let server = Server::start(plan());
    let (lock, notes) = go(&server, dir.path(), 1);
    lock.unwrap();
    assert!(notes.0.iter().any(|n| n.contains("starting anew")), "{:?}", notes.0);
    assert_eq!(std::fs::read(dir.path().join("model.safetensors")).unwrap(), big());
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_of_it_kept() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(Plan { named_sha256: Some("00".repeat(32)), ..plan() });
    let message = format!("{:#}", go(&server, dir.path(), 3).0.unwrap_err());
    assert!(message.contains("wrong checksum: the hub names") && message.contains(&sha256(&big())), "{message}");
    assert!(!dir.path().join("model.safetensors").exists());
    assert_eq!(parts(dir.path()), []);
}

#[test]
fn a_model_that_changed_on_the_hub_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(plan());
    go(&server, dir.path(), 1).0.unwrap();
    let mut other = big();
    other[0] ^= 1;
    {
        let mut plan = server.plan.lock().unwrap();
        plan.named_sha256 = Some(sha256(&other));
        plan.files.insert("big.bin".into(), other);
    }
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    let message = format!("{:#}", go(&server, dir.path(), 1).0.unwrap_err());
    assert!(message.contains("model.lock pins") && message.contains("delete model.lock"), "{message}");
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(plan());
    go(&server, dir.path(), 1).0.unwrap();
    std::fs::write(dir.path().join("model.safetensors"), b"damaged").unwrap();
    go(&server, dir.path(), 1).0.unwrap();
    assert_eq!(std::fs::read(dir.path().join("model.safetensors")).unwrap(), big());
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut missing = plan();
    missing.files.remove("config.json");
    let server = Server::start(missing);
    let message = |server: &Server| format!("{:#}", go(server, dir.path(), 2).0.unwrap_err());
    let text = message(&server);
    assert!(text.contains("not found (404)") && text.contains("/someone/toy/resolve/main/config.json"), "{text}");
    assert_eq!(server.asked().len(), 1, "what is not there is not asked for twice");
    for (status, hint, times) in [(403, "account", 1), (429, "wait", 2), (500, "try later", 2), (418, "status 418", 1)]
    {
        server.plan.lock().unwrap().status = Some(status);
        let text = message(&server);
        assert!(text.contains(hint), "{text}");
        assert_eq!(server.asked().len(), times, "{status}");
    }
    // Nobody listens there any more.
    let settings = server.settings(2);
    drop(server);
    std::thread::sleep(Duration::from_millis(50));
    let error = fetch(&ENTRY, dir.path(), &settings, &mut Notes::default()).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("is this machine online?"), "{text}");
}

#[test]
fn redirects_lead_where_they_say() {
    let base = "https://hub.example/a/b/resolve/main/x?y=1/2";
    for (to, expected) in [
        ("https://cdn.example/z", Some("https://cdn.example/z")),
        ("//cdn.example/z", Some("https://cdn.example/z")),
        ("/api/z", Some("https://hub.example/api/z")),
        ("z", Some("https://hub.example/a/b/resolve/main/z")),
        ("", None),
    ] {
        assert_eq!(resolve(base, to).as_deref(), expected, "{to}");
    }
    assert_eq!(
        TryError::disk(Path::new("x"), io::ErrorKind::StorageFull.into()).to_string(),
        "x: the disk is full; free some space and run the command again, it goes on where it stopped"
    );
}

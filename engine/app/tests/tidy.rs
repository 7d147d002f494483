//! Rules of the repository that no compiler checks. Each says what to do about a breach.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lines a file of code may have.
const MAX_LINES: usize = 800;
/// Bytes a file may have: the shipped model is 11 MB.
const MAX_BYTES: u64 = 12_000_000;

struct File {
    /// From the root of the repository, with `/`.
    path: String,
    full: PathBuf,
}

impl File {
    fn is(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, e)| extensions.contains(&e))
    }

    /// The text; nothing for a binary file.
    fn text(&self) -> Option<String> {
        String::from_utf8(fs::read(&self.full).ok()?).ok().filter(|text| !text.contains('\0'))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Every file of the repository: what git knows or would add, or, without git, what lies there.
fn files() -> Vec<File> {
    let root = root();
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .ok()
        .filter(|out| out.status.success() && !out.stdout.is_empty());
    let mut paths: Vec<String> = match listed {
        Some(out) => String::from_utf8(out.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect(),
        None => {
            let mut found = Vec::new();
            walk(&root, &root, &mut found);
            found
        }
    };
    paths.sort();
    paths.dedup();
    let files: Vec<File> =
        paths.into_iter().map(|path| File { full: root.join(&path), path }).filter(|f| f.full.is_file()).collect();
    assert!(files.len() > 50, "only {} files were found: this test looks in the wrong place", files.len());
    files
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git", "reframe-data", "node_modules", "__pycache__"].contains(&name.as_str())
        {
            walk(root, &path, found);
        } else if path.is_file() {
            found.push(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
        }
    }
}

/// Fails with every breach and what to do about it.
fn none(breaches: &[String], what_to_do: &str) {
    assert!(breaches.is_empty(), "{what_to_do}:\n  {}", breaches.join("\n  "));
}

/// Lines of `text` that hold one of `words`, as `path:line: text`.
fn lines_with(file: &File, text: &str, words: &[&str]) -> Vec<String> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| words.iter().any(|w| line.contains(w)))
        .map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim()))
        .collect()
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    let breaches: Vec<String> = files()
        .into_iter()
        .filter(|f| f.is(&["rs"]) && !f.text().is_some_and(|t| t.starts_with("//! ")))
        .map(|f| f.path)
        .collect();
    none(&breaches, "start the file with one `//! ` line that says what it is for");
}

#[test]
fn protocols_are_pure() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| f.path.ends_with("/protocol.rs")) {
        breaches.extend(lines_with(file, &file.text().unwrap(), &["tokio", "std::net", "axum"]));
    }
    none(&breaches, "a protocol turns messages into values and back: move sockets and tasks into io.rs beside it");
}

#[test]
fn the_architecture_names_every_crate() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let document = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let breaches: Vec<String> = members
        .iter()
        .map(|m| m.as_str().unwrap().to_owned())
        .filter(|member| {
            let manifest: toml::Table =
                fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap().parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap();
            !document.contains(&format!("{member}/"))
                && !document.contains(&format!("`{member}`"))
                && !document.contains(&format!("`{name}`"))
        })
        .collect();
    assert!(members.len() >= 9, "{members:?}");
    none(&breaches, "name the crate or its folder (`engine/call/`) in docs/ARCHITECTURE.md, and say what it is for");
}

#[test]
fn the_page_puts_text_in_as_text() {
    let mut breaches = Vec::new();
    let mut pages = 0;
    for file in files().iter().filter(|f| f.path.starts_with("engine/serve/") && f.is(&["js", "html", "mjs"])) {
        pages += 1;
        let forbidden = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"];
        breaches.extend(lines_with(file, &file.text().unwrap(), &forbidden));
    }
    assert!(pages > 0, "no page was found under engine/serve");
    none(&breaches, "a transcript is text from outside: use `textContent` and `createElement`");
}

#[test]
fn no_file_is_too_long_or_too_large() {
    let mut breaches = Vec::new();
    for file in files() {
        let bytes = fs::metadata(&file.full).unwrap().len();
        if bytes > MAX_BYTES {
            breaches.push(format!("{} has {bytes} bytes, at most {MAX_BYTES} are allowed", file.path));
        }
        if file.is(&["rs", "js", "mjs", "py"]) {
            let lines = file.text().map_or(0, |t| t.lines().count());
            if lines > MAX_LINES {
                breaches.push(format!("{} has {lines} lines, at most {MAX_LINES} are allowed", file.path));
            }
        }
    }
    none(&breaches, "split the file by what its parts are for; keep large data out of the repository");
}

/// Whether `line` names a folder of somebody's machine: one of `folders` at the start of a path, not inside an address.
fn names_a_machine(line: &str, folders: &[String]) -> bool {
    folders.iter().any(|folder| {
        line.match_indices(folder.as_str()).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "_.~-/})]*".contains(c))
        })
    })
}

/// Folders that exist on one machine only. Put together here, so that this file does not name them.
fn machine_folders() -> Vec<String> {
    ["home", "root", "work", "Users"].map(|name| format!("/{name}/")).to_vec()
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    let folders = machine_folders();
    let mut breaches = Vec::new();
    for file in files() {
        let Some(text) = file.text() else { continue };
        for (line, number) in text.lines().zip(1..) {
            if names_a_machine(line, &folders) {
                let start: String = line.trim().chars().take(120).collect();
                breaches.push(format!("{}:{number}: {start}", file.path));
            }
        }
    }
    none(&breaches, "write the path from the root of the repository, or from a setting");
}

#[test]
fn a_machine_folder_is_told_from_an_address() {
    let folders = machine_folders();
    for bad in ["cd /{}/x", "\"/{}/me/file\"", "/{}/a", "path=/{}/a"] {
        assert!(names_a_machine(&bad.replace("{}", "home"), &folders), "{bad}");
    }
    for good in ["https://example.com/{}/a", "src/{}/a", "$HOME/{}/x}", "./{}/a", "the/{}/a"] {
        assert!(!names_a_machine(&good.replace("{}", "home").replace("$HOME", "x"), &folders), "{good}");
    }
}

/// Whether a line makes a queue without a bound.
fn makes_unbounded(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    // `channel()` and `channel::<T>()` of the standard library take no size; tokio's and ours take one.
    let std_channel = code.match_indices("mpsc::channel").any(|(at, word)| {
        let rest = &code[at + word.len()..];
        let arguments = if rest.starts_with("::<") { rest.find(">(").map_or("", |end| &rest[end + 1..]) } else { rest };
        arguments.starts_with("()")
    });
    std_channel
        || ["unbounded_channel", "channel::unbounded", "mpsc::unbounded", "SegQueue"].iter().any(|w| code.contains(w))
}

#[test]
fn every_queue_has_a_bound() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| f.is(&["rs"]) && f.path != "engine/app/tests/tidy.rs") {
        for (line, number) in file.text().unwrap().lines().zip(1..) {
            if makes_unbounded(line) {
                breaches.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    none(&breaches, "give the queue a bound, and say what happens when it is full");
}

#[test]
fn a_queue_without_a_bound_is_found() {
    for bad in [
        "let (a, b) = mpsc::channel();",
        "std::sync::mpsc::channel::<Vec<u8>>()",
        "tokio::sync::mpsc::unbounded_channel::<u8>()",
        "crossbeam::channel::unbounded()",
    ] {
        assert!(makes_unbounded(bad), "{bad}");
    }
    for good in
        ["mpsc::channel(64)", "mpsc::channel::<Item>(self.depth())", "// no unbounded_channel", "sync_channel(1)"]
    {
        assert!(!makes_unbounded(good), "{good}");
    }
}

/// The fenced blocks of a document that say they are `language`: the number of their first line, and their text.
fn blocks(document: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (line, number) in document.lines().zip(1..) {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(info)) => open = Some((number + 1, info.trim() == language, String::new())),
            (Some(_), Some(_)) => {
                let (start, wanted, text) = open.take().unwrap();
                if wanted {
                    found.push((start, text));
                }
            }
            (Some((_, _, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[test]
fn examples_in_documents_can_be_read() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| f.is(&["md"])) {
        let text = file.text().unwrap();
        for (line, block) in blocks(&text, "toml") {
            if let Err(e) = block.parse::<toml::Table>() {
                breaches.push(format!("{}:{line}: {}", file.path, e.message()));
            }
        }
        for (line, block) in blocks(&text, "json") {
            // One value, or one per line.
            let values = serde_json::Deserializer::from_str(&block).into_iter::<serde_json::Value>();
            if let Some(e) = values.filter_map(Result::err).next() {
                breaches.push(format!("{}:{line}: {e}", file.path));
            }
        }
    }
    none(&breaches, "make the example one that can be copied and used");
}

#[test]
fn shipped_settings_and_playbooks_are_toml() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|f| f.is(&["toml"])) {
        if let Err(e) = file.text().unwrap().parse::<toml::Table>() {
            breaches.push(format!("{}: {}", file.path, e.message()));
        }
    }
    none(&breaches, "correct the file");
}

/// Where one program holds all tests of a package, a file that its `main.rs` does not name would never run.
#[test]
fn every_file_of_tests_is_run() {
    let mut breaches = Vec::new();
    let files = files();
    let mains: Vec<_> = files.iter().filter(|f| f.path.ends_with("/tests/main.rs")).collect();
    assert!(mains.len() >= 5, "only {} were found: this test looks in the wrong place", mains.len());
    for main in mains {
        let folder = main.path.strip_suffix("main.rs").unwrap();
        let manifest = fs::read_to_string(main.full.with_file_name("../Cargo.toml")).unwrap();
        let named = main.text().unwrap();
        for file in &files {
            let Some(name) = file.path.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".rs")) else { continue };
            let run = name == "main"
                || name.contains('/')
                || named.lines().any(|line| line == format!("mod {name};"))
                || manifest.contains(&format!("path = \"tests/{name}.rs\""));
            if !run {
                breaches.push(file.path.clone());
            }
        }
    }
    none(&breaches, "name it in the `main.rs` beside it");
}

//! Whether the stand-in is like the vendors: their own published clients must understand every reply of it.
//!
//! Installs them into `target/`, which needs a network: only with `CI=true` or `REFRAME_VENDORS=1`.
#![allow(clippy::unwrap_used)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use reframe_connect::standin::{KEY, Options};

/// Folder for what is installed; nothing: not asked for.
fn workshop(name: &str) -> Option<PathBuf> {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    if !set("CI", "true") && !set("REFRAME_VENDORS", "1") {
        println!("{name}: skipped; REFRAME_VENDORS=1 installs the vendor's client and runs it");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("vendor-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; is it installed?"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    println!("{out}");
}

fn sources(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors").join(name)
}

#[test]
fn hubspots_client_understands_the_stand_in() {
    let Some(folder) = workshop("hubspot") else { return };
    for file in ["package.json", "package-lock.json", "check.mjs"] {
        std::fs::copy(sources("hubspot").join(file), folder.join(file)).unwrap();
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder));
    let standin = crate::support::standin(&Options::default());
    run(Command::new("node").args(["check.mjs", &standin.url(), KEY]).current_dir(&folder));
    assert!(standin.journal().len() > 30);
}

#[test]
fn googles_client_understands_the_stand_in() {
    let Some(folder) = workshop("google") else { return };
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(&folder));
    }
    let wanted = sources("google").join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "-q", "--require-hashes", "-r"]).arg(wanted));
    let standin = crate::support::standin(&Options::default());
    run(Command::new(&python).arg(sources("google").join("check.py")).args([&standin.url(), KEY]));
    assert!(standin.journal().len() > 15);
}

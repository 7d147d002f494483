//! One fuzzer, several targets: the environment variable `FUZZ_TARGET` says which function gets the bytes.
#![no_main]

mod adapters;
mod bytes;
mod call;
mod files;
mod meet;
mod packets;
mod vexa;
mod whip;
mod wire;
mod zoom;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// A function that takes whatever bytes come, and panics only on a fault.
type Target = fn(&[u8]);

/// Targets by name. `fuzz/run` reads the names from here.
const TARGETS: &[(&str, Target)] = &[
    ("ingest_text", wire::ingest_text),
    ("ingest_binary", wire::ingest_binary),
    ("overlay", wire::overlay),
    ("wav", files::wav),
    ("ogg_opus", files::ogg_opus),
    ("playbook", files::playbook),
    ("packets", packets::packets),
    ("assembler", packets::assembler),
    ("call", call::call),
    ("adapters", adapters::run),
    ("meet", meet::run),
    ("rtp", whip::rtp),
    ("vexa", vexa::run),
    ("whip", whip::whip),
    ("zoom", zoom::run),
];

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").expect("set FUZZ_TARGET; fuzz/run does");
        TARGETS.iter().find(|t| t.0 == name).unwrap_or_else(|| panic!("there is no target `{name}`")).1
    });
    target(data);
});

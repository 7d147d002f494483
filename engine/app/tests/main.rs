//! The program as people have it: the binary, its server, files and a browser.
//! One program, since each would link the whole engine again: `cargo test -p PACKAGE --test all FILE::` runs one file.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // made for the browser tests of `reframe-serve`, which use more of it
#[path = "../../serve/tests/browser/cdp.rs"]
mod cdp;
mod feed;
mod meetings;
mod support;

mod accounts;
mod adapters;
mod after_call;
mod backtest;
mod before_call;
mod briefs;
mod cli;
mod drafting;
mod fixture_calls;
mod flood;
mod init;
mod journey;
mod meet;
mod outreach;
mod playbooks;
mod prep;
mod privacy;
mod promises;
mod replay;
mod sends;
mod server;
mod tidy;
mod vexa;
mod whip_chromium;
mod withdrawal;
mod zoom;

//! One call, from audio frames to cards: the vocabulary and the rules of Reframe, free of clocks, sockets and files.
//!
//! **A call is a fold over inputs.** All that is said, detected and shown follows from the sequence of
//! [`Input`](input::Input)s, the [`Playbook`](playbook::Playbook) and the model weights. Drive a
//! [`CallSession`](session::CallSession) like this:
//!
//! ```
//! # use std::sync::Arc;
//! # use reframe_call::{input::Input, output::Output, playbook, session::*, testing};
//! # let text = "version = 1\nname = \"x\"\n[[play]]\nid = \"a\"\nlabel = \"a\"\nphrases = [\"some phrase\"]\n[play.card]\ntitle = \"t\"\nsay = [\"s\"]";
//! # let playbook = Arc::new(playbook::parse("x", text).0.expect("valid"));
//! # let ears = testing::deaf_ears();
//! let mut call = CallSession::new(SessionSetup {
//!     settings: SessionSettings::default(), playbook, context: vec![], deal: Default::default(), ears, semantic: None,
//! });
//! let mut inputs = vec![Input::End].into_iter();
//! loop {
//!     match call.poll_output() {
//!         Output::Event(event) => println!("{}", event.seq),
//!         Output::Caption(_) | Output::Job(_) => {}
//!         Output::Idle { .. } => match inputs.next() {
//!             Some(input) => call.handle_input(&input)?,
//!             None => break,
//!         },
//!     }
//! }
//! # Ok::<(), reframe_call::input::InputError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod audio;
pub mod backtest;
pub mod card;
pub mod cues;
pub mod date;
pub mod deal;
pub mod deck;
pub mod detect;
pub mod endpoint;
pub mod event;
pub mod input;
pub mod number_words;
pub mod output;
pub mod playbook;
pub mod playbook_test;
pub mod recognize;
pub mod recorded;
pub mod session;
pub mod testing;
pub mod time;
pub mod transcript;
pub mod wilson;

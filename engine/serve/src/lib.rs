//! Serves cards to the rep's browser: the hub that call threads publish to, the WebSocket protocol, the overlay page,
//! health and metrics.
//!
//! ```
//! use std::sync::Arc;
//! use reframe_serve::{CallMeta, Hub, HubOptions, Metrics, ServeOptions, Token, overlay_link, router};
//!
//! let metrics = Metrics::new();
//! let hub = Hub::new(HubOptions::default(), &metrics);
//! let token = Token::generate();
//! let meta = CallMeta { id: "demo".into(), title: "Demo".into(), token: token.clone() };
//! let screen = hub.open_call(meta, Arc::new(|action| { println!("{action:?}"); true }))?;
//! println!("open {}", overlay_link("http://127.0.0.1:7300", "demo", &token));
//! let app = router(hub, ServeOptions::new(metrics));
//! // screen.publish(&event, None) from the call's thread; reframe_serve::serve(listener, …, app, …).await
//! # drop((screen, app));
//! # Ok::<(), reframe_serve::OpenError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accounts;
mod erase;
mod gate;
mod hosts;
mod hub;
mod live;
pub mod metrics;
mod page;
pub mod review;
mod router;
#[cfg(test)]
mod sample;
mod screen;
mod token;
pub mod wire;
mod ws;

pub use hosts::{AllowedHosts, answer_only_to};
pub use hub::{CallMeta, CallScreen, ComputeLatency, Hub, HubOptions, JoinError, OpenError, RepActions};
pub use metrics::Metrics;
pub use router::{ServeOptions, router, serve};
pub use token::{MIN_TOKEN_BYTES, Token, TokenCheck, overlay_link};

//! What the ingest needs of the application: something that opens calls, and a call to feed.

use std::{future::Future, pin::Pin};

use crate::{
    item::IngestItem,
    socket::protocol::{Ended, Refusal, Start, Started},
};

/// Opens calls; implemented by the application.
pub trait CallHost: Send + Sync + 'static {
    /// A new call. May take a moment (loading a playbook); runs off the network threads.
    ///
    /// # Errors
    /// [`Refusal`] saying why not: no such playbook, too many calls.
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal>;
}

/// A call as its ingest sees it.
pub trait CallHandle: Send + Sync {
    /// What to tell the sender; `version` and `resumed` are filled in here.
    fn started(&self) -> Started;

    /// Live: takes an item without ever waiting. A full queue throws away its oldest audio, counts it, and leaves a
    /// [`What::Dropped`](crate::What::Dropped). Returns how many packets were thrown away.
    fn push(&self, item: IngestItem) -> u64;

    /// Recorded: takes an item when there is room, so that the sender is held back. Returns at once if the call is over.
    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Waits until the call is over, for whatever reason, and says how it went. Can be asked more than once.
    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;
}

//! Bounded hand-over between threads. Every queue says, in its constructor, what it does when it is full.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossbeam::{
    queue::ArrayQueue,
    sync::{Parker, Unparker},
};

/// Items a queue saves from being pushed out. A call gets a handful of them in its whole length; so many can only wait
/// where nobody reads.
const MAX_RESCUED: usize = 1_024;

/// What a queue does with one more item than it has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The sender waits: nothing may be lost, and the sender can afford to.
    Block,
    /// The oldest droppable item goes: only the newest matter.
    DropOldest,
}

/// How a push went.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It is in.
    Taken,
    /// It is in, and this older one was pushed out.
    Displaced(T),
    /// There is no room; here it is back.
    Full(T),
}

/// Many senders that never wait, one thread that parks until something comes.
///
/// The sender decides what may be dropped: an item pushed out by [`WhenFull::DropOldest`] comes back to whoever pushed,
/// who counts it, or saves it with [`InputQueue::rescue`] if it must not be lost.
#[derive(Debug)]
pub struct InputQueue<T> {
    ring: ArrayQueue<T>,
    /// Items that were pushed out and must not be lost. They are older than everything in the ring.
    rescued: Mutex<VecDeque<T>>,
    when_full: WhenFull,
    reader: Unparker,
    closed: AtomicBool,
}

impl<T> InputQueue<T> {
    /// Room for `capacity` items, and the parker of the thread that will read them.
    ///
    /// # Panics
    /// If `capacity` is 0.
    #[must_use]
    pub fn new(capacity: usize, when_full: WhenFull) -> (Self, Parker) {
        let parker = Parker::new();
        let queue = Self {
            ring: ArrayQueue::new(capacity),
            rescued: Mutex::default(),
            when_full,
            reader: parker.unparker().clone(),
            closed: AtomicBool::new(false),
        };
        (queue, parker)
    }

    /// Puts an item in, by the queue's rule. Never waits: under [`WhenFull::Block`] a full queue gives the item back,
    /// and the sender tries again when there is room. A closed queue gives everything back.
    pub fn push(&self, item: T) -> Pushed<T> {
        if self.is_closed() {
            return Pushed::Full(item);
        }
        let result = match self.when_full {
            WhenFull::DropOldest => match self.ring.force_push(item) {
                None => Pushed::Taken,
                Some(old) => Pushed::Displaced(old),
            },
            WhenFull::Block => match self.ring.push(item) {
                Ok(()) => Pushed::Taken,
                Err(item) => Pushed::Full(item),
            },
        };
        self.reader.unpark();
        result
    }

    /// Puts back an item that was pushed out and must not be lost. Gives it back if too many wait already.
    pub fn rescue(&self, item: T) -> Pushed<T> {
        let mut rescued = self.rescued();
        if rescued.len() >= MAX_RESCUED {
            return Pushed::Full(item);
        }
        rescued.push_back(item);
        drop(rescued);
        self.reader.unpark();
        Pushed::Taken
    }

    /// The next item, oldest first.
    pub fn pop(&self) -> Option<T> {
        let saved = self.rescued().pop_front();
        saved.or_else(|| self.ring.pop())
    }

    fn rescued(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.rescued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is at least half full.
    #[must_use]
    pub fn over_half(&self) -> bool {
        self.ring.len() * 2 > self.ring.capacity()
    }

    /// As [`InputQueue::close`], with one last item that is kept whatever else waits.
    pub fn close_with(&self, last: T) {
        self.rescued().push_back(last);
        self.close();
    }

    /// No more is taken; the reader should finish with what is there.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.reader.unpark();
    }

    /// Whether [`InputQueue::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_oldest_hands_back_what_it_pushed_out() {
        let (q, _parker) = InputQueue::new(2, WhenFull::DropOldest);
        assert_eq!(q.push(1), Pushed::Taken);
        assert_eq!(q.push(2), Pushed::Taken);
        assert!(q.over_half());
        assert_eq!(q.push(3), Pushed::Displaced(1));
        assert_eq!(q.rescue(1), Pushed::Taken);
        assert_eq!([q.pop(), q.pop(), q.pop(), q.pop()], [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn a_closed_queue_takes_no_more_and_gives_what_it_has() {
        let (q, _parker) = InputQueue::new(2, WhenFull::DropOldest);
        q.push(1);
        q.close_with(0);
        assert_eq!(q.push(2), Pushed::Full(2));
        assert_eq!([q.pop(), q.pop(), q.pop()], [Some(0), Some(1), None]);
    }

    #[test]
    fn what_is_saved_is_bounded() {
        let (q, _parker) = InputQueue::new(1, WhenFull::DropOldest);
        assert!((0..MAX_RESCUED).all(|i| q.rescue(i) == Pushed::Taken));
        assert_eq!(q.rescue(7), Pushed::Full(7));
    }

    #[test]
    fn block_gives_the_item_back() {
        let (q, _parker) = InputQueue::new(1, WhenFull::Block);
        assert_eq!(q.push(1), Pushed::Taken);
        assert_eq!(q.push(2), Pushed::Full(2));
        assert_eq!(q.pop(), Some(1));
    }

    #[test]
    fn a_push_wakes_the_reader() {
        let (q, parker) = InputQueue::new(4, WhenFull::DropOldest);
        let q = std::sync::Arc::new(q);
        let sender = std::sync::Arc::clone(&q);
        let handle = std::thread::spawn(move || sender.push(7));
        parker.park();
        assert_eq!(q.pop(), Some(7));
        handle.join().unwrap();
    }
}

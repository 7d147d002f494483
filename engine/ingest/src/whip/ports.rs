//! UDP ports of a fixed range, one for each session, so that a firewall can be opened for just these.

use std::{
    collections::BTreeSet,
    net::{IpAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
};

/// The ports in use.
#[derive(Debug, Default)]
pub struct Ports {
    range: Option<(u16, u16)>,
    used: Mutex<BTreeSet<u16>>,
}

/// A port that is ours until this is dropped.
#[derive(Debug)]
pub struct Lease {
    ports: Arc<Ports>,
    /// The port; 0 for any.
    pub port: u16,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ports.lock().remove(&self.port);
    }
}

impl Ports {
    /// Of a range, both ends included; `None`: the system chooses.
    pub fn new(range: Option<(u16, u16)>) -> Arc<Self> {
        Arc::new(Self { range, used: Mutex::default() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<u16>> {
        // The set is whole after every statement that holds the lock.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A port that is free on all of `addresses`; `None` if the whole range is taken.
    pub fn lease(self: &Arc<Self>, addresses: &[IpAddr]) -> Option<Lease> {
        let Some((first, last)) = self.range else { return Some(Lease { ports: Arc::clone(self), port: 0 }) };
        let mut used = self.lock();
        // Another program may have one of them: then the next will do.
        let free = |port: &u16| addresses.iter().all(|&address| UdpSocket::bind((address, *port)).is_ok());
        let port = (first..=last).find(|port| !used.contains(port) && free(port))?;
        used.insert(port);
        Some(Lease { ports: Arc::clone(self), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_session_has_a_port_of_the_range_and_gives_it_back() {
        let loopback = [IpAddr::from([127, 0, 0, 1])];
        // Two neighbours that are free now.
        let range = (20_000u16..60_000)
            .step_by(2)
            .map(|p| (p, p + 1))
            .find(|&(a, b)| UdpSocket::bind((loopback[0], a)).is_ok() && UdpSocket::bind((loopback[0], b)).is_ok())
            .unwrap();
        let ports = Ports::new(Some(range));
        let first = ports.lease(&loopback).unwrap();
        let second = ports.lease(&loopback).unwrap();
        assert_eq!((first.port, second.port), range);
        assert!(ports.lease(&loopback).is_none());
        drop(first);
        let taken = UdpSocket::bind((loopback[0], range.0)).unwrap();
        assert!(ports.lease(&loopback).is_none(), "another program has it");
        drop(taken);
        assert_eq!(ports.lease(&loopback).unwrap().port, range.0);
        assert_eq!(Ports::new(None).lease(&loopback).unwrap().port, 0);
    }
}

//! The way between a client and the simulated conference: a UDP relay that can lose, swap and, in the end, swallow.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{net::UdpSocket, task::JoinHandle};

use super::mixer::Dice;

/// How bad the way is. Only media suffers; what sets up the connection comes through.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// Packets lost, in percent.
    pub loss_percent: u32,
    /// Packets that change places with the next one, in percent.
    pub swap_percent: u32,
}

/// A way. It ends when it is dropped.
pub struct Road {
    outer: SocketAddr,
    cut: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Road {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Road {
    /// Lays a way to `inner`, open on a port of the same address.
    ///
    /// # Errors
    /// If no socket can be had.
    pub async fn to(inner: SocketAddr, weather: Weather, seed: u64) -> std::io::Result<Self> {
        let outside = Arc::new(UdpSocket::bind((inner.ip(), 0)).await?);
        let inside = Arc::new(UdpSocket::bind((inner.ip(), 0)).await?);
        inside.connect(inner).await?;
        let outer = outside.local_addr()?;
        let cut = Arc::new(AtomicBool::new(false));
        let (client_in, client) = tokio::sync::watch::channel(None::<SocketAddr>);

        let inbound = {
            let (outside, inside, cut) = (Arc::clone(&outside), Arc::clone(&inside), Arc::clone(&cut));
            tokio::spawn(async move {
                let mut room = [0u8; 2_048];
                loop {
                    // A port that is closed at the other end shows as an error of the next receive; the way goes on.
                    let Ok((length, from)) = outside.recv_from(&mut room).await else { continue };
                    if cut.load(Ordering::Relaxed) {
                        continue;
                    }
                    client_in.send_if_modified(|client| client.replace(from) != Some(from));
                    if let Err(error) = inside.send(&room[..length]).await {
                        tracing::trace!(%error, "inbound");
                    }
                }
            })
        };
        let outbound = {
            let cut = Arc::clone(&cut);
            tokio::spawn(async move {
                let mut room = [0u8; 2_048];
                let (mut dice, mut late) = (Dice::new(seed), None::<Vec<u8>>);
                loop {
                    let Ok(length) = inside.recv(&mut room).await else { continue };
                    let Some(to) = *client.borrow() else { continue };
                    if cut.load(Ordering::Relaxed) {
                        continue;
                    }
                    let packet = &room[..length];
                    let media = is_media(packet);
                    if media && dice.roll(100) < u64::from(weather.loss_percent) {
                        continue;
                    }
                    if media && late.is_none() && dice.roll(100) < u64::from(weather.swap_percent) {
                        late = Some(packet.to_vec());
                        continue;
                    }
                    let swapped = if media { late.take() } else { None };
                    for packet in [Some(packet), swapped.as_deref()].into_iter().flatten() {
                        if let Err(error) = outside.send_to(packet, to).await {
                            tracing::trace!(%error, "outbound");
                        }
                    }
                }
            })
        };
        Ok(Self { outer, cut, tasks: vec![inbound, outbound] })
    }

    /// Where clients enter.
    #[must_use]
    pub const fn outer(&self) -> SocketAddr {
        self.outer
    }

    /// From now on nothing arrives, in either direction.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}

/// RTP, by the first bytes (RFC 7983, RFC 5761): neither STUN nor DTLS nor RTCP.
fn is_media(packet: &[u8]) -> bool {
    matches!(packet, [first, kind, ..] if (128..=191).contains(first) && !(192..=223).contains(kind))
}

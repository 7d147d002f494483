//! Who in the meeting is which track of the call. No IO.

use std::collections::BTreeMap;

use crate::engine::MAX_TRACKS;

/// What became of somebody who joined or was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Must be announced: new, back, or under another name.
    Announce(u8),
    /// Known.
    Known(u8),
    /// The call has as many participants as it may have.
    Full,
}

struct Place {
    name: String,
    /// Whose it is now; `None`: that person left.
    user: Option<i64>,
    /// When it became free, counting departures.
    freed: u64,
}

/// Tracks by Zoom's user ids. Whoever comes back under the same name gets the same track; when all tracks are taken, the
/// one that has been free longest is given to somebody new.
#[derive(Default)]
pub struct People {
    places: Vec<Place>,
    by_user: BTreeMap<i64, u8>,
    departures: u64,
}

impl People {
    /// Somebody joined, or was heard. An empty name changes nothing.
    pub fn meet(&mut self, user: i64, name: &str) -> Seat {
        if let Some(&track) = self.by_user.get(&user) {
            let place = &mut self.places[usize::from(track)];
            if name.is_empty() || place.name == name {
                return Seat::Known(track);
            }
            name.clone_into(&mut place.name);
            return Seat::Announce(track);
        }
        let free = |place: &&(usize, &Place)| place.1.user.is_none();
        let all: Vec<(usize, &Place)> = self.places.iter().enumerate().collect();
        let same = all.iter().filter(free).find(|(_, p)| !name.is_empty() && p.name == name).map(|&(n, _)| n);
        let place = same.or_else(|| {
            if all.len() < MAX_TRACKS {
                return Some(all.len());
            }
            all.iter().filter(free).min_by_key(|(_, p)| p.freed).map(|&(n, _)| n)
        });
        let Some(n) = place else { return Seat::Full };
        let Ok(track) = u8::try_from(n) else { return Seat::Full };
        let taken = Place { name: name.to_owned(), user: Some(user), freed: 0 };
        match self.places.get_mut(n) {
            Some(place) => *place = taken,
            None => self.places.push(taken),
        }
        self.by_user.insert(user, track);
        Seat::Announce(track)
    }

    /// Somebody left. Gives the track, if there was one.
    pub fn leave(&mut self, user: i64) -> Option<u8> {
        let track = self.by_user.remove(&user)?;
        self.departures += 1;
        let place = &mut self.places[usize::from(track)];
        place.user = None;
        place.freed = self.departures;
        Some(track)
    }

    /// The name to show.
    #[must_use]
    pub fn name(&self, track: u8) -> String {
        match self.places.get(usize::from(track)) {
            Some(place) if !place.name.is_empty() => place.name.clone(),
            _ => format!("Participant {}", u16::from(track) + 1),
        }
    }

    /// Everybody who is there: Zoom's id and the track.
    pub fn present(&self) -> impl Iterator<Item = (i64, u8)> + '_ {
        self.by_user.iter().map(|(&user, &track)| (user, track))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_track_and_keeps_it() {
        let mut people = People::default();
        assert_eq!(people.meet(100, "Ann"), Seat::Announce(0));
        assert_eq!(people.meet(200, ""), Seat::Announce(1));
        assert_eq!(people.name(1), "Participant 2");
        assert_eq!(people.meet(200, "Bo"), Seat::Announce(1));
        assert_eq!(people.meet(200, ""), Seat::Known(1));
        assert_eq!(people.meet(100, "Ann"), Seat::Known(0));
        assert_eq!(people.leave(100), Some(0));
        assert_eq!(people.leave(100), None);
        // Back under another number; somebody else of that name does not take a track that is in use.
        assert_eq!(people.meet(300, "Ann"), Seat::Announce(0));
        assert_eq!(people.meet(400, "Ann"), Seat::Announce(2));
        assert_eq!(people.present().count(), 3);
    }

    #[test]
    fn tracks_are_bounded_and_given_on() {
        let mut people = People::default();
        for n in 0..32 {
            assert_eq!(people.meet(n, &format!("P{n}")), Seat::Announce(n as u8));
        }
        assert_eq!(people.meet(99, "New"), Seat::Full);
        people.leave(7);
        people.leave(3);
        assert_eq!(people.meet(99, "New"), Seat::Announce(7));
        assert_eq!(people.meet(98, "P3"), Seat::Announce(3));
        assert_eq!(people.meet(97, "More"), Seat::Full);
    }
}

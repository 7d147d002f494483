//! The order of news leaves no trace; people are found by CSRC; leaving and coming back.

use proptest::prelude::*;

use super::*;
use crate::meet::protocol::User;

fn entry(key: &str, csrc: u32) -> MediaEntry {
    MediaEntry { participant_key: Some(key.into()), audio_csrc: Some(csrc), ..MediaEntry::default() }
}

fn signed_in(key: &str, name: &str) -> Participant {
    Participant {
        name: Some(format!("spaces/x/{key}")),
        participant_key: Some(key.into()),
        signed_in_user: Some(User { user: None, display_name: Some(name.into()) }),
        ..Participant::default()
    }
}

fn update<T>(resources: Vec<(i64, T)>, deleted: &[i64]) -> Update<T> {
    Update { resources, deleted: deleted.to_vec(), response: None, unknown: 0 }
}

fn key(text: &str) -> PersonKey {
    PersonKey(text.into())
}

#[test]
fn a_csrc_leads_to_a_person_whatever_comes_first() {
    for entry_first in [true, false] {
        let mut roster = Roster::new();
        let entries = update(vec![(1, entry("p/ann", 1_201))], &[]);
        let participants = update(vec![(5, signed_in("p/ann", "Ann"))], &[]);
        let changes = if entry_first {
            let unnamed = Person { name: String::new(), kind: PersonKind::Unknown };
            assert_eq!(roster.entries(entries), [Change::Here(key("p/ann"), unnamed)]);
            assert_eq!(roster.speaker(1_201), Some(&key("p/ann")));
            roster.participants(participants)
        } else {
            let changes = roster.participants(participants);
            assert_eq!(roster.speaker(1_201), None);
            assert_eq!(roster.entries(entries), []);
            changes
        };
        let ann = Person { name: "Ann".into(), kind: PersonKind::SignedIn };
        assert_eq!(changes, [Change::Here(key("p/ann"), ann)]);
        assert_eq!(roster.speaker(1_201), Some(&key("p/ann")));
    }
}

#[test]
fn forty_two_is_nobody() {
    let mut roster = Roster::new();
    roster.entries(update(vec![(1, entry("p/ann", LOUDEST))], &[]));
    assert_eq!(roster.speaker(LOUDEST), None);
}

#[test]
fn without_a_key_the_resource_name_joins_them() {
    let mut roster = Roster::new();
    let nameless =
        MediaEntry { participant: Some("spaces/x/p/bo".into()), audio_csrc: Some(7), ..MediaEntry::default() };
    let lonely = MediaEntry { audio_csrc: Some(8), ..MediaEntry::default() };
    roster.participants(update(vec![(5, signed_in("p/bo", "Bo"))], &[]));
    roster.entries(update(vec![(1, nameless), (2, lonely)], &[]));
    assert_eq!(roster.speaker(7), Some(&key("p/bo")));
    assert_eq!(roster.speaker(8), Some(&key("entry 2")));
    assert_eq!(roster.people().count(), 2);
}

#[test]
fn who_comes_back_with_another_csrc_is_the_same_person() {
    let mut roster = Roster::new();
    roster.entries(update(vec![(1, entry("p/ann", 10))], &[]));
    roster.participants(update(vec![(5, signed_in("p/ann", "Ann"))], &[]));
    roster.entries(update(vec![], &[1]));
    assert_eq!(roster.speaker(10), None);
    assert_eq!(roster.participants(update(vec![], &[5])), [Change::Gone(key("p/ann"))]);
    let back = roster.entries(update(vec![(2, entry("p/ann", 11))], &[]));
    assert!(matches!(&back[..], [Change::Here(who, _)] if *who == key("p/ann")));
    assert_eq!((roster.speaker(10), roster.speaker(11)), (None, Some(&key("p/ann"))));
}

#[test]
fn a_new_session_takes_nobody_away_before_it_has_told_of_all() {
    let mut roster = Roster::new();
    roster.entries(update(vec![(1, entry("p/ann", 10)), (2, entry("p/bo", 20))], &[]));
    roster.participants(update(vec![(5, signed_in("p/ann", "Ann")), (6, signed_in("p/bo", "Bo"))], &[]));
    roster.start_over();
    assert_eq!(roster.speaker(10), None, "the numbers of the old session mean nothing now");
    assert_eq!(roster.entries(update(vec![(1, entry("p/ann", 30))], &[])), []);
    assert_eq!(roster.speaker(30), Some(&key("p/ann")));
    let changes = roster.participants(update(vec![(5, signed_in("p/ann", "Ann"))], &[]));
    assert_eq!(changes, [Change::Gone(key("p/bo"))]);
}

#[test]
fn no_more_is_kept_than_a_conference_holds() {
    let mut roster = Roster::new();
    let crowd = (0..MAX_KEPT as i64 + 5).map(|n| (n, entry(&format!("p/{n}"), n as u32 + 100))).collect();
    roster.entries(update(crowd, &[]));
    assert_eq!((roster.people().count(), roster.unknown()), (MAX_KEPT, 5));
}

proptest! {
    /// However messages are cut and ordered between the two channels, the same people are there in the end.
    #[test]
    fn order_leaves_no_trace(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle()) {
        let mut roster = Roster::new();
        for n in order {
            let id = (n / 2) as i64;
            let key = format!("p/{id}");
            if n % 2 == 0 {
                roster.entries(update(vec![(id, entry(&key, 100 + id as u32))], &[]));
            } else {
                roster.participants(update(vec![(id, signed_in(&key, &key))], &[]));
            }
        }
        let names: Vec<_> = roster.people().map(|(_, p)| p.name.clone()).collect();
        prop_assert_eq!(names, (0..6).map(|n| format!("p/{n}")).collect::<Vec<_>>());
        for n in 0..6u32 {
            prop_assert_eq!(roster.speaker(100 + n), Some(&PersonKey(format!("p/{n}"))));
        }
    }
}

//! A fixture call in a simulated Google Meet conference: the bot joins it, and the call's cards come.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crate::support::{Served, call, stored};
use reframe_bots::{
    engine::{Consent, Opening},
    meet::{
        Network,
        http::TokenSource,
        io::{MeetConfig, MeetEnd, run},
    },
    script::Script,
    sim::meet::{Conference, DisconnectReason, Guest, Plan},
};
use reframe_call::event::EventBody;

/// Real time: the fixture call, and what starting and ending take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_brings_its_cards() {
    let folder = call("cold-call");
    let script = Script::parse(&std::fs::read_to_string(folder.join("script.toml")).unwrap()).unwrap();
    let rep = script.participant.iter().find(|p| p.party == "rep").unwrap().name.clone();
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start(dir.path(), &format!("[people]\nnames = [{rep:?}]\n"));

    let guests = Guest::of_fixture(&folder).unwrap();
    let plan = Plan { seed: 11, restless: 100, ..Plan::new(guests) };
    let token = plan.token.clone();
    let conference = Conference::open("127.0.0.1:0".parse().unwrap(), plan).await.unwrap();
    let mut engine = Opening::new(server.ingest());
    engine.token = Some(server.token.clone());
    engine.call = Some("meet-1".into());
    engine.playbook = Some(script.playbook.clone());
    let bot = run(
        MeetConfig {
            base_url: conference.url().to_owned(),
            space: conference.space().to_owned(),
            token: TokenSource::Fixed(token.clone()),
            engine,
            consent: Some(Consent { basis: "platform".into(), reference: "a simulated conference".into() }),
            told: Some("host".into()),
            network: Network { stun: vec![], local: vec!["127.0.0.1:0".into()], loopback: true },
            most_people: 16,
            patience: Duration::from_secs(30),
        },
        std::future::pending(),
    );
    let report = tokio::time::timeout(PATIENCE, bot).await.expect("the call did not end").unwrap();
    assert_eq!(report.end, MeetEnd::Disconnected(DisconnectReason::ConferenceEnded), "{}", server.log());

    let events = stored(dir.path(), "meet-1");
    let cards: Vec<&str> = events
        .iter()
        .filter_map(|e| if let EventBody::CardShown { card } = &e.body { Some(card.play.as_str()) } else { None })
        .collect();
    let wanted: Vec<&str> = script.objection.iter().map(|o| o.play.as_str()).collect();
    let right = wanted.iter().filter(|play| cards.contains(play)).count();
    assert!(right * 5 >= wanted.len() * 4, "{cards:?} instead of {wanted:?}: {report:?}");
    assert!(cards.iter().all(|play| wanted.contains(play)), "{cards:?} instead of {wanted:?}: {report:?}");
    assert_eq!(report.cards_shown, Some(cards.len() as u64));

    // Who said it: every utterance belongs to one of the two, and both spoke.
    let speakers: std::collections::BTreeSet<String> = events
        .iter()
        .filter_map(|e| if let EventBody::TrackAdded { track } = &e.body { Some(track.name.clone()) } else { None })
        .collect();
    assert_eq!(speakers, script.participant.iter().map(|p| p.name.clone()).collect());
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    assert!(!server.log().contains(&token), "the access token is in a log");
}

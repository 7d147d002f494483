//! The Meet bot against the simulated conference, into the real ingest: the right names on the right words, utterances
//! cut, waiting, joined, disconnected, refused, moved, lost, and back again.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::support::{Manner, Server, TOKEN, serve_with};
use reframe_bots::{
    engine::{Consent, Opening},
    meet::{
        Network,
        http::TokenSource,
        io::{MeetConfig, MeetEnd, MeetReport, run},
    },
    sim::meet::{Conference, DisconnectReason, Guest, GuestKind, Plan, SLOT_MS, Weather},
};
use reframe_call::{audio::TrackId, input::SourceState};
use reframe_ingest::What;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

/// For anything that is sure to happen: generous, for machines that are busy.
const SOON: Duration = Duration::from_secs(90);

/// A conference, an engine's ingest, and a bot between them.
struct Scene {
    conference: Conference,
    engine: Server,
    bot: JoinHandle<anyhow::Result<MeetReport>>,
    stop: Option<oneshot::Sender<()>>,
    _dir: tempfile::TempDir,
    token: PathBuf,
}

impl Scene {
    async fn of(plan: Plan) -> Self {
        Self::with(plan, |_| {}, None).await
    }

    async fn with(plan: Plan, change: impl FnOnce(&mut MeetConfig), disclosure: Option<&str>) -> Self {
        let server = serve_with(Manner { disclosure: disclosure.map(str::to_owned), cards_shown: 2 });
        let mut engine = Opening::new(server.url());
        engine.token = Some(TOKEN.into());

        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        std::fs::write(&token, &plan.token).unwrap();
        let conference = Conference::open("127.0.0.1:0".parse().unwrap(), plan).await.unwrap();
        let mut config = MeetConfig {
            base_url: conference.url().to_owned(),
            space: format!("spaces/{}", conference.space()),
            token: TokenSource::File(token.clone()),
            engine,
            consent: Some(Consent { basis: "test".into(), reference: String::new() }),
            told: None,
            network: Network { stun: vec![], local: vec!["127.0.0.1:0".into()], loopback: true },
            most_people: 16,
            patience: SOON,
        };
        change(&mut config);
        let (stop, stopped) = oneshot::channel::<()>();
        let bot = tokio::spawn(run(config, async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Self { conference, engine: server, bot, stop: Some(stop), _dir: dir, token }
    }

    async fn report(&mut self) -> MeetReport {
        let Ok(done) = timeout(SOON, &mut self.bot).await else {
            panic!("the bot did not finish: {:?}, {:?}", self.states(), self.conference.seen());
        };
        done.unwrap().unwrap()
    }

    fn items(&self) -> Vec<What> {
        self.engine.host.what()
    }

    async fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waited = timeout(SOON, async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain for {what}: {:?}", self.states());
    }

    fn states(&self) -> Vec<(SourceState, String)> {
        let source = |what| if let What::Source(s) = what { Some((s.state, s.detail)) } else { None };
        self.items().into_iter().filter_map(source).collect()
    }

    fn is(&self, state: SourceState) -> bool {
        self.states().iter().any(|(s, _)| *s == state)
    }

    /// The last name of each track.
    fn names(&self) -> BTreeMap<TrackId, String> {
        let track = |what| if let What::Track { info, .. } = what { Some((info.id, info.name)) } else { None };
        self.items().into_iter().filter_map(track).collect()
    }

    /// Packets by the name of their track: time in ms from the conference's first, and bytes.
    fn sound(&self) -> BTreeMap<String, Vec<(u64, Vec<u8>)>> {
        let names = self.names();
        let mut out: BTreeMap<String, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
        for what in self.items() {
            if let What::Packet(p) = what {
                out.entry(names[&p.track].clone()).or_default().push((p.timestamp_us, p.payload));
            }
        }
        out
    }
}

/// Somebody who speaks in these stretches, in ms; a different tone for each pitch.
fn speaker(name: &str, pitch: f32, talks: &[(u64, u64)], until_ms: u64) -> Guest {
    // Never the same twice, so that packets can be told apart; too soft to be speech.
    let mut random = 0x9e37_79b9_u32 ^ pitch as u32;
    let mut soft = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as i16 % 30
    };
    let mut samples: Vec<i16> = (0..until_ms * 16).map(|_| soft()).collect();
    for (from, to) in talks {
        for n in from * 16..to * 16 {
            let t = n as f32 / 16_000.0;
            samples[n as usize] = ((t * pitch * (1.0 + t * 0.05) * std::f32::consts::TAU).sin() * 8_000.0) as i16;
        }
    }
    Guest::from_samples(name, &samples).unwrap()
}

/// Which of a guest's packets were heard, by their numbers; all must be the guest's own, in order.
fn heard(guest: &Guest, sound: &[(u64, Vec<u8>)]) -> Vec<u64> {
    let mut next = 0;
    let mut out = Vec::new();
    for (_, payload) in sound {
        let found = (next..guest.slots()).find(|n| guest.packet(*n) == Some(payload));
        let n = found.unwrap_or_else(|| panic!("{}: a packet of somebody else, or out of order", guest.name));
        out.push(n);
        next = n + 1;
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_heard_under_their_own_name() {
    // Four people on three streams, restless ones.
    let guests = vec![
        speaker("Ann", 200.0, &[(400, 2_400), (4_000, 5_000)], 6_000),
        speaker("Bo", 310.0, &[(2_600, 3_900)], 6_000),
        speaker("Cy", 420.0, &[(3_000, 4_600)], 6_000).by(GuestKind::Phone),
        speaker("Di", 530.0, &[(4_700, 5_400)], 6_000).by(GuestKind::Anonymous),
    ];
    let plan = Plan { restless: 40, seed: 7, stats_interval_s: 1, ..Plan::new(guests.clone()) };
    let mut scene = Scene::of(plan).await;
    let report = scene.report().await;
    assert_eq!(report.end, MeetEnd::Disconnected(DisconnectReason::ConferenceEnded));
    assert_eq!(report.cards_shown, Some(2));

    let sound = scene.sound();
    let names: Vec<&str> = sound.keys().map(String::as_str).collect();
    assert_eq!(names, ["Ann", "Bo", "Cy (phone)", "Di"]);
    for (guest, (_, sound)) in guests.iter().zip(&sound) {
        let heard = heard(guest, sound);
        let talks: Vec<u64> = (0..guest.slots()).filter(|n| guest.loudness(*n).is_some()).collect();
        let missing = talks.iter().filter(|n| !heard.contains(n)).count();
        // A move may cost one packet.
        assert!(missing <= 6, "{}: {missing} of {} are missing: {report:?}", guest.name, talks.len());
        assert!(sound.windows(2).all(|p| p[0].0 + 20_000 <= p[1].0), "{}: packets overlap", guest.name);
    }
    // All tracks are on one clock: what was said at the same time is at the same time.
    let zero = |n: usize| {
        let (_, sound) = sound.iter().nth(n).unwrap();
        let number = heard(&guests[n], sound)[0];
        sound[0].0 as i64 - (number * SLOT_MS * 1_000) as i64
    };
    for n in 1..4 {
        assert!((zero(n) - zero(0)).abs() < 100_000, "{n}: {} us off", zero(n) - zero(0));
    }
    // Utterances are cut where a speaker stops.
    let pauses = scene.items().iter().filter(|w| matches!(w, What::Pause { .. })).count();
    assert!(pauses >= 4, "{pauses}");
    let states: Vec<SourceState> = scene.states().iter().map(|(s, _)| *s).collect();
    assert_eq!(states, [SourceState::Connecting, SourceState::Joined, SourceState::Disconnected]);

    let seen = scene.conference.seen();
    assert_eq!((seen.offers.len(), seen.bad_offers.len(), seen.joined), (1, 0, 1));
    assert!(seen.offers[0].audio == 3 && seen.offers[0].video == 0 && seen.offers[0].candidates > 0, "{seen:?}");
    let mut channels = seen.channels;
    channels.sort();
    assert_eq!(channels, ["media-entries", "media-stats", "participants", "session-control"]);
    assert!(report.reports >= 2 && seen.reports.len() >= 2, "{:?} {report:?}", seen.reports);
    assert!(seen.reports.iter().all(|r| r.contains(&"inbound_rtp".to_owned()) && !r.contains(&"certificate".into())));
    assert_eq!((seen.bad_requests, seen.bad_tokens, report.unknown), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_need_not_be_named_in_the_answer() {
    let guests = vec![speaker("Ann", 200.0, &[(400, 1_000)], 1_200), speaker("Bo", 310.0, &[(500, 1_000)], 1_200)];
    let mut scene = Scene::of(Plan { names_ssrcs: false, ..Plan::new(guests) }).await;
    let report = scene.report().await;
    assert_eq!(scene.sound().len(), 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_does_not_mix_anybody_up() {
    let guests = vec![
        speaker("Ann", 200.0, &[(400, 3_400)], 4_000),
        speaker("Bo", 310.0, &[(1_500, 2_500), (3_000, 3_600)], 4_000),
    ];
    let weather = Weather { loss_percent: 5, swap_percent: 2 };
    let mut scene = Scene::of(Plan { weather, seed: 3, ..Plan::new(guests.clone()) }).await;
    let report = scene.report().await;
    let sound = scene.sound();
    assert!(report.streams.lost > 0 && report.streams.packets > 200, "{report:?}");
    for guest in &guests {
        let heard = heard(guest, &sound[&guest.name]);
        let talks = (0..guest.slots()).filter(|n| guest.loudness(*n).is_some()).count();
        assert!(heard.len() * 100 >= talks * 85, "{}: {} of {talks}", guest.name, heard.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waiting_room_is_told_and_then_left() {
    let guests = vec![speaker("Ann", 200.0, &[(400, 1_000)], 1_200)];
    let mut scene = Scene::of(Plan { waiting_room: true, ..Plan::new(guests) }).await;
    scene.wait("the waiting room", |s| s.is(SourceState::WaitingRoom)).await;
    assert!(scene.conference.begun().is_none() && scene.sound().is_empty());
    scene.conference.admit();
    let report = scene.report().await;
    assert!(scene.is(SourceState::Joined) && !scene.sound()["Ann"].is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_leaves_when_asked() {
    let guests = vec![speaker("Ann", 200.0, &[(0, 2_000)], 2_000)];
    let mut scene = Scene::of(Plan { ends: false, ..Plan::new(guests) }).await;
    scene.wait("sound", |s| !s.sound().is_empty()).await;
    scene.stop.take().unwrap().send(()).unwrap();
    let report = scene.report().await;
    assert_eq!(report.end, MeetEnd::Left);
    assert_eq!(scene.conference.seen().leaves, 1);
    assert_eq!(scene.states().last().unwrap().0, SourceState::Disconnected);
    assert_eq!(scene.items().last(), Some(&What::End));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_the_bot_has_not_agreed() {
    let guests = vec![speaker("Ann", 200.0, &[(0, 60_000)], 60_000)];
    let mut scene = Scene::of(Plan::new(guests)).await;
    scene.wait("sound", |s| !s.sound().is_empty()).await;
    scene.conference.end(DisconnectReason::UserStopped);
    let report = scene.report().await;
    assert_eq!(report.end, MeetEnd::Disconnected(DisconnectReason::UserStopped));
    let (state, detail) = scene.states().last().unwrap().clone();
    assert_eq!((state, detail.contains("stopped the bot")), (SourceState::ConsentRefused, true), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_consent_is_told_in_googles_words() {
    let refuse = Some((403, "PERMISSION_DENIED".to_owned(), "The meeting host is not present to consent.".to_owned()));
    let mut scene = Scene::of(Plan { refuse, ..Plan::new(vec![]) }).await;
    let report = scene.report().await;
    let MeetEnd::Refused(why) = &report.end else { panic!("{report:?}") };
    assert!(why.contains("not present to consent"), "{why}");
    let (state, detail) = scene.states().last().unwrap().clone();
    assert_eq!((state, detail.contains("not present to consent")), (SourceState::ConsentRefused, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_waited_for() {
    let guests = vec![speaker("Ann", 200.0, &[(400, 1_000)], 1_200)];
    let mut scene = Scene::of(Plan { token: "old".into(), ..Plan::new(guests) }).await;
    scene.conference.renew_token("new");
    // Whichever came first: the bot's request with the old token, or the new token.
    std::fs::write(&scene.token, "still-old").unwrap();
    scene.wait("the expired token", |s| s.is(SourceState::TokenExpired) || s.is(SourceState::Joined)).await;
    std::fs::write(&scene.token, "new").unwrap();
    scene.report().await;
    assert!(scene.is(SourceState::Joined));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network_is_told_and_mended() {
    let guests = vec![speaker("Ann", 200.0, &[(400, 60_000)], 60_000)];
    let mut scene = Scene::of(Plan { ends: false, ..Plan::new(guests.clone()) }).await;
    scene.wait("sound", |s| s.sound().get("Ann").is_some_and(|p| p.len() > 20)).await;
    scene.conference.cut();
    let before = scene.sound()["Ann"].len();
    scene.wait("the news of it", |s| s.is(SourceState::Reconnecting)).await;
    scene.wait("the way back", |s| s.conference.seen().joined == 2).await;
    scene.wait("more sound", |s| s.sound()["Ann"].len() > before + 50).await;
    scene.conference.end(DisconnectReason::ConferenceEnded);
    let report = scene.report().await;
    assert_eq!(report.reconnects, 1);
    assert_eq!(scene.names().len(), 1, "the same person is the same track");
    let sound = &scene.sound()["Ann"];
    let numbers = heard(&guests[0], sound);
    // The clock goes on: as much time lies between two packets as between their sounds.
    let (said, told) =
        ((numbers[numbers.len() - 1] - numbers[0]) * SLOT_MS * 1_000, sound[sound.len() - 1].0 - sound[0].0);
    assert!(said.abs_diff(told) < 1_000_000, "{said} us of sound in {told} us");
    assert_eq!(scene.states().iter().filter(|(s, _)| *s == SourceState::Joined).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_and_returns_is_one_track() {
    let mut ann = speaker("Ann", 200.0, &[(400, 1_400), (3_000, 3_600)], 4_000);
    ann.stays = vec![(0, 90), (120, u64::MAX)];
    let mut scene = Scene::of(Plan::new(vec![ann.clone()])).await;
    scene.report().await;
    assert_eq!(scene.names().len(), 1);
    assert!(scene.items().iter().any(|w| matches!(w, What::Leave { .. })));
    let numbers = heard(&ann, &scene.sound()["Ann"]);
    assert!(numbers.iter().any(|n| *n < 70) && numbers.iter().any(|n| *n > 150), "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_participants_told_nothing_is_passed_on() {
    for told in [None, Some("invitation".to_owned())] {
        let guests = vec![speaker("Ann", 200.0, &[(400, 1_000)], 1_200)];
        let tell = told.clone();
        let mut scene = Scene::with(Plan::new(guests), |c| c.told = tell, Some("We listen.")).await;
        let report = scene.report().await;
        let disclosed = scene.items().iter().any(|w| matches!(w, What::Disclosed(d) if d.via == "invitation"));
        assert_eq!(disclosed, told.is_some());
        assert_eq!(scene.sound().is_empty(), told.is_none(), "{report:?}");
        if told.is_none() {
            assert!(report.unheard > 0);
            assert!(scene.states().iter().any(|(s, d)| *s == SourceState::Joined && d.contains("We listen.")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_that_is_not_there_is_given_up_in_the_end() {
    let mut scene = Scene::with(
        Plan::new(vec![]),
        |c| {
            c.space = "elsewhere".into();
            c.patience = Duration::from_millis(700);
        },
        None,
    )
    .await;
    let report = scene.report().await;
    let MeetEnd::GaveUp(why) = &report.end else { panic!("{report:?}") };
    assert!(why.contains("no conference is running"), "{why}");
}

//! Takes the words of one participant out of messages that are kept. Pure.

use reframe_call::{audio::TrackId, event::unquote};

use crate::wire::{CardMessage, ServerBody, ServerMessage};

/// Takes what `track` said (`None`: what anybody said) out of a card's reason, as [`reframe_call::event::Eraser`] does in
/// the log. A card of which nobody knows whose words it rests on loses them too. Says whether anything changed.
pub(crate) fn scrub_card(card: &mut CardMessage, track: Option<TrackId>) -> bool {
    let reason = &mut card.reason;
    let concerned = match (track, reason.track) {
        (Some(track), Some(of)) => of == track.0,
        (None, _) | (_, None) => true,
    };
    if !concerned {
        return false;
    }
    let had_words = !std::mem::take(&mut reason.words).is_empty();
    unquote(&mut reason.rule) || had_words
}

/// The text of a kept message without what `track` said (`None`: anybody); `None` if it holds nothing of it.
pub(crate) fn scrub_text(text: &str, track: Option<TrackId>) -> Option<String> {
    match serde_json::from_str::<ServerMessage>(text).ok()?.body {
        ServerBody::Card(mut card) => scrub_card(&mut card, track).then(|| ServerBody::Card(card).to_json()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use reframe_call::{
        audio::{Consent, Party, TrackInfo},
        card::Card,
        detect::{Detection, Evidence},
        event::{CardId, Event, EventBody, UtteranceId},
        output::Caption,
        recognize::Word,
        time::MediaTime,
    };

    use super::*;
    use crate::{
        CallMeta, CallScreen, Hub, HubOptions, Metrics, Token,
        live::{Next, Watcher},
        sample,
    };

    const TOKEN: &str = "0123456789abcdef";
    /// What Dana (track 1) and Priya (track 2) said.
    const DANA: &str = "marmalade";
    const PRIYA: &str = "submarine";

    struct Call {
        hub: Hub,
        screen: CallScreen,
        seq: u64,
    }

    impl Call {
        fn new(options: HubOptions) -> Self {
            let hub = Hub::new(options, &Metrics::new());
            let meta = CallMeta { id: "c".into(), title: "Acme".into(), token: Token::new(TOKEN) };
            let screen = hub.open_call(meta, Arc::new(|_| true)).unwrap();
            let mut call = Self { hub, screen, seq: 0 };
            for (id, name) in [(1, "Dana"), (2, "Priya")] {
                let consent = Some(Consent { basis: "fixture".into(), reference: String::new() });
                let track = TrackInfo { id: TrackId(id), party: Party::Buyer, name: name.into(), email: None, consent };
                call.event(EventBody::TrackAdded { track });
            }
            call
        }

        fn event(&mut self, body: EventBody) {
            let event = Event { seq: self.seq, at: MediaTime::from_ms(self.seq), body };
            self.screen.publish(&event, None);
            self.seq += 1;
        }

        /// A card that quotes `secret`, said on `track`.
        fn card(&mut self, id: u32, track: u16, secret: &str, waits: bool) {
            let word =
                Word { text: secret.into(), start: MediaTime::ZERO, end: MediaTime::from_ms(9), confidence: 0.9 };
            let rule = format!("phrase \"{secret}\" in the words");
            let plain = sample::card(id);
            let evidence = Evidence {
                rule: rule.clone(),
                phrase: secret.into(),
                words: vec![word.clone()],
                start: MediaTime::ZERO,
                end: MediaTime::from_ms(9),
                heard_at: MediaTime::from_ms(10),
                sound: None,
                similarity: None,
            };
            let detection = Detection {
                play: plain.play.clone(),
                label: plain.label.clone(),
                score: 0.9,
                track: TrackId(track),
                utterance: UtteranceId(id),
                evidence,
            };
            self.event(EventBody::ObjectionDetected { detection });
            let reason = reframe_call::card::Reason { rule, words: vec![word], ..plain.reason.clone() };
            let card = Card { reason, ..plain };
            self.event(if waits { EventBody::CardQueued { card } } else { EventBody::CardShown { card } });
        }

        fn say(&mut self, track: u16, text: &str) {
            let (track, utterance) = (TrackId(track), UtteranceId(0));
            self.screen.caption(&Caption { track, utterance, committed: text.into(), tail: text.into() });
        }

        fn everything_said(&mut self) {
            self.card(0, 1, DANA, false);
            self.event(EventBody::CardPinned { card: CardId(0), pinned: true });
            // Dana's card makes way and waits, whole, behind Priya's.
            self.card(1, 2, PRIYA, true);
            let mut dana = sample::card(0);
            dana.reason.rule = format!("phrase \"{DANA}\"");
            self.event(EventBody::CardQueued { card: dana });
            let mut priya = sample::card(1);
            priya.reason.rule = format!("phrase \"{PRIYA}\"");
            self.event(EventBody::CardShown { card: priya });
            self.say(1, DANA);
            self.say(2, PRIYA);
        }

        fn join(&self, resume_from: Option<u64>) -> Watcher {
            self.hub.join("c", TOKEN, resume_from).unwrap()
        }
    }

    /// All that a client has to read right now, as text.
    fn read(watcher: &Watcher) -> String {
        let mut all = String::new();
        while let Next::Send(text) | Next::SendCaption(text) = watcher.next(true) {
            all.push_str(text.as_str());
            all.push('\n');
        }
        all
    }

    /// Whatever a client of this call can be sent from now on, however far it had come.
    fn whatever_can_be_sent(call: &Call, watchers: &[Watcher]) -> String {
        let late = (0..=call.seq).map(|seq| read(&call.join(Some(seq))));
        watchers.iter().map(read).chain(late).chain([read(&call.join(None))]).collect()
    }

    #[test]
    fn after_the_event_nothing_that_is_kept_or_sent_holds_the_words() {
        let mut call = Call::new(HubOptions { max_clients_per_call: 100, ..HubOptions::default() });
        let up_to_date = call.join(None);
        call.everything_said();
        assert!(read(&up_to_date).contains(DANA), "or this test shows nothing");
        let slow = call.join(Some(0));
        assert!(whatever_can_be_sent(&call, &[]).contains(DANA));
        call.event(EventBody::WordsErased { track: TrackId(1) });
        let all = whatever_can_be_sent(&call, &[up_to_date, slow]);
        assert!(!all.contains(DANA), "{all}");
        assert!(all.contains(PRIYA), "what others said stays");
        assert!(all.contains(r#""type":"erased","seq":"#));
        // The card that waits comes back without the words, too.
        call.event(EventBody::CardClosed { card: CardId(1), end: reframe_call::card::CardEnd::Used });
        call.event(EventBody::CallErased { reason: "revoked".into() });
        let all = whatever_can_be_sent(&call, &[]);
        assert!(!all.contains(DANA) && !all.contains(PRIYA), "{all}");
        assert!(all.contains(r#""track":null}"#), "everybody's: {all}");
    }

    #[test]
    fn erasing_without_an_event_reaches_also_those_who_come_back() {
        let mut call = Call::new(HubOptions { max_clients_per_call: 100, ..HubOptions::default() });
        let here = call.join(None);
        call.everything_said();
        let last = call.seq - 1;
        assert!(read(&here).contains(DANA));
        call.screen.erase(TrackId(1));
        let told = read(&here);
        assert!(told.contains(r#""type":"state""#) && !told.contains(DANA), "{told}");
        // One that left before with everything on its screen is not told that it is up to date.
        let back = read(&call.join(Some(last)));
        assert!(back.contains(r#""type":"state""#) && back.contains(r#""missed":null"#), "{back}");
        let all = whatever_can_be_sent(&call, &[]);
        assert!(!all.contains(DANA) && all.contains(PRIYA), "{all}");
        assert!(call.hub.erase("c", Some(TrackId(2))) && !call.hub.erase("d", None));
        assert!(!whatever_can_be_sent(&call, &[]).contains(PRIYA));
    }

    #[test]
    fn an_ended_call_that_can_still_be_looked_at_forgets_too() {
        let mut call = Call::new(HubOptions { max_clients_per_call: 100, ..HubOptions::default() });
        call.everything_said();
        call.event(EventBody::CallEnded { cards_shown: 2, utterances: 2 });
        let Call { hub, screen, seq } = call;
        screen.close();
        assert!(hub.erase("c", None));
        for from in 0..seq {
            let text = read(&hub.join("c", TOKEN, Some(from)).unwrap());
            assert!(!text.contains(DANA) && !text.contains(PRIYA), "{text}");
        }
    }

    #[test]
    fn a_card_of_unknown_origin_is_scrubbed_by_any_erasure() {
        let mut message = CardMessage::new(0, &sample::card(0), None, 0, None, 0);
        assert!(scrub_card(&mut message, Some(TrackId(7))));
        assert!(message.reason.words.is_empty() && message.reason.rule == "phrase \"…\"");
        assert!(!scrub_card(&mut message, Some(TrackId(7))), "a second time changes nothing");
        let mut other = CardMessage::new(0, &sample::card(0), Some(TrackId(1)), 0, None, 0);
        assert!(!scrub_card(&mut other, Some(TrackId(7))) && !other.reason.words.is_empty());
    }
}

//! What the page says and offers when something is in the way: trouble, unknown speakers, consent, notes, erasure.

use reframe_call::{
    audio::{Consent, Party, TrackId},
    card::CardEnd,
    event::{CardId, EventBody, UtteranceId},
    input::{Coaching, ConsentRule, Disclosure, Load, RepAction, SourceState, SourceStatus},
    time::MediaTime,
};
use serde_json::json;

use crate::{
    CONTRAST,
    call::{Call, card},
    cdp::{Browser, Page},
    shows,
};

/// Narrow, as beside a meeting.
const NARROW: (u32, u32) = (360, 640);

/// The line that begins like this is there, and says what to do.
fn says(what: &str, todo: &str) -> String {
    format!(
        "[...document.querySelectorAll('#status li')].some((line) => line.querySelector('strong').textContent === {} && \
         line.querySelector('.todo').textContent.includes({}) && line.checkVisibility())",
        json!(what),
        json!(todo)
    )
}

fn source(state: SourceState, detail: &str) -> EventBody {
    EventBody::SourceChanged { source: SourceStatus { state, detail: detail.into() } }
}

fn consent() -> Option<Consent> {
    Some(Consent { basis: "fixture".into(), reference: String::new() })
}

async fn listening(browser: &mut Browser, page: &Page) {
    browser.wait(page, "document.querySelector('#status').textContent.startsWith('Listening')").await;
}

pub async fn each_has_a_line(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), NARROW, "light").await;
    listening(browser, &page).await;
    let polite = "document.querySelector('#status').closest('[role=status]').getAttribute('aria-atomic') === 'false'";
    assert_eq!(browser.eval(&page, polite).await, true, "lines are read out as they come, one by one");
    for (state, detail, what, todo) in [
        (SourceState::Connecting, "", "Joining the meeting", ""),
        (SourceState::WaitingRoom, "", "In the waiting room", "Let Reframe in"),
        (SourceState::Paused, "", "The meeting paused the sound", "Resume it"),
        (SourceState::KeepAliveLost, "", "The meeting stopped answering", "tries again by itself"),
        (SourceState::Reconnecting, "", "Lost the meeting, reconnecting", "comes back by itself"),
        (SourceState::TokenExpired, "", "Reframe’s access to the meeting ran out", "Renew the bot’s sign-in"),
        (
            SourceState::TokenExpired,
            "a <i>secret</i> is old; run `login` again",
            "Reframe’s access to the meeting ran out",
            "A <i>secret</i> is old; run `login` again.",
        ),
        (SourceState::ConsentRefused, "Dana said no.", "Consent was refused", "Dana said no. Nobody is listened to"),
        (
            SourceState::Disconnected,
            "the host ended it",
            "Out of the meeting",
            "The host ended it. Start the bot again",
        ),
    ] {
        call.event(source(state, detail));
        browser.wait(&page, &says(what, todo)).await;
        assert_eq!(browser.eval(&page, "document.querySelectorAll('#status li').length").await, 1, "{what}");
    }
    call.event(source(SourceState::Joined, "working from the transcript"));
    browser
        .wait(&page, "document.querySelector('#status').textContent.endsWith('. Working from the transcript.')")
        .await;
    call.event(source(SourceState::Joined, ""));
    browser.wait(&page, "document.querySelector('#status').textContent === 'Listening · in the meeting'").await;
    let (track, utterance, start) = (TrackId(1), UtteranceId(0), MediaTime::ZERO);
    call.event(EventBody::SpeechStarted { track, utterance, start });
    browser.wait(&page, "document.querySelector('#status').textContent === 'Listening · hearing Dana <b>W</b>'").await;
    call.say(1, "so", "");
    browser.wait(&page, "document.querySelector('#caption-party').textContent === 'buyer'").await;

    let at = MediaTime::from_ms(call.log.len() as u64);
    call.event(EventBody::AudioStalled { since: MediaTime::ZERO });
    browser.wait(&page, &says("No sound", "not muted")).await;
    let seconds =
        "Number(document.querySelector('[data-notice=silent] .when').textContent.match(/^ for (\\d+) s$/)[1])";
    let first = browser.eval(&page, seconds).await.as_u64().unwrap();
    assert!(first < 40, "{first} s since {} ms before", at.ms());
    browser.wait(&page, &format!("{seconds} > {first}")).await;
    call.event(EventBody::AudioResumed);
    listening(browser, &page).await;

    call.event(EventBody::LoadChanged { load: Load::High });
    browser.wait(&page, &says("Machine is behind", "Close other programs")).await;
    call.event(EventBody::LoadChanged { load: Load::Normal });
    listening(browser, &page).await;

    // Somebody comes late who has not agreed: with everybody's consent needed, that stops everything.
    call.event(EventBody::ConsentRuleChanged { rule: ConsentRule::Everyone, because: "california".into() });
    call.join(2, Party::Buyer, "Priya", false);
    call.event(EventBody::ConsentAwaited { tracks: vec![TrackId(2)] });
    browser.wait(&page, &says("Waiting for consent of Priya", "Nobody is being listened to")).await;
    browser.click(&page, ".go-on").await;
    let notes_only = [RepAction::SetCoaching { coaching: Coaching::NotesOnly }];
    assert_eq!(call.heard(1).await, notes_only, "what to do is one click away");
    call.event(EventBody::ConsentChanged { track: TrackId(2), consent: consent() });
    call.event(EventBody::ConsentAwaited { tracks: Vec::new() });
    listening(browser, &page).await;
    call.event(EventBody::ConsentChanged { track: TrackId(2), consent: None });
    browser.wait(&page, &says("Not listening to Priya", "No consent on record")).await;
    for track in [0, 1] {
        call.event(EventBody::ConsentChanged { track: TrackId(track), consent: None });
    }
    browser.wait(&page, &says("No consent from Rae, Dana <b>W</b> and Priya", "Nobody is being listened to")).await;
    browser.close(&page).await;
}

/// Where a line of trouble, or a question, lies over the card.
const COVERS: &str = "(() => {
    const card = document.querySelector('.card').getBoundingClientRect();
    const title = document.querySelector('.say li').getBoundingClientRect();
    const top = document.elementFromPoint(title.x + 5, title.y + 5)?.closest('.card');
    const over = [...document.querySelectorAll('#status li, #who, #caption')].filter((node) => {
        const box = node.getBoundingClientRect();
        const main = document.querySelector('#main').getBoundingClientRect();
        return box.height > 0 && box.bottom > Math.max(card.top, main.top) + 0.5 && box.top < Math.min(card.bottom, main.bottom) - 0.5;
    });
    return [top !== null && top !== undefined, over.map((node) => node.textContent)];
})()";

pub async fn none_covers_the_card(browser: &mut Browser) {
    let mut call = Call::start().await;
    for id in 2..6 {
        call.join(id, Party::Unknown, "Somebody with a rather long name", true);
    }
    call.join(6, Party::Buyer, "Priya", false);
    call.event(source(
        SourceState::KeepAliveLost,
        "The meeting has said nothing for 30 s; restart the bot if this stays",
    ));
    call.event(EventBody::LoadChanged { load: Load::High });
    call.show(0, "Everything at once", "Compared with what?");
    call.say(1, "we have been over this again and again and", "again");
    for (width, scheme) in [(360, "light"), (360, "dark"), (900, "light")] {
        let page = browser.open(&call.link(), (width, 640), scheme).await;
        browser.wait(&page, &shows("Everything at once")).await;
        browser.wait(&page, "document.querySelectorAll('#status li').length === 4").await;
        browser.eval(&page, "document.getAnimations().forEach((each) => each.finish())").await;
        assert_eq!(browser.eval(&page, COVERS).await, json!([true, []]), "{width}");
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.eval(&page, fits).await, true, "no sideways scrolling at {width}");
        let worst = browser.eval(&page, CONTRAST).await;
        assert!(worst[0].as_f64().unwrap() >= 4.5, "{scheme}: {worst}");
        browser.press(&page, "c", 0).await;
        browser.wait(&page, "!document.querySelector('#call').hidden").await;
        assert_eq!(browser.eval(&page, fits).await, true, "nor with the people open");
        let worst = browser.eval(&page, CONTRAST).await;
        assert!(worst[0].as_f64().unwrap() >= 4.5, "{scheme}: {worst}");
        browser.close(&page).await;
    }
}

pub async fn one_click_settles_a_side(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), NARROW, "light").await;
    listening(browser, &page).await;
    call.join(2, Party::Unknown, "<i>Lee</i>", true);
    call.join(3, Party::Unknown, "Sam", true);
    browser.wait(&page, &says("Speaker unknown", "Say whose side")).await;
    browser.wait(&page, "document.querySelectorAll('#strangers li').length === 2").await;
    assert_eq!(browser.text(&page, "#strangers .ask-who").await, "<i>Lee</i>");
    browser.click(&page, "#strangers [data-track=\"2\"] [data-party=buyer]").await;
    assert_eq!(call.heard(1).await, [RepAction::SetParty { track: TrackId(2), party: Party::Buyer }]);
    call.join(2, Party::Buyer, "<i>Lee</i>", true);
    browser.wait(&page, "document.querySelectorAll('#strangers li').length === 1").await;
    browser.press(&page, "o", 0).await;
    assert_eq!(call.heard(1).await, [RepAction::SetParty { track: TrackId(3), party: Party::Rep }]);
    call.join(3, Party::Rep, "Sam", true);
    browser.wait(&page, "document.querySelector('#who').hidden").await;
    listening(browser, &page).await;
    browser.press(&page, "b", 0).await;
    // A mistake can be put right.
    call.event(EventBody::DisclosurePosted {
        disclosure: Disclosure { via: "chat".into(), text: "Reframe listens.".into() },
    });
    browser.press(&page, "c", 0).await;
    browser.wait(&page, "document.querySelector('#told').textContent.includes('in the chat')").await;
    let pressed = "document.querySelector('#people [data-track=\"3\"] [aria-pressed=true]').textContent";
    assert_eq!(browser.eval(&page, pressed).await, "Ours");
    browser.click(&page, "#people [data-track=\"3\"] [data-party=buyer]").await;
    let heard = call.heard(1).await;
    assert_eq!(heard, [RepAction::SetParty { track: TrackId(3), party: Party::Buyer }], "and b had nobody to be about");
    browser.close(&page).await;

    let mut call = Call::start().await;
    for track in [0, 1] {
        call.event(EventBody::TrackEnded { track: TrackId(track) });
    }
    call.join(4, Party::Unknown, "Meeting", true);
    let page = browser.open(&call.link(), NARROW, "light").await;
    browser.wait(&page, &says("One microphone for all: speakers unknown", "your own words")).await;
    browser.close(&page).await;
}

pub async fn notes_are_kept(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), NARROW, "light").await;
    listening(browser, &page).await;
    browser.press(&page, "n", 0).await;
    browser.wait(&page, "document.activeElement.id === 'note-text'").await;
    // Letters that are keys elsewhere are letters here.
    for letter in ["d", "u", "p", "o"] {
        browser.press(&page, letter, 0).await;
    }
    browser.wait(&page, "document.querySelector('#note-text').value === 'dupo'").await;
    browser.enter(&page).await;
    assert_eq!(call.heard(1).await, [RepAction::Note { text: "dupo".into() }]);
    assert_eq!(browser.eval(&page, "document.querySelector('#note-text').value").await, "dupo", "until it is kept");
    call.event(EventBody::NoteTaken { text: "dupo".into() });
    browser.wait(&page, "document.querySelector('#note-list .note').textContent === 'dupo'").await;
    browser.wait(&page, "document.querySelector('#note-text').value === ''").await;
    browser.press(&page, "Escape", 0).await;
    browser.wait(&page, "document.querySelector('#notes').hidden").await;

    call.event(EventBody::CoachingChanged { coaching: Coaching::NotesOnly });
    browser.wait(&page, &says("Notes only: nobody is listened to", "")).await;
    browser.wait(&page, "!document.querySelector('#notes').hidden").await;
    let share = "document.querySelector('#notes').getBoundingClientRect().height / innerHeight";
    assert!(browser.eval(&page, share).await.as_f64().unwrap() > 0.5, "most of the page is for notes");
    let worst = browser.eval(&page, CONTRAST).await;
    assert!(worst[0].as_f64().unwrap() >= 4.5, "{worst}");
    call.event(EventBody::NoteTaken { text: "<b>bold</b>\nsecond".into() });
    browser.wait(&page, "document.querySelectorAll('#note-list li').length === 2").await;
    assert_eq!(browser.text(&page, "#note-list li:last-child .note").await, "<b>bold</b>\nsecond");
    browser.call(Some(&page), "Page.reload", json!({})).await;
    browser.wait(&page, "document.querySelectorAll('#note-list li').length === 2").await;
    call.event(EventBody::CallEnded { cards_shown: 0, utterances: 0 });
    browser.wait(&page, "document.querySelector('.recap')").await;
    let recap = browser.text(&page, ".recap").await;
    assert!(recap.contains("2notes") && recap.contains("dupo"), "{recap}");
    browser.close(&page).await;
}

pub async fn listening_can_be_stopped(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), NARROW, "light").await;
    listening(browser, &page).await;
    call.show(0, "On the screen", "One.");
    browser.wait(&page, &shows("On the screen")).await;
    browser.press(&page, "c", 0).await;
    browser.wait(&page, "document.querySelector('[data-to=live]').getAttribute('aria-pressed') === 'true'").await;
    browser.click(&page, "[data-to=off]").await;
    assert_eq!(call.heard(1).await, [RepAction::SetCoaching { coaching: Coaching::Off }]);
    call.event(EventBody::CardClosed { card: CardId(0), end: CardEnd::Dismissed });
    call.event(EventBody::CoachingChanged { coaching: Coaching::Off });
    browser.wait(&page, &says("Stopped: nobody is listened to", "")).await;
    browser.press(&page, "c", 0).await;
    browser.press(&page, "t", 0).await;
    assert_eq!(browser.eval(&page, "document.querySelector('#notes').hidden").await, true, "nothing is kept");
    browser.click(&page, ".go-on").await;
    assert_eq!(call.heard(1).await, [RepAction::SetCoaching { coaching: Coaching::Live }]);
    call.event(EventBody::CoachingChanged { coaching: Coaching::Live });
    listening(browser, &page).await;
    browser.close(&page).await;
}

pub async fn erased_words_leave_the_page(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), NARROW, "light").await;
    listening(browser, &page).await;
    let mut secret = card(0, "Stays", "Compared with what?");
    secret.reason.speaker = "Dana <b>W</b>".into();
    secret.reason.rule = "phrase \"marmalade\" in the words".into();
    secret.reason.words[0].text = "marmalade".into();
    call.event(EventBody::CardShown { card: secret });
    call.say(1, "so much marmalade", "marmalade");
    browser.wait(&page, "document.querySelector('#caption-text').textContent.includes('marmalade')").await;
    browser.press(&page, "w", 0).await;
    browser.wait(&page, "document.querySelector('.reason').textContent.includes('marmalade')").await;
    call.event(EventBody::WordsErased { track: TrackId(1) });
    browser.wait(&page, "document.querySelector('#toast').textContent === 'What Dana <b>W</b> said was erased'").await;
    let all = "document.documentElement.outerHTML.includes('marmalade')";
    assert_eq!(browser.eval(&page, all).await, false, "nowhere in the page, attributes included");
    assert_eq!(browser.text(&page, ".card-title").await, "Stays", "the advice is the playbook's and may stay");
    // What somebody else says meanwhile is theirs.
    call.say(0, "as I said", "");
    browser.wait(&page, "document.querySelector('#caption-said').textContent === 'as I said'").await;
    call.event(EventBody::WordsErased { track: TrackId(1) });
    call.show(1, "Another", "One.");
    browser.wait(&page, &shows("Another")).await;
    assert_eq!(browser.text(&page, "#caption-said").await, "as I said");
    call.event(EventBody::CallErased { reason: "revoked".into() });
    browser.wait(&page, "document.querySelector('#caption').hidden").await;
    browser.close(&page).await;
}

//! Not a dashboard that summarizes the week: what happens changes what is done next, while it can still be done.

use reframe_call::event::EventBody;
use reframe_store::{CallId, EventLog as _};

use super::team::{Team, address, say};
use crate::{
    feed::{look, runtime},
    support::{out, wait_until},
};

/// The furthest stage of an account and what a person must act on there, as the list of accounts has it.
fn next(team: &Team, account: usize) -> (String, Option<String>) {
    let list = team.json(&["account"]);
    let id = format!("local:company/{account}");
    let line = list["accounts"].as_array().unwrap().iter().find(|line| line["id"] == id.as_str()).unwrap().clone();
    let word = |name: &str| line[name].as_str().map(str::to_owned);
    (word("stage").unwrap(), word("approval"))
}

/// While the buyer is still on the line the answer to what they just said is on the rep's screen.
#[test]
fn an_objection_changes_the_screen_before_the_call_is_over() {
    let team = Team::new();
    team.deals(&[(1, "discovery")]);
    let server = team.serve();
    runtime().block_on(async {
        let mut bot = team.join(&server, 1).await;
        let overlay = bot.overlay();
        for n in 0..3 {
            say(&mut bot, n).await;
        }
        let events = || {
            let events = team.store().read(&CallId::new("call-1").unwrap(), 0).unwrap();
            assert!(!events.iter().any(|e| matches!(e.body, EventBody::CallEnded { .. })), "the call goes on");
            events
        };
        let shown = || {
            let card = |body| match body {
                EventBody::CardShown { card } if card.label == "price" => Some(card),
                _ => None,
            };
            events().into_iter().find_map(|e| card(e.body))
        };
        let first = |body: &EventBody| matches!(body, EventBody::UtteranceEnded { utterance, .. } if utterance.0 == 0);
        wait_until("the small talk is heard", || events().iter().any(|e| first(&e.body)));
        assert!(shown().is_none(), "nothing to answer yet");
        for n in 3..7 {
            say(&mut bot, n).await;
        }
        wait_until("a card is shown", || shown().is_some());
        let text = serde_json::to_string(&shown().unwrap().say[0]).unwrap();
        let screen = look(&overlay).await;
        assert!(screen.contains(&text), "{text}: {screen}");
        bot.stop().await;
    });
}

/// Each thing that happens, and each decision, changes the next action of its account at once.
#[test]
fn what_happens_changes_the_next_action_the_same_moment() {
    let team = Team::new();
    team.reached_out();
    assert_eq!(next(&team, 5), ("outreach".into(), Some("done".into())));
    assert_eq!(next(&team, 7), ("outreach".into(), Some("proposed".into())));
    assert_eq!(next(&team, 9), ("signal".into(), None));

    // An answer of substance: a person is asked to act within half an hour of working time, and the plan stops.
    let says = team.answered(5, "Yes, happy to talk. How does Tuesday at 10 work for a call?");
    assert!(says.contains("a person sees it by ") && says.contains("the sequence: over: replied"), "{says}");
    assert_eq!(next(&team, 5), ("outreach".into(), Some("proposed".into())));
    let over = team.run(&["outreach", "draft", "5"]);
    assert!(out(&over).contains("the messages to Ed East are over: replied"), "{}", out(&over));
    // A wish for no more: the message that waits for them is not sent, though it is approved afterwards.
    let says = team.answered(7, "Please unsubscribe me.");
    assert!(says.contains(&format!("{} is not written to any more, as of now", address(7))), "{says}");
    team.review(|line| if line.contains(&format!("send to {}", address(7))) { "a" } else { "n" });
    assert_eq!(team.sent(), 5);
    let why = team.says(&["review", "--list"]);
    assert!(why.lines().any(|line| line.contains(&address(7)) && line.contains("unsubscribed")), "{why}");

    // A new event on a day whose feed is shown already is the next day's; a meeting is the next step of its account now.
    team.met();
    assert_eq!(next(&team, 1).0, "call_prep");
    team.talked();
    assert_eq!(next(&team, 1), ("post_call".into(), Some("proposed".into())));
    let both = [team.batch("call call-1"), team.batch("meeting m1")].concat();
    let ids: Vec<String> = both.iter().map(|l| l.proposal.id.to_string()).collect();
    team.review(|line| if ids.iter().any(|id| line.starts_with(id.as_str())) { "a" } else { "n" });
    assert_eq!(next(&team, 1), ("post_call".into(), Some("done".into())));
    // The deal's next step is the one that was agreed, so the night has nothing to say about it.
    let night = team.says(&["run", "hygiene"]);
    assert!(!night.contains("local:deal/1 next-step/missing"), "{night}");
    assert!(night.contains("local:deal/2 next-step/missing"), "{night}");
}

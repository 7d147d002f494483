//! The message to the buyer after the call: short, plain, and nothing in it that was not said.

use reframe_call::audio::Party;

use super::{compose, promise::Promise, reading::Reading, wording::Wording};
use crate::{
    artifact::Claim,
    handoff::{CallTranscript, FollowUp},
};

/// The message has fewer words than this.
pub const FEWER_THAN: usize = 120;
/// Longest line of it, in words; what is longer is not fit to be sent as it is.
const LINE_WORDS: usize = 18;
/// Lines of either side's promises.
const PER_SIDE: usize = 4;

fn names(call: &CallTranscript, side: &str) -> Vec<String> {
    call.participants.iter().filter(|p| p.side == side).map(|p| super::wording::name_case(&p.name)).collect()
}

/// How the message begins.
pub fn greeting(call: &CallTranscript) -> String {
    match names(call, "buyer").as_slice() {
        [] => "Hello,".to_owned(),
        [one] => format!("Hello {one},"),
        [first, second] => format!("Hello {first} and {second},"),
        _ => "Hello all,".to_owned(),
    }
}

/// How it ends.
pub fn closing(call: &CallTranscript) -> String {
    let reps = names(call, "rep");
    format!("If I have anything wrong, please tell me.\n\n{}", reps.first().map_or("", String::as_str))
}

/// The message, if there is anything to say in it.
pub fn draft(wording: Wording<'_, '_>, call: &CallTranscript, found: &Reading) -> Option<FollowUp> {
    let (hello, close) = (greeting(call), closing(call));
    let mut body = format!("{hello}\n\nThank you for your time. So that nothing is lost, here is what I noted.\n");
    let mut claims: Vec<Claim> = Vec::new();
    let fixed = count(&close);
    let mut add = |body: &mut String, heading: &str, lines: Vec<(String, Claim)>| {
        let mut headed = false;
        for (line, claim) in lines {
            let title = if headed { 0 } else { count(heading) };
            // Its dash as well, so that it is short by any count.
            let dashes = body.lines().filter(|l| l.starts_with('-')).count() + 1;
            if count(body) + dashes + fixed + title + count(&line) >= FEWER_THAN {
                break;
            }
            if !headed {
                body.push_str(&format!("\n{heading}\n"));
                headed = true;
            }
            body.push_str(&format!("- {line}\n"));
            claims.push(claim);
        }
    };
    add(&mut body, "From us:", lines(wording, &found.promises, Party::Rep));
    add(&mut body, "From you:", lines(wording, &found.promises, Party::Buyer));
    if let Some(next) = &found.next {
        let line = format!("We speak again on {}.", compose::day(next.day));
        let claim = compose::cite(wording, line.clone(), &next.said, next.confidence);
        add(&mut body, "Next:", vec![(line, claim)]);
    }
    if claims.is_empty() {
        return None;
    }
    body.push_str(&format!("\n{close}"));
    let subject = found.next.as_ref().map_or_else(
        || "Notes from our call".to_owned(),
        |n| format!("Notes from our call, and {}", compose::day(n.day)),
    );
    Some(FollowUp { subject, body: body.trim_end().to_owned(), claims })
}

/// Words of a text.
pub fn count(text: &str) -> usize {
    text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)).count()
}

/// What is not for the other side, or cannot be understood by itself: who speaks to whom in-house, "him", "it".
fn private(act: &str) -> bool {
    const IN_HOUSE: [&str; 12] =
        ["talk", "speak", "ask", "tell", "take", "run", "see", "walk", "chat", "raise", "have", "push"];
    const SOMEBODY: [&str; 9] = ["him", "her", "them", "em", "they", "he", "she", "myself", "lot"];
    const POINTING: [&str; 12] = ["it", "that", "this", "those", "to", "you", "us", "by", "on", "the", "me", "over"];
    let act = act.to_lowercase();
    let words: Vec<&str> = act.split(' ').collect();
    let told = words.iter().skip(1).filter(|w| w.len() > 2 && !POINTING.contains(w)).count();
    IN_HOUSE.contains(&words[0]) || words.iter().any(|w| SOMEBODY.contains(w)) || told < 2
}

/// Promises of one side that are fit to be sent, those with a day first.
fn lines(wording: Wording<'_, '_>, promises: &[Promise], side: Party) -> Vec<(String, Claim)> {
    let fit =
        promises.iter().filter(|p| p.side == side && p.confidence >= 0.6 && p.due.as_ref().is_none_or(|d| !d.unsure));
    let mut lines: Vec<_> = fit
        .filter_map(|p| {
            let act = wording.act_to_buyer(p);
            let mut text = act.clone();
            if let Some(due) =
                p.due.as_ref().filter(|d| d.words.line != p.spans[0].line || d.words.from >= p.spans[0].to)
            {
                text = format!("{text} ({})", compose::day(due.day));
            }
            let evidence = p.spans.iter().map(|s| wording.talk.quote(s)).collect();
            let long = count(&text) > LINE_WORDS || act.contains('…');
            (!long && !private(&act) && !text.contains("[unsure") && count(&act) >= 3)
                .then(|| (p.due.is_none(), text.clone(), compose::claim(text, evidence, p.confidence)))
        })
        .collect();
    lines.sort_by_key(|l| l.0);
    lines.into_iter().take(PER_SIDE).map(|(_, text, claim)| (text, claim)).collect()
}

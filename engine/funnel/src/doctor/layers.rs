//! The faults of each layer, and what to do about them.

use super::{Finding, Layer, Severity, vitals::*};

/// Share of records that must be resolved to one identity: below, two tools speak of different people. Our choice.
const RESOLVED_PERCENT: u64 = 95;
/// Adoption below which a tool is only installed (the playbook's table).
const ADOPTED_PERCENT: u64 = 50;
/// Adoption of a working programme (the playbook's default: above 80 %).
const WORKING_PERCENT: u64 = 80;
/// Scores are refreshed nightly; a night that ran late is no fault yet.
const SCORES_HOURS: u64 = 36;
/// A forecast is made anew weekly.
const FORECAST_DAYS: u64 = 7;
/// Share of first drafts the linter may hold back before the drafting itself is the matter. Our choice.
const HELD_BACK_PERCENT: u64 = 30;

/// What one layer says.
struct Says {
    layer: Layer,
    out: Vec<Finding>,
}

impl Says {
    fn add(&mut self, severity: Severity, id: &str, says: String, todo: &str) {
        self.out.push(Finding { layer: self.layer, id: id.to_owned(), severity, says, todo: todo.to_owned() });
    }

    fn gotcha(&mut self, id: &str, says: String, todo: &str) {
        self.add(Severity::Gotcha, id, says, todo);
    }

    fn warn(&mut self, id: &str, says: String, todo: &str) {
        self.add(Severity::Warning, id, says, todo);
    }

    fn unknown(&mut self, says: &str, todo: &str) {
        self.add(Severity::Unknown, "unknown", says.to_owned(), todo);
    }
}

/// Whether fewer than `percent` of `n` are `k`.
const fn below(k: u64, n: u64, percent: u64) -> bool {
    (k as u128) * 100 < (n as u128) * (percent as u128)
}

pub(super) fn check(vitals: &Vitals) -> Vec<Finding> {
    let layer = |layer, look: &dyn Fn(&mut Says)| {
        let mut says = Says { layer, out: Vec::new() };
        look(&mut says);
        says.out
    };
    [
        layer(Layer::Data, &|s| look(s, vitals.data.as_ref(), data)),
        layer(Layer::Identity, &|s| look(s, vitals.identity.as_ref(), identity)),
        layer(Layer::Runtime, &|s| look(s, vitals.runtime.as_ref(), runtime)),
        layer(Layer::Engagement, &|s| look(s, vitals.engagement.as_ref(), engagement)),
        layer(Layer::Conversation, &|s| look(s, vitals.conversation.as_ref(), conversation)),
        layer(Layer::Forecast, &|s| look(s, vitals.forecast.as_ref(), forecast)),
        layer(Layer::Observability, &|s| look(s, vitals.observability.as_ref(), observability)),
    ]
    .concat()
}

fn look<T>(says: &mut Says, values: Option<&T>, check: fn(&mut Says, &T)) {
    match values {
        Some(values) => check(says, values),
        None => {
            says.unknown(
                "nobody looked at this layer",
                "connect what it is about (docs/FUNNEL.md says what each layer is read from), then look again",
            );
        }
    }
}

fn data(s: &mut Says, d: &Data) {
    let truths: Vec<&str> = d.sources.iter().filter(|x| x.source_of_truth).map(|x| x.name.as_str()).collect();
    let apart: Vec<&str> = d.sources.iter().filter(|x| !x.unified).map(|x| x.name.as_str()).collect();
    if d.sources.is_empty() {
        s.unknown("no system with accounts is connected", "connect the CRM first");
    } else if truths.len() != 1 {
        let which = if truths.is_empty() { "none".to_owned() } else { truths.join(", ") };
        let says = format!("{} systems hold accounts and the one that is right is: {which}", d.sources.len());
        s.gotcha("silos", says, "name exactly one of them the source of truth; the CRM, as a rule");
    }
    if d.sources.len() > 1 && !apart.is_empty() {
        let says = format!("kept apart from the one model of accounts and contacts: {}", apart.join(", "));
        s.gotcha("silos", says, "feed them into it, or take them out of use");
    }
    if d.records > 0 && below(d.resolved, d.records, RESOLVED_PERCENT) {
        let says = format!("{} of {} accounts and contacts have one identity", d.resolved, d.records);
        s.warn("identity", says, "resolve the rest by domain and e-mail address before they are written to");
    }
}

fn identity(s: &mut Says, i: &Identity) {
    if i.unexplained > 0 {
        let says = format!("{} of {} accounts on the feed cite no event", i.unexplained, i.scored);
        s.gotcha("unexplained", says, "take them off the feed: a score without its events cannot be acted on");
    }
    match i.scored_hours_ago {
        None => s.unknown("intent was never scored", "run the nightly signal stage once"),
        Some(hours) if hours > SCORES_HOURS => {
            s.warn(
                "old_scores",
                format!("the scores are {hours} hours old"),
                "see why the nightly run did not come through",
            );
        }
        Some(_) => {}
    }
}

fn runtime(s: &mut Says, r: &Runtime) {
    let models: std::collections::BTreeSet<&str> = r.tasks.iter().filter_map(|t| t.model.as_deref()).collect();
    let complex: Vec<&Task> = r.tasks.iter().filter(|t| t.complex && t.model.is_some()).collect();
    let cheap = |t: &&&Task| t.model == r.cheapest && r.cheapest.is_some();
    if r.tasks.is_empty() {
        s.unknown("no task is told of", "run one call and one draft through, then look again");
    }
    // Rules alone are a tier of their own: they write nothing that has to be good prose.
    if !complex.is_empty() && complex.iter().filter(cheap).count() == complex.len() && models.len() <= 1 {
        let names: Vec<&str> = complex.iter().map(|t| t.name.as_str()).collect();
        let says = format!("everything runs on the cheapest model, also {}", names.join(", "));
        s.gotcha(
            "one_tier",
            says,
            "give these tasks the stronger model; classes and short answers may stay on the cheap one",
        );
    }
    if r.drafts > 0 && !below(r.held_back, r.drafts, HELD_BACK_PERCENT) {
        let says = format!("the linter held back {} of {} first drafts", r.held_back, r.drafts);
        s.warn("quality", says, "read ten of them; then mend the voice guide or the model, not the linter");
    }
}

fn engagement(s: &mut Says, e: &Engagement) {
    if e.channels.is_empty() {
        s.unknown("no channel is connected", "connect the mailbox");
    }
    for c in &e.channels {
        if !c.in_ledger {
            let says = format!("what goes out by {} is not in the list of touches", c.name);
            s.gotcha(
                "silo",
                says,
                "let every touch go through the list, or close the channel: suppression cannot hold otherwise",
            );
        } else if c.recorded < c.touches {
            let says = format!("{} of {} touches by {} are in the list", c.recorded, c.touches, c.name);
            s.gotcha("silo", says, "find what writes past the list; enter the missing touches");
        }
    }
}

fn conversation(s: &mut Says, c: &Conversation) {
    if c.meetings == 0 {
        s.unknown("there was no meeting in 30 days", "look again when there was one");
        return;
    }
    let says = format!("{} of {} meetings of 30 days were listened to", c.recorded, c.meetings);
    let people = format!("{} of {} sellers used it in 30 days", c.active, c.sellers);
    let todo = "ask the sellers who do not use it what stands in the way; then make it part of the invitation";
    let few = c.sellers > 0 && below(c.active, c.sellers, ADOPTED_PERCENT);
    if below(c.recorded, c.meetings, ADOPTED_PERCENT) {
        s.gotcha("adoption", says, todo);
    } else if few {
        s.gotcha("adoption", people, todo);
    } else if below(c.recorded, c.meetings, WORKING_PERCENT) {
        s.warn("adoption", says, todo);
    }
}

fn forecast(s: &mut Says, f: &Forecast) {
    if f.inputs.is_empty() {
        s.unknown("there is no forecast", "none is needed before hygiene is covered (see the maturity gates)");
        return;
    }
    if f.inputs.iter().all(|i| matches!(i, Input::Stage | Input::History)) {
        let says = "the forecast knows the stage in the CRM and nothing of what was said or answered".to_owned();
        s.gotcha("stage_only", says, "feed it what calls and replies say; show the sellers' commits beside it");
    }
    if let Some(days) = f.days_old.filter(|d| *d > FORECAST_DAYS) {
        s.warn("old_forecast", format!("the forecast is {days} days old"), "make it anew every week");
    }
}

fn observability(s: &mut Says, o: &Observability) {
    if o.entries == 0 && o.writes > 0 {
        let says = format!("{} writes were done and the audit log is empty", o.writes);
        s.gotcha("no_trail", says, "stop writing (`reframe audit revoke`), then find where the log went");
    } else if o.unapproved > 0 {
        let says = format!("{} of {} writes have no approval in the audit log", o.unapproved, o.writes);
        s.gotcha(
            "no_trail",
            says,
            "stop writing (`reframe audit revoke`) and look at each of them (`reframe audit show ID`)",
        );
    }
    match o.chain_whole {
        Some(false) => s.gotcha(
            "broken_chain",
            "the audit log was changed from outside".to_owned(),
            "take the last copy that is whole and find who had access",
        ),
        None => s.unknown("the audit log was not checked", "run `reframe audit verify`"),
        Some(true) => {}
    }
    if !o.own_identity {
        let says = "the program writes under a person's name: nobody can tell later who did what".to_owned();
        s.gotcha("identity", says, "give it an identity of its own with the least rights it needs");
    }
    if !o.streamed {
        s.warn(
            "one_copy",
            "the audit log is in one place only".to_owned(),
            "keep its last digest elsewhere: `reframe audit verify` prints it, and a log that was cut no longer ends in it",
        );
    }
}

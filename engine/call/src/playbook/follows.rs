//! Follow-ups: which play goes on from which.

use std::collections::BTreeMap;

use super::{problem::Reporter, raw::RawPlay, spelling::nearest};

/// Checks that every `follows` names a play of the same label, and that none leads back to itself.
pub(super) fn check(report: &mut Reporter<'_>, plays: &[RawPlay]) {
    let by_id: BTreeMap<&str, &RawPlay> = plays.iter().map(|p| (p.id.get_ref().as_str(), p)).collect();
    for play in plays {
        let Some(follows) = &play.follows else { continue };
        let (id, named, at) = (play.id.get_ref(), follows.get_ref(), follows.span().start);
        let Some(before) = by_id.get(named.as_str()) else {
            let near = nearest(named, by_id.keys().copied().filter(|k| k != id));
            let hint = near.map_or_else(
                || "write the id of a play of this file".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            report.error(at, format!("play `{id}` follows `{named}`, and there is no such play; {hint}"));
            continue;
        };
        if let Some(cycle) = leads_back(id, &by_id) {
            let way = cycle.join(" follows ");
            report.error(at, format!("these plays follow each other in a circle: {way}; take one `follows` out"));
            continue;
        }
        let (label, wanted) = (play.label.get_ref(), before.label.get_ref());
        if label != wanted {
            let message = format!(
                "play `{id}` follows `{named}`, which is about `{wanted}`; write label = \"{wanted}\" here too: it comes when the \
                 same label is raised again"
            );
            report.error(at, message);
        } else if !before.enabled && play.enabled {
            let message =
                format!("play `{id}` follows `{named}`, which is a draft: it can never come; enable that one");
            report.warn(at, message);
        }
    }
}

/// The way from a play back to itself, if there is one.
fn leads_back<'a>(id: &'a str, plays: &BTreeMap<&str, &'a RawPlay>) -> Option<Vec<&'a str>> {
    let mut way = vec![id];
    let mut here = id;
    // A way longer than there are plays goes round some other circle.
    for _ in 0..plays.len() {
        here = plays.get(here)?.follows.as_ref()?.get_ref();
        way.push(here);
        if here == id {
            return Some(way);
        }
    }
    None
}

//! The way back from the last thing of a walk to the signal it began with.

use reframe_funnel::{
    account::{AccountState, Walk},
    lineage,
    stage::Stage,
};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
};

use super::Told;

/// What a way back may begin with if it does not reach a signal: the earlier, the further back.
const BEGINNINGS: [Kind; 6] =
    [Kind::SignalCard, Kind::Draft, Kind::Meeting, Kind::Brief, Kind::CallTranscript, Kind::NoteProposal];

/// Ids from the last thing back to the signals that the first card cites; and where that breaks off, in words.
pub(super) fn trail(state: &AccountState, walk: &Walk, told: &Told) -> (Vec<String>, Option<String>) {
    let (mut ids, begins) = last(state, walk, told);
    let back = |begin: Kind| match &begins {
        Begins::Write(write) => lineage::write_back_to(state, write, begin),
        Begins::HandOff(id) => lineage::back_to(state, id, begin),
        Begins::Nothing => Ok(Vec::new()),
    };
    let gap = back(Kind::SignalCard).err().map(|gap| gap.to_string());
    let Some(chain) = BEGINNINGS.into_iter().find_map(|begin| back(begin).ok()) else { return (ids, gap) };
    ids.extend(chain.iter().map(ToString::to_string));
    let Some(card) = chain.last().filter(|_| gap.is_none()) else { return (ids, gap) };
    match told.cited.get(card) {
        Some(cited) if !cited.is_empty() => {
            ids.extend(cited.iter().cloned());
            (ids, None)
        }
        _ => (ids, Some(format!("{card} cites no signal that is kept"))),
    }
}

enum Begins {
    Write(ProposalId),
    HandOff(ArtifactId),
    Nothing,
}

/// The last thing there is: the new signal with the write it came of, else the last write that was done, else the last
/// hand-off.
fn last(state: &AccountState, walk: &Walk, told: &Told) -> (Vec<String>, Begins) {
    let here = told.new_signals.iter().filter(|s| state.asks.get(&s.of).is_some_and(|ask| ask.walk == walk.no));
    if let Some(signal) = here.max_by_key(|signal| (signal.at_unix_ms, &signal.item)) {
        return (vec![signal.item.clone(), signal.of.to_string()], Begins::Write(signal.of.clone()));
    }
    let after = [Stage::PostCall, Stage::Hygiene].map(|stage| &walk.stage(stage).asks);
    let asks = after.into_iter().flatten().filter_map(|id| Some((state.asks.get(id)?.done_unix_ms?, id)));
    if let Some((_, write)) = asks.max() {
        return (vec![write.to_string()], Begins::Write(write.clone()));
    }
    let made = walk.stages.iter().rev().flat_map(|stage| stage.artifacts.iter().rev());
    // A debrief is aside of the way, and a night's review is of many deals and names nothing it came from.
    let aside = |kind: Kind| matches!(kind, Kind::Debrief | Kind::FieldProposal);
    let mut made = made.filter(|id| state.nodes.get(*id).is_some_and(|node| !aside(node.kind)));
    made.next().map_or((Vec::new(), Begins::Nothing), |id| (Vec::new(), Begins::HandOff(id.clone())))
}

//! What the buyer said that tells how far the deal is: one slot per exit criterion, each with the words for it.

use reframe_call::audio::Party;

use super::{
    cues::{Cues, cue},
    talk::{Span, Talk},
};

/// A fact about a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Money that is there, or is not.
    Budget,
    /// Who may say yes.
    Authority,
    /// What hurts.
    Need,
    /// By when.
    Timeline,
    /// What has to happen before they can buy.
    DecisionProcess,
    /// What it will be judged by.
    DecisionCriteria,
    /// Whom else they look at or have.
    Competitor,
    /// Price, terms and redlines are on the table.
    Terms,
    /// They try it, or are shown it.
    Trial,
    /// They said they would sign.
    Signing,
}

const SLOTS: &[(&str, Slot)] = &[
    cue("budget|budgeted|budgets", Slot::Budget),
    cue("put|set|got|have|had ~ aside", Slot::Budget),
    cue("in the plan|line for", Slot::Budget),
    cue("a line for", Slot::Budget),
    cue("signed off in|for", Slot::Budget),
    cue("freeze on", Slot::Budget),
    cue("earmarked|contingency", Slot::Budget),
    cue("i|we've got|have ~ thousand|grand|k|million", Slot::Budget),
    cue("_ signs", Slot::Authority),
    cue("signs everything|off|it|them|the", Slot::Authority),
    cue("i can|could sign|approve", Slot::Authority),
    cue("it's me|us|him|her ~ that|who|decide*", Slot::Authority),
    cue("final say|decision|word|call", Slot::Authority),
    cue("my|his|her|their call|decision|signature", Slot::Authority),
    cue("goes|go to _ ~ now|for", Slot::Authority),
    cue("over|under|anything|everything ~ thousand|grand|k", Slot::Authority),
    cue("has to|would have|needs to? sign|approve|okay", Slot::Authority),
    cue("has|have|needs|need to sign|approve|okay", Slot::Authority),
    cue("sign off", Slot::Authority),
    cue("economic buyer", Slot::Authority),
    cue(
        "killing|losing|bleeding|drowning|struggling|wasting|nightmare|headache|manual|manually|spreadsheet|spreadsheets",
        Slot::Need,
    ),
    cue("takes|took|taking me|us|them|her|him|about|like|two|three|four|five|a|half", Slot::Need),
    cue("hours|days|weeks a|of|every|each week|month|day|my|year|quarter", Slot::Need),
    cue("cost|costs|costing us|me|that", Slot::Need),
    cue("we lost|lose|missed|miss|got fined|stole|stolen", Slot::Need),
    cue("can't happen again", Slot::Need),
    cue("out the door", Slot::Need),
    cue("biggest|main|real problem|issue|pain|headache|worry|thing", Slot::Need),
    cue("the problem is|we|with", Slot::Need),
    cue("problem|trouble is|we|i have|that", Slot::Need),
    cue("back|behind paid|on", Slot::Need),
    cue("short|open|understaffed staffed|spots|roles|positions|reqs", Slot::Need),
    cue("grand|thousand|million|k a|per month|year|week", Slot::Need),
    cue("live|done|in|up|running by|before", Slot::Timeline),
    cue("need|needs|want|has|have|got|must ~ by|before", Slot::Timeline),
    cue("go live", Slot::Timeline),
    cue("deadline|expires|lapses|renews|runs out", Slot::Timeline),
    cue("contract|agreement|it|that|lease ends|up|expires|runs|starts", Slot::Timeline),
    cue("finishing up|finishes|last day|leaves", Slot::Timeline),
    cue("it starts|begins|ends", Slot::Timeline),
    cue("done and dusted", Slot::Timeline),
    cue("days|day|months|weeks|ninety|sixty|thirty notice|ahead|before", Slot::Timeline),
    cue("then it goes|has to", Slot::DecisionProcess),
    cue("committee|procurement|tender|rfp|board|panel|framework|competition|quotes", Slot::DecisionProcess),
    cue("legal|security|vendor|infosec|risk|it review|questionnaire|assessment|onboarding|form", Slot::DecisionProcess),
    cue("process|the steps is|would|here|takes", Slot::DecisionProcess),
    cue("on board", Slot::DecisionProcess),
    cue("three quotes|bids", Slot::DecisionProcess),
    cue("most important|critical", Slot::DecisionCriteria),
    cue("must have|be", Slot::DecisionCriteria),
    cue("deal|make breaker|or break", Slot::DecisionCriteria),
    cue("what|all matters|we|i care|want|need|looking is|about", Slot::DecisionCriteria),
    cue("number one|two|three", Slot::DecisionCriteria),
    cue("has|have|needs|need to be|work|do|go|handle|integrate|talk|support", Slot::DecisionCriteria),
    cue("would|she'd|he'd|they'd|i'd|we'd want|need to know|see", Slot::DecisionCriteria),
    cue("if it|that doesn't|can't ~ i|we don't|won't|can't", Slot::DecisionCriteria),
    cue("compar* to|with|against", Slot::Competitor),
    cue("looking|looked|look|had at ~ other|two|three|else|another|one", Slot::Competitor),
    cue(
        "other|another|few|couple|two|three vendor|vendors|people|firm|provider|providers|quotes|outfit|supplier|suppliers|company",
        Slot::Competitor,
    ),
    cue("shortlist|competitor|incumbent|quoted", Slot::Competitor),
    cue("we|they use|used|using|have|got|pay|on ~ now|today|currently", Slot::Competitor),
    cue("which we pay for", Slot::Competitor),
    cue("begin|begins|starts with an?|the letter?", Slot::Competitor),
    cue("talking|talked|spoke|speaking to|with ~ since|about|already|as", Slot::Competitor),
    cue("redline|redlines|redlined|clause|indemnity|liability|msa|sow|discount|terms", Slot::Terms),
    cue("m s a", Slot::Terms),
    cue("auto|renews renewal|itself", Slot::Terms),
    cue("annual|paid|payment up|terms|annually front", Slot::Terms),
    cue("exhibit|addendum|schedule a|b|c|d", Slot::Terms),
    cue("d p a", Slot::Terms),
    cue("b a a", Slot::Terms),
    cue("quote|proposal|pricing", Slot::Terms),
    cue("pilot|trial|sandbox|poc|parallel", Slot::Trial),
    cue("proof of concept", Slot::Trial),
    cue("p o c", Slot::Trial),
    cue("test account|environment", Slot::Trial),
    cue("sign|signing|signin ~ before|by|next|this|end|on|it|that", Slot::Signing),
    cue("purchase order", Slot::Signing),
    cue("get ~ signed", Slot::Signing),
];

/// Evidence for a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Which.
    pub slot: Slot,
    /// The words.
    pub said: Span,
    /// How telling they are.
    pub weight: u32,
}

/// Facts kept per slot.
const PER_SLOT: usize = 3;

/// What buyers stated, in order of the slots, the most telling first in each.
pub fn facts(talk: &Talk<'_>) -> Vec<Fact> {
    let cues = Cues::new(SLOTS);
    let mut facts: Vec<Fact> = Vec::new();
    for (n, line) in talk.lines.iter().enumerate() {
        if line.side != Party::Buyer || line.words.len() < 4 {
            continue;
        }
        for (range, slot) in cues.all(&line.words) {
            let said = talk.passage(n, range.clone(), 24);
            let words = talk.words(&said);
            let mut weight = 1u32;
            let figures = words.iter().filter(|w| is_figure(w)).count();
            let dated = line.days.iter().any(|d| d.words.start >= said.from && d.words.end <= said.to);
            weight += match slot {
                Slot::Budget | Slot::Need | Slot::Authority if figures > 0 => 2,
                Slot::Timeline | Slot::Signing if dated => 3,
                Slot::Timeline => 0,
                _ => 1,
            };
            if words
                .first()
                .is_some_and(|w| ["what", "how", "do", "does", "can", "could", "would", "is", "are", "who"].contains(w))
            {
                weight -= 1;
            }
            if words.len() < 5 {
                weight = weight.saturating_sub(1);
            }
            if !facts.iter().any(|f| f.slot == slot && f.said.line == n) {
                facts.push(Fact { slot, said, weight });
            }
        }
    }
    facts.retain(|f| f.weight >= 2);
    facts.sort_by(|a, b| a.slot.cmp(&b.slot).then(b.weight.cmp(&a.weight)).then(a.said.cmp(&b.said)));
    let mut kept: Vec<Fact> = Vec::new();
    for fact in facts {
        if kept.iter().filter(|f| f.slot == fact.slot).count() < PER_SLOT {
            kept.push(fact);
        }
    }
    kept
}

/// Whether a word is part of a number of some size.
pub fn is_figure(word: &str) -> bool {
    [
        "hundred", "thousand", "million", "grand", "percent", "k", "dollars", "pounds", "euro", "euros", "quid",
        "bucks", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "fifteen",
        "twelve", "eleven",
    ]
    .contains(&word)
}

/// The stages of a deal, in order.
pub const STAGES: [&str; 4] = ["discovery", "evaluation", "proposal", "negotiation"];

/// The stage the words speak for, with them; nothing if they speak for none. A stage counts as reached when what leaves
/// the stage before it behind has been said: a need and who decides (discovery), what it is judged by or a trial
/// (evaluation), terms and money (proposal).
pub fn infer(facts: &[Fact]) -> Option<(&'static str, Vec<&Fact>)> {
    let of = |slot: Slot| facts.iter().find(|f| f.slot == slot);
    let count = |slot: Slot| facts.iter().filter(|f| f.slot == slot).count();
    let some = |slots: &[Slot]| slots.iter().filter_map(|s| of(*s)).collect::<Vec<_>>();
    if count(Slot::Terms) >= 2 && (of(Slot::Signing).is_some() || count(Slot::Terms) >= 3) {
        return Some(("negotiation", some(&[Slot::Terms, Slot::Signing])));
    }
    if of(Slot::Terms).is_some() && (of(Slot::Budget).is_some() || of(Slot::Authority).is_some()) {
        return Some(("proposal", some(&[Slot::Terms, Slot::Budget, Slot::Authority])));
    }
    if of(Slot::Trial).is_some() || of(Slot::DecisionCriteria).is_some() && of(Slot::Need).is_some() {
        return Some(("evaluation", some(&[Slot::Trial, Slot::DecisionCriteria])));
    }
    of(Slot::Need).map(|need| ("discovery", vec![need]))
}

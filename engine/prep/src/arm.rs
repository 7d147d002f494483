//! What the live call is told before it begins: names to lean towards, what is known of the deal, cards likely to be needed.
//!
//! The names are the `context` and the deal the `deal` of the message that begins a call (docs/PROTOCOL.md); the engine takes
//! both as they are. The likely plays are among the deal's facts: their cards come up first among equals.

use reframe_call::{deal::Deal, playbook::Playbook};
use reframe_workflow::{handoff::Arm, system::Record};

use crate::wording::plain_words;

/// Names a call takes at most (`MAX_CONTEXT` of the wire protocol).
pub const MAX_CONTEXT: usize = 200;
/// Longest name, in words: more is no name but a sentence.
const MAX_NAME_WORDS: usize = 5;

/// What names are taken from. The order is that of their weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Contacts of the deal.
    pub contacts: &'a [Record],
    /// People who are spoken of, by name.
    pub spoken_of: &'a [String],
    /// The company.
    pub company: Option<&'a Record>,
    /// The deal.
    pub deal: Option<&'a Record>,
    /// What we sell and who else does, beyond what the playbook names.
    pub others: &'a [String],
}

/// Names, deal and likely plays for a call. `plays` are ids, the likeliest first.
#[must_use]
pub fn arm(names: Names<'_>, playbook: Option<&Playbook>, plays: Vec<String>) -> Arm {
    let mut context: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let words = plain_words(text);
        if words.is_empty() || words.len() > MAX_NAME_WORDS {
            return;
        }
        let name = words.join(" ");
        if context.len() < MAX_CONTEXT && !context.contains(&name) {
            context.push(name);
        }
    };
    for contact in names.contacts {
        let name = contact.field("name").unwrap_or_default();
        add(name);
        // Whoever is known is called by one name of two.
        for part in name.split_whitespace().filter(|p| p.chars().count() > 2) {
            add(part);
        }
    }
    names.spoken_of.iter().for_each(|n| add(n));
    // What a deal is called is nothing that anybody says.
    let of_deal = ["company", "competitor", "product", "current_tool"];
    let of_company = ["name", "competitor", "product", "current_tool"];
    for (record, fields) in [(names.company, of_company), (names.deal, of_deal)] {
        for field in fields {
            let value = record.and_then(|r| r.field(field)).unwrap_or_default();
            value.split([',', ';']).for_each(&mut add);
        }
    }
    names.others.iter().for_each(|n| add(n));
    if let Some(playbook) = playbook {
        playbook.vocabulary.all().for_each(add);
    }
    let known = deal(names);
    let listed = plays.iter().take(reframe_call::deal::MAX_PLAYS).cloned().collect();
    Arm { context, deal: Deal { plays: listed, ..known }, plays }
}

/// What is known of the deal, as far as the live call can take it.
fn deal(names: Names<'_>) -> Deal {
    let first = |fields: &[&str]| {
        let records = [names.deal, names.company];
        let values = records.iter().flatten().flat_map(|r| fields.iter().filter_map(|f| r.field(f)));
        let fits = |v: &&str| {
            let n = v.chars().count();
            n > 0 && n <= reframe_call::deal::MAX_ATTRIBUTE_CHARS && !v.chars().any(char::is_control)
        };
        values.map(str::trim).find(fits).map(str::to_owned)
    };
    Deal {
        crm_id: names.deal.map(|d| d.at.id.clone()),
        industry: first(&["industry"]).map(|i| i.to_lowercase()),
        size: first(&["employees", "size"]),
        competitor: first(&["competitor"])
            .map(|c| c.split([',', ';']).next().unwrap_or_default().trim().to_lowercase()),
        stage: first(&["stage"]).map(|s| s.to_lowercase()),
        language: first(&["language"]),
        ..Deal::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn names_of_people_company_and_playbook_are_told_once() {
        let playbook = sample::playbook();
        let (deal, company) = (sample::deal(), sample::company());
        let contacts = [sample::contact("c1", "Dana Whitlock", "economic_buyer", "dana@buyer.example")];
        let spoken_of = ["Dana".to_owned(), "Priya".to_owned(), "a sentence that is surely not a name".to_owned()];
        let names = Names {
            contacts: &contacts,
            spoken_of: &spoken_of,
            company: Some(&company),
            deal: Some(&deal),
            others: &["Quillstone".to_owned()],
        };
        let arm = arm(names, Some(&playbook), vec!["price_high".into()]);
        assert_eq!(
            arm.context,
            ["dana whitlock", "dana", "whitlock", "priya", "harbor logistics", "quillstone", "larkspan"]
        );
        assert_eq!(arm.deal.check(), Ok(()));
        assert_eq!((arm.deal.industry.as_deref(), arm.deal.stage.as_deref()), (Some("logistics"), Some("proposal")));
        assert_eq!((&arm.plays, &arm.deal.plays), (&vec!["price_high".to_owned()], &arm.plays));
        let many: Vec<String> = (0..500).map(|i| format!("name{i}")).collect();
        assert_eq!(super::arm(Names { others: &many, ..Names::default() }, None, vec![]).context.len(), MAX_CONTEXT);
    }
}

//! Not a cold-email blaster: no message without a signal, without a person's yes to that one message, without a record of
//! the person in the CRM, and never many at once.

use jiff::Timestamp;
use reframe_connect::message;
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence, Kind},
    audit::Actor,
    gate::{Action, Proposal},
    outbox::{Inbox as _, Standing},
};

use super::team::{ACCOUNTS, Team, address};
use crate::support::out;

/// Every message is one person's, tells of the one signal it came from, and went out after a yes to it alone.
#[test]
fn each_message_has_its_signal_its_yes_and_its_record() {
    let team = Team::new();
    team.reached_out();
    let (store, crm) = (team.store(), team.path().join("data/crm"));
    let contacts = std::fs::read_to_string(crm.join("contacts.csv")).unwrap();
    let mails = team.proposals();
    assert_eq!(mails.len(), 7);
    for listed in &mails {
        let proposal = &listed.proposal;
        let Action::SendMail { mail, .. } = &proposal.action else { panic!("{proposal:?}") };
        assert_eq!((mail.to.len(), mail.cc.len()), (1, 0));
        assert!(contacts.contains(&mail.to[0]), "{} is on record", mail.to[0]);
        let draft = store.artifact(&proposal.from).unwrap().unwrap();
        let card = store.artifact(&draft.artifact.parents[0]).unwrap().unwrap();
        assert_eq!((draft.kind, card.kind), (Kind::Draft, Kind::SignalCard));
        let cited = proposal.because.evidence().iter().all(|e| matches!(e, Evidence::Source { .. }));
        assert!(cited, "{:?}", proposal.because);
        let went_out = crm.join(format!("mail/sent/{}.eml", proposal.marker().as_str()));
        assert_eq!(went_out.exists(), matches!(listed.standing, Standing::Done { .. }), "{}", listed.standing);
    }
    let texts: std::collections::BTreeSet<String> =
        mails.iter().map(|l| serde_json::to_string(&l.proposal.action).unwrap()).collect();
    assert_eq!(texts.len(), mails.len(), "no two are the same");
    for file in std::fs::read_dir(crm.join("mail/sent")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let mail = message::read(&bytes).unwrap();
        assert!(mail.body.contains("1 High Street, Leeds") && !mail.unsubscribe.is_empty(), "{mail:?}");
        let company = ACCOUNTS.iter().zip(1..).find(|(_, n)| mail.to.contains(&address(*n))).unwrap().0.0;
        assert!(mail.body.contains(&format!("{company} Foods opened a second warehouse")), "{}", mail.body);
    }
    // There is a touch on record for each, and the sender's domain.
    let record = team.says(&["contact", "explain", &address(1)]);
    assert!(record.contains("1 messages to them"), "{record}");
}

/// Without any one of signal, record and time between two messages there is no draft; the domain's most of a day holds
/// whatever was approved.
#[test]
fn there_is_no_way_to_write_to_many() {
    let team = Team::with(("warm_up_began", "daily_cap = 3\nwarm_up_began"));
    for (args, why) in [
        (&["outreach", "draft", "1"][..], "no feed of the last 30 days shows"),
        (&["outreach", "draft", "Nobody Ltd"], "Nobody Ltd"),
    ] {
        let refused = team.run(args);
        let said = out(&refused);
        assert!(!refused.status.success() && said.contains(why) && team.proposals().is_empty(), "{args:?}: {said}");
    }
    team.says(&["signal", "import", "events.csv"]);
    team.says(&["signal", "feed"]);
    let stranger = team.run(&["outreach", "draft", "1", "--to", "somebody@alder.example"]);
    assert!(out(&stranger).contains("is no contact of Alder Foods in the CRM"), "{}", out(&stranger));
    // Several accounts at once is no command.
    assert_eq!(team.run(&["outreach", "draft", "1", "2"]).status.code(), Some(2));
    for account in ["1", "2", "3", "4", "5"] {
        team.says(&["outreach", "draft", account]);
    }
    let again = team.run(&["outreach", "draft", "1"]);
    assert!(out(&again).contains("waits in the inbox"), "{}", out(&again));
    // Five are approved, one after the other; three go out, and the inbox says why the others did not.
    let said = team.review(|_| "a");
    assert_eq!(team.sent(), 3, "{said}");
    let held = team.waiting();
    assert_eq!(held.len(), 2);
    for proposal in &held {
        let now = team.standing(&proposal.id);
        assert!(matches!(now, Standing::Void { .. }) && said.contains("3"), "{now}: {said}");
    }
    let again = team.run(&["outreach", "draft", "1"]);
    assert!(out(&again).contains("the next message to Ann Abel is not before"), "{}", out(&again));

    // Whoever is on no record is written to by nothing, even if a proposal for it comes from somewhere.
    let Action::SendMail { mail, .. } = held[0].action.clone() else { panic!() };
    let listed = vec!["who@list.example".to_owned()];
    let action = Action::SendMail { mail: message_to(mail, listed), draft: None };
    let because = Claim::new("bought", vec![Evidence::Event { call: "c".into(), seq: 1 }], 1.0).unwrap();
    let now = Timestamp::now().as_millisecond();
    let bought = Proposal::new("local", action, None, because, ArtifactId::of("list", b"x"), "list", now);
    team.store().put_proposals(std::slice::from_ref(&bought), &Actor::service("outreach"), now).unwrap();
    team.review(|line| if line.contains("who@list.example") { "a" } else { "n" });
    let standing = team.standing(&bought.id);
    assert!(standing.to_string().contains("nobody knows where they are"), "{standing}");
    assert_eq!(team.sent(), 3);
}

fn message_to(mut mail: reframe_workflow::gate::Mail, to: Vec<String>) -> reframe_workflow::gate::Mail {
    mail.to = to;
    mail.message_id = "<rf-bought@try-us.example>".to_owned();
    mail
}

//! One set of cases for every system of record: the folder, and HubSpot and Gmail on the stand-in.
#![allow(clippy::unwrap_used)]

use crate::support::{approved, approved_in, at, gmail, hubspot, mail, note, standin, task, update};
use reframe_connect::{
    local::Local,
    standin::{Options, StandIn},
};
use reframe_workflow::{
    gate::Action,
    system::{Listing, ReadError, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

const DEALS: &str = "# ours\nid,name,stage,amount,close_date,next_step,owner,contact_ids,how we met\n\
    7,Globex,Appointment Scheduled,5000,2026-06-30,call back,ada@seller.example.com,c1,\"at a fair, in May\"\n\
    8,Initech,Closed Won,9,2026-01-31,,,,\n";
const CONTACTS: &str = "id,first_name,email\nc1,Dana,dana@buyer.example.com\nc2,Eve,eve@buyer.example.com\n";

type Touch = Box<dyn Fn(&str, &str)>;

/// A system with a deal that has a contact, and a second deal.
struct Bench {
    system: Box<dyn SystemOfRecord>,
    deal: RecordRef,
    contact: RecordRef,
    other: RecordRef,
    /// Changes a field of the deal behind our back.
    touch: Touch,
    _keep: Box<dyn std::any::Any>,
}

fn local() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("deals.csv"), DEALS).unwrap();
    std::fs::write(folder.path().join("contacts.csv"), CONTACTS).unwrap();
    let path = folder.path().join("deals.csv");
    let touch = move |field: &str, value: &str| {
        let text = std::fs::read_to_string(&path).unwrap();
        let old = match field {
            "next_step" => "call back",
            _ => "Globex",
        };
        std::fs::write(&path, text.replacen(old, value, 1)).unwrap();
    };
    Bench {
        system: Box::new(Local::open(folder.path(), Some("ada@seller.example.com".into())).unwrap()),
        deal: at("local", RecordKind::Deal, "7"),
        contact: at("local", RecordKind::Contact, "c1"),
        other: at("local", RecordKind::Deal, "8"),
        touch: Box::new(touch),
        _keep: Box::new(folder),
    }
}

fn hub(by_refresh: bool) -> Bench {
    let standin = std::sync::Arc::new(standin(&Options::default()));
    let contact = standin.put("contacts", &[("firstname", "Dana"), ("email", "dana@buyer.example.com")], &[]);
    let deal = [
        ("dealname", "Globex"),
        ("pipeline", "default"),
        ("dealstage", "appointmentscheduled"),
        ("amount", "5000"),
        ("closedate", "2026-06-30T12:00:00.000Z"),
        ("hs_next_step", "call back"),
        ("hubspot_owner_id", "501"),
    ];
    let deal = standin.put("deals", &deal, &[("contacts", &contact)]);
    let other = [("dealname", "Initech"), ("pipeline", "default"), ("dealstage", "closedwon"), ("amount", "9")];
    let other = standin.put("deals", &other, &[]);
    let (shared, id) = (std::sync::Arc::clone(&standin), deal.clone());
    let touch = move |field: &str, value: &str| {
        let property = if field == "next_step" { "hs_next_step" } else { "dealname" };
        shared.touch("deals", &id, property, value);
    };
    Bench {
        system: Box::new(hubspot(&standin, by_refresh)),
        deal: at("hubspot", RecordKind::Deal, &deal),
        contact: at("hubspot", RecordKind::Contact, &contact),
        other: at("hubspot", RecordKind::Deal, &other),
        touch: Box::new(touch),
        _keep: Box::new(standin),
    }
}

fn crms(case: impl Fn(&Bench)) {
    for bench in [local(), hub(false), hub(true)] {
        println!("{}", bench.system.name());
        case(&bench);
    }
}

#[test]
fn reads_records_under_our_names() {
    crms(|b| {
        let deal = b.system.read(&b.deal).unwrap().unwrap();
        for (field, value) in [
            ("name", "Globex"),
            ("stage", "Appointment Scheduled"),
            ("amount", "5000"),
            ("close_date", "2026-06-30"),
            ("next_step", "call back"),
            ("owner", "ada@seller.example.com"),
        ] {
            assert_eq!(deal.field(field), Some(value), "{field}");
        }
        assert_eq!(deal.linked, std::slice::from_ref(&b.contact));
        assert_eq!(b.system.read(&b.other).unwrap().unwrap().field("next_step"), None);
        let nobody = RecordRef { id: "999".into(), ..b.deal.clone() };
        assert_eq!(b.system.read(&nobody).unwrap(), None);
        for id in ["", "..", "../deals", "7/8", "7\n"] {
            for kind in [RecordKind::Deal, RecordKind::Note, RecordKind::Mail] {
                assert_eq!(b.system.read(&at(b.system.name(), kind, id)).ok().flatten(), None, "{id:?}");
            }
        }
    });
}

#[test]
fn lists_by_link_field_and_time() {
    crms(|b| {
        let ids = |which: &Listing| -> Vec<String> {
            b.system.list(RecordKind::Deal, which).unwrap().into_iter().map(|r| r.at.id).collect()
        };
        let all = ids(&Listing::default());
        assert_eq!(all, [b.deal.id.clone(), b.other.id.clone()]);
        let stage = Listing { field: Some(("stage".into(), "Closed Won".into())), ..Listing::default() };
        assert_eq!(ids(&stage), [b.other.id.as_str()]);
        let future = Listing { changed_since_unix_ms: Some(i64::MAX), ..Listing::default() };
        assert_eq!(ids(&future), [""; 0]);
        let of_contact = Listing { linked_to: Some(b.contact.clone()), ..Listing::default() };
        assert_eq!(ids(&of_contact), [b.deal.id.as_str()]);
        let of_deal = Listing { linked_to: Some(b.deal.clone()), ..Listing::default() };
        let contacts = b.system.list(RecordKind::Contact, &of_deal).unwrap();
        assert_eq!(contacts.iter().map(|c| &c.at).collect::<Vec<_>>(), [&b.contact]);
    });
}

/// What we change, and what others change behind our back, is in the history of stage and close date, in order of time;
/// of a field that never changed only what it reads is known, if anything.
#[test]
fn tells_what_stage_and_close_date_read_before() {
    crms(|b| {
        let read = || b.system.read(&b.deal).unwrap().unwrap();
        let values = |deal: &Record, field: &str| -> Vec<String> {
            let past = deal.history.get(field).into_iter().flatten();
            past.map(|v| v.value.clone().unwrap_or_default()).collect()
        };
        assert!(values(&read(), "close_date").len() <= 1);
        let name = b.system.name().to_owned();
        let steps = [
            ("close_date", "2026-06-30", "2026-07-31"),
            ("stage", "Appointment Scheduled", "Qualified To Buy"),
            ("close_date", "2026-07-31", "2026-08-31"),
        ];
        for (n, (field, before, after)) in steps.into_iter().enumerate() {
            let change = update(&b.deal, field, Some(before), Some(after));
            b.system.write(&approved_in(&name, change, &format!("night {n}"))).unwrap();
        }
        let listed = b.system.list(RecordKind::Deal, &Listing::default()).unwrap();
        let of_contact = Listing { linked_to: Some(b.contact.clone()), ..Listing::default() };
        let linked = b.system.list(RecordKind::Deal, &of_contact).unwrap();
        for deal in [&read(), &listed[0], &linked[0]] {
            assert_eq!(values(deal, "close_date"), ["2026-06-30", "2026-07-31", "2026-08-31"]);
            assert_eq!(values(deal, "stage"), ["Appointment Scheduled", "Qualified To Buy"]);
            assert!(deal.history.values().all(|past| past.is_sorted_by_key(|v| v.at_unix_ms)));
            assert!(!deal.history.contains_key("next_step"), "only of these two");
        }
    });
}

#[test]
fn knows_its_fields() {
    crms(|b| {
        let fields = b.system.fields(RecordKind::Deal).unwrap();
        let stage = fields.iter().find(|f| f.name == "stage").unwrap();
        assert!(stage.writable);
        if b.system.name() == "hubspot" {
            assert_eq!(stage.theirs, "dealstage");
            assert!(stage.options.contains(&"Contract Sent".to_owned()), "{:?}", stage.options);
        }
    });
}

#[test]
fn notes_and_tasks_are_written_once_and_found_by_their_mark() {
    crms(|b| {
        let body = "Offer <b>by</b> Friday & \"soon\".\n\n- 1 < 2\n=1+1";
        let owner = Some("sam@seller.example.com");
        for (kind, action) in [(RecordKind::Note, note(&b.deal, body)), (RecordKind::Task, task(&b.deal, owner))] {
            let write = approved(b.system.name(), action.clone());
            assert_eq!(b.system.find(&write).unwrap(), None);
            let receipt = b.system.write(&write).unwrap();
            assert_eq!(receipt.record.kind, kind);
            assert!(receipt.url.is_some());
            let found = b.system.find(&write).unwrap().unwrap();
            assert_eq!(found.record, receipt.record);
            // Another approval of like words is another piece of work.
            let like = approved_in(b.system.name(), action, "another batch");
            assert_eq!(b.system.find(&like).unwrap(), None);
            let read = b.system.read(&receipt.record).unwrap().unwrap();
            assert_eq!(read.linked, std::slice::from_ref(&b.deal));
            let of_deal = Listing { linked_to: Some(b.deal.clone()), ..Listing::default() };
            assert_eq!(b.system.list(kind, &of_deal).unwrap().len(), 1);
            if kind == RecordKind::Note {
                assert_eq!(read.field("body"), Some(body));
                assert_eq!(read.field("ref"), Some(write.marker().as_str()));
                assert_eq!(read.field("at"), Some("2026-05-01T12:00:00.000Z"));
            } else {
                assert_eq!(read.field("subject"), Some("=send the offer, \"today\""));
                assert_eq!(read.field("body"), Some("two lines\n<b>of it</b> & more"));
                assert_eq!(read.field("due"), Some("2026-05-08"));
                assert_eq!(read.field("owner"), owner);
            }
        }
        let mail = at(b.system.name(), RecordKind::Mail, "7");
        let error = b.system.write(&approved(b.system.name(), note(&mail, "x"))).unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }), "{error}");
        let gone = RecordRef { id: "999".into(), ..b.deal.clone() };
        let error = b.system.write(&approved(b.system.name(), note(&gone, "x"))).unwrap_err();
        assert!(matches!(error, WriteError::TargetChanged { .. }), "{error}");
    });
}

#[test]
fn fields_change_only_from_what_was_seen() {
    crms(|b| {
        let system = b.system.name();
        let write =
            |field: &str, before, after| b.system.write(&approved(system, update(&b.deal, field, before, after)));
        let read = |field: &str| b.system.read(&b.deal).unwrap().unwrap().field(field).map(str::to_owned);
        let before = b.system.read(&b.deal).unwrap().unwrap();
        let action = update(&b.deal, "stage", Some("Appointment Scheduled"), Some("Contract Sent"));
        let stage = approved(system, action);
        assert_eq!(b.system.find(&stage).unwrap(), None);
        b.system.write(&stage).unwrap();
        assert_eq!(read("stage").as_deref(), Some("Contract Sent"));
        assert!(b.system.find(&stage).unwrap().is_some());
        // The version has moved, and the other changes of the same click go through all the same.
        assert_ne!(b.system.read(&b.deal).unwrap().unwrap().version, before.version);
        write("close_date", Some("2026-06-30"), Some("2026-07-31")).unwrap();
        assert_eq!(read("close_date").as_deref(), Some("2026-07-31"));
        write("amount", Some("5000"), None).unwrap();
        assert_eq!(read("amount"), None);
        write("amount", None, Some("-12.5")).unwrap();
        assert_eq!(read("amount").as_deref(), Some("-12.5"));
        // Somebody changed another field: nothing is lost. Somebody changed this one: a person must look again.
        (b.touch)("name", "Globex Corp");
        write("owner", Some("ada@seller.example.com"), Some("sam@seller.example.com")).unwrap();
        (b.touch)("next_step", "wait");
        let error = write("next_step", Some("call back"), Some("send offer")).unwrap_err();
        assert!(
            matches!(&error, WriteError::TargetChanged { problem } if problem.contains("reads \"wait\"")),
            "{error}"
        );
        assert_eq!(read("next_step").as_deref(), Some("wait"));
        assert_eq!(read("name").as_deref(), Some("Globex Corp"));
        // Somebody has done it already.
        write("next_step", Some("call back"), Some("wait")).unwrap();
        let error = write("shoe_size", None, Some("44")).unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }), "{error}");
    });
}

#[test]
fn what_is_meant_for_another_system_is_refused() {
    let standin = standin(&Options::default());
    let gmail: Box<dyn SystemOfRecord> = Box::new(gmail(&standin));
    for bench in [local(), hub(false)] {
        let draft = Action::CreateDraft { mail: mail(1) };
        let error = bench.system.write(&approved("elsewhere", draft.clone())).unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }), "{error}");
        let error = bench.system.write(&approved(bench.system.name(), note(&at("x", RecordKind::Deal, "7"), "y")));
        assert!(matches!(error, Err(WriteError::Refused { .. })));
        let error = gmail.write(&approved("gmail", note(&bench.deal, "y"))).unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }), "{error}");
    }
    assert_eq!(standin.changes(), []);
}

fn mailboxes(case: impl Fn(&dyn SystemOfRecord, &dyn Fn(&str))) {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::open(folder.path(), Some("ada@seller.example.com".into())).unwrap();
    let drafts = folder.path().join("mail/drafts");
    case(&local, &|id| {
        let path = drafts.join(format!("{id}.eml"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("promised", "agreed")).unwrap();
    });
    let standin = standin(&Options { search_lag_ms: 60_000, ..Options::default() });
    case(&gmail(&standin), &|id| {
        let edited = reframe_workflow::gate::Mail { body: "something else".into(), ..mail(2) };
        standin.edit_draft(id, &reframe_connect::message::write(&edited, None, 0).unwrap());
    });
}

#[test]
fn mail_is_drafted_and_sent_as_approved() {
    mailboxes(|system, edit| {
        println!("{}", system.name());
        let drafted = approved(system.name(), Action::CreateDraft { mail: mail(1) });
        assert_eq!(system.find(&drafted).unwrap(), None);
        let draft = system.write(&drafted).unwrap().record;
        // Also while the search does not know of it.
        assert_eq!(system.find(&drafted).unwrap().unwrap().record, draft);
        let read = system.read(&draft).unwrap().unwrap();
        for (field, value) in [
            ("subject", "Größe & Preis: our call"),
            ("to", "dana@buyer.example.com"),
            ("cc", "eve@buyer.example.com"),
            ("from", "ada@seller.example.com"),
            ("body", "Hello Dana,\n\nas promised: the offer.\n.\nAda"),
            ("message_id", "<rf-1@reframe.example>"),
        ] {
            assert_eq!(read.field(field), Some(value), "{field}");
        }
        // The draft goes out.
        let send = approved(system.name(), Action::SendMail { mail: mail(1), draft: Some(draft.clone()) });
        assert_eq!(system.find(&send).unwrap(), None, "a draft is not sent");
        let sent = system.write(&send).unwrap().record;
        assert_eq!(sent.kind, RecordKind::Mail);
        assert_eq!(system.find(&send).unwrap().unwrap().record, sent);
        assert_eq!(system.read(&draft).unwrap(), None);
        assert_eq!(system.read(&sent).unwrap().unwrap().field("subject"), Some("Größe & Preis: our call"));
        // A draft that was edited does not.
        let draft = system.write(&approved(system.name(), Action::CreateDraft { mail: mail(2) })).unwrap().record;
        edit(&draft.id);
        let send = approved(system.name(), Action::SendMail { mail: mail(2), draft: Some(draft.clone()) });
        let error = system.write(&send).unwrap_err();
        assert!(matches!(&error, WriteError::TargetChanged { problem } if problem.contains("its text")), "{error}");
        assert!(system.read(&draft).unwrap().is_some());
        // Nor one that is gone.
        let gone = RecordRef { id: "r-404".into(), ..draft };
        let error =
            system.write(&approved(system.name(), Action::SendMail { mail: mail(3), draft: Some(gone) })).unwrap_err();
        assert!(matches!(error, WriteError::TargetChanged { .. }), "{error}");
        // Without a draft.
        let send = approved(system.name(), Action::SendMail { mail: mail(4), draft: None });
        let sent = system.write(&send).unwrap();
        assert_eq!(system.find(&send).unwrap().unwrap().record, sent.record);
        assert_eq!(system.list(RecordKind::MailDraft, &Listing::default()).unwrap().len(), 1);
    });
}

#[test]
fn a_thread_is_read_and_answered() {
    let standin = standin(&Options::default());
    let system = gmail(&standin);
    let first = system.write(&approved("gmail", Action::SendMail { mail: mail(1), draft: None })).unwrap().record;
    let thread = system.read(&first).unwrap().unwrap().field("thread").unwrap().to_owned();
    let answer = reframe_workflow::gate::Mail {
        in_reply_to: Some("<rf-1@reframe.example>".into()),
        thread: Some(thread.clone()),
        ..mail(2)
    };
    system.write(&approved("gmail", Action::SendMail { mail: answer, draft: None })).unwrap();
    let which = Listing { field: Some(("thread".into(), thread)), ..Listing::default() };
    let messages = system.list(RecordKind::Mail, &which).unwrap();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().any(|m| m.field("in_reply_to") == Some("<rf-1@reframe.example>")));
    let error = system.list(RecordKind::Mail, &Listing::default()).unwrap_err();
    assert!(matches!(error, ReadError::Odd { .. }), "{error}");
}

/// Pages of 100 records and batches of 100 reads are put together.
#[test]
fn long_lists_are_whole() {
    let standin: StandIn = standin(&Options::default());
    let system = hubspot(&standin, false);
    let deal = standin.put("deals", &[("dealname", "Globex")], &[]);
    for _ in 0..250 {
        standin.put("notes", &[("hs_timestamp", "0"), ("hs_note_body", "x")], &[("deals", &deal)]);
    }
    assert_eq!(system.list(RecordKind::Note, &Listing::default()).unwrap().len(), 250);
    let of_deal = Listing { linked_to: Some(at("hubspot", RecordKind::Deal, &deal)), ..Listing::default() };
    assert_eq!(system.list(RecordKind::Note, &of_deal).unwrap().len(), 250);
}

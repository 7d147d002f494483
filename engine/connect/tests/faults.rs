//! Each way a vendor can fail: what the connector says about a write must be what the journal shows.
#![allow(clippy::unwrap_used)]

use crate::support::{approved, at, gmail, hubspot, mail, note, standin, update};
use reframe_connect::standin::{Fault, Options, Rule, StandIn};
use reframe_workflow::{
    gate::{Action, Approved},
    system::{ReadError, RecordKind, SystemOfRecord, WriteError},
};

/// The kind of an error, and its wait.
fn class(error: &WriteError) -> (&'static str, u64) {
    match error {
        WriteError::NotDone { wait_ms, .. } => ("not done", *wait_ms),
        WriteError::Unknown { .. } => ("unknown", 0),
        WriteError::TargetChanged { .. } => ("changed", 0),
        WriteError::Refused { .. } => ("refused", 0),
        _ => ("?", 0),
    }
}

/// What must be said of a write that meets this fault.
fn expected(fault: Fault) -> &'static str {
    match fault {
        Fault::TokenExpired
        | Fault::RateShort
        | Fault::RateDaily
        | Fault::Locked
        | Fault::Moving
        | Fault::Unavailable
        | Fault::Page => "not done",
        _ => "unknown",
    }
}

/// Three kinds of write, each with the request that does it.
fn writes(standin: &StandIn) -> Vec<(Box<dyn SystemOfRecord>, Approved, &'static str, &'static str)> {
    let deal = standin.put("deals", &[("dealname", "Globex"), ("pipeline", "default")], &[]);
    let deal = at("hubspot", RecordKind::Deal, &deal);
    vec![
        (Box::new(hubspot(standin, true)), approved("hubspot", note(&deal, "x")), "POST", "/crm/v3/objects/notes"),
        (
            Box::new(hubspot(standin, true)),
            approved("hubspot", update(&deal, "amount", None, Some("5"))),
            "PATCH",
            "/crm/v3/objects/deals",
        ),
        (Box::new(gmail(standin)), approved("gmail", Action::CreateDraft { mail: mail(1) }), "POST", "/drafts"),
        (
            Box::new(gmail(standin)),
            approved("gmail", Action::SendMail { mail: mail(2), draft: None }),
            "POST",
            "/messages/send",
        ),
    ]
}

#[test]
fn every_fault_is_told_as_what_it_is() {
    for fault in Fault::ALL {
        let standin = standin(&Options { search_lag_ms: 60_000, ..Options::default() });
        for (system, write, method, path) in writes(&standin) {
            let before = standin.changes().len();
            standin.fault([Rule::next(method, path, fault)]);
            let error = system.write(&write).unwrap_err();
            let done = standin.changes().len() - before;
            assert_eq!(done, usize::from(fault.commits()), "{fault:?}: the stand-in");
            assert_eq!(class(&error).0, expected(fault), "{fault:?} {method} {path}: {error}");
            let sent = standin.journal().iter().filter(|e| e.method == method && e.path.contains(path)).count();
            assert_eq!(sent, 1, "{fault:?}: a write is sent once");
            // Looked for with other eyes: this connector may have been told to be quiet for a while.
            let name = system.name().to_owned();
            let fresh: Box<dyn SystemOfRecord> =
                if name == "gmail" { Box::new(gmail(&standin)) } else { Box::new(hubspot(&standin, true)) };
            let found = fresh.find(&write).unwrap();
            assert_eq!(found.is_some(), fault.commits(), "{fault:?} {method} {path}: finding tells the truth");
            if found.is_none() {
                fresh.write(&write).unwrap();
            }
            let marks = standin.changes().len() - before;
            assert_eq!(marks, 1, "{fault:?}: once in the end");
        }
    }
}

#[test]
fn waits_are_those_the_vendor_asks_for() {
    for (fault, wait_ms) in [
        (Fault::RateShort, 10_000),
        (Fault::RateDaily, 3_600_000),
        (Fault::Locked, 2_000),
        (Fault::Moving, 60_000),
        (Fault::Unavailable, 60_000),
        (Fault::TokenExpired, 0),
    ] {
        let standin = standin(&Options::default());
        let (system, write, method, path) = writes(&standin).remove(0);
        standin.fault([Rule::next(method, path, fault)]);
        assert_eq!(class(&system.write(&write).unwrap_err()).1, wait_ms, "{fault:?}");
        // After "stop" nothing more is asked until the wait is over; a locked record stops nothing else.
        let asked = standin.journal().len();
        let again = system.write(&write);
        let quiet = matches!(fault, Fault::RateShort | Fault::RateDaily | Fault::Moving | Fault::Unavailable);
        assert_eq!(standin.journal().len() == asked, quiet, "{fault:?}");
        assert_eq!(again.is_err(), quiet, "{fault:?}");
    }
}

#[test]
fn a_key_that_does_not_change_is_not_tried_again() {
    let standin = standin(&Options::default());
    let deal = at("hubspot", RecordKind::Deal, &standin.put("deals", &[], &[]));
    let system = hubspot(&standin, false);
    standin.fault([Rule::next("GET", "/deals", Fault::TokenExpired)]);
    let error = system.read(&deal).unwrap_err();
    assert!(matches!(error, ReadError::Forbidden { .. }), "{error}");
    assert_eq!(standin.journal().len(), 1);
}

#[test]
fn a_token_that_ran_out_is_renewed_once() {
    let standin = standin(&Options::default());
    let deal = at("hubspot", RecordKind::Deal, &standin.put("deals", &[], &[]));
    let system = hubspot(&standin, true);
    standin.fault([Rule { skip: 1, ..Rule::next("GET", "/deals", Fault::TokenExpired) }]);
    assert!(system.read(&deal).unwrap().is_some());
    assert!(system.read(&deal).unwrap().is_some());
    let tokens = |s: &StandIn| s.journal().iter().filter(|e| e.path == "/oauth/v1/token").count();
    assert_eq!(tokens(&standin), 2);
    // The stand-in's clock runs on and the token ends in the middle of work.
    standin.advance(31 * 60 * 1_000);
    assert!(system.read(&deal).unwrap().is_some());
    assert_eq!(tokens(&standin), 3);
    // It is refused whatever it is: asked twice, then given up.
    standin.fault([Rule { times: 9, ..Rule::next("GET", "/deals", Fault::TokenExpired) }]);
    let asked = standin.journal().len();
    assert!(matches!(system.read(&deal).unwrap_err(), ReadError::Forbidden { .. }));
    assert_eq!(standin.journal().len() - asked, 3);
}

#[test]
fn reads_say_what_is_wrong() {
    for (fault, kind) in [
        (Fault::RateShort, "busy"),
        (Fault::ErrorBefore, "unreachable"),
        (Fault::GatewayBefore, "unreachable"),
        (Fault::DropBefore, "unreachable"),
        (Fault::SlowAfter, "unreachable"),
        (Fault::Malformed, "odd"),
        (Fault::Page, "forbidden"),
    ] {
        let standin = standin(&Options::default());
        let deal = at("hubspot", RecordKind::Deal, &standin.put("deals", &[], &[]));
        standin.fault([Rule::next("GET", "/deals", fault)]);
        let error = hubspot(&standin, false).read(&deal).unwrap_err();
        let is = match &error {
            ReadError::Busy { .. } => "busy",
            ReadError::Unreachable { .. } => "unreachable",
            ReadError::Odd { .. } => "odd",
            ReadError::Forbidden { .. } => "forbidden",
            _ => "?",
        };
        assert_eq!(is, kind, "{fault:?}: {error}");
        assert!(!error.to_string().contains("standin-key"), "{error}");
    }
}

#[test]
fn nobody_there_is_not_done() {
    let standin = standin(&Options::default());
    let (system, write, ..) = writes(&standin).remove(3);
    // A token is had while it lasts; then the server goes away.
    assert_eq!(system.find(&write).unwrap(), None);
    drop(standin);
    let error = system.write(&write).unwrap_err();
    assert_eq!(class(&error).0, "not done", "{error}");
}

#[test]
fn the_vendors_own_limit_is_kept_on_our_side() {
    let standin = standin(&Options { per_10_s: Some(5), ..Options::default() });
    let deal = at("hubspot", RecordKind::Deal, &standin.put("deals", &[], &[]));
    let settings = reframe_connect::hubspot::Settings {
        base_url: standin.url(),
        requests_per_10_s: 5,
        patience_ms: 0,
        ..Default::default()
    };
    let key = reframe_connect::secret::Secret::new(reframe_connect::standin::KEY).unwrap();
    let login = reframe_connect::http::Login::Key(key);
    let system = reframe_connect::hubspot::HubSpot::with_login(&settings, login).unwrap();
    for _ in 0..5 {
        system.read(&deal).unwrap();
    }
    assert!(matches!(system.read(&deal).unwrap_err(), ReadError::Busy { wait_ms, .. } if wait_ms <= 10_000));
    assert_eq!(standin.journal().len(), 5, "the sixth never left");
}

/// Drawn faults on every kind of request, with the executor's rule: look before each further attempt.
#[test]
fn once_in_the_end_whatever_happens() {
    let mut met = 0;
    for seed in 1..=12 {
        let standin = standin(&Options { percent_faulty: 30, seed, search_lag_ms: 60_000, ..Options::default() });
        for (i, (_, write, ..)) in writes(&standin).into_iter().enumerate() {
            let before = standin.changes().len();
            let mut attempts = 0;
            loop {
                attempts += 1;
                assert!(attempts < 60, "seed {seed}: it never ends");
                let system: Box<dyn SystemOfRecord> =
                    if i < 2 { Box::new(hubspot(&standin, true)) } else { Box::new(gmail(&standin)) };
                if attempts > 1 {
                    match system.find(&write) {
                        Ok(Some(_)) => break,
                        Ok(None) => {}
                        Err(_) => continue,
                    }
                }
                match system.write(&write) {
                    Ok(_) => break,
                    Err(WriteError::NotDone { .. } | WriteError::Unknown { .. }) => {}
                    Err(error) => panic!("seed {seed}: {error}"),
                }
            }
            assert_eq!(standin.changes().len() - before, 1, "seed {seed}, write {i}: exactly one change");
        }
        met += standin.journal().iter().filter(|e| e.fault.is_some()).count();
    }
    assert!(met > 50, "only {met} faults were met");
}

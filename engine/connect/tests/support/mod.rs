//! What the tests of connectors share: approvals, and systems on stand-ins.
#![allow(dead_code, reason = "each test file uses its part")]

use reframe_connect::{
    gmail::{self, Gmail},
    http::Login,
    hubspot::{self, HubSpot},
    secret::Secret,
    standin::{KEY, Options, REFRESH_TOKEN, StandIn},
};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence},
    gate::{Action, Approved, Approver, Click, Mail, Proposal, Seen, approve},
    system::{RecordKind, RecordRef},
};

/// When everything was approved: 2026-05-01 12:00 UTC.
pub const NOON: i64 = 1_777_636_800_000;
/// Patience for an answer, in ms: shorter than the stand-in's slow answers.
pub const TIMEOUT_MS: u64 = 1_000;

/// A proposal of `action`, of batch `batch`.
pub fn proposal(system: &str, action: Action, batch: &str) -> Proposal {
    let evidence = vec![Evidence::Event { call: "c".into(), seq: 1 }];
    let because = Claim::new("they said so", evidence, 0.9).unwrap();
    let seen = Some(Seen { version: "seen".into(), at_unix_ms: 0 });
    Proposal::new(system, action, seen, because, ArtifactId::of("note_proposal", b"x"), batch, 0)
}

/// `action`, approved.
pub fn approved(system: &str, action: Action) -> Approved {
    approved_in(system, action, "batch")
}

/// `action`, approved, as part of another batch: with another mark.
pub fn approved_in(system: &str, action: Action, batch: &str) -> Approved {
    let proposal = proposal(system, action, batch);
    let by = Approver::person("Ada").unwrap();
    approve(&proposal, &Click { by, shown: proposal.digest(), at_unix_ms: NOON }).unwrap()
}

pub fn at(system: &str, kind: RecordKind, id: &str) -> RecordRef {
    RecordRef { system: system.into(), kind, id: id.into() }
}

pub fn note(about: &RecordRef, body: &str) -> Action {
    Action::CreateNote { about: about.clone(), body: body.into(), at_unix_ms: NOON }
}

pub fn task(about: &RecordRef, owner: Option<&str>) -> Action {
    Action::CreateTask {
        about: about.clone(),
        subject: "=send the offer, \"today\"".into(),
        body: "two lines\n<b>of it</b> & more".into(),
        due: Some("2026-05-08".parse().unwrap()),
        owner: owner.map(str::to_owned),
    }
}

pub fn update(record: &RecordRef, field: &str, before: Option<&str>, after: Option<&str>) -> Action {
    let owned = |v: Option<&str>| v.map(str::to_owned);
    Action::UpdateField { record: record.clone(), field: field.into(), before: owned(before), after: owned(after) }
}

pub fn mail(n: u32) -> Mail {
    Mail {
        message_id: format!("<rf-{n}@reframe.example>"),
        to: vec!["dana@buyer.example.com".into()],
        cc: vec!["eve@buyer.example.com".into()],
        subject: "Größe & Preis: our call".into(),
        body: "Hello Dana,\n\nas promised: the offer.\n.\nAda".into(),
        in_reply_to: None,
        thread: None,
        unsubscribe: None,
    }
}

pub fn standin(options: &Options) -> StandIn {
    StandIn::start(options).unwrap()
}

fn refresh(token_url: String) -> Login {
    Login::Refresh {
        token_url,
        client_id: "app".into(),
        client_secret: Secret::new("app-secret").unwrap(),
        refresh_token: Secret::new(REFRESH_TOKEN).unwrap(),
    }
}

pub fn hubspot(standin: &StandIn, by_refresh: bool) -> HubSpot {
    let settings = hubspot::Settings {
        base_url: standin.url(),
        timeout_ms: TIMEOUT_MS,
        patience_ms: 0,
        requests_per_10_s: 10_000,
        portal: Some(42),
        ..hubspot::Settings::default()
    };
    let key = Login::Key(Secret::new(KEY).unwrap());
    let login = if by_refresh { refresh(format!("{}/oauth/v1/token", standin.url())) } else { key };
    HubSpot::with_login(&settings, login).unwrap()
}

pub fn gmail(standin: &StandIn) -> Gmail {
    let settings = gmail::Settings {
        base_url: standin.url(),
        timeout_ms: TIMEOUT_MS,
        patience_ms: 0,
        units_per_minute: 1_000_000,
        ..gmail::Settings::default()
    };
    Gmail::with_login(&settings, refresh(format!("{}/token", standin.url()))).unwrap()
}

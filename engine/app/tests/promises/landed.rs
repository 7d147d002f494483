//! What stands in the system of record, read from its files without the program, and what an approved action must have
//! changed there.

use std::{collections::BTreeMap, path::Path};

use reframe_connect::message;
use reframe_workflow::gate::{Action, Mail, Proposal};

/// Everything in the folder of the CRM and mailbox: each cell of a table, each file of notes and mail, by name. When a row
/// was changed, and the history the folder keeps of its own changes, is left out.
pub fn things(crm: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(crm, crm, &mut all);
    all
}

fn walk(root: &Path, folder: &Path, all: &mut BTreeMap<String, String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            walk(root, &path, all);
        } else if name.ends_with(".csv") {
            let mut rows = rows(&std::fs::read_to_string(&path).unwrap()).into_iter();
            let heading = rows.next().unwrap_or_default();
            for row in rows {
                for (column, cell) in heading.iter().zip(&row).filter(|(column, _)| *column != "updated") {
                    all.insert(format!("{name}/{}/{column}", row[0]), cell.clone());
                }
            }
        } else if !name.starts_with('.') {
            all.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    all.retain(|name, _| !name.starts_with("history.csv"));
}

/// The rows of a CSV text.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell).trim_end_matches('\r').to_owned());
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

/// What is in `after` and was not in `before`, or reads otherwise; what is gone reads `None`.
pub fn changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeMap<String, Option<String>> {
    let new = after.iter().filter(|(name, text)| before.get(*name) != Some(text));
    let mut all: BTreeMap<_, _> = new.map(|(name, text)| (name.clone(), Some(text.clone()))).collect();
    all.extend(before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), None)));
    all
}

/// Holds what changed against one approved proposal: that it stands there word for word, with its mark, and nothing else.
pub fn is_exactly(proposal: &Proposal, changed: &BTreeMap<String, Option<String>>) {
    let marker = proposal.marker();
    let mark = marker.as_str();
    let names: Vec<&str> = changed.keys().map(String::as_str).collect();
    let text = |name: &str| changed[name].as_deref().unwrap_or_default();
    match &proposal.action {
        Action::CreateNote { about, body, .. } => {
            let name = format!("notes/{mark}.md");
            assert_eq!(names, [name.as_str()], "{proposal:?}");
            let (head, words) = text(&name).split_once("\n\n").unwrap();
            assert_eq!(words.trim_end(), body.trim_end());
            assert!(head.contains(&format!("about: {}/{}", about.kind.as_str(), about.id)), "{head}");
            assert!(head.contains(&format!("ref: {mark}")), "{head}");
        }
        Action::CreateTask { about, subject, body, due, .. } => {
            let cell = |column: &str| text(&format!("tasks.csv/{mark}/{column}"));
            assert!(names.iter().all(|name| name.starts_with(&format!("tasks.csv/{mark}/"))), "{names:?}");
            assert_eq!((cell("subject"), cell("body")), (subject.as_str(), body.as_str()));
            assert_eq!(cell("due"), due.map(|due| due.to_string()).unwrap_or_default());
            assert_eq!(cell(&format!("{}_id", about.kind.as_str())), about.id);
        }
        Action::UpdateField { record, field, after, .. } => {
            let name = format!("{}s.csv/{}/{field}", record.kind.as_str(), record.id);
            assert_eq!(names, [name.as_str()], "{proposal:?}");
            assert_eq!(text(&name), after.as_deref().unwrap_or_default());
        }
        Action::CreateDraft { mail } => is_mail(&names, &format!("mail/drafts/{mark}.eml"), mail, text),
        Action::SendMail { mail, .. } => is_mail(&names, &format!("mail/sent/{mark}.eml"), mail, text),
    }
}

fn is_mail<'a>(names: &[&str], name: &str, mail: &Mail, text: impl Fn(&str) -> &'a str) {
    assert_eq!(names, [name]);
    let there = message::read(text(name).as_bytes()).unwrap();
    assert_eq!((&there.to, &there.cc, &there.subject), (&mail.to, &mail.cc, &mail.subject));
    assert_eq!((there.body.as_str(), &there.message_id), (mail.body.trim_end(), &mail.message_id));
}

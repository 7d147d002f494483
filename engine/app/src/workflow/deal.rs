//! Which deal a call was about, and who of the buyers is which contact.

use reframe_workflow::{
    handoff::{CallTranscript, Participant},
    system::{Listing, ReadError, Record, RecordKind, RecordRef, SystemOfRecord},
};

/// The deal with this id; else the one deal, not over, that a buyer of the call belongs to: by e-mail address where the
/// meeting gave one that the CRM knows, else by name. Two of them: nobody can tell.
///
/// # Errors
/// [`ReadError`].
pub fn find(
    crm: &dyn SystemOfRecord,
    named: Option<&str>,
    call: &CallTranscript,
) -> Result<Result<Record, String>, ReadError> {
    if let Some(id) = named {
        let at = RecordRef { system: crm.name().to_owned(), kind: RecordKind::Deal, id: id.to_owned() };
        return Ok(crm.read(&at)?.ok_or_else(|| format!("{at} is not there; name another deal")));
    }
    let buyers: Vec<&Participant> = call.participants.iter().filter(|p| p.side != "rep").collect();
    let mut deals: Vec<Record> = Vec::new();
    for buyer in &buyers {
        for contact in contacts(crm, buyer)? {
            let linked = Listing { linked_to: Some(contact.at), ..Listing::default() };
            deals.extend(crm.list(RecordKind::Deal, &linked)?);
        }
    }
    deals.retain(|d| !d.field("stage").is_some_and(|s| s.starts_with("closed")));
    deals.sort_by(|a, b| a.at.cmp(&b.at));
    deals.dedup_by(|a, b| a.at == b.at);
    let who = buyers.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(", ");
    Ok(match (deals.len(), deals.pop()) {
        (1, Some(deal)) => Ok(deal),
        (0, _) => Err(format!("no open deal of {who} is known in {}", crm.name())),
        (n, _) => Err(format!("{n} open deals of {who} are known in {}", crm.name())),
    })
}

/// A buyer's contacts in the CRM. An address is one person's and a name may be anybody's: the name is asked for only where
/// no contact has the address.
fn contacts(crm: &dyn SystemOfRecord, buyer: &Participant) -> Result<Vec<Record>, ReadError> {
    let with = |field: &str, value: &str| {
        let which = Listing { field: Some((field.to_owned(), value.to_owned())), ..Listing::default() };
        crm.list(RecordKind::Contact, &which)
    };
    if let Some(email) = &buyer.email {
        // Calls have addresses in lower case, and a CRM as it was typed.
        let all = crm.list(RecordKind::Contact, &Listing::default())?;
        let theirs: Vec<Record> = all.into_iter().filter(|c| has(c, "email", email)).collect();
        if !theirs.is_empty() {
            return Ok(theirs);
        }
    }
    with("name", &buyer.name)
}

/// Addresses for a follow-up: of each buyer of the call the one the meeting gave, else that of the deal's contact of the
/// same name; each once.
#[must_use]
pub fn recipients(call: &CallTranscript, contacts: &[Record]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for buyer in call.participants.iter().filter(|p| p.side != "rep") {
        let by_name = || contacts.iter().filter(|c| has(c, "name", &buyer.name)).find_map(|c| c.field("email"));
        let address = buyer.email.as_deref().or_else(by_name).map(str::to_owned);
        out.extend(address.filter(|a| !out.iter().any(|known| known.eq_ignore_ascii_case(a))));
    }
    out
}

fn has(contact: &Record, field: &str, value: &str) -> bool {
    contact.field(field).is_some_and(|v| v.trim().eq_ignore_ascii_case(value.trim()))
}

#[cfg(test)]
mod tests {
    use reframe_connect::local::Local;

    use super::*;

    fn call(buyers: &[(&str, Option<&str>)]) -> CallTranscript {
        let person = |name: &str, side: &str, email: Option<&str>| Participant {
            name: name.into(),
            side: side.into(),
            email: email.map(str::to_owned),
        };
        let buyers = buyers.iter().map(|(name, email)| person(name, "buyer", *email));
        CallTranscript {
            call: "c".into(),
            title: "C".into(),
            started_unix_ms: 0,
            zone: "UTC".into(),
            deal: None,
            participants: std::iter::once(person("Ada", "rep", Some("ada@us.example"))).chain(buyers).collect(),
            turns: vec![],
            objections: vec![],
            cards: vec![],
            notes: vec![],
            missing_ms: 0,
        }
    }

    /// Two Danas, each with a deal: the address tells which, the name cannot.
    #[test]
    fn an_address_outweighs_a_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("contacts.csv"),
            "id,name,email,deal_ids\nc1,Dana Fox,Dana@Acme.example,7\nc2,Dana Fox,dana@other.example,8\n\
             c3,Bo Li,bo@acme.example,7\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("deals.csv"), "id,name,stage\n7,Acme,discovery\n8,Other,discovery\n")
            .unwrap();
        let crm = Local::open(folder.path(), None).unwrap();
        let found = |buyers: &[(&str, Option<&str>)]| find(&crm, None, &call(buyers)).unwrap().map(|d| d.at.id);
        assert!(found(&[("Dana Fox", None)]).unwrap_err().starts_with("2 open deals"));
        assert_eq!(found(&[("Dana Fox", Some("dana@acme.example"))]).as_deref(), Ok("7"));
        assert_eq!(found(&[("Somebody", Some("dana@other.example"))]).as_deref(), Ok("8"));
        assert_eq!(found(&[("Bo Li", Some("bo@home.example"))]).as_deref(), Ok("7"), "an address nobody knows");
        let says = found(&[("Zed", Some("zed@x.example"))]).unwrap_err();
        assert!(says.contains("Zed") && !says.contains('@'), "{says}");

        let contacts = crm.list(RecordKind::Contact, &Listing::default()).unwrap();
        let to = |buyers: &[(&str, Option<&str>)]| recipients(&call(buyers), &contacts);
        assert_eq!(to(&[("bo li", None), ("Zed", None)]), ["bo@acme.example"]);
        assert_eq!(to(&[("Bo Li", Some("bo@home.example"))]), ["bo@home.example"]);
        assert_eq!(to(&[("Bo Li", None), ("Bo", Some("BO@acme.example"))]), ["bo@acme.example"], "once");
    }
}

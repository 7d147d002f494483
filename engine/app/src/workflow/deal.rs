//! Which deal a call was about.

use reframe_workflow::{
    handoff::CallTranscript,
    system::{Listing, ReadError, Record, RecordKind, RecordRef, SystemOfRecord},
};

/// The deal with this id; else the one deal, not over, that a buyer of the call belongs to by name. Two of them: nobody can
/// tell.
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
    let buyers: Vec<&str> = call.participants.iter().filter(|p| p.side != "rep").map(|p| p.name.as_str()).collect();
    let mut deals: Vec<Record> = Vec::new();
    for name in &buyers {
        let which = Listing { field: Some(("name".to_owned(), (*name).to_owned())), ..Listing::default() };
        for contact in crm.list(RecordKind::Contact, &which)? {
            let linked = Listing { linked_to: Some(contact.at), ..Listing::default() };
            deals.extend(crm.list(RecordKind::Deal, &linked)?);
        }
    }
    deals.retain(|d| !d.field("stage").is_some_and(|s| s.starts_with("closed")));
    deals.sort_by(|a, b| a.at.cmp(&b.at));
    deals.dedup_by(|a, b| a.at == b.at);
    let who = buyers.join(", ");
    Ok(match (deals.len(), deals.pop()) {
        (1, Some(deal)) => Ok(deal),
        (0, _) => Err(format!("no open deal of {who} is known in {}", crm.name())),
        (n, _) => Err(format!("{n} open deals of {who} are known in {}", crm.name())),
    })
}

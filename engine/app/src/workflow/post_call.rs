//! The stage after a call: from its log to proposals in the inbox.

use std::slice::from_ref;

use anyhow::{Context, bail};
use reframe_call::event::{Event, EventBody};
use reframe_store::{CallId, CallState, EventLog as _};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Digest, Kind, Maker, canonical},
    audit::Actor,
    gate::Proposal,
    handoff::{CallFacts, CallTranscript, NoteProposal},
    outbox::Inbox as _,
    postcall, rubric,
    system::Record,
    verify,
};
use serde::{Deserialize, Serialize};

use super::{
    accounts::brief_of,
    deal,
    drafting::Basis,
    office::{Office, batch_of},
};

/// A call's transcript as an artifact: what it was read from. The words stay in the event log alone, where they can be
/// erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriptRef {
    /// Name of the call.
    pub call: String,
    /// Number of the last event that was read.
    pub last_seq: u64,
    /// Digest of the transcript.
    pub digest: Digest,
}

/// What a call was turned into.
pub struct Drafted {
    /// Everything there is to write down.
    pub note: NoteProposal,
    /// The note's name.
    pub artifact: ArtifactId,
    /// What a person is asked to approve.
    pub proposals: Vec<Proposal>,
    /// How many of them are new.
    pub new: usize,
    /// Why no deal was found, if none was.
    pub without_deal: Option<String>,
    /// Digest of the words it was made of as they were heard.
    pub(super) read: Digest,
    /// What a language model may write better, if one is set up.
    pub basis: Option<Box<Basis>>,
}

/// A call as its log has it.
pub struct Heard {
    /// What was said.
    pub transcript: CallTranscript,
    /// The deal's id in the CRM, if whoever opened the call named it.
    deal: Option<String>,
    state: CallState,
    /// Whether it was read from files into a store that does not know what became of it.
    from_files: bool,
    /// Name of the call and its events.
    log: (String, Vec<Event>),
}

impl Heard {
    /// What claims about the call are checked against.
    #[must_use]
    pub fn sources(&self) -> verify::Sources<'_> {
        verify::Sources { calls: from_ref(&self.transcript), events: from_ref(&self.log), ..verify::Sources::default() }
    }
}

impl Heard {
    /// The transcript, and the call's name with its events.
    pub(super) fn into_parts(self) -> (CallTranscript, (String, Vec<Event>)) {
        (self.transcript, self.log)
    }
}

impl Office {
    /// What was said in a call.
    ///
    /// # Errors
    /// If there is no such call, or its words were erased.
    pub fn hear(&self, call: &CallId) -> anyhow::Result<Heard> {
        let record = self.store.call(call)?.with_context(|| format!("there is no call `{call}`"))?;
        let events = self.store.read(call, 0)?;
        if events.iter().any(|e| matches!(e.body, EventBody::CallErased { .. })) {
            bail!("what was said in call `{call}` was erased");
        }
        let deal = events.iter().find_map(|e| match &e.body {
            EventBody::CallStarted { deal, .. } => deal.crm_id.clone(),
            _ => None,
        });
        let from_files = record.call.token_hash.is_empty();
        let facts = CallFacts {
            call: call.to_string(),
            title: record.call.title,
            started_unix_ms: record.call.started_unix_ms,
            zone: self.settings.zone.clone(),
            deal: None,
        };
        let transcript = CallTranscript::from_events(facts, &events);
        Ok(Heard { transcript, deal, state: record.state, from_files, log: (call.to_string(), events) })
    }

    /// Drafts everything there is to write down about a call that is over, and puts it in the inbox. Harmless to repeat.
    /// `deal` names the deal in the CRM, if it is to be another than the one that would be found.
    ///
    /// # Errors
    /// If the call is not there or not over, or the store or the CRM cannot be read.
    pub(super) fn draft(&self, call: &CallId, deal: Option<&str>) -> anyhow::Result<Drafted> {
        let times_rewritten = self.store.times_rewritten(call)?;
        let mut heard = self.hear(call)?;
        let words = Digest::of(&canonical(&heard.transcript));
        if heard.state == CallState::Open {
            bail!("call `{call}` is not over");
        }
        let named = deal.or(heard.deal.as_deref());
        let (deal, without_deal) = match deal::find(&*self.systems.crm, named, &heard.transcript)? {
            Ok(deal) => (Some(deal), None),
            Err(why) => (None, Some(why)),
        };
        heard.transcript.deal = deal.as_ref().map(|d| d.at.clone());
        let transcript = &heard.transcript;
        let settings = postcall::Settings {
            fiscal_year_starts: self.settings.fiscal_year_starts,
            recipients: self.recipients(transcript, deal.as_ref())?,
            mail_system: self.systems.mail.name().to_owned(),
            mail_domain: self.mail_domain(),
        };
        let note = postcall::run(transcript, &settings);
        let broken = verify::check_all(&note.claims(), heard.sources());
        if !broken.is_empty() {
            // A fault of ours, which goes to nobody. Not which: errors are logged, and the words of a call are not.
            bail!("{} citations of the note do not hold; nothing was proposed", broken.len());
        }

        let last_seq = heard.log.1.last().map_or(0, |e| e.seq);
        let body = TranscriptRef { call: call.to_string(), last_seq, digest: Digest::of(&canonical(transcript)) };
        // Names the brief it began with, so that the way back to the signal is unbroken.
        let brief = match &transcript.deal {
            Some(deal) => brief_of(&self.store, deal, transcript.started_unix_ms)?,
            None => None,
        };
        let parents = brief.into_iter().collect();
        let read = Artifact::new(Kind::CallTranscript, parents, Maker::rules("engine", 1), body);
        let maker = Maker::rules("post_call", postcall::VERSION);
        let noted = Artifact::new(Kind::NoteProposal, vec![read.id.clone()], maker, note);
        let debrief = rubric::debrief(transcript, &noted.body, &self.rubric);
        let maker = Maker::rules("debrief", 1);
        let judged = Artifact::new(Kind::Debrief, vec![read.id.clone(), noted.id.clone()], maker, debrief);
        self.keep(Kind::CallTranscript, &read)?;
        self.keep(Kind::NoteProposal, &noted)?;
        self.keep(Kind::Debrief, &judged)?;
        let now = (self.clock)();
        let mut proposals = postcall::proposals(&noted, transcript, deal.as_ref(), &settings, now);
        if heard.from_files {
            self.drop_what_landed(&mut proposals)?;
        }
        let batch = batch_of(call);
        debug_assert!(proposals.iter().all(|p| p.batch == batch), "a call's proposals are one batch");
        let put = self.store.put_proposals(&proposals, &Actor::service("post_call"), now)?;
        let new = put.iter().filter(|p| matches!(p, reframe_workflow::outbox::Put::New)).count();
        self.keep_digest(transcript, (&noted.id, &noted.body), times_rewritten)?;
        let basis = self.has_writer().then(|| -> anyhow::Result<Box<Basis>> {
            Ok(Box::new(Basis {
                known: self.known(deal.as_ref())?,
                words: words.clone(),
                transcript: transcript.clone(),
                read: read.id.clone(),
                noted: noted.clone(),
                proposals: proposals.clone(),
                deal,
                settings,
            }))
        });
        // The rules' note is in the inbox; that nothing better can be written takes nothing from it.
        let basis = basis.transpose().unwrap_or_else(|error| {
            tracing::warn!(%call, "no model is asked about this call: {error:#}");
            None
        });
        Ok(Drafted { artifact: noted.id, note: noted.body, proposals, new, without_deal, read: words, basis })
    }

    /// Addresses of the buyers who were on the call.
    fn recipients(&self, call: &CallTranscript, deal: Option<&Record>) -> anyhow::Result<Vec<String>> {
        let Some(record) = deal else { return Ok(Vec::new()) };
        Ok(deal::recipients(call, &self.contacts(record)?))
    }

    /// Our domain, for the names of messages; one that can be nobody's if we have no address.
    pub(super) fn mail_domain(&self) -> String {
        let domain = self.settings.from.as_deref().and_then(|from| from.rsplit_once('@'));
        domain.map_or_else(|| "reframe.invalid".to_owned(), |(_, domain)| domain.to_owned())
    }
}

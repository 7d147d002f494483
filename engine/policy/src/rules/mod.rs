//! Rules as data: which law asks for what, of which channel and purpose, where; each with its source and the day it was read.

mod parse;
mod region;

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::date::Date;
use reframe_workflow::artifact::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    parse::RulesError,
    region::{BadRegion, Region},
};

/// By what a person is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mail.
    Email,
    /// A message on LinkedIn; a person copies and sends it.
    Linkedin,
    /// A text message, written or sent by machine.
    Sms,
    /// A call that a person makes.
    Call,
    /// A call in which a machine speaks.
    AiCall,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Linkedin, Self::Sms, Self::Call, Self::AiCall];
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To win somebody who has not asked.
    Outreach,
    /// To go on after a conversation.
    FollowUp,
    /// To answer what they wrote.
    Reply,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Outreach, Self::FollowUp, Self::Reply];
}

/// What a rule may rest on. Each holds only if the record says so: what nobody wrote down does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Nobody asked us to stop. (Whoever did is refused before any rule is read.)
    NoOptOut,
    /// They agreed to this channel and purpose, by an act that is on record.
    ExpressConsent,
    /// The same, in writing and signed, for messages and calls by machine.
    WrittenConsent,
    /// They bought, or have a contract.
    ExistingCustomer,
    /// They asked about what we sell.
    RecentInquiry,
    /// They publish their business address for their role, with no word against unasked-for messages.
    PublishedAddress,
    /// They bought, and were told then, as in every message since, that they may object.
    SoftOptIn,
    /// A balancing test for this channel and purpose is on record and came out for us.
    BalancingTest,
    /// The address belongs to a company, not to a private subscriber, sole trader or simple partnership.
    CorporateSubscriber,
    /// They wrote to us.
    TheyWrote,
    /// In a conversation they agreed to hear from us.
    AgreedContact,
    /// The number was looked up in the do-not-call register, and is not in it.
    RegisterChecked,
    /// They have not objected to being profiled or decided about by machine.
    NoProfilingOptOut,
}

/// What a message must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Who sends it, truly.
    SenderIdentity,
    /// A postal address of the sender.
    PostalAddress,
    /// A way to unsubscribe that a reader sees.
    UnsubscribeLine,
    /// `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058).
    UnsubscribeHeaders,
    /// Where their data comes from.
    SourceOfData,
    /// That they may object, apart from everything else.
    ObjectionNotice,
    /// That a machine wrote, or speaks.
    AiDisclosure,
}

/// How a rule's text was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Not at all: written from memory.
    Memory,
    /// Against what others write about the law.
    Secondary,
    /// Against the text of the law.
    Text,
}

/// What a rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// At least one of these must hold. A rule that names any is a basis; one that names none only adds conditions.
    #[serde(default)]
    pub any_of: BTreeSet<Fact>,
    /// All of these must hold.
    #[serde(default)]
    pub all_of: BTreeSet<Fact>,
    /// The message must carry these.
    #[serde(default)]
    pub message: BTreeSet<Need>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name: `casl.electronic`.
    pub id: String,
    /// The law, as people call it: `CASL`.
    pub regime: String,
    /// Where it holds, groups resolved.
    pub applies_to: BTreeSet<Region>,
    /// For which channels.
    pub channels: BTreeSet<Channel>,
    /// And purposes.
    pub purposes: BTreeSet<Purpose>,
    /// What it asks for.
    pub requires: Requires,
    /// Section of the law.
    pub source: String,
    /// The day that was looked up, or remembered.
    pub as_of: Date,
    /// How.
    pub checked: Checked,
    /// The first day it holds; nothing: it holds.
    pub from: Option<Date>,
    /// Whether its disclosure may be switched per region.
    pub toggle: bool,
    /// What is modelled, and what is not.
    pub note: String,
}

/// For how long what is on record counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Months after a purchase or the end of a contract.
    pub existing_customer_months: u32,
    /// Months after an inquiry.
    pub recent_inquiry_months: u32,
    /// Months after a published address was looked at.
    pub published_address_months: u32,
    /// Months after a balancing test; then it is looked at again.
    pub balancing_test_months: u32,
    /// Days after they wrote, for an answer.
    pub they_wrote_days: u32,
    /// Days after a conversation in which they agreed to hear from us.
    pub agreed_contact_days: u32,
    /// Days after a look into a do-not-call register.
    pub register_checked_days: u32,
}

/// All rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    version: u32,
    digest: Digest,
    parts: BTreeMap<String, BTreeSet<Region>>,
    terms: Terms,
    rules: Vec<Rule>,
    disclosure: BTreeMap<Region, bool>,
}

const SHIPPED: &str = include_str!("../../assets/rules.toml");

impl Rules {
    /// The rules this program carries.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("a test reads the rules that ship")
    }

    /// Reads a file of rules.
    ///
    /// # Errors
    /// [`RulesError`] names the line.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        parse::read(text)
    }

    /// The same rules with the disclosure of machine-written text switched on or off by region: on anywhere, off only where
    /// the rule that asks for it says it may be.
    #[must_use]
    pub fn with_disclosure(self, disclosure: BTreeMap<Region, bool>) -> Self {
        Self { disclosure, ..self }
    }

    /// Version of the file.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Digest of the file's bytes.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// For how long what is on record counts.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// All rules, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether the place is one the file speaks of: it or its country has rules, and it is a part its country has.
    #[must_use]
    pub fn knows(&self, region: &Region) -> bool {
        let part = region.is_country() || self.parts.get(region.country()).is_none_or(|parts| parts.contains(region));
        let country = region.whole();
        part && self.rules.iter().any(|r| r.applies_to.contains(region) || r.applies_to.contains(&country))
    }

    /// Whether a message to there must say that a machine wrote it.
    fn discloses(&self, rule: &Rule, region: &Region) -> bool {
        let switch = self.disclosure.get(region).or_else(|| self.disclosure.get(&region.whole()));
        !rule.toggle || switch.copied().unwrap_or(true)
    }

    /// What a message to there must carry under a rule.
    pub(crate) fn needs(&self, rule: &Rule, region: &Region) -> BTreeSet<Need> {
        let mut needs = rule.requires.message.clone();
        if !self.discloses(rule, region) {
            needs.remove(&Need::AiDisclosure);
        }
        needs
    }

    /// Whether the settings ask for the disclosure there, whatever the rules say.
    pub(crate) fn always_discloses(&self, region: &Region) -> bool {
        let switch = self.disclosure.get(region).or_else(|| self.disclosure.get(&region.whole()));
        switch == Some(&true)
    }

    /// The rules for a place, channel and purpose on a day. Of somebody of whom only the country is known, the rules of all
    /// its parts count.
    pub(crate) fn applying<'a>(
        &'a self,
        region: &'a Region,
        channel: Channel,
        purpose: Purpose,
        today: Date,
    ) -> impl Iterator<Item = &'a Rule> {
        let country = region.whole();
        let there = move |rule: &Rule| {
            let part = || region.is_country() && rule.applies_to.iter().any(|r| r.country() == region.country());
            rule.applies_to.contains(region) || rule.applies_to.contains(&country) || part()
        };
        self.rules.iter().filter(move |rule| {
            let asked = rule.channels.contains(&channel) && rule.purposes.contains(&purpose);
            asked && rule.from.is_none_or(|from| from <= today) && there(rule)
        })
    }
}

//! From entries to what is in force for one person.

use std::collections::BTreeSet;

use reframe_workflow::artifact::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Ground, PersonKey, Reason, Salt, Subject, What};
use crate::rules::{Channel, Purpose, Region};

/// A permission in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Permitted {
    /// The entry it is in.
    pub entry: u64,
    /// By what.
    pub channel: Channel,
    /// What for.
    pub purpose: Purpose,
    /// What it rests on.
    pub ground: Ground,
    /// Since when, in ms since 1970-01-01 UTC.
    pub since_unix_ms: i64,
    /// Until when, if it was given for a time; terms of the law come on top.
    pub ends_unix_ms: Option<i64>,
}

/// A balancing test on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balanced {
    /// The entry it is in.
    pub entry: u64,
    /// Its name.
    pub test: String,
    /// The places it speaks of.
    pub regions: BTreeSet<Region>,
    /// The channels.
    pub channels: BTreeSet<Channel>,
    /// And purposes.
    pub purposes: BTreeSet<Purpose>,
    /// Whether it came out for us.
    pub passed: bool,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// A suppression in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// The entry it is in.
    pub entry: u64,
    /// Why; nothing: a permission was withdrawn.
    pub reason: Option<Reason>,
    /// On this channel alone; nothing: on all.
    pub only_on: Option<Channel>,
    /// Channels on which the person has agreed anew since.
    pub ended_on: BTreeSet<Channel>,
    /// It is of their whole company, which no permission of one person ends.
    pub company: bool,
    /// Since when, in ms since 1970-01-01 UTC.
    pub since_unix_ms: i64,
}

impl Stop {
    /// In words, for people; no names.
    #[must_use]
    pub const fn in_words(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason.in_words(),
            None => "they took their permission back",
        }
    }

    /// Whether it holds on a channel.
    #[must_use]
    pub fn is_on(&self, channel: Channel) -> bool {
        self.only_on.is_none_or(|only| only == channel) && !self.ended_on.contains(&channel)
    }

    const fn may_end(&self) -> bool {
        !self.company && matches!(self.reason, None | Some(Reason::Unsubscribe))
    }
}

/// A message that went out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Touch {
    /// By what.
    pub channel: Channel,
    /// What for.
    pub purpose: Purpose,
    /// The message.
    pub message: Digest,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// What is in force for one person at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Suppressions and withdrawals, the oldest first; which hold on a channel: [`Standing::stop_on`].
    pub stops: Vec<Stop>,
    /// Permissions.
    pub permissions: Vec<Permitted>,
    /// Balancing tests, of everybody.
    pub balanced: Vec<Balanced>,
    /// Messages to them.
    pub touches: Vec<Touch>,
    /// When they wrote, and by what.
    pub replies: Vec<(i64, Channel)>,
    /// Whether they object to being profiled.
    pub profiling_opt_out: bool,
    /// Whether they were erased.
    pub erased: bool,
}

impl Standing {
    /// The first suppression that holds on a channel.
    #[must_use]
    pub fn stop_on(&self, channel: Channel) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.is_on(channel))
    }
}

/// What is in force for a person, who may be reached under several keys, at a time. Entries are taken in the order of their numbers. What forbids counts from the
/// moment it is written down, also if its time is ahead of `now` (a clock that runs slow must not hide an opt-out); what
/// allows counts only from its own time on.
///
/// A withdrawal ends the permissions before it. A later permission by the person's own act (express, written, agreed) ends a
/// withdrawal or an unsubscribe on the same channel and on no other. Objection, complaint, erasure and the rest are ended by
/// nothing.
#[must_use]
pub fn standing(entries: &[Entry], keys: &[PersonKey], salt: &Salt, now_unix_ms: i64) -> Standing {
    let hashes: Vec<Digest> = keys.iter().map(|key| salt.hash(key)).collect();
    let mut now = Standing::default();
    let mut mine: Vec<&Entry> = entries.iter().filter(|e| concerns(e, keys, &hashes)).collect();
    mine.sort_by_key(|e| e.seq);
    for entry in mine {
        take(&mut now, entry, now_unix_ms);
    }
    now
}

fn concerns(entry: &Entry, keys: &[PersonKey], hashes: &[Digest]) -> bool {
    let within = |d: &str, domain: &str| d.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
    match &entry.about {
        Subject::Person { key } => keys.contains(key),
        Subject::Erased { hash } => hashes.contains(hash),
        Subject::Domain { domain } => keys.iter().filter_map(PersonKey::domain).any(|d| within(d, domain)),
        Subject::Everybody => true,
    }
}

fn take(now: &mut Standing, entry: &Entry, now_unix_ms: i64) {
    let (at, begun) = (entry.at_unix_ms, entry.at_unix_ms <= now_unix_ms);
    let stop = |reason, only_on| Stop {
        entry: entry.seq,
        reason,
        only_on,
        ended_on: BTreeSet::new(),
        company: matches!(entry.about, Subject::Domain { .. }),
        since_unix_ms: at,
    };
    match &entry.what {
        What::Permission { channel, purpose, ground, proof, ends_unix_ms, .. } => {
            // A company does not agree for its people, and what a hash is left of agreed to nothing.
            let personal = matches!(entry.about, Subject::Person { .. });
            if !begun || !personal || proof.trim().is_empty() {
                return;
            }
            if matches!(ground, Ground::Express | Ground::Written | Ground::Agreed) {
                for stop in now.stops.iter_mut().filter(|s| s.may_end() && s.is_on(*channel)) {
                    stop.ended_on.insert(*channel);
                }
            }
            now.permissions.push(Permitted {
                entry: entry.seq,
                channel: *channel,
                purpose: *purpose,
                ground: *ground,
                since_unix_ms: at,
                ends_unix_ms: *ends_unix_ms,
            });
        }
        What::Withdrawn { channel, .. } => {
            now.permissions.retain(|p| channel.is_some_and(|c| c != p.channel));
            now.stops.push(stop(None, *channel));
        }
        What::Suppressed { reason, channel, only_there } => {
            let only_on = channel.filter(|_| *only_there && reason.may_be_narrow());
            now.stops.push(stop(Some(*reason), only_on));
        }
        What::Complaint { .. } => now.stops.push(stop(Some(Reason::Complaint), None)),
        What::TouchSent { channel, purpose, message, .. } => {
            // Counted also if its time is ahead: it went out.
            let (channel, purpose, message) = (*channel, *purpose, message.clone());
            now.touches.push(Touch { channel, purpose, message, at_unix_ms: at });
        }
        // That something might go out tells nothing of whether it did.
        What::Cleared { .. } => {}
        What::ReplyReceived { channel } if begun => now.replies.push((at, *channel)),
        What::ReplyReceived { .. } => {}
        What::ProfilingOptOut => now.profiling_opt_out = true,
        What::BalancingTest { test, regions, channels, purposes, passed } if begun || !passed => {
            now.balanced.push(Balanced {
                entry: entry.seq,
                test: test.clone(),
                regions: regions.clone(),
                channels: channels.clone(),
                purposes: purposes.clone(),
                passed: *passed,
                at_unix_ms: at,
            });
        }
        What::BalancingTest { .. } => {}
        What::Erased => now.erased = true,
    }
}

#[cfg(test)]
mod tests;

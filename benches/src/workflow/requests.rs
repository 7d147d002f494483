//! What the review page asks for, over HTTP as it does, one request after the other.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Row;
use crate::{dice::Dice, figures::Times};

/// The page's side of the interface under `/v1/review`.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Client {
    /// From the link to the page.
    ///
    /// # Errors
    /// If the link reads otherwise than expected.
    pub fn new(link: &str) -> anyhow::Result<Self> {
        let (base, token) = link.split_once("/review#token=").context("the link to the review page has no token")?;
        let settings = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build();
        Ok(Self { agent: settings.into(), base: format!("{base}/v1/review"), token: token.to_owned() })
    }

    /// An answer and how long it took until its last byte was there.
    ///
    /// # Errors
    /// If there is none, or it is a refusal.
    fn get(&self, what: &str, query: &[(&str, &str)]) -> anyhow::Result<(Value, Duration)> {
        let request = self.agent.get(format!("{}/{what}", self.base)).query_pairs(query.iter().copied());
        let begun = Instant::now();
        let answer = request.header("authorization", format!("Bearer {}", self.token)).call();
        let body =
            answer.with_context(|| format!("GET {what}"))?.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        let took = begun.elapsed();
        Ok((serde_json::from_slice(&body)?, took))
    }
}

/// What a look through the inbox came to.
pub struct Asked {
    /// A row per kind of request.
    pub rows: Vec<Row>,
    /// All searches together.
    pub searches: Times,
    /// All other requests together.
    pub others: Times,
    /// Places that searches found.
    pub hits: usize,
}

/// Goes through the inbox `rounds` times as a person would (list, a call's proposals, its note, one of them, the words it
/// rests on, what is new), then searches.
///
/// # Errors
/// If a request fails, or an answer is empty where there is something.
pub fn ask(client: &Client, rounds: usize, queries: &[(&'static str, String)], seed: u64) -> anyhow::Result<Asked> {
    let mut dice = Dice(seed);
    let kinds =
        ["inbox", "a call's proposals", "a call's note", "one proposal", "transcript around evidence", "what is new"];
    let mut times: Vec<Times> = kinds.iter().map(|_| Times::default()).collect();
    for _ in 0..rounds {
        let (inbox, took) = client.get("inbox", &[])?;
        times[0].add(took);
        let upto = inbox["upto"].as_u64().context("the inbox has no place to ask from")?;
        let waits = |b: &&Value| b["waiting"].as_u64() > Some(0) && b["call"].is_string();
        let batches: Vec<&Value> = inbox["batches"].as_array().into_iter().flatten().filter(waits).collect();
        ensure!(!batches.is_empty(), "no call waits in the inbox");
        let batch = dice.pick(&batches);
        let (name, call) = (text(batch, "batch")?, text(batch, "call")?);
        let (items, took) = client.get("batch", &[("batch", name)])?;
        times[1].add(took);
        let items = items["items"].as_array().filter(|i| !i.is_empty()).with_context(|| format!("{name} is empty"))?;
        let (note, took) = client.get("note", &[("call", call)])?;
        times[2].add(took);
        ensure!(note["call"] == call, "the note is of another call");
        let item = dice.pick(items);
        let id = text(&item["proposal"], "id")?;
        let (again, took) = client.get("item", &[("id", id)])?;
        times[3].add(took);
        ensure!(again["digest"] == item["digest"], "{id} reads otherwise alone");
        let evidence = &item["proposal"]["because"]["evidence"][0];
        let utterance = evidence["utterance"].as_u64().context("a proposal rests on no words")?.to_string();
        let (words, took) = client.get("transcript", &[("call", call), ("utterance", &utterance), ("around", "8")])?;
        times[4].add(took);
        ensure!(words["transcript"]["turns"].as_array().is_some_and(|t| t.len() > 8), "there are no words around");
        let (_, took) = client.get("changes", &[("since", &upto.to_string())])?;
        times[5].add(took);
    }
    let mut rows: Vec<Row> =
        kinds.iter().zip(&times).map(|(kind, times)| Row::new("review", &format!("request: {kind}"), times)).collect();
    rows.extend(nights(client)?);
    let mut others = Times::default();
    times.iter().for_each(|t| others.add_all(t));
    let (mut searches, mut hits) = (Times::default(), 0);
    let mut kinds: Vec<(&str, Times)> = Vec::new();
    for (kind, query) in queries {
        let (found, took) = client.get("search", &[("q", query)])?;
        hits += found["hits"].as_array().map_or(0, Vec::len);
        searches.add(took);
        if !kinds.iter().any(|(k, _)| k == kind) {
            kinds.push((kind, Times::default()));
        }
        if let Some((_, times)) = kinds.iter_mut().find(|(k, _)| k == kind) {
            times.add(took);
        }
    }
    rows.extend(kinds.iter().map(|(kind, times)| Row::new("search", &format!("search: {kind}"), times)));
    Ok(Asked { rows, searches, others, hits })
}

/// The night's findings, which are one batch.
fn nights(client: &Client) -> anyhow::Result<Option<Row>> {
    let (inbox, _) = client.get("inbox", &[])?;
    let night = inbox["batches"].as_array().into_iter().flatten().find(|b| b["call"].is_null());
    let Some(night) = night else { return Ok(None) };
    let mut times = Times::default();
    for _ in 0..20 {
        times.add(client.get("batch", &[("batch", text(night, "batch")?)])?.1);
    }
    Ok(Some(Row::new("review", "request: a night's proposals", &times)))
}

fn text<'a>(of: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    of[name].as_str().with_context(|| format!("an answer has no {name}"))
}

//! RSS 2.0 and Atom (RFC 4287): one event an item.

use quick_xml::{
    Reader,
    escape::resolve_html5_entity,
    events::{BytesRef, Event},
};

use super::{Imported, Origin, guess_kind, instant, row::not_ahead, utf8};
use crate::event::{AccountHint, Raw, SignalEvent, SignalKind};

/// Longest text of one element that is kept while reading, in bytes.
const MOST_TEXT: usize = 64 << 10;
/// Deepest nesting that is followed.
const MOST_DEPTH: usize = 64;

/// What a feed is subscribed for.
#[derive(Clone, Copy, Debug)]
pub enum FeedAbout<'a> {
    /// All of it is about one account: its own newsroom.
    Account(&'a AccountHint),
    /// Items count that name one of these accounts in title or text, as whole words: a trade paper.
    Watch(&'a [(String, AccountHint)]),
}

#[derive(Default)]
struct Item {
    line: u64,
    title: String,
    text: String,
    long_text: String,
    link: String,
    published: String,
    updated: String,
}

/// Reads a feed. `kind` says what its items are; nothing: it is guessed from words, *news* where they say nothing.
/// Items without a date count as of their arrival. A broken end loses the items after the break.
#[must_use]
pub fn feed(bytes: &[u8], about: FeedAbout<'_>, kind: Option<SignalKind>, origin: Origin<'_>) -> Imported {
    let mut out = Imported::default();
    let text = match utf8(bytes) {
        Ok(text) => text,
        Err(problem) => {
            out.problems.push(problem);
            return out;
        }
    };
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    let mut lines = Lines { text, byte: 0, line: 1 };
    let mut path: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut item: Option<(usize, Item)> = None;
    let mut is_feed = false;
    loop {
        let at = reader.buffer_position();
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(e) => {
                let line = lines.at(reader.error_position());
                out.problem(line, format!("the feed breaks off here ({e}): what follows was not read"));
                break;
            }
        };
        match event {
            Event::Eof => break,
            Event::Start(tag) => {
                depth += 1;
                // Other vocabularies have titles and texts of their own: `media:title` is none of the item's.
                let full = tag.name();
                let ours = full.prefix().is_none_or(|p| ["content", "dc", "atom", "rdf"].contains(&p.as_ref()));
                let name = if ours { full.local_name().into_inner() } else { full.into_inner() }.to_ascii_lowercase();
                is_feed |= matches!(name.as_str(), "rss" | "feed" | "rdf");
                if item.is_none() && matches!(name.as_str(), "item" | "entry") {
                    item = Some((depth, Item { line: lines.at(at), ..Item::default() }));
                }
                if name == "link"
                    && let Some((_, item)) = &mut item
                {
                    let value = |key| tag.try_get_attribute(key).ok().flatten();
                    let rel = value("rel").is_none_or(|a| a.value.as_ref() == "alternate");
                    if let Some(href) = value("href").filter(|_| rel)
                        && item.link.is_empty()
                    {
                        item.link = unescaped(&href.value);
                    }
                }
                if depth <= MOST_DEPTH {
                    path.push(name);
                }
            }
            Event::End(_) => {
                if let Some((_, done)) = item.take_if(|(at, _)| *at == depth) {
                    let line = done.line;
                    match done.event(about, kind, origin) {
                        None => out.not_ours += 1,
                        Some(event) => {
                            if !out.take(line, event) {
                                break;
                            }
                        }
                    }
                }
                if depth <= MOST_DEPTH {
                    path.pop();
                }
                depth = depth.saturating_sub(1);
            }
            Event::Text(text) => add(&mut item, &path, depth, &text),
            Event::CData(text) => add(&mut item, &path, depth, &text),
            Event::GeneralRef(entity) => add(&mut item, &path, depth, &resolved(&entity)),
            _ => {}
        }
    }
    if let Some((_, open)) = item {
        out.problem(open.line, "this item is not closed: the feed was cut off; fetch it again");
    }
    if !is_feed && out.problems.is_empty() {
        out.problem(1, "this is neither RSS nor Atom: give the address of the feed, not of the page");
    }
    out
}

/// Puts text where it belongs: only into elements right below the item, and into what Atom nests as XHTML.
fn add(item: &mut Option<(usize, Item)>, path: &[String], depth: usize, text: &str) {
    let Some((at, item)) = item else { return };
    let Some(name) = path.get(*at) else { return };
    let slot = match name.as_str() {
        "title" => &mut item.title,
        "description" | "summary" => &mut item.text,
        "content" | "encoded" => &mut item.long_text,
        "link" if depth == *at + 1 => &mut item.link,
        "pubdate" | "published" | "date" => &mut item.published,
        "updated" => &mut item.updated,
        _ => return,
    };
    if slot.len() + text.len() <= MOST_TEXT {
        slot.push_str(text);
    }
}

impl Item {
    /// Nothing: it names no watched account.
    fn event(
        self,
        about: FeedAbout<'_>,
        kind: Option<SignalKind>,
        origin: Origin<'_>,
    ) -> Option<Result<SignalEvent, String>> {
        let title = plain_text(&self.title);
        let passage = if self.text.trim().is_empty() { &self.long_text } else { &self.text };
        let excerpt = plain_text(passage);
        let account = match about {
            FeedAbout::Account(hint) => hint.clone(),
            FeedAbout::Watch(names) => {
                let text = format!("{title}\n{excerpt}");
                names.iter().find(|(name, _)| named(&text, name))?.1.clone()
            }
        };
        let date = [&self.published, &self.updated].into_iter().find(|d| !d.trim().is_empty());
        let at = match date {
            None => Ok(origin.received_unix_ms),
            Some(date) => instant(date).ok_or_else(|| {
                let shown: String = date.trim().chars().take(40).collect();
                format!("`{shown}` is no date of RFC 2822 or RFC 3339: this item was left out")
            }),
        };
        let link = self.link.trim();
        Some(at.and_then(|at_unix_ms| {
            not_ahead(at_unix_ms, origin)?;
            let raw = Raw {
                kind: kind.unwrap_or_else(|| guess_kind(&title, &excerpt).kind),
                account,
                person: None,
                at_unix_ms,
                // An item's link may be relative to the site or no address at all; the item counts without it.
                url: (link.starts_with("https://") || link.starts_with("http://")).then(|| link.to_owned()),
                title,
                excerpt,
                source: origin.source.to_owned(),
                amount: None,
            };
            SignalEvent::new(raw).map_err(|e| e.to_string())
        }))
    }
}

/// Whether a name stands in a text as whole words, whatever the case.
fn named(text: &str, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    if name.chars().count() < 3 {
        return false;
    }
    let text = text.to_lowercase();
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(&name)
        .any(|(at, s)| !letter(text[..at].chars().next_back()) && !letter(text[at + s.len()..].chars().next()))
}

/// Text without tags and with its entities resolved: descriptions of RSS are HTML inside XML.
fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match tag.find('>').filter(|_| is_tag) {
            Some(end) => {
                out.push(' ');
                rest = &tag[end + 1..];
            }
            None => {
                out.push('<');
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    unescaped(&out)
}

/// Entities resolved; what is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // The longest name of an HTML entity has 31 letters.
        let end = rest.bytes().take(33).position(|b| b == b';');
        let name = end.and_then(|end| rest.get(..end)).filter(|n| !n.is_empty() && !n.contains(char::is_whitespace));
        match name {
            Some(name) => {
                out.push_str(&resolved(&BytesRef::new(name)));
                rest = &rest[name.len() + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn resolved(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    resolve_html5_entity(entity).map_or_else(|| format!("&{};", &**entity), str::to_owned)
}

/// Line numbers of growing byte positions, counting every byte once.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    fn at(&mut self, byte: u64) -> u64 {
        let to = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        if to > self.byte {
            self.line += self.text.as_bytes()[self.byte..to].iter().filter(|b| **b == b'\n').count() as u64;
            self.byte = to;
        }
        self.line
    }
}

//! How a call looks in a terminal: partial words replaced in place, finished lines kept, cards framed.

use std::io::{IsTerminal, Write};

use reframe_call::time::MediaTime;

/// A card as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardView<'a> {
    /// Class.
    pub label: &'a str,
    /// Heading.
    pub title: &'a str,
    /// Lines to say.
    pub say: &'a [String],
    /// Proof and its source.
    pub proof: Option<(&'a str, &'a str)>,
    /// Question to ask.
    pub ask: Option<&'a str>,
    /// Why it is here.
    pub why: &'a str,
    /// When it came, relative to the phrase.
    pub when: String,
}

/// Writes to a terminal, or plain lines to a file or pipe.
pub struct View<W> {
    out: W,
    /// Colours, and lines replaced in place.
    fancy: bool,
    width: usize,
    partial_shown: bool,
}

impl View<std::io::Stdout> {
    /// For standard output.
    pub fn stdout() -> Self {
        let out = std::io::stdout();
        let fancy = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(100);
        Self::new(out, fancy, width)
    }
}

impl<W: Write> View<W> {
    /// For `out`; `width` in characters.
    pub fn new(out: W, fancy: bool, width: usize) -> Self {
        Self { out, fancy, width: width.max(40), partial_shown: false }
    }

    fn style(&self, code: &'static str, text: &str) -> String {
        if self.fancy { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Words in progress: replaces the former ones. Nothing where lines cannot be replaced.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn partial(&mut self, speaker: &str, committed: &str, tail: &str) -> std::io::Result<()> {
        if !self.fancy {
            return Ok(());
        }
        let room = self.width.saturating_sub(speaker.chars().count() + 14);
        let text = format!("{committed} {tail}");
        let text = text.trim();
        let skip = text.chars().count().saturating_sub(room);
        let shown: String = text.chars().skip(skip).collect();
        write!(self.out, "\r\x1b[2K           {} {}", self.style("2", speaker), self.style("2;3", &shown))?;
        self.partial_shown = true;
        self.out.flush()
    }

    fn clear_partial(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.partial_shown) {
            write!(self.out, "\r\x1b[2K")?;
        }
        Ok(())
    }

    /// A finished line.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn final_line(&mut self, start: MediaTime, speaker: &str, is_buyer: bool, text: &str) -> std::io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.clear_partial()?;
        let at = self.style("2", &start.to_string()[..9.min(start.to_string().len())]);
        let who = self.style(if is_buyer { "1;36" } else { "1" }, speaker);
        let indent = 11 + speaker.chars().count() + 1;
        let lines = wrap(text, self.width.saturating_sub(indent).max(20));
        for (i, line) in lines.iter().enumerate() {
            if i == 0 {
                writeln!(self.out, "{at}  {who} {line}")?;
            } else {
                writeln!(self.out, "{}{line}", " ".repeat(indent))?;
            }
        }
        self.out.flush()
    }

    /// A card.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn card(&mut self, card: &CardView<'_>) -> std::io::Result<()> {
        self.clear_partial()?;
        let bar = self.style("33", "  ┃");
        let head = format!("{}  {}", self.style("1;30;43", &format!(" {} ", card.label)), self.style("1", card.title));
        writeln!(self.out, "{bar} {head}   {}", self.style("33", &card.when))?;
        let room = self.width.saturating_sub(8);
        for line in card.say.iter().flat_map(|l| wrap(l, room)) {
            writeln!(self.out, "{bar}   {}", self.style("1", &line))?;
        }
        if let Some((text, source)) = card.proof {
            for line in wrap(&format!("{text} ({source})"), room) {
                writeln!(self.out, "{bar}   {line}")?;
            }
        }
        if let Some(ask) = card.ask {
            for line in wrap(&format!("Ask: {ask}"), room) {
                writeln!(self.out, "{bar}   {}", self.style("36", &line))?;
            }
        }
        writeln!(self.out, "{bar}   {}", self.style("2", &format!("why: {}", card.why)))?;
        self.out.flush()
    }

    /// Anything else, on a line of its own.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn line(&mut self, text: &str) -> std::io::Result<()> {
        self.clear_partial()?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }
}

/// Breaks at blanks so that no line is longer than `width`, unless one word is.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("starts with one line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_output_has_no_escapes_and_no_partials() {
        let mut out = Vec::new();
        let mut view = View::new(&mut out, false, 60);
        view.partial("Dana", "so", "what").unwrap();
        view.final_line(MediaTime::from_ms(61_250), "Dana", false, "so what is on your mind").unwrap();
        let say = ["One.".to_owned()];
        view.card(&CardView {
            label: "price",
            title: "Price",
            say: &say,
            when: "300 ms".into(),
            ..CardView::default()
        })
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.starts_with("01:01.250  Dana so what is on your mind\n"), "{text}");
    }

    #[test]
    fn wraps_at_blanks() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa", 3), ["aaaaaaa"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn a_partial_is_replaced_in_place() {
        let mut out = Vec::new();
        let mut view = View::new(&mut out, true, 60);
        view.partial("Dana", "so", "what").unwrap();
        view.line("x").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("\r\x1b[2Kx\n"), "{text:?}");
    }
}

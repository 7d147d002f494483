//! The page people read: derived from the file, never edited.

use reframe_call::date::Date;

use super::{Icp, Predicate};

/// The profile as Markdown, with the warning on top if it is stale today.
#[must_use]
pub fn markdown(icp: &Icp, today: Date) -> String {
    let mut out = format!("# {} (version {})\n\n", flat(&icp.name), icp.version);
    if let Some(warning) = icp.warning(today) {
        out.push_str(&format!("> **Warning:** {}.\n\n", flat(&warning)));
    }
    out.push_str(&format!("In force since {}, to be looked at by {}.\n\n", icp.valid_from, icp.refresh_by));
    let total: u32 = icp.fit.iter().map(|r| r.weight).sum();
    out.push_str("## Fits if\n\n| rule | counts | when |\n|---|---|---|\n");
    for rule in &icp.fit {
        out.push_str(&format!("| {} | {} of {total} | {} |\n", flat(&rule.id), rule.weight, flat(&words(&rule.when))));
    }
    if !icp.intent.is_empty() {
        out.push_str("\n## Shows interest by\n\n| signal | points | half-life |\n|---|---|---|\n");
        for rule in &icp.intent {
            out.push_str(&format!("| {} | {} | {} days |\n", rule.kind.words(), rule.points, rule.half_life_days));
        }
    }
    if !icp.exclusion.is_empty() {
        out.push_str("\n## Is left out, whatever else, if\n\n| rule | when | because |\n|---|---|---|\n");
        for rule in &icp.exclusion {
            let (when, reason) = (flat(&words(&rule.when)), flat(&rule.reason));
            out.push_str(&format!("| {} | {when} | {reason} |\n", flat(&rule.id)));
        }
    }
    out
}

/// A text that cannot break a table or start markup.
fn flat(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

/// A condition in words.
pub(super) fn words(p: &Predicate) -> String {
    let name = |field: &dyn std::fmt::Debug| {
        let mut out = String::new();
        for c in format!("{field:?}").chars() {
            if c.is_uppercase() && !out.is_empty() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        out
    };
    let list = |of: &[Predicate], with: &str| {
        let parts: Vec<String> = of.iter().map(words).collect();
        if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(with)) }
    };
    match p {
        Predicate::OneOf { field, values } => format!("{} is {}", name(field), values.join(" or ")),
        Predicate::Between { field, least: Some(a), most: Some(b) } => format!("{} from {a} to {b}", name(field)),
        Predicate::Between { field, least: Some(a), .. } => format!("{} at least {a}", name(field)),
        Predicate::Between { field, most: Some(b), .. } => format!("{} at most {b}", name(field)),
        Predicate::Between { field, .. } => format!("{} whatever", name(field)),
        Predicate::HasAny { field, values } => format!("{} has {}", name(field), values.join(" or ")),
        Predicate::All { of } => list(of, " and "),
        Predicate::Any { of } => list(of, " or "),
        Predicate::Not { of } => format!("not {}", words(of)),
    }
}

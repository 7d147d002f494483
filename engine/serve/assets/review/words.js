// How things are called and written on the page. No DOM.

import { clock } from "/assets/elements.js";

/// Below this a claim is marked: more often wrong than the reader should take on trust.
export const LOW_CONFIDENCE = 0.6;
/// A follow-up is to be read at a glance: fewer words than this.
export const MAIL_WORDS = 120;

const KINDS = {
  create_note: "Note",
  create_task: "Task",
  update_field: "Field",
  create_draft: "Mail draft",
  send_mail: "Mail, sent at once",
};

export function kind(action) {
  return KINDS[action.do] ?? action.do;
}

/// “close_date” as “Close date”.
export function fieldName(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/// A value of a field: days as days, anything else as it is.
export function value(text) {
  if (text === null) return "empty";
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? day(text) : text;
}

/// “2026-12-02” as “Wed, 2 Dec 2026”; what is no day, as it is.
export function day(date, withYear = true) {
  const at = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) return date;
  const year = withYear ? { year: "numeric" } : {};
  return at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", ...year, timeZone: "UTC" });
}

/// A moment, in the reader's own zone.
export function moment(unixMs) {
  return new Date(unixMs).toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function time(ms) {
  return clock(Math.floor(ms / 1000) * 1000, 0);
}

export function record(ref) {
  return `${ref.kind.replaceAll("_", " ")} ${ref.id}`;
}

/// What an action is about: a record, or whom it goes to.
export function about(action) {
  const ref = action.about ?? action.record;
  return ref ? record(ref) : `to ${action.mail.to.join(", ")}`;
}

/// One line for lists, results and screen readers.
export function title(item) {
  const { action } = item.proposal;
  switch (action.do) {
    case "create_note":
      return record(action.about);
    case "create_task":
      return action.subject;
    case "update_field":
      return `${fieldName(action.field)}: ${value(action.before)} → ${value(action.after)}`;
    default:
      return `“${action.mail.subject}”`;
  }
}

/// What it is and which.
export function name(item) {
  return `${kind(item.proposal.action)}: ${title(item)}`;
}

export function wordCount(text) {
  return text.split(/\s+/).filter((word) => word !== "").length;
}

export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

export function percent(confidence) {
  return `${Math.round(confidence * 100)} %`;
}

/// How a proposal stands, and how far its write has come: { kind, text, receipt }.
export function standing(item, sent) {
  switch (item.standing) {
    case "open":
      return { kind: "open", text: "", receipt: null };
    case "approved": {
      const by = `Approved by ${item.by}`;
      if (sent?.state === "sending") return { kind: "wait", text: `${by} · being written`, receipt: null };
      return { kind: "wait", text: sent?.note ? `${by} · waits: ${sent.note}` : `${by} · on its way`, receipt: null };
    }
    case "done":
      return { kind: "good", text: sent?.by ? `Done, approved by ${sent.by}:` : "Done:", receipt: item.receipt };
    case "rejected":
      return { kind: "over", text: `Rejected by ${item.by}: ${item.reason}`, receipt: null };
    case "failed":
      return { kind: "bad", text: `Not done. ${item.proposal.system} refused it: ${item.reason}. Edit it, then approve it again.`, receipt: null };
    case "void":
      return { kind: "bad", text: `Not done: ${item.says.replace(/^void: /, "")}. ${item.may_be_approved ? "Look again, then decide again." : "It will be proposed anew on what is there now."}`, receipt: null };
    default:
      return { kind: "over", text: item.says, receipt: null };
  }
}

/// How long a decision took, if both ends are known.
export function took(item) {
  if (item.shown_unix_ms === null || item.decided_unix_ms === null) return "";
  const s = Math.max(0, Math.round((item.decided_unix_ms - item.shown_unix_ms) / 1000));
  return s < 120 ? `decided in ${s} s` : `decided in ${Math.round(s / 60)} min`;
}

/// An address that may be followed, or nothing: a system could say anything.
export function safeLink(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

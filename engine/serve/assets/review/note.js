// The call as it reads in 30 seconds: headline, what comes next, who owes what by when, risk; the rest folded.

import { el } from "/assets/elements.js";
import { cites, doubt, line } from "./cite.js";
import { day, fieldName } from "./words.js";

const HANDLING = { handled: "answered and taken", answered: "answered, not settled", open: "left open" };

/// The parts of a note; `open(evidence, button)` shows words.
export function noteParts(proposal, open) {
  const { note, commitments, risk, caveats } = proposal;
  // What is due first comes first; what has no day, last.
  const byDay = commitments.toSorted((a, b) => (a.due ?? "9999").localeCompare(b.due ?? "9999"));
  const owed = (side) => byDay.filter((each) => each.owner.side === side);
  const others = byDay.filter((each) => !["rep", "buyer"].includes(each.owner.side));
  return [
    note.headline ? el("p", { className: "headline" }, line(note.headline, open)) : null,
    list("Next", note.next_steps.map((each) => el("li", {}, line(each, open))), "No next step was set."),
    list("We owe", owed("rep").map((each) => commitment(each, open))),
    list("They owe", owed("buyer").map((each) => commitment(each, open))),
    list("Somebody owes", others.map((each) => commitment(each, open))),
    risk ? riskLine(risk, open) : null,
    ...caveats.map((each) => el("p", { className: "caveat" }, each)),
    rest(proposal, open),
  ].filter((part) => part !== null);
}

function list(name, rows, none = null) {
  if (rows.length === 0 && none === null) return null;
  const body = rows.length > 0 ? el("ul", {}, ...rows) : el("p", { className: "about" }, none);
  return el("section", { className: "part" }, el("h3", { className: "label" }, name), body);
}

function commitment({ what, owner, due, due_words: said, unsure }, open) {
  const title = said ? `said: “${said}”` : "";
  const when = el("span", { className: due ? "due" : "due none", title }, due ? day(due, false) : said ? `“${said}”, no day` : "no date");
  const name = owner.name ? el("span", { className: "owner" }, owner.name) : null;
  return el("li", { className: "owed" }, when, el("span", { className: "claim" }, what.text, name ? " · " : "", name, " ", doubt(what.confidence, unsure), " ", cites(what.evidence, open)));
}

function riskLine(risk, open) {
  const dots = el("span", { className: "dots", "aria-hidden": "true" }, ...[1, 2, 3, 4, 5].map((n) => el("span", { className: n <= risk.level ? "on" : "" })));
  return el("section", { className: "part", "data-risk": String(risk.level) }, el("h3", { className: "label" }, "Risk"), el("p", {}, dots, el("strong", { className: "level" }, `${risk.level} of 5`), " ", line(risk.because, open)));
}

function rest({ note, summary, objections, absent }, open) {
  const rows = (claims) => claims.map((each) => el("li", {}, line(each, open)));
  const parts = [
    summary.length > 0 ? el("section", { className: "part" }, el("h3", { className: "label" }, "Summary"), el("p", {}, ...summary.flatMap((each) => [line(each, open), " "]))) : null,
    list("Decided", rows(note.decisions)),
    list("Topics", rows(note.topics)),
    list("Objections", objections.map((each) => objection(each, open))),
    list("Spoken of, not there", rows(absent)),
    list("For the CRM", note.fields.map(([field, claim]) => el("li", {}, line(claim, open, el("strong", {}, `${fieldName(field)}: `))))),
  ].filter((part) => part !== null);
  if (parts.length === 0) return null;
  return el("details", { className: "rest" }, el("summary", {}, "The rest: summary, decisions, topics, objections, people"), ...parts);
}

function objection({ label, raised, handling, answer }, open) {
  const how = el("span", { className: handling === "handled" ? "mark" : "mark warn" }, HANDLING[handling] ?? handling);
  return el("li", {}, el("strong", {}, `${fieldName(label)}: `), line(raised, open), " ", how, answer ? el("div", { className: "answer" }, line(answer, open)) : null);
}

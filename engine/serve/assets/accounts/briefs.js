// The meetings ahead, and a brief to be read in half a minute: what comes, what was promised, who is there, what is missing.
// Every line has what it rests on; words of a call open its transcript at that moment.

import { el } from "/assets/elements.js";
import { line } from "/assets/review/cite.js";
import { day, percent, safeLink } from "/assets/review/words.js";
import { count, moment, span, words } from "./format.js";

/// Objections and questions in sight; the rest is one click away.
const SHOWN = 3;
const SIDES = { rep: "ours", buyer: "theirs", unknown: "side not known", absent: "only spoken of" };

export function briefsParts({ zone, now_unix_ms: now, calendar, meetings, more }) {
  const none = calendar ? "No meeting ahead is in the calendar." : "No calendar is read: put the team's .ics files into the folder that workflow.prep.calendar names.";
  return [
    el("h2", { tabIndex: -1 }, "Meetings and briefs"),
    el("p", { className: "about" }, meetings.length === 0 ? none : `${count(meetings.length + more, "meeting")} ahead · times in ${zone}`),
    el("ol", { className: "meetings" }, ...meetings.map((meeting) => el("li", {}, row(meeting, now, zone)))),
    more > 0 ? el("p", { className: "about" }, `${more} later ones are not shown`) : null,
  ].filter((part) => part !== null);
}

function row(meeting, now, zone) {
  const ready = meeting.made_unix_ms !== null;
  const about = [count(meeting.invited, "person", "people"), deal(meeting), ready ? (meeting.first === null ? "no objection expected" : `expect: ${meeting.first}`) : `brief at ${moment(meeting.due_unix_ms, zone)}`];
  return el(
    "a",
    { className: "meeting", href: `#view=brief&id=${encodeURIComponent(meeting.id)}` },
    el("span", { className: "meeting-when when" }, moment(meeting.start_unix_ms, zone), el("span", { className: "about" }, until(meeting, now))),
    el("span", { className: "meeting-what" }, el("strong", {}, meeting.title || "(no title)"), el("span", { className: "about" }, about.join(" · "))),
    el("span", { className: ready ? "mark" : "mark warn" }, ready ? "brief ready" : "not yet"),
  );
}

/// “deal 42” of “local:deal/42”.
function deal(meeting) {
  return meeting.deal === null ? "no deal known" : `deal ${meeting.deal.split("/").slice(1).join("/")}`;
}

function until(meeting, now) {
  const wait = meeting.start_unix_ms - now;
  return wait <= 0 ? "has begun" : `in ${span(wait)}`;
}

/// `open(evidence, button)` shows the words of a call.
export function briefParts(page, open) {
  const { meeting, zone } = page;
  const join = safeLink(page.url ?? "");
  const length = meeting.end_unix_ms > meeting.start_unix_ms ? ` · ${span(meeting.end_unix_ms - meeting.start_unix_ms)}` : "";
  const made = page.kept ? `Brief of ${moment(page.made_unix_ms, zone)}` : `Made now to look at; the one the call is told of comes at ${moment(meeting.due_unix_ms, zone)}`;
  return [
    el("h2", { tabIndex: -1 }, meeting.title || "(no title)"),
    el("p", { className: "about" }, `${moment(meeting.start_unix_ms, zone)}${length} · ${deal(meeting)} · ${made}`),
    join === null ? null : el("p", {}, el("a", { className: "join", href: join, rel: "noreferrer noopener", target: "_blank" }, "Join")),
    ...expected(page.objections, open),
    ...section("They said both", "contradictions", page.contradictions.map((claim) => line(claim, open))),
    ...section("Promises", "promises", page.promises.map((promise) => promised(promise, open))),
    ...section("Who", "who", [...page.people.map((claim) => line(claim, open)), ...page.heard.map((each) => heard(each, open))]),
    ...section("Ask", "ask", page.questions.map((claim) => line(claim, open))),
    ...section("Cards ready for the call", "plays", page.plays.map(armed)),
    ...section("Missing", "missing", page.missing.map(({ what, fill }) => el("span", {}, el("strong", {}, words(what)), `: ${fill}`))),
    el("details", { className: "panel" }, el("summary", {}, `The whole brief, ${count(page.words, "word")}`), ...page.parts.map(([name, claims]) => part(name, claims, open))),
  ].filter((each) => each !== null);
}

/// A list with the first few in sight; nothing, if it is empty.
function section(title, kind, nodes) {
  if (nodes.length === 0) return [];
  const rows = (some) => some.map((node) => el("li", {}, node));
  const rest = nodes.slice(kind === "ask" ? SHOWN : nodes.length);
  return [
    el(
      "section",
      { className: "brief-part", "data-part": kind, "aria-label": title },
      el("h3", {}, title),
      el("ul", {}, ...rows(nodes.slice(0, nodes.length - rest.length))),
      rest.length === 0 ? null : el("details", {}, el("summary", {}, `${rest.length} more`), el("ul", {}, ...rows(rest))),
    ),
  ];
}

function expected(objections, open) {
  if (objections.length === 0) return [el("section", { className: "brief-part", "aria-label": "Expect" }, el("h3", {}, "Expect"), el("p", { className: "about" }, "No objection is likely by what is known."))];
  const cards = (some) => el("ol", { className: "expected" }, ...some.map((each) => objection(each, open)));
  const rest = objections.slice(SHOWN);
  return [
    el(
      "section",
      { className: "brief-part", "aria-label": "Expect" },
      el("h3", {}, "Expect"),
      cards(objections.slice(0, SHOWN)),
      rest.length === 0 ? null : el("details", {}, el("summary", {}, `${rest.length} more`), cards(rest)),
    ),
  ];
}

function objection({ label, likelihood, because, card }, open) {
  const answer =
    card === null
      ? el("p", { className: "wrong" }, "No card answers it.")
      : el("div", { className: "answer" }, ...card.say.map((say) => el("p", { className: "say" }, say)), card.ask === null ? null : el("p", {}, el("span", { className: "about" }, "Ask: "), card.ask), el("p", { className: "about" }, `Card: ${card.title}`));
  // The sentence begins with the class and its likelihood, which stand above it.
  const why = { ...because, text: because.text.replace(/^[^:]*: /, ""), confidence: 1 };
  const likely = el("span", { className: "mark", title: "For the order; it is not calibrated" }, percent(likelihood));
  return el("li", { className: "objection" }, el("h4", {}, words(label), " ", likely), answer, el("p", { className: "because" }, line(why, open)));
}

function promised({ what, who, due, state }, open) {
  const mark = el("span", { className: state === "late" ? "mark warn" : "mark" }, due === null ? state : `${state}, due ${day(due, false)}`);
  return line(what, open, mark, " ", el("span", { className: "owner" }, `${who}: `));
}

function heard({ name, side, calls, shown }, open) {
  return line({ ...shown, text: `${name}, ${SIDES[side] ?? side}, ${count(calls, "call")}` }, open);
}

function armed({ play, title }) {
  return title === null ? el("span", { className: "wrong" }, `${play} is not in the playbook any more`) : el("span", { title: play }, title);
}

function part(name, claims, open) {
  return el("section", { "aria-label": name }, el("h4", {}, words(name)), claims.length === 0 ? el("p", { className: "about" }, "Nothing found.") : el("ul", { className: "lines-of" }, ...claims.map((claim) => el("li", {}, line(claim, open)))));
}

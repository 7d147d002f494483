// How a call was led, for the seller first: what was counted, the score of each criterion with the words for it, trends.

import { el } from "/assets/elements.js";
import { cites } from "./cite.js";
import { count, day, percent, time } from "./words.js";

/// Quotations shown in full for each criterion; the others are links.
const QUOTED = 2;

/// The parts for somebody who has not said who they are; `ask()` asks them.
export function nobodyYet(ask) {
  const button = el("button", { type: "button", className: "act" }, "Say who you are");
  button.addEventListener("click", ask);
  return [head("How the call was led", null), el("p", { className: "about" }, "The seller of this call sees it first."), el("div", { className: "row" }, button)];
}

/// The parts of what the server gave; `open(evidence, button)` shows words, `release()` opens it to the manager.
export function debriefParts(view, open, release) {
  if (view.state === "closed") return [head("How the call was led", null), el("p", { className: "about" }, `${view.says}.`)];
  const { debrief } = view;
  return [head(view.own ? "How you led the call" : "How the call was led", debrief.mean), facts(debrief.measures, view.own, open), criteria(view, open), who(view, release)];
}

function head(title, mean) {
  const score = mean === null ? null : el("span", { className: "mean" }, el("strong", {}, mean.toFixed(1)), " of 5");
  return el("div", { className: "debrief-head" }, el("h3", {}, title), score);
}

function facts(m, own, open) {
  const rows = [
    [own ? "You spoke" : "Seller spoke", m.rep_talk_share === null ? "nobody was heard" : percent(m.rep_talk_share), []],
    ["Longest monologue", time(m.longest_monologue_ms), m.longest_monologue ? [m.longest_monologue] : []],
    ["Questions", m.questions.length === 0 ? "none" : m.first_pitch ? `${m.questions.length}, ${m.questions_before_pitch} before the pitch` : String(m.questions.length), []],
    ["Next step", m.next_step_day ? day(m.next_step_day[0], false) : "none with a day", m.next_step_day ? m.next_step_day[1].evidence : []],
    ["Decision criteria", m.criteria.length === 0 ? "none named" : `${m.criteria.length} named`, m.criteria],
  ];
  return el("dl", { className: "measures" }, ...rows.map(([name, text, evidence]) => el("div", {}, el("dt", {}, name), el("dd", {}, text, evidence.length > 0 ? " " : "", evidence.length > 0 ? cites(evidence, open) : ""))));
}

function criteria({ debrief, trends, calls }, open) {
  const { scores, not_judged: unjudged } = debrief;
  const trend = new Map(trends.map((each) => [each.criterion, each]));
  const summary = `${count(scores.length, "criterion", "criteria")} judged${unjudged.length > 0 ? `, ${unjudged.length} not` : ""}: scores, words${calls > 1 ? `, trend over ${calls} calls` : ""}`;
  return el(
    "details",
    { className: "rest" },
    el("summary", {}, summary),
    el("ol", { className: "criteria" }, ...scores.map((each) => criterion(each, trend.get(each.criterion), open))),
    unjudged.length === 0 ? null : el("ul", { className: "unjudged" }, ...unjudged.map((each) => el("li", {}, el("strong", {}, named(each.criterion)), `: not judged, ${each.why}`))),
  );
}

function criterion({ title, weight, score, passed, anchor, because }, trend, open) {
  const dots = el("span", { className: "dots", "aria-hidden": "true" }, ...[1, 2, 3, 4, 5].map((n) => el("span", { className: n <= score ? "on" : "" })));
  const result = passed === null ? [dots, el("strong", {}, `${score} of 5`)] : [el("strong", { className: passed ? "pass" : "fail" }, passed ? "yes" : "no")];
  const words = because.evidence.filter((each) => each.kind === "words" && each.quote !== "");
  const said = words.slice(0, QUOTED).map((each) => el("li", {}, `“${each.quote}” `, cites([each], open)));
  const others = because.evidence.filter((each) => !words.slice(0, QUOTED).includes(each));
  return el(
    "li",
    { className: "criterion" },
    el("div", { className: "criterion-head" }, el("h4", {}, title), el("span", { className: "about" }, `weight ${percent(weight)}`), el("span", { className: "result" }, ...result)),
    el("p", { className: "anchor" }, anchor),
    el("p", { className: "about" }, because.text, others.length > 0 ? " " : "", others.length > 0 ? cites(others, open) : ""),
    said.length > 0 ? el("ul", { className: "said" }, ...said) : null,
    trend && trend.n > 1 ? el("p", { className: "about trend" }, trendText(trend)) : null,
  );
}

function trendText({ n, mean, slope, says }) {
  const step = slope === null ? "" : `, ${slope.per_call >= 0 ? "+" : "−"}${Math.abs(slope.per_call).toFixed(2)} a call`;
  return `Trend: ${says}${step}; mean ${mean.toFixed(1)} over ${count(n, "call")}.`;
}

function who(view, release) {
  const opened = view.released_unix_ms !== null;
  const text = opened ? `Open to the manager since ${on(view.released_unix_ms)}.` : `${view.own ? "Only you see this. " : ""}It opens to the manager by itself on ${on(view.opens_unix_ms)}.`;
  const line = el("p", { className: "about" }, text);
  if (!view.own || opened) return line;
  const button = el("button", { type: "button", className: "act" }, "Show my manager now");
  button.addEventListener("click", release);
  return el("div", { className: "release" }, line, button);
}

/// The day of a moment, with its year: half a year on is another one.
function on(unixMs) {
  return day(new Date(unixMs).toISOString().slice(0, 10));
}

function named(id) {
  const words = id.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

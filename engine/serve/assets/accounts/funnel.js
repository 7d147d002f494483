// Drop-off between two stages: counts, rates with intervals, times, cohorts.

import { el } from "/assets/elements.js";
import { count, moment, percent, point, rate, span } from "./format.js";

const STAGES = ["signal", "outreach", "call_prep", "live_call", "post_call", "hygiene"];
const POINTS = STAGES.flatMap((stage) => [stage, `${stage}.done`]);
const LOST = { won: "won without it", lost: "lost", stopped: "stopped", passed_by: "passed by", lapsed: "lapsed" };

/// `asked` is what the form shows; `ask({ from, to, by })` is told when another funnel is wanted.
export function funnelParts(page, asked, ask) {
  return [
    el("h2", { tabIndex: -1 }, "Funnel"),
    el("p", { className: "about" }, `As of ${moment(page.now_unix_ms, page.zone)}, times in ${page.zone}. Open cases are kept apart; intervals hold 95 %.`),
    form(asked, ask),
    page.asked ? step(page.asked, page.zone, true) : null,
    el("h3", {}, "Stage by stage"),
    ...page.steps.map((each) => step(each, page.zone, false)),
  ].filter((part) => part !== null);
}

function form(asked, ask) {
  const pick = (name, label, options, chosen) => {
    const select = el("select", { name }, ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
    return el("label", { className: "field" }, el("span", { className: "label" }, label), select);
  };
  const points = POINTS.map((each) => [each, point(each)]);
  const node = el(
    "form",
    { className: "ask" },
    pick("from", "From", points, asked.from),
    pick("to", "To", points, asked.to),
    pick("by", "Cohorts by", [["week", "week"], ["month", "month"]], asked.by),
    el("button", { type: "submit", className: "act first" }, "Show"),
  );
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(Object.fromEntries(new FormData(node)));
  });
  return node;
}

function step({ from, to, all, decided, so_far: soFar, dropped_by: droppedBy, wait, cohorts, waiting }, zone, whole) {
  const name = `${point(from)} → ${point(to)}`;
  const dropped = Object.entries(droppedBy).map(([how, n]) => `${n} ${LOST[how] ?? how}`).join(", ");
  const facts = [
    ["Of those decided", rate(decided)],
    ["Of all so far", rate(soFar)],
    ["Dropped", dropped || "none"],
    ["Half are there in", wait.median_ms === null ? "fewer than half got there" : `${span(wait.median_ms)} (${span(wait.median_low_ms)} to ${wait.median_high_ms === null ? "not known yet" : span(wait.median_high_ms)})`],
  ];
  return el(
    "section",
    { className: "panel", "aria-label": name },
    el(whole ? "h3" : "h4", {}, name),
    el("p", {}, `${all.entered} entered = ${all.advanced} advanced + ${all.dropped} dropped + ${all.open} open`),
    bar(all),
    el("dl", { className: "measures" }, ...facts.map(([term, text]) => el("div", {}, el("dt", {}, term), el("dd", {}, text)))),
    whole ? times(wait) : null,
    cohorts.length === 0 ? null : el("details", { open: whole }, el("summary", {}, `By when they entered: ${count(cohorts.length, "cohort")}`), cohortTable(cohorts)),
    waiting.length === 0 ? null : el("details", {}, el("summary", {}, "Waiting longest"), el("ul", {}, ...waiting.map(([id, walk, ms]) => el("li", {}, el("a", { href: `#view=account&id=${encodeURIComponent(id)}` }, id), `, walk ${walk}: ${span(ms)}`)))),
  );
}

/// The counts as lengths; the sentence above says the same.
function bar({ entered, advanced, dropped, open }) {
  if (entered === 0) return null;
  const part = (name, n) => {
    const node = el("span", { className: name, title: `${n} ${name}` });
    node.style.flexGrow = String(n);
    node.style.flexBasis = "0";
    return node;
  };
  return el("div", { className: "bars", "aria-hidden": "true" }, el("div", { className: "parts" }, part("advanced", advanced), part("open", open), part("dropped", dropped)));
}

function table(caption, heads, rows) {
  const head = el("tr", {}, ...heads.map((text, at) => el("th", { scope: "col", className: at > 0 ? "n" : "" }, text)));
  const body = rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((text) => el("td", { className: "n" }, text))));
  return el("table", { className: "table" }, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
}

function times(wait) {
  const rows = wait.at.map(({ days, share, low, high, at_risk: atRisk }) => [`${count(days, "day")}`, percent(share), `${percent(low)} to ${percent(high)}`, String(atRisk)]);
  return rows.length === 0 ? null : table("Share that is there after so long, open cases counted for as long as they were watched", ["Within", "Share", "95 %", "At risk"], rows);
}

function cohortTable(cohorts) {
  const rows = cohorts.map(({ name, tally, decided, median_ms: median }) => [name, String(tally.entered), String(tally.advanced), String(tally.dropped), String(tally.open), rate(decided), span(median)]);
  return table("Young cohorts show the quick fates first", ["Cohort", "Entered", "Advanced", "Dropped", "Open", "Of those decided", "Median time"], rows);
}

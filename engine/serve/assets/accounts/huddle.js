// The morning page: seven lines, each with its number and the things themselves.

import { el } from "/assets/elements.js";
import { count, moment, short, span } from "./format.js";

const TITLES = {
  sent: "Sent",
  reply: "Replies",
  meeting: "Meetings booked",
  kill: "Held back",
  card_used: "Cards used",
  flag_right: "Flags that were right",
  flag_missed: "Missed without a flag",
};
/// Things that are in sight; the rest is one click away.
const SHOWN = 5;

export function huddleParts({ huddle, time_on_task: task }) {
  const { window: time, lines } = huddle;
  const days = time.first === time.last ? time.first : `${time.first} to ${time.last}`;
  return [
    el("h2", { tabIndex: -1 }, `Morning of ${time.today}`),
    el("p", { className: "about" }, `What happened ${days}, times in ${time.zone}. The numbers are to be talked about with the things at hand; none is a target.`),
    el("div", { className: "lines" }, ...lines.map((line) => dayLine(line, time.zone))),
    task ? decisions(task) : null,
  ].filter((part) => part !== null);
}

function dayLine({ topic, n, items }, zone) {
  const row = (item) => el("li", {}, el("span", { className: "when" }, moment(item.at_unix_ms, zone)), ` · ${item.says} · `, ...item.links.flatMap((id, at) => [at > 0 ? " ← " : "", where(id)]));
  const rest = items.slice(SHOWN);
  return el(
    "section",
    { className: "day-line", "aria-label": `${TITLES[topic] ?? topic}: ${n}` },
    el("h3", {}, el("span", { className: "big" }, String(n)), TITLES[topic] ?? topic),
    items.length === 0 ? null : el("ul", {}, ...items.slice(0, SHOWN).map(row)),
    rest.length === 0 ? null : el("details", {}, el("summary", {}, `${rest.length} more`), el("ul", {}, ...rest.map(row))),
    n > items.length ? el("p", { className: "about" }, `${n - items.length} more are not listed`) : null,
  );
}

/// Each leads to its place on its account's page, but for what only the contact ledger has.
function where(id) {
  if (/^contact\//.test(id)) return el("span", { title: id }, id);
  const thing = id.split("#")[0]; // a card of a call
  return el("a", { href: `#view=account&id=${encodeURIComponent(thing)}`, title: id }, short(id));
}

function decisions({ all }) {
  const half = all.median_ms === null ? "" : `${span(all.median_ms)}${all.median_interval_ms ? ` (${span(all.median_interval_ms[0])} to ${span(all.median_interval_ms[1])})` : ""}`;
  const says = all.n === 0 ? "No decision was measured yet." : `Half of ${count(all.n, "decision")} took at most ${half}; ${all.within_30_s} were made within 30 s.`;
  const aside = [[all.left_open, "left open for more than half an hour"], [all.unseen, "decided without a page"], [all.undecided, "not decided yet"]].filter(([n]) => n > 0).map(([n, text]) => `${n} ${text}`).join(", ");
  return el("section", { className: "panel", "aria-label": "Time to decide" }, el("h3", {}, "Time to decide"), el("p", {}, says), aside === "" ? null : el("p", { className: "about" }, `Not in these numbers: ${aside}.`));
}

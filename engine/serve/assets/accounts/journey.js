// One walk of an account: a stage a row, with what it made, what that cites, who approved it and where it landed.

import { el } from "/assets/elements.js";
import { NEEDS, SAYS, go, ids } from "./account.js";
import { count, moment, short, words } from "./format.js";

const STANDS = { done: "done", waits: "waits for a person", missing: "a link is missing", not_yet: "not yet" };
/// Of what a thing cites so much is in sight where it is a signal card; else it is one click away.
const OPEN = ["signal card", "signal"];

export function journeyParts(page) {
  const account = el("a", { href: `#view=account&id=${encodeURIComponent(page.id)}` }, "all that is kept of it");
  const about = page.walk === 0 ? "no walk has begun" : `walk ${page.walk} of ${page.walks}`;
  return [
    el("h2", { tabIndex: -1 }, `${page.name}: from signal to signal`),
    el("p", { className: "about" }, `${page.id} · ${about} · times in ${page.zone} · `, account),
    page.walks > 1 ? others(page) : null,
    page.walk === 0 ? null : trail(page),
    el("ol", { className: "journey" }, ...page.rows.map((row, at) => rowOf(row, at + 1, page.zone))),
  ].filter((part) => part !== null);
}

/// The other walks of the account, the latest first.
function others(page) {
  const numbers = Array.from({ length: Math.min(page.walks, 20) }, (_, at) => page.walks - at);
  const link = (no) => el("a", { href: `#view=journey&id=${encodeURIComponent(page.id)}&walk=${no}`, "aria-current": no === page.walk ? "page" : "false" }, `Walk ${no}`);
  return el("p", { className: "walks" }, ...numbers.map(link));
}

/// The way back, thing by thing; every one that stands on this page can be gone to.
function trail({ trail: way, gap }) {
  const says = gap ? `The way back breaks off: ${gap}` : "Lineage unbroken: from the last thing there is back to the first signal, each made from the next.";
  const step = (id, at) => {
    const button = el("button", { type: "button", className: "cite", title: id }, short(id));
    button.addEventListener("click", () => go(id, button));
    // The signals that a card cites stand side by side.
    const beside = at > 1 && id.startsWith("signal/") && way[at - 1].startsWith("signal/");
    return at > 0 ? [el("span", { className: "about" }, beside ? "and" : "made from"), button] : [button];
  };
  return el("section", { className: gap ? "gap" : "whole", "aria-label": "Lineage" }, el("p", {}, says), way.length === 0 ? null : el("p", { className: "trail" }, ...way.flatMap(step)));
}

function rowOf(row, no, zone) {
  const hidden = row.n - row.made.length;
  const bad = row.state === "waits" || row.state === "missing";
  const node = el(
    "li",
    { className: "step" },
    el("div", { className: "step-head" }, el("h3", {}, el("span", { className: "no", "aria-hidden": "true" }, String(no)), row.title), el("span", { className: bad ? "mark warn" : "mark" }, STANDS[row.state] ?? row.state)),
    el(
      "div",
      { className: "step-made" },
      ...row.missing.map((text) => el("p", { className: "gap" }, `Missing: ${text}`)),
      hidden > 0 ? el("p", { className: "about" }, `the latest ${row.made.length} of ${row.n}`) : null,
      ...row.made.map((made) => thing(made, zone)),
      row.made.length === 0 && row.missing.length === 0 ? el("p", { className: "about" }, "Nothing yet.") : null,
    ),
  );
  node.dataset.state = row.state;
  return node;
}

function thing(made, zone) {
  const { decided } = made;
  const needs = decided !== null && NEEDS.includes(decided.state);
  const head = el("p", { className: "thing" }, el("strong", {}, words(made.what)), el("span", { className: "when about" }, moment(made.at_unix_ms, zone)), decided === null ? null : el("span", { className: needs ? "mark warn" : "mark" }, SAYS[decided.state] ?? decided.state));
  const yes = decided !== null && decided.by !== null ? el("p", { className: "yes" }, `Approved by ${decided.by.replace(/^person /, "")} ${moment(decided.at_unix_ms, zone)}${decided.done_unix_ms === null ? "" : `, done ${moment(decided.done_unix_ms, zone)}`}`) : null;
  return el(
    "div",
    { className: "link", id: `at-${made.id}` },
    head,
    ...made.says.map((line) => el("p", {}, line)),
    yes,
    cites(made),
    el("p", { className: "ids" }, el("span", { className: "about", title: made.id }, short(made.id)), ...made.places.map(place)),
    ids("made from", made.from),
  );
}

function cites(made) {
  if (made.cites.length === 0) return null;
  const signals = OPEN.includes(made.what);
  // What a card cites is where the way back ends, so it can be gone to.
  const one = ({ item, quote }) => el("li", signals ? { id: `at-${item}`, className: "link" } : {}, quote === "" ? "" : `“${quote}” `, el("span", { className: "about", title: item }, short(item)));
  const rest = made.more_cites > 0 ? el("li", { className: "about" }, `and ${made.more_cites} more`) : null;
  const list = el("ul", { className: "rests" }, ...made.cites.map(one), rest);
  return signals ? list : el("details", {}, el("summary", {}, `Rests on ${count(made.cites.length + made.more_cites, "citation")}`), list);
}

function place(where) {
  if (where.is === "review") return el("a", { href: `/review#batch=${encodeURIComponent(where.batch)}` }, "Review page");
  if (where.is === "account") return el("a", { href: `#view=account&id=${encodeURIComponent(where.id)}` }, "On the account's page");
  // A file on this machine is no link a browser follows; its path can be copied.
  const at = where.at ?? "";
  return at.startsWith("https:") ? el("a", { href: at, rel: "noreferrer" }, where.record) : el("span", { className: "file" }, `${where.record}${at === "" ? "" : ` · ${at.replace(/^file:\/\//, "")}`}`);
}

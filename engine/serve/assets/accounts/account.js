// The list of accounts, and one account: six stages with times and approvals, and the chain of hand-offs to click through.

import { el } from "/assets/elements.js";
import { count, moment, short, words } from "./format.js";

/// What needs a person.
export const NEEDS = ["failed", "void", "proposed"];
export const SAYS = {
  proposed: "waits for a person",
  approved: "approved, on its way",
  done: "done",
  void: "void: look again",
  failed: "refused: look again",
  rejected: "rejected",
  superseded: "replaced",
};

export function accountsParts({ accounts, zone }) {
  const head = el("tr", {}, ...["Account", "Stage", "Approval", "Last news"].map((name) => el("th", { scope: "col" }, name)));
  const rows = accounts.map((each) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("a", { href: `#view=account&id=${encodeURIComponent(each.id)}` }, each.name)),
      el("td", {}, each.stage === null ? "–" : words(each.stage)),
      el("td", {}, each.approval === null ? "–" : SAYS[each.approval]),
      el("td", { className: "when" }, moment(each.last_unix_ms, zone)),
    ),
  );
  const table = el("table", { className: "table" }, el("caption", {}, `${count(accounts.length, "account")}, the latest news first · times in ${zone}`), el("thead", {}, head), el("tbody", {}, ...rows));
  return [el("h2", { tabIndex: -1 }, "Accounts"), accounts.length === 0 ? el("p", { className: "about" }, "No account yet. The first signal brings one.") : el("div", { className: "panel" }, table)];
}

export function accountParts(page) {
  const lineage = page.gaps.length === 0 ? [el("p", { className: "whole" }, "Lineage unbroken: every hand-off leads back to where its walk began.")] : page.gaps.map((gap) => el("p", { className: "gap" }, `Missing link: ${gap}`));
  const hidden = page.n - page.walks.length;
  return [
    el("h2", { tabIndex: -1 }, page.name),
    el("p", { className: "about" }, `${page.id} · ${count(page.n, "walk")} · times in ${page.zone}`),
    ...lineage,
    page.summary ? summary(page.summary, page.zone) : null,
    ...page.walks.flatMap((walk) => walkParts(walk, page.id, page.zone)),
    hidden > 0 ? el("p", { className: "about" }, `${count(hidden, "earlier walk")} not shown`) : null,
  ].filter((part) => part !== null);
}

function walkParts(walk, id, zone) {
  const end = walk.end === null || walk.end === undefined ? (walk.completed_unix_ms === null ? "under way" : "completed, under way") : `${walk.end} ${moment(walk.ended_unix_ms, zone)}`;
  return [
    el("h3", {}, `Walk ${walk.no}: began ${moment(walk.began_unix_ms, zone)}, ${end}`),
    el("p", { className: "about" }, el("a", { href: `#view=journey&id=${encodeURIComponent(id)}&walk=${walk.no}` }, `Walk ${walk.no} stage by stage: what was made, what it cites, who approved`)),
    el("ol", { className: "stages", "aria-label": `The six stages of walk ${walk.no}` }, ...walk.stages.map((stage) => stageCard(stage, zone))),
    el("details", { className: "panel" }, el("summary", {}, "Every hand-off, call and proposal"), ...walk.stages.filter((stage) => stage.n > 0).map((stage) => chain(stage, zone))),
  ];
}

function stageCard(stage, zone) {
  const needs = NEEDS.includes(stage.approval);
  const approval = stage.approval ? SAYS[stage.approval] : stage.gated ? "no proposal yet" : "no approval needed";
  const counts = Object.entries(stage.counts).filter(([, n]) => n > 0).map(([state, n]) => `${n} ${state}`).join(", ");
  const node = el(
    "li",
    { className: "stage" },
    el("h4", {}, stage.title),
    el("dl", {}, el("dt", {}, "Began"), el("dd", { className: "when" }, moment(stage.begun_unix_ms, zone)), el("dt", {}, "Done"), el("dd", { className: "when" }, moment(stage.done_unix_ms, zone))),
    el("span", { className: needs ? "mark warn" : "mark", title: counts }, approval),
  );
  node.dataset.begun = String(stage.begun_unix_ms !== null);
  node.dataset.needs = String(needs);
  return node;
}

function chain(stage, zone) {
  const hidden = stage.n - stage.items.length;
  return el(
    "section",
    { "aria-label": stage.title },
    el("h4", {}, `${stage.title} (${stage.n})`),
    hidden > 0 ? el("p", { className: "about" }, `the latest ${stage.items.length} of ${stage.n}`) : null,
    el("div", { className: "chain" }, ...stage.items.map((item) => link(item, zone))),
  );
}

function link(item, zone) {
  if (item.is === "call") return el("div", { className: "link", id: `at-${item.call}` }, el("strong", {}, item.title || "Call"), el("p", { className: "about" }, `${moment(item.at_unix_ms, zone)} to ${moment(item.ended_unix_ms, zone)} · ${item.call}`));
  if (item.is === "proposal") {
    const target = item.target ? ` on ${item.target.kind.replaceAll("_", " ")} ${item.target.id}` : "";
    const yes = item.approved_by ? `approved by ${item.approved_by.replace(/^person /, "")} ${moment(item.approved_unix_ms, zone)}` : "no approval";
    const done = item.done_unix_ms ? ` · done ${moment(item.done_unix_ms, zone)}` : "";
    return el("div", { className: "link", id: `at-${item.id}` }, el("strong", {}, `${words(item.action)} in ${item.system}${target}`), ` · ${SAYS[item.state]}`, el("p", { className: "about" }, `put ${moment(item.at_unix_ms, zone)} · ${yes}${done}`), ids("from", [item.from]));
  }
  return el("div", { className: "link", id: `at-${item.id}` }, el("strong", {}, item.title || words(item.kind)), ` · ${moment(item.at_unix_ms, zone)}`, el("p", { className: "about" }, item.id), ids("made from", item.parents), ids("became", item.children));
}

/// Ids that lead to their places on the page; what stands on another account's page stays text.
export function ids(word, list) {
  if (list.length === 0) return null;
  const one = (id) => {
    const button = el("button", { type: "button", className: "cite", title: id }, short(id));
    button.addEventListener("click", () => go(id, button));
    return button;
  };
  return el("p", { className: "ids" }, el("span", { className: "about" }, word), ...list.map(one));
}

/// Shows where a thing stands on the page of an account; `from` is what was clicked.
export function go(id, from = null) {
  const place = document.getElementById(`at-${id}`);
  if (place === null) {
    if (from === null) return;
    from.disabled = true;
    from.title = `${id} is not on this page`;
    return;
  }
  for (const each of document.querySelectorAll(".link[data-here]")) each.removeAttribute("data-here");
  const box = place.closest("details");
  if (box) box.open = true;
  place.dataset.here = "";
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: "center" });
}

function summary(deal, zone) {
  const lines = (title, part, text) => (part.n === 0 ? null : el("section", {}, el("h4", {}, `${title} (${part.n})`), el("ul", {}, ...part.lines.map((line) => el("li", {}, text(line))))));
  const dated = (line) => `${moment(line.at_unix_ms, zone)}: ${line.what.text}`;
  const risk = deal.risk.length === 0 ? null : el("p", {}, `Risk after each call: ${deal.risk.map(([, level]) => level).join(" → ")} of 5${deal.risk_because ? `: ${deal.risk_because.what.text}` : ""}`);
  return el(
    "details",
    { className: "panel" },
    el("summary", {}, `The whole deal: ${count(deal.calls, "call")}`),
    risk,
    lines("Calls", deal.headlines, dated),
    lines("Promises", deal.promises, (p) => `${p.due ?? "no day"}${p.past ? " (past)" : ""}, ${p.side}: ${p.line.what.text}`),
    lines("Objections", deal.objections, (o) => `${o.label}, ${count(o.raised, "time")}, last ${o.last}: ${o.line.what.text}`),
    lines("Decisions", deal.decisions, dated),
    lines("Not on the calls", deal.absent, (line) => line.what.text),
  );
}

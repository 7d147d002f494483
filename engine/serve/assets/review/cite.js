// What a line rests on: links to the words, fields as they were read, marks of doubt.

import { el } from "/assets/elements.js";
import { LOW_CONFIDENCE, fieldName, moment, percent, record, time, value } from "./words.js";

/// Marks for each piece of evidence; `open(evidence, button)` shows the words of one.
export function cites(evidence, open) {
  return el("span", { className: "cites" }, ...evidence.map((each) => cite(each, open)));
}

function cite(evidence, open) {
  if (evidence.kind === "words") {
    const node = el("button", { type: "button", className: "cite", title: `“${evidence.quote}”`, "aria-label": `Words at ${time(evidence.from_ms)}: ${evidence.quote}` }, time(evidence.from_ms));
    node.addEventListener("click", () => open(evidence, node));
    return node;
  }
  if (evidence.kind === "field") {
    const read = `${record(evidence.record)}, read ${moment(evidence.read_unix_ms)}`;
    return el("span", { className: "cite still", title: read }, `${fieldName(evidence.field)}: ${value(evidence.value)}`);
  }
  if (evidence.kind === "source") {
    const told = { className: "cite", title: `“${evidence.quote}”, ${moment(evidence.at_unix_ms)}` };
    const safe = /^https?:\/\//.test(evidence.url ?? "");
    return safe ? el("a", { ...told, href: evidence.url, rel: "noreferrer noopener", target: "_blank" }, new URL(evidence.url).host) : el("span", { ...told, className: "cite still" }, evidence.item.split("/")[0]);
  }
  return el("span", { className: "cite still", title: `Event ${evidence.seq} of ${evidence.call}` }, `event ${evidence.seq}`);
}

/// A mark, if the claim is less than sure.
export function doubt(confidence, unsure = false) {
  if (unsure) return el("span", { className: "mark warn", title: "A word that decides what or when was heard badly" }, "unsure: check the words");
  if (confidence < LOW_CONFIDENCE) return el("span", { className: "mark warn" }, `low confidence, ${percent(confidence)}`);
  return null;
}

/// A claim as a line: its text, marks, evidence.
export function line(claim, open, ...before) {
  return el("span", { className: "claim" }, ...before, claim.text, " ", doubt(claim.confidence), " ", cites(claim.evidence, open));
}

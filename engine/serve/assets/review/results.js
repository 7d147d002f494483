// What one click on many did: a line for each, and another try for what did not go through.

import { el, setText } from "/assets/elements.js";
import { landed } from "./cards.js";
import { count, name, standing } from "./words.js";

const WORDS = { approved: "approved", already: "approved before", changed: "not approved", refused: "not approved", unknown: "not known" };

export class Results {
  /// `on.again(ids)` is told of another try, `on.go(id)` to show a proposal.
  constructor(root, on) {
    this.root = root;
    this.panel = root.querySelector("#results");
    this.on = on;
    this.shown = null; // { batch, results }
    this.panel.querySelector("#results-close").addEventListener("click", () => this.hide());
    this.panel.querySelector("#again").addEventListener("click", () => on.again(this.failed()));
  }

  hide() {
    this.shown = null;
    this.panel.hidden = true;
  }

  failed() {
    return this.shown.results.filter((each) => each.result === "refused" || each.result === "unknown").map((each) => each.id);
  }

  /// `results` are { id, result, says }.
  show(batch, results) {
    this.shown = { batch, results };
  }

  render(state) {
    if (this.shown === null || this.shown.batch !== state.batch) {
      this.panel.hidden = true;
      return;
    }
    const { results } = this.shown;
    const bad = results.filter((each) => !["approved", "already"].includes(each.result));
    const good = results.length - bad.length;
    const lost = results.filter((each) => !bad.includes(each) && ["failed", "void"].includes(state.items.get(each.id)?.standing)).length;
    const text = bad.length === 0 ? (good === 1 ? "Approved" : `All ${good} approved`) : `${good} of ${results.length} approved, ${bad.length} not`;
    this.panel.hidden = false;
    this.panel.dataset.kind = bad.length + lost === 0 ? "good" : "bad";
    setText(this.panel.querySelector("#results-title"), lost === 0 ? text : `${text}; ${lost} could not be written`);
    const again = this.panel.querySelector("#again");
    const failed = this.failed();
    again.hidden = failed.length === 0;
    setText(again, failed.length === 1 ? "Try that one again" : `Try those ${failed.length} again`);
    this.panel.querySelector("#results-list").replaceChildren(...[...bad, ...results.filter((each) => !bad.includes(each))].map((each) => this.row(state, each)));
  }

  row(state, { id, result, says }) {
    const item = state.items.get(id);
    const go = el("button", { type: "button", className: "linkish" }, item ? name(item) : id);
    go.addEventListener("click", () => this.on.go(id));
    const now = item && ["approved", "already"].includes(result) ? standing(item, state.outbox.get(id)) : null;
    const ended = now !== null && ["good", "bad"].includes(now.kind);
    const words = ended ? now.text : says || WORDS[result];
    return el("li", { "data-result": now?.kind === "bad" ? "refused" : result }, el("span", { className: "sign", "aria-hidden": "true" }, ["approved", "already"].includes(result) && now?.kind !== "bad" ? "✓" : "✗"), el("span", {}, go, el("span", { className: "about" }, ` ${words}`), ended && now.receipt ? " " : "", ended && now.receipt ? landed(now.receipt) : null));
  }
}

/// The words for one result: { id, result, says }.
export function inWords(verdict) {
  switch (verdict.result) {
    case "approved":
      return { id: verdict.id, result: "approved", says: "approved, on its way" };
    case "already":
      return { id: verdict.id, result: "already", says: `was already approved by ${verdict.by}; it is done once` };
    case "changed":
      return { id: verdict.id, result: "changed", says: "changed while you were looking: look at the new version" };
    default:
      return { id: verdict.id, result: "refused", says: verdict.reason };
  }
}

/// What a screen reader hears after a click on many.
export function spoken(results) {
  const good = results.filter((each) => ["approved", "already"].includes(each.result)).length;
  return good === results.length ? `${count(good, "proposal")} approved` : `${good} of ${results.length} approved. ${results.filter((each) => !["approved", "already"].includes(each.result)).map((each) => each.says).join(". ")}`;
}

// The list of calls and nights with what waits in each.

import { el, keep, setText } from "/assets/elements.js";
import { moment } from "./words.js";

/// `open(batch)` is told which is wanted.
export function renderInbox(root, state, open) {
  const waiting = state.batches.reduce((sum, each) => sum + each.waiting, 0);
  setText(root.querySelector("#waiting"), waiting === 0 ? "nothing waits" : `${waiting} to decide`);
  document.title = waiting === 0 ? "Reframe review" : `(${waiting}) Reframe review`;
  const make = (batch) => {
    const button = el("button", { type: "button", className: "batch" }, el("span", { className: "batch-name" }), el("span", { className: "number" }), el("span", { className: "about" }));
    button.addEventListener("click", () => open(batch.batch));
    return el("li", {}, button);
  };
  keep(root.querySelector("#batches"), state.batches, (batch) => batch.batch, make, (node, batch) => {
    const button = node.firstElementChild;
    if (batch.batch === state.batch) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.dataset.waiting = String(batch.waiting > 0);
    setText(button.querySelector(".batch-name"), batch.title);
    setText(button.querySelector(".number"), batch.waiting > 0 ? `${batch.waiting} of ${batch.total}` : "done");
    setText(button.querySelector(".about"), `${batch.call === null ? "Pipeline" : "Call"} · ${moment(batch.at_unix_ms)}`);
  });
}

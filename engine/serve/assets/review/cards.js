// Proposals as cards. A card is made anew whenever what it shows changes, but never while somebody writes in it.

import { el, key } from "/assets/elements.js";
import { cites, doubt } from "./cite.js";
import { editor } from "./editor.js";
import { MAIL_WORDS, about, day, fieldName, kind, safeLink, standing, title, took, value, wordCount } from "./words.js";

export class Cards {
  /// `on` is told of what the reader does: { approve(id), edit(id, addLine), reject(id), keep(id, action), leave(id),
  /// refuse(id, reason), words(evidence, from), current(id), seen(ids) }.
  constructor(list, on) {
    this.list = list;
    this.on = on;
    this.nodes = new Map(); // id -> { row, card, stamp, editor }
    this.watch = new IntersectionObserver((entries) => on.seen(entries.filter((each) => each.isIntersecting).map((each) => each.target.dataset.id)), { rootMargin: "-10% 0px" });
  }

  render(state) {
    const ids = [...state.items.keys()];
    for (const [id, { row, card }] of this.nodes) {
      if (state.items.has(id)) continue;
      this.watch.unobserve(card);
      row.remove();
      this.nodes.delete(id);
    }
    ids.forEach((id, at) => {
      const row = this.one(state, id, at, ids.length);
      if (this.list.children[at] !== row) this.list.insertBefore(row, this.list.children[at] ?? null);
    });
    for (const [id, { card }] of this.nodes) card.toggleAttribute("data-current", id === state.current);
  }

  one(state, id, at, of) {
    const item = state.items.get(id);
    const how = { editing: state.editing?.id === id ? state.editing : null, rejecting: state.rejecting === id, busy: state.busy.has(id), changed: state.changed.has(id), said: state.said.get(id) ?? null, sent: state.outbox.get(id) ?? null };
    const stamp = JSON.stringify([item, how, at, of]);
    const old = this.nodes.get(id);
    if (old?.stamp === stamp) return old.row;
    if (old?.editor && how.editing) {
      // What is being written stays; what happened meanwhile is said beside it.
      old.editor.say(how.changed ? "This was changed by somebody else while you wrote. Keep your edit to replace the new version, or cancel to see it." : how.editing.says);
      old.editor.busy(how.busy);
      old.card.dataset.digest = item.digest;
      old.stamp = stamp;
      return old.row;
    }
    const row = old?.row ?? el("li", {});
    const inside = old?.card.contains(document.activeElement) ? (document.activeElement.dataset.do ?? "card") : null;
    const open = old?.card.querySelector("details")?.open ?? false;
    const edit = how.editing ? editor(item, { keep: (action) => this.on.keep(id, action), leave: () => this.on.leave(id), addLine: how.editing.addLine }) : null;
    const card = this.card(item, how, edit, `${kind(item.proposal.action)}, ${at + 1} of ${of}: ${title(item)}`);
    const details = card.querySelector("details");
    if (details) details.open = open;
    if (old) this.watch.unobserve(old.card);
    row.replaceChildren(card);
    this.watch.observe(card);
    this.nodes.set(id, { row, card, stamp, editor: edit });
    if (edit) edit.focus();
    else if (how.rejecting) card.querySelector("input").focus();
    else if (inside) (card.querySelector(`[data-do="${inside}"]:not(:disabled)`) ?? card).focus({ preventScroll: true });
    return row;
  }

  card(item, how, edit, name) {
    const { proposal } = item;
    const { action } = proposal;
    const { id } = proposal;
    const stands = standing(item, how.sent);
    const card = el(
      "article",
      { className: "item", tabIndex: -1, "data-id": id, "data-digest": item.digest, "data-standing": item.standing, "data-do": "card", "aria-label": name },
      el("div", { className: "item-head" }, el("span", { className: "chip" }, kind(action)), el("span", { className: "about where" }, action.mail ? proposal.system : `${about(action)} · ${proposal.system}`), doubt(proposal.because.confidence)),
      notice(item, how),
      edit ? edit.form : this.body(item),
      el("p", { className: "because" }, el("span", { className: "claim" }, proposal.because.text, " ", cites(proposal.because.evidence, this.on.words))),
      stands.text ? state(stands, item) : null,
      how.rejecting ? this.reason(id) : edit ? null : this.buttons(item, how),
      sent(item),
    );
    card.addEventListener("pointerdown", () => this.on.current(id));
    card.addEventListener("focusin", () => this.on.current(id));
    return card;
  }

  body(item) {
    const { action } = item.proposal;
    switch (action.do) {
      case "create_note":
        return el("div", { className: "text" }, action.body);
      case "create_task":
        return el(
          "div",
          {},
          el("p", { className: "subject" }, action.subject),
          el("p", { className: "facts" }, el("span", { className: "due" }, action.due ? `due ${day(action.due)}` : "no due date"), el("span", {}, action.owner ?? "nobody’s yet")),
          action.body ? el("div", { className: "text" }, action.body) : null,
        );
      case "update_field":
        return el(
          "p",
          { className: "diff" },
          el("span", { className: "subject" }, fieldName(action.field)),
          el("span", { className: "change" }, el("span", { className: "only-read" }, "from "), el("del", {}, value(action.before)), el("span", { className: "arrow", "aria-hidden": "true" }, "→"), el("span", { className: "only-read" }, " to "), el("ins", {}, value(action.after))),
        );
      default: {
        const { mail } = action;
        const n = wordCount(mail.body);
        return el(
          "div",
          {},
          el("p", { className: "subject" }, mail.subject),
          el("p", { className: "facts" }, el("span", {}, `to ${mail.to.join(", ")}`), mail.cc.length > 0 ? el("span", {}, `copy to ${mail.cc.join(", ")}`) : null, el("span", { className: n >= MAIL_WORDS ? "wrong" : "" }, `${n} words${n >= MAIL_WORDS ? `, ${MAIL_WORDS - 1} at most is better` : ""}`)),
          el("div", { className: "text" }, mail.body),
        );
      }
    }
  }

  buttons(item, how) {
    if (!item.waits && item.standing !== "approved") return null;
    const { id, action } = item.proposal;
    const button = (act, word, letter, run, disabled, ...more) => {
      const node = el("button", { type: "button", className: act === "approve" ? "act first" : "act", "data-do": act, disabled, "aria-keyshortcuts": letter }, word, key(letter), ...more);
      node.addEventListener("click", run);
      return node;
    };
    const approve = item.waits ? button("approve", how.busy ? "Sending…" : "Approve", "a", () => this.on.approve(id), how.busy || !item.may_be_approved || item.problem !== null) : null;
    const row = [approve, button("edit", "Edit", "e", () => this.on.edit(id, false), how.busy)];
    if (action.do === "create_note") {
      const add = el("button", { type: "button", className: "act", "data-do": "add", disabled: how.busy }, "Add a line");
      add.addEventListener("click", () => this.on.edit(id, true));
      row.push(add);
    }
    row.push(button("reject", item.waits ? "Reject" : "Take back", "r", () => this.on.reject(id), how.busy));
    return el("div", { className: "row buttons" }, ...row.filter((each) => each !== null));
  }

  reason(id) {
    const input = el("input", { type: "text", maxLength: 500, placeholder: "wrong, already done, not ours to do…", autocomplete: "off" });
    const off = el("button", { type: "button", className: "act" }, "Cancel");
    off.addEventListener("click", () => this.on.leave(id));
    const wrong = el("p", { className: "wrong", hidden: true }, "Say why in a few words: the next draft is measured by it.");
    wrong.setAttribute("role", "alert");
    const form = el("form", { className: "edit", "aria-label": "Reject", noValidate: true }, el("label", { className: "field" }, el("span", { className: "label" }, "Why not?"), input), wrong, el("div", { className: "row" }, el("button", { type: "submit", className: "act first" }, "Reject"), off));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      wrong.hidden = input.value.trim() !== "";
      if (wrong.hidden) this.on.refuse(id, input.value);
      else input.focus();
    });
    return form;
  }

  /// What a click on the card as it is on the screen approves.
  digest(id) {
    return this.nodes.get(id)?.card.dataset.digest ?? null;
  }

  focus(id) {
    this.nodes.get(id)?.card.focus();
  }

  node(id) {
    return this.nodes.get(id)?.card ?? null;
  }

  editor(id) {
    return this.nodes.get(id)?.editor ?? null;
  }
}

function notice(item, how) {
  if (how.changed && !how.editing) return el("p", { className: "notice" }, "This changed while you were looking. Here is the new version: nothing of it is approved yet.");
  if (how.said) return el("p", { className: "notice" }, how.said);
  if (item.problem !== null && item.waits) return el("p", { className: "notice" }, `It cannot be done as it stands: ${item.problem}. Edit it.`);
  return null;
}

function state(stands, item) {
  return el("p", { className: "stands", "data-kind": stands.kind }, stands.text, stands.receipt ? " " : "", stands.receipt ? landed(stands.receipt) : null, took(item) ? el("span", { className: "took" }, took(item)) : null);
}

/// Where a write is now.
export function landed(receipt) {
  const name = `${receipt.record.system}: ${receipt.record.kind.replaceAll("_", " ")} ${receipt.record.id}`;
  const href = receipt.url === null ? null : safeLink(receipt.url);
  return href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, name) : el("span", {}, receipt.url ? `${name}, ${receipt.url}` : name);
}

/// Exactly what goes out.
function sent(item) {
  const { proposal } = item;
  const { action } = proposal;
  const rows = [["System", proposal.system]];
  const mail = action.mail ?? null;
  if (mail) rows.push(["To", mail.to.join(", ")], ["Copy to", mail.cc.join(", ") || "nobody"], ["Subject", mail.subject], ["Text", mail.body]);
  else rows.push(["Record", about(action)]);
  if (action.do === "create_note") rows.push(["Text", action.body]);
  if (action.do === "create_task") rows.push(["Task", action.subject], ["Due", action.due ?? "no date"], ["Owner", action.owner ?? "nobody"], ["More", action.body || "nothing"]);
  if (action.do === "update_field") rows.push(["Field", action.field], ["Reads now", action.before ?? "(empty)"], ["Will read", action.after ?? "(empty)"]);
  rows.push(["Reference", `${item.marker} is left with it: it is found again by this, and written once only`]);
  return el(
    "details",
    { className: "sent" },
    el("summary", {}, "What will be sent", key("w")),
    el("dl", {}, ...rows.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text)))),
    el("p", { className: "about" }, `What you approve, byte for byte (revision ${proposal.revision}, SHA-256 ${item.digest.slice(0, 12)}…):`),
    el("pre", { tabIndex: 0, "aria-label": "The approved bytes" }, item.bytes),
  );
}

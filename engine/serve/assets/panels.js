// What stands around the card: people whose side nobody knows, the panel about the call, and the rep's notes.

import { clock, el, keep, key, setText } from "./elements.js";
import { strangers } from "./notices.js";

/// Unknown people asked about at a time; more would push the card down.
const ASKED = 2;

const PARTY_WORDS = { rep: "ours", buyer: "buyer", unknown: "unknown side" };
const MODE_MEANS = {
  live: "Reframe listens to everybody with consent and shows cards.",
  notes_only: "Nobody is listened to. You can take notes.",
  off: "Nobody is listened to, and nothing is kept.",
};
const VIA_WORDS = { chat: "in the chat", voice: "by voice", platform: "by the meeting platform" };

export class Panels {
  /// `root` is the app element; `onAction(fields)` sends an action and says whether it left; `onToggle()` is told when a
  /// panel opens or closes.
  constructor(root, onAction, onToggle) {
    this.root = root;
    this.onToggle = onToggle;
    this.onAction = onAction;
    this.find = (id) => root.querySelector(`#${id}`);
    this.sending = false; // a note was sent and has not come back
    this.lastNote = -1; // number of the last one that is shown
    this.open = false; // the notes, outside of notes-only mode
    this.sendTimer = null;
    const text = this.find("note-text");
    this.find("note-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
    for (const button of this.find("modes").children) {
      button.addEventListener("click", () => this.onAction({ do: "coaching", to: button.dataset.to }));
    }
  }

  render(model, link) {
    const live = link.kind === "online" && model.status !== null && !model.ended;
    this.find("note-button").hidden = !live || model.status.coaching !== "live";
    this.find("call-button").hidden = !live;
    if (!live) this.show("call", false);
    // A page that is offline for a moment keeps its shape, and what is being written.
    this.root.dataset.coaching = model.ended ? "" : (model.status?.coaching ?? "");
    this.asks(live && model.status.coaching === "live" && this.find("call").hidden ? model.status : null);
    if (live) this.call(model.status);
    this.notes(model);
  }

  /// One row for each of those whose side nobody knows, with a button for either side.
  asks(status) {
    const all = status ? strangers(status) : [];
    this.find("who").hidden = all.length === 0;
    const shown = all.slice(0, ASKED);
    const make = (each) => {
      const side = (party, word, letter) => {
        const node = el("button", { type: "button", className: "side", "data-party": party, "aria-label": `${each.name} is ${word === "Ours" ? "ours" : "a buyer"}` }, word, key(letter));
        node.addEventListener("click", () => this.settle(each.track, party));
        return node;
      };
      return el("li", { "data-track": String(each.track) }, el("strong", { className: "ask-who", title: each.name }), side("rep", "Ours", "O"), side("buyer", "Buyer", "B"));
    };
    keep(this.find("strangers"), shown, (each) => `${each.track} ${each.name}`, make, (node, each) => {
      setText(node.querySelector(".ask-who"), each.name);
      // The keys are about the first one.
      for (const letter of node.querySelectorAll("kbd")) letter.hidden = each !== shown[0];
    });
    const more = this.find("more-strangers");
    more.hidden = all.length <= ASKED;
    setText(more, `and ${all.length - ASKED} more: see People (C)`);
  }

  /// Settles whose side somebody is on; without a track, the first of those who are asked about.
  settle(track, party) {
    const first = this.find("who").hidden ? null : this.find("strangers").firstElementChild;
    const of = track ?? (first ? Number(first.dataset.track) : null);
    return of !== null && this.onAction({ do: "set_party", track: of, party });
  }

  call(status) {
    for (const button of this.find("modes").children) {
      button.setAttribute("aria-pressed", String(button.dataset.to === status.coaching));
    }
    setText(this.find("mode-means"), MODE_MEANS[status.coaching] ?? "");
    const present = status.participants.filter((each) => each.present);
    const make = (each) => {
      const side = (party, word) => {
        const node = el("button", { type: "button", className: "side", "data-party": party }, word);
        node.addEventListener("click", () => this.onAction({ do: "set_party", track: each.track, party }));
        return node;
      };
      return el("li", { "data-track": String(each.track) }, el("span", { className: "person" }, el("strong"), el("span", { className: "agreed" })), side("rep", "Ours"), side("buyer", "Buyer"));
    };
    keep(this.find("people"), present, (each) => each.track, make, (node, each) => {
      setText(node.querySelector("strong"), each.name);
      setText(node.querySelector(".agreed"), each.consent ? "consent on record" : "no consent on record");
      node.querySelector(".agreed").dataset.consent = String(each.consent);
      for (const button of node.querySelectorAll(".side")) {
        button.setAttribute("aria-pressed", String(button.dataset.party === each.party));
        button.setAttribute("aria-label", `${each.name} is ${button.dataset.party === "rep" ? "ours" : "a buyer"}`);
      }
    });
    const via = VIA_WORDS[status.disclosed] ?? status.disclosed;
    setText(this.find("told"), status.disclosed === null ? "Reframe has not told the participants that it listens." : `The participants were told ${via} that Reframe listens.`);
    const rule = status.consent_rule;
    this.find("rule").hidden = rule === null;
    if (rule) {
      const because = rule.because ? `: ${rule.because}` : "";
      setText(this.find("rule"), rule.rule === "everyone" ? `It takes everybody’s consent${because}.` : `Each person’s consent counts for themselves${because}.`);
    }
  }

  notes(model) {
    const { coaching } = this.root.dataset;
    const shown = coaching === "notes_only" || (coaching === "live" && this.open);
    const section = this.find("notes");
    section.hidden = !shown;
    this.find("note-button").setAttribute("aria-expanded", String(shown));
    // A note that came back is kept: its text may go.
    const written = this.find("note-text").value.trim();
    if (model.notes.some((note) => note.seq > this.lastNote && note.text === written)) this.sent(true);
    const list = this.find("note-list");
    const before = list.childElementCount;
    keep(
      list,
      model.notes,
      (note) => note.seq,
      (note) => el("li", {}, el("time", {}, clock(note.at_ms, 0)), el("span", { className: "note" }, note.text)),
      () => {},
    );
    if (list.childElementCount !== before) list.scrollTop = list.scrollHeight;
    this.lastNote = model.notes.at(-1)?.seq ?? -1;
  }

  /// Opens or closes the notes; opening puts the cursor there.
  note(open, model, link) {
    if (model.ended || !model.status || model.status.coaching === "off") return;
    this.open = open ?? !this.open;
    this.render(model, link);
    const text = this.find("note-text");
    if (!this.find("notes").hidden && open !== false) text.focus();
    else text.blur();
  }

  send() {
    const field = this.find("note-text");
    const text = field.value.trim();
    if (text === "" || this.sending) return;
    if (!this.onAction({ do: "note", text })) return;
    this.sending = true;
    field.readOnly = true;
    // Should the answer never come, the text is still there to be sent again.
    this.sendTimer = setTimeout(() => this.sent(false), 5000);
  }

  /// The note on its way arrived, or did not.
  sent(kept) {
    clearTimeout(this.sendTimer);
    const field = this.find("note-text");
    this.sending = false;
    field.readOnly = false;
    if (kept) field.value = "";
  }

  toggle(id, open) {
    const panel = this.find(id);
    const show = open ?? panel.hidden;
    this.show(id, show);
    this.onToggle();
    return show;
  }

  show(id, open) {
    this.find(id).hidden = !open;
    this.find(`${id}-button`).setAttribute("aria-expanded", String(open));
  }
}

/// What to call a side.
export function partyWord(party) {
  return PARTY_WORDS[party] ?? "";
}

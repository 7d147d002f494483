// The model as elements: status, card, recap, caption. Text from the call only ever becomes text.

import { clock, el, keep, key, setText } from "./elements.js";
import { ERASED } from "./model.js";
import { notices } from "./notices.js";
import { partyWord } from "./panels.js";

const END_WORDS = {
  used: "used",
  dismissed: "dismissed",
  wrong: "marked wrong",
  expired: "ran out",
  replaced: "replaced",
  skipped: "skipped",
  retracted: "taken back",
  call_ended: "open at the end",
};

export class View {
  /// `root` is the app element; `onAction(do, card)` is told about clicks.
  constructor(root, onAction) {
    this.root = root;
    this.onAction = onAction;
    this.find = (id) => root.querySelector(`#${id}`);
    this.main = this.find("main");
    this.shown = null; // what `main` shows now, so that it is only rebuilt when it changes
    this.toastTimer = null;
  }

  status(model, link, nowMs) {
    const list = notices(model, link, nowMs);
    const status = link.kind === "online" && !model.ended ? model.status : null;
    this.root.dataset.link = link.kind;
    this.root.dataset.mood = list[0].kind;
    this.root.dataset.sound = list.some((notice) => notice.kind === "bad") ? "" : (status?.audio ?? "");
    this.root.dataset.hearing = String((status?.speaking.length ?? 0) > 0);
    setText(this.find("title"), model.title || "Reframe");
    // What changes every second is not for screen readers.
    const make = () => el("li", {}, el("strong"), el("span", { className: "when", "aria-hidden": "true" }), el("span", { className: "todo" }));
    keep(this.find("status"), list, (notice) => notice.id, make, (node, notice) => {
      node.dataset.notice = notice.id;
      node.dataset.kind = notice.kind;
      setText(node.querySelector("strong"), notice.what);
      setText(node.querySelector(".when"), notice.when);
      setText(node.querySelector(".todo"), notice.todo ? `. ${notice.todo}` : "");
    });
    this.find("retry").hidden = link.kind !== "offline" || Boolean(model.ended) || link.inS === 0;
    this.emptyWords(list[0], status !== null && status.coaching !== "live");
  }

  caption(model) {
    this.find("caption").hidden = !model.caption;
    // Hidden words are still in the page.
    const caption = model.caption ?? { party: "", speaker: "", said: "", tail: "" };
    this.find("caption").dataset.party = caption.party;
    setText(this.find("caption-who"), caption.speaker);
    setText(this.find("caption-party"), partyWord(caption.party));
    setText(this.find("caption-said"), caption.said);
    setText(this.find("caption-tail"), caption.tail ? ` ${caption.tail}` : "");
  }

  /// Brings the main area up to date.
  cards(model, nowMs) {
    const open = model.open;
    // A reason whose words were erased makes it another card.
    const key = model.ended ? "ended" : open ? `card ${open.card.id} ${open.card.reason.words.length} ${open.card.reason.rule}` : "empty";
    if (key !== this.shown) {
      this.shown = key;
      this.cardNode = null;
      if (model.ended) this.main.replaceChildren(recap(model));
      else if (open) this.main.replaceChildren(this.card(open.card));
      else this.main.replaceChildren(empty(this.heldBack(), this.goOn()));
      this.bar = null;
      this.root.dataset.main = model.ended ? "recap" : open ? "card" : "empty";
    }
    if (open && !model.ended) this.refresh(model, open, nowMs);
    else if (!model.ended) this.held(model.queueLen);
  }

  /// Cards that wait until the rep pauses; whoever wants one at once gets it.
  heldBack() {
    const node = el("button", { type: "button", className: "held", hidden: true, "aria-keyshortcuts": "N" }, el("span", { className: "word" }), key("N"));
    node.addEventListener("click", () => this.onAction("next", null));
    return node;
  }

  held(count) {
    const node = this.main.querySelector(".held");
    node.hidden = count === 0;
    setText(node.querySelector(".word"), count === 1 ? "A card waits until you pause" : `${count} cards wait until you pause`);
  }

  /// What can change while a card stays: pinned, waiting, time left.
  refresh(model, open, nowMs) {
    const node = this.cardNode;
    node.dataset.pinned = String(open.pinned);
    node.classList.remove("sent");
    const pin = node.querySelector('[data-do="pin"]');
    pin.setAttribute("aria-pressed", String(open.pinned));
    setText(pin.querySelector(".word"), open.pinned ? "Pinned" : "Pin");
    const waiting = node.querySelector(".waiting");
    waiting.hidden = model.queueLen === 0;
    setText(waiting, `${model.queueLen} waiting`);
    node.querySelector('[data-do="next"]').disabled = model.queueLen === 0;
    this.timeLeft(node.querySelector(".bar > span"), open, nowMs);
  }

  /// The bar runs by itself: a page in the background gets no timely timers.
  timeLeft(bar, open, nowMs) {
    const key = `${open.card.seq} ${open.pinned} ${open.endsAt}`;
    if (this.bar === key) return;
    this.bar = key;
    for (const animation of bar.getAnimations()) animation.cancel();
    if (open.pinned) return;
    const left = Math.max(0, open.endsAt - nowMs);
    const from = open.card.ttl_ms > 0 ? Math.min(1, left / open.card.ttl_ms) : 0;
    bar.animate([{ transform: `scaleX(${from})` }, { transform: "scaleX(0)" }], { duration: left, fill: "forwards" });
  }

  card(card) {
    const why = el("details", { className: "why" }, el("summary", {}, el("span", { className: "word" }, "Why this card"), key("W")), reason(card));
    const node = el(
      "article",
      { className: "card", "data-card": String(card.id), "aria-label": `Card: ${card.title}` },
      el("div", { className: "bar", "aria-hidden": "true" }, el("span")),
      el(
        "div",
        { className: "card-head" },
        el("span", { className: "chip" }, card.label.replaceAll("_", " ")),
        el("span", { className: "pinned-mark" }, "Pinned"),
        el("span", { className: "waiting", hidden: true }),
      ),
      el("h2", { className: "card-title" }, card.title),
      el("ul", { className: "say" }, ...card.say.map((line) => el("li", {}, line))),
      card.proof ? el("div", { className: "proof" }, el("p", {}, ...figure(card.proof)), source(card.proof)) : null,
      card.ask ? el("p", { className: "ask" }, el("span", { className: "lead" }, "Then ask"), el("span", {}, card.ask)) : null,
      card.avoid ? el("p", { className: "avoid" }, el("strong", {}, "Don’t:"), ` ${card.avoid}`) : null,
      card.case_study ? el("div", { className: "case" }, el("p", {}, el("span", { className: "lead" }, "A customer like this"), card.case_study.text), source(card.case_study)) : null,
      el(
        "div",
        { className: "actions" },
        this.button("used", "Used", "U", card.id),
        this.button("dismiss", "Dismiss", "D", card.id),
        this.button("pin", "Pin", "P", card.id),
        this.button("next", "Next", "N", null),
        this.button("wrong", "Wrong", "X", card.id, "Wrong card: nobody raised this"),
      ),
      why,
    );
    this.cardNode = node;
    return node;
  }

  /// `means` says more than the word does, to those who point at the button or cannot see it.
  button(act, word, letter, card, means = "") {
    const node = el("button", { type: "button", className: act === "used" ? "act first" : "act", "data-do": act, "aria-keyshortcuts": letter, title: means }, el("span", { className: "word" }, word), key(letter));
    if (means) node.setAttribute("aria-label", means);
    node.addEventListener("click", () => this.onAction(act, card));
    return node;
  }

  toggleWhy() {
    const why = this.cardNode?.querySelector("details");
    if (why) why.open = !why.open;
  }

  /// What the rep may want while nobody is listened to.
  goOn() {
    const node = el("button", { type: "button", className: "plain go-on", hidden: true });
    node.addEventListener("click", () => this.onAction("coaching", null, node.dataset.to));
    return node;
  }

  /// Marks the card as acted upon until the server answers.
  sent() {
    this.cardNode?.classList.add("sent");
  }

  unsent() {
    this.cardNode?.classList.remove("sent");
  }

  announce(card) {
    setText(this.find("announce"), `${card.title}. ${card.say.join(" ")}`);
  }

  toast(text) {
    const toast = this.find("toast");
    setText(toast, text);
    toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => {
      toast.hidden = true;
    }, 4000);
  }

  /// The page without a card says in large letters how things are; what to do about a trouble stands above already.
  emptyWords(notice, resting) {
    const heading = this.main.querySelector(".empty h2");
    if (!heading) return;
    setText(heading, notice.what);
    const trouble = notice.kind === "bad" || notice.kind === "warn";
    const good = "A card appears here when the buyer raises something your playbook answers.";
    setText(this.main.querySelector(".empty p"), notice.id === "good" ? good : trouble ? "" : notice.todo);
    const refused = ["awaited", "missing", "source-consent_refused"].includes(notice.id) && notice.kind === "bad";
    const goOn = this.main.querySelector(".go-on");
    goOn.hidden = !resting && !refused;
    goOn.dataset.to = resting ? "live" : "notes_only";
    setText(goOn, resting ? "Listen again" : "Take notes only");
  }
}

/// The text of a proof with its figure in bold; in front of it, if it does not stand in it.
function figure({ text, number }) {
  if (!number) return [text];
  const at = text.indexOf(number);
  const bold = el("strong", {}, number);
  return at < 0 ? [bold, ` · ${text}`] : [text.slice(0, at), bold, text.slice(at + number.length)];
}

/// Where it comes from, and of when it is.
function source({ source, date }) {
  const parts = [source, date ? month(date) : ""].filter((part) => part);
  return parts.length === 0 ? null : el("p", { className: "source" }, parts.join(", "));
}

/// The month of a day like 2026-05-01.
function month(date) {
  const [year, number] = date.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1, 1)).toLocaleDateString("en", { month: "short", year: "numeric", timeZone: "UTC" });
}

function empty(held, goOn) {
  const waves = el("div", { className: "waves", "aria-hidden": "true" }, el("span"), el("span"), el("span"), el("span"), el("span"));
  return el("div", { className: "empty" }, waves, el("h2", {}, "Listening"), el("p"), held, goOn);
}

function recap(model) {
  const { shown, used, dismissed, cards, wrong = 0, notes = 0 } = model.recap;
  const count = (n, word) => el("div", {}, el("dd", {}, String(n)), el("dt", {}, word));
  return el(
    "div",
    { className: "recap" },
    el("h2", {}, model.ended === "failed" ? "The call stopped" : "Call ended"),
    shown === 0 ? el("p", {}, "No card was needed.") : null,
    shown === 0 && notes === 0
      ? null
      : el(
          "dl",
          {},
          shown === 0 ? null : count(shown, shown === 1 ? "card" : "cards"),
          shown === 0 ? null : count(used, "used"),
          shown === 0 ? null : count(dismissed, "dismissed"),
          wrong === 0 ? null : count(wrong, "wrong"),
          notes === 0 ? null : count(notes, notes === 1 ? "note" : "notes"),
        ),
    cards.length === 0
      ? null
      : el(
          "ul",
          {},
          ...cards.map((card) =>
            el("li", { "data-end": card.end }, el("span", { className: "chip" }, card.label.replaceAll("_", " ")), el("span", { className: "what" }, card.title), el("span", { className: "end" }, END_WORDS[card.end] ?? "")),
          ),
        ),
    model.notes.length === 0
      ? null
      : el(
          "ul",
          { className: "note-list", "aria-label": "Notes" },
          ...model.notes.map((note) => el("li", {}, el("time", {}, clock(note.at_ms, 0)), el("span", { className: "note" }, note.text))),
        ),
  );
}

function reason(card) {
  const { reason: why, latency } = card;
  const inPhrase = (word) => word.end_ms > why.phrase_start_ms && word.start_ms < why.phrase_end_ms;
  const words = why.words.flatMap((word) => [
    el("span", { className: inPhrase(word) ? "word hit" : "word", title: `${clock(word.start_ms)} to ${clock(word.end_ms)}, ${Math.round(word.confidence * 100)} % sure` }, word.text),
    " ",
  ]);
  const steps = [
    ["Recognise", why.stages.recognize_ms],
    ["Detect", why.stages.detect_ms],
    ["Screen", why.stages.deck_ms],
  ];
  if (latency.compute_ms !== null) steps.push(["Compute", latency.compute_ms]);
  const total = latency.algorithmic_ms + (latency.compute_ms ?? 0);
  const row = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
  return el(
    "dl",
    { className: "reason" },
    row("Heard", ...(words.length > 0 ? words : [why.rule.includes(ERASED) ? "erased" : "the sound itself, not the words"])),
    row("From", `${why.speaker}, ${clock(why.phrase_start_ms)} to ${clock(why.phrase_end_ms)}`),
    row("Rule", why.rule),
    row("Score", why.score.toFixed(2)),
    row(
      "Time",
      el("span", { className: "total" }, `${ms(total)} after the phrase ended`),
      el("span", { className: "steps" }, ...steps.map(([name, value]) => el("span", {}, el("span", { className: "step-name" }, name), ` ${ms(value)}`))),
    ),
  );
}

function ms(value) {
  return `${Math.round(value)} ms`;
}

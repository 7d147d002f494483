// The model as elements. Text from the call only ever becomes text.

import { notices } from "./model.js";

const END_WORDS = {
  used: "used",
  dismissed: "dismissed",
  expired: "ran out",
  replaced: "replaced",
  skipped: "skipped",
  retracted: "taken back",
  call_ended: "open at the end",
};

/// An element with properties, attributes (`data-…`, `aria-…`) and children; strings become text.
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

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

  status(model, link) {
    const list = notices(model, link);
    this.root.dataset.link = link.kind;
    this.root.dataset.mood = list[0].kind;
    this.root.dataset.sound = link.kind === "online" ? (model.status?.audio ?? "") : "";
    setText(this.find("title"), model.title || "Reframe");
    setText(this.find("status"), list.map((notice) => notice.text).join(" · "));
    // Apart from the status itself: a screen reader must not read out every second.
    const waits = link.kind === "offline" && !model.ended;
    setText(this.find("status-when"), waits ? (link.inS > 0 ? `, trying again in ${link.inS} s.` : ", trying again…") : "");
    this.find("retry").hidden = !waits || link.inS === 0;
    this.emptyWords(model, link);
  }

  caption(model) {
    const caption = model.caption;
    this.find("caption").hidden = !caption;
    if (!caption) return;
    this.find("caption").dataset.party = caption.party;
    setText(this.find("caption-who"), caption.speaker);
    setText(this.find("caption-said"), caption.said);
    setText(this.find("caption-tail"), caption.tail ? ` ${caption.tail}` : "");
  }

  /// Brings the main area up to date.
  cards(model, nowMs) {
    const open = model.open;
    const key = model.ended ? "ended" : open ? `card ${open.card.id}` : "empty";
    if (key !== this.shown) {
      this.shown = key;
      this.cardNode = null;
      if (model.ended) this.main.replaceChildren(recap(model));
      else if (open) this.main.replaceChildren(this.card(open.card));
      else this.main.replaceChildren(empty());
      this.bar = null;
    }
    if (open && !model.ended) this.refresh(model, open, nowMs);
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
      card.proof
        ? el("div", { className: "proof" }, el("p", {}, card.proof.text), card.proof.source ? el("p", { className: "source" }, card.proof.source) : null)
        : null,
      card.ask ? el("p", { className: "ask" }, el("span", { className: "lead" }, "Then ask"), el("span", {}, card.ask)) : null,
      el(
        "div",
        { className: "actions" },
        this.button("used", "Used", "U", card.id),
        this.button("dismiss", "Dismiss", "D", card.id),
        this.button("pin", "Pin", "P", card.id),
        this.button("next", "Next", "N", null),
      ),
      why,
    );
    this.cardNode = node;
    return node;
  }

  button(act, word, letter, card) {
    const node = el("button", { type: "button", className: act === "used" ? "act first" : "act", "data-do": act, "aria-keyshortcuts": letter }, el("span", { className: "word" }, word), key(letter));
    node.addEventListener("click", () => this.onAction(act, card));
    return node;
  }

  toggleWhy() {
    const why = this.cardNode?.querySelector("details");
    if (why) why.open = !why.open;
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

  emptyWords(model, link) {
    const heading = this.main.querySelector(".empty h2");
    if (!heading) return;
    const text = this.main.querySelector(".empty p");
    if (link.kind === "stopped") {
      setText(heading, link.text);
      setText(text, link.detail ?? "You can close this page.");
    } else if (link.kind === "offline") {
      setText(heading, link.text ? "Not connected" : "No connection");
      setText(text, link.text ? `${link.text}.` : "Cards come back by themselves as soon as the server answers.");
    } else if (link.kind !== "online" || !model.status) {
      setText(heading, "Connecting");
      setText(text, "One moment.");
    } else if (model.status.audio === "listening") {
      setText(heading, "Listening");
      setText(text, "A card appears here when the buyer raises something your playbook answers.");
    } else if (model.status.audio === "no_audio") {
      setText(heading, "No sound");
      setText(text, "Check that the meeting’s audio reaches Reframe. Nobody was heard for 10 seconds.");
    } else {
      setText(heading, "Waiting");
      setText(text, "Nobody to listen to yet. Cards start when people with consent on record join.");
    }
  }
}

function empty() {
  const waves = el("div", { className: "waves", "aria-hidden": "true" }, el("span"), el("span"), el("span"), el("span"), el("span"));
  return el("div", { className: "empty" }, waves, el("h2", {}, "Listening"), el("p"));
}

function recap(model) {
  const { shown, used, dismissed, cards } = model.recap;
  const count = (n, word) => el("div", {}, el("dd", {}, String(n)), el("dt", {}, word));
  return el(
    "div",
    { className: "recap" },
    el("h2", {}, model.ended === "failed" ? "The call stopped" : "Call ended"),
    shown === 0 ? el("p", {}, "No card was needed.") : null,
    shown === 0 ? null : el("dl", {}, count(shown, shown === 1 ? "card" : "cards"), count(used, "used"), count(dismissed, "dismissed")),
    cards.length === 0
      ? null
      : el(
          "ul",
          {},
          ...cards.map((card) =>
            el("li", { "data-end": card.end }, el("span", { className: "chip" }, card.label.replaceAll("_", " ")), el("span", { className: "what" }, card.title), el("span", { className: "end" }, END_WORDS[card.end] ?? "")),
          ),
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
    row("Heard", ...(words.length > 0 ? words : ["the sound itself, not the words"])),
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

function key(letter) {
  return el("kbd", { "aria-hidden": "true" }, letter);
}

function ms(value) {
  return `${Math.round(value)} ms`;
}

function clock(value) {
  const s = value / 1000;
  const minutes = Math.floor(s / 60);
  return `${minutes}:${(s - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// The side panel: words of a call with their neighbours, or what a search found.

import { el, setText } from "/assets/elements.js";
import { LOW_CONFIDENCE, count, moment, percent, time } from "./words.js";

/// Turns before and after the one asked for, and how many more with each click.
const AROUND = 8;
const MORE = 20;

export class Side {
  constructor(root, api) {
    this.root = root;
    this.panel = root.querySelector("#side");
    this.title = root.querySelector("#side-title");
    this.body = root.querySelector("#side-body");
    this.api = api;
    this.from = null; // what had the focus before
    this.asked = 0;
    root.querySelector("#side-close").addEventListener("click", () => this.close());
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  open(title, from, focus = true) {
    this.from = from ?? this.from;
    setText(this.title, title);
    this.panel.hidden = false;
    this.root.dataset.side = "open";
    if (focus) this.title.focus({ preventScroll: true });
  }

  close() {
    this.asked += 1;
    this.panel.hidden = true;
    this.root.dataset.side = "closed";
    if (this.from?.isConnected) this.from.focus();
    this.from = null;
  }

  trouble(title, refused, from) {
    this.open(title, from);
    this.body.replaceChildren(el("p", { className: "notice" }, `${refused.says}.`));
  }

  /// Shows the words `evidence` points at. `from` gets the focus back; without `focus`, nothing takes it.
  async words(evidence, from, focus = true, around = AROUND) {
    const asked = ++this.asked;
    let stretch;
    try {
      stretch = await this.api.get("transcript", { call: evidence.call, utterance: evidence.utterance, around });
    } catch (refused) {
      if (asked === this.asked && focus) this.trouble("No words to show", refused, from);
      return;
    }
    if (asked !== this.asked) return;
    const { transcript, before, after } = stretch;
    this.open(transcript.title, from, focus);
    const wider = (word) => {
      const node = el("button", { type: "button", className: "plain wider" }, word);
      node.addEventListener("click", () => this.words(evidence, from, true, around + MORE));
      return node;
    };
    const turns = transcript.turns.map((turn) => turnNode(transcript, turn, evidence));
    this.body.replaceChildren(
      el("p", { className: "about" }, moment(transcript.started_unix_ms)),
      ...(before > 0 ? [wider(`${count(before, "turn")} before`)] : []),
      el("ol", { className: "turns" }, ...turns),
      ...(after > 0 ? [wider(`${count(after, "turn")} after`)] : []),
    );
    const hit = this.body.querySelector("mark") ?? this.body.querySelector("[data-at]");
    if (hit) this.body.scrollTop += hit.getBoundingClientRect().top - this.body.getBoundingClientRect().top - this.body.clientHeight / 3;
  }

  async search(query, from) {
    const asked = ++this.asked;
    let hits;
    try {
      ({ hits } = await this.api.get("search", { q: query }));
    } catch (refused) {
      if (asked === this.asked) this.trouble("Not searched", refused, from);
      return;
    }
    if (asked !== this.asked) return;
    this.open(hits.length === 0 ? `Nobody said “${query}”` : `“${query}”: ${count(hits.length, "place")}`, from);
    const row = (hit) => {
      const words = hit.snippet.flatMap((piece) => [piece.hit ? el("mark", {}, piece.text) : piece.text, " "]);
      const node = el("button", { type: "button", className: "hit" }, el("span", { className: "turn-head" }, el("strong", {}, hit.speaker), ` ${time(hit.from_ms)} · ${hit.title}, ${moment(hit.started_unix_ms)}`), el("span", { className: "hit-words" }, ...words));
      node.addEventListener("click", () => this.words({ call: hit.call, utterance: hit.utterance, from_ms: hit.from_ms, to_ms: hit.from_ms }, from));
      return el("li", {}, node);
    };
    this.body.replaceChildren(hits.length === 0 ? el("p", { className: "about" }, "Try fewer words, or another form of one.") : el("ol", { className: "turns" }, ...hits.map(row)));
  }
}

function turnNode(transcript, turn, evidence) {
  const speaker = transcript.participants[turn.speaker] ?? { name: "somebody", side: "unknown" };
  const here = turn.utterance === evidence.utterance;
  const cited = (word) => here && word.from_ms >= evidence.from_ms && word.to_ms <= evidence.to_ms;
  const pieces = [];
  let run = [];
  const flush = () => {
    if (run.length > 0) pieces.push(el("mark", {}, ...run.slice(0, -1)), " ");
    run = [];
  };
  for (const word of turn.words) {
    const node = wordNode(word);
    if (cited(word)) run.push(node, " ");
    else {
      flush();
      pieces.push(node, " ");
    }
  }
  flush();
  const at = turn.words[0]?.from_ms ?? 0;
  return el(
    "li",
    { className: "turn", "data-side": speaker.side, ...(here ? { "data-at": "true" } : {}) },
    el("span", { className: "turn-head" }, el("strong", {}, speaker.name), ` ${time(at)}`),
    el("span", { className: "turn-words" }, ...pieces),
  );
}

function wordNode(word) {
  if (word.confidence >= LOW_CONFIDENCE) return word.text;
  return el("span", { className: "faint", title: `heard badly, ${percent(word.confidence)} sure` }, word.text);
}

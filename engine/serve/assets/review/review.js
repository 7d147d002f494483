// Wires the page: link -> server -> state -> inbox, note, cards; keys; the name of who decides.

import { el, setText } from "/assets/elements.js";
import { Api, Refused } from "./api.js";
import { Cards } from "./cards.js";
import { debriefParts, nobodyYet } from "./debrief.js";
import { Decisions } from "./decisions.js";
import { renderInbox } from "./inbox.js";
import { listen } from "./keys.js";
import { noteParts } from "./note.js";
import { Results } from "./results.js";
import { approvable, neighbour, newState, openBatch, take, takeOutbox, waiting } from "./state.js";
import { Side } from "./transcript.js";
import { count, moment } from "./words.js";

/// How often the server is asked for what is new, in ms; after a break, twice as long each time up to the second.
const ASK_MS = 2_000;
const LONGEST_ASK_MS = 15_000;
const TOKEN_AT = "reframe:review";
/// From this width on there is room for the words beside the proposals.
const WIDE = "(min-width: 1100px)";

const app = document.getElementById("app");
const find = (id) => app.querySelector(`#${id}`);
const state = newState();
let api = null;
let decisions = null;
let side = null;
let timer = null;
let waitMs = ASK_MS;
let asking = false;
let debriefOf = null; // the same of the debrief's
let noteOf = null; // what the note area shows, so that it is only rebuilt when it changes

const cards = new Cards(find("cards"), {
  approve: (id) => decisions.approve([id], false),
  edit,
  reject,
  keep: (id, action) => decisions.edit(id, action),
  leave,
  refuse: (id, reason) => decisions.reject(id, reason),
  words,
  current: (id) => {
    if (state.current === id) return;
    state.current = id;
    for (const each of state.items.keys()) cards.node(each)?.toggleAttribute("data-current", each === id);
  },
  seen: (ids) => decisions?.seen(ids),
});
const results = new Results(app, { again: (ids) => decisions.approve(ids, true), go: (id) => cards.focus(id) });

function say(text) {
  // The same words twice are read twice.
  const announce = find("announce");
  announce.replaceChildren(el("p", {}, text));
}

function words(evidence, from, focus = true) {
  side.words(evidence, from, focus);
}

function render() {
  renderInbox(app, state, open);
  trouble();
  setText(find("who-word"), state.who === "" ? "" : "Deciding as ");
  setText(find("who-name"), state.who === "" ? "Who decides?" : state.who);
  const batch = state.batches.find((each) => each.batch === state.batch);
  find("batch").hidden = !batch;
  find("nothing").hidden = Boolean(batch);
  if (!batch) {
    setText(find("nothing"), state.upto === null ? (state.link.kind === "stopped" ? "" : "Loading…") : "Nothing waits for you. What a call or the night leaves to decide appears here.");
    return;
  }
  setText(find("batch-title"), batch.title);
  const left = waiting(state);
  setText(find("batch-about"), `${moment(batch.at_unix_ms)} · ${left === 0 ? "all decided" : `${left} of ${state.items.size} to decide`}`);
  const ready = approvable(state).length;
  find("approve-all").disabled = ready === 0;
  setText(find("approve-all-word"), state.busy.size > 0 ? "Sending…" : ready === 0 ? "Nothing to approve" : ready === 1 ? "Approve the one left" : `Approve all ${ready}`);
  renderNote();
  renderDebrief();
  cards.render(state);
  results.render(state);
}

function renderNote() {
  const area = find("note");
  if (noteOf === state.note) return;
  noteOf = state.note;
  area.hidden = state.note === null;
  area.replaceChildren(...(state.note === null ? [] : noteParts(state.note, words)));
}

/// Whether a call has a debrief is not told to those who have not said who they are: then the note stands for it.
function renderDebrief() {
  const area = find("debrief");
  const shows = state.debrief ?? (state.note !== null && state.who === "" ? "nobody" : null);
  if (debriefOf === shows) return;
  debriefOf = shows;
  area.hidden = shows === null;
  const open = area.querySelector("details")?.open ?? false;
  const parts = shows === null ? [] : shows === "nobody" ? nobodyYet(askName) : debriefParts(shows, words, release);
  area.replaceChildren(...parts.filter((part) => part !== null));
  const details = area.querySelector("details");
  if (details) details.open = open;
}

/// Asks for the debrief of the call that is open, in the name of who is here.
async function loadDebrief() {
  const { batch, who } = state;
  const call = state.batches.find((each) => each.batch === batch)?.call ?? null;
  if (call === null || who === "") return;
  await takeDebrief(api.post("debrief", { by: who, call }), batch, who);
}

async function release() {
  const { batch, who } = state;
  const { call } = state.batches.find((each) => each.batch === batch);
  await takeDebrief(api.post("debrief/release", { by: who, call }), batch, who);
  say("The debrief is open to your manager");
}

async function takeDebrief(asked, batch, who) {
  try {
    const view = await asked;
    if (state.batch !== batch || state.who !== who) return;
    state.debrief = view;
  } catch (refused) {
    if (refused.status !== 404) lost(refused);
  }
  render();
}

function trouble() {
  const { link } = state;
  app.dataset.link = link.kind;
  const box = find("trouble");
  box.hidden = link.kind !== "offline" && link.kind !== "stopped";
  find("retry").hidden = link.kind !== "offline";
  if (link.kind === "offline") setText(find("trouble-text"), `${link.says}. What you see may be old; the page tries again by itself.`);
  if (link.kind === "stopped") setText(find("trouble-text"), link.says);
}

/// Notes how the connection is after a refusal.
function lost(refused) {
  if (!(refused instanceof Refused)) throw refused;
  if (refused.status === 401 || refused.status === 403) state.link = { kind: "stopped", says: `${refused.says}.` };
  else state.link = { kind: "offline", says: refused.says };
}

async function open(name) {
  if (state.editing !== null && name !== state.batch && !cards.editor(state.editing.id)?.close()) return;
  let items;
  try {
    ({ items } = await api.get("batch", { batch: name }));
  } catch (refused) {
    lost(refused);
    render();
    return;
  }
  openBatch(state, name, items);
  noteOf = undefined;
  debriefOf = undefined;
  history.replaceState(null, "", `#batch=${encodeURIComponent(name)}`);
  render();
  window.scrollTo(0, 0);
  const { call, title } = state.batches.find((each) => each.batch === name);
  say(`${title}: ${count(waiting(state), "proposal")} to decide`);
  if (call === null) return;
  try {
    const note = await api.get("note", { call });
    if (state.batch !== name) return;
    state.note = note;
    render();
    loadDebrief();
    const first = note.note.headline?.evidence.find((each) => each.kind === "words");
    if (first && matchMedia(WIDE).matches && !side.isOpen) words(first, null, false);
  } catch (refused) {
    // A batch without a note can be decided all the same.
    if (refused.status !== 404) lost(refused);
    render();
  }
}

/// Asks for everything: at the start, and after a break.
async function load() {
  const { upto, batches, outbox } = await api.get("inbox");
  state.upto = upto;
  state.batches = batches;
  takeOutbox(state, outbox);
  state.link = { kind: "online" };
  const asked = new URLSearchParams(location.hash.slice(1)).get("batch");
  const known = (name) => batches.some((each) => each.batch === name);
  const name = [state.batch, asked, batches.find((each) => each.waiting > 0)?.batch, batches[0]?.batch].find((each) => each && known(each));
  if (name === undefined) render();
  else if (name !== state.batch) await open(name);
  else for (const item of (await api.get("batch", { batch: name })).items) take(state, item);
}

async function poll() {
  if (asking || state.link.kind === "stopped") return;
  clearTimeout(timer);
  asking = true;
  try {
    if (state.upto === null || state.link.kind === "offline") {
      await load();
    } else {
      const news = await api.get("changes", { since: state.upto });
      state.upto = news.upto;
      if (news.batches) state.batches = news.batches;
      if (news.outbox) takeOutbox(state, news.outbox);
      for (const item of news.items) take(state, item);
      if (state.batch === null && state.batches.length > 0) await open(state.batches[0].batch);
    }
    waitMs = ASK_MS;
  } catch (refused) {
    lost(refused);
    waitMs = Math.min(LONGEST_ASK_MS, waitMs * 2);
  } finally {
    asking = false;
  }
  render();
  if (state.link.kind !== "stopped") timer = setTimeout(poll, waitMs);
}

/// The name of who decides, asked for once; nothing if they will not say.
function person() {
  return state.who === "" ? askName() : Promise.resolve(state.who);
}

let naming = null; // whoever waits for a name waits for the same one

function askName() {
  if (naming !== null) return naming;
  const dialog = find("name-dialog");
  const input = find("name");
  const form = find("name-form");
  const wrong = find("name-trouble");
  wrong.hidden = true;
  input.value = state.who;
  naming = new Promise((resolve) => {
    const end = (who) => {
      form.removeEventListener("submit", submit);
      dialog.removeEventListener("close", off);
      if (dialog.open) dialog.close();
      naming = null;
      resolve(who);
    };
    const submit = async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (name === "") return;
      try {
        // The server says whether this is a person.
        await api.post("shown", { by: name, ids: [state.current], ago_ms: decisions.ago(state.current) });
      } catch (refused) {
        wrong.hidden = false;
        setText(wrong, refused.unanswered ? "The server does not answer. Try again in a moment." : `${refused.says}.`);
        return;
      }
      state.who = name;
      state.debrief = null;
      render();
      end(name);
      loadDebrief();
    };
    const off = () => end(null);
    form.addEventListener("submit", submit);
    dialog.addEventListener("close", off);
  });
  dialog.showModal();
  input.select();
  return naming;
}

function edit(id, addLine) {
  if (state.busy.has(id) || (state.editing !== null && state.editing.id !== id && !cards.editor(state.editing.id)?.close())) return;
  state.current = id;
  state.rejecting = null;
  state.editing = { id, addLine, says: "" };
  render();
}

function reject(id) {
  if (state.busy.has(id) || state.editing?.id === id) return;
  state.current = id;
  state.rejecting = id;
  render();
}

function leave(id) {
  state.editing = null;
  state.rejecting = null;
  render();
  cards.focus(id);
}

function step(by) {
  const id = neighbour(state, by);
  if (id === null) return;
  // The first press shows where one is.
  const here = cards.node(state.current);
  const to = here?.contains(document.activeElement) ? id : state.current;
  cards.focus(to);
}

function stepBatch(by) {
  const at = state.batches.findIndex((each) => each.batch === state.batch);
  const to = state.batches[at + by];
  if (to) open(to.batch);
}

function now() {
  return state.items.get(state.current) ?? null;
}

function decidable() {
  const item = now();
  return item !== null && (item.waits || item.standing === "approved");
}

function start() {
  const given = new URLSearchParams(location.hash.slice(1));
  let token = given.get("token");
  try {
    // The token leaves the address bar: a shared screen shows that.
    if (token) {
      sessionStorage.setItem(TOKEN_AT, token);
      history.replaceState(null, "", location.pathname);
    } else {
      token = sessionStorage.getItem(TOKEN_AT);
    }
  } catch {
    // Without storage a reload needs the full link again.
  }
  window.addEventListener("hashchange", () => location.reload());
  if (!token) {
    state.link = { kind: "stopped", says: "There is no key in this link. Open the full link that Reframe gave you." };
    render();
    return;
  }
  api = new Api(token);
  side = new Side(app, api);
  decisions = new Decisions(api, state, {
    person,
    digest: (id) => cards.digest(id),
    focus: (id) => cards.focus(id),
    focusResults: () => find("results").focus(),
    results,
    render,
    poll,
    say,
  });
  find("approve-all").addEventListener("click", () => decisions.approveAll());
  find("retry").addEventListener("click", poll);
  find("who").addEventListener("click", () => {
    if (state.current !== null) askName();
  });
  find("name-cancel").addEventListener("click", () => find("name-dialog").close());
  find("help-button").addEventListener("click", () => find("help").showModal());
  find("help-close").addEventListener("click", () => find("help").close());
  find("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const query = find("q").value.trim();
    if (query !== "") side.search(query, find("q"));
  });
  listen(document, {
    next: () => step(1),
    previous: () => step(-1),
    approve: () => now()?.may_be_approved && decisions.approve([state.current], false),
    approveAll: () => decisions.approveAll(),
    edit: () => decidable() && edit(state.current, false),
    reject: () => decidable() && reject(state.current),
    words: () => cards.node(state.current)?.querySelector("button.cite")?.click(),
    sent: () => cards.node(state.current)?.querySelector(".sent summary")?.click(),
    nextBatch: () => stepBatch(1),
    previousBatch: () => stepBatch(-1),
    search: () => find("q").focus(),
    help: () => find("help").showModal(),
    escape: (target) => {
      if (app.querySelector("dialog[open]")) return false;
      if (state.editing !== null && target.closest?.(".edit")) return cards.editor(state.editing.id)?.close() || true;
      if (state.rejecting !== null) return leave(state.rejecting) || true;
      if (side.isOpen) return side.close() || true;
      if (target === find("q")) return cards.focus(state.current) || true;
      return false;
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") poll();
  });
  window.addEventListener("beforeunload", (event) => {
    if (state.editing !== null) event.preventDefault();
  });
  window.__review = { get link() { return state.link.kind; }, get batch() { return state.batch; }, get current() { return state.current; } };
  poll();
}

start();

// Wires the page: link -> connection -> model -> view, keys, and the small window that stays on top.

import { Connection } from "./connection.js";
import { apply, drop, dropOverdue, newModel } from "./model.js";
import { Panels } from "./panels.js";
import { View } from "./view.js";

const app = document.getElementById("app");
const model = newModel();
let link = { kind: "connecting" };
let connection = null;
const painted = [];

const view = new View(app, act);
const panels = new Panels(app, send, () => panels.render(model, link));

function render() {
  const now = Date.now();
  dropOverdue(model, now);
  view.cards(model, now);
  view.status(model, link, now);
  view.caption(model);
  panels.render(model, link);
}

const REFUSALS = { too_fast: "Too fast: press again", too_long: "That note is too long: make it two" };

function onMessage(message) {
  if (message.type === "refused") {
    view.unsent();
    if (message.do === "note") panels.sent(false);
    view.toast(REFUSALS[message.reason] ?? "That did not go through");
    return;
  }
  if (!apply(model, message, Date.now())) return;
  if (message.type === "caption" || message.type === "final") {
    view.caption(model);
    return;
  }
  render();
  if (model.erased) view.toast(model.erased.name ? `What ${model.erased.name} said was erased` : "What was said was erased");
  if (model.missed && !model.open) view.toast("Cards came and went while you were away");
  if (model.fresh !== null) arrived(model.fresh);
  if (model.ended) connection.stop();
}

/// A new card is on the page: say it to screen readers, and note when it was really painted.
function arrived(id) {
  const open = model.open;
  if (open?.card.id !== id) return;
  view.announce(open.card);
  const frame = app.ownerDocument.defaultView;
  frame.requestAnimationFrame(() =>
    frame.requestAnimationFrame(() => {
      performance.mark(`card:${id}:painted`);
      painted.push({ id, seq: open.card.seq, sent_unix_us: open.card.sent_unix_us, at_unix_ms: performance.timeOrigin + performance.now() });
      if (painted.length > 100) painted.shift();
    }),
  );
}

/// Sends an action; says whether it left.
function send(action) {
  if (model.ended) return false;
  if (!connection?.act(action)) {
    view.toast("Offline: not sent");
    return false;
  }
  return true;
}

function act(what, card, to) {
  if (what === "coaching") {
    send({ do: what, to });
    return;
  }
  if (what !== "next" && card === null) return;
  if (what === "next" && model.queueLen === 0) return;
  if (!send(card === null ? { do: what } : { do: what, card })) return;
  if (what === "used" || what === "dismiss" || what === "wrong") {
    view.sent();
    setTimeout(() => {
      if (link.kind === "online" && drop(model, card)) render();
      else view.unsent();
    }, 2000);
  }
}

const CARD_KEYS = { u: "used", d: "dismiss", p: "pin", x: "wrong" };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const letter = event.key.toLowerCase();
  if (letter === "escape") {
    help(false);
    panels.toggle("call", false);
    panels.note(false, model, link);
    return;
  }
  // Letters that are being written are no commands.
  if (event.target.closest?.("textarea")) return;
  if (!app.querySelector("#keys-on").checked && letter !== "?") return;
  if (letter === "?") help();
  else if (letter === "w") view.toggleWhy();
  else if (letter === "n" && (model.open || model.queueLen > 0)) act("next", null);
  else if (letter === "n" || letter === "t") panels.note(true, model, link);
  else if (letter === "o") panels.settle(null, "rep");
  else if (letter === "b") panels.settle(null, "buyer");
  else if (letter === "c") callPanel();
  else if (CARD_KEYS[letter]) act(CARD_KEYS[letter], model.open?.card.id ?? null);
  else return;
  event.preventDefault();
}

function callPanel() {
  if (!app.querySelector("#call-button").hidden && panels.toggle("call")) help(false);
}

function help(open) {
  if (panels.toggle("help", open)) panels.toggle("call", false);
}

/// The small window that stays on top of the meeting. It shows this very page's elements, moved over.
async function keepOnTop() {
  if (documentPictureInPicture.window) {
    documentPictureInPicture.window.close();
    return;
  }
  const small = await documentPictureInPicture.requestWindow({ width: 400, height: 600 });
  const head = small.document.head;
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"]')) {
    const copy = small.document.createElement("link");
    copy.rel = "stylesheet";
    copy.href = sheet.href;
    head.append(copy);
  }
  small.document.title = document.title;
  small.document.documentElement.lang = document.documentElement.lang;
  small.document.body.classList.add("small");
  small.document.body.append(app);
  moved();
  small.document.addEventListener("keydown", onKey);
  document.getElementById("away").hidden = false;
  small.addEventListener("pagehide", () => {
    document.body.append(app);
    document.getElementById("away").hidden = true;
    moved();
  });
}

/// Running animations do not survive a move from one document to another.
function moved() {
  view.bar = null;
  render();
}

/// Call and token stand in the fragment of the link. The token then leaves the address bar: a shared screen shows that.
function target() {
  const given = new URLSearchParams(location.hash.slice(1));
  const call = given.get("call");
  if (!call) return null;
  let token = given.get("token");
  try {
    if (token) {
      sessionStorage.setItem(`reframe:${call}`, token);
      history.replaceState(null, "", `#call=${encodeURIComponent(call)}`);
    } else {
      token = sessionStorage.getItem(`reframe:${call}`);
    }
  } catch {
    // Without storage the token simply stays in the address bar.
  }
  return token ? { call, token } : null;
}

function start() {
  document.addEventListener("keydown", onKey);
  app.querySelector("#help-button").addEventListener("click", () => help());
  app.querySelector("#call-button").addEventListener("click", callPanel);
  app.querySelector("#note-button").addEventListener("click", () => panels.note(undefined, model, link));
  app.querySelector("#retry").addEventListener("click", () => connection?.retryNow());
  document.getElementById("bring-back").addEventListener("click", () => documentPictureInPicture.window?.close());
  if ("documentPictureInPicture" in window) {
    const pip = app.querySelector("#pip");
    pip.hidden = false;
    pip.addEventListener("click", () => keepOnTop().catch(() => view.toast("This browser did not open the small window")));
  }
  window.addEventListener("hashchange", () => location.reload());
  setInterval(() => {
    if (dropOverdue(model, Date.now())) render();
    else view.status(model, link, Date.now());
  }, 1000);

  const to = target();
  if (!to) {
    link = { kind: "stopped", text: "No call in this link", detail: "Open the full link that Reframe gave you." };
    render();
    return;
  }
  connection = new Connection(to, {
    lastSeq: () => model.seq,
    onMessage,
    onLink: (next) => {
      link = next;
      render();
    },
  });
  window.__reframe = { painted, get seq() { return model.seq; }, get link() { return link.kind; } };
  render();
  connection.open();
}

start();

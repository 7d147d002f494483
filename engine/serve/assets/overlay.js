// Wires the page: link -> connection -> model -> view, keys, and the small window that stays on top.

import { Connection } from "./connection.js";
import { apply, drop, dropOverdue, newModel } from "./model.js";
import { View } from "./view.js";

const app = document.getElementById("app");
const model = newModel();
let link = { kind: "connecting" };
let connection = null;
const painted = [];

const view = new View(app, act);

function render() {
  const now = Date.now();
  dropOverdue(model, now);
  view.cards(model, now);
  view.status(model, link);
  view.caption(model);
}

function onMessage(message) {
  if (message.type === "refused") {
    view.unsent();
    view.toast(message.reason === "too_fast" ? "Too fast: press again" : "That did not go through");
    return;
  }
  if (!apply(model, message, Date.now())) return;
  if (message.type === "caption" || message.type === "final") {
    view.caption(model);
    return;
  }
  render();
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

function act(what, card) {
  if (model.ended) return;
  if (what !== "next" && card === null) return;
  if (what === "next" && model.queueLen === 0) return;
  const action = card === null ? { do: what } : { do: what, card };
  if (!connection?.act(action)) {
    view.toast("Offline: not sent");
    return;
  }
  if (what === "used" || what === "dismiss") {
    view.sent();
    setTimeout(() => {
      if (link.kind === "online" && drop(model, card)) render();
      else view.unsent();
    }, 2000);
  }
}

const KEYS = { u: "used", d: "dismiss", p: "pin", n: "next" };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const letter = event.key.toLowerCase();
  if (letter === "escape") {
    help(false);
    return;
  }
  if (!app.querySelector("#keys-on").checked && letter !== "?") return;
  if (letter === "?") help();
  else if (letter === "w") view.toggleWhy();
  else if (letter === "n") act("next", null);
  else if (KEYS[letter]) act(KEYS[letter], model.open?.card.id ?? null);
  else return;
  event.preventDefault();
}

function help(open) {
  const panel = app.querySelector("#help");
  panel.hidden = open === undefined ? !panel.hidden : !open;
  app.querySelector("#help-button").setAttribute("aria-expanded", String(!panel.hidden));
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

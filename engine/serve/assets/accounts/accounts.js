// Wires the page: link -> document of the view -> elements. Every view has an address that can be kept.

import { el, setText } from "/assets/elements.js";
import { Api, Refused } from "./api.js";
import { Api as Words } from "/assets/review/api.js";
import { Side } from "/assets/review/transcript.js";
import { accountParts, accountsParts, go } from "./account.js";
import { briefParts, briefsParts } from "./briefs.js";
import { funnelParts } from "./funnel.js";
import { journeyParts } from "./journey.js";
import { huddleParts } from "./huddle.js";

/// The same place as the review page's: one key opens both.
const TOKEN_AT = "reframe:review";
const ASKED = { from: "outreach", to: "live_call", by: "week" };

const find = (id) => document.getElementById(id);
let api = null;
let side = null; // words of a call, as on the review page
let turn = 0; // only the latest request paints
/// Views of one thing, and the tab they belong to.
const TABS = { account: "accounts", journey: "accounts", brief: "briefs" };

/// What the address asks for: { view, query }.
function wanted() {
  const given = new URLSearchParams(location.hash.slice(1));
  const view = given.get("view") ?? "huddle";
  if (view === "account") return { view, query: { id: given.get("id") ?? "" } };
  if (view === "journey") return { view, query: { id: given.get("id") ?? "", ...(given.has("walk") ? { walk: given.get("walk") } : {}) } };
  if (view === "funnel") return { view, query: Object.fromEntries(Object.entries(ASKED).map(([name, usual]) => [name, given.get(name) ?? usual])) };
  if (view === "accounts" || view === "briefs") return { view, query: {} };
  if (view === "brief") return { view, query: { id: given.get("id") ?? "" } };
  const date = given.get("date");
  return { view: "huddle", query: date ? { date } : {} };
}

function parts(view, query, page) {
  if (view === "accounts") return accountsParts(page);
  if (view === "account") return accountParts(page);
  if (view === "journey") return journeyParts(page);
  if (view === "briefs") return briefsParts(page);
  if (view === "brief") return briefParts(page, (evidence, from) => side.words(evidence, from));
  if (view === "funnel") return funnelParts(page, query, (asked) => (location.hash = new URLSearchParams({ view, ...asked }).toString()));
  return huddleParts(page);
}

async function show() {
  const { view, query } = wanted();
  turn += 1;
  const mine = turn;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === (TABS[view] ?? view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  let page;
  try {
    page = await api.get(view, query);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (mine === turn) trouble(`${refused.says}.`, refused.status === 0);
    return;
  }
  if (mine !== turn) return;
  trouble("", false);
  if (side.isOpen) side.close();
  const made = parts(view, query, page);
  find("main").replaceChildren(...made);
  const head = made[0];
  document.title = `${head.textContent} · Reframe`;
  window.scrollTo(0, 0);
  head.focus({ preventScroll: true });
  // A hand-off, call or proposal was asked for: its account is shown at that place.
  if (view === "account") go(query.id);
  find("announce").replaceChildren(el("p", {}, head.textContent));
}

function trouble(text, again) {
  find("trouble").hidden = text === "";
  setText(find("trouble-text"), text);
  find("retry").hidden = !again;
}

function start() {
  // The address says which view it is; the way to the content must not change it.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    find("main").focus();
  });
  const given = new URLSearchParams(location.hash.slice(1));
  let token = given.get("token");
  try {
    // The token leaves the address bar: a shared screen shows that.
    if (token) {
      sessionStorage.setItem(TOKEN_AT, token);
      given.delete("token");
      history.replaceState(null, "", given.size > 0 ? `#${given}` : location.pathname);
    } else {
      token = sessionStorage.getItem(TOKEN_AT);
    }
  } catch {
    // Without storage a reload needs the full link again.
  }
  if (!token) {
    find("main").replaceChildren();
    trouble("There is no key in this link. Open the full link that Reframe gave you.", false);
    return;
  }
  api = new Api(token);
  side = new Side(find("app"), new Words(token));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && side.isOpen) side.close();
  });
  window.addEventListener("hashchange", show);
  find("retry").addEventListener("click", show);
  show();
}

start();

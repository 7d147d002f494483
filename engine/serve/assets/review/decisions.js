// What a person decides, sent to the server once, and what it says put before them.

import { Refused } from "./api.js";
import { inWords, spoken } from "./results.js";
import { approvable, nextWaiting, take } from "./state.js";
import { name } from "./words.js";

/// Proposals sent with one request: an answer comes within its time also for a long night.
const AT_ONCE = 200;
/// How often at most the server is told what was on the screen, in ms.
const TELL_MS = 1500;

export class Decisions {
  /// `ui` has: person() (a name, or nothing if none is given), digest(id), focus(id), results, render(), poll(), say(text).
  constructor(api, state, ui) {
    this.api = api;
    this.state = state;
    this.ui = ui;
    this.shown = new Map(); // proposal -> when it first came on this screen, until the server is told
    this.told = new Set();
    setInterval(() => this.tell().catch(() => {}), TELL_MS);
  }

  /// How long ago a proposal came on this screen, in ms.
  ago(id) {
    return Math.round(performance.now() - (this.shown.get(id) ?? performance.now()));
  }

  seen(ids) {
    for (const id of ids) if (!this.told.has(id) && !this.shown.has(id)) this.shown.set(id, performance.now());
  }

  /// Says what was on the screen since when; for whom, is known only once there is a name.
  async tell() {
    if (this.state.who === "" || this.shown.size === 0) return;
    const groups = new Map();
    for (const [id, at] of this.shown) {
      const second = Math.floor(at / 1000);
      groups.set(second, [...(groups.get(second) ?? []), [id, at]]);
    }
    this.shown = new Map();
    for (const group of groups.values()) {
      const ids = group.map(([id]) => id);
      const ago = Math.round(performance.now() - group[0][1]);
      try {
        await this.api.post("shown", { by: this.state.who, ids, ago_ms: ago });
        for (const id of ids) this.told.add(id);
      } catch (refused) {
        for (const [id, at] of group) if (refused.unanswered && !this.shown.has(id)) this.shown.set(id, at);
      }
    }
  }

  /// One click of yes, on what the screen shows of each. `many`: it came from the button for all.
  async approve(ids, many) {
    const { state, ui } = this;
    const wanted = () => ids.filter((id) => state.items.get(id)?.waits && !state.busy.has(id));
    // Taken at the click: what comes in while a name is asked for was not seen.
    const clicked = new Map(wanted().map((id) => [id, ui.digest(id)]));
    if (clicked.size === 0) return;
    const who = await ui.person();
    if (who === null) return;
    const items = wanted().filter((id) => clicked.get(id)).map((id) => ({ id, digest: clicked.get(id) }));
    if (items.length === 0) return;
    for (const { id } of items) state.busy.add(id);
    const { batch } = state;
    ui.render();
    await this.tell().catch(() => {});
    const results = [];
    for (let from = 0; from < items.length; from += AT_ONCE) {
      const part = items.slice(from, from + AT_ONCE);
      try {
        const answer = await this.api.post("approve", { by: who, items: part });
        results.push(...answer.results.map((verdict) => ({ ...inWords(verdict), verdict })));
      } catch (refused) {
        const says = refused.unanswered ? "no answer: not known whether it went through. Trying again does no harm" : refused.says;
        const result = refused.unanswered ? "unknown" : "refused";
        results.push(...part.map(({ id }) => ({ id, result, says, verdict: null })));
      }
    }
    for (const { id } of items) state.busy.delete(id);
    for (const each of results) this.settle(each, who);
    if (many) ui.results.show(batch, results);
    ui.say(many ? spoken(results) : `${name(state.items.get(ids[0]))}: ${results[0].says}`);
    ui.render();
    const went = results.every((each) => ["approved", "already"].includes(each.result));
    if (many) ui.focusResults();
    else ui.focus((went ? nextWaiting(state, ids[0]) : null) ?? ids[0]);
    ui.poll();
  }

  /// Takes over what the server said to one click.
  settle({ id, result, says, verdict }, who) {
    const { state } = this;
    const item = state.items.get(id);
    if (!item) return;
    state.said.delete(id);
    if (result === "approved" || result === "already") {
      state.changed.delete(id);
      state.items.set(id, { ...item, standing: "approved", by: verdict.by ?? who, waits: false, may_be_approved: false });
    } else if (verdict?.now) {
      take(state, verdict.now);
      state.changed.add(id);
    } else {
      state.said.set(id, `Not approved: ${says}`);
    }
  }

  approveAll() {
    return this.approve(approvable(this.state).map((item) => item.proposal.id), true);
  }

  async reject(id, reason) {
    await this.one(id, "reject", { reason: reason.trim() }, (item) => {
      this.state.rejecting = null;
      this.ui.say(`Rejected: ${name(item)}`);
      return nextWaiting(this.state, id) ?? id;
    });
  }

  async edit(id, action) {
    await this.one(id, "edit", { action }, (item) => {
      this.state.editing = null;
      this.state.changed.delete(id);
      this.ui.say(`Edited: ${name(item)}. Not approved yet`);
      return id;
    });
  }

  /// One decision about one proposal, on what its card shows.
  async one(id, path, more, done) {
    const { state, ui } = this;
    if (state.busy.has(id)) return;
    const digest = ui.digest(id);
    const who = await ui.person();
    if (who === null || !digest) return;
    state.busy.add(id);
    ui.render();
    let focus = null;
    try {
      const item = await this.api.post(path, { by: who, id, digest, ...more });
      state.mine.add(item.digest);
      state.said.delete(id);
      take(state, item);
      focus = done(item);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      const says = refused.unanswered ? "No answer: not known whether it went through. Look again when the server is back." : `${refused.says}.`;
      if (refused.now) {
        take(state, refused.now);
        state.changed.add(id);
      }
      if (state.editing?.id === id) state.editing = { ...state.editing, says };
      else state.said.set(id, says);
      ui.say(says);
    } finally {
      state.busy.delete(id);
    }
    ui.render();
    if (focus !== null) ui.focus(focus);
    ui.poll();
  }
}

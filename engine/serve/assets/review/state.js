// What the page knows. No DOM, no server.

export function newState() {
  return {
    who: "",
    link: { kind: "connecting" },
    upto: null,
    batches: [],
    outbox: new Map(), // proposal -> how far its write has come
    batch: null, // name of the batch that is open
    items: new Map(), // proposal -> item, of that batch, in its order
    note: null,
    debrief: null, // how its call was led, as far as whoever is here may see it
    current: null, // proposal the keys act on
    editing: null, // proposal that is being edited
    rejecting: null, // proposal that is being rejected
    busy: new Set(), // proposals a decision about which is under way
    changed: new Set(), // proposals that became others under the reader's eyes
    said: new Map(), // proposal -> what the server said to the last click on it
    mine: new Set(), // digests of versions made here
  };
}

/// Takes over how a proposal is now. Says whether it became another one.
export function take(state, item) {
  const { id, batch } = item.proposal;
  if (batch !== state.batch) return false;
  const old = state.items.get(id);
  const other = old !== undefined && old.digest !== item.digest && old.proposal.revision <= item.proposal.revision;
  // An answer that was long on its way must not undo a newer one.
  if (old !== undefined && old.proposal.revision > item.proposal.revision) return false;
  state.items.set(id, item);
  if (other && !state.mine.has(item.digest)) state.changed.add(id);
  if (other) state.said.delete(id);
  return other;
}

export function takeOutbox(state, outbox) {
  state.outbox = new Map(outbox.map((sent) => [sent.id, sent]));
}

export function openBatch(state, name, items) {
  state.batch = name;
  state.items = new Map(items.map((item) => [item.proposal.id, item]));
  state.note = null;
  state.debrief = null;
  state.editing = null;
  state.rejecting = null;
  state.changed.clear();
  state.said.clear();
  state.current = (items.find((item) => item.waits) ?? items[0])?.proposal.id ?? null;
}

/// Those one click can approve now.
export function approvable(state) {
  return [...state.items.values()].filter((item) => item.may_be_approved && item.problem === null && !state.busy.has(item.proposal.id));
}

export function waiting(state) {
  return [...state.items.values()].filter((item) => item.waits).length;
}

/// The proposal `step` places on; stops at the ends.
export function neighbour(state, step) {
  const ids = [...state.items.keys()];
  const at = ids.indexOf(state.current);
  return ids[Math.max(0, Math.min(ids.length - 1, at + step))] ?? null;
}

/// The next proposal after `id` that waits, around the end; nothing if none does.
export function nextWaiting(state, id) {
  const ids = [...state.items.keys()];
  const at = ids.indexOf(id);
  const ring = [...ids.slice(at + 1), ...ids.slice(0, Math.max(0, at))];
  return ring.find((each) => state.items.get(each).waits && !state.busy.has(each)) ?? null;
}

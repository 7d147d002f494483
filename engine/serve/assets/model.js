// What the page knows about the call: messages in, a model out. No DOM, no socket.

const SEQUENCED = new Set(["card", "card_closed", "card_pinned", "queue", "note", "erased"]);
// A card whose end never came (connection or server lost) leaves this long after its time.
const GRACE_MS = 5_000;
// What stands in place of a quotation that was erased.
export const ERASED = '"…"';
// What an older server leaves out of a status.
const STATUS = { consent_awaited: [], consent_rule: null, source: null, coaching: "live", disclosed: null, speaking: [], silent_since_unix_us: null };
// Notes the page keeps.
const NOTES = 200;

export function newModel() {
  return {
    call: "",
    title: "",
    seq: null,
    open: null, // the card on the screen: { card, pinned, endsAt }
    queueLen: 0,
    status: null,
    caption: null, // { track, speaker, party, utterance, said, tail }
    notes: [], // { seq, at_ms, text }
    recap: { shown: 0, used: 0, dismissed: 0, wrong: 0, cards: [] },
    ended: null,
    missed: null,
    clockUs: 0, // server clock minus ours, in microseconds
    fresh: null, // id of a card that has just come
    erased: null, // what was just erased: { name } or null
  };
}

/// Takes a message; says whether anything changed.
export function apply(model, message, nowMs) {
  model.fresh = null;
  model.missed = null;
  model.erased = null;
  if (SEQUENCED.has(message.type)) {
    if (model.seq !== null && message.seq <= model.seq) return false;
    model.seq = message.seq;
  }
  switch (message.type) {
    case "hello_ack":
      model.call = message.call;
      model.clockUs = message.now_unix_us - nowMs * 1000;
      return true;
    case "state": {
      const known = model.open?.card.id ?? null;
      model.call = message.call;
      model.title = message.title;
      model.seq = message.seq;
      model.open = message.card && opened(model, message.card, nowMs);
      model.queueLen = message.queue_len;
      model.status = { ...STATUS, ...message.status };
      model.recap = message.recap;
      // A state has the last notes only; those this page knows already stay.
      keepNotes(model, message.notes ?? []);
      model.ended = message.ended;
      model.missed = message.missed;
      model.caption = null;
      if (message.card && message.card.id !== known) model.fresh = message.card.id;
      return true;
    }
    case "card": {
      model.open = opened(model, message, nowMs);
      model.queueLen = message.queue_len;
      model.fresh = message.id;
      return true;
    }
    case "card_closed":
      if (model.open?.card.id === message.id) model.open = null;
      model.queueLen = message.queue_len;
      return true;
    case "card_pinned":
      if (model.open?.card.id === message.id) {
        // Its time starts anew when it is let go.
        model.open = { ...model.open, pinned: message.pinned, endsAt: nowMs + model.open.card.ttl_ms };
      }
      return true;
    case "queue":
      if (model.open?.card.id === message.id) model.open = null;
      model.queueLen = message.queue_len;
      return true;
    case "caption":
      if (message.committed === "" && message.tail === "") {
        // What this track said is no longer to be shown.
        if (model.caption?.track === message.track) model.caption = null;
        return true;
      }
      model.caption = {
        track: message.track,
        speaker: message.speaker,
        party: message.party,
        utterance: message.utterance,
        said: message.committed,
        tail: message.tail,
      };
      return true;
    case "final":
      // Somebody else may be speaking by now; their words matter more than the end of these.
      if (model.caption && model.caption.track !== message.track) return false;
      model.caption = {
        track: message.track,
        speaker: message.speaker,
        party: message.party,
        utterance: message.utterance,
        said: message.text,
        tail: "",
      };
      return true;
    case "status":
      model.status = { ...STATUS, ...message };
      return true;
    case "note":
      keepNotes(model, [{ seq: message.seq, at_ms: message.at_ms, text: message.text }]);
      return true;
    case "erased":
      erase(model, message.track);
      return true;
    case "ended":
      model.ended = message.reason;
      model.recap = message.recap;
      model.open = null;
      model.queueLen = 0;
      model.caption = null;
      return true;
    default:
      return false;
  }
}

/// Drops the card if its end must have been lost; says whether it did.
export function dropOverdue(model, nowMs) {
  if (!model.open || model.open.pinned || nowMs < model.open.endsAt + GRACE_MS) return false;
  model.open = null;
  return true;
}

/// Drops a card that was acted upon without an answer: a server that was restarted may not know it.
export function drop(model, id) {
  if (model.open?.card.id !== id) return false;
  model.open = null;
  return true;
}

/// Forgets what a track (null: anybody) said.
function erase(model, track) {
  const of = (other) => track === null || other === track || other === null || other === undefined;
  if (model.caption && of(model.caption.track)) model.caption = null;
  const card = model.open?.card;
  if (card && of(card.reason.track)) {
    model.open = { ...model.open, card: { ...card, reason: { ...card.reason, words: [], rule: card.reason.rule.replace(/"[^]*"|"[^]*/, ERASED) } } };
  }
  const known = model.status?.participants.find((each) => each.track === track);
  model.erased = { name: known?.name ?? null };
}

function keepNotes(model, notes) {
  const known = new Set(model.notes.map((note) => note.seq));
  const all = [...model.notes, ...notes.filter((note) => !known.has(note.seq))];
  model.notes = all.sort((a, b) => a.seq - b.seq).slice(-NOTES);
}

function opened(model, card, nowMs) {
  const ageMs = Math.max(0, (nowMs * 1000 + model.clockUs - card.sent_unix_us) / 1000);
  return { card, pinned: card.pinned, endsAt: nowMs + Math.max(0, card.ttl_ms - ageMs) };
}

// What the page knows about the call: messages in, a model out. No DOM, no socket.

const SEQUENCED = new Set(["card", "card_closed", "card_pinned", "queue"]);
// A card whose end never came (connection or server lost) leaves this long after its time.
const GRACE_MS = 5_000;

export function newModel() {
  return {
    call: "",
    title: "",
    seq: null,
    open: null, // the card on the screen: { card, pinned, endsAt }
    queueLen: 0,
    status: null,
    caption: null, // { track, speaker, party, utterance, said, tail }
    recap: { shown: 0, used: 0, dismissed: 0, cards: [] },
    ended: null,
    missed: null,
    clockUs: 0, // server clock minus ours, in microseconds
    fresh: null, // id of a card that has just come
  };
}

/// Takes a message; says whether anything changed.
export function apply(model, message, nowMs) {
  model.fresh = null;
  model.missed = null;
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
      model.status = message.status;
      model.recap = message.recap;
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
      model.status = message;
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

/// What to say about the call, most pressing first: [{ kind, text }]. Never empty.
export function notices(model, link) {
  if (link.kind === "stopped") return [{ kind: "over", text: link.text }];
  if (model.ended) {
    return [{ kind: "over", text: model.ended === "failed" ? "The call stopped because of a fault" : "Call ended" }];
  }
  if (link.kind === "connecting") return [{ kind: "wait", text: "Connecting…" }];
  if (link.kind === "offline") {
    return [{ kind: "bad", text: link.text || "Offline" }];
  }
  const status = model.status;
  if (!status) return [{ kind: "wait", text: "Connecting…" }];
  const list = [];
  if (status.audio === "no_audio") list.push({ kind: "bad", text: "No sound for 10 s. Check the meeting’s audio" });
  if (status.consent_missing.length > 0) {
    list.push({ kind: "warn", text: `Not listening to ${status.consent_missing.join(", ")}: no consent on record` });
  }
  if (status.load === "high") list.push({ kind: "warn", text: "Machine is behind: cards on key phrases only" });
  if (status.speaker_unknown) list.push({ kind: "warn", text: "Speaker unknown: a card may be about your own words" });
  if (status.audio === "waiting" && list.length === 0) list.push({ kind: "wait", text: "Waiting for people to join" });
  if (list.length === 0) list.push({ kind: "good", text: "Listening" });
  return list;
}

function opened(model, card, nowMs) {
  const ageMs = Math.max(0, (nowMs * 1000 + model.clockUs - card.sent_unix_us) / 1000);
  return { card, pinned: card.pinned, endsAt: nowMs + Math.max(0, card.ttl_ms - ageMs) };
}

// Joins a call over WHIP with this browser's microphone.
"use strict";

const el = (id) => document.getElementById(id);
let session = null;

function say(text) {
  el("state").textContent = text;
}

// What the link of an invitation may fill in; the token comes after #, where no server sees it.
function prefill() {
  const asked = new URLSearchParams(location.search);
  for (const id of ["call", "name", "party"]) {
    if (asked.get(id)) el(id).value = asked.get(id);
  }
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret) {
    el("token").value = secret;
    history.replaceState(null, "", location.pathname + location.search);
  }
}

async function listMicrophones() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const device of devices.filter((d) => d.kind === "audioinput" && d.deviceId)) {
    const option = document.createElement("option");
    option.value = device.deviceId;
    option.textContent = device.label || "microphone";
    el("device").append(option);
  }
}

async function why(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

// All candidates are in the offer: no PATCH is needed. Two seconds are enough for addresses of this machine.
function gathered(peer) {
  return new Promise((done) => {
    if (peer.iceGatheringState === "complete") done();
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
    setTimeout(done, 2000);
  });
}

function query() {
  const consent = el("consent").checked ? "ticked on the joining page" : "";
  const part = (text) => encodeURIComponent(text);
  const facts = [el("party").value, el("name").value, consent].map(part).join(",");
  const call = el("call").value ? `call=${part(el("call").value)}&` : "";
  return `${call}track=${facts}`;
}

async function post(token, sdp) {
  return fetch(`/v1/whip?${query()}`, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` },
    body: sdp,
  });
}

async function join() {
  const token = el("token").value;
  const device = el("device").value;
  const processing = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const audio = device ? { ...processing, deviceId: { exact: device } } : processing;
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const peer = new RTCPeerConnection();
  const [track] = stream.getAudioTracks();
  session = { peer, stream, track, token, at: null };
  peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  peer.addEventListener("connectionstatechange", () => changed(peer));
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  const answer = await post(token, peer.localDescription.sdp);
  if (answer.status !== 201) throw new Error(await why(answer));
  session.at = answer.headers.get("Location");
  el("call").value = answer.headers.get("Reframe-Call");
  el("joined").textContent = el("call").value;
  el("where").hidden = false;
  const screen = answer.headers.get("Reframe-Overlay");
  // Only addresses of the web become links.
  if (screen && /^https?:/.test(screen)) {
    el("screen").href = screen;
    el("screen").hidden = false;
  }
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}

function show(joined) {
  el("form").hidden = joined;
  el("in").hidden = !joined;
}

function changed(peer) {
  if (!session || session.peer !== peer) return;
  const state = peer.connectionState;
  if (state === "connected") say(session.track.enabled ? "You are heard." : "You are muted.");
  if (state === "disconnected") say("The connection broke. Waiting for it to come back.");
  if (state === "failed") again();
}

function drop() {
  if (!session) return;
  session.peer.close();
  session.stream.getTracks().forEach((track) => track.stop());
  session = null;
}

// A new session with the same call and name: the server puts it in the place of the old one.
async function again(left = 5) {
  const muted = session && !session.track.enabled;
  drop();
  say("The connection is lost. Joining again.");
  try {
    await join();
    session.track.enabled = !muted;
  } catch (error) {
    drop();
    if (left > 0) {
      setTimeout(() => again(left - 1), 3000);
    } else {
      show(false);
      say(`Not joined: ${error.message}`);
    }
  }
}

el("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  el("join").disabled = true;
  say("Joining.");
  try {
    await join();
    show(true);
  } catch (error) {
    drop();
    say(`Not joined: ${error.message}`);
  }
  el("join").disabled = false;
});

el("mute").addEventListener("click", () => {
  session.track.enabled = !session.track.enabled;
  const muted = !session.track.enabled;
  el("mute").setAttribute("aria-pressed", String(muted));
  say(muted ? "You are muted." : "You are heard.");
});

async function leave() {
  const { at, token } = session;
  drop();
  show(false);
  say("You have left.");
  await fetch(at, { method: "DELETE", headers: { Authorization: `Bearer ${token}` }, keepalive: true });
}

el("leave").addEventListener("click", leave);
// Closing the page is leaving.
addEventListener("pagehide", () => session && session.at && leave());

prefill();
if (navigator.mediaDevices) {
  listMicrophones();
} else {
  say("This browser gives no microphone to this page: open it over https, or at localhost.");
}

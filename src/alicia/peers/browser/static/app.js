// The page: a button to speak, what was said and done, and the reply's sound.

import { awake, Microphone, Onset, Speaker } from "/sound.js";
import { LANGUAGES, words } from "/words.js";

const $ = (id) => document.getElementById(id);
const PRE_ROLL = 30; // frames of 20 ms kept before a turn, in this browser alone
const HOLD_MS = 400;

let text = words("en");
let socket, microphone, guess;
let turn = false; // audio may leave this browser
let number = 0; // of the turn that is on or was last: what is told of another comes too late
let answering = false; // the sound that comes is this turn's
let beginning = false;
let opening; // the microphone, while it is being opened
let kept = [];
let pressedAt = 0;
const speaker = new Speaker();
const onset = new Onset();

// ---- words ----

function speakLanguage(language) {
  text = words(language);
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = text[element.dataset.word];
  $("speak").setAttribute("aria-label", text.speak);
  if ($("area").options.length) $("area").options[0].textContent = text.anywhere;
  show(document.body.dataset.state);
  remember("language", language);
}

function show(state, problem) {
  document.body.dataset.state = state;
  $("status").textContent = problem ?? text[state] ?? "";
  $("speak").setAttribute("aria-pressed", String(state === "listening"));
  if (state !== "listening") $("speak").style.setProperty("--level", 0);
}

function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* private window */ }
}

function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

// ---- talk ----

function say(who, what) {
  const line = document.createElement("li");
  line.className = who;
  line.textContent = what;
  $("talk").append(line);
  while ($("talk").children.length > 40) $("talk").firstChild.remove();
  line.scrollIntoView({ block: "end" });
  return line;
}

function showGuess(what) {
  guess ??= say("you guess", "");
  guess.textContent = what;
}

function showTurn(turned) {
  if (turned.transcript) {
    showGuess(turned.transcript);
    guess.className = "you";
  } else guess?.remove();
  guess = undefined;
  if (!turned.reply) return;
  const line = say(turned.failed ? "alicia failed" : "alicia", turned.reply);
  if (!turned.actions.length) return;
  const done = document.createElement("ul");
  done.className = "done";
  for (const { entity, capability, value, confirmed } of turned.actions) {
    const item = document.createElement("li");
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = confirmed ? "✓ " : "✗ ";
    mark.setAttribute("aria-label", confirmed ? text.confirmed : text.notConfirmed);
    item.className = confirmed ? "" : "open";
    item.append(mark, `${entity.split(".").pop().replaceAll("_", " ")} · ${text[`capability_${capability}`] ?? capability}: ${valueOf(value)}`);
    item.dataset.entity = entity;
    done.append(item);
  }
  line.append(done);
}

function valueOf(value) {
  return value === true ? text.yes : value === false ? text.no : String(value);
}

// ---- the turn ----

/** Have the microphone open; whoever asks meanwhile waits for the same one. */
async function hear() {
  if (microphone) return true;
  opening ??= openMicrophone();
  try {
    return await opening;
  } finally {
    opening = undefined;
  }
}

async function openMicrophone() {
  const opened = new Microphone();
  try {
    await opened.open(onFrame);
  } catch (error) {
    opened.close();
    show("ready", error.name === "NotAllowedError" ? text.noPermission : text.noMicrophone);
    return false;
  }
  microphone = opened;
  return true;
}

function onFrame(frame, level) {
  if (turn) {
    socket.send(frame);
    $("speak").style.setProperty("--level", Math.min(1, level * 8));
    return;
  }
  kept.push(frame);
  if (kept.length > PRE_ROLL) kept.shift();
  if (!$("handsfree").checked || socket?.readyState !== WebSocket.OPEN) return;
  const state = document.body.dataset.state;
  // Over our own voice somebody must speak up: echo cancellation is not perfect.
  if (state === "speaking" ? onset.hears(level, 8, 10) : state === "ready" && onset.hears(level)) begin();
}

async function begin() {
  if (turn || beginning || socket?.readyState !== WebSocket.OPEN) return;
  beginning = true;
  try {
    await awake();
    if (!(await hear())) return;
  } finally {
    beginning = false;
  }
  if (socket?.readyState !== WebSocket.OPEN) return rest();
  silence();
  guess = undefined;
  socket.send(JSON.stringify({ type: "start", number, language: $("language").value, area: $("area").value || null }));
  turn = true;
  for (const frame of kept) socket.send(frame);
  kept = [];
  show("listening");
}

function end() {
  if (!turn) return;
  turn = false;
  socket.send(JSON.stringify({ type: "end" }));
  show("thinking");
  rest();
}

/** Whatever is said or told of the turn before is over. */
function silence() {
  number += 1;
  answering = false;
  speaker.stop();
}

function stop() {
  turn = false;
  silence();
  socket.send(JSON.stringify({ type: "stop" }));
  show("ready");
  rest();
}

/** Close the microphone, unless it listens for somebody to start. */
function rest() {
  if ($("handsfree").checked) return;
  microphone?.close();
  microphone = undefined;
  kept = [];
}

function told({ data }) {
  if (typeof data !== "string") {
    if (!answering) return;
    speaker.play(data);
    document.body.dataset.audioBytes = Number(document.body.dataset.audioBytes ?? 0) + data.byteLength;
    return;
  }
  const message = JSON.parse(data);
  if (message.number !== number) return;
  switch (message.type) {
    case "partial":
      showGuess(message.text);
      break;
    case "ended":
      turn = false;
      show("thinking");
      rest();
      break;
    case "speech":
      answering = true;
      speaker.begin(message.rate);
      show("speaking");
      break;
    case "turn":
      turn = false;
      rest();
      showTurn(message);
      speaker.end(() => { document.body.dataset.playedMs = Math.round(speaker.played * 1000); if (!turn) show("ready"); });
      break;
    case "problem":
      turn = false;
      rest();
      show("ready", message.text);
  }
}

// ---- the house ----

function connect(pause = 500) {
  socket = new WebSocket(`wss://${location.host}/speak`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { pause = 500; show("ready"); };
  socket.onmessage = told;
  socket.onclose = async ({ code }) => {
    turn = false;
    silence();
    rest();
    if (code === 4401 || code === 1006) {
      try { if (!(await (await fetch("/session")).json()).known) return open(); } catch { /* the house is away */ }
    }
    show("offline");
    setTimeout(() => connect(Math.min(15000, pause * 2)), pause);
  };
}

async function open() {
  let session;
  try {
    session = await (await fetch("/session")).json();
  } catch {
    show("offline");
    return setTimeout(open, 3000);
  }
  $("login").hidden = session.known;
  $("room").hidden = !session.known;
  $("area").parentElement.hidden = !session.known;
  if (!session.known) {
    show("login");
    return $("code").focus();
  }
  const areas = session.areas.map(({ id, name }) => new Option(name, id));
  $("area").replaceChildren(new Option(text.anywhere, ""), ...areas);
  $("area").value = remembered("area") ?? session.area ?? "";
  if (!$("area").value) $("area").value = "";
  connect();
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return answer.status;
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const status = await post("/enter", { code: $("code").value });
  $("refused").textContent = status === 200 ? "" : status === 429 ? text.tooMany : text.wrongCode;
  $("code").value = "";
  if (status === 200) open();
});
$("leave").addEventListener("click", async () => {
  await post("/leave", {});
  socket.onclose = null;
  socket.close();
  rest();
  open();
});
$("language").append(...Object.entries(LANGUAGES).map(([id, name]) => new Option(name, id)));
$("language").addEventListener("change", () => speakLanguage($("language").value));
$("area").addEventListener("change", () => remember("area", $("area").value));
$("handsfree").addEventListener("change", async () => {
  if ($("handsfree").checked && !(await hear())) $("handsfree").checked = false;
  if (!turn && !beginning) rest(); // it may have been changed again meanwhile
});

// Hold to talk, or tap and let Alicia notice when you have finished. Keys do as a tap does.
function press() {
  const state = document.body.dataset.state;
  if (state === "ready") begin();
  else if (state === "listening") end();
  else if (state === "speaking" || state === "thinking") stop();
}
$("speak").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pressedAt = document.body.dataset.state === "ready" ? performance.now() : 0;
  press();
});
$("speak").addEventListener("pointerup", () => {
  if (pressedAt && performance.now() - pressedAt > HOLD_MS) end();
  pressedAt = 0;
});
$("speak").addEventListener("click", (event) => { if (event.detail === 0) press(); });

const wanted = [remembered("language"), ...navigator.languages].filter(Boolean).map((name) => name.slice(0, 2));
$("language").value = wanted.find((name) => name in LANGUAGES) ?? "en";
speakLanguage($("language").value);
open();

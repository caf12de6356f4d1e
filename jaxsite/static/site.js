"use strict";
// What every page does while it is open: its heart beats, its ages count on, and it says when it is wrong.

const TICK = 1_000;
const BEAT = 5_000; // less where an element says so (data-beat, in seconds): there something is under way
const HIDDEN_BEAT = 60_000; // of a page that nobody sees
const LOST_AFTER = 3; // answers in a row that did not come
const LATE = 15_000; // without an answer to what was asked
const ASLEEP = HIDDEN_BEAT + LATE; // without any answer, whoever was asked: the device slept, or the page did
const BEATING = "[hx-trigger^=beat], [data-refresh]"; // what asks at every beat; each has an id
const CLOCK_OFF = 60; // seconds
const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
const alarms = document.querySelector("[data-alarms]");
const unanswered = new Map(); // by the id of what asks: since when, how many failures, the last status
const sentAt = new WeakMap(); // by request

// The server renders times in the zone of this cookie.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; secure" : "";
if (zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;

// One sentence, and a button where something can be done. It is read aloud when it changes, not at every beat.
function alarm(name, text, button) {
  const shown = alarms.querySelector(`[data-alarm="${name}"]`);
  if (!text) return shown?.remove();
  if (shown?.dataset.says === text) return;
  const line = shown ?? alarms.appendChild(Object.assign(document.createElement("p"), { className: "alarm" }));
  Object.assign(line.dataset, { alarm: name, says: text });
  line.textContent = `${text} `;
  if (button) line.append(Object.assign(document.createElement("a"), { className: "button slim", ...button }));
}

function inWords(seconds) {
  const [unit, length] = UNITS.find(([, length]) => seconds >= 2 * length) ?? UNITS.at(-1);
  return `${Math.floor(Math.max(seconds, 0) / length)} ${unit}`;
}

// What the server's clock says now: ages are counted by it, so that a wrong clock here shows no wrong age.
let offset = 0;
const serverNow = () => (Date.now() + offset) / 1000;

function setClock(stamp) {
  offset = new Date(stamp).getTime() - Date.now();
  const off = Math.round(-offset / 1000);
  const side = off > 0 ? "ahead of" : "behind";
  alarm("clock", Math.abs(off) > CLOCK_OFF
    && `The clock of this device is ${inWords(Math.abs(off))} ${side} the server's. Times and ages here are the server's.`);
}

function count() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = inWords(serverNow() - Date.parse(element.dataset.since) / 1000);
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = inWords(Date.parse(element.dataset.until) / 1000 - serverNow());
  }
}

// What no person asks for says so: it does not keep a session alive.
document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if ((detail.triggeringEvent?.type ?? "beat") === "beat") detail.headers["Jax-Beat"] = "1";
});

let beatAt = Date.now();
const lastAnswer = { at: Date.now() };
// The clock of a device is also set back: that is a reason to ask, not to wait until it has caught up.
const isPast = (since, length) => Math.abs(Date.now() - since) >= length;

function beat() {
  beatAt = Date.now();
  document.body.dispatchEvent(new Event("beat"));
}

function beatLength() {
  if (document.hidden) return HIDDEN_BEAT;
  return Math.min(BEAT, ...[...document.querySelectorAll("[data-beat]")].map(({ dataset }) => 1_000 * dataset.beat));
}

// By the wall clock, so that a page wakes with its device: it says at once how old it is, and asks.
function tick() {
  if (isPast(beatAt, beatLength() - TICK / 2)) beat();
  count();
  report();
}

function wake() {
  beat();
  count();
  report();
}

// Since when the figures stand, as the page writes times.
function since() {
  const stamp = document.querySelector("#as-of time")?.dateTime ?? lastAnswer.at + offset;
  const timeZone = document.documentElement.dataset.zone;
  return new Date(stamp).toLocaleTimeString("en-GB", { timeZone, timeZoneName: "short" });
}

// Greys the page and says why, once something that is asked at every beat has no answer; takes both back by itself.
function report() {
  const failing = [...unanswered].filter(([id]) => document.getElementById(id)).map(([, failure]) => failure);
  const isLoggedOut = failing.some(({ status }) => status === 401);
  const isForbidden = failing.some(({ status }) => status === 403);
  const lost = failing.find(({ failures, askedAt }) => failures >= LOST_AFTER || isPast(askedAt, LATE));
  const isAsleep = isPast(lastAnswer.at, ASLEEP) && document.querySelector(BEATING) !== null;
  const isOld = isLoggedOut || isForbidden || isAsleep || lost !== undefined;
  document.body.toggleAttribute("data-old", isOld);
  if (!isOld) return ["login", "lost"].forEach((name) => alarm(name, ""));
  const next = encodeURIComponent(location.pathname + location.search);
  if (isLoggedOut) {
    alarm("lost", "");
    const text = `You have been logged out. What stands here is of ${since()}, and nothing is sent from it.`;
    return alarm("login", text, { textContent: "Log in again", href: `${alarms.dataset.login}?next=${next}` });
  }
  if (isForbidden) return alarm("login", "Your log-in may not see this page any more. What stands here is old.");
  const reason = lost === undefined ? "this page was asleep" : lost.status >= 500 ? "Jax answers with an error" : "Jax does not answer";
  alarm("lost", `Not updated since ${since()}: ${reason}. It is asked again every few seconds; until then nothing is sent from here.`);
}

function asked({ detail: { elt, xhr } }) {
  sentAt.set(xhr, Date.now());
  if (elt.matches(BEATING) && !unanswered.has(elt.id)) unanswered.set(elt.id, { askedAt: Date.now(), failures: 0, status: 0 });
}

function answered({ detail: { elt, successful, xhr } }) {
  const failure = unanswered.get(elt.id);
  if (successful) {
    // Logged in again, elsewhere: the forms of this page belong to the session that has ended.
    if (failure?.status === 401) location.reload();
    unanswered.delete(elt.id);
    // An answer that waited while the device slept says what was, and what time it was then.
    if (!isPast(sentAt.get(xhr), LATE)) confirmed(elt);
  } else if (failure) {
    failure.failures += 1;
    failure.status = xhr.status;
  }
  if (!elt.matches(BEATING)) acted(successful, xhr.status);
  report();
}

function confirmed({ id }) {
  lastAnswer.at = Date.now();
  if (id === "status-bar") setClock(document.getElementById(id).dataset.now);
}

// What a person asked for by hand, and no answer came.
function acted(successful, status) {
  alarm("act", !successful && status !== 401 && "Jax did not answer. Look at what is the case before you do it again.");
  if (!successful) beat();
}

document.body.addEventListener("alarm", ({ detail: { name, text } }) => alarm(name, text));
document.body.addEventListener("htmx:beforeSend", asked);
document.body.addEventListener("htmx:afterRequest", answered);
document.body.addEventListener("htmx:afterSettle", count);

// What is old is decided on by nobody. The server would refuse it, too, where it has changed; but it may not answer.
document.addEventListener("submit", (event) => {
  if (!document.body.hasAttribute("data-old") || event.target.method !== "post") return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

for (const name of ["visibilitychange", "online"]) addEventListener(name, () => document.hidden || wake(), true);
addEventListener("pageshow", ({ persisted }) => persisted && wake()); // back from where the browser had kept it

if (document.documentElement.dataset.now) setClock(document.documentElement.dataset.now);
setInterval(tick, TICK);

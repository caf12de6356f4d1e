"use strict";
// What every page does while it is open: its heart beats, its ages count on, and it says when it is wrong.

const BEAT = 5_000;
const LOST_AFTER = 3; // answers in a row that did not come
const CLOCK_OFF = 60; // seconds
const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
const alarms = document.querySelector("[data-alarms]");
let failures = 0;

// The server renders times in the zone of this cookie.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; secure" : "";
if (zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;

function alarm(name, text) {
  const shown = alarms.querySelector(`[data-alarm="${name}"]`);
  if (!text) return shown?.remove();
  const line = shown ?? alarms.appendChild(Object.assign(document.createElement("p"), { className: "alarm" }));
  line.dataset.alarm = name;
  if (line.textContent !== text) line.textContent = text;
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

function beat() {
  if (!document.hidden) document.body.dispatchEvent(new Event("beat"));
}

function answered() {
  failures = 0;
  alarm("lost", "");
}

function failed() {
  failures += 1;
  if (failures >= LOST_AFTER) alarm("lost", "Jax does not answer: what you see is old. It is asked again every few seconds.");
}

document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) answered();
});
document.body.addEventListener("htmx:sendError", failed);
document.body.addEventListener("htmx:timeout", failed);
document.body.addEventListener("htmx:responseError", (event) => {
  if ([401, 403].includes(event.detail.xhr.status)) alarm("login", "You are logged out. Reload the page to log in again.");
  else failed();
});
document.body.addEventListener("htmx:afterSettle", () => {
  const statusBar = document.querySelector("#status-bar");
  if (statusBar) setClock(statusBar.dataset.now);
  count();
});
document.addEventListener("visibilitychange", beat);

if (document.documentElement.dataset.now) setClock(document.documentElement.dataset.now);
setInterval(count, 1_000);
setInterval(beat, BEAT);

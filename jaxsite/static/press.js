"use strict";
// No press is taken for what has just come under the finger. For half a second after an update a button that sends
// something is pressed only where it was before with the same words; else nothing is sent, and the page says so. A key
// is meant for what has the focus, wherever that moves.

const SETTLES = 500; // ms
const SAID = 8_000; // ms
const SENDS = "form[method=post] button:not([type=button])";
let updates = []; // of the last half second: when, and where each button was before with which words
let silence;

function boxOf(button) {
  const { top, left, bottom, right } = button.getBoundingClientRect();
  return { top: top + scrollY, bottom: bottom + scrollY, left: left + scrollX, right: right + scrollX, words: button.textContent };
}

function remember() {
  const boxes = new Map([...document.querySelectorAll(SENDS)].map((button) => [button, boxOf(button)]));
  updates = [...updates.filter(isRecent), { at: performance.now(), boxes }];
}

const isRecent = ({ at }) => performance.now() - at < SETTLES;

function isWhatWasThere(button, { pageX, pageY }, { boxes }) {
  const box = boxes.get(button);
  return box?.words === button.textContent && box.left <= pageX && pageX <= box.right && box.top <= pageY && pageY <= box.bottom;
}

function say(text) {
  clearTimeout(silence);
  document.body.dispatchEvent(new CustomEvent("alarm", { detail: { name: "press", text } }));
  if (text) silence = setTimeout(say, SAID, "");
}

document.body.addEventListener("htmx:beforeSwap", remember);
document.addEventListener("click", (event) => {
  say("");
  const button = event.target.closest(SENDS);
  const isPressed = button && event.isTrusted && event.detail > 0;
  if (!isPressed || updates.filter(isRecent).every((update) => isWhatWasThere(button, event, update))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  say("The page changed as you pressed: nothing was sent. Look at it, then press again.");
}, true);

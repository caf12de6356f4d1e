"use strict";
// Keeps the page up to date at every beat. #live says what to ask for (data-refresh) and what is shown (data-seen);
// desk/refresh.py answers. What a person has in hand stays as it is: text that is typed or selected, opened details,
// the focus, and what a decision would be made on.

const live = document.querySelector("#live");
const HELD = 3_000; // ms: no press of a finger or a button lasts longer
const SELECTED = 60_000; // ms: nor does a selection keep the page as it is for longer
const FILLED_BY_SCRIPTS = "[data-chart], [data-reading], [data-notes]";
const zone = document.documentElement.dataset.zone;
const clock = new Intl.DateTimeFormat("en-US", {
  timeZone: zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
let asking = false;
let pressedAt = -HELD;
let selectedAt = Infinity; // since when a selection keeps the page as it is

function isTyped(control) {
  if (control.type === "hidden" || control.tagName === "BUTTON") return false;
  if (control === document.activeElement) return true;
  if (control.tagName !== "SELECT") return control.value !== control.defaultValue || control.checked !== control.defaultChecked;
  return [...control.options].some((option) => option.selected !== option.defaultSelected) && control.selectedIndex > 0;
}

// A decision whose terms have changed is not repainted: it says so and can no longer be sent.
function isOfOtherTerms(block, fresh) {
  if (block.dataset.decides === fresh.dataset?.decides) return false;
  if (block.dataset.changed === undefined) {
    block.dataset.changed = "";
    for (const button of block.querySelectorAll("button")) button.disabled = true;
    const notice = Object.assign(document.createElement("p"), { className: "notice bad", textContent: "This has changed since you looked. " });
    notice.setAttribute("role", "alert");
    notice.append(Object.assign(document.createElement("a"), { className: "button slim", href: "", textContent: "Look at it as it is now" }));
    block.prepend(notice);
  }
  return true;
}

Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) return true;
  if (old.matches(FILLED_BY_SCRIPTS)) return false;
  if (old.dataset.decides !== undefined) return !isOfOtherTerms(old, fresh);
  return !(old.tagName === "FORM" && [...old.elements].some(isTyped));
};
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.tagName === "DETAILS");

function isSelecting() {
  const selection = getSelection();
  const isAny = !selection.isCollapsed && live.contains(selection.anchorNode);
  selectedAt = isAny ? Math.min(selectedAt, performance.now()) : Infinity;
  return isAny && performance.now() - selectedAt < SELECTED;
}

const isInHand = () => performance.now() - pressedAt < HELD || isSelecting();

// The page is confirmed: as of when it is, and counting from there.
function confirm(stamp) {
  const asOf = document.querySelector("#as-of");
  if (!asOf || !stamp) return;
  const part = Object.fromEntries(clock.formatToParts(new Date(stamp)).map(({ type, value }) => [type, value]));
  const time = asOf.querySelector("time");
  time.dateTime = stamp;
  time.textContent = `${part.month} ${part.day} ${part.hour}:${part.minute}:${part.second}`;
  asOf.querySelector("[data-since]").dataset.since = stamp;
}

async function refresh() {
  if (asking || isInHand()) return;
  asking = true;
  try {
    await htmx.ajax("GET", live.dataset.refresh, {
      source: live, target: live, swap: "morph:outerHTML", headers: { "Jax-Seen": live.dataset.seen },
    });
  } catch {
    // site.js says so: it hears of every answer that does not come
  } finally {
    asking = false;
  }
}

if (live.dataset.refresh) {
  document.body.addEventListener("beat", refresh);
  live.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target !== live) return;
    // What was begun while the answer was under way counts, too.
    if (isInHand()) event.detail.shouldSwap = false;
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr } = event.detail;
    if (elt === live && xhr.status === 204) confirm(xhr.getResponseHeader("Jax-Now"));
  });
  addEventListener("pointerdown", () => { pressedAt = performance.now(); }, true);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => { pressedAt = -HELD; }, true);
}

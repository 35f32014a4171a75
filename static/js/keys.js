// One key, one act: a key clicks the first visible [data-key] of its name, or puts the cursor
// into it; "Mod+Enter" is Ctrl or Cmd with Enter; g and a letter follow [data-go].  Silent
// while somebody types, in dialogs, with other modifiers, and where single keys are off.
import { open } from "./dialogs.js";
import { moveSource } from "./evidence.js";
import { move } from "./moving.js";
import { openPalette } from "./palette.js";
import { canBePressed, press } from "./pressing.js";
import { typedInto } from "./typing.js";

const acts = {
  j: () => move(1),
  k: () => move(-1),
  "[": () => moveSource(-1),
  "]": () => moveSource(1),
  "?": () => open("keys"),
  "/": () => location.assign("/conversations#search"),
};
const PATIENCE = 1500; // milliseconds from g to the letter after it
let going = -Infinity;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const act = isModified(event) ? whileModified(event) : byItself(event);
  if (!act) return;
  event.preventDefault();
  act();
});

// A letter that a keyboard writes with AltGr comes with modifiers, and is a key by itself.
function isModified(event) {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  return modified && !event.getModifierState("AltGraph");
}

function whileModified(event) {
  if (event.altKey || event.repeat) return null;
  const name = `Mod+${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
  const field = typedInto(event.target);
  const sends = event.key === "Enter";
  if (name === "Mod+k") return openPalette;
  return pressing(name, (sends && field?.form) || document.querySelector("dialog:modal") || document);
}

function byItself(event) {
  const { target, key, repeat } = event;
  if (typedInto(target) || document.querySelector("dialog:modal")) return null;
  if (key.length === 1 && "singleKeysOff" in document.body.dataset) return null;
  if ([" ", "Enter"].includes(key) && target.closest?.("a, button, summary, input")) return null;
  const name = event.shiftKey ? key : key.toLowerCase(); // as if Caps Lock were off
  if (performance.now() - going < PATIENCE && key !== "Shift") {
    going = -Infinity;
    const place = document.querySelector(`[data-go="${CSS.escape(name)}"]`);
    return () => place?.click();
  }
  if (name === "g") return () => (going = performance.now());
  if (repeat && !"jk[]".includes(name)) return null;
  return pressing(event.key.length > 1 ? key : name, document) ?? acts[name];
}

function pressing(name, within) {
  const all = within.querySelectorAll(`[data-key="${CSS.escape(name)}"]`);
  const found = [...all].find(canBePressed);
  return found && (() => press(found));
}

// A page without a field of its own sends here.
if (location.hash === "#search") pressing("/", document)?.();

// One key, one act.  Silent while somebody types, in dialogs, and with modifiers.
import { open } from "./dialogs.js";
import { leave, write } from "./editor.js";
import { move } from "./queue.js";

const press = (id) => document.getElementById(id)?.click();
const acts = {
  j: () => move(1),
  k: () => move(-1),
  e: write,
  r: () => open("reject"),
  z: () => press("undo"),
  c: () => press("claim"),
  "?": () => open("keys"),
};
const places = { r: "/review", c: "/conversations", j: "/jobs", n: "/notifications" };
let going = false;

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not(.looks *), textarea, select, [contenteditable]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const inForm = !typing || typing.form?.id === "decision";
    if (inForm && !document.querySelector("dialog:modal")) press("approve");
    return;
  }
  if (event.key === "Escape" && typing?.name === "text") return leave();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog:modal")) return;
  const act = going ? () => places[event.key] && location.assign(places[event.key]) : acts[event.key];
  going = !going && event.key === "g";
  if (act) {
    event.preventDefault();
    act();
  }
});

// A list in [data-list]: j and k walk, x ticks, Shift ticks all between, [data-all] all of them.
// How many are ticked is told in [data-picked]; Enter follows the link that has the focus.
const boxes = () => [...document.querySelectorAll("[data-list] input[name=ids]")];
const links = () => [...document.querySelectorAll("[data-list] > li a:first-of-type")];
const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable]";
let last = null;

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !document.querySelector("[data-list]")) return;
  if (target.closest?.(FIELDS) || document.querySelector("dialog:modal")) return;
  if ("singleKeysOff" in document.body.dataset) return;
  const act = { j: () => walk(1), k: () => walk(-1), x: () => here()?.querySelector("[name=ids]")?.click() }[key];
  if (!act) return;
  event.preventDefault();
  act();
});

const here = () => document.activeElement?.closest("[data-list] > li");

function walk(by) {
  const all = links();
  const at = all.findIndex((link) => link.closest("li") === here());
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.matches?.("[data-all]")) for (const box of boxes()) box.checked = target.checked;
  if (!target.matches?.("[data-list] input[name=ids]")) return count();
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(target)].sort((a, b) => a - b);
  if (shiftKey && from >= 0) for (const box of all.slice(from, to)) box.checked = target.checked;
  if (shiftKey) last.checked = target.checked;
  last = target;
  count();
});

function count() {
  const all = boxes();
  const ticked = all.filter((box) => box.checked).length;
  for (const told of document.querySelectorAll("[data-picked]")) told.textContent = ticked;
  const every = document.querySelector("[data-all]");
  if (!every) return;
  every.closest("label").hidden = false;
  every.checked = ticked > 0 && ticked === all.length;
  every.indeterminate = ticked > 0 && ticked < all.length;
}

count();
document.addEventListener("htmx:after:swap", count);

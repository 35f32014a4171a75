// Moves from row to row.  On the desk the next draft opens; in a list its row gets the focus,
// and Enter opens it.  At the end of what is shown the next page of the queue is asked for.
import { mark, rows } from "./queue.js";

let goingOn = 0; // which way to move once more rows have come

export function move(by) {
  const all = rows();
  const focused = all.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : all.findIndex((row) => row.hasAttribute("aria-current"));
  if (from + by >= all.length && askForMore()) {
    goingOn = by;
    return;
  }
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  if (!next) return;
  next.scrollIntoView({ block: "nearest" });
  next.focus({ preventScroll: true });
  const opens = next.matches(".row") && document.querySelector("#review #main")?.checkVisibility();
  if (!opens || next.hasAttribute("aria-current")) return;
  mark(next); // at once, so that two quick presses move two rows
  next.click();
}

function askForMore() {
  const more = [...document.querySelectorAll("[data-more]")].find((one) => one.checkVisibility());
  more?.click();
  return more;
}

document.addEventListener("htmx:after:swap", () => {
  const by = goingOn;
  goingOn = 0;
  if (by) move(by);
});

// Keeps the queue's mark on the draft that is open, moves it, and shows the newest letter.
const rows = () => [...document.querySelectorAll("#rows .row")];

export function move(by) {
  const all = rows();
  const at = all.findIndex((row) => row.hasAttribute("aria-current"));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!next || next === all[at]) return;
  mark(next); // at once, so that two quick presses move two rows
  next.click();
  next.scrollIntoView({ block: "nearest" });
}

function mark(open) {
  for (const row of rows()) {
    if (row === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function settle() {
  mark(document.getElementById(`row-${document.getElementById("review")?.dataset.draft}`));
}

function showPlace() {
  document.querySelector(".row[aria-current]")?.scrollIntoView({ block: "nearest" });
  showNewest();
}

function showNewest() {
  const thread = document.getElementById("thread");
  const newest = thread?.querySelector(":scope > .letter:last-of-type");
  if (newest && document.getElementById("review")) thread.scrollTop = newest.offsetTop - 24;
}

// Where a screen reader goes on; never away from somebody who has begun to type.
function land() {
  if (document.activeElement?.name === "text") return;
  document.querySelector("#review [data-land]")?.focus({ preventScroll: true });
}

showPlace();
document.addEventListener("htmx:after:swap", ({ detail }) => {
  settle();
  if (detail.ctx?.target?.id !== "review") return;
  scrollTo(0, 0); // on a phone the page itself has scrolled, down the queue
  showPlace();
  land();
});

// What is unfolded in the thread is brought into sight; toggle events do not bubble.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.closest("#thread")) target.scrollIntoView({ block: "nearest" });
  },
  true,
);

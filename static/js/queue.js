// Keeps the queue's mark on the draft that is open, and shows the newest letter.
import { isTyping } from "./typing.js";

export const rows = () => [...document.querySelectorAll("[data-row]")];
export function mark(open) {
  for (const row of rows()) {
    if (row === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function settle() {
  for (const later of document.querySelectorAll("#later .row")) {
    if (document.querySelector(`#rows [id="${later.id}"]`)) later.parentElement.remove();
  }
  mark(document.getElementById(`row-${document.getElementById("review")?.dataset.draft}`));
}

function showPlace() {
  document.querySelector(".row[aria-current]")?.scrollIntoView({ block: "nearest" });
  const thread = document.querySelector("#review #thread");
  const letters = thread?.querySelectorAll(":scope > .letter:not(.ours)");
  if (letters?.length) thread.scrollTop = letters[letters.length - 1].offsetTop - 12;
}

// Where a screen reader goes on; never away from somebody who has begun to type.
function land() {
  if (isTyping()) return;
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

// What is decided or snoozed waits no more, also where its row came with a later page.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const left = /\/(approval|rejection|snooze)(\?|$)/.test(ctx.request.action);
  if (!left || ctx.response.status >= 400) return;
  const id = document.getElementById("review")?.dataset.draft;
  document.querySelector(`#later [id="row-${id}"]`)?.parentElement.remove();
});

// What is unfolded in the thread is brought into sight; toggle events do not bubble.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.closest?.("#thread")) target.scrollIntoView({ block: "nearest" });
  },
  true,
);

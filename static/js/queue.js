// Keeps the queue's mark on the draft that is open, and moves it.
const rows = () => [...document.querySelectorAll("#rows .row")];

export function current() {
  return rows().findIndex((row) => row.hasAttribute("aria-current"));
}

export function move(by) {
  const all = rows();
  const next = all[Math.min(Math.max(current() + by, 0), all.length - 1)];
  if (!next || next === all[current()]) return;
  next.click();
  next.scrollIntoView({ block: "nearest" });
}

function mark() {
  const open = document.getElementById("review")?.dataset.draft;
  for (const row of rows()) {
    if (row.id === `row-${open}`) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

document.addEventListener("htmx:after:swap", mark);

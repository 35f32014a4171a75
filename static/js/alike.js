// Looks again for drafts that are alike when something has changed, a few times a minute at most.
const PATIENCE = 10_000; // milliseconds
let due;

function later() {
  if (due || !document.getElementById("alike")) return;
  due = setTimeout(() => {
    due = undefined;
    document.getElementById("alike")?.dispatchEvent(new Event("refresh"));
  }, PATIENCE);
}

document.addEventListener("ally:heard", ({ detail }) => detail && later());
document.addEventListener("htmx:after:swap", ({ detail }) => detail.ctx?.target?.id === "review" && later());

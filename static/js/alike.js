// Looks again for drafts that are alike when the queue has changed, a few times a minute at most.
const PATIENCE = 10_000; // milliseconds
let due;

document.addEventListener("htmx:after:swap", ({ detail }) => {
  const line = document.getElementById("alike");
  if (!line || due || !["rows", "review"].includes(detail.ctx?.target?.id)) return;
  due = setTimeout(() => {
    due = undefined;
    document.getElementById("alike")?.dispatchEvent(new Event("refresh"));
  }, PATIENCE);
});

// Whoever begins to edit holds the draft; where somebody else does, they hear who, and may type
// on.  Also: the reason field of the take-over is ready when its form opens.
let asked = "";

document.addEventListener("input", ({ target }) => {
  if (!target.closest?.("#decision")) return;
  const form = document.querySelector("#holding [data-begins]");
  if (form?.dataset.begins === asked) return; // asked once already; the answer is on its way
  asked = form?.dataset.begins ?? "";
  form?.requestSubmit();
});

document.addEventListener("htmx:error", () => (asked = ""));

// Toggle events do not bubble.  While the form is open the news of the queue leave it alone:
// what is typed would else go on as keys.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.matches?.(".takeover")) return;
    target.toggleAttribute("hx-morph-skip", target.open);
    if (target.open) target.querySelector("[name=reason]").focus();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest?.(".takeover[open]");
  if (!form) return;
  event.stopPropagation();
  form.open = false;
  form.querySelector("summary").focus();
});

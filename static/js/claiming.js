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

// toggle events do not bubble
document.addEventListener(
  "toggle",
  ({ target }) => target.matches?.(".takeover[open]") && target.querySelector("[name=reason]").focus(),
  true,
);

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest?.(".takeover[open]");
  if (!form) return;
  event.stopPropagation();
  form.open = false;
  form.querySelector("summary").focus();
});

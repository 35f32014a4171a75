// The panels of acts: <details data-panel>, which open and close without script.  With it the
// first field has the focus, and Escape or a click elsewhere closes them; a new note is
// brought into sight.
let last; // the key of the act that was open, to come back to when it is done

function close(panel) {
  panel.open = false;
  panel.querySelector("summary").focus();
}

const FIELDS = "select, textarea, input:not([type=hidden]), button, .menu > a";

// By the click and not by the toggle event, which comes a little later: who presses a key
// and types on at once types into the field.
document.addEventListener("click", (event) => {
  const summary = event.target.closest("[data-panel] > summary");
  if (!summary) return;
  event.preventDefault();
  const panel = summary.parentElement;
  panel.open = !panel.open;
  if (!panel.open) return;
  last = summary.dataset.key;
  panel.querySelector(".panel").querySelector(FIELDS)?.focus();
});

document.addEventListener("keydown", (event) => {
  const panel = event.target.closest?.("[data-panel][open]");
  if (!panel || event.defaultPrevented) return;
  // A closed list of choices would open at Enter; a form is sent by it.  Enter in a field with
  // a button of its own must not press the first one of the form.
  const then = event.target.matches("input") && panel.querySelector("[data-then]");
  const send = event.key === "Enter" && !event.ctrlKey && (then || event.target.matches("select"));
  if (!send && event.key !== "Escape") return;
  event.preventDefault();
  if (send) event.target.form.requestSubmit(then || undefined);
  else close(panel);
});

document.addEventListener("pointerdown", ({ target }) => {
  for (const panel of document.querySelectorAll("[data-panel][open]")) {
    if (!panel.contains(target)) panel.open = false;
  }
});

document.addEventListener("htmx:after:swap", () => {
  const added = document.querySelector("#thread [data-new]");
  added?.removeAttribute("data-new");
  added?.scrollIntoView({ block: "nearest" });
  if (!last || document.activeElement !== document.body) return;
  document.querySelector(`#work [data-key="${last}"]`)?.focus();
  last = undefined;
});

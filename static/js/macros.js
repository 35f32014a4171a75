// Puts a macro's text where the cursor is in the reply: a dialog with a button for each macro.
const dialog = () => document.getElementById("macros");
const field = () => document.querySelector(".draft[data-mode] textarea[name=text]");
const offered = () => [...dialog().querySelectorAll("[data-macro]")];
const shown = () => offered().filter((button) => !button.parentElement.hidden);

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "macro-choice" || !dialog()) return;
  const find = dialog().querySelector("[data-find]");
  if (find) find.hidden = false;
  dialog().showModal();
  (find ?? dialog().querySelector("a"))?.focus();
});

document.addEventListener("input", ({ target }) => {
  if (!target.matches("#macros [data-find]")) return;
  const words = target.value.toLowerCase().split(/\s+/);
  for (const button of offered()) {
    const text = button.textContent.toLowerCase();
    button.parentElement.hidden = !words.every((word) => text.includes(word));
  }
  dialog().querySelector("[data-none]").hidden = shown().length > 0;
});

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("#macros")) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const finding = event.target.matches("[data-find]");
  if (step) {
    const at = shown().indexOf(event.target) + step;
    (shown()[at] ?? (at < 0 ? dialog().querySelector("[data-find]") : null))?.focus();
  } else if (event.key === "Enter" && finding) shown()[0]?.click();
  if (step || (event.key === "Enter" && finding)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("#macros [data-macro]");
  if (!button) return;
  event.preventDefault();
  const answer = await fetch(button.dataset.macro, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok) put(await answer.text());
  else document.getElementById("status").textContent = button.dataset.failed;
});

function put(words) {
  const isFresh = field().disabled;
  dialog().close();
  document.querySelector(".draft [data-write]").click();
  const end = field().value.length;
  if (isFresh) field().setSelectionRange(end, end);
  field().focus();
  // The one way to put words in that Ctrl+Z takes out again.
  if (document.execCommand("insertText", false, words)) return;
  field().setRangeText(words, field().selectionStart, field().selectionEnd, "end");
  field().dispatchEvent(new Event("input", { bubbles: true }));
}

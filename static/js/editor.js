// The editor: its three looks, and beside what is written its changes, live.
import { field, section, show } from "./draft.js";

const PAUSE = 400; // milliseconds without a key before the changes are asked for
let pause;

function write() {
  if (!field()) return;
  field().disabled = false;
  show("write");
  field().focus();
  showChanges();
}

// The focus stays near: nobody's place on the page is lost.
function leave() {
  section().querySelector("[data-write]").focus();
  section().querySelector("[data-look=changes]").click();
}

// Only where there is room for them.
function showChanges() {
  const look = document.getElementById("look");
  if (look?.checkVisibility()) field().dispatchEvent(new Event("typed"));
}

// The changes near the cursor.
function showPlace() {
  const look = document.getElementById("look");
  const share = field().selectionEnd / (field().value.length || 1);
  look.scrollTop = look.scrollHeight * share - look.clientHeight / 2;
}

document.addEventListener("input", ({ target }) => {
  if (target !== field()) return;
  clearTimeout(pause);
  pause = setTimeout(showChanges, PAUSE);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === field()) leave();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-write]") || !field()) return;
  event.preventDefault();
  write();
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const looked = /^\/drafts\/[^/]+\/(changes|preview)/.exec(ctx.request?.action);
  if (!looked) return;
  if (ctx.sourceElement !== field()) return show(looked[1]);
  showPlace();
  const said = document.getElementById("look").dataset.said ?? "";
  const status = document.getElementById("status");
  if (status.textContent !== said) status.textContent = said;
});

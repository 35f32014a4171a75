// The editor: its three looks, and what was typed, kept in this tab until it is decided on.
const section = () => document.querySelector(".draft[data-mode]");
const field = () => section()?.querySelector("textarea[name=text]");
const isEdited = () => field().value !== field().defaultValue;
const key = (draft) => `ally.text.${draft}`;

function write() {
  if (!field()) return;
  field().disabled = false;
  show("write");
  field().focus();
}

function leave() {
  field().blur();
  section().querySelector(`[data-look=${isEdited() ? "changes" : "preview"}]`).click();
}

function show(mode) {
  section().dataset.mode = mode;
  section().querySelector("[data-write]").toggleAttribute("aria-current", mode === "write");
  section().querySelector("[data-edited]").hidden = !isEdited();
  for (const button of section().querySelectorAll("[data-look]")) {
    button.setAttribute("aria-pressed", String(button.dataset.look === mode));
  }
}

function restore() {
  const kept = field() && sessionStorage.getItem(key(field().dataset.draft));
  if (!kept || kept === field().value) return;
  field().value = kept;
  field().disabled = false;
  show("write");
}

document.addEventListener("input", ({ target }) => {
  if (target !== field()) return;
  sessionStorage.setItem(key(target.dataset.draft), target.value);
  section().querySelector("[data-edited]").hidden = !isEdited();
});

document.addEventListener("click", (event) => {
  const use = event.target.closest("[data-use-on]");
  const kept = document.getElementById("kept")?.value;
  if (use) sessionStorage.setItem(key(use.dataset.useOn.split("/").pop()), kept);
  if (!event.target.closest("[data-write]")) return;
  event.preventDefault();
  write();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === field()) leave();
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const decided = /^\/drafts\/([^/]+)\/(approval|rejection)/.exec(ctx.request.action);
  if (decided && ctx.response.status < 400) sessionStorage.removeItem(key(decided[1]));
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const looked = /^\/drafts\/[^/]+\/(changes|preview)/.exec(ctx.request?.action);
  if (looked) show(looked[1]);
  else if (ctx.target?.id !== "rows") restore();
});

restore();

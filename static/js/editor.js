// The editor: its three looks, and what was typed, kept in this tab until it is decided on.
const section = () => document.querySelector(".draft[data-mode]");
const field = () => section()?.querySelector("textarea[name=text]");
const key = (draft) => `ally.text.${draft}`;

export function write() {
  const text = field();
  if (!text) return;
  text.disabled = false;
  show("write");
  text.focus();
}

export function leave() {
  const text = field();
  text.blur();
  section().querySelector(`[data-look=${isEdited(text) ? "changes" : "preview"}]`).click();
}

function isEdited(text) {
  return text.value !== text.defaultValue;
}

function show(mode) {
  section().dataset.mode = mode;
  for (const button of section().querySelectorAll("[data-look]")) {
    button.setAttribute("aria-pressed", String(button.dataset.look === mode));
  }
  section().querySelector("[data-write]").toggleAttribute("aria-current", mode === "write");
  section().querySelector("[data-edited]").hidden = !isEdited(field());
}

function restore() {
  const text = field();
  const kept = text && sessionStorage.getItem(key(text.dataset.draft));
  if (kept === null || kept === undefined || kept === text.value) return;
  text.value = kept;
  text.disabled = false;
  show("write");
}

document.addEventListener("input", (event) => {
  if (event.target !== field()) return;
  sessionStorage.setItem(key(event.target.dataset.draft), event.target.value);
  section().querySelector("[data-edited]").hidden = !isEdited(event.target);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-write]") && field()) {
    event.preventDefault();
    write();
  }
  const use = event.target.closest("[data-use-on]");
  if (use) {
    const draft = use.dataset.useOn.split("/").pop();
    sessionStorage.setItem(key(draft), document.getElementById("kept").value);
  }
});

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const decided = /^\/drafts\/([^/]+)\/(approval|rejection)/.exec(ctx.request.action);
  if (decided && ctx.response.status < 400) sessionStorage.removeItem(key(decided[1]));
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "look" || /\/(changes|preview)/.test(ctx.request.action)) {
    if (section()) show(/changes/.test(ctx.request.action) ? "changes" : "preview");
  } else if (!ctx.request.action.startsWith("/review/waiting")) restore();
});

restore();

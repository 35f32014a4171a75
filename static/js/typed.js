// Keeps what is typed for a draft, and brings it back after a reload or a new sign-in.
import { field, form, isEdited, section, show, tell } from "./draft.js";
import { forget, keep, kept } from "./kept.js";

const BESIDE = ["cc", "bcc", "subject"];
const whose = () => [section().dataset.user, field().dataset.draft];
let known; // the field that was last looked at

function note() {
  const typed = { text: isEdited() ? field().value : null };
  for (const name of BESIDE) typed[name] = own(form().elements[name]);
  if (Object.values(typed).every((value) => value === null)) forget(...whose());
  else keep(...whose(), typed);
  tell();
}

function own(input) {
  if (!input) return null;
  const isOwn = input.value !== input.defaultValue || "own" in input.dataset;
  return isOwn ? input.value : null;
}

function restore() {
  if (!field() || field() === known) return;
  known = field();
  if (form().querySelector("[data-own]")) return note(); // newer than what is kept here
  const typed = kept(...whose()) ?? {};
  for (const name of BESIDE) put(form().elements[name], typed[name]);
  put(field(), typed.text);
  if (field().value === field().defaultValue) return;
  field().disabled = false;
  show("write");
}

function put(input, value) {
  if (!input || typeof value !== "string") return;
  input.value = value;
  input.closest("details")?.setAttribute("open", "");
}

document.addEventListener("input", ({ target }) => {
  if (field() && target.form === form() && target.type !== "file") note();
});

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-discard]") && field()) forget(...whose());
});

// Sent, or taken along to a newer draft: there is nothing to keep any more.  A rejection may be
// taken back, and its words are nowhere else.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const done = /^\/drafts\/([^/]+)\/(approval|edit)/.exec(ctx.request.action);
  if (!done || ctx.response.status >= 400 || !field()) return;
  const [user, draft] = whose();
  forget(user, done[2] === "edit" ? draft : done[1]);
});

document.addEventListener("htmx:after:swap", restore);
restore();

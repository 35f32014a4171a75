// Says that an act did not reach the server; the page stays as it is, with all that was typed.
import { section } from "./draft.js";

function tell() {
  const notice = document.createElement("div");
  const words = document.createElement("p");
  Object.assign(notice, { id: "notice", className: "notice" });
  notice.setAttribute("role", "alert");
  words.textContent = section()?.dataset.lost ?? "";
  notice.append(words);
  document.getElementById("notice")?.replaceWith(notice);
  if (words.textContent) notice.scrollIntoView({ block: "nearest" });
}

const isAct = (ctx) => ctx?.request?.method === "POST" && ctx.sourceElement?.name !== "text";

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (isAct(ctx) && section()) tell();
});

// What a proxy says in our place must not stand where the draft does.
document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status < 500 || ctx.response.headers.has("HX-Retarget")) return;
  event.preventDefault();
  if (isAct(ctx) && section()) tell();
});

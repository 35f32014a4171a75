// Files for the reply: chosen, dropped or pasted, they are sent at once.
import { field, section } from "./draft.js";

const input = () => section()?.querySelector("[data-attach]");

function send(files) {
  if (!input() || !files.length) return;
  const total = [...files].reduce((sum, file) => sum + file.size, Number(input().dataset.held));
  if (total > Number(input().dataset.most)) {
    input().value = "";
    return say(input().dataset.refusal);
  }
  say("");
  input().files = files;
  section().querySelector(".attach-now").click();
}

function say(words) {
  section().querySelector(".enclosed .refused").textContent = words;
}

document.addEventListener("change", ({ target }) => {
  if (target === input()) send(target.files);
});

document.addEventListener("paste", (event) => {
  if (event.target !== field() || !event.clipboardData.files.length) return;
  event.preventDefault();
  send(event.clipboardData.files);
});

for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => {
    const isOver = section()?.contains(event.target);
    if (!isOver || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (type === "drop") send(event.dataTransfer.files);
  });
}

// Nothing is approved while a file is on its way.
function hold(isHeld) {
  return ({ detail: { ctx } }) => {
    const approve = document.getElementById("approve");
    if (approve && /^\/drafts\/[^/]+\/files/.test(ctx.request?.action)) approve.disabled = isHeld;
  };
}

document.addEventListener("htmx:before:request", hold(true));
document.addEventListener("htmx:finally:request", hold(false));

// The command palette: what the page can do, the places of the rail, and what a search finds.
import { found, choicesOf } from "./choices.js";
import { canBePressed, labelOf, press } from "./pressing.js";

const PAUSE = 150; // milliseconds without a letter before the search is asked
const dialog = document.getElementById("palette");
const field = document.getElementById("palette-field");
const list = document.getElementById("palette-list");
let commands = [];
let chosen = null;
let timer;

export function openPalette() {
  if (!dialog || document.querySelector("dialog:modal")) return;
  commands = [...controls(), ...places()];
  field.value = "";
  dialog.showModal();
  draw(commands);
}

function controls() {
  const all = [...document.querySelectorAll("[data-key], [data-command]")];
  const those = all.filter((one) => canBePressed(one) && !one.closest(".nav"));
  return those.map((one) => {
    const key = one.dataset.key?.replace("Mod+", "Ctrl ") ?? "";
    return { label: labelOf(one), key, run: () => press(one) };
  });
}

function places() {
  return [...document.querySelectorAll(".nav a[href]:not(.brand)")].map((one) => {
    const key = one.dataset.go ? `g ${one.dataset.go}` : (one.dataset.key ?? "");
    return { label: `${dialog.dataset.goTo} ${labelOf(one)}`, key, run: () => one.click() };
  });
}

function draw(choices) {
  list.replaceChildren(...choicesOf(choices, run));
  document.getElementById("palette-none").hidden = choices.length > 0;
  choose(list.firstElementChild);
}

function choose(option) {
  chosen?.setAttribute("aria-selected", "false");
  chosen = option;
  chosen?.setAttribute("aria-selected", "true");
  chosen?.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", chosen?.id ?? "");
}

function run(choice) {
  dialog.close(); // which gives the focus back to where it was
  choice.run();
}

async function search(words) {
  const answer = await fetch(`${dialog.dataset.suggestions}?${new URLSearchParams({ q: words })}`);
  if (!answer.ok || field.value.trim() !== words) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const hits = [...page.querySelectorAll("a[href]")].map((link) => {
    return { label: labelOf(link), key: "", run: () => location.assign(link.getAttribute("href")) };
  });
  draw([...found(commands, words), ...hits]);
}

field?.addEventListener("input", () => {
  const words = field.value.trim();
  clearTimeout(timer);
  draw(found(commands, words));
  if (words.length >= 2 && dialog.dataset.suggestions) timer = setTimeout(search, PAUSE, words);
});

field?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen?.nextElementSibling ?? list.firstElementChild);
  else if (event.key === "ArrowUp") choose(chosen?.previousElementSibling ?? list.lastElementChild);
  else if (event.key === "Enter") chosen?.click();
  else return;
  event.preventDefault();
});

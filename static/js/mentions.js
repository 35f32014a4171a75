// Offers the colleagues whom an @ may mean: <textarea data-names="id of the list">.
const BEFORE = /(?:^|[^\p{L}\p{N}@])@([\p{L}\p{N}._-]*(?: [\p{L}\p{N}._-]*)?)$/u;

const list = (area) => document.getElementById(area.dataset.names);
const offered = (area) => [...list(area).children].filter((name) => !name.hidden);
const chosen = (area) => offered(area).find((name) => name.ariaSelected === "true");

function offer(area) {
  const typed = BEFORE.exec(area.value.slice(0, area.selectionStart))?.[1].toLowerCase();
  for (const name of list(area).children) {
    const words = name.textContent.toLowerCase();
    name.hidden = typed === undefined || !` ${words.trim()}`.includes(` ${typed}`);
  }
  list(area).hidden = !offered(area).length;
  choose(area, offered(area)[0]);
}

function choose(area, name) {
  for (const other of list(area).children) other.ariaSelected = String(other === name);
  if (name) area.setAttribute("aria-activedescendant", name.id);
  else area.removeAttribute("aria-activedescendant");
  name?.scrollIntoView({ block: "nearest" });
}

function take(area, name) {
  const before = area.value.slice(0, area.selectionStart);
  const at = before.length - BEFORE.exec(before)[1].length;
  area.setRangeText(`${name.dataset.name} `, at, area.selectionStart, "end");
  putAway(area);
}

function putAway(area) {
  list(area).hidden = true;
  choose(area);
}

document.addEventListener("input", ({ target }) => target.matches?.("[data-names]") && offer(target));

document.addEventListener(
  "keydown",
  (event) => {
    const area = event.target;
    if (!area.matches?.("[data-names]") || list(area).hidden) return;
    const all = offered(area);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(area, all[(all.indexOf(chosen(area)) + step + all.length) % all.length]);
    else if (event.key === "Escape") putAway(area);
    else if (["Enter", "Tab"].includes(event.key) && !event.ctrlKey) take(area, chosen(area));
    else return;
    event.preventDefault();
  },
  true,
);

document.addEventListener("mousedown", (event) => {
  const name = event.target.closest("[role=option][data-name]");
  const area = name?.closest("form").querySelector("[data-names]");
  if (!area) return;
  event.preventDefault(); // the focus stays in the text
  take(area, name);
});

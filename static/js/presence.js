// Shows who else looks at the conversation that is open, and marks the queue's rows:
// [data-here] holds the names, [data-place] is a row; both name the conversation.
const MOST = 4; // that are named
let here = [];

document.addEventListener("ally:heard", ({ detail: told }) => {
  if (!told) return;
  here = told.here.filter(([, user]) => user !== told.me).map(person);
  draw();
});
document.addEventListener("htmx:after:swap", draw);

function person([place, user, name, initials, tint, types]) {
  return { place, user, name, initials, tint, types };
}

function draw() {
  for (const spot of document.querySelectorAll("[data-here]")) {
    const others = here.filter((one) => one.place === spot.dataset.here);
    put(spot, others.slice(0, MOST).map(named));
  }
  for (const row of document.querySelectorAll("[data-place]")) {
    const others = here.filter((one) => one.place === row.dataset.place);
    const holder = others.find((one) => one.user === row.dataset.holder); // has a badge already
    row.querySelector(".tags > .who")?.classList.toggle("writes", Boolean(holder?.types));
    const marked = others.filter((one) => one !== holder).slice(0, MOST);
    put(markOf(row, marked), marked.map(mark));
  }
}

// Nothing is touched that says the same already: a screen reader would say it again.
function put(spot, drawn) {
  if (!spot) return;
  const same = drawn.length === spot.childElementCount && drawn.every((one, i) => one.isEqualNode(spot.children[i]));
  if (!same) spot.replaceChildren(...drawn);
}

function markOf(row, others) {
  const marks = row.querySelector("[data-marks]");
  if (marks || !others.length) return marks;
  const made = Object.assign(document.createElement("span"), { className: "marks" });
  made.dataset.marks = "";
  row.querySelector(".tags")?.append(made);
  return made;
}

function named(one) {
  const line = Object.assign(document.createElement("span"), { className: "present" });
  const words = Object.assign(document.createElement("bdi"), { textContent: sentence(one) });
  line.append(badge(one), words);
  return line;
}

function mark(one) {
  return Object.assign(badge(one), { title: sentence(one), role: "img", ariaHidden: null, ariaLabel: sentence(one) });
}

function badge(one) {
  const className = `who ${one.tint} ${one.types ? "writes" : ""}`;
  return Object.assign(document.createElement("i"), { className, textContent: one.initials, ariaHidden: "true" });
}

function sentence(one) {
  const words = document.getElementById("pulse").dataset;
  return (one.types ? words.writes : words.looks).replace("{name}", one.name);
}

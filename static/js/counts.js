// Keeps the rail's counts and the tab's title up to date, and has the queue drawn again when it
// has changed; once a minute anyway, for the ages in it.
const MINUTE = 60_000;
let waiting = "";
let queue, place, at;
let drawnAt = performance.now();

document.addEventListener("ally:heard", ({ detail: told }) => {
  if (told) count(told);
  const moved = told && (told.queue !== queue || (told.at === at && told.place !== place));
  if (told) ({ queue, place, at } = told);
  const isOld = performance.now() - drawnAt > MINUTE && document.visibilityState === "visible";
  if (moved || isOld) drawQueue();
});

function drawQueue() {
  drawnAt = performance.now();
  document.getElementById("poll")?.dispatchEvent(new CustomEvent("pulse"));
}

function count(told) {
  waiting = told.waiting >= 1000 ? "1000+" : String(told.waiting || "");
  show("count-review", waiting);
  show("count-outgoing", String(told.stuck || ""));
  show("count-notifications", told.unread >= 100 ? "99+" : String(told.unread || ""));
  entitle();
}

function show(id, words) {
  const counted = document.getElementById(id);
  if (counted && counted.textContent !== words) counted.textContent = words;
}

function entitle() {
  const bare = document.title.replace(/^\(\d+\+?\) /, "");
  const title = waiting ? `(${waiting}) ${bare}` : bare;
  if (document.title !== title) document.title = title;
}

// A swap brings a title of its own.
if (document.getElementById("pulse")) {
  new MutationObserver(entitle).observe(document.head, { childList: true, subtree: true, characterData: true });
}

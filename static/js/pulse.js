// Asks every other second what has changed, and tells the other behaviours: "ally:heard" with
// the answer (null while nothing has changed), "ally:lost" with the time of the last one, and
// "ally:ended" when the session has.  A hidden tab asks seldom, and at once when it is shown.
const EVERY = 1400; // milliseconds
const JITTER = 250;
const HIDDEN = 15_000;
const SLOWEST = 10_000; // between two tries without a connection
const PATIENCE = 8_000;
const TYPING = 10_000;

const page = document.getElementById("pulse");
let version = "";
let failures = 0;
let heardAt = new Date();
let typedAt = -Infinity;
let timer, asking, again;
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

function said() {
  const here = document.visibilityState === "visible" && document.querySelector("[data-here]");
  const at = here ? here.dataset.here : "";
  const before = sessionStorage.getItem("ally.at") ?? "";
  const all = {
    at,
    version,
    left: before !== at ? before : "",
    draft: document.getElementById("open-draft")?.value ?? "",
    types: performance.now() - typedAt < TYPING ? "1" : "",
  };
  return { at, query: new URLSearchParams(Object.entries(all).filter(([, value]) => value)) };
}

async function ask() {
  clearTimeout(timer);
  if (asking) return void (again = true);
  asking = true;
  again = false;
  try {
    await hear();
  } catch {
    failures += 1;
    if (failures > 1 || !navigator.onLine) tell("ally:lost", heardAt);
  }
  asking = false;
  timer = setTimeout(ask, again ? 0 : pause());
}

async function hear() {
  const { at, query } = said();
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(`/pulse?${query}`, { headers: { "HX-Request": "true" }, cache: "no-store", signal });
  if (answer.status === 401) return void (tell("ally:ended"), (failures += 1));
  if (!answer.ok) throw new Error(answer.status);
  const told = answer.status === 200 ? await answer.json() : null;
  if (told?.me && told.me !== page.dataset.me) return location.reload(); // somebody else signed in
  sessionStorage.setItem("ally.at", at);
  version = told?.version ?? version;
  failures = 0;
  heardAt = new Date();
  tell("ally:heard", told && { ...told, at });
}

function pause() {
  const usual = document.visibilityState === "hidden" ? HIDDEN : EVERY + Math.random() * JITTER;
  return failures ? Math.max(Math.min(EVERY * 2 ** failures, SLOWEST), usual) : usual;
}

if (page) {
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("htmx:after:swap", ({ detail }) => detail.ctx?.target?.id === "review" && ask());
  document.addEventListener("input", ({ target }) => {
    if (!target.matches?.("textarea, [data-types]")) return;
    const begins = performance.now() - typedAt >= TYPING;
    typedAt = performance.now();
    if (begins) ask();
  });
  for (const change of ["online", "offline"]) addEventListener(change, ask);
  addEventListener("pageshow", ({ persisted }) => persisted && ask());
  ask();
}

// New lines of the feed: a toast for those that matter where somebody looks, and a notification
// of the browser where nobody does, if they want it: one for each, however many tabs are open.
const WANTED = "ally.notes"; // "on" once somebody has switched them on in this browser
const TOLD = "ally.told"; // the newest line that this browser has shown, in whichever tab
let seen; // the newest line that this tab knows of; ids are in the order of time

const isWanted = () => localStorage.getItem(WANTED) === "on" && globalThis.Notification?.permission === "granted";
const isHidden = () => document.visibilityState === "hidden";

document.addEventListener("ally:heard", ({ detail: told }) => {
  if (!told) return;
  const before = seen ?? sessionStorage.getItem("ally.seen") ?? told.newest;
  const matters = isHidden() ? isWanted() && told.newest > before : told.loud > before;
  if (matters) htmx.ajax("GET", `/notifications/new?after=${before}`, { target: "#toasts", swap: "beforeend" });
  seen = told.newest > before ? told.newest : before;
  sessionStorage.setItem("ally.seen", seen);
  if (!isHidden()) noteTold(seen);
  if (seen !== before) document.getElementById("feed-poll")?.dispatchEvent(new CustomEvent("pulse"));
});

document.addEventListener("htmx:after:swap", () => {
  for (const line of document.querySelectorAll("#toasts [data-line]:not([data-shown])")) {
    line.dataset.shown = "";
    if (isHidden() && isWanted()) showOnce(line);
  }
  const shown = [...document.querySelectorAll("#toasts [data-loud]")];
  for (const old of shown.slice(0, -3)) old.remove();
});

function noteTold(id) {
  if (id > (localStorage.getItem(TOLD) ?? "")) localStorage.setItem(TOLD, id);
}

function showOnce(line) {
  const { line: id, url, words } = line.dataset;
  navigator.locks.request("ally.notes", () => {
    if (id <= (localStorage.getItem(TOLD) ?? "")) return;
    noteTold(id);
    const shown = new Notification(words, { tag: id });
    shown.onclick = () => {
      focus();
      location.assign(url);
    };
  });
}

document.addEventListener("click", async ({ target }) => {
  target.closest?.("[data-dismiss]")?.closest("[data-line]").remove();
  const button = target.closest?.("[data-notes]");
  if (!button) return;
  const isOn = isWanted();
  if (!isOn) await Notification.requestPermission();
  localStorage.setItem(WANTED, isOn ? "off" : "on");
  drawSwitch();
});

function drawSwitch() {
  const button = document.querySelector("[data-notes]");
  if (!button || !globalThis.Notification) return;
  button.hidden = false;
  button.ariaChecked = String(isWanted());
  document.querySelector("[data-refused]").hidden = Notification.permission !== "denied";
}

drawSwitch();

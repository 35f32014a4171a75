// The bar that says that the connection is lost, the session has ended, or Ally was updated.
const bar = document.querySelector("#connection .bar");
const words = bar?.querySelector("[data-words]");
let ended = false;
let updated = false;
let renewing = null;

function say(what, since) {
  const two = (number) => String(number).padStart(2, "0");
  const time = since && `${two(since.getHours())}:${two(since.getMinutes())}`;
  const said = what ? bar.dataset[what].replace("{time}", time) : "";
  if (words.textContent !== said) words.textContent = said; // so that it is read out once
  bar.querySelector("[data-sign-in]").hidden = what !== "ended";
  bar.querySelector("[data-reload]").hidden = what !== "updated";
  bar.hidden = !what;
}

const emptyNotice = () => Object.assign(document.createElement("div"), { id: "notice" });

function end() {
  ended = true;
  const link = bar.querySelector("[data-sign-in]");
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  say("ended");
}

// Whoever has signed in again has a new form token; what was typed here stays.
async function renewToken() {
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("input[name=csrf_token]")?.value;
  if (!token) return;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  const name = "hx-headers:inherited";
  document.body.setAttribute(name, page.body.getAttribute(name));
  document.querySelector('#notice:has(a[href^="/login"])')?.replaceWith(emptyNotice());
}

if (bar) {
  document.addEventListener("ally:lost", ({ detail }) => say("lost", detail));
  document.addEventListener("ally:ended", end);
  document.addEventListener("ally:heard", async ({ detail: told }) => {
    if (told) updated = told.assets !== bar.dataset.assets;
    if (ended) renewing ??= renewToken().finally(() => (ended = renewing = null));
    await renewing; // before the bar says that all is well
    say(updated ? "updated" : "");
  });
}

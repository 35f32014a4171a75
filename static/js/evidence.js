// A source and the sentences that rest on it light up together: [data-source], [data-rests-on].
const sources = () => [...document.querySelectorAll("#facts [data-source]")];

export function moveSource(by) {
  const all = sources();
  const at = all.findIndex((source) => source.classList.contains("lit"));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
  next?.scrollIntoView({ block: "nearest" });
  next?.focus({ preventScroll: true });
}

function light(number) {
  for (const source of sources()) source.classList.toggle("lit", source.dataset.source === number);
  for (const said of document.querySelectorAll("[data-rests-on]")) {
    said.classList.toggle("lit", said.dataset.restsOn === number);
  }
}

function numberOf(target) {
  const found = target?.closest?.("[data-source], [data-rests-on]");
  return found?.dataset.source ?? found?.dataset.restsOn;
}

// What has the focus stays lit while the pointer wanders elsewhere.
for (const kind of ["pointerover", "focusin", "focusout"]) {
  document.addEventListener(kind, ({ target, relatedTarget }) => {
    light(numberOf(kind === "focusout" ? relatedTarget : target) ?? numberOf(document.activeElement));
  });
}

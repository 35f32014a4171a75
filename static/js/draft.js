// The draft that lies open: its parts, and which of its looks is shown.
export const section = () => document.querySelector(".draft[data-mode]");
export const form = () => section() && document.getElementById("decision");
export const field = () => form()?.elements.text;

// Also what the server brought along is the reviewer's own.
export const isEdited = () =>
  field().value !== field().defaultValue || "own" in field().dataset;

export function show(mode) {
  section().dataset.mode = mode;
  section().querySelector("[data-write]").toggleAttribute("aria-current", mode === "write");
  tell();
  for (const button of section().querySelectorAll("[data-look]")) {
    button.setAttribute("aria-pressed", String(button.dataset.look === mode));
  }
}

export function tell() {
  section().querySelector("[data-edited]").hidden = !isEdited();
}

// A digit says what the focused change is about: <li data-labels> with a button for each kind.
document.addEventListener("keydown", (event) => {
  const change = event.target.closest?.("[data-labels]");
  if (!change || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = change.querySelectorAll("button[name=kind]")[event.key - 1];
  if (!button) return;
  event.preventDefault();
  button.click();
});

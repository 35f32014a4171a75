// Puts words on the clipboard: <button data-copy="id">, which is there only with script.
function show() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = document.getElementById(button.dataset.copy)?.textContent ?? "";
  const status = document.getElementById("status");
  try {
    await navigator.clipboard.writeText(words);
    status.textContent = button.dataset.copied;
    button.firstChild.textContent = button.dataset.copied;
  } catch {
    status.textContent = button.dataset.failed;
    getSelection()?.selectAllChildren(document.getElementById(button.dataset.copy));
  }
});

show();

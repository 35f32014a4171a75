// Opens dialogs: <a data-dialog="id"> is a plain link without script.
export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input[type=radio]")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const closer = event.target.closest("dialog:modal [data-close]");
  if (opener || closer) event.preventDefault();
  if (opener) open(opener.dataset.dialog);
  closer?.closest("dialog").close();
});

// Among the reasons a digit chooses; Enter then rejects.
document.addEventListener("keydown", (event) => {
  const reasons = event.target.closest("#reject")?.querySelectorAll("input[type=radio]");
  const choice = !event.target.matches("textarea, input[type=text]") && reasons?.[event.key - 1];
  if (choice) choice.checked = !choice.focus();
});

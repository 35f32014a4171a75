// Opens dialogs: <a data-dialog="id"> is a plain link without script.
export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input[type=radio]")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener && document.getElementById(opener.dataset.dialog)) {
    event.preventDefault();
    open(opener.dataset.dialog);
  }
  const closer = event.target.closest("dialog:modal [data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
});

// In the dialog of reasons a digit chooses; Enter then rejects.
document.addEventListener("keydown", (event) => {
  const dialog = event.target.closest?.("#reject");
  if (!dialog || event.target.matches("textarea") || !/^[1-9]$/.test(event.key)) return;
  const choice = dialog.querySelectorAll("input[type=radio]")[event.key - 1];
  if (choice) {
    choice.checked = true;
    choice.focus();
    event.preventDefault();
  }
});

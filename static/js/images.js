// Says that a mail's remote images are being loaded; the link itself works without this.
document.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-loads]");
  if (!link) return;
  const blocked = link.parentElement.querySelector("[data-blocked]");
  blocked.textContent = blocked.dataset.blocked;
  setTimeout(() => link.replaceWith()); // once the browser has followed it
});

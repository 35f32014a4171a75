// Puts the others who got the message into Cc; without script the button asks the server.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reply-all]");
  const cc = button?.form.elements.cc;
  if (!cc) return;
  event.preventDefault();
  const fold = cc.closest("details");
  fold.open = true;
  cc.value = [cc.value.trim().replace(/,$/, ""), button.value].filter(Boolean).join(", ");
  cc.dispatchEvent(new Event("input", { bubbles: true }));
  cc.focus();
});

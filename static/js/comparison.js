// Opens what came meanwhile, against what was typed, in a dialog.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const dialog = document.getElementById("comparison");
  if (ctx.target !== dialog || !dialog.firstElementChild || dialog.open) return;
  dialog.showModal();
});

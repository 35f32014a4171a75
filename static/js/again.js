// Closes <dialog data-closes> when what it asked for was answered: what came of it is on the page.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  ctx.sourceElement?.closest("dialog[data-closes]:modal")?.close();
});

// Keeps what is read in its place while the messages before it are put above: [data-earlier].
let kept;

document.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-earlier]");
  const next = link?.closest("p").nextElementSibling;
  if (next) kept = { next, top: next.getBoundingClientRect().top };
});

document.addEventListener("htmx:after:swap", () => {
  if (!kept?.next.isConnected || document.querySelector("#earlier + *") === kept.next) return;
  const scroller = kept.next.closest(".review .thread") ?? kept.next.closest(".page");
  scroller?.scrollBy(0, kept.next.getBoundingClientRect().top - kept.top);
  kept = undefined;
});

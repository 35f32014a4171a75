// Brings a new refusal into sight, when it stands above what is read.
let shown = null;

document.addEventListener("htmx:after:swap", () => {
  const notice = document.querySelector("#notice[role=alert]");
  if (notice && notice !== shown) notice.scrollIntoView({ block: "nearest" });
  shown = notice;
});

// Shows the button that opens the browser's print dialogue, which no plain link can.
const button = document.querySelector("[data-print]");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

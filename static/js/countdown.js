// Counts down what is left of the time to undo: [data-milliseconds], as the server said it when
// it answered.  This computer's clock may be wrong; it is only asked how much time has passed.
let timer;

function start() {
  const toast = document.querySelector("[data-milliseconds]:not([data-end])");
  if (!toast) return;
  toast.dataset.end = performance.now() + Number(toast.dataset.milliseconds);
  clearInterval(timer);
  timer = setInterval(() => tick(toast), 250);
  tick(toast);
}

function tick(toast) {
  const left = Math.ceil((toast.dataset.end - performance.now()) / 1000);
  const words = toast.querySelector("[data-left]");
  if (words) words.textContent = words.dataset.words.replace("{}", Math.max(left, 0));
  if (left > 0 && toast.isConnected) return;
  clearInterval(timer);
  toast.remove();
}

start();
document.addEventListener("htmx:after:swap", start);

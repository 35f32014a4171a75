// Counts down the seconds in which a decision can be undone: [data-seconds].
let timer;

function start() {
  const toast = document.querySelector("[data-seconds]:not([data-end])");
  if (!toast) return;
  toast.dataset.end = performance.now() + toast.dataset.seconds * 1000;
  clearInterval(timer);
  timer = setInterval(() => tick(toast), 250);
  tick(toast);
}

function tick(toast) {
  const left = Math.ceil((toast.dataset.end - performance.now()) / 1000);
  const words = toast.querySelector("[data-left]");
  if (words) words.textContent = `in ${left} s`;
  if (left > 0 && toast.isConnected) return;
  clearInterval(timer);
  toast.remove();
}

start();
document.addEventListener("htmx:after:swap", start);

// Counts down the seconds in which a decision can be undone: [data-seconds].
let timer;

function start() {
  clearInterval(timer);
  const toast = document.querySelector("[data-seconds]");
  if (!toast) return;
  const end = performance.now() + toast.dataset.seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    const words = toast.querySelector("[data-left]");
    if (words) words.textContent = `in ${left} s`;
    if (left <= 0 || !toast.isConnected) {
      clearInterval(timer);
      toast.remove();
    }
  };
  tick();
  timer = setInterval(tick, 250);
}

start();
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target?.id !== "rows") start();
});

// Follows a run by server-sent events, and loads the page again when it has ended.

const box = document.querySelector("[data-progress]");
if (box) {
  const step = box.querySelector("[data-step]");
  const lines = box.querySelector("[data-lines]");
  const bar = box.querySelector("progress");
  const source = new EventSource(box.dataset.progress);
  source.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (now.state !== "running" && now.state !== "stopping") {
      source.close();
      location.replace(location.pathname + location.search);
      return;
    }
    if (now.state === "stopping") step.textContent = box.dataset.stopping;
    else if (now.step) step.textContent = now.step;
    lines.textContent = now.lines.join("\n");
    if (now.total) {
      bar.max = now.total;
      bar.value = now.done;
    } else {
      bar.removeAttribute("value");
    }
  };
}

// Paints a year of load: one column a day, one row a slot of the day, midnight at the bottom. Python sends numbers, the
// colours are here. A gap is hatched grey, never a colour; a value below zero (feeding in) has a scale of its own.

const RAMP = ["#fff7e0", "#fde3a3", "#f9bf6b", "#ef8f4c", "#d65a47", "#a83153", "#6b1d55", "#35113f"];
const BELOW = ["#e6f0f9", "#9cc3e4", "#3f83bd", "#12406b"];
const GAP = [186, 196, 200];

function parse(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** Colour of a share between 0 and 1 on a ramp, as [red, green, blue]. */
export function shade(share, ramp = RAMP) {
  const place = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(place), ramp.length - 2);
  const [from, to] = [parse(ramp[low]), parse(ramp[low + 1])];
  return from.map((part, index) => Math.round(part + (to[index] - part) * (place - low)));
}

/** Colour of one value; null is a gap. */
export function colourOf(value, top) {
  if (value === null || value === undefined) return GAP;
  return value < 0 ? shade(-value / top, BELOW) : shade(value / top);
}

/** The picture itself, one pixel a value: days × slots. */
export function pixels(values, top) {
  const slots = values.reduce((most, day) => Math.max(most, day?.length ?? 0), 1);
  const image = new ImageData(values.length, slots);
  values.forEach((day, x) => {
    for (let y = 0; y < slots; y += 1) {
      const slot = slots - 1 - y; // midnight at the bottom
      // a day of 23 or 25 hours is stretched over the column
      const value = day ? day[Math.floor((slot * day.length) / slots)] : null;
      image.data.set([...colourOf(value, top), 255], 4 * (y * values.length + x));
    }
  });
  return image;
}

function axis(frame, data) {
  const months = document.createElement("div");
  months.className = "heat-months";
  months.setAttribute("aria-hidden", "true");
  for (const [day, text] of data.months ?? []) {
    const mark = document.createElement("span");
    mark.textContent = text;
    mark.style.left = `${(100 * day) / data.days.length}%`; // set by script: the policy allows it
    months.append(mark);
  }
  frame.append(months);
}

/** Says day, time and value under the pointer, or where the arrow keys have gone. */
function reader(canvas, data, slots) {
  const told = document.createElement("p");
  told.className = "heat-told";
  told.setAttribute("aria-live", "polite");
  told.textContent = data.hint ?? "";
  canvas.parentElement.append(told);
  const here = { x: 0, slot: 0 };
  const tell = () => {
    const day = data.values[here.x];
    const value = day ? day[Math.floor((here.slot * day.length) / slots)] : null;
    const minutes = Math.floor((here.slot * 1440) / slots);
    const clock = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    told.textContent = `${data.days[here.x]} ${clock}  ${value === null || value === undefined ? data.gap : `${value} ${data.unit}`}`;
  };
  canvas.tabIndex = 0;
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    here.x = Math.min(data.days.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * data.days.length)));
    here.slot = Math.min(slots - 1, Math.max(0, slots - 1 - Math.floor(((event.clientY - box.top) / box.height) * slots)));
    tell();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    here.x = Math.min(data.days.length - 1, Math.max(0, here.x + step[0]));
    here.slot = Math.min(slots - 1, Math.max(0, here.slot + step[1]));
    tell();
  });
}

/** Paint the canvas from its address; `data-painted` is set when it is done. */
export async function paint(canvas) {
  const answer = await fetch(canvas.dataset.heat, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const whole = await answer.json();
  const data = whole.facts?.heat ?? whole;
  if (!data.values.length) return;
  const image = pixels(data.values, data.top || 1);
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  axis(canvas.parentElement, data);
  reader(canvas, data, image.height);
  canvas.dataset.painted = "yes";
}

if (typeof document !== "undefined") document.querySelectorAll("canvas[data-heat]").forEach(paint);

// A range input that holds the true value, under a rail on which the stops are evenly spaced.
const range = element.querySelector("input");
const body = element.querySelector(".stepped-body");
const number = element.querySelector(".stepped-value b");
const ticks = element.querySelector(".stepped-ticks");
const MOST_TICKS = 9;
let stops = [];

function place(value) { // where a value lies on the rail, 0 to 1; between two stops in proportion
  const next = stops.findIndex((stop) => stop >= value);
  if (next <= 0) return next === 0 ? 0 : 1;
  const [low, high] = [stops[next - 1], stops[next]];
  return (next - 1 + (value - low) / (high - low)) / (stops.length - 1);
}

function draw() {
  const value = Number(range.value);
  number.textContent = value.toLocaleString("en");
  range.setAttribute("aria-valuetext", `${value} ${props.unit}`);
  body.style.setProperty("--at", place(value));
}

function setup() {
  stops = props.stops;
  range.min = stops[0];
  range.max = stops[stops.length - 1];
  range.value = props.value; // a smaller context than before takes the value with it
  if (Number(range.value) !== props.value) props.value = Number(range.value);
  const every = Math.ceil(stops.length / MOST_TICKS);
  ticks.replaceChildren(...stops.map((stop, i) => {
    const tick = document.createElement("span");
    const last = stops.length - 1;
    const shown = i === last || (i % every === 0 && last - i >= every);
    tick.textContent = shown ? short(stop) : "";
    return tick;
  }));
  draw();
}

function short(stop) {
  return stop < 1000 ? String(stop) : `${Math.round(stop / 102.4) / 10}k`;
}

function choose(value) {
  if (Number(range.value) !== value) range.value = value;
  draw();
  if (props.value !== Number(range.value)) {
    props.value = Number(range.value);
    trigger("change");
  }
}

function nearest(event) {
  const box = body.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  return stops[Math.round(share * (stops.length - 1))];
}

function step(by) {
  const value = Number(range.value);
  const below = stops.filter((stop) => stop < value);
  const above = stops.filter((stop) => stop > value);
  return by > 0 ? above[Math.min(by, above.length) - 1] ?? value : below[Math.max(below.length + by, 0)] ?? value;
}

const KEYS = { ArrowRight: 1, ArrowUp: 1, PageUp: 2, ArrowLeft: -1, ArrowDown: -1, PageDown: -2 };
range.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  choose(step(KEYS[event.key]));
});
range.addEventListener("input", () => choose(Number(range.value)));

// The browser's own dragging is linear; ours follows the stops.
range.addEventListener("mousedown", (event) => event.preventDefault());
range.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
range.addEventListener("pointerdown", (event) => {
  range.focus({ preventScroll: true });
  range.setPointerCapture(event.pointerId);
  choose(nearest(event));
});
range.addEventListener("pointermove", (event) => {
  if (range.hasPointerCapture(event.pointerId)) choose(nearest(event));
});

watch(["value", "stops"], setup);
setup();

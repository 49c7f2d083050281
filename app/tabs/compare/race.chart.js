// The chart under the lanes: how long each lane has thought and what it answered, above the cached curve of its model.
// A dozen shapes that move with every update: drawn by hand, so that it costs no frame and works in a file of its own.
function raceChart(box, says) {
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 3.9, RIGHT = 1.2, ROW = 1.7, AXIS = 2.7; // in units of the font size, so that it grows with it
  const EVERY_MS = 100; // while the lanes move
  const styles = new Map(); // asking the browser for one makes it work out all that has changed so far
  let late = 0;
  let curves = [], lanes = [], drawn = "", width = 0, em = 16, small = 13, plot = 144;

  function css(name) {
    if (!styles.has(name)) styles.set(name, getComputedStyle(box).getPropertyValue(name).trim());
    return styles.get(name);
  }

  function measure() {
    styles.clear();
    width = box.clientWidth;
    em = Number.parseFloat(getComputedStyle(box).fontSize);
    [small, plot] = [Number(css("--small")) * em, Number(css("--plot")) * em];
    redraw();
  }
  function shape(parent, tag, attributes, text) {
    const node = parent.appendChild(document.createElementNS(SVG, tag));
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, name === "stroke-width" ? (value * em) / 16 : value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const log = (tokens) => Math.log2(1 + Math.max(0, tokens) / 8); // has a place for 0
  function scale() {
    const most = Math.max(64, ...lanes.map((lane) => lane.spent), ...curves.flatMap((one) => one.points.map((point) => point.tokens)));
    const end = log(most), from = LEFT * em, to = width - RIGHT * em;
    return { most, x: (tokens) => from + (log(tokens) / end) * (to - from) };
  }

  function marker(parent, kind, x, y, size, attributes) { // shape tells as much as colour does
    if (kind === "right") return shape(parent, "circle", { cx: x, cy: y, r: size, ...attributes });
    if (kind === "wrong") return shape(parent, "path", { d: `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`, ...attributes, "stroke-width": 3, fill: "none" });
    if (kind === "published") return shape(parent, "path", { d: `M${x} ${y - size}L${x + size} ${y}L${x} ${y + size}L${x - size} ${y}Z`, ...attributes });
    return shape(parent, "circle", { cx: x, cy: y, r: size, ...attributes });
  }

  // Budgets are one line; each number of Waits is a setting of its own, and a mark of its own.
  function drawCurve(svg, one, place, top, dashed) {
    const y = (percent) => top + (1 - percent / 100) * plot;
    const points = one.points.filter((point) => !point.waits), waits = one.points.filter((point) => point.waits);
    const ink = css("--ink-soft"), line = css("--ink");
    const banded = points.filter((point) => point.low !== null);
    if (banded.length > 1) {
      const upper = banded.map((point) => `${place.x(point.tokens)} ${y(point.high)}`);
      const lower = banded.map((point) => `${place.x(point.tokens)} ${y(point.low)}`).reverse();
      shape(svg, "path", { d: `M${[...upper, ...lower].join("L")}Z`, fill: ink, opacity: 0.18 });
    }
    shape(svg, "path", { d: `M${points.map((point) => `${place.x(point.tokens)} ${y(point.accuracy)}`).join("L")}`, fill: "none", stroke: line, "stroke-width": 2, "stroke-dasharray": dashed ? "5 4" : "none" });
    for (const point of points) {
      const mark = marker(svg, one.origin === "published" ? "published" : "measured", place.x(point.tokens), y(point.accuracy), 0.28 * em, { fill: css("--paper"), stroke: line, "stroke-width": 2 });
      tell(mark, one, point);
    }
    for (const point of waits) {
      const x = place.x(point.tokens), at = y(point.accuracy);
      const mark = shape(svg, "rect", { x: x - 0.62 * em, y: at - 0.5 * em, width: 1.24 * em, height: em, rx: 0.5 * em, fill: css("--amber-fill"), stroke: css("--amber-line"), "stroke-width": 1.5 });
      tell(mark, one, point);
      shape(svg, "text", { x, y: at + 0.34 * small, "text-anchor": "middle", fill: css("--amber-ink"), "font-size": small, "font-weight": 700, "pointer-events": "none" }, String(point.waits));
    }
  }

  function tell(mark, one, point) {
    shape(mark, "title", {}, `${one.model}, ${point.label ?? one.origin}: ${point.accuracy.toFixed(1)} % at ${Math.round(point.tokens)} tokens`);
  }

  function ownPoint(lane) { // the point that was measured under the lane's own setting
    const one = curves.find((curve) => curve.model === lane.setting.model);
    if (!one || lane.setting.method === "vote") return null;
    const { waits = 0, budget } = lane.setting;
    if (waits) return one.points.find((point) => point.waits === waits) ?? null;
    return one.points.find((point) => point.label === `budget ${budget}`) ?? (lane.reached ? null : one.points.find((point) => point.label === "natural") ?? null);
  }

  function axes(svg, place, top) {
    const ink = css("--ink-soft"), line = css("--line"), bottom = top + plot;
    for (const percent of [0, 50, 100]) {
      const y = top + (1 - percent / 100) * plot;
      shape(svg, "path", { d: `M${LEFT * em} ${y}H${width - RIGHT * em}`, stroke: line });
      shape(svg, "text", { x: (LEFT - 0.5) * em, y: y + 0.3 * small, "text-anchor": "end", fill: ink, "font-size": small }, `${percent} %`);
    }
    let last = -Infinity;
    for (let tokens = 0; tokens <= place.most; tokens = tokens ? tokens * 2 : 8) {
      const x = place.x(tokens);
      if (x - last < 2.6 * em) continue;
      last = x;
      shape(svg, "path", { d: `M${x} ${bottom}v${0.3 * em}`, stroke: ink });
      shape(svg, "text", { x, y: bottom + 1.25 * em, "text-anchor": "middle", fill: ink, "font-size": small }, tokens.toLocaleString("en"));
    }
    shape(svg, "text", { x: (LEFT * em + width - RIGHT * em) / 2, y: bottom + 2.45 * em, "text-anchor": "middle", fill: ink, "font-size": small }, "thinking tokens (log)");
  }

  function drawPin(svg, lane, ink, x, y, place, bottom) {
    const own = curves.length && lane.over ? ownPoint(lane) : null;
    if (!own) { shape(svg, "path", { d: `M${x} ${y}V${bottom}`, stroke: ink, "stroke-width": 1.5, "stroke-dasharray": "2 4" }); return; }
    const to = [place.x(own.tokens), bottom - plot + (1 - own.accuracy / 100) * plot];
    shape(svg, "path", { d: `M${x} ${y}L${to[0]} ${to[1]}`, stroke: ink, "stroke-width": 1.5, "stroke-dasharray": "2 4" });
    shape(svg, "circle", { cx: to[0], cy: to[1], r: 0.9 * em, fill: "none", stroke: ink, "stroke-width": 2 });
  }

  function drawLane(svg, lane, i, place, bottom) {
    const y = (i + 0.6) * ROW * em, x = place.x(lane.spent), ink = css(`--lane-${i + 1}`), start = place.x(0);
    shape(svg, "text", { x: start - 0.8 * em, y: y + 0.33 * em, "text-anchor": "end", fill: ink, "font-weight": 700, "font-size": em }, String(i + 1));
    shape(svg, "path", { d: `M${start} ${y}H${x}`, stroke: ink, "stroke-width": 5 });
    if (lane.begun) drawPin(svg, lane, ink, x, y, place, bottom);
    if (lane.begun) marker(svg, lane.verdict || "open", x, y, 0.4 * em, { fill: lane.over ? ink : css("--paper"), stroke: ink, "stroke-width": 2 });
    if (!lane.answer) return;
    const words = `${lane.answer}${{ right: " ✓", wrong: " ✗" }[lane.verdict] ?? ""}`, left = x + (0.8 + 0.62 * words.length) * em > width;
    shape(svg, "text", { x: x + (left ? -0.8 : 0.8) * em, y: y + 0.33 * em, "text-anchor": left ? "end" : "start", fill: css("--ink"), "font-weight": 600, "font-size": em,
      ...(left ? { stroke: css("--paper"), "stroke-width": 4, "paint-order": "stroke" } : {}) }, words);
  }

  function redraw() {
    clearTimeout(late);
    late = 0;
    box.parentNode.dataset.drawn = String(lanes.length > 0);
    if (!width || !lanes.length) { box.replaceChildren(); drawn = ""; return; }
    const place = scale(), top = (lanes.length + 0.4) * ROW * em, height = top + (curves.length ? plot : 0) + AXIS * em;
    const svg = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spoken() })) svg.setAttribute(name, value);
    if (curves.length) {
      axes(svg, place, top);
      curves.forEach((one, i) => drawCurve(svg, one, place, top, i > 0));
    }
    lanes.forEach((lane, i) => drawLane(svg, lane, i, place, curves.length ? top + plot : top));
    box.replaceChildren(svg);
  }

  const spoken = () => lanes.map((lane, i) => `Lane ${i + 1}: ${lane.spent} thinking tokens${lane.answer ? `, answer ${lane.answer} ${lane.verdict}` : ""}`).join("; ");

  function draw(views, settings) {
    lanes = views.map((view, i) => ({
      setting: settings[i] ?? {}, reached: view.meter.limit !== null && view.meter.spent >= view.meter.limit, spent: view.meter.spent, limit: view.meter.limit, verdict: view.answer.verdict,
      answer: view.answer.text.length > 24 ? `${view.answer.text.slice(0, 24)}…` : view.answer.text, over: view.state === "done", begun: view.state !== "empty",
    }));
    const now = JSON.stringify(lanes);
    if (now === drawn) return;
    drawn = now;
    if (!lanes.length || views.every((view) => view.state !== "running")) redraw();
    else late ||= setTimeout(redraw, EVERY_MS);
  }

  function over(next, without = []) {
    curves = next;
    const words = curves.map((one) => `${one.model}, budget forcing on ${one.benchmark === "nano" ? "s1-nano's held-out questions" : one.benchmark}, ${one.origin}${one.n ? `, n = ${one.n.toLocaleString("en")} a point, band: 95 % interval` : ""}`);
    const missing = without.length ? `No cached curve of ${without.join(", ")}.` : "";
    const marks = curves.length ? "Hollow marks: budgets; amber: forced Waits; a ring: a lane’s own setting." : "";
    says.textContent = [words.length ? `Curve: ${words.join("; dashed: ")}.` : "", marks, missing].filter(Boolean).join(" ");
    redraw();
  }

  new ResizeObserver(measure).observe(box);
  new MutationObserver(measure).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(measure, 50));
  return { draw, over };
}

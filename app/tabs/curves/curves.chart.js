// The chart. What a series looks like comes from the server (evals/figures.py); here it gets its colour and its place.
// One series is looked at and has its colour; the others are grey, named at their ends, until they are pointed at.
function curveChart(box, source, onPick) {
  const COLOURS = 8, LABEL_PX = 15;
  const colours = new Map(); // series id -> number of its colour, kept for as long as it is shown
  const library = () => drawingLibrary(source);
  let shown = null, hovered = "";

  const css = (name) => getComputedStyle(box).getPropertyValue(name).trim();

  function assign(series) {
    const ids = new Set(series.map((one) => one.id));
    for (const id of [...colours.keys()]) if (!ids.has(id)) colours.delete(id);
    for (const id of ids) {
      if (colours.has(id)) continue;
      const used = new Set(colours.values());
      let number = 0;
      while (used.has(number)) number += 1;
      colours.set(id, number);
    }
  }

  const named = (number) => (number < COLOURS ? css(`--series-${number}`) : `hsl(${(number * 137.5) % 360} 45% ${document.body.classList.contains("dark") ? 70 : 38}%)`);
  const isLit = (id) => !shown || shown.lit.includes(id) || id === hovered;
  const colour = (id) => (isLit(id) ? named(colours.get(id) ?? 0) : css("--line-strong"));

  function dressed(series, floor) { // the server's traces, with colours and with a place for 0, which a log axis has not
    return series.flatMap((one) => one.traces.map((trace) => {
      const ink = colour(one.id), lit = isLit(one.id), points = one.points.filter((point) => point.tokens !== null);
      const placed = { ...trace, x: trace.x.map((x) => (x > 0 ? x : floor)), meta: one.id, cliponaxis: false };
      if (trace.fill) return { ...placed, fillcolor: ink, opacity: lit ? trace.opacity : 0 };
      const line = { ...trace.line, color: ink, width: lit ? 2.5 : 1.25 };
      const forced = points.map((point) => lit && point.waits > 0);
      const marker = { ...trace.marker, size: forced.map((is) => (is ? 18 : lit ? 9 : 5)), color: forced.map((is) => (is ? css("--amber-fill") : lit ? css("--paper-raised") : ink)),
        line: { color: forced.map((is) => (is ? css("--amber-line") : ink)), width: 2 } };
      const words = points.map((point, i) => (forced[i] ? String(point.waits) : ""));
      const dressedLine = { ...placed, line, marker, mode: forced.some(Boolean) ? "lines+markers+text" : trace.mode, text: words, textfont: { size: 12, color: css("--amber-ink") }, textposition: "middle center" };
      if (trace.error_y) dressedLine.error_y = { ...trace.error_y, color: ink };
      dressedLine.hoverlabel = { bgcolor: css("--paper-raised"), bordercolor: ink, font: { color: css("--ink"), size: 13 }, align: "left" };
      return dressedLine;
    }));
  }

  function marks(picked, floor) { // rings around the points that are looked at
    const kept = picked.filter(({ point }) => point && point.tokens !== null);
    if (!kept.length) return [];
    return [{
      x: kept.map(({ point }) => (point.tokens > 0 ? point.tokens : floor)), y: kept.map(({ point }) => point.accuracy),
      text: kept.map(({ name }) => `<b>${name}</b>`), mode: "markers+text", textposition: "top center", hoverinfo: "skip",
      marker: { symbol: "circle-open", size: 19, color: css("--ink"), line: { width: 2 } },
      textfont: { color: css("--ink"), size: 13 }, showlegend: false, cliponaxis: false,
    }];
  }

  // Names stand at the ends of their lines, moved apart where they would cover each other.
  function names(series, place, height) {
    const plain = (text) => String(text).replace(/[<>&]/g, " ").slice(0, 60);
    const short = (text) => (text.length > 28 ? `${text.slice(0, 27)}…` : text);
    const ends = series.map((one) => ({ one, point: one.points.filter((point) => point.tokens !== null).at(-1) })).filter(({ point }) => point)
      .map(({ one, point }) => ({ one, x: Math.log10(Math.max(point.tokens, place.floor)), y: point.accuracy, px: (1 - point.accuracy / 104) * height }))
      .sort((a, b) => Number(isLit(b.one.id)) - Number(isLit(a.one.id)) || a.px - b.px);
    const taken = [];
    return ends.flatMap(({ one, x, y, px }) => {
      const near = (at) => taken.some((other) => Math.abs(other.px - at) < LABEL_PX && Math.abs(other.x - x) < 0.6);
      let shift = 0;
      for (let step = 1; near(px + shift) && step < 9; step++) shift = (step % 2 ? 1 : -1) * Math.ceil(step / 2) * LABEL_PX;
      if (near(px + shift)) return [];
      taken.push({ px: px + shift, x });
      const many = new Set(series.map((other) => other.model)).size > 1;
      return [{ x, y, xanchor: "left", yanchor: "middle", xshift: 9, yshift: -shift, showarrow: false, text: short(plain(many ? `${one.model}, ${one.method}` : one.method)), captureevents: false,
        font: { size: 12, color: isLit(one.id) ? colour(one.id) : css("--ink-soft") } }];
    });
  }

  function scale(series) {
    const tokens = series.flatMap((one) => one.points.map((point) => point.tokens)).filter((x) => x !== null);
    const positive = tokens.filter((x) => x > 0);
    const floor = (positive.length ? Math.min(...positive) : 1) / 2;
    const most = positive.length ? Math.max(...positive) : 1;
    return { floor, most, zero: tokens.some((x) => x <= 0) };
  }

  function ticks({ floor, most, zero }, width) {
    const first = Math.ceil(Math.log2(floor * 2) - 1e-9), last = Math.ceil(Math.log2(most));
    const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, width / 64)));
    const powers = [];
    for (let k = first; k <= last; k += every) powers.push(2 ** k);
    // Within two octaves or so, powers of two alone leave an axis without numbers.
    if (last - first < 3) for (let k = first - 1; k < last; k += 1) powers.push(1.5 * 2 ** k);
    return {
      tickvals: [...(zero ? [floor] : []), ...powers],
      ticktext: [...(zero ? ["0"] : []), ...powers.map((power) => power.toLocaleString("en"))],
      range: [Math.log10(zero ? floor : floor * 2) - 0.06, Math.log10(Math.max(most, floor * 2)) + 0.06],
    };
  }

  function layout(series, place, width) {
    const axis = { color: css("--ink-soft"), gridcolor: css("--line"), zeroline: false, linecolor: css("--line-strong"), tickfont: { size: 12 } };
    const parallel = series.some((one) => one.counts === "output tokens");
    const what = parallel ? "average thinking tokens (parallel methods: all output), log2" : "average thinking tokens, log2";
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest", hoverdistance: 24,
      font: { family: css("--sans"), color: css("--ink"), size: 13 }, margin: { l: 56, r: 14, t: 26, b: 46 }, dragmode: false,
      xaxis: { ...axis, type: "log", ...ticks(place, width), title: { text: what, standoff: 8, font: { size: 13 } }, fixedrange: true },
      yaxis: { ...axis, range: [-3, 104], tickvals: [0, 20, 40, 60, 80, 100], title: { text: "accuracy %", standoff: 6, font: { size: 13 } }, fixedrange: true },
    };
  }

  async function draw(series, picked, lit = []) {
    assign(series);
    if (shown?.series !== series) hovered = "";
    shown = { series, picked, lit: lit.length ? lit : series.slice(0, 1).map((one) => one.id) };
    const Plotly = await library();
    if (!box.isConnected || shown.series !== series || !box.clientWidth) return;
    const place = scale(series);
    const order = [...series].sort((a, b) => Number(isLit(a.id)) - Number(isLit(b.id))); // what is looked at lies on top
    const traces = [...dressed(order, place.floor), ...marks(picked, place.floor)];
    const figure = layout(series, place, box.clientWidth);
    const room = Math.min(200, box.clientWidth * 0.22);
    Object.assign(figure, { margin: { ...figure.margin, r: series.length ? room : 14 }, annotations: names(series, place, box.clientHeight - figure.margin.t - figure.margin.b) });
    await Plotly.react(box, traces, figure, { displayModeBar: false, responsive: false });
    if (box.dataset.wired) return;
    box.dataset.wired = "true";
    box.on("plotly_click", (event) => {
      const hit = event.points.find((point) => point.data.meta && !point.data.fill);
      if (hit) onPick(hit.data.meta, hit.pointIndex, event.event.shiftKey);
    });
    const light = (id) => { if (id !== hovered) { hovered = id; again(); } };
    box.on("plotly_hover", (event) => { const hit = event.points.find((point) => point.data.meta); if (hit && !shown.lit.includes(hit.data.meta)) light(hit.data.meta); });
    box.on("plotly_unhover", () => light(""));
  }

  const again = () => { if (shown) draw(shown.series, shown.picked, shown.lit); };
  new ResizeObserver(again).observe(box);
  new MutationObserver(again).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(again, 50));

  async function image(format, title) { // for a slide or a paper: the same curves, with their legend and sources
    const Plotly = await library();
    const { series } = shown, place = scale(series), width = 1200;
    const rows = Math.ceil(series.length / 2);
    const counts = series.flatMap((one) => one.points.map((point) => point.n)).filter((n) => n !== null);
    const few = Math.min(...counts), most = Math.max(...counts);
    const n = counts.length ? `n = ${few === most ? few : `${few} to ${most}`} a point; ` : "";
    const figure = layout(series, place, width - 120);
    Object.assign(figure, {
      paper_bgcolor: css("--paper"), plot_bgcolor: css("--paper"), showlegend: true,
      title: { text: title, x: 0.06, font: { size: 20 }, subtitle: { text: `${n}bands are 95 % intervals`, font: { size: 13, color: css("--ink-soft") } } },
      legend: { orientation: "h", x: 0, y: -0.17, yanchor: "top", entrywidth: 0.48, entrywidthmode: "fraction" },
      margin: { l: 70, r: 30, t: 90, b: 96 + 24 * rows },
    });
    const before = shown.lit;
    shown.lit = series.map((one) => one.id); // on paper nobody points at anything
    const data = dressed(series, place.floor);
    shown.lit = before;
    for (const trace of data) {
      const one = series.find((other) => other.id === trace.meta);
      if (one.own) trace.name = `${trace.name}, ${one.source.replace(/[<>&]/g, " ")}`;
    }
    return Plotly.toImage({ data, layout: figure }, { format, width, height: 660 + 24 * rows, scale: format === "png" ? 2 : 1 });
  }

  return { draw, image, colour };
}

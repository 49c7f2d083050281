// What the charts of a board share: a place each, drawn again when that or the theme changes, in the page's colours.
// Names are plain text: the drawing library reads some markup in labels.
function chartPlaces(root, source, boxes, late) {
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const plain = (text) => String(text).replace(/[<>&]/g, (sign) => ({ "<": "‹", ">": "›", "&": "＋" })[sign]).slice(0, 60);
  const base = () => ({ paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: css("--sans"), color: css("--ink"), size: 13 }, showlegend: false });
  const axis = () => ({ color: css("--ink-soft"), gridcolor: css("--line"), zeroline: false, linecolor: css("--line-strong"), tickfont: { size: 12 }, fixedrange: true });
  const shown = new Map(); // by the name of the place: what is drawn there, and how

  async function draw(name) {
    const box = boxes[name], mine = shown.get(name);
    if (!mine || !box.clientWidth) return;
    const Plotly = await drawingLibrary(source);
    if (!box.isConnected || shown.get(name) !== mine || !box.clientWidth) return;
    const { data, layout } = mine.make(mine.value, box);
    await Plotly.react(box, data, { ...base(), ...layout }, { displayModeBar: false, responsive: false });
    if (box.dataset.wired) return;
    box.dataset.wired = "true";
    mine.wire?.(box);
  }

  const again = (name) => { draw(name).catch(late); };
  for (const [name, box] of Object.entries(boxes)) new ResizeObserver(() => again(name)).observe(box);
  new MutationObserver(() => Object.keys(boxes).forEach(again)).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  function show(name, value, make, wire = null) { // null keeps what was drawn, in a place that is hidden by now
    if (value === null) { shown.delete(name); return; }
    shown.set(name, { value, make, wire });
    again(name);
  }
  return { css, plain, axis, show };
}

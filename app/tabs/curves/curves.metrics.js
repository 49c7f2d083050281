// The table of metrics, which is the chart's legend too, and the settings of each series below its row.
function metricsTable(box, { colour, onPoint, onRemove, isPicked }) {
  const open = new Map(); // series id -> whether its points are listed; the first is, until someone says otherwise
  const METRICS = [["control", "Within budget %"], ["scaling", "Gain per 1,000 tokens"], ["performance", "Best %"]];
  const SHAPES = { published: "M12 1l4 4-4 4-4-4z", measured: "M8.5 5a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z", imported: "M8.5 1.5h7v7h-7z" };

  function swatch(series) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 10");
    svg.setAttribute("aria-hidden", "true");
    svg.style.color = colour(series.id);
    for (const [shape, kind] of [["M0 5h24", "line"], [SHAPES[series.origin], "shape"]]) {
      const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
      path.setAttribute("d", shape);
      path.setAttribute("class", `${kind} ${series.origin}`);
    }
    return svg;
  }

  function head(series, isOpen) {
    const row = make("tr", "metrics-series");
    const name = row.appendChild(make("th"));
    name.scope = "row";
    const toggle = name.appendChild(make("button", "metrics-name"));
    toggle.type = "button";
    toggle.dataset.key = `toggle ${series.id}`;
    toggle.setAttribute("aria-expanded", String(isOpen));
    toggle.append(swatch(series), make("span", "metrics-model", `${series.model}, ${series.method}`));
    toggle.addEventListener("click", () => { open.set(series.id, !isOpen); draw(); });
    const origin = name.appendChild(make("p", "small metrics-origin"));
    const said = origin.appendChild(make("span", "", `${series.origin}: ${series.source}`));
    said.title = series.source;
    if (series.own) {
      const remove = origin.appendChild(make("button", "link-like", "remove"));
      remove.type = "button";
      remove.setAttribute("aria-label", `Remove ${series.name}`);
      remove.addEventListener("click", () => onRemove(series));
    }
    for (const [key, heading] of METRICS) row.appendChild(make("td", "number", series.metrics[key])).dataset.heading = heading;
    return row;
  }

  function points(series) {
    const holder = make("tr", "metrics-points");
    const cell = holder.appendChild(make("td"));
    cell.colSpan = 4;
    const table = cell.appendChild(make("table"));
    table.appendChild(headings(["Setting", "Tokens", "Accuracy % [95 %]", "n"]));
    const body = table.appendChild(make("tbody"));
    series.points.forEach((point, index) => {
      const row = body.appendChild(make("tr"));
      if (isPicked(series, index)) row.setAttribute("aria-current", "true");
      const setting = row.appendChild(make("th"));
      setting.scope = "row";
      const said = point.label ?? "not labelled";
      if (series.run) {
        const button = setting.appendChild(make("button", "link-like", said));
        button.type = "button";
        button.dataset.key = `point ${series.id} ${index}`;
        button.addEventListener("click", () => onPoint(series, index));
      } else {
        setting.appendChild(make("span", point.label === null ? "unlabelled" : "", said));
      }
      row.appendChild(make("td", "number", tokensOf(point, { maximumFractionDigits: 1 })));
      row.appendChild(make("td", "number", accuracy(point)));
      row.appendChild(make("td", "number", point.n === null ? "not known" : point.n.toLocaleString("en")));
    });
    if (series.note) cell.appendChild(make("p", "small", series.note));
    return holder;
  }

  let series = [];
  function draw(next) {
    series = next ?? series;
    keepingFocus(box, () => {
      if (!series.length) { box.replaceChildren(make("p", "teach", "A row for every series that the chart shows.")); return; }
      const table = make("table", "metrics-table");
      table.appendChild(headings(["Series", ...METRICS.map(([, heading]) => heading)]));
      series.forEach((one, place) => {
        const isOpen = open.get(one.id) ?? place === 0;
        const body = table.appendChild(make("tbody"));
        body.appendChild(head(one, isOpen));
        if (isOpen) body.appendChild(points(one));
      });
      box.replaceChildren(table);
    });
  }
  return draw;
}

// Domains as a treemap, lengths as histograms. Names are plain text: the drawing library reads some markup in labels.
function curateCharts(root, source, { onDomain }) {
  const COLOURS = 8;
  const boxes = { domains: root.querySelector(".domains .chart-place"), lengths: root.querySelector(".lengths .chart-place") };
  const late = (error) => { root.querySelector(".lengths-says").textContent = `The charts cannot be drawn: ${error.message}. Reload the page.`; };
  const { css, plain, axis: lines, show } = chartPlaces(root, source, boxes, late);

  function treemap(domains) {
    const total = domains.reduce((sum, [, n]) => sum + n, 0);
    return {
      data: [{
        type: "treemap", labels: domains.map(([name]) => plain(name)), parents: domains.map(() => ""), values: domains.map(([, n]) => n),
        ids: domains.map((_, place) => String(place)), customdata: domains.map(([name]) => name),
        text: domains.map(([, n]) => `${whole(n)}, ${((100 * n) / total).toFixed(0)} %`), textinfo: "label+text", hoverinfo: "label+text",
        textfont: { color: css("--paper"), size: 13 }, tiling: { pad: 2 }, pathbar: { visible: false },
        marker: { colors: domains.map((_, place) => css(`--series-${place % COLOURS}`)), line: { width: 0 } },
      }],
      layout: { margin: { l: 0, r: 0, t: 0, b: 0 } },
    };
  }

  function steps(one) { // the outline of a histogram, down to the axis at both ends
    const x = [one.edges[0]], y = [0];
    one.density.forEach((share, place) => { x.push(one.edges[place], one.edges[place + 1]); y.push(share, share); });
    x.push(one.edges.at(-1));
    y.push(0);
    return { x, y };
  }

  function histogram({ own, published }) {
    const all = [...published, ...own];
    const low = Math.min(...all.map((one) => one.edges[0])), high = Math.max(...all.map((one) => one.edges.at(-1)));
    const first = Math.ceil(Math.log2(low)), last = Math.floor(Math.log2(high)), ticks = [];
    const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(3, boxes.lengths.clientWidth / 56)));
    for (let power = first; power <= last; power += every) ticks.push(2 ** power);
    const most = Math.max(...all.flatMap((one) => one.density));
    const data = all.map((one, place) => {
      const measured = one.origin === "measured", ink = css(`--series-${measured ? place - published.length : 7}`);
      return {
        ...steps(one), type: "scatter", mode: "lines", name: plain(one.name), fill: measured ? "tozeroy" : "none", hoverinfo: "skip", fillcolor: `${ink}33`,
        line: { color: ink, width: 2, dash: measured ? "solid" : place % 2 ? "dash" : "dot" },
      };
    });
    const placed = all.map((one, place) => {
      const peak = one.density.indexOf(Math.max(...one.density));
      return { one, place, x: Math.log10(Math.sqrt(one.edges[peak] * one.edges[peak + 1])), y: one.density[peak] };
    }).filter(({ one }) => one.density.length);
    const annotations = placed.map(({ one, place, x, y }) => {
      const near = placed.filter((other) => other.place < place && Math.abs(other.x - x) < 0.3 && Math.abs(other.y - y) < most * 0.12).length;
      const ink = css(`--series-${one.origin === "measured" ? place - published.length : 7}`);
      const late = x > Math.log10(low) + 0.72 * Math.log10(high / low), early = x < Math.log10(low) + 0.2 * Math.log10(high / low);
      return { x, y, xanchor: late ? "right" : early ? "left" : "center", yanchor: "bottom", yshift: 2 + near * 16, showarrow: false, text: `${plain(one.name)}, ${one.origin}`, font: { size: 12, color: ink } };
    });
    const axis = lines();
    return {
      data,
      layout: {
        margin: { l: 40, r: 12, t: 10, b: 44 }, annotations, hovermode: false, dragmode: false,
        xaxis: { ...axis, type: "log", tickvals: ticks, ticktext: ticks.map(whole), range: [Math.log10(low) - 0.05, Math.log10(high) + 0.05], title: { text: "thinking tokens, log2", standoff: 6, font: { size: 13 } } },
        yaxis: { ...axis, rangemode: "tozero", range: [0, most * 1.18], ticksuffix: " %" },
      },
    };
  }

  const onPick = (box) => box.on("plotly_treemapclick", (event) => { onDomain(event.points[0].customdata); return false; });
  return (domains, own, published) => {
    boxes.domains.hidden = !domains.length;
    show("domains", domains.length ? domains : null, treemap, onPick);
    show("lengths", { own: own.filter((one) => one.counts.length), published }, histogram);
  };
}

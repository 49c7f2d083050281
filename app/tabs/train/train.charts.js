// Loss with the loss on held-out rows, learning rate, gradient norm and speed: over the steps, while they come.
function trainCharts(root, source) {
  const place = (name) => root.querySelector(`.${name} .chart-place`);
  const boxes = { loss: place("loss"), rate: place("rate"), norm: place("norm"), speed: place("speed") };
  const trouble = root.querySelector(".charts-trouble");
  const late = (error) => { trouble.hidden = false; trouble.textContent = `The charts cannot be drawn: ${error.message}. Reload the page; the numbers work without them.`; };
  const { css, plain, axis, show } = chartPlaces(root, source, boxes, late);
  const margin = { l: 52, r: 14, t: 10, b: 36 };
  const SERIES = 8;
  const dashes = ["solid", "dash", "dot", "dashdot"];

  const steps = (value) => ({ ...axis(), title: { text: "step", standoff: 4, font: { size: 12 } }, range: [0, Math.max(1, value)], nticks: 6 });
  const hover = () => ({ bgcolor: css("--paper-raised"), bordercolor: css("--line-strong"), font: { color: css("--ink"), size: 12 } });

  function single({ curves, name, format, total }) {
    const y = curves[name];
    return {
      data: [{ x: curves.step, y, type: "scatter", mode: y.length > 1 ? "lines" : "markers", line: { color: css("--ink"), width: 1.5 }, marker: { color: css("--ink"), size: 5 }, hovertemplate: `step %{x}: %{y:${format}}<extra></extra>`, hoverlabel: hover() }],
      layout: { margin, hovermode: "closest", dragmode: false, xaxis: steps(total), yaxis: { ...axis(), rangemode: "tozero", nticks: 4, exponentformat: "e" } },
    };
  }

  function losses({ runs }, box) { // the run that is shown first, others over it
    const most = Math.max(1, ...runs.map((run) => run.total || 0), ...runs.map((run) => run.curves.step.at(-1) ?? 0));
    const data = runs.flatMap((run, number) => {
      const ink = css(`--series-${number % SERIES}`), name = plain(run.name), { curves } = run;
      const line = { x: curves.step, y: curves.loss, type: "scatter", mode: curves.step.length > 1 ? "lines" : "markers", name, line: { color: ink, width: number ? 1.75 : 2, dash: dashes[number % dashes.length] }, marker: { color: ink, size: 6 }, hovertemplate: `%{y:.4f} at step %{x}<extra>${name}</extra>`, hoverlabel: hover() };
      const held = { x: curves.eval_step, y: curves.eval_loss, type: "scatter", mode: "lines+markers", cliponaxis: false, name: `${name}, held out`, line: { color: ink, width: 1, dash: "dot" }, marker: { color: ink, size: 8, symbol: "diamond-open", line: { width: 2 } }, hovertemplate: `%{y:.4f} held out, at step %{x}<extra>${name}</extra>`, hoverlabel: hover() };
      return curves.eval_step.length ? [line, held] : [line];
    });
    const several = data.length > 1, lines = several ? Math.ceil((data.length * 190) / Math.max(190, box.clientWidth)) : 0;
    box.style.setProperty("--legend", `${lines * 24}px`); // the plot keeps its height, however many names there are
    return {
      data,
      layout: {
        margin: { ...margin, b: margin.b + 12 + lines * 24 }, hovermode: "closest", dragmode: false, showlegend: several,
        legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom", font: { size: 12, color: css("--ink-soft") } },
        xaxis: steps(most), yaxis: { ...axis(), nticks: 6, title: { text: "loss", standoff: 4, font: { size: 12 } } },
      },
    };
  }

  return (run, others) => {
    const total = Math.max(run.total, run.curves.step.at(-1) ?? 0);
    show("loss", { runs: [run, ...others] }, losses);
    for (const [name, column, format] of [["rate", "lr", ".2e"], ["norm", "grad_norm", ".3f"], ["speed", "tokens_s", ",.0f"]]) {
      show(name, { curves: run.curves, name: column, format, total }, single);
    }
  };
}

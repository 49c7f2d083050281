// What a run would need, before it is launched.
function preflightView(section) {
  const body = section.querySelector(".preflight-body"), of = section.querySelector(".preflight-of");
  const gib = (size) => (size < 0.1 ? `${Math.ceil(size * 1024)} MiB` : `${size >= 10 ? size.toFixed(1) : size.toFixed(2)} GiB`);
  const counted = (n) => (n < 1e9 ? `${(n / 1e6).toPrecision(3)} million` : `${(n / 1e9).toPrecision(3)} billion`);

  function memory(report) {
    const list = make("ol", "memory");
    const most = Math.max(report.machine.memory_gib, report.total_gib);
    const parts = [...Object.entries(report.memory_gib), [`in all, for each ${report.machine.gpu ? "GPU" : "process"}`, report.total_gib], ["there is", report.machine.memory_gib]];
    parts.forEach(([name, size], place) => {
      const item = list.appendChild(make("li"));
      const sum = place >= parts.length - 2;
      if (sum) item.className = place === parts.length - 2 ? "memory-all" : "memory-there";
      const bar = make("span", "memory-bar");
      bar.style.setProperty("--share", size / most);
      bar.appendChild(make("i"));
      item.append(make("span", "memory-name", name), bar, make("b", "number", gib(size)));
    });
    list.dataset.fits = String(report.fits);
    return list;
  }

  function row(sample) {
    const shown = make("details", "preflight-row"), text = make("pre", "log-text preflight-text");
    text.tabIndex = 0;
    for (const part of sample) text.append(part.learned ? make("mark", "", part.text) : part.text);
    shown.append(make("summary", "", "One row as it is trained; what is learned is marked"), text);
    return shown;
  }

  return function draw(report) {
    section.hidden = !report;
    if (!report) return;
    const { machine } = report;
    of.textContent = `${report.model}, ${counted(report.parameters)} parameters, on ${machine.count} × ${machine.name}`;
    const time = report.seconds === null ? "the speed of this machine is not known" : `about ${duration(report.seconds)}`;
    const parts = [
      make("p", report.fits ? "preflight-fits" : "preflight-over", report.fits ? "✓ It should fit." : "✗ It does not fit."),
      memory(report),
      make("p", "small", `${whole(report.steps)} steps, ${time}. Data: ${report.data}; the longest row that is trained on has ${whole(report.longest)} tokens. Arithmetic over the model's shape, not a measurement.`),
    ];
    if (!report.fits) {
      const changes = make("ul", "changes");
      for (const change of report.would_fit) changes.appendChild(make("li", "", change));
      const lead = report.would_fit.length ? "Any of these would fit:" : "No change that is known here would fit; choose a smaller model or larger GPUs.";
      parts.splice(2, 0, make("p", "changes-lead", lead), changes);
    }
    for (const note of report.notes) parts.push(make("p", "small", note));
    if ((report.sample || []).length) parts.push(row(report.sample));
    body.replaceChildren(...parts);
  };
}

// The Curves board: what is chosen, and who draws it. Concatenated after its parts (app/components.py).
const root = element.querySelector(".curves");
const find = (selector) => root.querySelector(selector);
const FILTERS = ["model", "method", "origin"];
const SAMPLE_FILTERS = ["all", "right", "wrong", "fixed", "broken"];
const FEW = 5;
const BUSY = ["waiting", "loading", "running"];
let series = [], benchmarks = [], ready = false;
let benchmark = null;
const off = { model: new Set(), method: new Set(), origin: new Set() };
const known = new Set(); // benchmark and method pairs that were seen: an unfeatured one starts switched off
const unfolded = new Set(); // the filters that show all their names
const looked = { a: null, b: null }; // the points that are looked at: {series, index}
let chosen = ""; // the series that is looked at
let sampleFilter = "all", sampled = false;

const chart = curveChart(find(".chart"), props.plotly, pickOnChart);
const drawMetrics = metricsTable(find(".metrics-list"), {
  colour: chart.colour,
  onPoint: (one, index) => openSamples({ series: one, index }),
  onSeries: (one) => { chosen = one.id; draw(); },
  onRemove: (one) => { series = series.filter((other) => other.run !== one.run); draw(); },
  isPicked: (one, index) => [looked.a, looked.b].some((at) => at && at.series.id === one.id && at.index === index),
});
const compare = comparePoints(find(".compare"), { onPick: (place, key) => { look(place ? "b" : "a", at(key)); draw(); } });
const samples = sampleViews(find(".samples"), find(".sample-trace"), { onFilter: (name) => { sampleFilter = name; } });
const link = selectionLink(FILTERS);
fileImport(root, { largestMb: props.largest_mb, say: tell, onSeries: add });

const here = () => series.filter((one) => one.benchmark === benchmark);
const visible = () => here().filter((one) => FILTERS.every((dimension) => !off[dimension].has(one[dimension])));

function at(key) {
  const [id, index] = key.split(".");
  const one = series.find((candidate) => candidate.id === id);
  return one ? { series: one, index: Number(index) } : null;
}

function look(name, place) { if (name === "a" && place) chosen = place.series.id; looked[name] = place && { ...place, label: place.series.points[place.index].label }; }

function current(place) { // a live series is replaced as it grows, and its points move
  if (!place) return null;
  const one = series.find((candidate) => candidate.id === place.series.id);
  if (!one) return null;
  const index = place.label === null ? place.index : one.points.findIndex((point) => point.label === place.label);
  return one.points[index] ? { series: one, index, label: place.label, point: one.points[index] } : null;
}

function learnMethods() {
  for (const one of series) {
    const key = `${one.benchmark} ${one.method}`;
    if (known.has(key)) continue;
    known.add(key);
    const featured = series.some((other) => other.benchmark === one.benchmark && other.method === one.method && other.featured);
    if (!featured) off.method.add(one.method); else off.method.delete(one.method);
  }
}

function choose(name) {
  benchmark = name;
  for (const dimension of FILTERS) off[dimension].clear();
  known.clear();
  unfolded.clear();
  learnMethods();
}

function choice(kind, name, checked, onChange) {
  const label = make("label", "choice");
  const input = label.appendChild(make("input"));
  input.type = kind;
  input.name = "curves-benchmark";
  input.checked = checked;
  input.dataset.key = `${kind} ${name}`;
  input.addEventListener("change", () => onChange(input.checked));
  label.appendChild(make("span", "", name)).title = name;
  return label;
}

function drawChoices() {
  keepingFocus(find(".curves-benchmarks"), () => find(".curves-benchmarks .choices").replaceChildren(
    ...benchmarks.map((one) => choice("radio", one.name, one.name === benchmark, () => { choose(one.name); draw(); }))));
  for (const dimension of FILTERS) drawFilter(dimension);
}

function drawFilter(dimension) { // of many names only those that are on, until someone asks for the others
  const box = find(`[data-filter="${dimension}"]`);
  const names = [...new Set(here().map((one) => one[dimension]))];
  const offered = unfolded.has(dimension) || names.length <= FEW ? names : names.filter((name) => !off[dimension].has(name));
  const unfold = () => { unfolded.add(dimension); draw(); };
  box.hidden = names.length === 0;
  keepingFocus(box, () => {
    const choices = offered.map((name) => choice("checkbox", name, !off[dimension].has(name), (on) => {
      off[dimension][on ? "delete" : "add"](name);
      unfold(); // what was just switched off must not vanish
    }));
    const hidden = names.length - offered.length;
    if (hidden) {
      const more = make("button", "pill", `${hidden} more…`);
      more.type = "button";
      more.addEventListener("click", () => { unfold(); box.querySelector("input").focus(); });
      choices.push(more);
    }
    box.querySelector(".choices").replaceChildren(...choices);
  });
}

function drawEmpty(shown) {
  const empty = find(".chart-empty"), button = empty.querySelector("button");
  empty.hidden = shown.some((one) => one.points.some((point) => point.tokens !== null)) || !ready;
  if (empty.hidden) return;
  if (shown.length) {
    find(".chart-empty-lead").textContent = "Thinking tokens unknown";
    find(".chart-empty-rest").textContent = "Nothing tells how long the model thought here, so that no point has a place on this axis; the table of metrics holds them all.";
    button.hidden = true;
    return;
  }
  const none = here().length === 0;
  find(".chart-empty-lead").textContent = none ? "No curve here yet" : "Nothing is chosen";
  find(".chart-empty-rest").textContent = none
    ? "Run it now thinks about each question once and draws every budget and every number of Waits from it."
    : "Switch on a model, a method and an origin above.";
  button.textContent = none ? "See the paper's curve instead" : "Show everything";
  button.hidden = none && benchmarks.length < 2;
  button.onclick = () => {
    if (none) choose("AIME24"); else for (const dimension of FILTERS) off[dimension].clear();
    draw();
  };
}

function lit(shown) { // the series that has its colour, and those of the points that are compared
  const points = [looked.a, looked.b].filter(Boolean).map((place) => place.series.id);
  const first = shown.find((one) => one.id === chosen) ?? shown.find((one) => one.own) ?? shown.find((one) => one.origin === "measured") ?? shown[0];
  return [...new Set(points.length ? points : first ? [first.id] : [])];
}

function drawVoice(shown) {
  const one = shown.find((each) => each.id === lit(shown)[0]);
  find(".chart-voice").replaceChildren(...(one?.voice ?? []).map((sentence) => make("p", "", sentence)));
  find(".chart-of").textContent = one?.voice.length ? `${one.model}, ${one.method}, ${one.origin}` : "";
}

function draw() {
  learnMethods();
  for (const name of ["a", "b"]) {
    const place = current(looked[name]);
    looked[name] = place && place.series.benchmark === benchmark ? place : null;
  }
  if (sampled && !looked.a) { sampled = false; samples.close(); }
  const shown = visible();
  find(".chart-says").textContent = benchmarks.find((one) => one.name === benchmark)?.says ?? "";
  drawChoices();
  drawEmpty(shown);
  const on = ["a", "b"].map((name) => ({ name: name.toUpperCase(), place: looked[name] }))
    .filter(({ place }) => place && shown.some((one) => one.id === place.series.id));
  const marked = on.map(({ name, place }) => ({ name, point: place.point }));
  drawVoice(shown);
  chart.draw(shown, marked, lit(shown)).catch((error) => tell([`The chart cannot be drawn: ${error.message}. Reload the page; the tables work without it.`]));
  drawMetrics(shown);
  compare.offer(shown);
  compare.show(looked.a, looked.b);
}

function pickOnChart(id, index, second) {
  const place = at(`${id}.${index}`);
  if (!place) return;
  if (second) { look("b", place); draw(); } else openSamples(place);
}

function openSamples(place, filter = "all", scroll = true) {
  look("a", place);
  draw();
  const one = looked.a;
  sampleFilter = filter;
  sampled = Boolean(one.series.run);
  if (sampled) samples.show(one, filter); else samples.close();
  if (!sampled) tell(["This point is published: its samples were never released. Click a measured one to see its questions."]);
  else if (scroll) find(".samples").scrollIntoView({ block: "nearest" });
}

function tell(sentences, asked = [], onAnswer = null) {
  const box = find(".curves-notes");
  box.replaceChildren(...sentences.map((sentence) => make("p", "", /[.…!?]$/.test(sentence) ? sentence : `${sentence}.`)));
  for (const { sentence, answers } of asked) {
    const question = box.appendChild(make("p", "asked", sentence));
    for (const { text, choice } of answers) {
      const button = question.appendChild(make("button", "pill", text));
      button.type = "button";
      button.addEventListener("click", () => onAnswer(choice));
    }
  }
  if (!sentences.length) return;
  const close = box.appendChild(make("button", "dismiss", "×"));
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.addEventListener("click", () => tell([]));
  if (box.getBoundingClientRect().bottom < 0) box.scrollIntoView({ block: "center" }); // on a phone it lies far above
}

function add(found, replaced = []) {
  if (!found.length) return;
  const gone = new Set(replaced.map((one) => one.run));
  series = [...series.filter((one) => !one.run || !gone.has(one.run)), ...found];
  for (const one of found) if (!benchmarks.some((other) => other.name === one.benchmark)) benchmarks.push({ name: one.benchmark, says: "" });
  if (!found.some((one) => one.benchmark === benchmark)) choose(found[0].benchmark);
  chosen = found[0].id;
  look("a", null);
  draw();
  find(".chart-panel").scrollIntoView({ block: "nearest" });
}

let liveRun = "";
function drawLive() {
  const view = props.value;
  if (!view || !view.state) return;
  const busy = BUSY.includes(view.state);
  document.getElementById("curves")?.setAttribute("data-state", view.state);
  const box = find(".live");
  box.hidden = false;
  box.dataset.state = view.state;
  const bar = box.querySelector(".live-bar");
  bar.hidden = !busy;
  bar.style.setProperty("--share", view.total ? view.done / view.total : 0);
  bar.setAttribute("aria-valuemax", view.total);
  bar.setAttribute("aria-valuenow", view.done);
  box.querySelector(".live-note").textContent = view.note;
  if (!ready) return;
  if (view.run && view.run !== liveRun) {
    liveRun = view.run;
    if (benchmark !== view.benchmark) choose(view.benchmark);
    if (find(".chart-panel").getBoundingClientRect().top > innerHeight * 0.6) find(".chart-panel").scrollIntoView({ block: "start" });
  }
  const before = series.filter((one) => one.run === view.run), signature = (all) => JSON.stringify(all.map((one) => one.points));
  if (signature(before) === signature(view.series) && before.length) return;
  series = [...series.filter((one) => one.run !== view.run), ...view.series];
  draw();
}

async function download(kind) {
  const shown = visible();
  if (!shown.length) { tell(["There is nothing to download: no series is shown."]); return; }
  const name = `accuracy-${benchmark.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  if (kind === "csv") {
    const url = URL.createObjectURL(new Blob([pointsCsv(shown)], { type: "text/csv" }));
    save(url, `${name}.csv`);
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    return;
  }
  try { save(await chart.image(kind, `${benchmark}: accuracy against average thinking tokens`), `${name}.${kind}`); }
  catch (error) { tell([`The image could not be made: ${error.message}.`]); }
}

async function copyLink() {
  const shown = {};
  for (const dimension of FILTERS) {
    const names = [...new Set(here().filter((one) => !one.own).map((one) => one[dimension]))];
    shown[dimension] = names.filter((name) => !off[dimension].has(name));
  }
  const query = link.write({ benchmark, shown, points: { point: sampled ? looked.a : null, a: looked.a, b: looked.b }, filter: sampleFilter });
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
  const own = visible().some((one) => one.own) ? " Your own runs and files are not part of it: they stay on this page." : "";
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  tell([(copied ? "The link is copied, and stands in the address bar." : "The address bar holds the link now; copy it from there.") + own]);
}

function restore() {
  const query = new URLSearchParams(location.search);
  if (query.get("tab") !== "curves") return;
  const { asked, ignored } = link.read(query, { benchmarks, series, filterNames: SAMPLE_FILTERS });
  if (asked.benchmark) choose(asked.benchmark);
  for (const [dimension, names] of Object.entries(asked.names)) {
    off[dimension] = new Set(here().map((one) => one[dimension]).filter((name) => !names.has(name)));
  }
  if (asked.points.a) look("a", asked.points.a);
  if (asked.points.b) look("b", asked.points.b);
  if (ignored.length) tell([`A part of this link means nothing here and was ignored: ${ignored.join(", ")}.`]);
  const point = asked.points.point;
  if (point?.series.run) openSamples(point, asked.filter ?? "all", false);
}

async function begin() {
  const found = await ask("catalogue");
  if (found.error) { tell([found.error]); return; }
  ({ series, benchmarks } = found);
  ready = true;
  choose((benchmarks.find((one) => series.some((other) => other.benchmark === one.name)) ?? benchmarks[0]).name);
  if (found.notes.length) tell(found.notes);
  restore();
  draw();
  drawLive();
}

for (const button of root.querySelectorAll("[data-tool]")) {
  const kind = button.dataset.tool;
  if (kind !== "import") button.addEventListener("click", () => (kind === "link" ? copyLink() : download(kind)));
}
watch("value", drawLive);
begin();

// The Train board: which run is looked at, and how it grows. Concatenated after its parts (app/components.py).
const root = element.querySelector(".train");
const find = (selector) => root.querySelector(selector);
const ask = asker("train/");
const EVERY_MS = 1000, LOG_LINES = 400;
const STATES = { queued: "queued", running: "running", stopping: "stopping", done: "done", stopped: "stopped", failed: "failed", interrupted: "interrupted" };
const OPEN = ["queued", "running", "stopping"];
const EMPTY = { file: 0, lines: 0, step: [], loss: [], lr: [], grad_norm: [], tokens_s: [], eval_step: [], eval_loss: [] };
const others = new Map(); // runs laid over the loss, by name
let runs = [], current = null, curves = EMPTY, log = { job: "", offset: 0 }, timer = 0, latest = 0, wanted = null, waiting = null;

const tell = sentencesIn(find(".board-notes"));
const drawPreflight = preflightView(find(".preflight"));
const drawCharts = trainCharts(root, props.plotly);
const list = runsView(find(".runs"), { onShow: (id) => { show(id).then(() => find(".board-top").scrollIntoView({ block: "nearest" })); }, onOver: layOver });

const drawSaved = savedView(find(".checkpoints"), {
  benchmarks: props.benchmarks, questions: props.questions,
  onTry: (run, step) => request({ what: "try", run, step }), onEvaluate: (run, step, chosen) => request({ what: "evaluate", run, step, ...chosen }),
});

function request(asked) { // of the server, as the buttons of the form are
  wanted = asked;
  props.value = asked;
  trigger("submit");
}

function goOnWith(view) { // what waits for a step to be made into a model
  if (!waiting || waiting.run !== view.id) return;
  const job = view.writing.find((one) => one.step === waiting.step);
  if (job && !job.over) return;
  const asked = waiting;
  waiting = null;
  if (view.saved.some((one) => one.step === asked.step && !one.final && one.model)) request(asked);
  else tell([`Step ${asked.step} was not made into a model${job?.reason ? `: ${job.reason}` : ""}`], "trouble");
}

function titled(one) {
  const made = [one.recipe, one.data && `on ${one.data}`].filter(Boolean).join(" ");
  if (one.example) return `${one.id.replace(/^example\./, "")}, an example`;
  return `${one.id}${made && !one.id.startsWith(one.recipe) ? ` (${made})` : ""}${one.state === "done" ? "" : `, ${STATES[one.state] ?? one.state}`}`;
}

function offer() {
  const pick = find(".board-pick select");
  pick.replaceChildren(...(runs.length ? runs.map((one) => option(one.id, titled(one))) : [option("", "no run yet")]));
  if (current) pick.value = current.id;
  list.draw(runs, current?.id ?? "");
}

function chart() {
  if (!curves.step.length) return;
  const over = list.over().map((id) => others.get(id)).filter((one) => one && one.curves.step.length);
  find(".loss-says").textContent = over.length ? `${over.length + 1} runs` : "";
  drawCharts({ name: current.id, total: current.total, curves }, over);
}

async function layOver(ids) {
  const mine = latest;
  const missing = ids.filter((id) => !others.has(id) || OPEN.includes(others.get(id).state));
  const found = await Promise.all(missing.map((id) => ask("run", { run: id })));
  for (const one of found) if (!one.error) others.set(one.id, { name: one.id, state: one.state, total: one.total, curves: one.curves });
  if (mine !== latest || !current) return;
  rememberIn(root, "train", "over", ids.join(" "));
  list.draw(runs, current.id);
  chart();
}

function state(view) {
  const chip = find(".board-state");
  chip.textContent = STATES[view.state] ?? "";
  chip.dataset.state = view.state;
  document.getElementById("train")?.setAttribute("data-state", OPEN.includes(view.state) ? "running" : view.state);
  const goOn = "Launch the same form again to go on from the last checkpoint.";
  const says = {
    queued: view.ahead.length ? `In the queue: it begins when ${view.ahead.join(" and ")} ${view.ahead.length > 1 ? "are" : "is"} over.` : "It begins in a moment.",
    stopping: "It saves a checkpoint, and ends.",
    stopped: `Stopped${view.step ? ` at step ${whole(view.step)}` : ""}. ${goOn}`,
    failed: view.reason || "It failed; whoever launched it sees why in its log.",
    interrupted: `The process ended without a word, as after a crash or a kill. ${goOn}`,
  }[view.state];
  tell([says], ["failed", "interrupted"].includes(view.state) ? "trouble" : "");
}

function drawNumbers(view) {
  const bar = find(".progress-bar");
  const [last, at] = [(name) => curves[name].at(-1), curves.step.at(-1) ?? view.step];
  find(".progress-empty").hidden = true;
  bar.hidden = !view.total;
  bar.style.setProperty("--share", view.total ? at / view.total : 0);
  bar.setAttribute("aria-valuemax", view.total);
  bar.setAttribute("aria-valuenow", at);
  const under = OPEN.includes(view.state);
  find(".progress-says").textContent = view.total ? `step ${whole(at)} of ${whole(view.total)}` : under ? view.waits || "loading model and data" : "";
  const numbers = [
    [under ? "time left" : "training time", under ? (view.eta_s == null || !at ? "–" : duration(view.eta_s)) : view.seconds ? duration(view.seconds) : "–"],
    ["loss", last("loss")?.toFixed(4) ?? "–"],
    ["held-out loss", last("eval_loss")?.toFixed(4) ?? "–"],
    ["tokens/s", last("tokens_s") == null ? "–" : whole(Math.round(last("tokens_s")))],
    ["learning rate", last("lr")?.toExponential(2) ?? "–"],
    ["gradient norm", last("grad_norm")?.toFixed(3) ?? "–"],
  ];
  factsIn(find(".gauges"), numbers);
}

function drawAbout(view) {
  const facts = [["recipe", view.recipe], ["data", view.data], ...view.facts, ["settings", view.settings.join(", ")], ["folder", view.folder ?? ""]];
  find(".about").hidden = false;
  factsIn(find(".about dl"), facts.filter(([, value]) => value));
  const line = find(".about .command-line");
  line.hidden = !view.command;
  line.textContent = view.command;
}

function grow(more) { // what came since the last question; a run that goes on from a checkpoint begins anew
  const { file, lines, whole: anew, ...columns } = more;
  curves = anew ? { ...EMPTY, ...columns } : curves;
  curves.file = file;
  curves.lines = lines;
  if (!anew) for (const [name, values] of Object.entries(columns)) curves[name] = [...curves[name], ...values];
  return anew || columns.step.length > 0 || columns.eval_step.length > 0;
}

async function follow(id, mine) {
  const found = await ask("log", { run: id, offset: log.offset });
  if (mine !== latest || found.error) return;
  const box = find(".log-text");
  if (found.job !== log.job && log.job) { log = { job: found.job, offset: 0 }; box.textContent = ""; follow(id, mine); return; }
  log = { job: found.job, offset: found.offset };
  find(".log").hidden = !found.job;
  if (!found.text) return;
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
  const lines = (box.textContent + found.text).split("\n");
  box.textContent = lines.slice(-LOG_LINES).join("\n");
  find(".log-says").textContent = lines.length > LOG_LINES ? `the last ${LOG_LINES} lines` : "";
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function look(id, mine) { // once, and again while it is at work
  const view = await ask("run", { run: id, after: curves.lines, file: curves.file });
  if (mine !== latest) return;
  if (view.error) { tell([view.error], "trouble"); return; }
  root.dataset.run = view.id;
  const changed = current?.id !== view.id || current.state !== view.state;
  current = view;
  const grew = grow(view.curves);
  if (changed) { runs = runs.map((one) => (one.id === view.id ? { ...one, state: view.state } : one)); offer(); }
  if (changed || OPEN.includes(view.state)) state(view);
  drawNumbers(view);
  drawAbout(view);
  drawSaved(view);
  for (const name of [".loss", ".rate", ".norm", ".speed"]) find(name).hidden = !curves.step.length;
  if (grew || changed) chart();
  follow(id, mine);
  goOnWith(view);
  const busy = OPEN.includes(view.state) || [...view.evals, ...view.writing].some((one) => !one.over);
  if (busy) timer = setTimeout(() => { if (root.isConnected) look(id, mine); }, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  if (changed && !OPEN.includes(view.state)) refreshList(mine);
}

async function refreshList(mine) {
  const found = await ask("runs");
  if (found.error || mine !== latest) return;
  ({ runs } = found);
  offer();
}

function show(id) {
  clearTimeout(timer);
  const mine = ++latest;
  [current, curves, log] = [null, { ...EMPTY }, { job: "", offset: 0 }];
  find(".log-text").textContent = "";
  rememberIn(root, "train", "run", id);
  return look(id, mine);
}

async function refresh(id, over = []) {
  const found = await ask("runs");
  if (found.error) { tell([found.error], "trouble"); return; }
  ({ runs } = found);
  const wanted = runs.find((one) => one.id === id) ?? runs.find((one) => OPEN.includes(one.state)) ?? runs[0];
  list.set(over.filter((one) => runs.some((run) => run.id === one)));
  offer();
  if (!wanted) return;
  await show(wanted.id);
  if (list.over().length) layOver(list.over());
}

const listen = hearing(props, (news) => {
  if (news.kind === "error") { tell([news.text], "trouble"); find(".board-notes").scrollIntoView({ block: "nearest" }); }
  if (news.kind === "preflight") { drawPreflight(news.report); if (news.text) tell([news.text], "trouble"); find(".preflight").scrollIntoView({ block: "nearest" }); }
  if (news.kind === "said") tell([news.text]);
  if (news.kind === "tried") { tell([`${news.model} can be chosen in Think and Compare now`]); document.dispatchEvent(new Event("s1-models")); document.getElementById("think-tab-button")?.click(); }
  if (news.kind === "writing") waiting = wanted;
  if (["evaluating", "writing"].includes(news.kind) && news.run === current?.id) clearTimeout(timer), look(news.run, ++latest).then(() => tell([news.text]));
  if (news.kind === "launched") { drawPreflight(null); refresh(news.run, list.over()); }
});

find(".board-pick select").addEventListener("change", (event) => { if (event.target.value) show(event.target.value); });
watch("value", listen);
const query = new URLSearchParams(location.search);
refresh(query.get("run"), (query.get("over") ?? "").split(" "));

// The Curate board: which set is looked at, and how it grows. Concatenated after its parts (app/components.py).
const root = element.querySelector(".curate");
const find = (selector) => root.querySelector(selector);
const ask = asker("curate/");
const EVERY_MS = 1000;
const STATES = {
  begun: "begun", running: "running", finished: "finished", partial: "done as far as it was asked", asks: "asks before it spends",
  stopped: "stopped", failed: "failed", interrupted: "interrupted",
};
let sets = [], published = [], current = null, other = null, timer = 0, latest = 0;

const drawFunnel = funnelView(find(".funnel"), { onRule: (stage, rule) => rejected.open(stage, rule) });
const drawEstimate = estimateView(find(".estimate"));
const drawCharts = curateCharts(root, props.plotly, { onDomain: (name) => selected.search(name) });
const selected = selectedView(find(".selected"), find(".question"), ask);
const rejected = rejectedView(find(".rejected"), ask);

const tell = sentencesIn(find(".board-notes"));

function titled(one) {
  const rows = one.rows ? `, ${whole(one.rows)} questions` : "";
  return `${one.title}${one.example ? " (example)" : ""}${rows}${one.state === "finished" ? "" : `, ${STATES[one.state] ?? one.state}`}`;
}

function offer() {
  const pick = find(".board-pick select"), second = find(".compare-sets select");
  pick.replaceChildren(...sets.map((one) => option(one.id, titled(one))));
  if (current) pick.value = current.id;
  const finished = sets.filter((one) => one.state === "finished" && one.id !== current?.id);
  second.replaceChildren(option("", finished.length ? "choose a set" : "no other finished set"), ...finished.map((one) => option(one.id, titled(one))));
  second.value = other && finished.some((one) => one.id === other.id) ? other.id : "";
}

function state(view) {
  const { funnel } = view;
  find(".board-state").textContent = STATES[funnel.state] ?? "";
  find(".board-state").dataset.state = funnel.state;
  document.getElementById("curate")?.setAttribute("data-state", funnel.state);
  const failed = funnel.state === "failed";
  const says = {
    failed: `${funnel.detail}. What is done is kept: launch again to go on from there`.replace("..", "."),
    stopped: funnel.detail === "interrupted" ? "Stopped. What is done is kept: launch again to go on from there." : funnel.detail,
    interrupted: "The process ended without a word, as after a crash or a kill. What is done is kept: launch again to go on from there.",
    partial: "This run was to end here; everything below is what it left.",
  }[funnel.state];
  tell([says, view.note], failed || funnel.state === "interrupted" ? "trouble" : /cap/.test(says ?? "") ? "over" : "");
}

function drawSummary(view) {
  find(".summary").hidden = !view.summary.length;
  factsIn(find(".summary dl"), view.summary);
}

function drawDomains(view) {
  const most = 24;
  find(".domains .teach").hidden = view.domains.length > 0;
  find(".domain-names").replaceChildren(...view.domains.slice(0, most).map(([name, n]) => {
    const button = make("button", "pill", `${name} `);
    button.type = "button";
    button.appendChild(make("b", "", whole(n)));
    button.addEventListener("click", () => selected.search(name));
    return button;
  }), ...(view.domains.length > most ? [make("span", "small", `and ${view.domains.length - most} more`)] : []));
}

function drawLengths(view) {
  const own = [view.lengths, other?.lengths].filter(Boolean);
  drawCharts(view.domains, own, published);
  const means = own.map((one) => `${one.name}: ${whole(Math.round(one.mean))} tokens on average, n = ${whole(one.n)}, measured`);
  find(".lengths-says").textContent = `${means.join("; ")}${means.length ? ". " : ""}Published: s1K and s1K-1.1, n = 1,000 each, read off the original's figure, in Qwen2.5's tokens${own.length ? "; s1-nano's tokens are characters" : ""}.`;
}

function drawAll(view) {
  current = view;
  offer();
  state(view);
  drawFunnel(view.funnel);
  drawEstimate(view.funnel.state === "asks" ? view.estimate : null, "Nothing was spent yet. Tick “Allow spending up to the cap” and launch again to go on.");
  rejected.show(view.id, view.rejected);
  drawSummary(view);
  drawDomains(view);
  drawLengths(view);
}

async function show(id, { keep = false } = {}) {
  const mine = ++latest;
  clearTimeout(timer);
  const view = await ask("set", { set: id });
  if (mine !== latest) return;
  if (view.error) { tell([view.error], "trouble"); return; }
  if (!keep || current?.id !== id) { other = null; find(".compare-body").replaceChildren(); find(".compare-sets .teach").hidden = false; }
  drawAll(view);
  selected.show(view.summary.length ? view.id : null);
  rememberIn(root, "curate", "set", id);
  if (view.funnel.state === "running" || view.funnel.state === "begun") timer = setTimeout(() => poll(id, mine), EVERY_MS);
}

async function poll(id, mine) {
  if (!root.isConnected || mine !== latest) return;
  const found = await ask("progress", { set: id });
  if (mine !== latest) return;
  if (!found.error) {
    const over = !["running", "begun"].includes(found.funnel.state);
    if (over) { sets = (await ask("sets")).sets ?? sets; if (mine === latest) show(id, { keep: true }); return; }
    current = { ...current, funnel: found.funnel, rejected: found.rejected };
    state(current);
    drawFunnel(found.funnel);
    rejected.show(id, found.rejected);
  }
  timer = setTimeout(() => poll(id, mine), document.hidden ? 5 * EVERY_MS : EVERY_MS);
}

async function compareWith(id) {
  other = null;
  const body = find(".compare-body");
  find(".compare-sets .teach").hidden = Boolean(id);
  body.replaceChildren();
  if (!id) { drawLengths(current); return; }
  const asked = current.id, found = await ask("compare", { set: asked, other: id });
  if (current.id !== asked) return;
  if (found.error) { body.replaceChildren(make("p", "trouble", found.error)); return; }
  other = { id, lengths: found.lengths };
  drawLengths(current);
  const names = [current.title, sets.find((one) => one.id === id)?.title ?? id];
  const lead = make("p", "compare-lead", `${whole(found.both)} questions in both, ${whole(found.only_a)} only in ${names[0]}, ${whole(found.only_b)} only in ${names[1]}`);
  const table = make("table", "compare-facts");
  table.appendChild(headings(["", ...names])).querySelectorAll("th").forEach((cell) => { cell.className = ""; });
  const rows = table.appendChild(make("tbody"));
  for (const [name, a, b] of found.facts) {
    const line = rows.appendChild(make("tr"));
    line.appendChild(make("th", "", name)).scope = "row";
    line.append(make("td", "", a), make("td", "", b));
  }
  const bars = make("ol", "compare-domains");
  const most = Math.max(1, ...found.domains.flatMap(([, a, b]) => [a, b]));
  for (const [name, a, b] of found.domains.slice(0, 16)) {
    const item = bars.appendChild(make("li"));
    item.appendChild(make("span", "compare-name", name));
    [a, b].forEach((share, place) => {
      const bar = item.appendChild(make("span", `compare-bar of-${place}`));
      bar.style.setProperty("--share", share / most);
      bar.append(make("i"), make("span", "", `${share.toFixed(1)} %`));
    });
  }
  const untold = names.filter((_, place) => !found.domains.some((shares) => shares[place + 1] > 0));
  body.replaceChildren(lead, table, untold.length ? make("p", "small", `${untold.join(" and ")} was selected without telling domains apart.`) : bars);
}

async function refresh(id) {
  const found = await ask("sets");
  if (found.error) { tell([found.error], "trouble"); return; }
  ({ sets, published } = found);
  const wanted = sets.find((one) => one.id === id) ?? sets.find((one) => one.state === "running") ?? sets[0];
  if (wanted) await show(wanted.id); else { offer(); drawFunnel({ stages: [], seconds: 0 }); }
}

const listen = hearing(props, (news) => {
  if (news.kind === "error") { tell([news.text], "trouble"); find(".board-notes").scrollIntoView({ block: "nearest" }); }
  if (news.kind === "estimate") { drawEstimate(news.estimate, ""); find(".estimate").scrollIntoView({ block: "nearest" }); }
  if (news.kind === "said") tell([news.text]);
  if (news.kind === "launched") { drawEstimate(null); waitFor(news.set, 40); }
});

async function waitFor(id, tries, before = current?.id === id ? current.funnel.at : 0) {
  // The process needs a moment before its folder is there, and a folder of an earlier start still tells how that ended.
  const [found, job] = await Promise.all([ask("sets"), ask("job", { set: id })]);
  sets = found.sets ?? sets;
  const there = sets.some((one) => one.id === id);
  if (there) await show(id);
  const { at, state: now } = current?.id === id ? current.funnel : { at: before, state: "begun" };
  if (!job.error && !job.runs && (at !== before || job.said)) { // over; it may say more than the set does
    if (job.said && (at === before || now === "begun")) tell([job.said], "trouble");
    return;
  }
  if (at !== before && (now === "running" || (job.error && now !== "begun"))) return; // from here on the set is polled
  if (!there) tell(["Starting…"]);
  if (job.runs || tries > 0) setTimeout(() => waitFor(id, tries - 1, before), 500);
  else if (!there) tell(["The job has written nothing; its log says why."], "trouble");
}

find(".board-pick select").addEventListener("change", (event) => show(event.target.value));
find(".compare-sets select").addEventListener("change", (event) => compareWith(event.target.value));
watch("value", listen);
refresh(new URLSearchParams(location.search).get("set"));

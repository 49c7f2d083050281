// The Wait lab: a trace is forked at a place, and its branches are written side by side. The server holds the lab.
async function readLines(response, take) { // JSON lines, as they come
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
    if (done) return;
  }
}

function waitLab(root, { words, race }) {
  const find = (selector) => root.querySelector(selector);
  const INVITATION = "Race first, or play a recording: then fork one of its traces at any place, with another word, another budget, or closed at once.";
  const READY = "Choose a trace. Fork it at any place; each branch pays for its new tokens alone.";
  const template = find(".lab-template"), cards = find(".lab-cards"), lane = find(".lab-lane"), run = find(".lab-run");
  const nodes = new Map(), shown = new Map(), drawings = new Map();
  let lab = null, selected = 0, opening = 0, from = "";
  const tree = labTree(find(".lab-tree"), { onChoose: choose });
  const trunk = labTrunk(find(".lab-trunk"), { onPlace: () => {} });

  const ask = (path, body) => fetch(address(`compare/lab/${path}`), { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "x-requested-with": "s1-playground" } });

  function tell(error) {
    find(".lab-error").textContent = error ?? "";
    find(".lab-error").hidden = !error;
  }

  function offer(titles) { // the traces of the race that is over; none while there is none
    lane.replaceChildren(make("option", "", "Choose a trace…"), ...titles.map((title, i) => {
      const option = make("option", "", `Lane ${i + 1}: ${title}`);
      option.value = i;
      return option;
    }));
    lane.firstChild.value = "";
    lane.disabled = !titles.length;
    run.hidden = true;
    if (!lab) find(".lab-says").textContent = titles.length ? READY : INVITATION;
  }

  async function open(number) { // a lane of the race that is shown, or of what Think has run
    const mine = ++opening;
    tell("");
    find(".lab-turn").inert = true; // until the place is known at which to fork
    find(".lab-says").textContent = "Opening the trace…";
    const opened = await reply(ask("open", { race: from, lane: number, run: Number(run.value || 0) }));
    if (mine !== opening) return;
    if (opened.error) {
      find(".lab-says").textContent = READY;
      find(".lab-turn").inert = false;
      return tell(opened.error);
    }
    lab = opened.lab;
    for (const each of [nodes, shown, drawings]) each.clear();
    cards.replaceChildren();
    for (const node of opened.nodes) nodes.set(node.node, node);
    find(".lab-says").textContent = `${opened.question} (${opened.model})`;
    find(".lab-budget").value = opened.budget ?? "";
    run.hidden = opened.runs < 2;
    if (run.options.length !== opened.runs) {
      run.replaceChildren(...Array.from({ length: opened.runs }, (_, i) => Object.assign(make("option", "", `run ${i + 1} of ${opened.runs}`), { value: i })));
    }
    if (await choose(0)) find(".lab-turn").inert = false;
  }

  async function choose(number) { // which trace is forked next
    const node = nodes.get(number), asked = lab;
    if (!node || node.state === "running") return false;
    if (!drawings.has(number)) {
      const drawn = await reply(fetch(address(`compare/lab/places?lab=${encodeURIComponent(lab)}&node=${number}`)));
      if (asked !== lab) return false;
      if (drawn.error) { tell(drawn.error); return false; }
      drawings.set(number, drawn);
    }
    selected = number;
    find(".lab-body").hidden = false;
    const title = [turnBadge(node)];
    if (node.parent !== null) title.push(` after ${node.at.toLocaleString("en")}`);
    trunk.open(drawings.get(number), title);
    drawTree();
    drawCards();
    return true;
  }

  const drawTree = () => tree([...nodes.values()], selected);

  async function fork(kind, word = "") {
    const asked = lab, box = find(".lab-budget");
    tell("");
    let mine = null;
    const budget = box.value === "" ? null : Number(box.value);
    try {
      const response = await ask("fork", { lab, node: selected, at: trunk.at, kind, word, budget, waits: Number(find(".lab-waits").value) });
      if (response.headers.get("content-type").startsWith("application/json")) return tell((await response.json()).error);
      await readLines(response, (line) => {
        if (asked !== lab) return;
        if (line.error) { if (mine !== null) nodes.delete(mine); tell(line.error); drawTree(); drawCards(); return; }
        if (line.note) { find(".lab-says").textContent = line.note; return; }
        const before = nodes.get(line.node);
        const state = before?.state;
        mine = line.node;
        nodes.set(mine, { ...line, text: line.again ? line.text : before.text + line.text });
        if (state !== line.state) drawTree();
        drawCards();
      });
    } catch {
      if (mine !== null && nodes.get(mine)?.state === "running") nodes.delete(mine);
      tell("The server did not answer; check that it still runs, and try again.");
      drawTree();
      drawCards();
    }
    const ended = nodes.get(mine);
    if (ended && asked === lab) find(".said").textContent = `Branch with ${turnWords(ended)}: ${shortAnswer(ended)}`;
  }

  function newCard(number) {
    const node = template.content.firstElementChild.cloneNode(true);
    const part = (selector) => node.querySelector(selector);
    const trace = part(".trace-text");
    const card = { node, part, trace, drawTrace: traceWriter(trace), drawRun: runDrawer(node) };
    part(".lab-on").addEventListener("click", () => choose(number));
    part(".lab-stop").addEventListener("click", () => ask("stop", { lab, node: number }));
    return card;
  }

  function drawCard(card, view) {
    const name = card.part(".lab-card-name");
    if (!name.childNodes.length) {
      name.append(turnBadge(view), ` after ${view.at.toLocaleString("en")}`);
      card.trace.setAttribute("aria-label", `Text of the branch with ${turnWords(view)}`);
      card.part(".lab-on").setAttribute("aria-label", `Fork on from the branch with ${turnWords(view)}`);
    }
    card.node.dataset.state = view.state;
    card.part(".lab-stop").hidden = view.state !== "running";
    card.part(".lab-on").hidden = view.state === "running";
    const own = view.text.slice(view.kept);
    card.drawTrace(/^[\ue000-\ue007]/u.test(own) ? own : `\ue000${own}`);
    if (view.state === "running") card.trace.scrollTop = card.trace.scrollHeight;
    card.drawRun.answer(view.answer, view.state);
    card.drawRun.receipt(view.receipt);
    const saved = view.state === "running" ? "" : `, ${view.saved.toLocaleString("en")} saved`;
    card.drawRun.say(card.part(".lab-cost"), `${view.new.toLocaleString("en")} new tokens${saved}`);
  }

  function drawCards() { // of the branches of the trace that is chosen
    const children = [...nodes.values()].filter((node) => node.parent === selected);
    for (const view of children) {
      if (!shown.has(view.node)) shown.set(view.node, newCard(view.node));
      drawCard(shown.get(view.node), view);
    }
    const wanted = children.length ? children.map((view) => shown.get(view.node).node) : [make("p", "lab-none", "No branch of this trace yet. Choose a place above and press a word: its branches stand here side by side.")];
    if (wanted.length !== cards.children.length || wanted.some((node, i) => cards.children[i] !== node)) cards.replaceChildren(...wanted);
  }

  function button(text, name, act) {
    const node = make("button", "chip", text);
    node.type = "button";
    node.setAttribute("aria-label", name);
    node.addEventListener("click", act);
    return node;
  }

  find(".lab-words").append(
    ...words.map((word) => button(word, `Fork with ${word}`, () => fork("say", word))),
    button("nothing", "Fork with nothing", () => fork("ignore")), button("close now", "Fork and close now", () => fork("close")),
  );
  const own = () => fork(find(".lab-word").value ? "say" : "ignore", find(".lab-word").value);
  find(".lab-say").addEventListener("click", own);
  find(".lab-word").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); own(); } });
  lane.addEventListener("change", () => {
    if (lane.value === "") return;
    run.replaceChildren();
    from = race();
    open(Number(lane.value));
  });
  run.addEventListener("change", () => open(Number(lane.value || 0)));
  function fromThink() {
    if (!globalThis.s1Fork) return;
    from = globalThis.s1Fork;
    globalThis.s1Fork = "";
    lane.value = "";
    run.replaceChildren();
    open(0).then(() => root.scrollIntoView({ block: "start" }));
  }
  offer([]);
  document.s1Fork?.abort();
  document.s1Fork = new AbortController();
  document.addEventListener("s1-fork", fromThink, { signal: document.s1Fork.signal });
  fromThink();
  return { offer };
}

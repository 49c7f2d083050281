// Draws an answer track: what the model would have answered along its trace. Texts only ever enter text nodes.
function trackDrawer(region, { onScrub }) {
  const find = (selector) => region.querySelector(selector);
  const strip = find(".track-strip"), detail = find(".track-detail");
  const HUES = 5; // colours and patterns; answers beyond that share one
  const CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳";
  const VERDICTS = { right: "✓ right", wrong: "✗ wrong" };
  const teach = find(".teach").textContent;
  let track = null, shown = null, dragged = false;

  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const letter = (number) => (number < 0 ? "–" : number < 26 ? String.fromCharCode(65 + number) : "·");
  const hue = (number) => (number < 0 ? "none" : String(Math.min(number, HUES)));

  function dress(node, number) { // colour and pattern of an answer
    node.dataset.hue = track.answers[number]?.verdict === "right" ? "right" : hue(number);
  }

  function describe([tokens, number, probability]) {
    const answer = track.answers[number];
    const sure = probability === null ? "" : `, ${percent(probability)} sure`;
    const verdict = answer?.verdict ? `, ${answer.verdict}` : "";
    return [`after ${tokens.toLocaleString("en")} of ${track.spent.toLocaleString("en")} tokens: `,
      answer ? answer.text : "no answer", verdict + sure];
  }

  function percent(share) { // never a rounded-up certainty
    return share > 0.995 && share < 1 ? "> 99 %" : `${Math.round(share * 100)} %`;
  }

  function drawCell(cell, index) {
    const node = strip.children[index];
    const [, number, probability] = cell;
    const first = index === 0 || track.cells[index - 1][1] !== number;
    node.className = "cell";
    node.role = "option";
    node.removeAttribute("aria-hidden");
    node.setAttribute("aria-label", describe(cell).join(""));
    node.setAttribute("aria-selected", "false");
    node.tabIndex = index === 0 ? 0 : -1;
    node.style.setProperty("--sure", probability ?? 1);
    dress(node, number);
    node.replaceChildren(make("i"), make("b", "", first ? letter(number) : ""));
  }

  function lay(total) { // room for all cells, so that nothing moves while they come
    strip.replaceChildren(...Array.from({ length: total }, () => {
      const node = make("div", "cell pending");
      node.setAttribute("aria-hidden", "true");
      return node;
    }));
    find(".track-marks").replaceChildren(...track.tries.map(([cell, number]) => {
      const mark = make("span", "track-mark", CIRCLED[number - 1] || `(${number})`);
      mark.style.left = `${((cell + 1) / total) * 100}%`;
      return mark;
    }));
    shown = 0;
  }

  function drawLegend() {
    find(".track-legend").replaceChildren(...track.answers.slice(0, HUES + 1).map(({ text, verdict }, number) => {
      const more = number === HUES ? track.answers.length - HUES - 1 : 0;
      const item = make("li");
      dress(item, number);
      item.append(make("i"), make("b", "", letter(number)), make("span", "track-answer", text));
      item.title = text;
      if (verdict) item.append(make("span", `track-${verdict}`, VERDICTS[verdict]));
      if (more) item.append(make("span", "", `and ${more} more`));
      return item;
    }));
  }

  function drawWaits() {
    // Until the verdicts are there, their places are kept, so that nothing moves when they come.
    const waits = track.waits.length ? track.waits : track.tries.map(([, number]) => ({ number, words: "…" }));
    find(".track-waits").replaceChildren(...waits.map(({ number, before, after, words, kind }) => {
      const item = make("li");
      item.dataset.kind = kind || "";
      item.append(make("b", "wait", `Wait ${CIRCLED[number - 1] || number}`));
      if (before) item.append(make("span", "track-answer", after ? `${before} → ${after}` : before), ", ");
      item.append(make("b", "", words));
      return item;
    }));
  }

  function rest() { // what stands there while no cell is pointed at
    const parts = [track?.note, track?.cost, track?.cost && "Point at a cell for its answer."];
    detail.replaceChildren(parts.filter(Boolean).join(" "));
  }

  function point(node) {
    const index = [...strip.children].indexOf(node);
    const cell = track?.cells[index];
    if (!cell) return rest();
    const [before, answer, after] = describe(cell);
    const probe = make("span", "probe", answer);
    probe.dataset.source = "probe";
    detail.replaceChildren(before, probe, after);
  }

  function walk(event) {
    const cells = [...strip.querySelectorAll("[role=option]")];
    const now = cells.indexOf(event.target);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: cells.length - 1 }[event.key];
    if (now < 0 || to === undefined || !cells[to]) return;
    event.preventDefault();
    cells[now].tabIndex = -1;
    cells[to].tabIndex = 0;
    cells[to].focus();
  }

  // Dragging over the bars moves through the trace.
  function drag(event) {
    const box = strip.getBoundingClientRect(), count = strip.children.length;
    const index = Math.max(0, Math.min(count - 1, Math.floor(((event.clientX - box.left) / box.width) * count)));
    const cell = track?.cells[index];
    if (!cell) return;
    point(strip.children[index]);
    onScrub(cell[0]);
  }

  strip.addEventListener("pointerdown", (event) => {
    if (!track?.cells.length) return;
    dragged = true;
    strip.setPointerCapture(event.pointerId);
    drag(event);
  });
  strip.addEventListener("pointermove", (event) => { if (dragged) drag(event); });
  for (const name of ["pointerup", "pointercancel"]) strip.addEventListener(name, () => { dragged = false; });

  const cellAt = (spent) => track?.cells.findLastIndex(([tokens]) => tokens <= spent) ?? -1;

  function upTo(spent) { // what has been read so far; the rest of the track waits for the reader
    const over = spent === Infinity;
    region.dataset.read = String(over);
    const at = over ? Infinity : cellAt(spent), line = find(".track-now");
    for (let i = 0; i < strip.children.length; i++) {
      const later = String(i > at);
      if (strip.children[i].dataset.later !== later) strip.children[i].dataset.later = later;
    }
    line.hidden = over || at < 0;
    line.style.left = `${(100 * (at + 0.5)) / Math.max(1, strip.children.length)}%`;
  }

  function answerAt(spent) { // what it would answer there, as the answer card takes it; null while nobody knows
    const cell = track?.state === "done" ? track.cells[cellAt(spent)] : null;
    if (!cell) return null;
    const { text = "", verdict = "" } = track.answers[cell[1]] ?? {};
    return { text, verdict, missing: cell[1] < 0, note: "", caution: "" };
  }

  strip.addEventListener("pointerover", (event) => point(event.target.closest(".cell")));
  strip.addEventListener("pointerleave", () => point(strip.querySelector(":focus")));
  strip.addEventListener("focusin", (event) => {
    event.target.setAttribute("aria-selected", "true");
    point(event.target);
  });
  strip.addEventListener("focusout", (event) => {
    event.target.setAttribute("aria-selected", "false");
    rest();
  });
  strip.addEventListener("keydown", walk);

  function draw(view, begins) {
    track = view;
    region.dataset.state = view.state;
    if (begins || strip.children.length !== view.total) lay(view.total);
    for (; shown < view.cells.length; shown++) drawCell(view.cells[shown], shown);
    if (view.settled_at !== null) {
      view.cells.forEach(([tokens], n) => strip.children[n].classList.toggle("settled", tokens >= view.settled_at));
    }
    drawLegend();
    drawWaits();
    find(".track-words").textContent = view.words;
    find(".track-height").textContent = view.height;
    find(".track-end").textContent = `${view.spent.toLocaleString("en")} tokens`;
    find(".teach").textContent = view.state === "none" && view.note ? view.note : teach;
    if (!strip.matches(":hover, :focus-within")) rest();
  }
  return Object.assign(draw, { upTo, answerAt });
}

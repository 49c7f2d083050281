// Draws a run. Text from models and visitors is only ever put into text nodes.
const stage = element.querySelector(".stage");
const find = (selector) => stage.querySelector(selector);
const traceText = find(".trace-text");
const toEnd = find(".to-end");
const MODEL = "\ue000", WAIT = "\ue001", FORCED = "\ue002", BY_MODEL = "\ue003", PROBE = "\ue004", LABEL_END = "\ue00f";
const AUTHORS = new Set([MODEL, WAIT, FORCED, BY_MODEL, PROBE]);
const BLOCK_CHARACTERS = 160; // about 40 tokens; blocks out of sight are not laid out
const NEAR_THE_END_PX = 48;
const LONG_ANSWER_CHARACTERS = 16; // longer ones are set smaller
const CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳";
const STATUS = { loading: "Loading the model", running: "Thinking", done: "Done", cancelled: "Stopped", error: "" };

let run = null, drawn = "", block = null, author = null, target = null, label = null, following = true;

function make(tag, className, source) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (source) node.dataset.source = source;
  return node;
}

function restart() {
  traceText.replaceChildren();
  drawn = "";
  block = author = target = label = null;
  following = true;
}

function currentBlock() {
  // Only a new line may begin a block, or the text would break where the author did not break it.
  if (!block) block = traceText.appendChild(make("div", "trace-block"));
  return block;
}

function open(mark) {
  author = mark;
  label = mark === MODEL || mark === PROBE ? null : "";
  target = null;
}

function into() { // the text node that takes the current author's characters
  if (target && target.parentNode && target.parentNode.isConnected) return target;
  const parts = { [WAIT]: openWait, [FORCED]: openClose, [BY_MODEL]: openClose };
  const holder = (parts[author] || openPlain)();
  target = holder.appendChild(document.createTextNode(""));
  return target;
}

function openPlain() {
  return currentBlock().appendChild(make("span", author === PROBE ? "probe" : "", author === PROBE ? "probe" : "model"));
}

function openWait() {
  const pill = currentBlock().appendChild(make("span", "wait", "wait"));
  const text = pill.appendChild(make("span"));
  const badge = pill.appendChild(make("i"));
  badge.textContent = " " + (CIRCLED[Number(label) - 1] || `(${label})`);
  pill.title = `Forced: the model wanted to stop here (${label})`;
  return text;
}

function openClose() {
  const close = currentBlock().appendChild(make("span", author === FORCED ? "close forced" : "close", "close"));
  const rule = close.appendChild(make("span", "close-rule"));
  rule.appendChild(make("span", "close-label")).textContent = label;
  return close.appendChild(make("span", "close-text"));
}

function write(text) {
  if (!text) { into(); return; }
  const node = into();
  node.appendData(text);
  const long = block.textContent.length > BLOCK_CHARACTERS;
  if (author === MODEL && long && text.endsWith("\n")) {
    node.deleteData(node.length - 1, 1); // the new block breaks the line
    block = target = null;
  }
}

function append(suffix) {
  let pending = "";
  const flush = () => { if (pending) write(pending); pending = ""; };
  for (const letter of suffix) {
    if (AUTHORS.has(letter)) { flush(); open(letter); }
    else if (letter === LABEL_END) { write(""); }
    else if (label !== null && target === null) { label += letter; }
    else { pending += letter; if (letter === "\n") flush(); }
  }
  flush();
}

function drawText(text) {
  if (!text.startsWith(drawn)) restart();
  const suffix = text.slice(drawn.length);
  if (!suffix) return;
  append(suffix);
  drawn = text;
  if (following) traceText.scrollTop = traceText.scrollHeight;
}

function drawNumbers(meter) {
  const has = meter.limit !== null;
  const share = has && meter.limit > 0 ? Math.min(1, meter.spent / meter.limit) : has ? 1 : 0;
  const bar = find(".meter");
  bar.style.setProperty("--share", share);
  bar.setAttribute("aria-valuemax", meter.limit ?? 0);
  bar.setAttribute("aria-valuenow", meter.spent);
  const shown = { ...meter, spent: has ? `${meter.spent.toLocaleString("en")} / ${meter.limit.toLocaleString("en")}` : "–" };
  for (const cell of stage.querySelectorAll("[data-number]")) {
    cell.textContent = shown[cell.dataset.number] || "–";
    if (cell.dataset.number === "waits") cell.parentNode.hidden = !meter.waits;
  }
}

function drawAnswer(answer, over) {
  const card = find(".answer");
  card.dataset.verdict = answer.verdict;
  find(".answer .teach").hidden = true;
  card.dataset.missing = String(answer.missing);
  card.dataset.long = String(answer.text.length > LONG_ANSWER_CHARACTERS);
  card.dataset.waiting = String(!answer.text && !answer.missing);
  const waiting = over ? "There is none." : "Not yet.";
  find(".answer-text").textContent = answer.missing ? "No answer could be read." : answer.text || waiting;
  find(".verdict").textContent = verdict(answer);
}

function verdict(answer) {
  if (answer.verdict === "right") return "✓ right";
  if (answer.verdict === "wrong") return `✗ wrong, expected ${answer.expected}`;
  return "";
}

function drawReceipt(rows) {
  find(".receipt .teach").hidden = rows.length > 0;
  find(".receipt tbody").replaceChildren(...rows.map(([name, value]) => {
    const row = make("tr");
    const head = row.appendChild(make("th"));
    head.scope = "row";
    head.textContent = name;
    row.appendChild(make("td")).textContent = value;
    return row;
  }));
}

function begin(view) {
  run = view.run;
  restart();
  find(".stage-question").textContent = view.question;
  drawReceipt([]);
  // On a phone the stage lies below the controls.
  if (stage.getBoundingClientRect().top > innerHeight * 0.75) stage.scrollIntoView({ block: "start" });
}

function draw() {
  const view = props.value;
  if (!view || !view.state) return;
  if (view.run !== run) begin(view);
  const over = !["loading", "running"].includes(view.state);
  stage.dataset.state = view.state;
  find(".stage-status").textContent = view.state === "error" ? "" : view.note || STATUS[view.state];
  const error = find(".stage-error");
  error.hidden = view.state !== "error";
  error.textContent = view.state === "error" ? view.note : "";
  drawText(view.text);
  drawNumbers(view.meter);
  drawAnswer(view.answer, over);
  if (view.receipt.length) drawReceipt(view.receipt);
  document.querySelector("#think")?.setAttribute("data-state", view.state);
}

traceText.addEventListener("scroll", () => {
  following = traceText.scrollHeight - traceText.scrollTop - traceText.clientHeight < NEAR_THE_END_PX;
  toEnd.hidden = following;
});
toEnd.addEventListener("click", () => { traceText.scrollTop = traceText.scrollHeight; });
find(".try").addEventListener("click", () => trigger("example"));
watch("value", draw);
draw();

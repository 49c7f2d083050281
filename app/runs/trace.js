// Writes a trace into a box: who wrote what travels inside the text as private-use characters (app/render.py).
// Text from models and visitors is only ever put into text nodes.
function traceWriter(box) {
  const MODEL = "\ue000", WAIT = "\ue001", FORCED = "\ue002", BY_MODEL = "\ue003", PROBE = "\ue004", SAMPLE = "\ue005", YOU = "\ue006", HINT = "\ue007", LABEL_END = "\ue00f";
  const AUTHORS = new Set([MODEL, WAIT, FORCED, BY_MODEL, PROBE, SAMPLE, YOU, HINT]);
  const BLOCK_CHARACTERS = 160; // about 40 tokens; blocks out of sight are not laid out
  const CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳";
  let drawn = "", block = null, author = null, target = null, label = null;

  function make(tag, className, source) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (source) node.dataset.source = source;
    return node;
  }

  function restart() {
    box.replaceChildren();
    drawn = "";
    block = author = target = label = null;
  }

  function currentBlock() {
    // Only a new line may begin a block, or the text would break where the author did not break it.
    if (!block) block = box.appendChild(make("div", "trace-block"));
    return block;
  }

  function open(mark) {
    author = mark;
    label = mark === MODEL || mark === PROBE ? null : "";
    target = null;
  }

  function into() { // the text node that takes the current author's characters
    if (target && target.parentNode && target.parentNode.isConnected) return target;
    const parts = { [WAIT]: openWait, [YOU]: openWait, [HINT]: openHint, [FORCED]: openClose, [BY_MODEL]: openClose, [SAMPLE]: openSample };
    const holder = (parts[author] || openPlain)();
    target = holder.appendChild(document.createTextNode(""));
    return target;
  }

  function openPlain() {
    const source = author === PROBE ? "probe" : "model";
    return currentBlock().appendChild(make("span", author === PROBE ? "probe" : "", source));
  }

  function openWait() {
    const byYou = author === YOU;
    const pill = currentBlock().appendChild(make("span", byYou ? "wait by-you" : "wait", byYou ? "you" : "wait"));
    const text = pill.appendChild(make("span"));
    const badge = pill.appendChild(make("i"));
    badge.textContent = " " + (CIRCLED[Number(label) - 1] || `(${label})`);
    pill.title = byYou ? `Forced by you while it ran (${label})` : `Forced: the model wanted to stop here (${label})`;
    return text;
  }

  function openHint() {
    const pill = currentBlock().appendChild(make("span", "wait hint", "hint"));
    pill.title = "Written in: the budget is almost spent";
    return pill.appendChild(make("span"));
  }

  function openClose() {
    const close = currentBlock().appendChild(make("span", author === FORCED ? "close forced" : "close", "close"));
    const rule = close.appendChild(make("span", "close-rule"));
    rule.appendChild(make("span", "close-label")).textContent = label;
    return close.appendChild(make("span", "close-text"));
  }

  function openSample() { // one of several runs; each has a heading
    block = null;
    const heading = box.appendChild(make("h3", "trace-sample"));
    heading.textContent = label;
    return heading.appendChild(make("span"));
  }

  function write(text) {
    const node = into();
    if (!text) return;
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

  // Draws what is new; begins anew when the text does not continue what is there. Tells whether anything was drawn.
  return function draw(text) {
    if (!text.startsWith(drawn)) restart();
    const suffix = text.slice(drawn.length);
    append(suffix);
    drawn = text;
    return suffix !== "";
  };
}

// The lanes: one drawing of a run each. Text from models and visitors is only ever put into text nodes.
const STATUS_OF_LANE = { loading: "Loading", cancelled: "Stopped" };
const NEAR_THE_END_PX = 48;

function raceLanes(race) {
  const box = race.querySelector(".lanes"), template = race.querySelector(".lane-template");
  const trunk = raceTrunk(race);
  const lanes = [];
  let shared = 0, measured = ""; // characters that stand in the trunk; the lengths of the texts that were looked at

  function add() {
    const node = template.content.firstElementChild.cloneNode(true);
    const number = lanes.length + 1;
    const find = (selector) => node.querySelector(selector);
    node.setAttribute("aria-label", `Lane ${number}`);
    node.dataset.lane = String(number);
    find(".lane-number").textContent = number;
    const trace = find(".trace-text");
    trace.setAttribute("aria-label", `Text of lane ${number}`);
    const lane = { node, find, trace, drawTrace: traceWriter(trace), drawBeat: traceBeat(trace), drawRun: runDrawer(node), following: true, key: null, text: "" };
    trace.addEventListener("scroll", () => {
      lane.following = trace.scrollHeight - trace.scrollTop - trace.clientHeight < NEAR_THE_END_PX;
    });
    box.appendChild(node);
    lanes.push(lane);
  }

  function count(wanted) {
    while (lanes.length < wanted) add();
    while (lanes.length > wanted) lanes.pop().node.remove();
    box.style.setProperty("--lanes", wanted);
    box.dataset.lanes = String(wanted);
  }

  function titles(settings) {
    trunk.plan(settings);
    race.dataset.trunk = String(trunk.planned);
    laneTitles(settings).forEach((title, i) => {
      if (!lanes[i]) return;
      lanes[i].find(".lane-title").textContent = title;
      lanes[i].find(".lane-title").title = settingWords(settings[i]);
      lanes[i].find(".lane-setting").replaceChildren(...settingLine(settings, i));
    });
  }

  function share(tape) { // what is in the trunk is decided by the whole texts, not by what is shown of them
    const texts = tape.lanes.map((lane) => (lane.texts.length === 1 ? lane.texts[0] : ""));
    const sizes = texts.map((text) => text.length).join();
    if (sizes === measured) return;
    measured = sizes;
    const now = trunk.planned ? sharedLength(texts) : 0;
    if (now === shared || (now < shared && commonLength(texts) >= shared)) return; // lanes that are alike so far
    shared = now;
    if (!tape.live) trunk.room(shared);
    for (const lane of lanes) lane.key = null;
  }

  function own(text) { // what stands in the lane itself, with its author
    const rest = shared ? text.slice(shared).replace(/^(\ue000?)\n+/u, "$1") : text; // below the trunk no line is empty
    return !rest || /^[\ue000-\ue006]/u.test(rest) ? rest : `\ue000${rest}`;
  }

  function draw(i, view) {
    const lane = lanes[i], clock = view.state === "empty" ? "" : `${view.clock.toFixed(1)} s`;
    lane.drawRun.say(lane.find(".lane-clock"), clock);
    lane.text = view.text;
    if (view.key === lane.key) { lane.drawBeat(view.beat ?? null); return; }
    lane.key = view.key;
    lane.node.dataset.state = view.state;
    lane.drawRun.say(lane.find(".lane-note"), view.state === "error" ? view.note : view.note || STATUS_OF_LANE[view.state] || "");
    lane.drawBeat(null);
    lane.drawTrace(own(view.text));
    lane.drawBeat(view.beat ?? null);
    lane.drawRun.numbers(view.meter);
    lane.drawRun.answer(view.answer, view.state === "empty" ? "running" : view.state);
    lane.drawRun.receipt(view.receipt);
  }

  function follow() { // after all are drawn, so that the layout is worked out once
    if (trunk.planned) {
      const longest = lanes.reduce((text, lane) => (lane.text.length > text.length ? lane.text : text), "");
      trunk.draw(longest.slice(0, shared));
    }
    const ends = lanes.map((lane) => (lane.following ? lane.trace.scrollHeight : null));
    lanes.forEach((lane, i) => { if (ends[i] !== null) lane.trace.scrollTop = ends[i]; });
  }

  function clear() {
    [shared, measured] = [0, ""];
    trunk.room(0);
    trunk.draw("");
    for (const lane of lanes) {
      Object.assign(lane, { key: null, following: true, text: "" });
      lane.drawTrace("");
    }
  }
  return { count, titles, share, draw, follow, clear, nodes: () => lanes.map((lane) => lane.node) };
}

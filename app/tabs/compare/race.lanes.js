// The lanes: one drawing of a run each. Text from models and visitors is only ever put into text nodes.
const STATUS_OF_LANE = { loading: "Loading", cancelled: "Stopped" };
const NEAR_THE_END_PX = 48;

function raceLanes(race) {
  const box = race.querySelector(".lanes"), template = race.querySelector(".lane-template");
  const lanes = [];

  function add() {
    const node = template.content.firstElementChild.cloneNode(true);
    const number = lanes.length + 1;
    const find = (selector) => node.querySelector(selector);
    node.setAttribute("aria-label", `Lane ${number}`);
    node.dataset.lane = String(number);
    find(".lane-number").textContent = number;
    const trace = find(".trace-text");
    trace.setAttribute("aria-label", `Text of lane ${number}`);
    const lane = { node, find, trace, drawTrace: traceWriter(trace), drawRun: runDrawer(node), following: true, key: null };
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
    laneTitles(settings).forEach((title, i) => {
      if (!lanes[i]) return;
      lanes[i].find(".lane-title").textContent = title;
      lanes[i].find(".lane-title").title = settingWords(settings[i]);
    });
  }

  function draw(i, view) {
    const lane = lanes[i], clock = view.state === "empty" ? "" : `${view.clock.toFixed(1)} s`;
    lane.drawRun.say(lane.find(".lane-clock"), clock);
    if (view.key === lane.key) return;
    lane.key = view.key;
    lane.node.dataset.state = view.state;
    lane.drawRun.say(lane.find(".lane-note"), view.state === "error" ? view.note : view.note || STATUS_OF_LANE[view.state] || "");
    lane.drawTrace(view.text);
    lane.drawRun.numbers(view.meter);
    lane.drawRun.answer(view.answer, view.state === "empty" ? "running" : view.state);
    lane.drawRun.receipt(view.receipt);
  }

  function follow() { // after all are drawn, so that the layout is worked out once
    const ends = lanes.map((lane) => (lane.following ? lane.trace.scrollHeight : null));
    lanes.forEach((lane, i) => { if (ends[i] !== null) lane.trace.scrollTop = ends[i]; });
  }

  function clear() {
    for (const lane of lanes) {
      Object.assign(lane, { key: null, following: true });
      lane.drawTrace("");
    }
  }
  return { count, titles, draw, follow, clear, nodes: () => lanes.map((lane) => lane.node) };
}

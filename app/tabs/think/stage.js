// Draws a run. Text from models and visitors is only ever put into text nodes.
const stage = element.querySelector(".stage");
const find = (selector) => stage.querySelector(selector);
const traceText = find(".trace-text");
const toEnd = find(".to-end");
const drawTrace = traceWriter(traceText), drawTrack = trackDrawer(find(".track")), drawRun = runDrawer(stage);
const NEAR_THE_END_PX = 48;
const STATUS = {
  loading: "Loading the model", running: "Thinking", probing: "Probing", done: "Done",
  cancelled: "Stopped", error: "",
};
const UNDER_WAY = ["loading", "running", "probing"];

const teachReceipt = find(".receipt .teach").textContent;
const past = new Set(); // runs that a newer one has replaced; their last words may still be on the way

let run = null, following = true;

function follow() {
  if (following) traceText.scrollTop = traceText.scrollHeight;
}

function drawReceipt(rows, over) {
  const none = find(".receipt .teach");
  none.hidden = rows.length > 0;
  const says = over ? "There is none: the run did not come to an end." : teachReceipt;
  if (none.textContent !== says) none.textContent = says;
  drawRun.receipt(rows);
}

function begin(view) {
  past.add(run);
  run = view.run;
  following = true;
  find(".stage-question").textContent = view.question;
  const addition = find(".stage-addition");
  addition.hidden = !view.addition;
  addition.textContent = view.addition && `Added to the prompt: “${view.addition}”`;
  // On a phone the stage lies below the controls.
  if (stage.getBoundingClientRect().top > innerHeight * 0.75) stage.scrollIntoView({ block: "start" });
}

function draw() {
  const view = props.value;
  if (!view || !view.state || past.has(view.run)) return;
  const begins = view.run !== run;
  if (begins) begin(view);
  const over = view.state !== "loading" && view.state !== "running";
  stage.dataset.state = view.state;
  stage.dataset.bare = String(view.state === "error" && !view.text); // nothing to show but the reason
  find(".stage-status").textContent = view.state === "error" ? "" : view.note || STATUS[view.state];
  const error = find(".stage-error");
  error.hidden = view.state !== "error";
  error.textContent = view.state === "error" ? view.note : "";
  drawTrace(view.text);
  drawRun.numbers(view.meter);
  drawRun.answer(view.answer, view.state);
  drawReceipt(view.receipt, over);
  drawTrack(view.track, begins);
  follow(); // last, for what stands below the trace decides on its height
  find(".said").textContent = over ? spoken(view) : "";
  find(".stage-acts").hidden = !view.key;
  document.querySelector("#think")?.setAttribute("data-state", view.state);
}

function spoken(view) { // for screen readers: what the page shows of the outcome in several places
  const { text, missing } = view.answer;
  const answer = text ? `Answer: ${text}.` : missing && withoutAnswer(view.answer, view.state);
  return [answer, verdictWords(view.answer), view.track.settled_at === null ? "" : view.track.words].filter(Boolean).join(" ");
}

traceText.addEventListener("scroll", () => {
  following = traceText.scrollHeight - traceText.scrollTop - traceText.clientHeight < NEAR_THE_END_PX;
  toEnd.hidden = following;
});
new ResizeObserver(follow).observe(traceText);
toEnd.addEventListener("click", () => { traceText.scrollTop = traceText.scrollHeight; });
find(".to-lab").addEventListener("click", () => { // the lab is on another tab, which may not be there yet
  globalThis.s1Fork = props.value.key;
  document.getElementById("compare-tab-button")?.click();
  document.dispatchEvent(new Event("s1-fork"));
});
find(".to-file").addEventListener("click", async () => {
  const problem = await saveRecording(props.value.key, props.value.question);
  if (problem) find(".stage-status").textContent = problem;
});
find(".try").addEventListener("click", () => trigger("example"));

// Ctrl+Enter runs from anywhere on the tab, Escape stops; both are those of the page that is shown last.
document.s1Keys?.abort();
document.s1Keys = new AbortController();
document.addEventListener("keydown", (event) => {
  if (!stage.offsetParent || event.defaultPrevented) return;
  const open = event.target.getAttribute?.("aria-expanded") === "true"; // Escape closes a list first
  const pressed =
    event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "#run"
    : event.key === "Escape" && UNDER_WAY.includes(stage.dataset.state) && !open ? "#stop" : null;
  if (!pressed) return;
  event.preventDefault();
  event.stopPropagation(); // or the question would be submitted once more
  document.querySelector(pressed)?.click();
}, { capture: true, signal: document.s1Keys.signal });
for (const [button, keys] of [["#run", "Control+Enter"], ["#stop", "Escape"]]) {
  document.querySelector(button)?.setAttribute("aria-keyshortcuts", keys);
}
watch("value", draw);
draw();

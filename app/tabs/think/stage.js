// Draws a run. Text from models and visitors is only ever put into text nodes. What comes from the server grows a tape,
// and the tape is played at the pace that the visitor chose.
const stage = element.querySelector(".stage");
const find = (selector) => stage.querySelector(selector);
const traceText = find(".trace-text"), toEnd = find(".to-end");
const drawNow = traceWriter(find(".trace-now")), drawLater = traceWriter(find(".trace-later")), drawBeat = traceBeat(find(".trace-now")), drawSteps = traceDrawing(find(".drawing"));
const drawTrack = trackDrawer(find(".track"), { onScrub: scrub }), drawRun = runDrawer(stage);
const NEAR_THE_END_PX = 48, LATER_CHARACTERS = 4000;
const STATUS = {
  loading: "Loading the model", running: "Thinking", probing: "Asking along the way", done: "Done",
  cancelled: "Stopped", error: "",
};
const UNDER_WAY = ["loading", "running", "probing"];
const AUTHOR = /^[\ue000-\ue006]/u;

const teachReceipt = find(".receipt .teach").textContent;
const past = new Set(); // runs that a newer one has replaced; their last words may still be on the way

let run = null, view = null, taped = "", began = 0, following = true;

const player = racePlayer(find(".stage-player"), { draw: drawAt, follow, titles() {}, clear() { drawNow(""); drawLater(""); } }, { onFrame });
const opening = openingPair(element.querySelector(".opening"), { model: props.model, onTry: () => trigger("example"), onOwn: askOwn });

phoneBar(element.querySelector(".bar"));

function askOwn() { // the word of the question that a visitor would change
  const form = document.querySelector("#question textarea"), bar = element.querySelector(".bar-ask");
  const box = bar.offsetParent ? bar : form;
  const [word] = box.value.match(/[^\s?.!]+(?=[?.!]?\s*$)/) ?? [""];
  box.focus();
  if (word) box.setSelectionRange(box.value.lastIndexOf(word), box.value.lastIndexOf(word) + word.length);
}

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

function scrub(tokens) {
  if (!player.tape) return;
  following = true;
  player.seekSpent(tokens);
}

function drawAt(_, shown) { // the one lane of this tape
  drawBeat(null);
  drawNow(shown.text);
  drawBeat(shown.beat);
  drawSteps(view?.question ?? "", shown.text);
  drawRun.numbers(shown.meter);
}

function onFrame([shown], { over, playing }) {
  const scrubbing = !playing && !over && !player.tape.live;
  stage.dataset.reading = String(!over);
  stage.dataset.scrubbing = String(scrubbing);
  drawWhatComes(shown, scrubbing);
  const there = scrubbing ? drawTrack.answerAt(shown.meter.spent) : null;
  drawRun.say(find(".answer-head"), there ? `If it had to answer at token ${shown.meter.spent.toLocaleString("en")}` : "Answer");
  drawRun.answer(there ? { ...there, expected: view.answer.expected } : shown.answer, shown.state === "empty" ? "running" : shown.state);
  drawReceipt(over ? view.receipt : [], over);
  drawRun.say(find(".stage-verdict"), over ? view.verdict : "");
  drawRun.say(find(".stage-status"), status(over, playing));
  drawTrack.upTo(over ? Infinity : shown.meter.spent);
  drawRun.say(find(".said"), over && !UNDER_WAY.slice(0, 2).includes(view.state) ? spoken() : "");
}

function drawWhatComes(shown, scrubbing) { // faded, behind the place that is looked at
  const rest = scrubbing ? player.textOf().slice(shown.text.length, shown.text.length + LATER_CHARACTERS) : "";
  drawLater("");
  if (rest) drawLater(AUTHOR.test(rest) ? rest : `\ue000${rest}`);
}

function status(over, playing) {
  if (view.state === "error") return "";
  if (view.note) return view.note;
  if (over || view.state === "loading") return STATUS[view.state];
  return playing ? STATUS.running : "Paused";
}

function begin() {
  past.add(run);
  run = view.run;
  [following, taped, began] = [true, "", performance.now()];
  opening.pause();
  find(".stage-question").textContent = view.question;
  const addition = find(".stage-addition");
  addition.hidden = !view.addition;
  addition.textContent = view.addition && `Added to the prompt: “${view.addition}”`;
  player.open(newTape({ question: view.question, expected: "", lanes: [{ setting: {} }] }));
  // On a phone the stage lies below the controls.
  if (stage.getBoundingClientRect().top > innerHeight * 0.75) stage.scrollIntoView({ block: "start" });
}

function draw() {
  view = props.value;
  if (!view || !view.state || past.has(view.run)) return;
  const begins = view.run !== run;
  if (begins) begin();
  stage.dataset.state = view.state;
  stage.dataset.bare = String(view.state === "error" && !view.text); // nothing to show but the reason
  const error = find(".stage-error");
  error.hidden = view.state !== "error";
  error.textContent = view.state === "error" ? view.note : "";
  drawTrack(view.track, begins);
  grow();
  find(".stage-acts").hidden = !view.key;
  document.querySelector("#think")?.setAttribute("data-state", view.state);
}

function grow() {
  if (!player.tape.live) return player.redraw(); // its track is filled, and nothing else changes
  const { state, text, meter, answer } = view, ends = !["loading", "running"].includes(state);
  growTape(player.tape, { lanes: [{ setting: {}, clock: (performance.now() - began) / 1000, state, text, meter, answer, note: "", receipt: [] }] });
  player.grown();
  player.redraw();
  if (ends) ended();
}

async function ended() { // from here on the server's own tape is shown: every token at its true time
  player.finish({ ...player.tape, live: false });
  if (!view.key || taped === view.key) return;
  taped = view.key;
  const tape = await asker("compare/")("tape", { race: taped }), mine = run;
  if (tape.error || mine !== run || taped !== view.key) return; // what was seen live is kept
  player.finish(tape);
}

function spoken() { // for screen readers: what the page shows of the outcome in several places
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
document.querySelector("#stop")?.addEventListener("click", () => player.skip()); // what is written already is shown

// Ctrl+Enter runs from anywhere on the tab, Escape stops, Space plays; all are those of the page that is shown last.
document.s1Keys?.abort();
document.s1Keys = new AbortController();
document.addEventListener("keydown", (event) => {
  if (!stage.offsetParent || event.defaultPrevented) return;
  const open = event.target.getAttribute?.("aria-expanded") === "true"; // Escape closes a list first
  const busy = UNDER_WAY.includes(stage.dataset.state) || player.playing;
  const pressed =
    event.key === "Enter" && (event.ctrlKey || event.metaKey) ? "#run"
    : event.key === "Escape" && busy && !open ? "#stop" : null;
  if (!pressed && !isPlayKey(event)) return;
  event.preventDefault();
  event.stopPropagation(); // or the question would be submitted once more
  if (pressed) document.querySelector(pressed)?.click(); else (player.tape ? player : opening).toggle();
}, { capture: true, signal: document.s1Keys.signal });
for (const [button, keys] of [["#run", "Control+Enter"], ["#stop", "Escape"]]) {
  document.querySelector(button)?.setAttribute("aria-keyshortcuts", keys);
}
watch("value", draw);
draw();

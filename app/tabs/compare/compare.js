// Wires the Compare tab: the form asks, the server races, the player shows. Concatenated after its parts.
const root = element.querySelector(".compare"), race = root.querySelector(".race");
const find = (selector) => root.querySelector(selector);
const STATUS = { loading: "Loading the models", running: "Racing", done: "", cancelled: "Stopped", error: "" };
const UNDER_WAY = ["loading", "running"];
const INVITATION = "Press Race: all lanes start together, and what they share is computed once.";
const A_FILE = "*"; // in the place of a bundled recording's name
const NOTHING = laneReader({ texts: [""], frames: [] }).at(0); // what a lane shows before its run
const past = new Set(); // races that a newer one has replaced; their last words may still be on the way
const curves = new Map(); // by model
const ask = asker("compare/");
let current = null; // the race that is shown
let key = ""; // where the server keeps it, once it is over
let recording = ""; // the name of the bundled one that is shown

const lanes = raceLanes(race);
const chart = raceChart(find(".race-chart-box"), find(".race-chart-says"));
const player = racePlayer(race, lanes, { onFrame: drawFrame, onAgain: startRace });
const { models, methods, words, families, presets } = props;
const offers = { models, methods, words, families, presets };
const form = compareForm(root, offers, { onShape: reshape });
const talk = raceTalk(race, player, { onStart: startRace, onAgain: again, onChange: talking, question: () => form.read().question, link: linkHere });
const link = compareLink(offers);
const share = compareShare(find(".compare-share"), race, { tell, tape: () => player.tape, key: () => key, link: linkHere, onTape: openTape });
const lab = waitLab(find(".lab"), { words: props.words, race: () => key });

function talking(on) { // the address says so, where it says anything of this tab
  const query = new URLSearchParams(location.search);
  if (query.get("tab") !== "compare") return;
  if (on) query.set("view", "talk"); else query.delete("view");
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
}

function tell(words) {
  const note = find(".compare-note");
  note.textContent = words;
  note.hidden = !words;
}

function linkHere() {
  const query = link.write(form.read(), { talk: talk.on(), speed: player.speed.value, recording: bundledName() });
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
  return location.href;
}

const bundledName = () => (recording === A_FILE ? "" : recording);

async function showCurves(settings) { // of the models of these lanes, two at most
  const models = [...new Set(settings.map((setting) => setting.model))];
  for (const model of models) if (!curves.has(model)) curves.set(model, ask("curve", { model }).then((found) => found.curve ?? null));
  const found = await Promise.all(models.map((model) => curves.get(model)));
  chart.over(found.filter(Boolean).slice(0, 2), models.filter((_, i) => !found[i]));
}

function reshape({ only } = {}) {
  lanes.count(form.lanes.length);
  form.draw(lanes.nodes());
  if (only === "settings" && player.tape) return; // what is shown was run under other settings, and stays what it was
  if (!only) {
    clear();
    showCurves(form.lanes);
  }
  lanes.titles(form.lanes);
}

function clear() {
  if (UNDER_WAY.includes(race.dataset.state)) trigger("stop");
  forget();
  setState("empty");
  find(".race-question").textContent = INVITATION;
  form.lanes.forEach((_, i) => lanes.draw(i, NOTHING));
}

function forget() { // what is shown
  past.add(current);
  [current, key, recording] = [null, "", ""];
  player.close();
  lanes.clear();
  chart.draw(form.lanes.map(() => NOTHING), form.lanes); // it has its place before anything moves
  share.enable(false);
  lab.offer([]);
  find(".race-saved").textContent = find(".race-verdict").textContent = "";
}

function noteQuestion() { // it stands above already, unless another one is typed there by now
  race.dataset.asked = String(Boolean(player.tape) && form.read().question.trim() === player.tape.question.trim());
}

function setState(state, note = "") {
  race.dataset.state = state;
  find(".compare-stop").dataset.useful = String(UNDER_WAY.includes(state));
  find(".race-status").textContent = state === "error" ? "" : note || STATUS[state] || "";
  const error = find(".race-error");
  error.hidden = state !== "error";
  error.textContent = state === "error" ? note : "";
}

function startRace() {
  const asked = form.read();
  forget();
  lanes.count(form.lanes.length);
  lanes.titles(form.lanes);
  tell("");
  setState("loading", "Starting");
  find(".race-question").textContent = asked.question;
  linkHere();
  if (race.getBoundingClientRect().top > innerHeight * 0.5) race.scrollIntoView({ block: "start" }); // on a phone it lies below
  props.value = asked;
  trigger("submit");
}

function stopRace() { // what the engine has written already is shown
  if (UNDER_WAY.includes(race.dataset.state)) trigger("stop"); else player.skip();
}

function again() { // what was raced is raced again, what was recorded is played again
  if (!recording) return startRace();
  player.seek(0);
  player.start();
}

function drawFrame(views, { tape, over, playing }) {
  chart.draw(views, tape.lanes.map((lane) => lane.setting));
  noteQuestion();
  find(".race-saved").textContent = over ? tape.saved : "";
  const says = over ? tape.verdict : "";
  if (find(".race-verdict").textContent !== says) find(".race-verdict").textContent = says;
  find(".compare-stop").dataset.useful = String(playing || UNDER_WAY.includes(race.dataset.state));
  talk.ended(over);
  find(".said").textContent = over ? views.map((view, i) => `Lane ${i + 1}: ${view.answer.text || "no answer"} ${verdictWords(view.answer)}.`).join(" ") : "";
}

function onView() {
  const view = props.value;
  if (!view || !view.race || past.has(view.race)) return;
  const begins = view.race !== current;
  current = view.race;
  setState(view.state, view.note);
  if (!view.lanes.length || view.state === "loading") return;
  if (begins || !player.tape) {
    find(".race-question").textContent = view.question;
    player.open(newTape(view));
    showCurves(view.lanes.map((lane) => lane.setting));
  }
  growTape(player.tape, view);
  player.grown();
  if (!UNDER_WAY.includes(view.state)) ended(view);
}

async function ended(view) { // from here on the server's own tape is shown: every token at its true time
  player.finish({ ...player.tape, live: false });
  key = view.key ?? "";
  if (!key) return;
  const tape = await ask("tape", { race: key });
  if (current !== view.race) return;
  if (tape.error) return tell(tape.error);
  player.finish(tape);
  talk.fit();
  share.enable(true);
  lab.offer(laneTitles(tape.lanes.map((lane) => lane.setting)));
}

function openTape(tape, name = "") { // a recording: the form asks for the same, so that it can be raced here too
  if (UNDER_WAY.includes(race.dataset.state)) trigger("stop");
  forget();
  form.ask(tape.question, tape.expected);
  form.set(tape.lanes.map((lane) => lane.setting));
  lanes.count(tape.lanes.length);
  form.draw(lanes.nodes());
  [key, recording] = [tape.key ?? "", name || A_FILE];
  setState("done", tape.title);
  find(".race-question").textContent = tape.question;
  showCurves(tape.lanes.map((lane) => lane.setting));
  if (talk.on()) talk.wait(tape.question); // a speaker starts it
  player.open(tape, { play: !talk.on() });
  talk.fit();
  share.enable(true);
  lab.offer(laneTitles(tape.lanes.map((lane) => lane.setting)));
}

async function example() { // what stands here before the first race: a recording, which says that it is one
  if (!props.example || !root.offsetParent || player.tape || race.dataset.state !== "empty") return;
  shower?.disconnect();
  const tape = await ask("bundled", { name: props.example });
  if (tape.error || player.tape || race.dataset.state !== "empty") return;
  openTape(tape, props.example);
  find(".race-status").textContent = "An example: a recorded race";
}

const shower = props.example ? new IntersectionObserver(example) : null; // when the tab is first looked at

function restore() { // what the address asks for; it fills the form, and starts nothing
  const query = new URLSearchParams(location.search);
  if (!["q", "lane", "recording"].some((name) => query.has(name)) || query.get("tab") !== "compare") shower?.observe(root);
  if (query.get("tab") !== "compare") return;
  const { asked, ignored } = link.read(query, [...player.speed.options].map((option) => option.value));
  if (asked.question !== undefined) form.ask(asked.question, asked.expected ?? "");
  if (asked.lanes) form.set(asked.lanes);
  if (asked.speed) player.pace(asked.speed);
  reshape();
  if (asked.talk) talk.enter();
  if (asked.recording) share.play(asked.recording);
  if (ignored.length) tell(`The link asks for what is not here: ${ignored.join(", ")}. The rest was taken over.`);
}

find(".compare-race").addEventListener("click", startRace);
find(".compare-question textarea").addEventListener("input", noteQuestion);
find(".compare-stop").addEventListener("click", stopRace);
find(".compare-talk").addEventListener("click", talk.enter);

// Ctrl+Enter races from anywhere on the tab, Escape stops; both are those of the page that is shown last.
document.s1CompareKeys?.abort();
document.s1CompareKeys = new AbortController();
document.addEventListener("keydown", (event) => {
  if (!root.offsetParent || event.defaultPrevented) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) startRace();
  else if (event.key === "Escape" && (UNDER_WAY.includes(race.dataset.state) || player.playing)) stopRace();
  else if (isPlayKey(event) && player.tape) player.toggle();
  else return;
  event.preventDefault();
}, { signal: document.s1CompareKeys.signal });

async function learnModels() { // one may have been trained since the server was started
  const found = await asker("train/")("models");
  if (found.error || String(found.models) === String(offers.models)) return;
  offers.models = found.models;
  form.draw(lanes.nodes());
}

document.addEventListener("s1-models", learnModels, { signal: document.s1CompareKeys.signal });
reshape();
learnModels().then(restore);
watch("value", onView);

// Plays a tape: live at its end while it grows, or from any place, at any pace. All that the lanes show passes here.
// Space plays and pauses, wherever it does not write or press something.
const isPlayKey = (event) => event.key === " " && !event.ctrlKey && !event.metaKey && !event.altKey &&
  !event.target.closest?.("input, textarea, select, button, summary, a, [contenteditable], [role=option], [role=tab], [role=slider]");
const PACE_KEY = "s1-pace"; // what a visitor chose, on every tab and the next time too

function racePlayer(race, lanes, { onFrame = () => {}, onAgain = () => {} } = {}) {
  const find = (selector) => race.querySelector(selector);
  const play = find(".player-play"), range = find(".player-at"), time = find(".player-time"), speed = find(".player-speed select");
  const MOST_STEP_S = 0.25; // a page that slept does not jump
  let tape = null, readers = [], at = 0, playing = false, before = null, shown = "", frame = 0, reading = true;

  const instant = () => speed.value === "instant";
  const onReading = () => speed.value.endsWith("/s");
  const factor = () => (onReading() ? Number.parseFloat(speed.value) / READING_TOKENS_S : Number(speed.value));
  const end = () => (reading ? Math.max(0, ...readers.map((reader) => reader.end(true))) : tape.end);
  const atEdge = () => instant() || (tape.live && !reading && factor() >= 1);
  const over = () => !tape.live && at >= end() - 1e-9;

  function draw() {
    lanes.share?.(tape);
    const views = readers.map((reader) => reader.at(at, reading));
    views.forEach((view, i) => lanes.draw(i, view));
    lanes.follow();
    const last = end();
    if (!tape.live || document.activeElement !== range) range.value = String(last ? Math.round((at / last) * 1000) : 0);
    range.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${last.toFixed(1)} seconds`);
    const words = `${at.toFixed(1)} / ${last.toFixed(1)} s`;
    if (words !== shown) time.textContent = shown = words;
    onFrame(views, { tape, at, over: over(), playing });
  }

  function buttons() {
    play.dataset.playing = String(playing);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    for (const node of [play, range, find(".player-back"), find(".player-forth")]) node.disabled = tape === null;
    race.dataset.playing = String(playing);
  }

  function tick(now) {
    frame = 0;
    if (!playing || !tape) return;
    const passed = before === null ? 0 : Math.min((now - before) / 1000, MOST_STEP_S);
    before = now;
    at = atEdge() ? end() : Math.min(end(), at + passed * factor());
    draw();
    if (over()) pause(); else run();
  }

  function run() {
    if (frame || (tape.live && at >= end())) { if (!frame) before = null; return; } // a live tape goes on when it has grown
    frame = requestAnimationFrame(tick);
  }

  function start() {
    if (!tape) return;
    if (over()) seek(0);
    [playing, before] = [true, null];
    buttons();
    run();
  }

  function pause() {
    playing = false;
    buttons();
    if (tape) draw();
  }

  function seek(seconds) {
    at = Math.max(0, Math.min(end(), seconds));
    draw();
  }

  function skip() { // to the end of what is there
    if (!tape) return;
    at = end();
    if (over()) playing = false;
    buttons();
    draw();
  }

  function step(by) { // to the next token of any lane, or back to the last one
    if (!tape) return;
    if (playing) pause();
    seek(by > 0 ? Math.min(...readers.map((reader) => reader.next(at, reading)), end()) : Math.max(...readers.map((reader) => reader.before(at, reading))));
  }

  function open(next, { play: plays = true, from = 0 } = {}) {
    tape = next;
    readers = tape.lanes.map(laneReader);
    reading = instant() ? true : onReading();
    at = instant() || from === Infinity ? end() : from;
    lanes.clear();
    lanes.titles(tape.lanes.map((lane) => lane.setting));
    playing = plays && !(instant() && !tape.live);
    before = null;
    buttons();
    draw();
    if (playing) run();
  }

  function grown() { // a live tape has more
    if (!playing) return;
    if (atEdge()) { at = end(); draw(); } else run();
  }

  // The race is over: the same on the server's own clock. What is on the screen stays where it is.
  function finish(final) {
    const ends = (playing && atEdge()) || over();
    tape = final;
    readers = tape.lanes.map(laneReader);
    lanes.titles(tape.lanes.map((lane) => lane.setting));
    at = ends ? end() : Math.min(at, end());
    if (ends) playing = false;
    buttons();
    draw();
    if (playing) run();
  }

  function close() {
    [tape, readers, playing] = [null, [], false];
    time.textContent = shown = "";
    buttons();
  }

  function onSpeed() {
    before = null;
    const wanted = instant() ? reading : onReading();
    if (tape && wanted !== reading) {
      const ends = over();
      at = Math.max(0, ...readers.map((reader) => reader.translated(at, reading)));
      reading = wanted;
      if (ends) at = end();
    }
    reading = wanted;
    if (!tape) return;
    if (playing && atEdge()) at = end();
    if (playing && over()) playing = false;
    buttons();
    draw();
    if (playing) run();
  }

  function remembered() { // nothing is kept where the browser keeps nothing
    try { return localStorage.getItem(PACE_KEY); } catch { return null; }
  }

  function pace(value) {
    speed.value = value;
    speed.dispatchEvent(new Event("change"));
  }

  play.addEventListener("click", () => (playing ? pause() : start()));
  find(".player-back").addEventListener("click", () => step(-1));
  find(".player-forth").addEventListener("click", () => step(1));
  range.addEventListener("input", () => { if (playing) pause(); seek((Number(range.value) / 1000) * end()); });
  speed.addEventListener("change", (event) => {
    if (event.isTrusted) try { localStorage.setItem(PACE_KEY, speed.value); } catch { /* full, or forbidden */ }
    onSpeed();
  });
  const kept = remembered();
  if ([...speed.options].some((option) => option.value === kept)) speed.value = kept;
  buttons();
  return { open, grown, finish, close, start, pause, step, seek, skip, pace, toggle: () => (playing ? pause() : tape ? start() : onAgain()),
    seekSpent(spent, lane = 0) { if (!tape) return; if (playing) pause(); if (reading) seek(readers[lane].timeOf(spent)); else seek(readers[lane].translated(readers[lane].timeOf(spent), true)); },
    textOf: (lane = 0) => tape?.lanes[lane].texts.at(-1) ?? "",
    get tape() { return tape; }, redraw() { if (tape) draw(); },
    get playing() { return playing; }, get at() { return at; }, get over() { return tape !== null && over(); }, speed };
}

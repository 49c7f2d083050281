// Plays a tape: live at its end while it grows, or from any place, at any speed. All that the lanes show passes here.
function racePlayer(race, lanes, { onFrame = () => {}, onAgain = () => {} } = {}) {
  const find = (selector) => race.querySelector(selector);
  const play = find(".player-play"), range = find(".player-at"), time = find(".player-time"), speed = find(".player-speed select");
  const MOST_STEP_S = 0.25; // a page that slept does not jump
  let tape = null, readers = [], at = 0, playing = false, before = null, fastest = 1, shown = "", frame = 0;

  const factor = () => (speed.value.endsWith("/s") ? Number.parseFloat(speed.value) / Math.max(fastest, 1e-9) : Number(speed.value));
  const atEdge = () => tape.live && factor() >= 1;
  const over = () => !tape.live && at >= tape.end;

  function draw() {
    const views = readers.map((reader) => reader.at(at));
    views.forEach((view, i) => lanes.draw(i, view));
    lanes.follow();
    if (!tape.live || document.activeElement !== range) range.value = String(tape.end ? Math.round((at / tape.end) * 1000) : 0);
    range.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${tape.end.toFixed(1)} seconds`);
    const words = `${at.toFixed(1)} / ${tape.end.toFixed(1)} s`;
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
    at = Math.min(tape.end, at + passed * factor());
    draw();
    if (over()) pause(); else run();
  }

  function run() { if (!frame && !(tape.live && atEdge())) frame = requestAnimationFrame(tick); }

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
    at = Math.max(0, Math.min(tape.end, seconds));
    draw();
  }

  function step(by) { // to the next token of any lane, or back to the last one
    if (!tape) return;
    if (playing) pause();
    seek(by > 0 ? Math.min(...readers.map((reader) => reader.next(at)), tape.end) : Math.max(...readers.map((reader) => reader.before(at))));
  }

  function open(next, { play: plays = true, from = 0 } = {}) {
    tape = next;
    readers = tape.lanes.map(laneReader);
    at = from;
    lanes.clear();
    lanes.titles(tape.lanes.map((lane) => lane.setting));
    measure();
    playing = plays;
    before = null;
    buttons();
    draw();
    if (playing) run();
  }

  function measure() { fastest = Math.max(...readers.map((reader) => reader.rate()), 1e-9); }

  function grown() { // a live tape has more
    measure();
    if (!playing) return;
    if (atEdge()) { at = tape.end; draw(); } else run();
  }

  // The race is over: the same on the server's own clock. What is on the screen stays where it is.
  function finish(final) {
    const ends = (playing && atEdge()) || over();
    tape = final;
    readers = tape.lanes.map(laneReader);
    lanes.titles(tape.lanes.map((lane) => lane.setting));
    measure();
    at = ends ? tape.end : Math.min(at, tape.end);
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

  play.addEventListener("click", () => (playing ? pause() : start()));
  find(".player-back").addEventListener("click", () => step(-1));
  find(".player-forth").addEventListener("click", () => step(1));
  range.addEventListener("input", () => { if (playing) pause(); seek((Number(range.value) / 1000) * tape.end); });
  speed.addEventListener("change", () => { before = null; if (playing && tape) { if (atEdge()) at = tape.end; run(); } });
  buttons();
  return { open, grown, finish, close, start, pause, step, seek, toggle: () => (playing ? pause() : tape ? start() : onAgain()),
    get tape() { return tape; }, get playing() { return playing; }, get at() { return at; }, speed };
}

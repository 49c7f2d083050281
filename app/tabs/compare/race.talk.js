// Talk mode: the lanes fill the screen, in type for the back row, and the keyboard does everything.
function raceTalk(race, player, { onStart, onAgain, question, link = () => "", onChange = () => {} }) {
  const speed = player.speed, hints = race.querySelector(".talk-keys"), code = race.querySelector(".talk-code");
  const HINTS_MS = 3000, SMALLEST = 1, LARGEST = 2.6; // text of lanes, in units of the stage's own
  let focused = 0, left = null, fading = 0;

  function enter() {
    if (on()) return;
    left = document.activeElement;
    race.dataset.talk = "true";
    document.documentElement.classList.add("talking");
    race.tabIndex = -1;
    race.focus({ preventScroll: true });
    race.requestFullscreen?.().catch(() => {}); // where that is not allowed, the page itself is filled
    if (!player.tape) wait(question());
    showHints();
    fit();
    onChange(true);
  }

  function leave() {
    if (!on()) return;
    race.dataset.talk = "false";
    race.dataset.waiting = "false";
    document.documentElement.classList.remove("talking");
    focus(0);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    race.removeAttribute("tabindex"); // or it would stay outlined
    race.blur();
    if (left !== document.body) left?.focus?.({ preventScroll: true });
    onChange(false);
  }

  const on = () => race.dataset.talk === "true";

  function wait(words) { // nothing plays before the speaker says so
    race.querySelector(".talk-question").textContent = words;
    race.dataset.waiting = "true";
  }

  function go() {
    if (race.dataset.waiting !== "true") return player.tape ? player.toggle() : onStart();
    race.dataset.waiting = "false";
    fit();
    if (player.tape) player.start(); else onStart();
  }

  function fit() { // the longest text of a lane fills its place
    if (!on() || !player.tape) return;
    const box = race.querySelector(".lane:not([data-focused=false]) .trace-text") ?? race.querySelector(".trace-text");
    const longest = Math.max(80, ...player.tape.lanes.map((lane) => lane.texts.at(-1).length));
    const unit = Number.parseFloat(getComputedStyle(race).fontSize);
    const size = Math.sqrt((box.clientWidth * box.clientHeight) / (longest * 0.62 * 1.5)) / unit;
    race.style.setProperty("--fit", Math.min(LARGEST, Math.max(SMALLEST, size)).toFixed(2));
  }

  function ended(over) { // the last frame takes people to this very race
    const to = over && on() && !/^(localhost|127\.|\[::1\])/.test(location.hostname) ? link() : "";
    if (code.hidden === !to) return;
    code.hidden = !to;
    if (to) code.querySelector("img").src = address(`compare/code?text=${encodeURIComponent(to)}`);
  }

  function focus(number) { // one lane large; the same key again shows all
    focused = number === focused || !race.querySelector(`.lane[data-lane="${number}"]`) ? 0 : number;
    race.dataset.focus = focused ? String(focused) : "";
    for (const lane of race.querySelectorAll(".lane")) lane.dataset.focused = String(!focused || focused === Number(lane.dataset.lane));
    fit();
  }

  function nextSpeed() {
    speed.selectedIndex = (speed.selectedIndex + 1) % speed.options.length;
    speed.dispatchEvent(new Event("change"));
  }

  const keys = {
    " ": go, ArrowRight: () => player.step(1), ArrowLeft: () => player.step(-1),
    r: () => { race.dataset.waiting = "false"; onAgain(); }, s: nextSpeed, c: () => { race.dataset.chart = String(race.dataset.chart !== "true"); fit(); },
    1: () => focus(1), 2: () => focus(2), 3: () => focus(3), 4: () => focus(4), 0: () => focus(0), Escape: leave,
  };

  const tellSpeed = () => { race.querySelector(".talk-speed").textContent = speed.selectedOptions[0].textContent; };
  speed.addEventListener("change", tellSpeed);
  tellSpeed();

  function showHints() {
    hints.dataset.faded = "false";
    clearTimeout(fading);
    fading = setTimeout(() => { hints.dataset.faded = "true"; }, HINTS_MS);
  }

  function onKey(event) {
    if (!on() || !race.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  }

  race.querySelector(".talk-leave").addEventListener("click", leave); // for those without a keyboard
  race.querySelector(".talk-start button").addEventListener("click", go);
  race.addEventListener("pointermove", showHints);
  new ResizeObserver(fit).observe(race);
  document.s1TalkKeys?.abort();
  document.s1TalkKeys = new AbortController();
  document.addEventListener("keydown", onKey, { capture: true, signal: document.s1TalkKeys.signal });
  // The browser leaves the full screen by itself on Escape, and does not tell the page of the key.
  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) leave(); }, { signal: document.s1TalkKeys.signal });
  return { enter, leave, on, wait, fit, ended };
}

// Talk mode: the lanes fill the screen, in type for the back row, and the keyboard does everything.
function raceTalk(race, player, { onStart, onAgain, onStop = () => {}, onChange = () => {} }) {
  const speed = player.speed;
  let focused = 0, left = null;

  function enter() {
    if (on()) return;
    left = document.activeElement;
    race.dataset.talk = "true";
    document.documentElement.classList.add("talking");
    race.tabIndex = -1;
    race.focus({ preventScroll: true });
    race.requestFullscreen?.().catch(() => {}); // where that is not allowed, the page itself is filled
    onChange(true);
  }

  function leave() {
    if (!on()) return;
    race.dataset.talk = "false";
    document.documentElement.classList.remove("talking");
    focus(0);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    left?.focus?.({ preventScroll: true });
    onChange(false);
  }

  const on = () => race.dataset.talk === "true";

  function focus(number) { // one lane large; the same key again shows all
    focused = number === focused || !race.querySelector(`.lane[data-lane="${number}"]`) ? 0 : number;
    race.dataset.focus = focused ? String(focused) : "";
    for (const lane of race.querySelectorAll(".lane")) lane.dataset.focused = String(focused === Number(lane.dataset.lane));
  }

  function nextSpeed() {
    speed.selectedIndex = (speed.selectedIndex + 1) % speed.options.length;
    speed.dispatchEvent(new Event("change"));
  }

  const keys = {
    " ": () => (player.tape ? player.toggle() : onStart()), ArrowRight: () => player.step(1), ArrowLeft: () => player.step(-1),
    r: () => onAgain(), s: nextSpeed, c: () => { race.dataset.chart = String(race.dataset.chart !== "true"); },
    1: () => focus(1), 2: () => focus(2), 3: () => focus(3), 4: () => focus(4), 0: () => focus(0), Escape: leave,
  };

  const tellSpeed = () => { race.querySelector(".talk-speed").textContent = speed.selectedOptions[0].textContent; };
  speed.addEventListener("change", tellSpeed);

  function onKey(event) {
    if (!on() || !race.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  }

  race.querySelector(".talk-leave").addEventListener("click", leave); // for those without a keyboard
  document.s1TalkKeys?.abort();
  document.s1TalkKeys = new AbortController();
  document.addEventListener("keydown", onKey, { capture: true, signal: document.s1TalkKeys.signal });
  // The browser leaves the full screen by itself on Escape, and does not tell the page of the key.
  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) leave(); }, { signal: document.s1TalkKeys.signal });
  return { enter, leave, on };
}

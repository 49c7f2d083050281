// The trace that is forked next, divided at the place of the fork: what is kept, and what would be left out.
function labTrunk(root, { onPlace }) {
  const find = (selector) => root.querySelector(selector);
  const keep = find(".lab-keep"), rest = find(".lab-rest"), slider = find(".lab-at"), trace = find(".lab-trace");
  const drawKeep = traceWriter(keep), drawRest = traceWriter(rest);
  const MARKS = /[\ue000-\ue007]/u, LAST_MARK = /[\ue000-\ue007](?!.*[\ue000-\ue007])/su;
  const FORCED_WORD = ':is([data-source="wait"], [data-source="you"])';
  let drawn = null, at = 0;

  function place(wanted, { scroll = true } = {}) {
    const ends = drawn.ends, step = wanted >= at ? 1 : -1;
    at = Math.max(0, Math.min(wanted, ends.length - 1));
    while (ends[at] < 0) at += step; // a forced Wait is not divided
    slider.value = at;
    const kept = drawn.text.slice(0, ends[at]), left = drawn.text.slice(ends[at]);
    drawKeep(kept);
    keep.dataset.broken = String(kept.endsWith("\n") && !keep.textContent.endsWith("\n"));
    drawRest("");
    const author = MARKS.test(left[0] ?? "") ? "" : (LAST_MARK.exec(kept)?.[0] ?? "\ue000");
    drawRest(author + left);
    for (const button of find(".lab-names").children) button.setAttribute("aria-pressed", String(Number(button.dataset.at) === at));
    const words = `${at.toLocaleString("en")} of ${(ends.length - 1).toLocaleString("en")} thinking tokens kept`;
    find(".lab-kept").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    if (scroll) trace.scrollTop = find(".lab-cut").offsetTop - trace.offsetTop - trace.clientHeight / 2;
    onPlace(at);
  }

  function open(next, title, wanted) {
    drawn = next;
    at = 0;
    find(".lab-title").replaceChildren(...title);
    slider.max = next.ends.length - 1;
    find(".lab-names").replaceChildren(...next.names.map(([tokens, name]) => {
      const button = make("button", "chip", name);
      button.type = "button";
      button.dataset.at = tokens;
      button.dataset.key = `place ${name}`;
      button.addEventListener("click", () => place(tokens));
      return button;
    }));
    const waits = next.names.filter(([, name]) => name.startsWith("Wait"));
    place(wanted ?? (waits[0] ?? next.names.at(-1))[0]);
  }

  slider.addEventListener("input", () => place(Number(slider.value)));
  trace.addEventListener("click", (event) => { // on a forced Wait: fork there
    const pill = event.target.closest(FORCED_WORD);
    if (!pill) return;
    const number = [...trace.querySelectorAll(FORCED_WORD)].indexOf(pill);
    const named = drawn.names.filter(([, name]) => name.startsWith("Wait"))[number];
    if (named) place(named[0]);
  });
  return { open, get at() { return at; } };
}

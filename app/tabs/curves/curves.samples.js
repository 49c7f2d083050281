// The samples behind a point, and the trace of one of them.
function sampleViews(list, panel, { onFilter }) {
  const NAMES = { all: "All", right: "Right", wrong: "Wrong", fixed: "Fixed by Wait", broken: "Broken by Wait" };
  const write = traceWriter(panel.querySelector(".trace-text"));
  const inList = (selector) => list.querySelector(selector), inPanel = (selector) => panel.querySelector(selector);
  let point = null, filter = "all", latest = 0, opened = "";

  async function show(next, shown = "all") {
    point = next;
    filter = shown;
    opened = "";
    inList(".teach").hidden = true;
    inList(".samples-body").hidden = false;
    inList(".samples-of").textContent = `${next.series.model}, ${settingName(next.point.label)}`;
    inList(".samples-list").replaceChildren();
    closeTrace();
    await page(0);
  }

  function close() {
    point = null;
    latest += 1;
    inList(".teach").hidden = false;
    inList(".samples-body").hidden = true;
    inList(".samples-of").textContent = "";
    closeTrace();
  }

  async function page(start) {
    const mine = ++latest;
    const found = await ask("samples", { run: point.series.run, setting: point.point.label, shown: filter, start });
    if (mine !== latest) return;
    if (found.error) { tell(found.error); inList(".samples-more").hidden = true; return; }
    drawFilters(found);
    tell(said(found));
    inList(".samples-list").append(...found.samples.map(row));
    const there = start + found.samples.length;
    const more = inList(".samples-more");
    more.hidden = there >= found.counts[filter];
    more.textContent = `Show more (${there.toLocaleString("en")} of ${found.counts[filter].toLocaleString("en")})`;
    more.onclick = () => page(there);
    if (start === 0 && found.samples.length) openTrace(found.samples[0]);
  }

  function tell(text) { inList(".samples-says").textContent = text; }

  function said(found) {
    const against = found.baseline ? ` “Fixed” and “broken” compare with the same questions under “${settingName(found.baseline)}”.` : "";
    if (!found.counts[filter]) {
      const nothing = { all: "This point has no samples.", right: "None is right.", wrong: "None is wrong." };
      const waits = point.point.waits ? `No Wait has ${filter} an answer here.` : "This point forces no Wait; choose one that does.";
      return (nothing[filter] ?? waits) + against;
    }
    return found.baseline ? against.trim() : "";
  }

  function drawFilters(found) {
    const box = inList(".samples-filters");
    keepingFocus(box, () => box.replaceChildren(...Object.entries(NAMES).map(([key, name]) => {
      const button = make("button", "pill", `${name} `);
      button.type = "button";
      button.dataset.key = key;
      button.setAttribute("aria-pressed", String(key === filter));
      button.appendChild(make("b", "", found.counts[key].toLocaleString("en")));
      button.addEventListener("click", () => { onFilter(key); show(point, key); });
      return button;
    })));
  }

  function row(sample) {
    const item = make("li");
    const button = item.appendChild(make("button", "sample"));
    button.type = "button";
    button.dataset.sample = `${sample.id} ${sample.index}`;
    const mark = button.appendChild(make("span", sample.correct ? "mark right" : "mark wrong", sample.correct ? "✓" : "✗"));
    mark.setAttribute("aria-label", sample.correct ? "right" : "wrong");
    mark.setAttribute("role", "img");
    button.appendChild(make("span", "sample-title", sample.title + (sample.index ? ` (sample ${sample.index + 1})` : "")));
    const change = { fixed: "fixed by Wait", broken: "broken by Wait" }[sample.change];
    if (change) button.appendChild(make("span", `change ${sample.change}`, change));
    button.appendChild(make("span", "sample-numbers", `${sample.answer ?? "no answer"} · ${tokensOf(sample)} tokens`));
    button.addEventListener("click", () => openTrace(sample));
    return item;
  }

  function closeTrace() {
    inPanel(".teach").hidden = false;
    inPanel(".sample-body").hidden = true;
  }

  async function openTrace(sample) {
    opened = `${sample.id} ${sample.index}`;
    const asked = opened;
    for (const button of list.querySelectorAll(".sample")) button.setAttribute("aria-current", String(button.dataset.sample === opened));
    const found = await ask("trace", { run: point.series.run, setting: point.point.label, sample: sample.id, index: sample.index });
    if (asked !== opened) return;
    inPanel(".teach").hidden = true;
    inPanel(".sample-body").hidden = false;
    const note = inPanel(".sample-note");
    note.textContent = found.error ?? found.note;
    note.hidden = !note.textContent;
    inPanel(".sample-question").textContent = found.error ? "" : found.question || found.title;
    write("");
    write(found.text ?? "");
    inPanel(".trace-text").hidden = !found.text;
    inPanel(".trace-text").scrollTop = 0;
    inPanel(".sample-answer").hidden = Boolean(found.error);
    if (found.error) { inPanel(".sample-facts").replaceChildren(); return; }
    drawAnswer(found);
    inPanel(".sample-facts").replaceChildren(...found.facts.map(([name, value]) => {
      const pair = make("div");
      pair.append(make("dt", "", name), make("dd", "", value));
      return pair;
    }));
  }

  function drawAnswer(found) {
    const verdict = inPanel(".sample-verdict");
    inPanel(".sample-answer").dataset.verdict = found.correct ? "right" : "wrong";
    const expected = !found.correct && found.expected ? `, expected ${found.expected}` : "";
    verdict.replaceChildren(make("b", "", found.answer ?? "no answer"), make("span", "", found.correct ? " ✓ right" : ` ✗ wrong${expected}`));
    const before = found.before;
    inPanel(".sample-before").textContent = before
      ? `Under “${settingName(before.setting)}” it said ${before.answer ?? "nothing"}, which is ${before.correct ? "right" : "wrong"}.` : "";
  }

  return { show, close };
}

// Two points against each other: question by question where both have samples, else the plain difference.
function comparePoints(root, { onPick }) {
  const [first, second] = root.querySelectorAll("select");
  const result = root.querySelector(".compare-result");
  let offered = "", latest = 0;

  function offer(series) { // rebuilt only when it changed: a list that someone has open must not close
    const now = JSON.stringify(series.map((one) => [one.id, one.points.map((point) => point.label)]));
    for (const select of [first, second]) {
      if (now !== offered) select.replaceChildren(new Option("Choose a point", ""), ...series.map(group));
      for (const one of series) one.points.forEach((point, index) => rename(select, pointKey(one, index), pointName(point)));
    }
    offered = now;
  }

  function group(one) {
    const options = make("optgroup");
    options.label = one.own ? `${one.name}, run or added by you` : one.name;
    options.append(...one.points.map((_, index) => new Option("", pointKey(one, index))));
    return options;
  }

  function rename(select, key, text) { // a sweep's points move while it runs
    const option = [...select.options].find((candidate) => candidate.value === key);
    if (option && option.textContent !== text) option.textContent = text;
  }

  for (const [place, select] of [first, second].entries()) select.addEventListener("change", () => onPick(place, select.value));

  function say(...lines) {
    result.replaceChildren(...lines.map(([kind, text]) => make("p", kind, text)));
  }

  async function show(a, b) {
    const mine = ++latest;
    first.value = a ? pointKey(a.series, a.index) : "";
    second.value = b ? pointKey(b.series, b.index) : "";
    if (!a || !b) { say(["teach", "Choose A and B: here, or with a click and a Shift-click on the chart."]); return; }
    const plain = b.point.accuracy - a.point.accuracy;
    if (!a.series.run || !b.series.run) {
      say(["compare-lead", `B − A: ${signed(plain)} points`],
        ["", "Published points have no results question by question, so there is no paired test: only measured and imported points have one."]);
      return;
    }
    const answer = await ask("compare", { run: a.series.run, setting: a.point.label, other_run: b.series.run, other_setting: b.point.label });
    if (mine !== latest) return;
    if (answer.error) { say(["trouble", answer.error]); return; }
    const pairs = answer.pairs;
    if (!pairs) { say(["compare-lead", `B − A: ${signed(plain)} points`], ["", "The two have no question in common, so there is no paired test."]); return; }
    say(["compare-lead", `B − A: ${signed(pairs.second - pairs.first)} points`],
      ["compare-p", `p = ${small(pairs.p)}, McNemar's exact test, two-sided`],
      ["", `On the same ${pairs.n.toLocaleString("en")} questions: B is right on ${pairs.fixed} of the ${pairs.wrong} that A gets wrong, and wrong on ${pairs.broken} of the ${pairs.right} that A gets right.`]);
  }
  return { offer, show };
}

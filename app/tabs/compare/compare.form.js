// The form: one question, and the settings of every lane. It holds what will be raced next, whatever is being shown.
function compareForm(root, offers, { onShape }) {
  const find = (selector) => root.querySelector(selector);
  const question = find(".compare-question textarea"), expected = find(".compare-expected input");
  const MOST_LANES = 4, FEWEST_LANES = 2, MOST_WAITS = 8, MOST_COUNT = 32;
  const methods = new Map(offers.methods.map((method) => [method.name, method]));
  const FIELDS_OF = { // what a method looks at, beside the model
    forcing: ["budget", "waits", "word"], vote: ["count", "budget", "waits", "word"], rejection: ["count", "budget"],
    tokens: ["budget"], steps: ["count"], none: [], short: [], long: [],
  };
  let lanes = offers.presets[0].lanes.map((lane) => ({ ...lane }));

  function chips() {
    find(".compare-chips").replaceChildren(...offers.families.map((family) => {
      const chip = make("button", "chip", family.name);
      chip.type = "button";
      chip.addEventListener("click", () => {
        const next = family.questions[(family.questions.indexOf(question.value) + 1) % family.questions.length];
        ask(next, "");
      });
      return chip;
    }));
    find(".compare-presets").prepend(...offers.presets.map((preset) => {
      const button = make("button", "chip preset", preset.name);
      button.type = "button";
      button.addEventListener("click", () => {
        set(preset.lanes);
        if (preset.question && (isExample(question.value) || !question.value.trim())) ask(preset.question, "");
        onShape();
      });
      return button;
    }));
  }

  const isExample = (words) => offers.families.some((family) => family.questions.includes(words)) || offers.presets.some((preset) => preset.question === words);

  function ask(words, answer) {
    question.value = words;
    expected.value = answer;
    fit();
  }

  function fit() { // as high as the question needs, up to a few lines
    question.style.height = "auto";
    if (question.scrollHeight) question.style.height = `${Math.min(question.scrollHeight + 2, 132)}px`;
  }

  function set(next) {
    const filled = { method: "forcing", budget: 128, waits: 0, word: "Wait", model: offers.models[0], count: 5 };
    lanes = next.map((lane) => ({ ...filled, ...lane }));
  }

  function field(number, lane, name, words, control) {
    const label = make("label", `field field-${name}`);
    label.appendChild(make("span", "", words));
    control.setAttribute("aria-label", `${words} of lane ${number}`);
    control.dataset.key = `${number} ${name}`;
    control.value = lane[name];
    const take = () => { lane[name] = control.type === "number" ? (control.value === "" ? null : Number(control.value)) : control.value; };
    control.addEventListener("input", take); // at once: what is typed counts, whatever is pressed next
    control.addEventListener("change", () => { take(); onShape({ only: "settings" }); });
    label.appendChild(control);
    return label;
  }

  function number(least, most) {
    const input = make("input");
    Object.assign(input, { type: "number", min: least, max: most, step: 1, inputMode: "numeric" });
    return input;
  }

  function choice(options) {
    const select = make("select");
    for (const [value, words] of options) select.appendChild(make("option", "", words)).value = value;
    return select;
  }

  function wordInput(at) {
    const input = make("input");
    const list = make("datalist");
    list.id = `compare-words-${at}`;
    for (const word of offers.words) list.appendChild(make("option")).value = word;
    input.setAttribute("list", list.id);
    input.maxLength = 200;
    input.placeholder = "nothing";
    return [input, list];
  }

  function fields(at, lane) { // the fields of one lane
    const models = [...new Set([...offers.models, lane.model])].map((name) => [name, name]);
    const used = FIELDS_OF[lane.method] ?? [];
    const all = [field(at, lane, "method", "Method", choice(offers.methods.map(({ name, words }) => [name, words])))];
    if (used.includes("count")) all.push(field(at, lane, "count", methods.get(lane.method).counts, number(1, MOST_COUNT)));
    if (used.includes("budget")) all.push(field(at, lane, "budget", "Budget", number(0, 1e9)));
    if (used.includes("waits")) all.push(field(at, lane, "waits", "Waits", number(0, MOST_WAITS)));
    if (used.includes("word")) {
      const [input, list] = wordInput(at);
      all.push(field(at, lane, "word", "Wait text", input), list);
    }
    all.push(field(at, lane, "model", "Model", choice(models)));
    return all;
  }

  const drawn = new WeakMap(); // what the fields of a lane were made for; a field that is being edited is never made anew

  function drawFields(box, i) {
    const lane = lanes[i], kind = JSON.stringify([i, lane.method, offers.models, lane.model]);
    const before = drawn.get(box);
    if (before?.lane === lane && before.kind === kind) return;
    drawn.set(box, { lane, kind });
    keepingFocus(box, () => box.replaceChildren(...fields(i + 1, lane)));
  }

  function toggler(i, box) {
    const button = make("button", "lane-act lane-edit", "Settings");
    button.type = "button";
    button.setAttribute("aria-label", `Settings of lane ${i + 1}`);
    button.setAttribute("aria-expanded", String(!box.hidden));
    button.addEventListener("click", () => {
      box.hidden = !box.hidden;
      button.setAttribute("aria-expanded", String(!box.hidden));
      if (!box.hidden) box.querySelector("select, input")?.focus();
    });
    return button;
  }

  function draw(nodes) {
    nodes.forEach((node, i) => {
      const box = node.querySelector(".lane-fields"), head = node.querySelector(".lane-head");
      drawFields(box, i);
      if (!head.querySelector(".lane-edit")) head.appendChild(toggler(i, box));
      const remove = head.querySelector(".lane-remove");
      if (lanes.length > FEWEST_LANES && !remove) head.appendChild(remover(i));
      if (lanes.length <= FEWEST_LANES) remove?.remove();
    });
    find(".add-lane").disabled = lanes.length >= MOST_LANES;
    root.querySelectorAll(".preset").forEach((button, i) => {
      button.setAttribute("aria-pressed", String(sameLanes(offers.presets[i].lanes, lanes)));
    });
  }

  const sameLanes = (a, b) => {
    const sorted = (all) => all.map((lane) => JSON.stringify(Object.entries(lane).sort())).join();
    return sorted(a) === sorted(b);
  };

  function remover(i) {
    const button = make("button", "lane-act lane-remove", "×");
    button.type = "button";
    button.setAttribute("aria-label", `Remove lane ${i + 1}`);
    button.addEventListener("click", () => { lanes.splice(i, 1); onShape(); });
    return button;
  }

  question.addEventListener("input", () => { expected.value = ""; fit(); });
  find(".add-lane").addEventListener("click", () => { lanes.push({ ...lanes.at(-1) }); onShape(); });
  chips();
  if (!question.value) ask(offers.presets[0].question || offers.families[0].questions[0], ""); // what was typed before this ran is kept
  return {
    draw, ask, set,
    get lanes() { return lanes; },
    read: () => ({ question: question.value, expected: expected.value, lanes: lanes.map((lane) => ({ ...lane })) }),
  };
}

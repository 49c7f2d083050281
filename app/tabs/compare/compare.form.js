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
      button.addEventListener("click", () => { set(preset.lanes); onShape(); });
      return button;
    }));
  }

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
    control.addEventListener("change", () => {
      lane[name] = control.type === "number" ? (control.value === "" ? null : Number(control.value)) : control.value;
      onShape({ only: "settings" });
    });
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

  function draw(nodes) {
    nodes.forEach((node, i) => {
      const box = node.querySelector(".lane-fields");
      keepingFocus(box, () => {
        box.replaceChildren(...fields(i + 1, lanes[i]));
      });
      node.querySelector(".lane-act")?.remove();
      if (lanes.length > FEWEST_LANES) node.querySelector(".lane-head").appendChild(remover(i));
    });
    find(".add-lane").disabled = lanes.length >= MOST_LANES;
    const now = JSON.stringify(lanes);
    root.querySelectorAll(".preset").forEach((button, i) => {
      const preset = JSON.stringify(offers.presets[i].lanes.map((lane) => ({ ...lane })));
      button.setAttribute("aria-pressed", String(sameLanes(preset, now)));
    });
  }

  const sameLanes = (a, b) => {
    const sorted = (text) => JSON.parse(text).map((lane) => JSON.stringify(Object.entries(lane).sort())).join();
    return sorted(a) === sorted(b);
  };

  function remover(i) {
    const button = make("button", "lane-act", "×");
    button.type = "button";
    button.setAttribute("aria-label", `Remove lane ${i + 1}`);
    button.addEventListener("click", () => { lanes.splice(i, 1); onShape(); });
    return button;
  }

  question.addEventListener("input", () => { expected.value = ""; fit(); });
  find(".add-lane").addEventListener("click", () => { lanes.push({ ...lanes.at(-1) }); onShape(); });
  chips();
  if (!question.value) ask(offers.families[0].questions[0], ""); // what was typed before this ran is kept
  return {
    draw, ask, set,
    get lanes() { return lanes; },
    read: () => ({ question: question.value, expected: expected.value, lanes: lanes.map((lane) => ({ ...lane })) }),
  };
}

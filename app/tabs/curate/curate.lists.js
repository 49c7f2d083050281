// Rejected rows by rule, and the selected ones with their traces. All texts go into text nodes.
function verdict(correct) {
  if (correct === null) return make("span", "mark", "·");
  const mark = make("span", correct ? "mark right" : "mark wrong", correct ? "✓" : "✗");
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", correct ? "teacher right" : "teacher wrong");
  return mark;
}

function pager(section, { load, row }) { // one list that grows; an answer that comes too late is dropped
  const list = section.querySelector(".row-list"), more = section.querySelector(".row-more");
  let latest = 0;
  async function page(start) {
    const mine = ++latest;
    const found = await load(start);
    if (mine !== latest) return null;
    if (start === 0) list.replaceChildren();
    if (found.error) { more.hidden = true; list.replaceChildren(make("li", "row-none", found.error)); return null; }
    list.append(...found.rows.map(row));
    const there = start + found.rows.length, all = found.found ?? found.here;
    more.hidden = there >= all || !found.rows.length;
    more.textContent = `Show more (${whole(there)} of ${whole(all)})`;
    more.onclick = () => page(there);
    return found;
  }
  const clear = () => { latest += 1; list.replaceChildren(); more.hidden = true; };
  return { page, clear };
}

function selectedView(section, panel, ask) {
  const search = section.querySelector(".search"), says = section.querySelector(".selected-says");
  let set = null, opened = "", typing = 0;
  const { page, clear } = pager(section, { load: (start) => ask("selected", { set, words: search.value, start }), row: line });

  function line(found) {
    const item = make("li"), button = item.appendChild(make("button", "found"));
    button.type = "button";
    button.dataset.row = found.key;
    button.append(verdict(found.correct), make("span", "row-title", found.title));
    button.appendChild(make("span", "row-numbers", [found.domain, `${whole(found.tokens)} tokens`].filter(Boolean).join(" · ")));
    button.addEventListener("click", () => open(found.key));
    button.setAttribute("aria-current", String(found.key === opened));
    return item;
  }

  async function find(first = false) {
    const found = await page(0);
    if (!found) return;
    const part = found.here < found.total ? ` of the ${whole(found.here)} that are here` : "";
    says.textContent = search.value.trim() ? `${whole(found.found)}${part} hold these words` : `${whole(found.total)} questions${part ? `, ${whole(found.here)} of them here` : ""}`;
    if (!found.rows.length && found.total) section.querySelector(".row-list").replaceChildren(make("li", "row-none", "No selected question holds these words."));
    if (first && found.rows.length) open(found.rows[0].key);
  }

  async function open(key) {
    opened = key;
    for (const button of section.querySelectorAll(".found")) button.setAttribute("aria-current", String(button.dataset.row === key));
    const found = await ask("question", { set, key });
    if (opened !== key) return;
    const inPanel = (selector) => panel.querySelector(selector);
    inPanel(".teach").hidden = true;
    inPanel(".question-body").hidden = false;
    inPanel(".question-text").textContent = found.error ?? found.question;
    for (const part of [".question-thinking", ".question-answer", ".question-solution", ".facts"]) inPanel(part).hidden = Boolean(found.error);
    if (found.error) return;
    inPanel(".question-thinking").textContent = found.thinking.trim();
    inPanel(".question-thinking").scrollTop = 0;
    const told = { true: " ✓ right", false: ` ✗ wrong${found.expected ? `, expected ${found.expected}` : ""}`, null: found.expected ? ` expected ${found.expected}` : "" }[String(found.correct)];
    inPanel(".question-answer").dataset.verdict = { true: "right", false: "wrong", null: "" }[String(found.correct)];
    inPanel(".question-verdict").replaceChildren(make("b", "", found.attempt.trim()), make("span", "", told));
    inPanel(".question-solution").hidden = !found.solution;
    inPanel(".question-solution p").textContent = found.solution;
    factsIn(inPanel(".facts"), found.facts);
  }

  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => find(), 200); });
  return {
    show(next) {
      set = next;
      opened = "";
      const there = set !== null;
      search.value = "";
      search.hidden = !there;
      section.querySelector(".teach").hidden = there;
      panel.querySelector(".teach").hidden = false;
      panel.querySelector(".question-body").hidden = true;
      says.textContent = "";
      clear();
      if (there) find(true);
    },
    search(words) { search.value = words; find(true); section.scrollIntoView({ block: "nearest" }); },
  };
}

function rejectedView(section, ask) {
  const says = section.querySelector(".rejected-says"), pills = section.querySelector(".rejected-rules");
  let set = null, rules = [], chosen = "";
  const keyOf = (stage, rule) => `${stage}\n${rule}`;
  const { page, clear } = pager(section, {
    load: (start) => { const [stage, rule] = chosen.split("\n"); return ask("rejected", { set, stage, rule, start }); },
    row: line,
  });

  function line(found) {
    const item = make("li", "gone-row");
    item.appendChild(make("p", "gone-text", found.hidden ? "Not shown: its authors ask that no public page shows it." : found.question || "(no text)"));
    item.appendChild(make("p", "small", [`${found.source} / ${found.id}`, found.detail].filter(Boolean).join(" — ")));
    return item;
  }

  function draw() {
    keepingFocus(pills, () => pills.replaceChildren(...rules.map(([stage, rule, n]) => {
      const button = make("button", "pill", `${stage}: ${rule} `);
      button.type = "button";
      button.dataset.key = keyOf(stage, rule);
      button.setAttribute("aria-pressed", String(button.dataset.key === chosen));
      button.appendChild(make("b", "", whole(n)));
      button.addEventListener("click", () => choose(stage, rule));
      return button;
    })));
    section.querySelector(".teach").hidden = rules.length > 0;
  }

  async function choose(stage, rule) {
    chosen = keyOf(stage, rule);
    draw();
    const found = await page(0);
    if (!found) return;
    says.textContent = found.here < found.total ? `${whole(found.here)} of ${whole(found.total)} are here` : `${whole(found.total)} by this rule`;
  }

  return {
    show(next, counts) {
      const other = next !== set;
      set = next;
      rules = counts.slice(0, 60);
      if (other) { chosen = ""; says.textContent = ""; clear(); }
      const still = rules.some(([stage, rule]) => keyOf(stage, rule) === chosen);
      if (!still && rules.length) choose(rules[0][0], rules[0][1]); else draw();
    },
    open(stage, rule) { choose(stage, rule); section.scrollIntoView({ block: "nearest" }); },
  };
}

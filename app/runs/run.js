// What every view of a run shows in the same way: live numbers, answer, receipt. Text goes into text nodes only.
const LONG_ANSWER_CHARACTERS = 16; // longer ones are set smaller

function runDrawer(root) {
  const find = (selector) => root.querySelector(selector);
  const cells = [...root.querySelectorAll("[data-number]")];
  const told = new Map(); // what stands in a node; writing the same again would cost a layout
  let receipt = "", limit = null;

  function say(node, text) {
    if (told.get(node) === text) return;
    told.set(node, text);
    node.textContent = text;
  }

  function numbers(meter) {
    const has = meter.limit !== null;
    const share = has && meter.limit > 0 ? Math.min(1, meter.spent / meter.limit) : has ? 1 : 0;
    const bar = find(".meter");
    bar.style.setProperty("--share", share);
    bar.setAttribute("aria-valuemax", meter.limit ?? 0);
    bar.setAttribute("aria-valuenow", meter.spent);
    bar.setAttribute("aria-valuetext", has ? `${meter.spent} of ${meter.limit} thinking tokens` : "nothing yet");
    const shown = { ...meter, spent: has ? `${meter.spent.toLocaleString("en")} / ${meter.limit.toLocaleString("en")}` : "–" };
    if (has && limit !== meter.limit) { // room for all that is to come, so that nothing moves
      limit = meter.limit;
      cells.find((cell) => cell.dataset.number === "spent").style.minWidth = `${2 * limit.toLocaleString("en").length + 3}ch`;
    }
    for (const cell of cells) {
      say(cell, shown[cell.dataset.number] || "–");
      if (cell.dataset.number === "waits") cell.parentNode.hidden = !meter.waits;
    }
  }

  function answer(one, state) {
    const card = find(".answer");
    card.dataset.verdict = one.verdict;
    card.dataset.missing = String(one.missing);
    card.dataset.long = String(one.text.length > LONG_ANSWER_CHARACTERS);
    card.dataset.waiting = String(!one.text && !one.missing);
    say(find(".answer-text"), one.text || withoutAnswer(one, state));
    say(find(".verdict"), verdictWords(one));
    card.dataset.caution = String(Boolean(one.caution));
    say(find(".answer-note"), [one.caution, one.note].filter(Boolean).join(" "));
  }

  function rows(all) {
    const now = JSON.stringify(all);
    if (now === receipt) return;
    receipt = now;
    find(".receipt tbody").replaceChildren(...all.map(([name, value]) => {
      const row = document.createElement("tr");
      const head = row.appendChild(document.createElement("th"));
      head.scope = "row";
      head.textContent = name;
      row.appendChild(document.createElement("td")).textContent = value;
      return row;
    }));
  }
  return { numbers, answer, receipt: rows, say };
}

function withoutAnswer(answer, state) {
  if (["loading", "running"].includes(state)) return "Not yet.";
  if (state === "cancelled") return "Stopped before the answer.";
  if (answer.note) return "No answer."; // the note says why
  return answer.missing ? "No answer could be read." : "There is none.";
}

function verdictWords(answer) {
  if (answer.verdict === "right") return "✓ right";
  if (answer.verdict === "wrong") return `✗ wrong, expected ${answer.expected}`;
  return "";
}

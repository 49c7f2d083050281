// Buttons that steer a run while it goes on. Concatenated after shell/tools.js. `send` gets a command as JSON has it.
const STEER_SHARE = 8, LEAST_STEP = 16, NOTE_MS = 6000;

// By how many tokens the budget moves: about an eighth of it, as a power of two.
const steerTokens = (limit) => Math.max(LEAST_STEP, 2 ** Math.round(Math.log2((limit || 256) / STEER_SHARE)));

// Sends a command to a run by its id; returns what was wrong, in a sentence, or nothing.
async function steerRun(id, command) {
  const body = JSON.stringify(command);
  const found = await reply(fetch(address(`v1/runs/${id}/steer`), { method: "POST", headers: { "content-type": "application/json" }, body }));
  if (found.error) return found.error.message ?? found.error;
  return found.results?.find((result) => result.obeyed === null)?.note ?? "";
}

function steerButtons(box, { send, hold = true }) {
  const row = box.appendChild(make("div", "steer-row")), note = box.appendChild(make("p", "steer-note"));
  note.setAttribute("role", "status");
  let tokens = LEAST_STEP, held = false, forget = 0;

  function button(words, title, command) {
    const node = row.appendChild(make("button", "", words));
    node.type = "button";
    node.title = title;
    node.addEventListener("click", () => press(command()));
    return node;
  }

  async function press(command) {
    clearTimeout(forget);
    note.textContent = await send(command);
    forget = setTimeout(() => { note.textContent = ""; }, NOTE_MS);
  }

  button("Answer now", "Close the thinking here; the answer follows", () => ({ command: "answer" }));
  button("Wait", "Write the wait text here, and let it go on", () => ({ command: "wait" }));
  const more = button("", "Raise the budget", () => ({ command: "more", tokens }));
  const less = button("", "Lower the budget; one that is spent closes the thinking", () => ({ command: "less", tokens }));
  const pause = hold && button("Pause", "Hold the text; the model may write ahead", () => ({ command: held ? "resume" : "pause" }));
  const step = hold && button("Step", "Show one token", () => ({ command: "step" }));
  const form = row.appendChild(make("form", "steer-word"));
  const word = form.appendChild(make("input"));
  word.maxLength = 200;
  word.placeholder = "another word";
  word.setAttribute("aria-label", "Another word to write in");
  const say = form.appendChild(make("button", "", "Say"));
  say.title = "Write this word here, and let it go on";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (word.value) press({ command: "wait", word: word.value });
    word.value = "";
  });

  return function draw(steer, limit) { // what can be done now; undefined where nobody can steer
    box.hidden = !steer?.can;
    if (box.hidden) return;
    tokens = steerTokens(limit);
    held = Boolean(steer.held);
    more.textContent = `+${tokens}`;
    less.textContent = `−${tokens}`;
    if (!hold) return;
    pause.textContent = held ? "Go on" : "Pause";
    step.disabled = !held;
  };
}

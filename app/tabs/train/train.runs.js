// Past runs in a table: one is shown, others are laid over its loss.
function runsView(section, { onShow, onOver }) {
  const body = section.querySelector(".runs-body");
  const MOST = 7; // beside the one that is shown: as many as there are colours
  let over = new Set(), shown = "";

  function row(run) {
    const line = make("tr");
    const box = line.appendChild(make("td")).appendChild(make("input"));
    box.type = "checkbox";
    box.dataset.key = `over ${run.id}`;
    box.checked = over.has(run.id);
    box.disabled = run.id === shown || (!over.has(run.id) && over.size >= MOST);
    box.setAttribute("aria-label", `Lay ${run.id} over the loss`);
    box.addEventListener("change", () => { over[box.checked ? "add" : "delete"](run.id); onOver([...over]); });
    const name = make("th");
    name.scope = "row";
    const button = name.appendChild(make("button", "run-name", run.id));
    button.type = "button";
    button.dataset.key = `show ${run.id}`;
    if (run.id === shown) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => onShow(run.id));
    line.append(name);
    const made = [run.recipe, run.data && `on ${run.data}`, ...run.settings].filter(Boolean).join(", ");
    line.append(make("td", "run-state", run.state), make("td", "run-made", made));
    const numbers = [run.total ? `${whole(run.step)} / ${whole(run.total)}` : "–", run.loss?.toFixed(4) ?? "–", run.eval_loss?.toFixed(4) ?? "–", run.seconds ? duration(run.seconds) : "–"];
    for (const text of numbers) line.append(make("td", "number", text));
    line.children[2].dataset.state = run.state;
    return line;
  }

  return {
    draw(runs, current) {
      shown = current;
      over.delete(current);
      section.hidden = !runs.length;
      keepingFocus(body, () => body.replaceChildren(...runs.map(row)));
    },
    set(names) { over = new Set(names.slice(0, MOST)); },
    over: () => [...over],
  };
}

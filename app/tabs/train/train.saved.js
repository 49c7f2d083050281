// What a run has saved: checkpoints, and the finished model, all to try and to evaluate; and how its sweeps are.
function savedView(section, { benchmarks, questions, onTry, onEvaluate }) {
  const list = section.querySelector(".saved"), how = section.querySelector(".saved-how"), sweeps = section.querySelector(".sweeps"), says = section.querySelector(".checkpoints-says");
  const chosen = { benchmark: benchmarks[0], questions: questions[1] };

  function act(name, words, key, onClick) {
    const button = make("button", "saved-act", words);
    button.type = "button";
    button.dataset.key = key;
    button.setAttribute("aria-label", `${words}: ${name}`);
    button.addEventListener("click", onClick);
    return button;
  }

  function pick(name, key, values, words) {
    const select = make("select");
    select.dataset.key = key;
    select.setAttribute("aria-label", name);
    select.append(...values.map((value) => option(String(value), words(value))));
    select.value = String(chosen[key]);
    select.addEventListener("change", () => { chosen[key] = values.find((value) => String(value) === select.value); });
    return select;
  }

  how.append("Evaluate on ",
    pick("Benchmark", "benchmark", benchmarks, (name) => name), "with",
    pick("Questions of the evaluation", "questions", questions, (n) => `${n} questions`));

  function row(view, one) {
    const item = make("li");
    const step = one.final ? null : one.step, name = one.final ? view.id : `${view.id}, ${one.name}`;
    const busy = view.writing.some((job) => job.step === step && !job.over);
    const says = one.final ? `after ${whole(one.step)} steps` : busy ? "being made into a model" : one.kept ? "to go on from" : "a model; its checkpoint was dropped since";
    item.append(
      make("b", "", one.final ? `${view.id}, the finished model` : one.name), make("span", "small", says),
      act(name, "Try it", `try ${step}`, () => onTry(view.id, step)),
      act(name, "Evaluate", `evaluate ${step}`, () => onEvaluate(view.id, step, chosen)),
    );
    return item;
  }

  function sweep(one) {
    const item = make("li");
    item.append(make("b", "", `${one.model} on ${one.questions} questions of ${one.benchmark}`), make("span", "run-state", one.state));
    item.lastChild.dataset.state = one.state;
    if (one.reason) item.appendChild(make("span", "small", one.reason));
    if (!one.over && one.samples) item.appendChild(make("span", "small", `${whole(one.samples)} samples so far`));
    if (one.state !== "done") return item;
    const query = new URLSearchParams({ tab: "curves", benchmark: one.benchmark });
    for (const name of [one.model, one.parent].filter(Boolean)) query.append("model", name);
    query.append("method", "budget forcing");
    const link = item.appendChild(make("a", "saved-act", one.parent ? `See its curve beside ${one.parent}'s` : "See its curve"));
    link.href = `${location.pathname}?${query}`;
    return item;
  }

  let drawn = "";
  return (view) => {
    section.hidden = !view.saved.length;
    says.textContent = view.saved.some((one) => one.final) ? "" : "the finished model is written after the last step";
    const now = JSON.stringify([view.id, view.saved, view.evals, view.writing]);
    if (now === drawn) return;
    drawn = now;
    keepingFocus(list, () => list.replaceChildren(...view.saved.map((one) => row(view, one)).reverse()));
    sweeps.replaceChildren(...view.evals.map(sweep));
  };
}

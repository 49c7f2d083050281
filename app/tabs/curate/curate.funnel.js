// The funnel, and the estimate before it. Everything that a source or a model wrote enters through textContent.
const STAGE_SAYS = {
  collect: "sources read", duplicates: "the first of each stays", decontaminate: "nothing that models are evaluated on", trace: "a teacher thinks",
  quality: "format filters", difficulty: "too easy for weaker models", domain: "what it is about", select: "which ones", render: "dataset written",
};
const SHOWN_RULES = 4;
const dollars = (usd) => (usd === 0 ? "–" : usd >= 1 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(4)}`);

function funnelView(section, { onRule }) {
  const list = section.querySelector(".funnel-stages");

  function speed(stage) {
    if (stage.state === "waiting") return "";
    if (stage.known) return "known";
    const rate = stage.rate === null ? "" : `${whole(stage.rate >= 10 ? Math.round(stage.rate) : stage.rate)}/s`;
    if (stage.state === "running" || stage.state === "started") {
      return [rate, stage.left_s === null ? "" : `${duration(stage.left_s)} left`].filter(Boolean).join(", ") || "…";
    }
    return [rate, duration(stage.seconds)].filter(Boolean).join(", ");
  }

  function counts(stage) {
    if (stage.state === "waiting") return "";
    if (stage.out !== null) return stage.in === stage.out ? whole(stage.out) : `${whole(stage.in)} → ${whole(stage.out)}`;
    return stage.in ? `${whole(stage.done)} of ${whole(stage.in)}` : whole(stage.done);
  }

  function rules(stage) {
    const names = Object.entries(stage.rejected).sort((a, b) => b[1] - a[1]);
    const box = make("span", "step-rules");
    for (const [rule, n] of names.slice(0, SHOWN_RULES)) {
      const button = box.appendChild(make("button", "rule", `${rule} `));
      button.type = "button";
      button.title = rule;
      button.dataset.key = `${stage.stage} ${rule}`;
      button.appendChild(make("b", "", `−${whole(n)}`));
      button.addEventListener("click", () => onRule(stage.stage, rule));
    }
    if (names.length > SHOWN_RULES) box.appendChild(make("span", "small", `and ${names.length - SHOWN_RULES} more rules`));
    return box;
  }

  function bar(stage, most) {
    const track = make("span", "step-bar");
    const kept = stage.out ?? Math.max(0, stage.in - Object.values(stage.rejected).reduce((a, b) => a + b, 0));
    track.style.setProperty("--in", most ? stage.in / most : 0);
    track.style.setProperty("--kept", most ? kept / most : 0);
    track.style.setProperty("--done", most && stage.in ? (stage.done / stage.in) * (kept / most) : 0);
    track.append(make("i", "gone"), make("i", "kept"), make("i", "done"));
    return track;
  }

  function row(stage, most) {
    const item = make("li", "step");
    item.dataset.state = stage.state;
    item.dataset.stage = stage.stage;
    if (stage.state === "running" || stage.state === "started") item.setAttribute("aria-current", "step");
    const name = item.appendChild(make("span", "step-name", stage.stage));
    name.appendChild(make("small", "", STAGE_SAYS[stage.stage] ?? ""));
    item.append(bar(stage, most), make("span", "step-counts", counts(stage)), make("span", "step-speed", speed(stage)), rules(stage));
    if (stage.state === "failed" && stage.detail) item.appendChild(make("p", "step-trouble", stage.detail));
    for (const note of stage.notes ?? []) item.appendChild(make("p", "step-note", note));
    return item;
  }

  return function draw(funnel) {
    const most = Math.max(1, ...funnel.stages.map((stage) => stage.in));
    const begun = funnel.stages.some((stage) => stage.state !== "waiting");
    section.querySelector(".funnel-empty").hidden = begun;
    section.querySelector(".funnel-says").textContent = begun && funnel.seconds ? `${duration(funnel.seconds)} of work, resumable at any point` : "";
    keepingFocus(list, () => list.replaceChildren(...(begun ? funnel.stages.map((stage) => row(stage, most)) : [])));
  };
}

function estimateView(section) {
  const body = section.querySelector(".estimate-body"), of = section.querySelector(".estimate-of");

  function table(costs) {
    const wrap = make("div", "scroll"), grid = wrap.appendChild(make("table"));
    grid.appendChild(headings(["stage", "asked of", "calls", "tokens in", "tokens out", "uncached", "cached"]));
    grid.querySelectorAll("th")[1].className = "";
    const rows = grid.appendChild(make("tbody"));
    for (const cost of costs) {
      const line = rows.appendChild(make("tr"));
      line.appendChild(make("th", "", cost.stage)).scope = "row";
      line.appendChild(make("td", "", cost.who));
      for (const text of [whole(cost.calls), whole(cost.input_tokens), whole(cost.output_tokens), dollars(cost.usd), dollars(cost.usd_cached)]) {
        line.appendChild(make("td", "number", text));
      }
    }
    return wrap;
  }

  return function draw(estimate, lead) {
    section.hidden = !estimate;
    if (!estimate) return;
    of.textContent = estimate.basis === "counts"
      ? `${whole(estimate.rows)} questions by published counts, before any is rejected; nothing was read`
      : `${whole(estimate.rows)} questions that the free stages left`;
    const parts = [];
    if (lead) parts.push(make("p", "estimate-lead", lead));
    if (estimate.costs.length) {
      parts.push(table(estimate.costs));
      const paid = estimate.usd > 0;
      parts.push(make("p", "estimate-sum", paid
        ? `At most ${dollars(estimate.usd_cached)} with the prompt cache, ${dollars(estimate.usd)} without; cap ${dollars(estimate.cap_usd)}, spent so far ${estimate.spent_usd ? dollars(estimate.spent_usd) : "nothing"}.`
        : "Nothing is paid: only models on your own machines are asked."));
      if (paid && estimate.usd_cached > estimate.cap_usd - estimate.spent_usd) {
        parts.push(make("p", "estimate-over", "More than the cap: the run would stop when it is reached, and keep every answer. Raise the cap to get through."));
      }
      for (const cost of estimate.costs) if (cost.note) parts.push(make("p", "small", `${cost.stage}: ${cost.note}.`));
    } else parts.push(make("p", "estimate-sum", "No model is asked and nothing is paid: teacher, judge and domains are rules."));
    body.replaceChildren(...parts);
  };
}

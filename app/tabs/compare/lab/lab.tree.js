// The branches of a lab as a tree, and how one is called. Text from models and visitors goes into text nodes only.
function turnWords(node) {
  if (node.parent === null) return "the trace itself";
  return { close: "close now", ignore: "nothing", say: node.word }[node.kind];
}

function turnBadge(node) { // as provenance looks everywhere: a Wait is a pill, a close a rule; the rest plain words
  const badge = make("span", { say: "wait", close: "lab-closed", ignore: "lab-nothing" }[node.kind] ?? "lab-root", turnWords(node));
  if (node.parent !== null) badge.title = `Keeps ${node.at} thinking tokens, then this`;
  return badge;
}

const verdictMark = (answer) => ({ right: " ✓", wrong: " ✗" }[answer.verdict] ?? "");
const shortAnswer = (node) => {
  if (node.state === "running") return "…";
  const text = node.answer.text || "no answer";
  return (text.length > 18 ? `${text.slice(0, 18)}…` : text) + verdictMark(node.answer);
};

function labTree(box, { onChoose }) {
  function entry(node, selected) {
    const button = make("button", "lab-node");
    button.type = "button";
    button.dataset.key = `node ${node.node}`;
    button.dataset.verdict = node.answer.verdict;
    button.setAttribute("aria-pressed", String(node.node === selected));
    const name = button.appendChild(make("span", "lab-node-name"));
    name.appendChild(turnBadge(node));
    if (node.parent !== null) name.append(` after ${node.at.toLocaleString("en")}`);
    button.appendChild(make("b", "lab-node-answer", shortAnswer(node)));
    const cost = node.parent === null ? `${node.spent.toLocaleString("en")} thinking tokens` : `${node.new.toLocaleString("en")} new thinking tokens`;
    button.appendChild(make("span", "lab-node-cost", cost));
    button.addEventListener("click", () => onChoose(node.node));
    return button;
  }

  function list(nodes, parent, selected) {
    const children = nodes.filter((node) => node.parent === parent);
    if (!children.length) return null;
    const ul = make("ul");
    for (const node of children) {
      const item = ul.appendChild(make("li"));
      item.appendChild(entry(node, selected));
      const below = list(nodes, node.node, selected);
      if (below) item.appendChild(below);
    }
    return ul;
  }

  return function draw(nodes, selected) {
    keepingFocus(box, () => box.replaceChildren(list(nodes, null, selected) ?? make("ul")));
  };
}

// What a run has saved: steps to go on from, and the finished model to try.
function savedView(section, { onTry }) {
  const list = section.querySelector(".saved"), says = section.querySelector(".checkpoints-says");

  function act(name, words, key, onClick) {
    const button = make("button", "saved-act", words);
    button.type = "button";
    button.dataset.key = key;
    button.setAttribute("aria-label", `${words}: ${name}`);
    button.addEventListener("click", onClick);
    return button;
  }

  function row(view, one) {
    const item = make("li");
    item.appendChild(make("b", "", one.final ? `${view.id}, the finished model` : one.name));
    const text = one.final ? `after ${whole(one.step)} steps` : "to go on from";
    item.appendChild(make("span", "small", text));
    if (one.final) item.appendChild(act(view.id, "Try it", "try", () => onTry(view.id)));
    return item;
  }

  return (view) => {
    section.hidden = !view.saved.length;
    const done = view.saved.some((one) => one.final);
    says.textContent = done ? "" : "the model is written after the last step";
    keepingFocus(list, () => list.replaceChildren(...view.saved.map((one) => row(view, one)).reverse()));
  };
}

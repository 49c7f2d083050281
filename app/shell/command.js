// The line that would run, as text alone; Copy puts it on the clipboard, or marks it where there is none.
const line = element.querySelector(".command-line"), copy = element.querySelector(".command-copy"), note = element.querySelector(".command-note");

function show() {
  const update = props.value;
  if (!update) return;
  const broken = update.kind === "error";
  if (!broken) line.textContent = update.line;
  element.querySelector(".command").dataset.broken = String(broken);
  note.textContent = broken ? update.text : "";
  copy.disabled = broken;
  copy.textContent = "Copy";
}

copy.addEventListener("click", async () => {
  const copied = await navigator.clipboard?.writeText(line.textContent).then(() => true, () => false);
  if (!copied) getSelection().selectAllChildren(line);
  copy.textContent = copied ? "Copied" : "Marked";
});
watch("value", show);
show();

// One line of plain text, and details that unfold; textContent, so that it stays text whatever it says.
const line = element.querySelector(".note"), details = element.querySelector(".note-details");
function show() {
  const [first, ...rest] = (props.value || "").split("\n");
  line.textContent = first;
  line.hidden = first === "";
  if (!details) return;
  details.hidden = !rest.length;
  details.querySelector("p").textContent = rest.join(" ");
}
watch("value", show);
show();

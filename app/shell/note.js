// One line of plain text; textContent, so that it stays text whatever it says.
const line = element.querySelector(".note");
function show() {
  const text = props.value || "";
  line.textContent = text;
  line.hidden = text === "";
}
watch("value", show);
show();

// Small things that the parts of the Curves board share.
function make(tag, className = "", text = null) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== null) node.textContent = text;
  return node;
}

function headings(names) {
  const head = make("thead"), row = head.appendChild(make("tr"));
  names.forEach((name, place) => { row.appendChild(make("th", place ? "number" : "", name)).scope = "col"; });
  return head;
}

function keepingFocus(box, draw) { // what has the focus keeps it, although it is made anew
  const key = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  draw();
  if (key) [...box.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key)?.focus({ preventScroll: true });
}

const accuracy = (point) => point.accuracy.toFixed(1) + (point.low === null ? "" : ` [${point.low.toFixed(1)}, ${point.high.toFixed(1)}]`);
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
const raised = (digits) => [...digits].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("");
const small = (p) => (p >= 0.001 ? p.toFixed(3) : p.toExponential(1).replace(/e(.*)/, (_, power) => ` × 10${raised(power)}`));
const pointKey = (series, index) => `${series.id}.${index}`;
const pointName = (point) => `${point.label ?? "not labelled"}: ${point.accuracy.toFixed(1)} % at ${Math.round(point.tokens).toLocaleString("en")} tokens`;

async function reply(request) { // every answer is an object; when something is wrong it has an `error`, one sentence
  try {
    const response = await request;
    const content = await response.json();
    return response.ok || content.error ? content : { error: "The server did not understand that; reload the page and try again." };
  } catch {
    return { error: "The server did not answer; check that it still runs, and try again." };
  }
}

const address = (path) => new URL(`curves/${path}`, document.baseURI);
function ask(path, query = {}) {
  const url = address(path);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return reply(fetch(url));
}
const send = (path, form) => reply(fetch(address(path), { method: "POST", body: form, headers: { "x-requested-with": "s1-playground" } }));

function save(url, name) {
  const link = make("a");
  link.href = url;
  link.download = name;
  link.click();
}

function pointsCsv(series) {
  const columns = ["benchmark", "model", "method", "origin", "setting", "average_tokens", "counts", "accuracy_percent", "low_95", "high_95", "n", "source"];
  const rows = series.flatMap((one) => one.points.map((point) => [
    one.benchmark, one.model, one.method, one.origin, point.label ?? "", point.tokens, one.counts, point.accuracy, point.low ?? "", point.high ?? "", point.n ?? "", one.source,
  ]));
  return [columns, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function csvCell(value) {
  // A spreadsheet would run a text that begins like a formula; names come from imported files too.
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Small things that the parts of the Curves board share.
const accuracy = (point) => point.accuracy.toFixed(1) + (point.low === null ? "" : ` [${point.low.toFixed(1)}, ${point.high.toFixed(1)}]`);
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
const raised = (digits) => [...digits].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("");
const small = (p) => (p >= 0.001 ? p.toFixed(3) : p.toExponential(1).replace(/e(.*)/, (_, power) => ` × 10${raised(power)}`));
const pointKey = (series, index) => `${series.id}.${index}`;
const tokensOf = (point, digits) => (point.tokens === null ? "unknown" : point.tokens.toLocaleString("en", digits));
// The name of a setting as the page says it; the name itself is what links and files hold.
const settingName = (label) => (label === null || label === undefined ? "not labelled" : label === "natural" ? "no limit, no Wait" : label);
const pointName = (point) => `${settingName(point.label)}: ${point.accuracy.toFixed(1)} % at ${tokensOf(point, { maximumFractionDigits: 0 })} tokens`;

const ask = asker("curves/");
const send = (path, form) => reply(fetch(address(`curves/${path}`), { method: "POST", body: form, headers: { "x-requested-with": "s1-playground" } }));

function pointsCsv(series) {
  const columns = ["benchmark", "model", "method", "origin", "setting", "average_tokens", "counts", "accuracy_percent", "low_95", "high_95", "n", "source"];
  const rows = series.flatMap((one) => one.points.map((point) => [
    one.benchmark, one.model, one.method, one.origin, point.label ?? "", point.tokens ?? "unknown", one.counts, point.accuracy, point.low ?? "", point.high ?? "", point.n ?? "", one.source,
  ]));
  return [columns, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function csvCell(value) {
  // A spreadsheet would run a text that begins like a formula; names come from imported files too.
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

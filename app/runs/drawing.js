// A small drawing beside a terse trace: what its steps stand for. It is our reading of the text, and says so; where a
// text has no such steps there is none. Pure: `readTrace` knows no page.
const PUZZLES = [
  { kind: "letters", asks: /^How many ([a-z]) in ([a-z]+)\?$/i, step: /([a-z])(\d+)(?![\d:])/gi,
    read: ([, wanted, word], steps) => [...word].map((letter, i) => tile(letter, steps[i]?.[2], { wrong: steps[i] && steps[i][1] !== letter, hit: letter === wanted })) },
  { kind: "digits", asks: /^Add the digits of (\d+)\.$/, step: /(\d):(\d+)/g,
    read: ([, number], steps) => [...number].map((digit, i) => tile(digit, steps[i]?.[2], { wrong: steps[i] && steps[i][1] !== digit })) },
  { kind: "powers", asks: /^What is (\d+)\^(\d+) mod (\d+)\?$/, step: /(\d+):(\d+)/g,
    read: ([, base, most], steps) => Array.from({ length: Math.min(Number(most), 24) }, (_, i) => tile(`${base}${raise(i + 1)}`, steps[i]?.[2], {})) },
  { kind: "hops", asks: /^Map (.+?)\. From ([a-z]), (\d+) hops\.$/, step: /(\d+)([a-z])/g,
    read: ([, , from, most], steps) => [tile("start", from, {}), ...Array.from({ length: Math.min(Number(most), 24) }, (_, i) => tile(String(i + 1), steps[i]?.[2], {}))] },
  { kind: "clock", asks: /^It is (\d+) o'clock\. Add ([\d, ]+) hours\.$/, step: /(\d+):(\d+)/g,
    read: ([, from, hours], steps) => [tile("start", from, {}), ...hours.split(",").map((hour, i) => tile(`+${hour.trim()}`, steps[i]?.[2], {}))] },
  { kind: "cups", asks: /^Ball under cup (\d)\. Swap ([\d, -]+)\.$/, step: /(\d)-(\d):(\d)/g,
    read: ([, from, swaps], steps) => [tile("start", from, {}), ...swaps.split(",").map((swap, i) => tile(swap.trim().replace("-", "⇄"), steps[i]?.[3], {}))] },
];
const tile = (name, value, { wrong = false, hit = false }) => ({ name, value: value ?? "", wrong: Boolean(wrong), hit });
const raise = (number) => [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");

// Of the last attempt: each is a line of its own. With `early` its places are there before its first step.
function readTrace(question, text, early = false) {
  const lines = text.split(/[\ue002\ue003]/u)[0].replace(/[\ue001\ue006][^\ue00f]*\ue00f[^\ue000-\ue006]*/gu, "\n").split("\n");
  for (const { kind, asks, step, read } of PUZZLES) {
    const asked = asks.exec(question.trim());
    if (!asked) continue;
    const steps = lines.map((line) => [...line.matchAll(step)]).findLast((found) => found.length);
    return steps || early ? { kind, tiles: read(asked, steps ?? []) } : null;
  }
  return null;
}

function traceDrawing(figure, { early = false } = {}) {
  const box = figure.querySelector("div");
  let drawn = "";

  function clock(hour) { // the hand, where numbers alone say little
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 40 40");
    const angle = (Number(hour) / 12) * 2 * Math.PI;
    for (const [tag, values] of [["circle", { cx: 20, cy: 20, r: 18 }], ["path", { d: `M20 20L${20 + 12 * Math.sin(angle)} ${20 - 12 * Math.cos(angle)}` }]]) {
      const shape = svg.appendChild(document.createElementNS(svg.namespaceURI, tag));
      for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
    }
    return svg;
  }

  function cups(tiles) { // which cup the ball is under now
    const now = tiles.findLast((one) => one.value)?.value, most = Math.max(...tiles.map((one) => Number(one.value) || 0), ...tiles.flatMap((one) => one.name.split("⇄").map((cup) => Number(cup) || 0)));
    const row = make("span", "drawing-cups");
    for (let cup = 1; cup <= most; cup++) {
      const node = row.appendChild(make("i", "", String(cup)));
      node.dataset.ball = String(String(cup) === now);
    }
    return row;
  }

  function draw({ kind, tiles }) {
    const at = tiles.findLastIndex((one) => one.value);
    const row = make("span", "drawing-tiles");
    tiles.forEach((one, i) => {
      const node = row.appendChild(make("span", "drawing-tile"));
      Object.assign(node.dataset, { lit: String(Boolean(one.value)), now: String(i === at), hit: String(one.hit), wrong: String(one.wrong) });
      node.append(make("b", "", one.name), make("span", "", one.value));
    });
    const extra = kind === "clock" && at >= 0 ? [clock(tiles[at].value)] : kind === "cups" ? [cups(tiles)] : [];
    box.replaceChildren(...extra, row);
  }

  return (question, text) => {
    const found = readTrace(question, text, early), now = JSON.stringify(found);
    if (now === drawn) return;
    drawn = now;
    figure.hidden = !found;
    if (found) draw(found); else box.replaceChildren();
  };
}

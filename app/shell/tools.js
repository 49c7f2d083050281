// Small things that several tabs' scripts share.
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

async function reply(request) { // every answer is an object; when something is wrong it has an `error`, one sentence
  try {
    const response = await request;
    const content = await response.json();
    return response.ok || content.error ? content : { error: "The server did not understand that; reload the page and try again." };
  } catch {
    return { error: "The server did not answer; check that it still runs, and try again." };
  }
}

const address = (path) => new URL(path, document.baseURI);
function asker(prefix) { // asks for what lies under a path of this server
  return (path, query = {}) => {
    const url = address(prefix + path);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return reply(fetch(url));
  };
}

function save(url, name) {
  const link = make("a");
  link.href = url;
  link.download = name;
  link.click();
}

function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  save(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function saveKept(what, key, type, name) { // what the server makes of runs that it keeps; returns what was wrong
  try {
    const response = await fetch(address(`compare/${what}?race=${encodeURIComponent(key)}`));
    const text = await response.text();
    if (response.headers.get("content-type").startsWith("application/json")) return JSON.parse(text).error;
    saveBlob(new Blob([text], { type }), name);
    return "";
  } catch {
    return "The server did not answer; check that it still runs, and try again.";
  }
}

const slugOf = (question) => (question.toLowerCase().match(/[a-z0-9]+/g) ?? ["run"]).slice(0, 6).join("-");
const saveRecording = (key, question) => saveKept("recording", key, "application/x-ndjson", `${slugOf(question)}.jsonl`);

function drawingLibrary(source) { // loaded when the first chart is drawn, once for all tabs
  const loads = (globalThis.s1DrawingLibrary ||= new Map());
  if (!loads.has(source)) {
    loads.set(source, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address(`curves/${source}`);
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { loads.delete(source); reject(new Error("the drawing library did not load")); };
      document.head.appendChild(script);
    }));
  }
  return loads.get(source);
}

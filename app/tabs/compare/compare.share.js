// What becomes of a race: a link, a file that is played again, a page of its own, a picture, a table.
const cell = (text) => String(text).replace(/[\\|`*_<>[\]#]/g, "\\$&").replace(/\s+/g, " ").trim();

function raceMarkdown(tape) {
  const titles = laneTitles(tape.lanes.map((lane) => lane.setting));
  const rows = tape.lanes.map((lane, i) => {
    const view = laneReader(lane).at(Infinity), { meter, answer } = view;
    const limit = meter.limit === null ? "" : ` / ${meter.limit}`;
    const verdict = answer.verdict === "right" ? "✓ right" : answer.verdict === "wrong" ? `✗ wrong` : "–";
    return [i + 1, titles[i], settingWords(lane.setting), `${meter.spent}${limit}`, meter.waits || "–", answer.text || "–", verdict, `${lane.frames.at(-1)[0].toFixed(2)} s`];
  });
  const head = ["lane", "what differs", "setting", "thinking tokens", "Waits", "answer", "verdict", "time"];
  const expected = tape.expected ? `Expected answer: ${cell(tape.expected)}\n` : "";
  return [
    `**${cell(tape.question)}**`, "", expected,
    `| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`), "",
    cell(tape.verdict), "", cell(tape.saved), "", "Measured with s1 playground, one run a lane: an example, not a measurement of accuracy.", "",
  ].filter((line, i, all) => line !== "" || all[i - 1] !== "").join("\n");
}

async function racePicture(race) { // the race as it stands on the page, drawn by the browser itself
  const copy = race.cloneNode(true);
  for (const node of copy.querySelectorAll(".lane-fields, .lane-act, .player, .talk-keys, .talk-leave, .talk-code, .said, .beat, details, template, .race-error, [hidden]")) node.remove();
  const originals = race.querySelectorAll(".trace-text");
  copy.querySelectorAll(".trace-text").forEach((node, i) => { // a picture has no scroll position
    const shift = document.createElement("div");
    shift.style.cssText = `margin-top:-${originals[i].scrollTop}px`;
    shift.append(...node.childNodes);
    node.append(shift);
    node.style.overflow = "hidden";
  });
  copy.dataset.talk = "false";
  const css = [...document.styleSheets].flatMap((sheet) => { try { return [...sheet.cssRules]; } catch { return []; } })
    .map((rule) => rule.cssText).filter((text) => /lane|race|trace|answer|meter|numbers|wait|close|verdict|:root|\.dark|^\*/.test(text) && !text.startsWith("@font-face")).join("\n");
  const width = Math.max(960, race.clientWidth);
  const page = document.createElement("div");
  page.className = document.body.classList.contains("dark") ? "dark" : "";
  page.style.cssText = `width:${width}px;padding:24px;background:var(--paper);color:var(--ink);font-family:var(--sans);font-size:16px;line-height:1.5;box-sizing:content-box`;
  const style = document.createElement("style");
  style.textContent = `*{box-sizing:border-box;margin:0}.trace-block{content-visibility:visible!important}\n${css}`;
  page.append(style, copy);
  const place = race.parentNode.appendChild(make("div"));
  place.style.cssText = "position:absolute;left:-99999px;top:0";
  place.append(page);
  const [w, h] = [width + 48, page.offsetHeight];
  place.remove();
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><foreignObject width="100%" height="100%">${new XMLSerializer().serializeToString(page)}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w * 2, h * 2];
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  pen.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
}

function compareShare(box, race, { tell, tape, key, link, onTape }) {
  const LARGEST_MB = 32;
  const slug = () => slugOf(tape().question);
  const buttons = [];

  function button(words, act, { always = false } = {}) {
    const node = box.appendChild(make("button", "share", words));
    node.type = "button";
    node.addEventListener("click", async () => {
      try { await act(); } catch { tell("This browser cannot do that. Try another way of sharing."); }
    });
    if (!always) buttons.push(node);
  }

  async function toClipboard(text, said) {
    try { await navigator.clipboard.writeText(text); tell(said); } catch { tell(`Copy this: ${text}`); }
  }

  const list = box.appendChild(make("select"));
  list.setAttribute("aria-label", "Recordings");
  list.appendChild(make("option", "", "Play a recording…")).value = "";
  list.addEventListener("change", async () => {
    const name = list.value;
    if (name) await bundled(name);
    list.value = "";
  });
  reply(fetch(address("compare/bundled"))).then(({ recordings = {} }) => {
    for (const [name, title] of Object.entries(recordings)) list.appendChild(make("option", "", title)).value = name;
  });

  const file = make("input");
  Object.assign(file, { type: "file", accept: ".jsonl", hidden: true, multiple: true });
  file.setAttribute("aria-label", "Recording to open");
  file.addEventListener("change", async () => {
    const chosen = [...file.files];
    logged.forget();
    if (chosen.length) await take(chosen.length === 1 ? chosen[0] : new Blob(chosen.flatMap((each) => [each, "\n"])));
    file.value = "";
  });
  box.appendChild(file);

  const logged = loggedQuestions(box, (content) => take(content));

  async function take(content) {
    if (content.size > LARGEST_MB * 2 ** 20) return tell(`Recordings may have ${LARGEST_MB} MB; choose fewer or smaller ones.`);
    const tape = await reply(fetch(address(`compare/open${logged.query()}`), { method: "POST", body: content, headers: { "x-requested-with": "s1-playground" } }));
    if (tape.logged) logged.show(tape.logged, content);
    play(tape);
  }

  function play(tape, name = "") {
    if (tape.error) return tell(tape.error);
    tell("");
    onTape(tape, name);
  }

  button("Open recording", () => file.click(), { always: true });
  button("Copy link", () => toClipboard(link(), "The link is copied. It restores question, settings and view."), { always: true });
  button("Save recording", async () => tell(await saveRecording(key(), tape().question)));
  button("Save page", async () => tell(await saveKept("export", key(), "text/html", `${slug()}.html`)));
  button("Save picture", async () => saveBlob(await racePicture(race), `${slug()}.png`));
  button("Save Markdown", () => saveBlob(new Blob([raceMarkdown(tape())], { type: "text/markdown" }), `${slug()}.md`));
  async function bundled(name) { logged.forget(); play(await reply(fetch(address(`compare/bundled?name=${encodeURIComponent(name)}`))), name); }
  return { play: bundled, enable(on) { for (const node of buttons) node.disabled = !on; } };
}

// Which question of lm-eval's log is played, and how fast: the log itself has no times.
function loggedQuestions(box, again) {
  let content = null;
  const question = box.appendChild(make("select", "logged-question"));
  const pace = box.appendChild(make("input", "logged-pace"));
  question.setAttribute("aria-label", "Item of the log");
  pace.setAttribute("aria-label", "Tokens per second");
  Object.assign(pace, { type: "number", min: 1, max: 2000, step: 1, value: 60, title: "Tokens per second, estimated by words" });
  for (const node of [question, pace]) {
    node.hidden = true;
    node.addEventListener("change", () => { if (content) again(content); });
  }
  return {
    query: () => (content ? `?question=${question.selectedIndex}&tokens_s=${Number(pace.value) || 60}` : ""),
    forget() { content = null; question.hidden = pace.hidden = true; },
    show({ questions, chosen }, from) {
      content = from;
      question.replaceChildren(...questions.map((text, i) => Object.assign(make("option", "", `${i + 1}. ${text}`), { selected: i === chosen })));
      question.hidden = pace.hidden = false;
    },
  };
}

// Files dropped on the page, or chosen, become series. Sizes are looked at before anything is sent.
function fileImport(root, { largestMb, onSeries, say }) {
  const MOST_FILES = 64, ENDINGS = [".json", ".jsonl", ".eval"];
  const input = root.querySelector(".file-input");
  root.querySelector('[data-tool="import"]').addEventListener("click", () => input.click());
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });

  async function entries(entry) { // a dropped folder is walked
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!batch.length) break;
      found.push(...batch);
    }
    return (await Promise.all(found.map(entries))).flat();
  }

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let depth = 0;
  const hover = (by) => { depth = Math.max(0, depth + by); root.dataset.dropping = String(depth > 0); };
  root.addEventListener("dragenter", (event) => { if (hasFiles(event)) { event.preventDefault(); hover(1); } });
  root.addEventListener("dragleave", (event) => { if (hasFiles(event)) hover(-1); });
  root.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  root.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    hover(0);
    // Entries are gone after the first await.
    const roots = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = [...event.dataTransfer.files];
    take(roots.length ? (await Promise.all(roots.map(entries))).flat() : loose);
  });

  async function take(files) {
    if (!files.length) return;
    const notes = [], form = new FormData();
    const readable = files.filter((file) => ENDINGS.some((ending) => file.name.endsWith(ending)));
    const others = files.filter((file) => !readable.includes(file));
    if (others.length) notes.push(`${names(others)} left out: only .json, .jsonl and .eval are read here.`);
    for (const file of readable) {
      if (!file.size) notes.push(`${file.name} is empty (zero bytes) and was left out.`);
      else if (file.size > largestMb * 2 ** 20) {
        const mb = Math.round(file.size / 2 ** 20).toLocaleString("en");
        notes.push(`${file.name} holds ${mb} MB, more than the ${largestMb} MB that are taken here; import it with python -m evals.import_lm_eval.`);
      } else form.append("file", file, file.name);
    }
    const sent = form.getAll("file");
    if (sent.length > MOST_FILES) { say([`${sent.length} files are more than the ${MOST_FILES} that are taken at once; add fewer.`]); return; }
    if (!sent.length) { say(notes); return; }
    await ship(form, sent, notes, "", []);
  }

  async function ship(form, sent, notes, choice, replaced) { // `replaced`: what the same files were read as before
    say([...notes, `Adding ${names(sent)}…`]);
    const answer = await send(`import${choice}`, form);
    if (answer.error) { say([...notes, answer.error]); return; }
    const many = answer.series.length === 1 ? "1 series" : `${answer.series.length} series`;
    const asked = answer.questions.map((question) => ({ sentence: question.sentence, answers: answers(question) }));
    const again = (chosen) => ship(form, sent, notes, chosen, answer.series);
    say([...notes, ...answer.notes, answer.series.length ? `Added ${many} from ${names(sent)}; they stay until you leave the page.` : "Nothing could be added."], asked, again);
    onSeries(answer.series, replaced);
  }

  function answers({ verdicts, regrade }) { // the first verdict is the one that counts already
    const chosen = verdicts.slice(1).map((name) => ({ text: `Use ${name}`, choice: `?verdict=${encodeURIComponent(name)}` }));
    return regrade ? [...chosen, { text: "Grade again here", choice: "?regrade=true" }] : chosen;
  }

  function names(files) {
    const all = files.map((file) => file.name);
    return all.length <= 2 ? all.join(" and ") : `${all.length} files`;
  }
}

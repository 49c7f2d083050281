// What all lanes begin with is drawn once, above them: the trunk that they grow from.
function sharedLength(texts) { // in characters; what is forced is whole or left out
  if (texts.length < 2) return 0;
  const first = texts[0], length = commonLength(texts);
  const mark = lastForced(first, length);
  if (mark < 0) return tidy(first, length, texts);
  const [piece] = first.slice(mark).match(AT_ONCE);
  const whole = mark + piece.length <= length && texts.every((text) => text.slice(mark).match(AT_ONCE)[0] === piece);
  return whole ? tidy(first, length, texts) : mark;
}

function commonLength([first, ...others]) {
  let length = first.length;
  for (const other of others) {
    length = Math.min(length, other.length);
    if (other.startsWith(first.slice(0, length))) continue;
    const most = length;
    for (length = 0; length < most && first[length] === other[length];) length++;
  }
  return length;
}

function lastForced(text, before) {
  for (let at = before - 1; at >= 0; at--) if (text[at] >= "\ue001" && text[at] <= "\ue006" && text[at] !== "\ue004") return at;
  return -1;
}

function tidy(text, length, texts) { // lanes part between words
  if (texts.every((other) => other.length === length || /[\s\ue000-\ue006]/u.test(other[length]))) return length;
  const at = Math.max(text.lastIndexOf(" ", length - 1), text.lastIndexOf("\n", length - 1)) + 1;
  return Math.max(at, lastForced(text, length) < 0 ? 0 : text.slice(0, length).search(/[\ue000-\ue006][^\ue000-\ue006]*$/u));
}

function raceTrunk(race) {
  const MANY_CHARACTERS = 110;
  const section = race.querySelector(".trunk"), box = section.querySelector(".trace-text");
  const write = traceWriter(box);
  return {
    // Its place is kept from the beginning, where lanes of one model and one method may share a start.
    plan(settings) {
      const kinds = new Set(settings.map(({ model, method }) => `${method === "none" ? "forcing" : method} ${model}`));
      section.hidden = settings.length < 2 || kinds.size > 1 || !settings.every(({ method }) => ["forcing", "none"].includes(method));
    },
    get planned() { return !section.hidden; },
    // Of a race that is over it is known how much they share.
    room(characters) { section.dataset.long = String(characters > MANY_CHARACTERS); },
    draw(text) { if (write(text)) box.scrollTop = box.scrollHeight; },
  };
}

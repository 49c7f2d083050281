// A tape says what each lane shows at each moment: its texts, and frames [seconds, which text, characters of it, what else
// has changed; of the meter only the numbers that have]. One that is recorded comes from the server (tape.py); one of a live race grows here.
//
// It has two clocks. The true one is the server's. On the clock of reading every lane writes 30 tokens a second, and is
// silent for a beat wherever the model tried to stop and was made to go on.
const READING_TOKENS_S = 30, BEAT_S = 1.2, CLOSE_S = 0.5;
// What appears at once, after a silence: a forced Wait with its text, and a close with its text. All else is written.
const AT_ONCE = /([\ue001-\ue003\ue006][^\ue00f]*\ue00f[^\ue000-\ue006]*)|(\ue005[^\ue00f]*\ue00f|[\ue000\ue004])/u;
const silence = (piece) => ({ "\ue001": BEAT_S, "\ue002": CLOSE_S, "\ue003": CLOSE_S })[piece[0]] ?? 0;

function newTape(view) {
  return {
    question: view.question, expected: view.expected, verdict: "", saved: "", live: true, end: 0,
    lanes: view.lanes.map((lane) => ({ setting: lane.setting, texts: [""], frames: [], last: {} })),
  };
}

function growTape(tape, view) {
  view.lanes.forEach(({ setting, clock, text, ...shown }, i) => {
    const lane = tape.lanes[i];
    const now = lane.texts.length - 1;
    if (text.startsWith(lane.texts[now])) lane.texts[now] = text; else lane.texts.push(text);
    const changed = {};
    for (const [name, value] of Object.entries(shown)) {
      const words = JSON.stringify(value); // the page's values are changed in place as updates come
      if (lane.last[name] === words) continue;
      lane.last[name] = words;
      changed[name] = JSON.parse(words);
    }
    lane.frames.push([clock, lane.texts.length - 1, text.length, changed]);
    tape.end = Math.max(tape.end, clock);
  });
  Object.assign(tape, { saved: view.saved ?? "", verdict: view.verdict ?? "" });
}

// What of a text that is added in one frame is there after so many seconds, and whether they are a beat of silence.
function written(added, seconds, perCharacter) {
  let shown = 0, left = seconds;
  for (const piece of added.split(AT_ONCE)) {
    if (!piece) continue;
    if (piece[0] >= "\ue000" && piece[0] <= "\ue006") {
      left -= silence(piece);
      if (left < 0) return { shown, beat: piece[0] === "\ue001" ? 1 + left / BEAT_S : null };
      shown += piece.length;
      continue;
    }
    const room = Math.floor(left / perCharacter + 1e-6);
    if (room < piece.length) return { shown: shown + wholeCharacters(piece, room), beat: null };
    shown += piece.length;
    left -= piece.length * perCharacter;
  }
  return { shown, beat: null };
}

function wholeCharacters(text, count) { // no half of one beyond the basic plane
  const last = count > 0 ? text.charCodeAt(count - 1) : 0;
  return last >= 0xd800 && last < 0xdc00 ? count - 1 : count;
}

function pauses(added) {
  let plain = 0, silent = 0;
  for (const piece of added.split(AT_ONCE)) {
    if (!piece) continue;
    if (piece[0] >= "\ue000" && piece[0] <= "\ue006") silent += silence(piece); else plain += piece.length;
  }
  return { plain, silent };
}

// Reads a lane at any moment, on either clock; going forward is cheap.
function laneReader(lane) {
  const nothing = { state: "empty", note: "", text: "", meter: { spent: 0, written: 0, limit: null, waits: "", rate: "", first: "", reused: "" },
    answer: { text: "", missing: false, verdict: "", expected: "", note: "" }, receipt: [] };
  const read = []; // of each frame, when it is whole on the clock of reading
  let index = -1, shown = nothing, tokens = 0, silent = 0;

  const added = (i) => { // the text that a frame adds to the one before
    const [, which, characters] = lane.frames[i], [, before, from] = lane.frames[i - 1] ?? [0, which, 0];
    return lane.texts[which].slice(which === before ? from : 0, characters);
  };

  function time(i, reading) {
    if (!reading) return lane.frames[i][0];
    while (read.length <= i) {
      const k = read.length, changed = lane.frames[k][3];
      tokens = Math.max(tokens, changed.meter?.written ?? 0);
      silent += pauses(added(k)).silent;
      read.push(tokens / READING_TOKENS_S + silent);
    }
    return read[i];
  }

  function seek(seconds, reading) {
    if (index >= 0 && time(index, reading) > seconds) [index, shown] = [-1, nothing];
    while (index + 1 < lane.frames.length && time(index + 1, reading) <= seconds) {
      const changed = lane.frames[++index][3];
      shown = { ...shown, ...changed, meter: changed.meter ? { ...shown.meter, ...changed.meter } : shown.meter };
    }
  }

  function between(seconds) { // on the clock of reading a frame is written bit by bit
    const next = index + 1;
    if (next >= lane.frames.length) return null;
    const from = index < 0 ? 0 : read[index], text = added(next);
    if (!text || (index >= 0 && lane.frames[next][1] !== lane.frames[index][1])) return null;
    const { plain, silent: still } = pauses(text);
    const { shown: characters, beat } = written(text, seconds - from, plain ? Math.max(1e-9, (read[next] - from - still) / plain) : 1e-9);
    const spent = lane.frames[next][3].meter?.spent, share = text.length ? characters / text.length : 0;
    return { characters, beat, spent: spent > shown.meter.spent ? Math.floor(shown.meter.spent + share * (spent - shown.meter.spent)) : null };
  }

  function at(seconds, reading = false) {
    seek(seconds, reading);
    const [clock, which, characters] = lane.frames[index] ?? [0, 0, 0];
    const part = reading ? between(seconds) : null;
    const count = characters + (part?.characters ?? 0), last = lane.frames.length ? lane.frames.at(-1)[0] : 0;
    const meter = part?.spent != null ? { ...shown.meter, spent: part.spent } : shown.meter;
    const state = shown.state === "empty" && count ? "running" : shown.state;
    return { ...shown, state, meter, key: `${index} ${count} ${part?.beat != null}`, beat: part?.beat ?? null,
      text: lane.texts[which].slice(0, count), clock: reading ? clock : Math.min(seconds, last) };
  }

  const last = () => lane.frames.length - 1;
  return {
    at,
    end: (reading) => (last() < 0 ? 0 : time(last(), reading)),
    next(seconds, reading) { for (let i = 0; i <= last(); i++) if (time(i, reading) > seconds + 1e-6) return time(i, reading); return Infinity; },
    before(seconds, reading) { for (let i = last(); i >= 0; i--) if (time(i, reading) < seconds - 1e-6) return time(i, reading); return 0; },
    // The same moment on the other clock.
    translated(seconds, reading) {
      let i = -1;
      while (i < last() && time(i + 1, reading) <= seconds) i++;
      return i < 0 ? 0 : time(i, !reading);
    },
    // When a lane has spent so many thinking tokens, on the clock of reading.
    timeOf(spent) {
      for (let i = 0; i <= last(); i++) if ((lane.frames[i][3].meter?.spent ?? -1) >= spent) return time(i, true);
      return last() < 0 ? 0 : time(last(), true);
    },
  };
}

// A tape says what each lane shows at each moment: its texts, and frames [seconds, which text, characters of it, what else
// has changed; of the meter only the numbers that have]. One that is recorded comes from the server (tape.py); one of a live race grows here.
function newTape(view) {
  return {
    question: view.question, expected: view.expected, saved: "", live: true, end: 0,
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
  tape.saved = view.saved;
}

// Reads a lane at any moment; going forward is cheap.
function laneReader(lane) {
  const nothing = { state: "empty", note: "", text: "", meter: { spent: 0, limit: null, waits: "", rate: "", first: "", reused: "" },
    answer: { text: "", missing: false, verdict: "", expected: "", note: "" }, receipt: [] };
  let index = -1, shown = nothing;
  return {
    at(seconds) {
      const frames = lane.frames;
      if (index >= 0 && frames[index][0] > seconds) [index, shown] = [-1, nothing];
      while (index + 1 < frames.length && frames[index + 1][0] <= seconds) {
        const changed = frames[++index][3];
        shown = { ...shown, ...changed, meter: changed.meter ? { ...shown.meter, ...changed.meter } : shown.meter };
      }
      const [, which, characters] = frames[index] ?? [0, 0, 0];
      const last = frames.length ? frames.at(-1)[0] : 0;
      return { ...shown, key: index, text: lane.texts[which].slice(0, characters), clock: Math.min(seconds, last) };
    },
    next(seconds) { return lane.frames.find(([at]) => at > seconds + 1e-6)?.[0] ?? Infinity; },
    before(seconds) { return lane.frames.findLast(([at]) => at < seconds - 1e-6)?.[0] ?? 0; },
    rate() { // tokens per second of the whole lane
      const last = lane.frames.at(-1);
      if (!last) return 0;
      const spent = lane.frames.findLast((frame) => frame[3].meter?.spent !== undefined)?.[3].meter.spent ?? 0;
      return last[0] > 0 ? spent / last[0] : 0;
    },
  };
}

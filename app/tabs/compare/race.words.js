// What a lane's settings are called. The title says what tells a lane from the others; the rest is the same for all.
const METHOD_WORDS = {
  forcing: () => "", none: () => "no limit, no Wait", tokens: (s) => `asked for ${s.budget} tokens`, steps: (s) => `asked for ${s.count} steps`,
  short: () => "asked for short thinking", long: () => "asked for long thinking", rejection: (s) => `rejection, ${s.count} attempts`,
  vote: (s) => `majority of ${s.count}`,
};
const BUDGETED = ["forcing", "vote", "rejection"], WAITING = ["forcing", "vote"];
const shownWord = (word) => (word === "" ? "nothing" : word);

function settingParts(setting) {
  const waits = Number(setting.waits ?? 0);
  return {
    method: (METHOD_WORDS[setting.method] ?? (() => ""))(setting),
    budget: BUDGETED.includes(setting.method) && setting.budget !== undefined ? `budget ${setting.budget}` : "",
    waits: WAITING.includes(setting.method) && setting.waits !== undefined ? (waits ? `${waits} × ${shownWord(setting.word)}` : "no Wait") : "",
    model: setting.model ?? "",
  };
}

function laneTitles(settings) {
  const all = settings.map(settingParts);
  const names = Object.keys(settingParts({}));
  const differs = names.filter((name) => all.some((parts) => parts[name] !== all[0][name]));
  return all.map((parts) => {
    const title = differs.map((name) => parts[name]).filter(Boolean);
    return title.join(", ") || parts.method || parts.budget || parts.waits || parts.model;
  });
}

function settingLine(settings, i) { // all settings of a lane in one line; those that differ stand out
  const all = settings.map(settingParts);
  const parts = Object.entries(all[i]).filter(([, words]) => words);
  return parts.flatMap(([name, words], place) => {
    const differs = all.some((other) => other[name] !== all[0][name]);
    return [...(place ? [" · "] : []), make(differs ? "b" : "span", "", words)];
  });
}

const settingWords = (setting) => Object.values(settingParts(setting)).filter(Boolean).join(", ");

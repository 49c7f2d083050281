// A comparison as the query of an address, and back. A link fills the form; it starts nothing, and what it says is only
// compared with what is here. The server checks it all again.
function compareLink(offers) {
  const METHODS = new Set(offers.methods.map((method) => method.name));
  const whole = (most) => (text) => (/^\d{1,9}$/.test(text) && Number(text) <= most ? Number(text) : undefined);
  const FIELDS = {
    method: (text) => (METHODS.has(text) ? text : undefined), model: (text) => (offers.models.includes(text) ? text : undefined),
    budget: whole(1e9), waits: whole(8), count: whole(32), word: (text) => (text.length <= 200 ? text : undefined),
  };

  function write({ question, expected, lanes }, { talk, speed, recording }) {
    const query = new URLSearchParams({ tab: "compare" });
    if (recording) query.set("recording", recording);
    query.set("q", question);
    if (expected) query.set("expected", expected);
    for (const lane of lanes) {
      const used = Object.entries(lane).filter(([name, value]) => name in FIELDS && value !== null && value !== undefined);
      query.append("lane", new URLSearchParams(used.map(([name, value]) => [name, String(value)])).toString());
    }
    if (talk) query.set("view", "talk");
    if (speed !== "30/s") query.set("speed", speed);
    return query;
  }

  // Returns what the query asks for and the names of its parts that mean nothing here.
  function read(query, speeds) {
    const ignored = new Set(), asked = {};
    const checked = (name, value) => { if (value === undefined) ignored.add(name); return value; };
    if (query.has("q")) asked.question = checked("q", query.get("q").length <= 200_000 ? query.get("q") : undefined);
    if (query.has("expected")) asked.expected = checked("expected", query.get("expected").length <= 200 ? query.get("expected") : undefined);
    if (query.has("view")) asked.talk = checked("view", query.get("view") === "talk" ? true : undefined);
    if (query.has("speed")) asked.speed = checked("speed", speeds.includes(query.get("speed")) ? query.get("speed") : undefined);
    if (query.has("recording")) asked.recording = checked("recording", /^[A-Za-z0-9._-]{1,80}$/.test(query.get("recording")) ? query.get("recording") : undefined);
    const lanes = query.getAll("lane").map((text) => {
      const lane = {};
      for (const [name, value] of new URLSearchParams(text)) {
        const fits = Object.hasOwn(FIELDS, name) ? FIELDS[name](value) : undefined;
        if (checked(`lane: ${name}`.slice(0, 40), fits) !== undefined) lane[name] = fits;
      }
      return lane;
    });
    if (lanes.length) asked.lanes = checked("lane", lanes.length >= 2 && lanes.length <= 4 ? lanes : undefined);
    return { asked, ignored: [...ignored] };
  }
  return { write, read };
}

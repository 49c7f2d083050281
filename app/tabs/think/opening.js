// The pair that plays when the page opens: the same model stops at once, and is made to wait. A recording of a real run.
function openingPair(section, { model, onTry, onOwn }) {
  const find = (selector) => section.querySelector(selector);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const lanes = [...section.querySelectorAll(".opening-lane")].map((node) => {
    const trace = node.querySelector(".trace-text");
    return { node, trace, write: traceWriter(trace), beat: traceBeat(trace), run: runDrawer(node) };
  });
  const drawSteps = traceDrawing(find(".drawing"), { early: true });
  let says = "", question = "";

  const player = racePlayer(section, {
    draw(i, view) {
      const lane = lanes[i];
      lane.beat(null);
      lane.write(view.text);
      lane.beat(view.beat);
      if (i === 1) drawSteps(question, view.text);
      lane.run.answer({ ...view.answer, note: "", caution: "" }, view.state === "empty" ? "running" : view.state);
      lane.trace.scrollTop = lane.trace.scrollHeight;
    },
    follow() {},
    titles() {},
    clear() { for (const lane of lanes) lane.write(""); },
  }, { onFrame: (_, { over }) => { lanes[0].run.say(find(".opening-says"), over ? says : ""); } });

  async function begin() {
    const tape = await asker("compare/")("opening", { model });
    if (tape.error) { section.dataset.missing = "true"; return; } // the page works without it
    [says, question] = [tape.says, tape.question];
    find(".opening-question").textContent = tape.question;
    find(".opening-source").textContent = `Recorded from a real run of ${tape.model}; nothing in it was written by hand.`;
    player.open(tape, { play: false, from: still.matches ? Infinity : 0 });
    if (still.matches) return;
    const seen = new IntersectionObserver(([place]) => { // when it is first seen, and once
      if (!place.isIntersecting) return;
      seen.disconnect();
      player.start();
    });
    seen.observe(section);
  }

  find(".try").addEventListener("click", onTry);
  find(".own").addEventListener("click", onOwn);
  begin();
  return player;
}

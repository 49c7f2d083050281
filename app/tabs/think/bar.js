// On phones: question, Waits and Run, always within reach of a thumb. It holds nothing of its own: it moves the fields of the
// form, and follows them.
function phoneBar(bar) {
  const find = (selector) => bar.querySelector(selector);
  const question = () => document.querySelector("#question textarea"), waits = () => document.querySelector("#waits input[type=range]");

  function put(field, value) {
    if (!field || field.value === value) return;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function follow() {
    if (document.activeElement !== find(".bar-ask")) find(".bar-ask").value = question()?.value ?? "";
    find("output").textContent = `${waits()?.value ?? 0} × Wait`;
  }

  const run = () => { find(".bar-ask").blur(); document.querySelector("#run")?.click(); };
  const step = (by) => { put(waits(), String(Math.max(0, Math.min(8, Number(waits()?.value ?? 0) + by)))); follow(); };
  find(".bar-ask").addEventListener("input", () => put(question(), find(".bar-ask").value));
  find(".bar-ask").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); run(); } });
  find(".bar-less").addEventListener("click", () => step(-1));
  find(".bar-more").addEventListener("click", () => step(1));
  find(".bar-run").addEventListener("click", run);
  document.s1Bar?.abort();
  document.s1Bar = new AbortController();
  const { signal } = document.s1Bar;
  document.addEventListener("input", follow, { signal });
  document.addEventListener("click", () => setTimeout(follow, 50), { signal }); // an example's chip fills the field without a key
  const wait = () => { follow(); if (!question() && !signal.aborted) setTimeout(wait, 200); }; // the form may come after this
  wait();
}

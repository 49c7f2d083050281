// What a form holds is kept in this tab of the browser, so that it outlives the server: when one that was killed is
// back, Gradio loads the page anew. Nothing of it is sent anywhere.
const s1Keep = {
  change(name, values) {
    try { sessionStorage.setItem(name, JSON.stringify({ app: window.gradio_config?.app_id, values })); } catch { /* full, or forbidden */ }
  },

  // The updates of the fields, and last of what is shown beside them: `told` where another server answers than before.
  restored(name, fields, told) {
    const nothing = { __type__: "update" };
    const none = Array(fields + 1).fill(nothing);
    let kept;
    try { kept = JSON.parse(sessionStorage.getItem(name)); } catch { return none; }
    if (!Array.isArray(kept?.values) || kept.values.length !== fields) return none;
    const anew = kept.app !== window.gradio_config?.app_id;
    s1Keep.change(name, kept.values);
    const shown = anew ? { ...nothing, value: { ...told, question: String(kept.values[0] ?? "") } } : nothing;
    return [...kept.values.map((value) => ({ ...nothing, value })), shown];
  },
};

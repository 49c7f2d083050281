// What the boards of the Curate and the Train tab share: sentences, news of the form's buttons, the address.
const whole = (n) => Number(n).toLocaleString("en");

function duration(seconds) {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function sentencesIn(box) {
  return (sentences, kind = "") => {
    box.dataset.kind = kind;
    box.replaceChildren(...sentences.filter(Boolean).map((sentence) => make("p", "", /[.…!?]$/.test(sentence) ? sentence : `${sentence}.`)));
  };
}

function hearing(props, hear) { // what the buttons on the left brought, each once
  let heard = 0;
  return () => {
    const news = props.value;
    if (!news || news.number === heard) return;
    heard = news.number;
    hear(news);
  };
}

function rememberIn(root, tab, name, value) { // a reload, or another browser with this address, shows the same
  if (!root.offsetParent) return;
  const query = new URLSearchParams(location.search);
  query.set("tab", tab);
  query.set(name, value);
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
}

const option = (value, text) => Object.assign(make("option", "", text), { value });

function factsIn(list, facts) {
  list.replaceChildren(...facts.map(([name, value]) => {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    return pair;
  }));
}

// A selection as the query of an address, and back. Whatever a link says is only compared with what is here.
function selectionLink(filters) {
  const POINT = /^([0-9a-f]{8}(?:-\d{1,3})?)\.(\d{1,4})$/;

  function write({ benchmark, shown, points, filter }) {
    const query = new URLSearchParams({ tab: "curves", benchmark });
    for (const dimension of filters) for (const name of shown[dimension] ?? []) query.append(dimension, name);
    for (const [key, at] of Object.entries(points)) if (at && !at.series.own) query.set(key, `${at.series.id}.${at.index}`);
    if (points.point && filter !== "all") query.set("filter", filter);
    return query;
  }

  // Returns what the query asks for and the names of its parts that mean nothing here.
  function read(query, { benchmarks, series, filterNames }) {
    const ignored = new Set(), asked = { names: {}, points: {} };
    const known = (key, value, is) => { if (!is) ignored.add(key); return is ? value : undefined; };
    if (query.has("benchmark")) {
      const name = query.get("benchmark");
      asked.benchmark = known("benchmark", name, benchmarks.some((one) => one.name === name));
    }
    const here = series.filter((one) => !asked.benchmark || one.benchmark === asked.benchmark);
    for (const dimension of filters) {
      const names = query.getAll(dimension).filter((name) => known(dimension, name, here.some((one) => one[dimension] === name)));
      if (names.length) asked.names[dimension] = new Set(names);
    }
    for (const key of ["point", "a", "b"]) {
      if (!query.has(key)) continue;
      const [, id, index] = POINT.exec(query.get(key)) ?? [];
      const one = here.find((candidate) => candidate.id === id);
      asked.points[key] = known(key, { series: one, index: Number(index) }, Boolean(one?.points[Number(index)]));
    }
    if (query.has("filter")) asked.filter = known("filter", query.get("filter"), filterNames.includes(query.get("filter")));
    return { asked, ignored: [...ignored] };
  }
  return { write, read };
}

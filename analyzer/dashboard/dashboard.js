(() => {
  const holder = document.getElementById('series');
  if (!holder) return;
  const SVG = 'http://www.w3.org/2000/svg';
  const H = 240, LEFT = 70, TOP = 12;
  const of = document.getElementById('of'), metric = document.getElementById('metric');
  const reading = document.getElementById('reading'), figure = document.getElementById('history');
  const number = value => typeof value === 'string' ? Number(value) : value;
  const text = value => Number.isFinite(value) ? value.toLocaleString('en', {maximumSignificantDigits: 5}) : String(value);
  const make = (name, attributes, content) => {
    const found = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    if (content !== undefined) found.textContent = content;
    return found;
  };

  const draw = (data, series) => {
    const W = Math.min(1080, Math.max(300, figure.clientWidth || 1080));
    const places = series.i ?? series.v.map((_, at) => at);
    const values = series.v.map(number), limits = series.t?.map(number);
    const finite = [...values, ...(limits ?? []), ...(series.l ?? []), ...(series.h ?? [])]
      .filter(value => value !== null && Number.isFinite(value));
    let low = Infinity, high = -Infinity;
    for (const value of finite) { low = Math.min(low, value); high = Math.max(high, value); }
    if (!finite.length) { low = 0; high = 1; }
    const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    low -= room; high += room;
    const x = at => LEFT + 6 + (W - LEFT - 16) * at / Math.max(1, data.times.length - 1);
    const y = value => H - 4 - (H - TOP - 8) * (Math.min(high, Math.max(low, value)) - low) / (high - low);
    const path = list => 'M' + list.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
    const paired = list => places.map((at, n) => [at, list[n]]).filter(each => each[1] !== null);
    const wrong = n => {
      const limit = limits?.[n];
      if (limit === null || limit === undefined || !series.worse) return false;
      if (series.worse === 'higher') return values[n] > limit;
      return series.worse === 'lower' ? values[n] < limit : Math.abs(values[n]) > Math.abs(limit);
    };
    const bad = values.filter((_, n) => wrong(n)).length;
    const title = `${series.metric} of ${series.of}: ${values.length} executions, ${bad} beyond the threshold`;
    const svg = make('svg', {viewBox: `0 0 ${W} ${H + 26}`, role: 'img', 'aria-label': title, tabindex: 0, class: 'over-time'});
    svg.append(make('path', {class: 'grid', d: `M${LEFT} ${TOP}H${W}M${LEFT} ${(H + TOP) / 2}H${W}`}));
    svg.append(make('path', {class: 'axis', d: `M${LEFT} ${H}H${W}`}));
    for (const [at, value] of [[TOP + 4, high], [(H + TOP) / 2 + 4, (low + high) / 2], [H, low]]) {
      svg.append(make('text', {x: LEFT - 8, y: at, 'text-anchor': 'end'}, text(Number(value.toPrecision(3)))));
    }
    const last = data.times.length - 1;
    const marks = last < 2 ? [0] : [0, Math.round(last / 2), last];
    marks.forEach((at, n) => svg.append(make('text',
      {x: x(at), y: H + 18, 'text-anchor': n === 0 ? 'start' : n === marks.length - 1 ? 'end' : 'middle'}, data.times[at])));
    if (series.l && series.h) {
      const up = paired(series.h), down = paired(series.l).reverse();
      svg.append(make('path', {class: 'band', d: path([...up, ...down]) + 'z'}));
    }
    svg.append(make('path', {class: 'curve', d: path(paired(values))}));
    if (limits && paired(limits).length) svg.append(make('path', {class: 'threshold', d: path(paired(limits))}));
    values.forEach((value, n) => {
      if (wrong(n)) svg.append(make('circle', {class: 'beyond', cx: x(places[n]).toFixed(1), cy: y(value).toFixed(1), r: 3.5}));
      else if (values.length === 1) svg.append(make('circle', {class: 'dot', cx: x(places[n]), cy: y(value), r: 3.5}));
    });
    const cursor = make('path', {class: 'cursor', d: ''});
    svg.append(cursor);
    let current = values.length - 1;
    const show = n => {
      current = Math.min(values.length - 1, Math.max(0, n));
      cursor.setAttribute('d', `M${x(places[current]).toFixed(1)} ${TOP}V${H}`);
      const parts = [`${data.times[places[current]]}: ${text(values[current])}`];
      if (series.l?.[current] != null) parts.push(`interval ${text(series.l[current])} to ${text(series.h[current])}`);
      if (limits && limits[current] !== null) parts.push(`threshold ${text(limits[current])}${wrong(current) ? ', beyond' : ''}`);
      reading.value = parts.join('; ');
    };
    svg.addEventListener('pointermove', event => {
      const box = svg.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width * W - LEFT - 6) / (W - LEFT - 16) * Math.max(1, last);
      let best = 0;
      places.forEach((place, n) => { if (Math.abs(place - at) < Math.abs(places[best] - at)) best = n; });
      show(best);
    });
    svg.addEventListener('keydown', event => {
      const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity}[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(current + step);
    });
    const caption = document.createElement('figcaption');
    caption.textContent = title + (data.left_out ? `; ${data.left_out} earlier executions are in the history alone` : '');
    figure.replaceChildren(svg, caption);
    show(current);
  };

  const begin = async () => {
    const bytes = Uint8Array.from(atob(holder.textContent), each => each.charCodeAt(0));
    const data = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).json();
    if (!data.series.length) return;
    const names = [...new Set(data.series.map(each => each.of))];
    const option = name => { const made = document.createElement('option'); made.value = made.textContent = name; return made; };
    let width = 0;
    addEventListener('resize', () => { if (figure.clientWidth !== width) { width = figure.clientWidth; redraw(); } });
    const redraw = () => draw(data, data.series.find(each => each.of === of.value && each.metric === metric.value));
    const refill = wanted => {
      const some = data.series.filter(each => each.of === of.value).map(each => each.metric);
      metric.replaceChildren(...some.map(option));
      if (some.includes(wanted)) metric.value = wanted;
      redraw();
    };
    of.replaceChildren(...names.map(option));
    of.value = data.series[data.start].of;
    of.addEventListener('change', () => refill(metric.value));
    metric.addEventListener('change', redraw);
    document.getElementById('chooser').hidden = figure.hidden = false;
    document.getElementById('chooser').addEventListener('submit', event => event.preventDefault());
    refill(data.series[data.start].metric);
  };
  begin().catch(() => {
    figure.hidden = false;
    figure.textContent = 'The figures cannot be shown: the browser is too old to unpack them.';
  });
})();

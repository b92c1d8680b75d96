'use strict';
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const key = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.k === undefined ? cell.textContent.trim() : Number(cell.dataset.k);
  };
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b
    : String(a).localeCompare(String(b), 'en', {numeric: true});

  for (const table of all('table.data')) {
    table.classList.add('sortable');
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => head.firstElementChild.addEventListener('click', () => {
      const numeric = table.tBodies[0].rows[0]?.cells[at].dataset.k !== undefined;
      const was = head.getAttribute('aria-sort');
      const up = was ? was === 'descending' : !numeric;
      heads.forEach(each => each.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const rows = [...table.tBodies[0].rows].map((row, i) => [key(row, at), i, row]);
      rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]) || a[1] - b[1]);
      table.tBodies[0].append(...rows.map(each => each[2]));
    }));
  }

  const form = document.querySelector('.filters');
  if (form) {
    form.hidden = false;
    const find = form.querySelector('#find'), shown = form.querySelector('#shown');
    const buttons = all('[data-filter]', form);
    const parts = all('[data-s]');
    const named = new Map(parts.map(part => [part,
      `${part.querySelector('th, .name').textContent} ${part.dataset.n ?? ''}`.toLowerCase()]));
    const apply = () => {
      const off = new Set(buttons.filter(b => b.getAttribute('aria-pressed') === 'false').map(b => b.dataset.filter));
      const words = find.value.trim().toLowerCase();
      for (const part of parts) part.hidden = off.has(part.dataset.s) || !named.get(part).includes(words);
      const items = parts.filter(part => part.matches('details'));
      const counted = items.length ? items : parts;
      shown.value = off.size || words ? `${counted.filter(part => !part.hidden).length} of ${counted.length} shown` : '';
    };
    form.addEventListener('submit', event => event.preventDefault());
    find.addEventListener('input', apply);
    for (const button of buttons) button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') === 'false');
      apply();
    });
  }

  let unpacked;
  const unpack = () => unpacked ??= (async () => {
    const text = document.getElementById('packed').textContent;
    const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).json();
  })();
  const fill = async item => {
    if (item.dataset.packed === undefined) return;
    delete item.dataset.packed;
    const body = item.querySelector('.body');
    try {
      body.innerHTML = (await unpack())[item.id];
    } catch (error) {
      body.textContent = 'This part cannot be shown: the browser is too old to unpack it. profile.json has its figures.';
    }
  };
  const items = all('details.item');
  for (const item of items) item.addEventListener('toggle', () => item.open && fill(item));

  const follow = async () => {
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!found?.matches('details.item')) return;
    found.hidden = false;
    await fill(found);
    found.open = true;
    found.scrollIntoView();
    found.firstElementChild.focus({preventScroll: true});
  };
  addEventListener('hashchange', follow);
  document.addEventListener('click', event => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) follow();
  });
  follow();

  for (const button of all('button.all')) {
    button.hidden = false;
    button.addEventListener('click', () => {
      const open = button.textContent === 'Open all';
      for (const item of all('details.item', button.parentElement)) if (!item.hidden || !open) item.open = open;
      button.textContent = open ? 'Close all' : 'Open all';
    });
  }
})();

'use strict';
// The history of a test: two charts over one window of time. Times are microseconds.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($('data').textContent);

  // ---- Columns: unsigned LEB128 numbers in base64, see column.rs. ----

  function column(text, count, ascending) {
    const bytes = atob(text);
    const numbers = new Float64Array(count);
    let at = 0;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      let number = 0;
      let unit = 1;
      let byte;
      do {
        byte = bytes.charCodeAt(at++);
        number += (byte & 127) * unit;
        unit *= 128;
      } while (byte & 128);
      sum = ascending ? sum + number : number;
      numbers[i] = sum;
    }
    return numbers;
  }

  function table(source, ascending, plain) {
    const columns = { count: source.count };
    for (const name of ascending) columns[name] = column(source[name], source.count, true);
    for (const name of plain) columns[name] = column(source[name], source.count, false);
    return columns;
  }

  const ops = table(data.operations, ['index', 'start'], ['took', 'client', 'process', 'f', 'outcome']);
  const sent = table(data.messages, ['id', 'sent'], ['took', 'src', 'dest', 'kind', 'delivery']);
  const texts = data.operations.text;

  // Items sorted by start. A block knows its latest end, so a window far from the start of a
  // long item finds it without looking at every item before it.
  const BLOCK = 1024;

  class Spans {
    constructor(start, took) {
      this.start = start;
      this.took = took;
      this.latest = new Float64Array(Math.ceil(start.length / BLOCK));
      for (let i = 0; i < start.length; i++) {
        const block = Math.floor(i / BLOCK);
        this.latest[block] = Math.max(this.latest[block], start[i] + took[i]);
      }
    }

    // The number of items that start before a time.
    before(time) {
      let low = 0;
      let high = this.start.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.start[middle] < time) low = middle + 1;
        else high = middle;
      }
      return low;
    }

    each(from, until, visit) {
      const end = this.before(until);
      for (let block = 0; block * BLOCK < end; block++) {
        if (this.latest[block] < from) continue;
        const last = Math.min(end, (block + 1) * BLOCK);
        for (let i = block * BLOCK; i < last; i++) {
          if (this.start[i] + this.took[i] >= from) visit(i);
        }
      }
    }
  }

  // ---- The window. ----

  const first = Math.min(data.origin, sent.count ? sent.sent[0] : data.origin);
  const full = { from: first, until: Math.max(data.end, first + 1000) };
  const MIN_WIDTH = 50;
  const view = { ...full };
  const charts = [];

  const seconds = (time) => ((time - data.origin) / 1e6).toFixed(6);
  const width = () => view.until - view.from;

  function setWindow(from, until) {
    const size = Math.min(Math.max(until - from, MIN_WIDTH), full.until - full.from);
    const middle = (from + until) / 2;
    view.from = Math.min(Math.max(middle - size / 2, full.from), full.until - size);
    view.until = view.from + size;
    const all = full.until - full.from;
    const slack = all - size;
    $('position').value = slack > 0 ? Math.round((10000 * (view.from - full.from)) / slack) : 0;
    $('zoom').value = Math.round((1000 * Math.log(all / size)) / Math.log(all / MIN_WIDTH));
    const text = `${seconds(view.from)} s to ${seconds(view.until)} s`;
    $('window').textContent = text;
    $('position').setAttribute('aria-valuetext', text);
    $('zoom').setAttribute('aria-valuetext', `${(size / 1e6).toPrecision(3)} s wide`);
    redraw();
  }

  const move = (share) => setWindow(view.from + share * width(), view.until + share * width());

  function zoom(factor, at = (view.from + view.until) / 2) {
    setWindow(at - (at - view.from) * factor, at + (view.until - at) * factor);
  }

  let pending = false;
  function redraw() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      charts.forEach((chart) => chart.draw());
    });
  }

  // ---- Colors come from the style sheet, as the theme has them. ----

  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  let colors = {};
  function readColors() {
    colors = {};
    for (const name of ['paper', 'panel', 'rule', 'ink', 'faint', 'link', 'ok', 'fail', 'info', 'open',
      'drop', 's0', 's2', 's7', 'fault0', 'fault1', 'fault2', 'fault3']) {
      probe.style.color = `var(--${name})`;
      colors[name] = getComputedStyle(probe).color;
    }
  }

  const faultKinds = [...new Set(data.faults.map((fault) => fault.kind))];

  // ---- Charts. ----

  // Above the rows: the time axis, and a strip for each kind of fault.
  const STRIP = 14;
  const AXIS = 20 + STRIP * faultKinds.length;
  const ROW = 20;
  const MAX_HEIGHT = 460;
  // How many items are drawn at most; beyond that every nth, and the note says so.
  const MAX_DRAWN = 20000;

  class Chart {
    // A source has: name, spans, rows(), row(item), endRow(item), shows(item), matters(item),
    // color(item), describe(item), thick, count.
    constructor(element, note, source) {
      Object.assign(this, { element, note, source, focus: -1, drawn: [], shapes: [], marked: new Set() });
      this.canvas = document.createElement('canvas');
      this.canvas.setAttribute('aria-hidden', 'true');
      this.inner = document.createElement('div');
      this.inner.append(this.canvas);
      element.append(this.inner);
      element.addEventListener('scroll', redraw);
      element.addEventListener('keydown', (event) => this.key(event));
      element.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
      this.canvas.addEventListener('pointerdown', (event) => this.down(event));
      this.canvas.addEventListener('pointermove', (event) => this.hover(event));
      this.canvas.addEventListener('pointerup', (event) => this.up(event));
      this.canvas.addEventListener('pointercancel', () => { this.drag = null; });
      this.canvas.addEventListener('pointerleave', hideTooltip);
      element.addEventListener('blur', hideTooltip);
      charts.push(this);
    }

    x(time) {
      return this.gutter + ((time - view.from) / width()) * (this.width - this.gutter);
    }

    time(x) {
      return view.from + ((x - this.gutter) / (this.width - this.gutter)) * width();
    }

    y(row) {
      return AXIS + (row + 0.5) * ROW - this.scrolled;
    }

    draw() {
      const { source, canvas, element } = this;
      const rows = source.rows(view);
      const content = AXIS + rows.length * ROW + 6;
      element.style.height = `${Math.min(Math.max(content, 90), MAX_HEIGHT) + 2}px`;
      this.width = element.clientWidth;
      this.height = element.clientHeight;
      this.gutter = this.width < 500 ? 66 : 88;
      this.inner.style.height = `${Math.max(content, this.height)}px`;
      // Read once: each read makes the browser check the layout of the page.
      this.scrolled = element.scrollTop;
      const scale = window.devicePixelRatio || 1;
      if (canvas.width !== Math.round(this.width * scale) || canvas.height !== Math.round(this.height * scale)) {
        canvas.width = Math.round(this.width * scale);
        canvas.height = Math.round(this.height * scale);
        canvas.style.width = `${this.width}px`;
        canvas.style.height = `${this.height}px`;
      }
      const ctx = canvas.getContext('2d');
      ctx.setTransform(scale, 0, 0, scale, 0, 0);
      ctx.fillStyle = colors.paper;
      ctx.fillRect(0, 0, this.width, this.height);
      ctx.font = '12px system-ui, sans-serif';
      this.drawFaults(ctx);
      this.drawAxis(ctx);
      this.drawRows(ctx, rows);
      ctx.save();
      ctx.beginPath();
      ctx.rect(this.gutter, AXIS, this.width - this.gutter, this.height - AXIS);
      ctx.clip();
      this.drawItems(ctx);
      ctx.restore();
    }

    drawFaults(ctx) {
      for (const fault of data.faults) {
        if (fault.end_us < view.from || fault.start_us > view.until) continue;
        const kind = faultKinds.indexOf(fault.kind);
        const left = Math.max(this.x(fault.start_us), this.gutter);
        const right = Math.min(Math.max(this.x(fault.end_us), left + 1), this.width);
        const top = 18 + kind * STRIP;
        ctx.fillStyle = colors[`fault${kind % 4}`];
        ctx.globalAlpha = 0.1;
        ctx.fillRect(left, AXIS, right - left, this.height);
        ctx.globalAlpha = 0.45;
        ctx.fillRect(left, top, right - left, STRIP - 2);
        ctx.globalAlpha = 1;
        if (right - left > ctx.measureText(fault.kind).width + 6) {
          ctx.fillStyle = colors.ink;
          ctx.fillText(fault.kind, left + 3, top + 10);
        }
      }
    }

    drawRows(ctx, rows) {
      const top = Math.max(0, Math.floor(this.scrolled / ROW) - 1);
      const bottom = Math.min(rows.length, top + Math.ceil(this.height / ROW) + 2);
      ctx.textBaseline = 'middle';
      for (let row = top; row < bottom; row++) {
        const y = this.y(row);
        if (y < AXIS) continue;
        ctx.strokeStyle = colors.rule;
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(this.gutter, Math.round(y) + 0.5);
        ctx.lineTo(this.width, Math.round(y) + 0.5);
        ctx.stroke();
        ctx.fillStyle = colors.ink;
        ctx.fillText(fitted(ctx, rows[row], this.gutter - 8), 4, y);
      }
      ctx.textBaseline = 'alphabetic';
    }

    drawAxis(ctx) {
      ctx.fillStyle = colors.paper;
      ctx.fillRect(0, 0, this.width, 18);
      ctx.fillStyle = colors.faint;
      ctx.strokeStyle = colors.rule;
      ctx.textAlign = 'center';
      for (const tick of ticks((this.width - this.gutter) / 110)) {
        const x = Math.round(this.x(tick.at)) + 0.5;
        ctx.beginPath();
        ctx.moveTo(x, 14);
        ctx.lineTo(x, this.height);
        ctx.globalAlpha = 0.6;
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.fillText(tick.text, Math.min(x, this.width - 24), 12);
      }
      ctx.textAlign = 'start';
    }

    drawItems(ctx) {
      const { source } = this;
      let total = 0;
      source.spans.each(view.from, view.until, (i) => { if (source.shows(i)) total++; });
      const step = Math.ceil(total / MAX_DRAWN);
      this.drawn = [];
      this.shapes = [];
      let important = 0;
      const draw = (i) => {
        if (!source.shows(i)) return;
        if (i % step !== 0 && !this.marked.has(i) && !(source.matters(i) && important++ < MAX_DRAWN)) return;
        this.place(i);
      };
      source.spans.each(view.from, view.until, draw);
      for (let n = 0; n < this.drawn.length; n++) this.stroke(ctx, this.drawn[n], n);
      this.drawn.forEach((i, n) => { if (this.marked.has(i)) this.ring(ctx, n, colors.ink, 3); });
      const focused = this.drawn.indexOf(this.focus);
      if (focused >= 0) this.ring(ctx, focused, colors.link, 3);
      const shown = this.drawn.length;
      this.note.textContent = total === 0 ? `No ${source.name} in this window.`
        : step > 1 ? `${shown} of ${total} ${source.name} in this window are drawn, evenly chosen; zoom in for all.`
          : `${total} ${source.name} in this window.`;
      if (source.after) this.note.textContent += source.after;
    }

    place(i) {
      const { source } = this;
      const start = source.spans.start[i];
      const took = source.spans.took[i];
      const row = source.row(i);
      let endRow = source.endRow(i);
      let end = start + took;
      if (source.isDropped(i)) {
        // What is dropped gets halfway.
        endRow = (row + endRow) / 2;
        end = start + took / 2;
      }
      const y1 = this.y(row);
      const y2 = this.y(endRow);
      if (Math.max(y1, y2) < AXIS - ROW || Math.min(y1, y2) > this.height + ROW) return;
      const x1 = this.x(start);
      let x2 = this.x(end);
      if (source.thick && x2 < x1 + 2) x2 = x1 + 2;
      this.drawn.push(i);
      this.shapes.push(x1, y1, x2, y2);
    }

    stroke(ctx, i, n) {
      const { source, shapes } = this;
      const x1 = Math.max(shapes[4 * n], -1e4);
      const y1 = shapes[4 * n + 1];
      const x2 = Math.min(shapes[4 * n + 2], 1e4);
      const y2 = shapes[4 * n + 3];
      ctx.strokeStyle = source.color(i);
      if (source.thick) {
        ctx.fillStyle = source.color(i);
        ctx.fillRect(x1, y1 - 6, Math.max(x2 - x1 - (x2 - x1 > 4 ? 1 : 0), 1), 12);
        return;
      }
      ctx.lineWidth = 1.25;
      ctx.beginPath();
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
      if (source.isDropped(i)) {
        ctx.moveTo(x2 - 4, y2 - 4);
        ctx.lineTo(x2 + 4, y2 + 4);
        ctx.moveTo(x2 - 4, y2 + 4);
        ctx.lineTo(x2 + 4, y2 - 4);
      } else if (this.drawn.length < 3000) {
        const angle = Math.atan2(y2 - shapes[4 * n + 1], x2 - x1);
        for (const side of [-0.4, 0.4]) {
          ctx.moveTo(x2, y2);
          ctx.lineTo(x2 - 7 * Math.cos(angle + side), y2 - 7 * Math.sin(angle + side));
        }
      }
      ctx.stroke();
    }

    ring(ctx, n, color, size) {
      const [x1, y1, x2, y2] = this.shapes.slice(4 * n, 4 * n + 4);
      ctx.strokeStyle = color;
      ctx.lineWidth = size;
      if (this.source.thick) {
        ctx.strokeRect(x1 - 2, y1 - 8, Math.max(x2 - x1, 2) + 4, 16);
      } else {
        ctx.beginPath();
        ctx.moveTo(x1, y1);
        ctx.lineTo(x2, y2);
        ctx.stroke();
      }
    }

    // The drawn item that is nearest to a point, within a few pixels.
    nearest(x, y) {
      let best = -1;
      let least = 10;
      for (let n = 0; n < this.drawn.length; n++) {
        const x1 = this.shapes[4 * n];
        const y1 = this.shapes[4 * n + 1];
        const dx = this.shapes[4 * n + 2] - x1;
        const dy = this.shapes[4 * n + 3] - y1;
        const along = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
        const distance = Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
        if (distance < least) {
          least = distance;
          best = this.drawn[n];
        }
      }
      return best;
    }

    down(event) {
      if (event.button !== 0) return;
      this.drag = { x: event.clientX, from: view.from, until: view.until, moved: false };
      this.canvas.setPointerCapture(event.pointerId);
    }

    hover(event) {
      if (this.drag) {
        const pixels = event.clientX - this.drag.x;
        if (Math.abs(pixels) > 3) this.drag.moved = true;
        if (this.drag.moved) {
          const time = (-pixels / (this.width - this.gutter)) * width();
          setWindow(this.drag.from + time, this.drag.until + time);
          hideTooltip();
        }
        return;
      }
      const item = this.nearest(event.offsetX, event.offsetY);
      if (item < 0) hideTooltip();
      else showTooltip(this.source.describe(item), event.clientX, event.clientY);
    }

    up(event) {
      const wasDrag = this.drag && this.drag.moved;
      this.drag = null;
      if (wasDrag) return;
      const item = this.nearest(event.offsetX, event.offsetY);
      if (item < 0) return;
      this.focus = item;
      pin(this, item);
    }

    wheel(event) {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 200))), this.time(event.offsetX));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        move((event.deltaX || event.deltaY) / 800);
      }
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const actions = {
        ArrowLeft: () => move(-0.2),
        ArrowRight: () => move(0.2),
        ArrowUp: () => { this.element.scrollTop -= ROW * 3; },
        ArrowDown: () => { this.element.scrollTop += ROW * 3; },
        '+': () => zoom(0.5),
        '=': () => zoom(0.5),
        '-': () => zoom(2),
        Home: () => setWindow(full.from, full.from + width()),
        End: () => setWindow(full.until - width(), full.until),
        n: () => this.step(1),
        p: () => this.step(-1),
        Enter: () => { if (this.focus >= 0) pin(this, this.focus); },
        Escape: () => unpin(this, this.focus),
      };
      const action = actions[event.key] || actions[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action();
    }

    // Moves the focus to the next or previous item that is shown.
    step(direction) {
      const { source } = this;
      let item = this.focus;
      if (item < 0) item = source.spans.before(view.from) + (direction > 0 ? -1 : 0);
      do item += direction;
      while (item >= 0 && item < source.count && !source.shows(item));
      if (item < 0 || item >= source.count) {
        announce('No more items.');
        return;
      }
      this.goTo(item);
    }

    goTo(item) {
      this.focus = item;
      const start = this.source.spans.start[item];
      const end = start + this.source.spans.took[item];
      if (start < view.from || end > view.until) {
        const half = Math.max(width(), (end - start) * 1.2) / 2;
        setWindow((start + end) / 2 - half, (start + end) / 2 + half);
      }
      this.source.rows(view);
      const y = AXIS + this.source.row(item) * ROW;
      if (y < this.element.scrollTop + AXIS || y + ROW > this.element.scrollTop + this.height) {
        this.element.scrollTop = Math.max(0, y - this.height / 2);
      }
      announce(this.source.describe(item));
      redraw();
    }
  }

  function fitted(ctx, text, room) {
    if (ctx.measureText(text).width <= room) return text;
    let length = text.length;
    while (length > 1 && ctx.measureText(`${text.slice(0, length)}…`).width > room) length--;
    return `${text.slice(0, length)}…`;
  }

  function ticks(count) {
    const rough = width() / Math.max(count, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
    const digits = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(size))));
    const list = [];
    let at = Math.ceil((view.from - data.origin) / size) * size;
    for (; at + data.origin <= view.until; at += size) {
      list.push({ at: at + data.origin, text: `${(at / 1e6).toFixed(digits)} s` });
    }
    return list;
  }

  // ---- The two sources. ----

  const outcomeColors = ['ok', 'fail', 'info', 'open'];
  const checked = (id) => $(id).checked;
  let filters = {};
  function readFilters() {
    filters = {
      outcomes: [checked('show-ok'), checked('show-fail'), checked('show-info'), checked('show-info')],
      clients: checked('show-clients'),
      servers: checked('show-servers'),
      onlyDropped: checked('only-dropped'),
      kind: $('kind').value === '' ? -1 : Number($('kind').value),
    };
    redraw();
  }

  const milliseconds = (time) => `${(time / 1000).toFixed(3)} ms`;

  const operations = {
    name: 'operations',
    thick: true,
    count: ops.count,
    spans: new Spans(ops.start, ops.took),
    rows: () => data.clients,
    row: (i) => ops.client[i],
    endRow: (i) => ops.client[i],
    shows: (i) => filters.outcomes[ops.outcome[i]],
    matters: (i) => ops.outcome[i] !== 0,
    isDropped: () => false,
    color: (i) => colors[outcomeColors[ops.outcome[i]]],
    describe(i) {
      const name = data.functions[ops.f[i]];
      const text = texts[i] || `see index ${ops.index[i]} in history.edn`;
      return `${name} ${data.outcomes[ops.outcome[i]]}, process ${ops.process[i]}, ${data.clients[ops.client[i]]}\n`
        + `from ${seconds(ops.start[i])} s to ${seconds(ops.start[i] + ops.took[i])} s (${milliseconds(ops.took[i])}), index ${ops.index[i]}\n${text}`;
    },
  };

  const isClient = data.lanes.map((lane) => lane.role === 'client');
  const isDropped = (i) => data.dropped[sent.delivery[i]];
  // The row of each lane in the present window: nodes always, others if they have a message.
  const laneRow = new Int32Array(data.lanes.length);
  const messages = {
    name: 'messages',
    thick: false,
    count: sent.count,
    spans: new Spans(sent.sent, sent.took),
    after: data.messages.left_out
      ? ` The recording ends before ${data.messages.left_out} more messages.` : '',
    rows(window) {
      const active = data.lanes.map((lane) => lane.role === 'node');
      this.spans.each(window.from, window.until, (i) => {
        if (!this.shows(i)) return;
        active[sent.src[i]] = true;
        active[sent.dest[i]] = true;
      });
      const names = [];
      data.lanes.forEach((lane, index) => {
        laneRow[index] = names.length;
        if (active[index]) names.push(lane.name);
      });
      return names;
    },
    row: (i) => laneRow[sent.src[i]],
    endRow: (i) => laneRow[sent.dest[i]],
    shows(i) {
      const ofClient = isClient[sent.src[i]] || isClient[sent.dest[i]];
      return (ofClient ? filters.clients : filters.servers)
        && (!filters.onlyDropped || isDropped(i))
        && (filters.kind < 0 || sent.kind[i] === filters.kind);
    },
    matters: isDropped,
    isDropped,
    color(i) {
      if (isDropped(i)) return colors.drop;
      return isClient[sent.src[i]] || isClient[sent.dest[i]] ? colors.s7 : colors.s0;
    },
    describe(i) {
      const end = isDropped(i) ? '' : `, arrived at ${seconds(sent.sent[i] + sent.took[i])} s (${milliseconds(sent.took[i])})`;
      return `${data.kinds[sent.kind[i]]} from ${data.lanes[sent.src[i]].name} to ${data.lanes[sent.dest[i]].name}, message ${sent.id[i]}\n`
        + `sent at ${seconds(sent.sent[i])} s${end}\n${data.deliveries[sent.delivery[i]]}`;
    },
  };

  // ---- Tooltip, pins, announcements. ----

  function showTooltip(text, x, y) {
    const tip = $('tooltip');
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 12, window.innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + 16 + box.height > window.innerHeight ? y - box.height - 10 : y + 16}px`;
  }

  function hideTooltip() {
    $('tooltip').hidden = true;
  }

  function announce(text) {
    $('announcement').textContent = text;
  }

  const pins = [];

  function pin(chart, item) {
    if (!pins.some((other) => other.chart === chart && other.item === item)) pins.push({ chart, item });
    chart.marked.add(item);
    announce(`Pinned: ${chart.source.describe(item)}`);
    listPins();
  }

  function unpin(chart, item) {
    const place = pins.findIndex((other) => other.chart === chart && other.item === item);
    if (place < 0) return;
    pins.splice(place, 1);
    chart.marked.delete(item);
    announce('Unpinned.');
    listPins();
  }

  function listPins() {
    $('no-pins').hidden = pins.length > 0;
    $('pins').replaceChildren(...pins.map(({ chart, item }) => {
      const entry = document.createElement('li');
      const text = document.createElement('pre');
      text.textContent = chart.source.describe(item);
      const buttons = document.createElement('div');
      buttons.className = 'buttons';
      buttons.append(
        button('Show', () => { chart.goTo(item); chart.element.scrollIntoView({ block: 'center' }); }),
        button('Unpin', () => unpin(chart, item)),
      );
      entry.append(text, buttons);
      return entry;
    }));
    redraw();
  }

  function button(text, action) {
    const element = document.createElement('button');
    element.type = 'button';
    element.textContent = text;
    element.addEventListener('click', action);
    return element;
  }

  // ---- Links from anomalies, faults and cycles into the history. ----

  const operationChart = new Chart($('operations'), $('operations-note'), operations);
  new Chart($('messages'), $('messages-note'), messages);

  // The place of the operation that starts at an index of the history.
  function findOperation(index) {
    let low = 0;
    let high = ops.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (ops.index[middle] === index) return middle;
      if (ops.index[middle] < index) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  function showHistory() {
    $('history').scrollIntoView({ block: 'start' });
  }

  function showAnomaly(group, number) {
    const anomaly = (group === 'finding' ? data.findings : data.anomalies)[number];
    if (!anomaly) return;
    for (const item of anomaly.operations.map(findOperation)) {
      if (item >= 0) pin(operationChart, item);
    }
    const margin = Math.max((anomaly.until - anomaly.from) * 0.1, 5000);
    setWindow(anomaly.from - margin, anomaly.until + margin);
    showHistory();
  }

  function showOperation(index) {
    const item = findOperation(index);
    if (item < 0) return;
    const margin = Math.max(ops.took[item] * 2, 20000);
    setWindow(ops.start[item] - margin, ops.start[item] + ops.took[item] + margin);
    operationChart.goTo(item);
    pin(operationChart, item);
    showHistory();
  }

  function onClick(selector, action) {
    document.querySelectorAll(selector).forEach((element) => {
      element.addEventListener('click', () => action(element.dataset));
    });
  }

  onClick('button.show', ({ group, number }) => showAnomaly(group, Number(number)));
  onClick('button.operation', ({ operation }) => showOperation(Number(operation)));
  onClick('button.fault', ({ number }) => {
    const fault = data.faults[Number(number)];
    const margin = Math.max((fault.end_us - fault.start_us) * 0.05, 1000);
    setWindow(fault.start_us - margin, fault.end_us + margin);
    showHistory();
  });

  // report.html#op-12 shows an operation, report.html#t=1.5,2 a window in seconds.
  function followHash() {
    const operation = /^#op-(\d+)$/.exec(location.hash);
    const range = /^#t=(-?[\d.]+),(-?[\d.]+)$/.exec(location.hash);
    if (operation) showOperation(Number(operation[1]));
    if (range) {
      setWindow(data.origin + Number(range[1]) * 1e6, data.origin + Number(range[2]) * 1e6);
      showHistory();
    }
  }

  // ---- Controls. ----

  const controls = {
    earlier: () => move(-0.5),
    later: () => move(0.5),
    'zoom-in': () => zoom(0.5),
    'zoom-out': () => zoom(2),
    all: () => setWindow(full.from, full.until),
  };
  for (const [id, action] of Object.entries(controls)) $(id).addEventListener('click', action);

  $('position').addEventListener('input', (event) => {
    const from = full.from + (Number(event.target.value) / 10000) * (full.until - full.from - width());
    setWindow(from, from + width());
  });
  $('zoom').addEventListener('input', (event) => {
    const all = full.until - full.from;
    const size = all * (MIN_WIDTH / all) ** (Number(event.target.value) / 1000);
    const middle = (view.from + view.until) / 2;
    setWindow(middle - size / 2, middle + size / 2);
  });
  for (const id of ['show-ok', 'show-fail', 'show-info', 'show-clients', 'show-servers', 'only-dropped', 'kind']) {
    $(id).addEventListener('change', readFilters);
  }
  data.kinds.forEach((kind, index) => {
    const option = document.createElement('option');
    option.value = index;
    option.textContent = kind;
    $('kind').append(option);
  });

  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  function setTheme(isDark, chosen) {
    if (chosen) document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
    $('theme').setAttribute('aria-pressed', String(isDark));
    readColors();
    redraw();
  }
  $('theme').addEventListener('click', () => setTheme($('theme').getAttribute('aria-pressed') !== 'true', true));
  dark.addEventListener('change', () => {
    if (!document.documentElement.dataset.theme) setTheme(dark.matches, false);
  });

  if ($('copy')) {
    $('copy').addEventListener('click', async () => {
      const range = document.createRange();
      range.selectNodeContents($('replay'));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try {
        await navigator.clipboard.writeText($('replay').textContent);
        announce('Copied.');
        $('copy').textContent = 'Copied';
      } catch {
        announce('The command is selected; copy it with the keyboard.');
        $('copy').textContent = 'Selected';
      }
    });
  }

  window.addEventListener('hashchange', followHash);
  window.addEventListener('resize', redraw);
  setTheme(dark.matches, false);
  readFilters();
  // The first look: the main phase, or so much of it that its operations can be told apart.
  setWindow(full.from, full.until);
  followHash();
})();

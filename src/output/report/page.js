// Draws the charts of the page from the data in it. No library, no network; names are set as text, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = document.getElementById("charts");
  if (!place) return;
  const whole = document.getElementById("whole");
  const end = Math.max(data.windows * data.window_s, data.window_s);
  const LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 20, COLOURS = 8;
  // What all charts share: the seconds in view, the second under the pointer, and what is being dragged over.
  const view = { from: 0, to: end, at: null, drag: null };

  const svg = (name, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const html = (name, ...children) => {
    const node = document.createElement(name);
    node.append(...children);
    return node;
  };

  const short = value => {
    const size = Math.abs(value);
    for (const [step, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
      const by = unit === "k" ? 1e3 : step;
      if (size >= step) return +(value / by).toPrecision(4) + unit;
    }
    return String(+value.toPrecision(4));
  };
  const clock = seconds => {
    const step = view.to - view.from < 20 ? 1 : 0;
    if (seconds < 120) return seconds.toFixed(step) + "s";
    const minutes = Math.floor(seconds / 60), rest = (seconds - 60 * minutes).toFixed(step);
    return minutes + ":" + rest.padStart(step ? 4 : 2, "0");
  };
  // Steps of 1, 2 or 5 times a power of ten; of seconds also of whole minutes.
  const ticks = (from, to, count, minutes) => {
    const raw = (to - from) / count;
    if (!(raw > 0)) return [from];
    let step = minutes && raw > 10 ? [15, 30, 60, 120, 300, 600, 900, 1800, 3600].find(s => s >= raw) : 0;
    if (!step) {
      const power = 10 ** Math.floor(Math.log10(raw));
      step = power * [1, 2, 5, 10].find(factor => factor * power >= raw * .999);
    }
    const found = [];
    for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + step * 1e-6; at += step) found.push(at);
    return found;
  };

  // A point stands in the middle of its window.
  const second = (line, point) => ((line.x ? line.x[point] : point) + .5) * data.window_s;
  // The first point at or after a second.
  const seek = (line, at) => {
    let low = 0, high = line.y.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (second(line, middle) < at) low = middle + 1; else high = middle;
    }
    return low;
  };
  const nearest = (line, at) => {
    const after = seek(line, at);
    const before = Math.max(after - 1, 0);
    if (after >= line.y.length) return before;
    return at - second(line, before) < second(line, after) - at ? before : after;
  };

  const charts = data.charts.map(chart => {
    const root = svg("svg", { role: "img", "aria-label": chart.title });
    const when = html("time");
    const unit = chart.unit ? ", " + chart.unit : "";
    const caption = html("figcaption", html("b", chart.title + unit));
    const lines = chart.lines.map((line, number) => {
      const value = html("span"), button = html("button", html("i"), line.name, value);
      const own = { line, value, colour: `--colour: var(--line-${number % COLOURS})`, shown: !line.hidden };
      button.type = "button";
      button.style.cssText = own.colour;
      button.setAttribute("aria-pressed", own.shown);
      button.addEventListener("click", () => {
        own.shown = !own.shown;
        button.setAttribute("aria-pressed", own.shown);
        draw(self);
      });
      caption.append(button);
      return own;
    });
    caption.append(when);
    place.append(html("figure", caption, root));
    const self = { root, when, lines, width: 0, height: 0, x: null, back: null };
    listen(self);
    return self;
  });

  function draw(chart) {
    const { root } = chart;
    const width = chart.width = root.clientWidth || 600, height = chart.height = root.clientHeight || 190;
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    let top = 0;
    for (const { line, shown } of chart.lines) {
      if (!shown) continue;
      const last = seek(line, view.to);
      for (let point = seek(line, view.from); point < last; point++) top = Math.max(top, line.y[point] || 0);
    }
    top = top * 1.06 || 1;
    const wide = Math.max(width - LEFT - RIGHT, 1), high = height - TOP - BOTTOM;
    const x = chart.x = at => LEFT + (at - view.from) / (view.to - view.from) * wide;
    const y = value => TOP + high - value / top * high;
    chart.back = at => view.from + (Math.min(Math.max(at, LEFT), LEFT + wide) - LEFT) / wide * (view.to - view.from);
    const nodes = [];
    for (const mark of data.marks) {
      const from = Math.max(x(mark.from), LEFT), to = Math.min(x(mark.to), LEFT + wide);
      if (to <= from) continue;
      const title = svg("title", {}, mark.text);
      nodes.push(svg("rect", { class: "mark", x: from, y: TOP, width: Math.max(to - from, 2), height: high }, title));
    }
    for (const value of ticks(0, top, 4, false)) {
      nodes.push(svg("line", { class: "rule", x1: LEFT, x2: LEFT + wide, y1: y(value), y2: y(value) }));
      nodes.push(svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)));
    }
    for (const at of ticks(view.from, view.to, Math.max(width / 110, 2), true)) {
      const edge = x(at) > LEFT + wide - 14 ? "end" : "middle";
      nodes.push(svg("text", { x: Math.min(x(at), LEFT + wide), y: height - 5, "text-anchor": edge }, clock(at)));
    }
    for (const { line, shown, colour } of chart.lines) if (shown) nodes.push(...path(line, colour, x, y));
    chart.over = svg("g", {});
    root.replaceChildren(...nodes, chart.over);
    point(chart);
  }

  // One path with its gaps; a point between two gaps would not be seen, so it is a dot.
  function path(line, colour, x, y) {
    const first = Math.max(seek(line, view.from) - 1, 0), last = Math.min(seek(line, view.to) + 1, line.y.length);
    const known = point => point >= 0 && point < line.y.length && line.y[point] !== null;
    const dots = [];
    let text = "", down = false;
    for (let point = first; point < last; point++) {
      if (!known(point)) { down = false; continue; }
      const at = x(second(line, point)), value = y(line.y[point]);
      text += (down ? "L" : "M") + at.toFixed(1) + " " + value.toFixed(1);
      if (!known(point - 1) && !known(point + 1)) dots.push(svg("circle", { class: "dot", cx: at, cy: value, r: 2, style: colour }));
      down = true;
    }
    // Points just outside of the view lead the line to its edge, where it is cut.
    const clip = `clip-path: inset(0 ${RIGHT}px 0 ${LEFT}px) view-box`;
    return [svg("path", { class: "line", d: text, style: `${colour}; ${clip}` }), ...dots];
  }

  // Cursor, values under it, and what is being dragged over.
  function point(chart) {
    const { over, when, x } = chart;
    over.replaceChildren();
    const bar = { y: TOP, height: chart.height - TOP - BOTTOM };
    if (view.drag) {
      const [from, to] = [...view.drag].sort((a, b) => a - b);
      over.append(svg("rect", { class: "zoom", x: x(from), width: x(to) - x(from), ...bar }));
    }
    const inside = view.at !== null && view.at >= view.from && view.at <= view.to;
    when.textContent = inside ? clock(view.at) : "";
    if (inside) over.append(svg("line", { class: "cursor", x1: x(view.at), x2: x(view.at), y1: TOP, y2: TOP + bar.height }));
    for (const { line, value } of chart.lines) {
      const found = inside ? line.y[nearest(line, view.at)] : null;
      value.textContent = found === null || found === undefined ? "" : short(found);
    }
  }

  function listen(chart) {
    const { root } = chart;
    const at = event => chart.back(event.clientX - root.getBoundingClientRect().left);
    const all = () => charts.forEach(point);
    root.addEventListener("pointerdown", event => {
      if (event.button) return;
      view.drag = [at(event), at(event)];
      view.at = at(event);
      if (event.pointerType === "mouse") root.setPointerCapture(event.pointerId);
      all();
    });
    root.addEventListener("pointermove", event => {
      view.at = at(event);
      if (view.drag) view.drag[1] = view.at;
      all();
    });
    root.addEventListener("pointerup", () => {
      const [from, to] = (view.drag || [0, 0]).sort((a, b) => a - b);
      view.drag = null;
      const moved = chart.x(to) - chart.x(from);
      if (moved > 8 && to - from > 2 * data.window_s) zoom(from, to); else all();
    });
    root.addEventListener("pointercancel", () => { view.drag = null; all(); });
    root.addEventListener("pointerleave", () => { if (!view.drag) { view.at = null; all(); } });
    root.addEventListener("dblclick", () => zoom(0, end));
  }

  function zoom(from, to) {
    Object.assign(view, { from, to, drag: null });
    whole.hidden = from <= 0 && to >= end;
    charts.forEach(draw);
  }

  whole.addEventListener("click", () => zoom(0, end));
  let asked = false;
  const again = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; charts.forEach(draw); });
  };
  addEventListener("resize", again);
  charts.forEach(draw);
})();

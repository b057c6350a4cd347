// A small chart of our own: lines over time from zero, with a read-out that follows pointer or arrow keys.

import { clock } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 190;
const EDGE = { top: 8, right: 8, bottom: 22, left: 52 };
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60];

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The least of 1, 2, 5 × 10ⁿ such that four of them reach `most`. */
export function step(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4 || 1));
  return [1, 2, 5, 10].map((n) => n * power).find((size) => size * 4 >= most * 0.999);
}

/** A line through the points that have a value; it breaks where one has none. */
export function line(points, x, y) {
  let pen = "M";
  let drawn = "";
  for (const [n, [time, value]] of points.entries()) {
    if (value === null) {
      pen = "M";
      continue;
    }
    const alone = pen === "M" && (points[n + 1]?.[1] ?? null) === null;
    drawn += `${pen}${x(time).toFixed(1)} ${y(value).toFixed(1)}${alone ? "h0.1" : ""}`;
    pen = "L";
  }
  return drawn;
}

/**
 * Makes a chart in `host`. `show({from, to, series})` draws: times in epoch ms, each series
 * `{name, points: [[time, value or null], …]}`, all with the same times. `format` writes a value,
 * `tick` one of the axis.
 */
export function chart(host, { label, format, tick }) {
  const legend = document.createElement("ul");
  legend.className = "legend";
  const svg = shape("svg", { class: "plot", height: HEIGHT, tabindex: 0, role: "img" });
  host.replaceChildren(legend, svg);
  let shown = null;
  let chosen = null; // index of the time that pointer or keys chose

  const times = () => shown.series[0].points.map(([time]) => time);

  function scales() {
    const width = Math.max(host.clientWidth, 120);
    const most = Math.max(...shown.series.flatMap(({ points }) => points.map(([, value]) => value ?? 0)), 1e-9);
    const size = step(most);
    const top = size * Math.ceil((most / size) * 0.999);
    const { from, to } = shown;
    return {
      width, size, top,
      x: (time) => EDGE.left + ((time - from) / (to - from)) * (width - EDGE.left - EDGE.right),
      y: (value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom),
    };
  }

  function axes({ width, size, top, x, y }) {
    const made = [];
    for (let n = 0; n * size <= top * 1.001; n += 1) {
      const at = y(n * size);
      made.push(shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: at, y2: at }));
      made.push(shape("text", { class: "tick", x: EDGE.left - 6, y: at + 4, "text-anchor": "end" }, tick(n * size)));
    }
    const minutes = (shown.to - shown.from) / 60_000;
    const every = (STEPS_MIN.find((one) => minutes / one <= (width - EDGE.left) / 64) ?? 60) * 60_000;
    for (let time = Math.ceil(shown.from / every) * every; time <= shown.to; time += every) {
      const anchor = x(time) > width - 24 ? "end" : "middle";
      made.push(shape("text", { class: "tick", x: x(time), y: HEIGHT - 5, "text-anchor": anchor }, clock(time)));
    }
    return made;
  }

  /** What is read out: the chosen time, else the last that has a value. */
  function read() {
    if (chosen !== null) return chosen;
    const last = times().findLastIndex((_, n) => shown.series.some(({ points }) => points[n][1] !== null));
    return last < 0 ? times().length - 1 : last;
  }

  function readOut() {
    const n = read();
    const entries = shown.series.map(({ name, points }, k) => {
      const entry = document.createElement("li");
      entry.className = `series-${k}`;
      const value = document.createElement("b");
      value.textContent = format(points[n]?.[1] ?? null);
      entry.append(name, " ", value);
      return entry;
    });
    const when = document.createElement("li");
    when.className = "when";
    when.textContent = times().length ? clock(times()[n]) : "";
    legend.replaceChildren(...entries, when);
    const said = entries.map((entry) => entry.textContent).join(", ");
    svg.setAttribute("aria-label", `${label} at ${when.textContent}: ${said}. Arrow keys read other times.`);
    return n;
  }

  function draw() {
    if (!shown) return;
    const scale = scales();
    const n = readOut();
    svg.setAttribute("width", scale.width);
    svg.replaceChildren(...axes(scale));
    if (chosen !== null) {
      const at = scale.x(times()[n]);
      svg.append(shape("line", { class: "cursor", x1: at, x2: at, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    }
    for (const [k, { points }] of shown.series.entries()) {
      svg.append(shape("path", { class: `line series-${k}`, d: line(points, scale.x, scale.y) }));
      const value = points[n]?.[1] ?? null;
      if (value !== null) {
        svg.append(shape("circle", { class: `dot series-${k}`, cx: scale.x(points[n][0]), cy: scale.y(value), r: 3.5 }));
      }
    }
  }

  function choose(index) {
    chosen = index === null ? null : Math.min(Math.max(index, 0), times().length - 1);
    draw();
  }

  svg.addEventListener("pointermove", (event) => {
    if (!shown?.series[0].points.length) return;
    const { x } = scales();
    const at = event.clientX - svg.getBoundingClientRect().left;
    const far = times().map((time) => Math.abs(x(time) - at));
    choose(far.indexOf(Math.min(...far)));
  });
  svg.addEventListener("pointerleave", () => shown && choose(null));
  svg.addEventListener("blur", () => shown && choose(null));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!shown?.series[0].points.length || (!move && event.key !== "Escape")) return;
    event.preventDefault();
    choose(move ? read() + move : null);
  });
  new ResizeObserver(draw).observe(host);
  return {
    show(what) {
      if (chosen !== null && shown) { // the same time stays chosen while the range moves on
        const index = what.series[0].points.findIndex(([time]) => time === times()[chosen]);
        chosen = index < 0 ? null : index;
      }
      shown = what;
      draw();
    },
  };
}

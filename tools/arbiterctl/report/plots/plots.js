// Draws the figures of a report: each <figure data-plot="NAME"> from the JSON in <script id="report">. Nothing is fetched.
import * as Plot from "@observablehq/plot";

const report = JSON.parse(document.getElementById("report").textContent);
const times = (row) => ({...row, from: new Date(row.from), to: new Date(row.to)});
const history = report.history.map(times);
const window_ = {from: new Date(report.from), to: new Date(report.to)};
const anomalies = report.anomalies.map((a) => ({...a, began: new Date(a.began), ended: a.ended ? new Date(a.ended) : window_.to}));
const agents = report.agents;

const severities = ["low", "medium", "high", "critical"];
const severity = {domain: severities, range: ["#8a8f98", "#c99700", "#e0701a", "#d02f3c"]};
const quantiles = {domain: ["p50", "p95", "p99"], range: ["#2f7fb8", "#e0701a", "#a04bb5"]};
const kAccent = "#2f7fb8";

const percent = (share) => (100 * share).toFixed(share > 0.999 || share < 0.001 ? 2 : 1) + " %";
const three = (v) => String(Number(v.toPrecision(3)));
const ms = (v) => (v >= 60e3 ? three(v / 60e3) + " min" : v >= 1e3 ? three(v / 1e3) + " s" : three(v) + " ms");
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
const middle = (step) => new Date((+step.from + +step.to) / 2);
const two = (n) => String(n).padStart(2, "0");
const clock = (t) =>
  t.getUTCHours() === 0 && t.getUTCMinutes() === 0
    ? t.toLocaleDateString("en", {day: "numeric", month: "short", timeZone: "UTC"})
    : `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
const time = (width) => ({type: "utc", domain: [window_.from, window_.to], label: null, grid: false, tickFormat: clock, ticks: Math.round(width / 90)});
const narrow = (width) => width < 520;

// What was open when, behind the curves.
const shaded = () => Plot.rectX(anomalies, {x1: (a) => Math.max(a.began, window_.from), x2: "ended", fill: "severity", fillOpacity: 0.13});
const base = (width, more) => ({width, marginLeft: 52, marginRight: 16, style: {background: "none", fontSize: "12px"}, ...more});

// Latencies on a logarithmic axis, with ticks at 1, 2, 5, 10, ... of milliseconds, seconds or minutes: so many, at most.
function latencies(rows, most) {
  const all = rows.flatMap((row) => quantiles.domain.map((q) => row[q])).filter((v) => v > 0);
  const [low, high] = [Math.min(...all) / 1.15, Math.max(...all) * 1.15];
  const within = (steps) => [1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 6e4, 6e5, 6e6, 6e7].flatMap((decade, i, decades) =>
    steps.map((step) => step * decade).filter((v) => v >= low && v <= high && v < (decades[i + 1] ?? Infinity)));
  const ticks = [[1, 2, 5], [1, 3], [1]].map(within).find((list) => list.length <= most) ?? [low, high];
  return {type: "log", domain: [low, high], label: null, tickFormat: ms, ticks, grid: true};
}

// Between two steps of which one is empty there is no line.
function broken(rows) {
  const out = [];
  rows.forEach((row, i) => {
    if (i > 0 && +rows[i - 1].to !== +row.from) out.push({...row, at: rows[i - 1].to, gap: true});
    out.push({...row, at: middle(row)});
  });
  return out;
}

const draw = {
  latency(width) {
    const rows = history.filter((s) => s.p50 !== null);
    if (rows.length === 0) return null;
    const lines = broken(rows).flatMap((s) => quantiles.domain.map((q) => ({at: s.at, quantile: q, value: s.gap ? NaN : s[q]})));
    return Plot.plot(base(width, {
      height: narrow(width) ? 240 : 280,
      x: time(width), y: latencies(rows, 8), color: {...quantiles, legend: true},
      ariaLabel: "Latency quantiles over time",
      marks: [
        Plot.rectX(anomalies, {x1: (a) => Math.max(a.began, window_.from), x2: "ended", fill: (a) => severity.range[severities.indexOf(a.severity)], fillOpacity: 0.13}),
        Plot.line(lines, {x: "at", y: "value", stroke: "quantile", strokeWidth: 2}),
        Plot.dot(lines, {x: "at", y: "value", fill: "quantile", r: rows.length > 60 ? 1.5 : 2.5, title: (d) => `${d.quantile} ${ms(d.value)}`}),
      ],
    }));
  },

  success(width) {
    const rows = history.filter((s) => s.rate !== null);
    if (rows.length === 0) return null;
    const line = broken(rows);
    return Plot.plot(base(width, {
      height: narrow(width) ? 220 : 260,
      x: time(width), y: {domain: [0, 1], label: null, tickFormat: "%", grid: true}, color: severity,
      ariaLabel: "Success rate over time, with 95 % Wilson intervals",
      marks: [
        shaded(),
        Plot.areaY(line, {x: "at", y1: (s) => (s.gap ? NaN : s.low), y2: (s) => (s.gap ? NaN : s.high), fill: kAccent, fillOpacity: 0.2}),
        Plot.ruleX(rows, {x: middle, y1: "low", y2: "high", stroke: kAccent, strokeOpacity: 0.5}),
        Plot.line(line, {x: "at", y: (s) => (s.gap ? NaN : s.rate), stroke: kAccent, strokeWidth: 2}),
        Plot.dot(rows, {x: middle, y: "rate", fill: kAccent, r: rows.length > 60 ? 1.5 : 2.5,
          title: (s) => `${percent(s.rate)} (${percent(s.low)} to ${percent(s.high)}) of ${s.executions}`}),
      ],
    }));
  },

  agents(width) {
    const rows = agents.filter((a) => a.rate !== null);
    if (rows.length === 0) return null;
    return Plot.plot(base(width, {
      height: rows.length * 22 + 50, marginLeft: names(rows, width), marginTop: 8,
      x: {domain: [0, 1], label: null, tickFormat: "%", grid: true},
      y: {domain: rows.map((a) => a.agent), label: null, tickFormat: (name) => short(name, names(rows, width) / 7.2 - 2), tickSize: 0},
      ariaLabel: "Success rate of each agent, with 95 % Wilson intervals",
      marks: [
        Plot.ruleX([report.overallRate].filter((r) => r !== null), {stroke: "currentColor", strokeDasharray: "3,3", strokeOpacity: 0.6}),
        Plot.ruleY(rows, {y: "agent", x1: "low", x2: "high", stroke: kAccent, strokeWidth: 5, strokeOpacity: 0.3, strokeLinecap: "round"}),
        Plot.dot(rows, {x: "rate", y: "agent", fill: kAccent, r: 4,
          title: (a) => `${a.agent}: ${percent(a.rate)} (${percent(a.low)} to ${percent(a.high)}), ${a.successes} of ${a.executions}`}),
      ],
    }));
  },

  "agents-latency"(width) {
    const rows = agents.filter((a) => a.p50 !== null);
    if (rows.length === 0) return null;
    const dots = rows.flatMap((a) => quantiles.domain.map((q) => ({agent: a.agent, quantile: q, value: a[q]})));
    return Plot.plot(base(width, {
      height: rows.length * 22 + 50, marginLeft: names(rows, width), marginTop: 8,
      x: latencies(rows, narrow(width) ? 4 : 7),
      y: {domain: rows.map((a) => a.agent), label: null, tickFormat: (name) => short(name, names(rows, width) / 7.2 - 2), tickSize: 0},
      color: {...quantiles, legend: true},
      ariaLabel: "Latency quantiles of each agent",
      marks: [
        Plot.ruleY(rows, {y: "agent", x1: "p50", x2: "p99", stroke: "currentColor", strokeOpacity: 0.25, strokeWidth: 2}),
        Plot.dot(dots, {x: "value", y: "agent", fill: "quantile", r: 4, title: (d) => `${d.agent}: ${d.quantile} ${ms(d.value)}`}),
      ],
    }));
  },

  anomalies(width) {
    if (anomalies.length === 0) return null;
    const rows = anomalies.map((a, i) => ({...a, row: `${i}`}));
    const name = (i) => short(`${rows[i].agent || "collector"}: ${rows[i].type.replaceAll("_", " ")}`, narrow(width) ? 60 : 100);
    const from = new Date(Math.max(Math.min(...rows.map((a) => +a.began)), +window_.from));
    return Plot.plot(base(width, {
      height: rows.length * 38 + 56, marginLeft: 16, marginTop: 20,
      x: time(width), y: {domain: rows.map((a) => a.row), axis: null, paddingInner: 0.55},
      color: {...severity, legend: true},
      ariaLabel: "Anomalies on the time line, by severity",
      marks: [
        Plot.barX(rows, {x1: (a) => Math.max(a.began, from), x2: "ended", y: "row", fill: "severity", rx: 2, insetRight: -3,
          title: (a) => a.summary}),
        Plot.text(rows, {x: window_.from, y: "row", text: (a) => name(+a.row), textAnchor: "start", dy: -15, fill: "currentColor"}),
      ],
    }));
  },
};

// Room for the names of agents.
const names = (rows, width) => Math.min(Math.max(...rows.map((a) => a.agent.length)) * 6.8 + 14, width * 0.36);

function draw_all() {
  for (const figure of document.querySelectorAll("figure[data-plot]")) {
    const width = figure.clientWidth || 720;
    if (figure.drawn === width) continue;
    figure.drawn = width;
    const plot = draw[figure.dataset.plot](width);
    const place = figure.querySelector(".plot");
    place.replaceChildren(...(plot ? [plot] : []));
    figure.hidden = plot === null;
  }
}

document.documentElement.classList.add("drawn");
draw_all();
new ResizeObserver(() => requestAnimationFrame(draw_all)).observe(document.body);

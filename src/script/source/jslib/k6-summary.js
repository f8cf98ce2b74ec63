// What https://jslib.k6.io/k6-summary offers, by its public documentation: textSummary in the form that
// k6 had before 1.0, and jUnit.

const COLORS = { green: 32, red: 31, cyan: 36, faint: 2 };

function painter(enabled) {
  return (text, ...names) =>
    enabled && names.length > 0 ? `\u001b[${names.map((name) => COLORS[name]).join(';')}m${text}\u001b[0m` : text;
}

const width = (text) => [...text.normalize('NFKC')].length;
const pad = (text, to) => text + ' '.repeat(Math.max(0, to - width(text)));

function truncated(value, decimals) {
  const factor = 10 ** decimals;
  return String(Math.trunc(value * factor) / factor);
}

function bytes(value) {
  if (value < 10) return `${Number(value.toFixed(6))} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
  const power = Math.min(Math.floor(Math.log(value) / Math.log(1000) + 1e-12), units.length - 1);
  const shown = Math.floor((value / 1000 ** power) * 10 + 0.5) / 10;
  return `${shown.toFixed(shown < 10 ? 1 : 0)} ${units[power]}`;
}

function time(ms, unit) {
  const fixed = { s: [0.001, 's'], ms: [1, 'ms'], us: [1000, 'µs'] }[unit];
  if (fixed) return (ms * fixed[0]).toFixed(2) + fixed[1];
  if (ms === 0) return '0s';
  if (ms < 0.001) return `${Math.trunc(ms * 1e6)}ns`;
  if (ms < 1) return `${truncated(ms * 1000, 2)}µs`;
  if (ms < 1000) return `${truncated(ms, 2)}ms`;
  const minutes = Math.trunc(ms / 60000);
  const seconds = `${truncated((ms % 60000) / 1000, ms > 60000 ? 0 : 2)}s`;
  if (minutes < 1) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.trunc(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function shown(value, metric, unit) {
  if (metric.type === 'rate') return `${(Math.trunc(value * 10000) / 100).toFixed(2)}%`;
  if (metric.contains === 'data') return bytes(value);
  if (metric.contains === 'time') return time(value, unit);
  return String(Number(Number(value).toFixed(6)));
}

// The first column of a metric that is no trend, and the others.
function columns(metric, unit) {
  const { values } = metric;
  switch (metric.type) {
    case 'counter':
      return [shown(values.count, metric, unit), `${shown(values.rate, metric, unit)}/s`];
    case 'gauge':
      return [
        shown(values.value, metric, unit),
        `min=${shown(values.min, metric, unit)}`,
        `max=${shown(values.max, metric, unit)}`,
      ];
    default:
      return [shown(values.rate, metric, unit), `${values.passes} out of ${values.passes + values.fails}`];
  }
}

function groupLines(group, indent, paint) {
  const lines = [];
  if (group.name !== '') lines.push(`${indent}█ ${group.name}`, '');
  const inner = group.name === '' ? indent : `${indent}  `;
  for (const check of group.checks) {
    if (check.fails === 0) {
      lines.push(paint(`${inner}✓ ${check.name}`, 'green'));
      continue;
    }
    const percent = Math.floor((100 * check.passes) / (check.passes + check.fails));
    const text = `${inner}✗ ${check.name}\n${inner} ↳  ${percent}% — ✓ ${check.passes} / ✗ ${check.fails}`;
    lines.push(paint(text, 'red'));
  }
  if (group.checks.length > 0) lines.push('');
  for (const child of group.groups) lines.push(...groupLines(child, inner, paint));
  return lines;
}

const parentOf = (name) => name.split('{', 1)[0];

function byName(a, b) {
  const [parentA, parentB] = [parentOf(a), parentOf(b)];
  if (parentA !== parentB) return parentA < parentB ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function metricLines(data, indent, paint, unit) {
  const stats = data.options.summaryTrendStats;
  const rows = Object.keys(data.metrics).sort(byName).map((name) => {
    const metric = data.metrics[name];
    const isSub = name.includes('{');
    const label = isSub ? `{ ${name.slice(name.indexOf('{') + 1, -1)} }` : name;
    const results = Object.values(metric.thresholds ?? {});
    const mark = results.length === 0 ? ' ' : results.every(({ ok }) => ok) ? paint('✓', 'green') : paint('✗', 'red');
    const cells = metric.type === 'trend'
      ? stats.map((stat) => (stat === 'count' ? String(metric.values.count) : shown(metric.values[stat], metric, unit)))
      : columns(metric, unit);
    return { mark, label: isSub ? `  ${label}` : label, cells, isTrend: metric.type === 'trend' };
  });
  const widest = (lists, place) => Math.max(0, ...lists.map((cells) => width(cells[place] ?? '')));
  const labels = Math.max(0, ...rows.map(({ label }) => width(label)));
  const trends = rows.filter(({ isTrend }) => isTrend).map(({ cells }) => cells);
  const others = rows.filter(({ isTrend }) => !isTrend).map(({ cells }) => cells);
  const first = widest(others, 0);
  return rows.map(({ mark, label, cells, isTrend }) => {
    const dots = paint('.'.repeat(labels - width(label) + 3) + ':', 'faint');
    let text;
    if (isTrend) {
      text = cells.map((cell, place) => `${stats[place]}=${paint(pad(cell, widest(trends, place)), 'cyan')}`).join(' ');
    } else {
      const extras = cells.slice(1);
      const padded = extras.length === 1 ? extras : extras.map((cell, place) => pad(cell, widest(others, place + 1)));
      text = `${paint(pad(cells[0], first), 'cyan')} ${padded.map((cell) => paint(cell, 'cyan', 'faint')).join(' ')}`;
    }
    return `${indent}${mark} ${label}${dots} ${text}`;
  });
}

export function textSummary(data, options = {}) {
  const indent = options.indent ?? ' ';
  const colored = (options.enableColors ?? true) && !(data.options.noColor ?? false);
  const paint = painter(colored);
  const unit = options.summaryTimeUnit ?? data.options.summaryTimeUnit;
  const stats = options.summaryTrendStats ?? data.options.summaryTrendStats;
  const merged = { ...data, options: { ...data.options, summaryTrendStats: stats } };
  return [
    ...groupLines(data.root_group, `${indent}    `, paint),
    ...metricLines(merged, `${indent}  `, paint, unit),
  ].join('\n');
}

const escaped = (text) =>
  String(text).replace(/[<>&'"]/g, (sign) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&apos;', '"': '&quot;' })[sign]);

// A JUnit report with one test case for each threshold.
export function jUnit(data, options = {}) {
  const name = options.name ?? 'k6 thresholds';
  const className = options.classname ?? 'Default Test Class';
  const cases = [];
  let failures = 0;
  for (const [metricName, metric] of Object.entries(data.metrics)) {
    for (const [threshold, { ok }] of Object.entries(metric.thresholds ?? {})) {
      const begin = `<testcase name="${escaped(metricName)} - ${escaped(threshold)}" classname="${escaped(className)}"`;
      if (ok) {
        cases.push(`${begin} />`);
      } else {
        failures++;
        const values = Object.entries(metric.values).map(([stat, value]) => `${stat} value: ${value}`).join(', ');
        cases.push(`${begin}><failure message="${escaped(values)}" /></testcase>`);
      }
    }
  }
  const counts = `tests="${cases.length}" failures="${failures}"`;
  return (
    `<?xml version="1.0"?>\n<testsuites ${counts}>\n<testsuite name="${escaped(name)}" ${counts}>\n` +
    `${cases.join('\n')}\n</testsuite >\n</testsuites >`
  );
}

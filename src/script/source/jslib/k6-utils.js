// What https://jslib.k6.io/k6-utils offers, by its public documentation.

import { check as k6check } from 'k6';
import exec from 'k6/execution';

export function randomIntBetween(min, max) {
  return min + Math.floor(Math.random() * (max - min + 1));
}

export function randomItem(list) {
  return list[Math.floor(Math.random() * list.length)];
}

export function randomString(length, charset = 'abcdefghijklmnopqrstuvwxyz') {
  let text = '';
  for (let place = 0; place < length; place++) text += charset[Math.floor(Math.random() * charset.length)];
  return text;
}

export function uuidv4(secure = false) {
  if (secure) return crypto.randomUUID();
  const digit = () => Math.floor(Math.random() * 16);
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (kind) =>
    (kind === 'x' ? digit() : (digit() & 3) | 8).toString(16),
  );
}

// The text between two others: the first one, or with `repeat` all.
export function findBetween(content, left, right, repeat = false) {
  const found = [];
  let from = 0;
  for (;;) {
    const begin = content.indexOf(left, from);
    if (begin === -1) break;
    const end = content.indexOf(right, begin + left.length);
    if (end === -1) break;
    const text = content.slice(begin + left.length, end);
    if (!repeat) return text;
    found.push(text);
    from = end + right.length;
  }
  return repeat ? found : null;
}

// A bell curve of VUs, two standard deviations to each side; it ends at 0.
export function normalDistributionStages(maxVus, durationSeconds, numberOfStages = 10) {
  const stages = [];
  const seconds = Math.max(1, Math.ceil(durationSeconds / (numberOfStages + 1)));
  for (let place = 0; place < numberOfStages; place++) {
    const x = numberOfStages === 1 ? 0 : -2 + (4 * place) / (numberOfStages - 1);
    stages.push({ duration: `${seconds}s`, target: Math.round(maxVus * Math.exp((-x * x) / 2)) });
  }
  stages.push({ duration: `${seconds}s`, target: 0 });
  return stages;
}

const UNITS_MS = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000 };

// `1h30m`, `5s250ms`, in milliseconds.
export function parseDuration(text) {
  if (typeof text !== 'string' || text.length < 2) throw new Error(`${text} is not a valid duration`);
  let total = 0;
  let rest = text;
  while (rest.length > 0) {
    const part = /^([0-9]*\.?[0-9]+)(ms|s|m|h|d)/.exec(rest);
    if (part === null) throw new Error(`${text} is not a valid duration`);
    total += Number(part[1]) * UNITS_MS[part[2]];
    rest = rest.slice(part[0].length);
  }
  return total;
}

function currentStages() {
  if (exec == null || exec.test == null || exec.test.options == null) {
    throw new Error('the options of the test are not known here');
  }
  const scenario = exec.test.options.scenarios?.[exec.scenario.name];
  if (scenario?.stages === undefined) {
    const name = scenario?.executor ?? exec.scenario.executor;
    throw new Error(`only ramping-vus or ramping-arrival-rate have stages, it is not possible to get a stage on ${name}`);
  }
  if (scenario.stages.length < 1) throw new Error('the stages of the scenario are empty');
  return scenario.stages;
}

// The place of the stage that the scenario is in; the last one once all are over.
export function getCurrentStageIndex() {
  const stages = currentStages();
  const elapsed = Date.now() - exec.scenario.startTime;
  let end = 0;
  for (let place = 0; place < stages.length; place++) {
    const { duration } = stages[place];
    end += typeof duration === 'number' ? duration : parseDuration(duration);
    if (elapsed < end) return place;
  }
  return stages.length - 1;
}

export function tagWithCurrentStageIndex() {
  exec.vu.metrics.tags['stage'] = getCurrentStageIndex();
}

export function tagWithCurrentStageProfile() {
  const stages = currentStages();
  const place = getCurrentStageIndex();
  const before = place === 0 ? startOf() : stages[place - 1].target;
  const { target } = stages[place];
  const profile = target > before ? 'ramp-up' : target < before ? 'ramp-down' : 'steady';
  exec.vu.metrics.tags['stage_profile'] = profile;
}

function startOf() {
  const scenario = exec.test.options.scenarios[exec.scenario.name];
  return scenario.startVUs ?? scenario.startRate ?? 1;
}

// As check() of k6, and waits for conditions that are promises.
export function check(value, conditions, tags) {
  const waiting = [];
  const settled = {};
  for (const [name, condition] of Object.entries(conditions)) {
    const result = typeof condition === 'function' ? condition(value) : condition;
    settled[name] = result;
    if (typeof result?.then === 'function') {
      waiting.push(result.then((late) => { settled[name] = late; }));
    }
  }
  if (waiting.length === 0) return k6check(value, settled, tags);
  return Promise.all(waiting).then(() => k6check(value, settled, tags));
}

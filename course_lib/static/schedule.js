// A schedule drawn by hand: a small net is trained with it, and with 1cycle, from the same starts.
//
// Part 1 is arithmetic on typed arrays. Part 2 makes the words. Part 3 draws.
//
// state: points [[share of the training, share of max_lr], …], 2 to 8 of them, from 0 to 1 of the
// training, joined by straight lines where the rate's axis is logarithmic; budget (steps); max_lr;
// momentum (of SGD); seed (which starts).

// ------------------------------------------------------------------ part 1: arithmetic

export const STARTS = 4;            // nets that are trained with each schedule
export const GUESS = Math.log(2);   // the loss of a net that says p = 0.5 everywhere
const [POINTS, HIDDEN, BATCH] = [200, 16, 10];
const [B, V, C] = [2 * HIDDEN, 3 * HIDDEN, 4 * HIDDEN]; // where b, v and c begin, after W (16 × 2)
const SIZE = C + 1;

// Random numbers from 0 to 1, the same for the same seed (mulberry32, by Tommy Ettinger).
export function generator(seed) {
  let a = seed | 0;
  return () => {
    a = (a + 0x6D2B79F5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Two moons that overlap: points to train on, then as many held out. xs is x, y, x, y, …
export function makePoints() {
  const random = generator(12);
  const sets = [0, 1].map(() => ({ xs: new Float64Array(2 * POINTS),
    ys: new Float64Array(POINTS) }));
  for (let i = 0; i < 2 * POINTS; i++) {
    const { xs, ys } = sets[Math.floor(i / POINTS)];
    const [at, c, angle] = [i % POINTS, i % 2, Math.PI * random()];
    const [far, turn] = [Math.sqrt(-2 * Math.log(1 - random())), 2 * Math.PI * random()];
    const side = 1 - 2 * c; // the second moon is turned round
    xs[2 * at] = 1.15 * (side * (Math.cos(angle) - 0.5) + 0.25 * far * Math.cos(turn));
    xs[2 * at + 1] = 2 * (side * (Math.sin(angle) - 0.25) + 0.25 * far * Math.sin(turn));
    ys[at] = c;
  }
  return sets;
}
const [TRAIN, HELD] = makePoints();

// A net as drawn at random, and the points of each mini-batch, one epoch after the other.
export function makeStart(seed, steps) {
  const random = generator(seed);
  const most = i => (i < V ? Math.sqrt(2) : 1 / Math.sqrt(HIDDEN));
  const net = Float64Array.from({ length: SIZE }, (_, i) => most(i) * (2 * random() - 1));
  const order = Array.from({ length: POINTS }, (_, i) => i);
  const rows = [];
  while (rows.length < steps * BATCH) {
    for (let i = POINTS - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    rows.push(...order);
  }
  return { net, rows: Int32Array.from(rows.slice(0, steps * BATCH)) };
}

// The score of the point (x, y); what the hidden units give is left in `hidden`.
function score(net, x, y, hidden) {
  let sum = net[C];
  for (let j = 0; j < HIDDEN; j++) {
    const a = net[2 * j] * x + net[2 * j + 1] * y + net[B + j];
    hidden[j] = 1 - 2 / (Math.exp(2 * a) + 1); // tanh a, in half the time of Math.tanh
    sum += hidden[j] * net[V + j];
  }
  return sum;
}

// −y log p − (1 − y) log(1 − p) for p = sigmoid(z), without ever taking the log of 0.
const lossOf = (z, y) => Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));

export function sigmoid(z) {
  const small = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : small) / (1 + small);
}

const room = new Float64Array(HIDDEN);
export function heldLoss(net) {
  let sum = 0;
  for (let i = 0; i < POINTS; i++) {
    sum += lossOf(score(net, HELD.xs[2 * i], HELD.xs[2 * i + 1], room), HELD.ys[i]);
  }
  return sum / POINTS;
}

// The loss on a mini-batch; its gradient for every number of the net goes into `grads`.
export function gradients(net, batch, grads) {
  let loss = 0;
  grads.fill(0);
  for (const i of batch) {
    const x = TRAIN.xs[2 * i];
    const y = TRAIN.xs[2 * i + 1];
    const z = score(net, x, y, room);
    const d = (sigmoid(z) - TRAIN.ys[i]) / BATCH;
    loss += lossOf(z, TRAIN.ys[i]) / BATCH;
    for (let j = 0; j < HIDDEN; j++) {
      const dh = d * net[V + j] * (1 - room[j] * room[j]);
      grads[2 * j] += dh * x;
      grads[2 * j + 1] += dh * y;
      grads[B + j] += dh;
      grads[V + j] += d * room[j];
    }
    grads[C] += d;
  }
  return loss;
}

// After how many steps the held-out points are looked at: some 16 times, and at the end.
export function looks(steps) {
  const every = Math.ceil(steps / 16);
  const list = Array.from({ length: Math.ceil(steps / every) }, (_, k) => k * every);
  return [...list, steps];
}

// SGD from one start: the loss of each mini-batch, the held-out losses, the net at the end.
function trainOne(start, rates, momentum) {
  const net = start.net.slice();
  const [grads, velocity] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  const [train, held, at] = [new Float64Array(rates.length), [], looks(rates.length)];
  for (let step = 0; step <= rates.length; step++) {
    if (step === at[held.length]) held.push(heldLoss(net));
    if (step === rates.length) break;
    train[step] = gradients(net, start.rows.subarray(step * BATCH, (step + 1) * BATCH), grads);
    for (let i = 0; i < SIZE; i++) {
      velocity[i] = momentum * velocity[i] + grads[i];
      net[i] -= rates[step] * velocity[i];
    }
  }
  return { train, held, net };
}

const mean = list => list.reduce((sum, x) => sum + x, 0) / list.length;

// Mean losses over the starts, and how each start ends.
export function train(rates, momentum, seed) {
  const runs = startsOf(seed, rates.length).map(start => trainOne(start, rates, momentum));
  const over = key => Array.from(runs[0][key], (_, k) => mean(runs.map(run => run[key][k])));
  return { rates, train: over('train'), held: over('held'), at: looks(rates.length),
    ends: runs.map(run => run.held.at(-1)), nets: runs.map(run => run.net) };
}

let known = {}; // the starts of one seed and length
function startsOf(seed, steps) {
  if (known.seed !== seed || known.steps !== steps) {
    const starts = Array.from({ length: STARTS }, (_, s) => makeStart(STARTS * seed + s, steps));
    known = { seed, steps, starts };
  }
  return known.starts;
}

// The exponentially weighted mean of the losses so far, each of them 0.9 times the next's weight.
export function smooth(losses) {
  let [sum, weight] = [0, 0];
  return losses.map(loss => {
    sum = 0.9 * sum + loss;
    weight = 0.9 * weight + 1;
    return sum / weight;
  });
}

// ---- schedules

export const LOWEST = 0.001; // the least share of max_lr that can be drawn
const MOST = 8;              // points
const GAP = 0.01;            // between two points, as a share of the training
const between = (low, x, high) => Math.min(Math.max(x, low), high);

// Log10 of the share of max_lr at `t` of the training.
function heightAt(points, t) {
  const next = between(1, points.findIndex(([at]) => at >= t), points.length - 1);
  const [[a, low], [b, high]] = [points[next - 1], points[next]];
  return Math.log10(low) + (t - a) / (b - a) * (Math.log10(high) - Math.log10(low));
}

export function drawnRates(points, maxRate, steps) {
  return Array.from({ length: steps },
    (_, k) => maxRate * 10 ** heightAt(points, k / (steps - 1)));
}

// The rates of torch's OneCycleLR with its defaults, by cosines: max/25, max, max/250,000.
export function oneCycleRates(maxRate, steps) {
  const top = 0.3 * steps - 1;
  const bend = (from, to, part) => to + (from - to) / 2 * (1 + Math.cos(Math.PI * part));
  return Array.from({ length: steps }, (_, k) => (k <= top
    ? bend(maxRate / 25, maxRate, k / top)
    : bend(maxRate, maxRate / 25e4, (k - top) / (steps - 1 - top))));
}

// Points on a curve, given by its height at each hundredth of the training: first the two ends,
// then again and again where the lines between the points are furthest from the curve.
export function simplify(heights, most = MOST) {
  const last = heights.length - 1;
  const chosen = [0, last];
  while (chosen.length < most) {
    const points = chosen.map(i => [i, 10 ** heights[i]]);
    const off = heights.map((height, i) => Math.abs(height - heightAt(points, i)));
    const worst = off.indexOf(Math.max(...off));
    if (off[worst] < 0.02 && chosen.length >= 5) break;
    chosen.push(off[worst] < 0.02 ? middle(chosen) : worst);
    chosen.sort((a, b) => a - b);
  }
  return chosen.map(i => [i / last, rounded(heights[i])]);
}

// The middle of the widest gap.
function middle(places) {
  const gaps = places.slice(1).map((x, i) => x - places[i]);
  const i = gaps.indexOf(Math.max(...gaps));
  return Math.round((places[i] + places[i + 1]) / 2);
}
const rounded = height => between(LOWEST, +(10 ** height).toPrecision(3), 1);
export const curveOf = points => Array.from({ length: 101 }, (_, i) => heightAt(points, i / 100));

// `points` with point `i` at `t` and `height`, between its neighbours; the ends keep their time.
export function movePoint(points, i, t, height) {
  const ends = i === 0 || i === points.length - 1;
  const at = ends ? points[i][0]
    : +between(points[i - 1][0] + GAP, t, points[i + 1][0] - GAP).toFixed(4);
  const moved = points.slice();
  moved[i] = [at, rounded(height)];
  return moved;
}

// One more point, in the middle of what follows point `i` or, if that is too short, of the widest
// gap; null if there is no more room.
export function addPoint(points, i) {
  const wide = k => points[k + 1]?.[0] - points[k][0] >= 2.5 * GAP;
  const widest = points.map((_, k) => k).filter(wide).sort((a, b) =>
    points[b + 1][0] - points[b][0] - points[a + 1][0] + points[a][0])[0];
  const before = wide(i) ? i : widest;
  if (points.length >= MOST || before === undefined) return null;
  const t = +((points[before][0] + points[before + 1][0]) / 2).toFixed(4);
  return points.toSpliced(before + 1, 0, [t, rounded(heightAt(points, t))]);
}

// A new point at `t`; without room for it, the nearest one moves there.
export function putPoint(points, t, height) {
  const after = points.findIndex(([at]) => at > t);
  const near = points.findIndex(([at]) => Math.abs(at - t) < 1.5 * GAP);
  if (near < 0 && points.length < MOST) {
    return points.toSpliced(after, 0, [+t.toFixed(4), rounded(height)]);
  }
  const distances = points.map(([at]) => Math.abs(at - t));
  return movePoint(points, distances.indexOf(Math.min(...distances)), t, height);
}

const cosine = t => (1 + Math.cos(Math.PI * t)) / 2;
export const PRESETS = { // share of max_lr at `t` of the training
  constant: ['Constant', () => 1],
  step: ['Step', t => (t < 0.5 ? 1 : t < 0.8 ? 0.1 : 0.01)],
  cosine: ['Cosine', cosine],
  warmup: ['Warm-up + cosine', t => (t < 0.1 ? 0.01 + 9.9 * t : cosine((t - 0.1) / 0.9))],
  cycle: ['1cycle', t => (t < 0.3 ? 1 - 0.96 * cosine(t / 0.3) : cosine((t - 0.3) / 0.7))],
};
export const presetPoints = name => simplify(Array.from({ length: 101 },
  (_, i) => Math.log10(Math.max(LOWEST, PRESETS[name][1](i / 100)))));

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
const isCount = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;

function problemOfPoints(points) {
  if (!Array.isArray(points) || !isCount(points.length, 2, MOST)) {
    return `points must list 2 to ${MOST} pairs [share of the training, share of max_lr].`;
  }
  const i = points.findIndex(point => !Array.isArray(point) || point.length !== 2
    || !isNumber(point[0], 0, 1) || !isNumber(point[1], LOWEST, 1));
  if (i >= 0) {
    return `Point ${i} must be [share of the training, share of max_lr], from 0 to 1 and from `
      + `${LOWEST} to 1, not ${JSON.stringify(points[i])}.`;
  }
  if (points[0][0] !== 0 || points.at(-1)[0] !== 1) {
    return 'The first point must be at 0 and the last at 1 of the training.';
  }
  const early = points.findIndex(([at], k) => k && at - points[k - 1][0] < GAP - 1e-4);
  return early < 0 ? ''
    : `Point ${early} must come at least ${GAP} of the training after the one before.`;
}

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ points, budget, max_lr: maxRate, momentum, seed }) {
  const wrong = problemOfPoints(points);
  if (wrong) return wrong;
  if (!isCount(budget, 20, 240)) {
    return `budget must be a whole number of steps from 20 to 240, not ${budget}.`;
  }
  if (!isNumber(maxRate, 0.01, 30)) {
    return `max_lr must be a number from 0.01 to 30, not ${maxRate}.`;
  }
  if (!isNumber(momentum, 0, 0.95)) {
    return `momentum must be a number from 0 to 0.95, not ${momentum}.`;
  }
  if (!isCount(seed, 0, 999)) return `seed must be a whole number from 0 to 999, not ${seed}.`;
  return '';
}

// ------------------------------------------------------------------ part 2: words

export function format(x) {
  if (!Number.isFinite(x)) return 'no number';
  if (x >= 1e4) return x.toExponential(0).replace('e+', 'e');
  return x >= 10 ? x.toFixed(0) : x.toPrecision(2);
}
const short = x => (x > 0 && x < 0.001 ? x.toExponential(1).replace('.0', '').replace('-', '−')
  : String(+x.toPrecision(2)));
const WRECKED = 1.5; // a smoothed loss of more than twice that of guessing

// Where the smoothed training loss is highest, if it is out of all proportion or no number; or -1.
export function burst(losses) {
  const bad = losses.findIndex(loss => !Number.isFinite(loss));
  if (bad >= 0) return bad;
  const highest = losses.reduce((best, loss, k) => (loss > losses[best] ? k : best), 0);
  return losses[highest] > WRECKED ? highest : -1;
}

// How both end.
export function summary(yours, cycle) {
  const [mine, other] = [yours, cycle].map(run => format(run.held.at(-1)));
  return `Yours ends at ${mine}, 1cycle at ${other} (held out).`;
}

// From how many starts yours ends lower.
export function count(yours, cycle) {
  const lower = yours.ends.filter((loss, s) => loss < cycle.ends[s]).length;
  if (lower === STARTS) return `Yours is lower from all ${STARTS} starts.`;
  return `Yours is lower from ${lower || 'none'} of the ${STARTS} starts.`;
}

// What there is to learn from it.
export function remark(yours, cycle) {
  const [mine, other] = [yours.held.at(-1), cycle.held.at(-1)];
  const [rate, most] = [yours.rates.at(-1), Math.max(...cycle.rates)];
  const at = burst(smooth(yours.train));
  if (at >= 0) return burstText(yours, at);
  const high = burst(smooth(cycle.train));
  if (high >= 0) {
    return `1cycle’s training loss climbs to ${format(smooth(cycle.train)[high])} on its way; `
      + 'yours stays lower.';
  }
  if (rate > 0.25 * most && mine > other) {
    return `Your rate is still ${short(rate)} at the end, so each mini-batch pushes the net about: `
      + 'let it fall.';
  }
  const [average, all] = [yours, cycle].map(run => mean(run.rates));
  if (average < 0.7 * all && mine > other) {
    return `Your rate is ${short(average)} on average, 1cycle’s ${short(all)}: yours does not come `
      + 'as far in the same steps.';
  }
  return 'Both begin with the same nets and see the same mini-batches; only the rates differ.';
}

function burstText(yours, at) {
  const loss = smooth(yours.train)[at];
  const when = `At step ${at + 1}, at a rate of ${short(yours.rates[at])}, your training loss`;
  if (!Number.isFinite(loss)) return `${when} is no number any more (NaN): too high a rate.`;
  const words = `${when} climbs to ${format(loss)}, where guessing gives ${format(GUESS)}`;
  return yours.held.at(-1) < GUESS / 2 ? `${words}; the lower rates after it mend that.`
    : `${words}: too high a rate.`;
}

export const stepAt = (t, steps) => Math.round(t * (steps - 1)) + 1;
const pointText = ([t, share], { max_lr: most, budget }) =>
  `rate ${short(share * most)} at step ${stepAt(t, budget)}`;

// ------------------------------------------------------------------ part 3: drawing

const SVG = 'http://www.w3.org/2000/svg';
function addTo(parent, element, className, attributes, text) {
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
const make = (tag, className, parent, attributes = {}, text = '') =>
  addTo(parent, document.createElement(tag), className, attributes, text);
const trace = (className, parent, tag = 'path', attributes = {}) =>
  addTo(parent, document.createElementNS(SVG, tag), className, attributes, '');
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
const control = (tag, className, parent, attributes, text) => make(tag, className, parent,
  { 'data-lm-suppress-shortcuts': 'true', ...attributes }, text);
const button = (parent, text, onclick) => Object.assign(
  control('button', 'sch-button', parent, { type: 'button' }, text), { onclick });
const flat = (width, height) => ({ viewBox: `0 0 ${width} ${height}`,
  preserveAspectRatio: 'none', 'aria-hidden': 'true' });
const line = points => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`)
  .join('');

const KEYS = ['points', 'budget', 'max_lr', 'momentum', 'seed'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));
const RUNS = [['mine', 'Yours'], ['cycle', '1cycle']];

// Change several keys, and draw once.
function change(view, changes) {
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- the schedule: its axis shows three powers of ten below max_lr, and a little more

const [ABOVE, DECADES] = [0.14, 3.28];
const toPlot = height => 100 * (ABOVE - height) / DECADES; // per cent from the top
const fromPlot = part => ABOVE - DECADES * part;

function makeSchedule(view, parent) {
  const box = make('div', 'sch-schedule', parent);
  const title = make('div', 'sch-title', box);
  make('b', '', title, {}, 'Learning rate');
  view.told = make('span', 'sch-number sch-told', title, { 'aria-hidden': 'true' });
  const plot = make('div', 'sch-plot sch-rates', box, { role: 'group',
    'aria-label': 'the schedule: arrow keys move a point, with Shift further; Delete removes it' });
  view.rateTicks = [0, -1, -2, -3].map(height => make('small', 'sch-tick', plot,
    { 'aria-hidden': 'true', style: `top: ${toPlot(height)}%` }));
  const svg = trace('sch-lines', plot, 'svg', flat(100, 100));
  trace('sch-grid', svg, 'path',
    { d: [0, -1, -2, -3].map(height => `M0 ${toPlot(height)}H100`).join('') });
  view.lines = makeTraces(svg);
  view.ends = makeEnds(plot, 'step 1');
  view.hint = make('span', 'sch-hint', plot, { 'aria-hidden': 'true' },
    'drag a point, or draw');
  Object.assign(view, { plot, handles: [], active: 0 });
  plot.onpointerdown = event => press(view, event);
  plot.onpointermove = event => { if (view.pen) drag(view, event); };
  plot.onpointerup = event => lift(view, event);
  plot.onpointercancel = () => { view.pen = null; };
}
const makeTraces = svg => Object.fromEntries(RUNS.toReversed().map(([name]) =>
  [name, trace(`sch-line sch-${name}`, svg)]));
const makeEnds = (plot, first) => [first, ''].map(text =>
  make('small', 'sch-end', plot, { 'aria-hidden': 'true' }, text));

function makeHandle(view) {
  const i = view.handles.length;
  const handle = control('div', 'sch-handle', view.plot, { role: 'slider', tabindex: 0,
    'aria-orientation': 'vertical' });
  handle.onkeydown = event => moveByKey(view, i, event);
  handle.onfocus = () => {
    view.active = i;
    showTold(view);
    showButtons(view, view.state);
    if (view.pen || !handle.matches(':focus-visible')) return;
    view.hint.hidden = false;
    setText(view.hint, 'arrow keys move it, Delete removes it');
  };
  view.handles.push(handle);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
function moveByKey(view, i, event) {
  const { points } = view.state;
  const [t, height] = [points[i][0], Math.log10(points[i][1])];
  const [right, up] = ARROWS[event.key] ?? [];
  const far = event.shiftKey ? 5 : 1;
  if (event.key === 'Delete' || event.key === 'Backspace') removePoint(view, i);
  else if (event.key === 'Home') change(view, { points: movePoint(points, i, t, -3) });
  else if (event.key === 'End') change(view, { points: movePoint(points, i, t, 0) });
  else if (right) change(view, { points: movePoint(points, i, t + far * right / 100, height) });
  else if (up) change(view, { points: movePoint(points, i, t, height + far * up / 20) });
  else return;
  event.preventDefault();
}

function removePoint(view, i) {
  const { points } = view.state;
  if (i === 0 || i >= points.length - 1) return;
  change(view, { points: points.toSpliced(i, 1) });
  view.handles[view.active].focus();
}

// Where the pointer is: t, height. Near the ends of the training it is at them.
function placeOf(view, event) {
  const box = view.plot.getBoundingClientRect();
  const t = (event.clientX - box.left) / box.width;
  return [t < 0.015 ? 0 : t > 0.985 ? 1 : t,
    between(-3, fromPlot((event.clientY - box.top) / box.height), 0)];
}

// A press on a point takes it along. A press anywhere else begins a line, if the pointer moves on,
// or else puts a point there.
function press(view, event) {
  view.plot.setPointerCapture(event.pointerId);
  event.preventDefault();
  const held = view.handles.indexOf(event.target);
  view.hint.hidden = true;
  const [t, height] = placeOf(view, event);
  view.pen = { held, moved: false, x: event.clientX, y: event.clientY,
    last: [Math.round(100 * t), height], heights: curveOf(view.state.points) };
  if (held >= 0) event.target.focus();
}

function drag(view, event) {
  const { pen } = view;
  pen.moved ||= Math.hypot(event.clientX - pen.x, event.clientY - pen.y) >= 3;
  if (!pen.moved) return undefined;
  const [t, height] = placeOf(view, event);
  const { points } = view.state;
  if (pen.held >= 0) return change(view, { points: movePoint(points, pen.held, t, height) });
  const now = [Math.round(100 * t), height];
  strike(pen.heights, pen.last, now);
  pen.last = now;
  return change(view, { points: simplify(pen.heights) });
}

function lift(view, event) {
  const { pen } = view;
  view.pen = null;
  if (!pen || pen.moved || pen.held >= 0) return;
  const { points } = view.state;
  const place = placeOf(view, event);
  change(view, { points: putPoint(points, ...place) });
  const far = ([t]) => Math.abs(t - place[0]);
  const nearest = view.state.points.reduce((best, point, k, all) =>
    (far(point) < far(all[best]) ? k : best), 0);
  view.handles[nearest].focus();
}

// A straight line in the heights of a curve, from one [place, height] to another.
export function strike(heights, [from, start], [to, end]) {
  const way = Math.sign(to - from) || 1;
  for (let i = from; i !== to + way; i += way) {
    heights[i] = from === to ? end : start + (i - from) / (to - from) * (end - start);
  }
}

function showSchedule(view, { points, budget, max_lr: most }) {
  while (view.handles.length < points.length) makeHandle(view);
  view.active = Math.min(view.active, points.length - 1);
  view.handles.forEach((handle, i) => {
    handle.hidden = i >= points.length;
    if (!handle.hidden) showHandle(view, handle, i);
  });
  view.rateTicks.forEach((tick, i) => setText(tick, short(most / 10 ** i)));
  for (const [name] of RUNS) {
    const { rates } = view.runs[name];
    view.lines[name].setAttribute('d', line(rates.map((rate, k) =>
      [100 * k / (budget - 1), Math.min(toPlot(Math.log10(rate / most)), 150)])));
  }
  setText(view.ends[1], `step ${budget}`);
  showTold(view);
}

function showHandle(view, handle, i) {
  const { points } = view.state;
  const [t, share] = points[i];
  const height = Math.log10(share);
  handle.style.cssText = `left: ${100 * t}%; top: ${toPlot(height)}%`;
  const about = { label: `point ${i + 1} of ${points.length}`, valuemin: -3, valuemax: 0,
    valuenow: +height.toFixed(3), valuetext: pointText(points[i], view.state) };
  for (const [name, value] of Object.entries(about)) handle.setAttribute(`aria-${name}`, value);
}
function showTold(view) {
  const { points } = view.state;
  setText(view.told, `point ${view.active + 1}: ${pointText(points[view.active], view.state)}`);
  view.handles.forEach((handle, i) => handle.classList.toggle('sch-active', i === view.active));
}

// ---- how both end: a card each, with what the first of its nets says of the plane

const SIDE = 40;
const EDGE = 2.7; // the plane is drawn from −EDGE to EDGE

function makeCards(view, parent) {
  const box = make('div', 'sch-cards', parent);
  view.cards = RUNS.map(([name, label]) => {
    const card = make('div', 'sch-card', box);
    const head = make('div', 'sch-name', card);
    const key = trace('sch-swatch', head, 'svg', flat(26, 10));
    trace(`sch-line sch-${name}`, key, 'path', { d: 'M1 5H25' });
    make('b', '', head, {}, label);
    const plane = make('div', 'sch-plane', card, { role: 'img' });
    const pen = make('canvas', '', plane, { width: SIDE, height: SIDE }).getContext('2d');
    paintPoints(make('canvas', '', plane, { width: 216, height: 216 }).getContext('2d'));
    const end = make('div', 'sch-result', card);
    const loss = make('output', 'sch-number', end);
    make('small', '', end, {}, 'loss held out');
    return { name, plane, pen, loss, image: pen.createImageData(SIDE, SIDE),
      range: make('small', '', end) };
  });
}

// The held-out points: class 0 in white, class 1 in black.
function paintPoints(pen) {
  for (let i = 0; i < POINTS; i++) {
    const [x, y] = [0, 1].map(k => 108 + (k ? -1 : 1) * 108 / EDGE * HELD.xs[2 * i + k]);
    pen.beginPath();
    pen.arc(x, y, 3.4, 0, 7);
    pen.fillStyle = HELD.ys[i] ? '#14181c' : '#fff';
    pen.strokeStyle = HELD.ys[i] ? '#fff' : '#14181c';
    pen.fill();
    pen.stroke();
  }
}

function paintPlane({ pen, image }, net) {
  for (let k = 0; k < SIDE * SIDE; k++) {
    const x = EDGE * (2 * (k % SIDE + 0.5) / SIDE - 1);
    const y = EDGE * (1 - 2 * (Math.floor(k / SIDE) + 0.5) / SIDE);
    const t = 2 * sigmoid(score(net, x, y, room)) - 1;
    const [much, far] = [Math.abs(t), t < 0 ? [86, 160, 211] : [240, 150, 80]];
    image.data.set([...far.map(c => 255 - much * (255 - c)), 255], 4 * k);
  }
  pen.putImageData(image, 0, 0);
}

function showCards(view) {
  for (const card of view.cards) {
    const { held, ends, nets } = view.runs[card.name];
    setText(card.loss, format(held.at(-1)));
    const range = [Math.min(...ends), Math.max(...ends)].map(format);
    setText(card.range, `${STARTS} starts: ${range.join('–')}`);
    if (card.net !== nets[0]) paintPlane(card, nets[0]);
    card.net = nets[0];
    card.plane.setAttribute('aria-label', 'what the first of the four nets says of the plane; '
      + `held-out loss ${format(ends[0])}`);
  }
}

// ---- the losses against the step, on one logarithmic scale

const CHARTS = [['train', 'Training loss, smoothed'], ['held', 'Loss held out']];

function makeCharts(view, parent) {
  const box = make('div', 'sch-charts', parent, { 'aria-hidden': 'true' });
  view.charts = CHARTS.map(([key, text]) => {
    const chart = make('div', 'sch-chart', box);
    const title = make('div', 'sch-title', chart);
    make('b', '', title, {}, text);
    const legend = make('small', 'sch-legend', title);
    trace('sch-guess', trace('sch-swatch', legend, 'svg', flat(26, 10)), 'path', { d: 'M1 5H25' });
    legend.append(`guessing: ${format(GUESS)}`);
    const plot = make('div', 'sch-plot', chart);
    const ticks = make('div', '', plot);
    const svg = trace('sch-lines', plot, 'svg', flat(100, 100));
    return { key, ticks, grid: trace('sch-grid', svg), guess: trace('sch-guess', svg),
      lines: makeTraces(svg), ends: makeEnds(plot, 'step 0') };
  });
}

// Powers of ten times 1, 2 and 5 around the losses.
const NICE = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
export function scaleOf(losses) {
  const finite = losses.filter(Number.isFinite);
  const low = NICE.findLast(x => x <= Math.min(0.5, ...finite)) ?? NICE[0];
  const high = NICE.find(x => x >= Math.max(1, ...finite)) ?? NICE.at(-1);
  const all = NICE.filter(x => x >= low && x <= high);
  return { low, high, ticks: all.length > 6 ? all.filter(x => /^[01.]+$/.test(x)) : all };
}

function showCharts(view, { budget }) {
  const curves = Object.fromEntries(RUNS.map(([name]) => {
    const { train, held, at } = view.runs[name];
    const points = { train: smooth(train).map((loss, k) => [k + 1, loss]),
      held: held.map((loss, k) => [at[k], loss]) };
    return [name, points];
  }));
  const all = Object.values(curves).flatMap(each => [...each.train, ...each.held]);
  const scale = scaleOf(all.map(([, loss]) => loss));
  const { low, high } = scale;
  const y = loss => between(-20, 100 * Math.log(high / loss) / Math.log(high / low), 120);
  for (const chart of view.charts) {
    showScale(chart, scale, y);
    setText(chart.ends[1], `step ${budget}`);
    for (const [name] of RUNS) {
      const finite = curves[name][chart.key].filter(([, loss]) => Number.isFinite(loss));
      chart.lines[name].setAttribute('d', line(finite.map(([k, loss]) =>
        [100 * k / budget, y(loss)])));
    }
  }
}

function showScale({ ticks, grid, guess }, { low, high, ticks: values }, y) {
  const range = `${low} ${high}`;
  if (ticks.dataset.range === range) return;
  ticks.dataset.range = range;
  ticks.replaceChildren();
  for (const value of values) {
    make('small', 'sch-tick', ticks, { style: `top: ${y(value)}%` }, String(value));
  }
  grid.setAttribute('d', values.map(value => `M0 ${y(value)}H100`).join(''));
  guess.setAttribute('d', `M0 ${y(GUESS)}H100`);
}

// ---- sliders and buttons

function makeSlider(view, parent, key, label, range, toState = Number, fromState = Number) {
  const row = make('label', 'sch-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', 'sch-number', row);
  const input = control('input', 'sch-range', row,
    { type: 'range', 'aria-label': label, ...range });
  input.oninput = () => change(view, { [key]: toState(Number(input.value)) });
  view.sliders[key] = value => {
    input.value = fromState(value);
    const part = (input.value - input.min) / (input.max - input.min);
    input.style.setProperty('--sch-part', part);
    input.setAttribute('aria-valuetext', short(value));
    setText(number, String(+value.toPrecision(3)));
  };
}
export const rateAt = x => between(0.01, +(10 ** x).toPrecision(3), 30);

function makeSliders(view, parent) {
  const row = make('div', 'sch-sliders', parent);
  makeSlider(view, row, 'max_lr', 'highest rate', { min: -2, max: 1.48, step: 0.02 },
    rateAt, Math.log10);
  makeSlider(view, row, 'momentum', 'momentum', { min: 0, max: 0.95, step: 0.05 });
  makeSlider(view, row, 'budget', 'steps', { min: 20, max: 240, step: 10 });
}

function makePresets(view, parent) {
  const row = make('div', 'sch-presets', parent, { role: 'group', 'aria-label': 'begin with' });
  make('span', 'sch-soft', row, {}, 'Begin with');
  view.presets = Object.entries(PRESETS).map(([name, [label]]) => {
    const points = presetPoints(name);
    return { each: button(row, label, () => change(view, { points })), text: String(points) };
  });
}

function makeButtons(view, parent) {
  const row = make('div', 'sch-buttons', parent);
  button(row, 'New starts', () => change(view, { seed: (view.state.seed + 1) % 1000 }));
  view.add = button(row, 'Add a point', () => {
    const points = addPoint(view.state.points, view.active);
    if (points) change(view, { points });
  });
  view.remove = button(row, 'Remove the point', () => {
    const { points } = view.state;
    if (removable(view)) change(view, { points: points.toSpliced(view.active, 1) });
  });
  button(row, 'Reset', () => change(view, view.first));
}
const removable = ({ active, state }) => active > 0 && active < state.points.length - 1;

function showButtons(view, { points }) {
  for (const { each, text } of view.presets) {
    each.setAttribute('aria-pressed', text === String(points));
  }
  view.add.setAttribute('aria-disabled', !addPoint(points, view.active));
  view.remove.setAttribute('aria-disabled', !removable(view));
}

// ---- all of it

function build(view) {
  makePresets(view, view.body);
  const main = make('div', 'sch-main', view.body);
  makeSchedule(view, main);
  makeCards(view, main);
  makeSliders(view, view.body);
  const live = make('div', 'sch-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', live);
  view.note = make('div', 'sch-soft', live);
  makeCharts(view, view.body);
  makeButtons(view, view.body);
}

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  view.state = state;
  if (!view.plot) build(view);
  trainBoth(view, state);
  showSchedule(view, state);
  for (const key of ['max_lr', 'momentum', 'budget']) view.sliders[key](state[key]);
  const { mine, cycle } = view.runs;
  setText(view.words, `${summary(mine, cycle)} ${count(mine, cycle)}`);
  setText(view.note, remark(mine, cycle));
  showCards(view);
  showCharts(view, state);
  showButtons(view, state);
}

// 1cycle is trained again only if something but the points has changed.
function trainBoth(view, { points, budget, max_lr: most, momentum, seed }) {
  const name = [budget, most, momentum, seed].join();
  if (view.runs?.name !== name) {
    view.runs = { name, cycle: train(oneCycleRates(most, budget), momentum, seed) };
  }
  view.runs.mine = train(drawnRates(points, most, budget), momentum, seed);
}

function render({ model, el }) {
  const view = { model, el, quiet: false, sliders: {} };
  el.replaceChildren();
  el.classList.add('sch');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'a learning-rate schedule, drawn by hand');
  el.dataset.explorable = 'schedule';
  view.trouble = make('p', 'sch-trouble', el, { role: 'alert' });
  view.body = make('div', 'sch-body', el);
  draw(view);
  const again = () => { if (!view.quiet) draw(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => { for (const key of KEYS) model.off(`change:${key}`, again); };
}

export default { render };

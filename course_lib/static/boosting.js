// Boosting on a curve, round by round: the sum of the trees, what is left over, the next tree.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: x, the places of the points (rising, from -1 to 1); clean, the truth there; errors, which
// times `noise` (0 to 1) are added to it; curve, the truth at 101 places from -1 to 1; rate (0.01
// to 1); depth of each tree (1 to 4); rounds, the one that is looked at (0 to 200).

// ------------------------------------------------------------------ part 1: arithmetic

export const LAST = 200;
const PLACES = Array.from({ length: 101 }, (_, i) => (i - 50) / 50);
const sum = values => values.reduce((total, value) => total + value, 0);
const mean = values => sum(values) / values.length;
const meanSquare = values => mean(values.map(value => value * value));

export const measured = ({ clean, errors, noise }) =>
  clean.map((value, i) => value + noise * errors[i]);

// The best split of the rows a ≤ i < b: how many go left, and by how much the squared error
// falls. The left sum less its share, squared, over n (N − n), as in the chapter.
export function bestSplit(residual, a, b) {
  const N = b - a;
  let whole = 0;
  for (let i = a; i < b; i++) whole += residual[i];
  let [left, best, gain] = [0, 0, -Infinity];
  for (let n = 1; n < N; n++) {
    left += residual[a + n - 1];
    const away = left - whole / N * n;
    const here = away * away / (n * (N - n));
    if (here > gain) [best, gain] = [n, here];
  }
  return [best, gain * N];
}

// A tree on points in order of x: its leaves from left to right, { from, to, value }: the rows
// from ≤ i < to, and their mean.
export function growTree(residual, depth) {
  const least = 1e-15 * sum(residual.map(r => r * r));  // a gain below it is rounding
  const leaves = [];
  const descend = (a, b, levels) => {
    const [n, gain] = levels ? bestSplit(residual, a, b) : [0, 0];
    if (!(gain > least)) {
      leaves.push({ from: a, to: b, value: mean(residual.slice(a, b)) });
      return;
    }
    descend(a, a + n, levels - 1);
    descend(a + n, b, levels - 1);
  };
  descend(0, residual.length, depth);
  return leaves;
}

// What the tree says at each of the places: thresholds lie half-way between two points.
export function valuesAt(leaves, x, places) {
  const ends = leaves.slice(0, -1).map(({ to }) => x[to - 1] / 2 + x[to] / 2);
  let k = 0;
  return places.map(place => {
    while (k < ends.length && place > ends[k]) k += 1;
    return leaves[k].value;
  });
}

// All rounds: before each, the residuals of the points, the fit at the places, and both errors;
// and the tree that is grown next.
export function boost({ x, clean, errors, noise, curve, rate, depth }) {
  const y = measured({ clean, errors, noise });
  let [residual, fit] = [y.map(value => value - mean(y)), PLACES.map(() => mean(y))];
  return Array.from({ length: LAST + 1 }, () => {
    const tree = growTree(residual, depth);
    const step = { residual, fit, tree, next: valuesAt(tree, x, PLACES),
      points: meanSquare(residual), truth: meanSquare(fit.map((f, i) => f - curve[i])) };
    const said = residual.map(() => 0);
    for (const { from, to, value } of tree) said.fill(value, from, to);
    residual = residual.map((r, i) => r - rate * said[i]);
    fit = fit.map((f, i) => f + rate * step.next[i]);
    return step;
  });
}

// The round whose fit is nearest to the truth.
export const nearest = steps => steps.reduce((best, { truth }, m) =>
  (truth < steps[best].truth ? m : best), 0);

const isNumber = (value, low, high) => typeof value === 'number' && value >= low && value <= high;
const LIMITS = { rounds: [0, LAST], rate: [0.01, 1], depth: [1, 4], noise: [0, 1] };

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  const { x } = state;
  if (!Array.isArray(x) || x.length < 5 || x.length > 100
      || !x.every((place, i) => isNumber(place, i ? x[i - 1] : -1, 1) && place !== x[i - 1])) {
    return 'x must be 5 to 100 rising numbers from -1 to 1.';
  }
  for (const [name, length] of [['clean', x.length], ['errors', x.length], ['curve', 101]]) {
    const values = state[name];
    if (!Array.isArray(values) || values.length !== length || !values.every(Number.isFinite)) {
      return `${name} must be ${length} numbers.`;
    }
  }
  for (const [name, [low, high]] of Object.entries(LIMITS)) {
    if (!isNumber(state[name], low, high)) {
      return `${name} must be a number from ${low} to ${high}, not ${state[name]}.`;
    }
  }
  const broken = ['rounds', 'depth'].find(name => !Number.isInteger(state[name]));
  return broken ? `${broken} must be a whole number, not ${state[broken]}.` : '';
}

// ------------------------------------------------------------------ part 2: words

const short = value => (value && value < 0.001 ? '< 0.001' : String(+value.toPrecision(2)));
const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;

// Where the fit stands after `rounds` rounds.
export function summary(state, steps) {
  const { points, truth } = steps[state.rounds];
  const when = state.rounds ? `After ${plural(state.rounds, 'round')}` : 'Before the first round';
  return `${when}: mean squared error ${short(points)} on the points, ${short(truth)} from the `
    + 'truth.';
}

// What the next tree does.
export function next(state, steps) {
  const { tree, points } = steps[state.rounds];
  if (tree.length === 1) return 'Nothing is left over.';
  const after = points - steps[Math.min(state.rounds + 1, LAST)].points;
  const falls = state.rounds < LAST ? ` and lowers the points’ error by ${short(after)}` : '';
  return `The next tree has ${plural(tree.length, 'leaf').replace('leafs', 'leaves')}${falls}.`;
}

// What there is to learn from this picture.
export function remark(state, steps) {
  const best = nearest(steps);
  if (state.noise === 0) return 'The points have no errors: what is left over is the curve itself.';
  const where = `nearest to the truth after round ${best} (${short(steps[best].truth)})`;
  if (state.rounds > best) return `It was ${where}. Since then the trees learn errors of points.`;
  return state.rounds === best ? 'Nearer to the truth it will not come.' : `It comes ${where}.`;
}

// Buttons that set everything: what they are called, what they set, what is to be seen then.
export const PRESETS = {
  step: { label: 'One tree', sets: { rounds: 1, rate: 1, depth: 2, noise: 0.3 },
    note: 'One tree of depth 2 at rate 1: four steps. What it missed is left over.' },
  fast: { label: 'Long steps', sets: { rounds: 60, rate: 1, depth: 3, noise: 0.3 },
    note: 'Rate 1, depth 3: after some rounds the fit runs through every point.' },
  slow: { label: 'Short steps', sets: { rounds: 60, rate: 0.05, depth: 2, noise: 0.3 },
    note: 'Rate 0.05: the way to the best round is long, and the error there is flat.' },
  stumps: { label: 'Stumps', sets: { rounds: 100, rate: 0.1, depth: 1, noise: 0.3 },
    note: 'Trees with one split each: the sum still follows the curve.' },
  loud: { label: 'Much noise', sets: { rounds: 100, rate: 0.3, depth: 2, noise: 0.8 },
    note: 'With large errors the best round comes early.' },
};

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
function control(tag, className, parent, attributes, text) {
  const suppress = { 'data-lm-suppress-shortcuts': 'true' };
  return make(tag, className, parent, { ...suppress, ...attributes }, text);
}
const line = points => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`)
  .join('');
const dots = points => points.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join('');
const across = x => 50 * (x + 1);
const smooth = (values, height) => line(values.map((v, i) => [across(PLACES[i]), height(v)]));
// Steps half-way between the places at which the values differ.
const stairs = (values, height) => values.map((v, i) => {
  if (!i) return `M0 ${height(v).toFixed(2)}`;
  const edge = across(PLACES[i] - 0.01).toFixed(1);
  return v === values[i - 1] ? '' : `H${edge}V${height(v).toFixed(2)}`;
}).join('') + 'H100';
// The smallest of 0.01, 0.02, 0.05, 0.1 … that is at least as large.
export function roundUp(value) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(value, 0.01)));
  return +([1, 2, 5, 10].find(k => k * ten >= value * (1 - 1e-12)) * ten).toPrecision(1);
}

const KEYS = ['x', 'clean', 'errors', 'curve', 'rounds', 'rate', 'depth', 'noise'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes, note = '') {
  halt(view);
  view.note = note;
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- plots

// A plot with a title and a key, numbers at its left edge, and a line for each of the names.
function makePlot(parent, kind, title, names, key = []) {
  const plot = make('div', `bst-plot bst-${kind}`, parent, { 'aria-hidden': 'true' });
  const head = make('div', 'bst-head', plot);
  make('b', 'bst-title', head, {}, title);
  makeKey(head, key);
  const area = make('div', 'bst-area', plot);
  const ticks = make('div', 'bst-ticks', area);
  const svg = trace('', area, 'svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none',
    'aria-hidden': 'true' });
  const lines = Object.fromEntries(['grid', ...names]
    .map(name => [name, trace(`bst-${name}`, svg)]));
  return { ticks, lines, area };
}

function makePlots(view, main) {
  const left = make('div', 'bst-left', main);
  view.fit = makePlot(left, 'fit', 'the sum of the trees', ['truth', 'sum', 'points'],
    [['sum', 'trees'], ['truth', 'truth']]);
  view.rest = makePlot(left, 'rest', 'what is left over, and the next tree',
    ['stems', 'points', 'next']);
  makeEnds(left, ['x = −1', 'x = 1']);
  makeTime(view, left);
  const right = make('div', 'bst-right', main);
  view.error = makePlot(right, 'error', 'mean squared error', ['now', 'train', 'test', 'best']);
  makeEnds(right, ['round 0', `${LAST}`]);
  makeKey(right, [['train', 'on the points'], ['test', 'from the truth']]);
  makeSliders(view, right);
}
function makeEnds(parent, words) {
  const row = make('div', 'bst-ends', parent, { 'aria-hidden': 'true' });
  for (const text of words) make('small', '', row, {}, text);
}
function makeKey(parent, lines) {
  const key = make('div', 'bst-key', parent, { 'aria-hidden': 'true' });
  for (const [name, text] of lines) {
    const item = make('small', '', key);
    const svg = trace('bst-swatch', item, 'svg', { viewBox: '0 0 24 8', 'aria-hidden': 'true' });
    trace(`bst-${name}`, svg, 'path', { d: 'M0 4H24' });
    item.append(text);
  }
}

// Numbers at the left edge and lines across, where `height` puts them.
function showTicks({ ticks, lines }, values, height) {
  if (ticks.dataset.values === String(values)) return;
  ticks.dataset.values = String(values);
  lines.grid.setAttribute('d', values.map(value => `M0 ${height(value).toFixed(2)}H100`).join(''));
  ticks.replaceChildren(...values.map(value => make('small', '', null,
    { style: `top: ${height(value).toFixed(2)}%` }, String(value).replace('-', '−'))));
}
const wholes = (low, high) => {
  const every = Math.ceil((high - low) / 5) || 1;
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, k) => low + k * every);
};

// Ranges and what does not depend on the round.
function showFrame(view, state) {
  const y = measured(state);
  const [low, high] = [Math.floor(Math.min(...y, ...state.curve)),
    Math.ceil(Math.max(...y, ...state.curve))];
  view.height = value => 100 * (high - value) / (high - low || 1);
  showTicks(view.fit, wholes(low, high), view.height);
  const { lines } = view.fit;
  lines.truth.setAttribute('d', smooth(state.curve, view.height));
  lines.points.setAttribute('d', dots(y.map((v, i) => [across(state.x[i]), view.height(v)])));
  showErrors(view);
}

// Both errors against rounds, each tenfold an equal step, from 0.001 up; what is below leaves the
// picture.
function showErrors(view) {
  const largest = Math.max(...view.steps.flatMap(({ points, truth }) => [points, truth]));
  const tens = Math.max(0, Math.ceil(Math.log10(largest)));      // from 10 ** tens down to 0.001
  view.log = value => 100 * (tens - Math.log10(Math.max(value, 1e-9))) / (tens + 3);
  const powers = Array.from({ length: tens + 4 }, (_, k) => +(10 ** (k - 3)).toPrecision(3));
  showTicks(view.error, powers, view.log);
  const at = key => line(view.steps.map((step, m) => [100 * m / LAST, view.log(step[key])]));
  view.error.lines.train.setAttribute('d', at('points'));
  view.error.lines.test.setAttribute('d', at('truth'));
  const best = nearest(view.steps);
  view.error.lines.best.setAttribute('d',
    dots([[100 * best / LAST, Math.min(100, view.log(view.steps[best].truth))]]));
}

// All that depends on the round.
function showRound(view) {
  const state = { ...read(view.model), ...(view.at === null ? {} : { rounds: view.at }) };
  const { fit, residual, next: tree } = view.steps[state.rounds];
  const most = roundUp(Math.max(...residual.map(Math.abs)));
  const low = value => 100 * (most - value) / (2 * most);
  showTicks(view.rest, [-most, 0, most], low);
  view.fit.lines.sum.setAttribute('d', stairs(fit, view.height));
  view.rest.lines.next.setAttribute('d', stairs(tree, low));
  view.rest.lines.stems.setAttribute('d', residual.map((r, i) =>
    `M${across(state.x[i]).toFixed(2)} ${low(0)}V${low(r).toFixed(2)}`).join(''));
  view.rest.lines.points.setAttribute('d', dots(residual.map((r, i) =>
    [across(state.x[i]), low(r)])));
  view.error.lines.now.setAttribute('d', `M${100 * state.rounds / LAST} 0V100`);
  view.sliders.rounds(state);
  view.live.setAttribute('aria-live', view.frame ? 'off' : 'polite');
  setText(view.play, view.frame ? 'Stop' : 'Play');
  setText(view.words, `${summary(state, view.steps)} ${next(state, view.steps)}`);
  setText(view.noteLine, view.note || remark(state, view.steps));
}

// ---- sliders and time

// A slider with its name and number; the last two take its value to the state and back.
function makeSlider(view, parent, key, range, toValue = v => v, fromValue = v => v) {
  const row = make('label', 'bst-slider', parent);
  make('span', '', row, {}, key);
  const number = make('output', 'bst-number', row);
  const input = control('input', 'bst-range', row, { type: 'range', 'aria-label': key, ...range });
  input.oninput = () => change(view, { [key]: toValue(Number(input.value)) });
  view.sliders[key] = state => {
    input.value = fromValue(state[key]);
    input.style.setProperty('--bst-part', (input.value - input.min) / (input.max - input.min));
    input.setAttribute('aria-valuetext', `${+state[key].toPrecision(2)}`);
    setText(number, key === 'rounds' ? `${state[key]}` : `${+state[key].toPrecision(2)}`);
  };
}
function makeSliders(view, parent) {
  const box = make('div', 'bst-sliders', parent);
  makeSlider(view, box, 'rate', { min: -2, max: 0, step: 0.05 },
    v => +(10 ** v).toPrecision(2), Math.log10);
  makeSlider(view, box, 'depth', { min: 1, max: 4, step: 1 });
  makeSlider(view, box, 'noise', { min: 0, max: 1, step: 0.05 });
}
function makeTime(view, parent) {
  const row = make('div', 'bst-time', parent);
  view.play = control('button', 'bst-button bst-play', row, { type: 'button' }, 'Play');
  view.play.onclick = () => (view.frame ? change(view, {}) : play(view));
  makeSlider(view, row, 'rounds', { min: 0, max: LAST, step: 1 });
}

function halt(view) {
  cancelAnimationFrame(view.frame);
  view.frame = 0;
  view.at = null;
}

// From round 0 to the round of the state in four seconds; at once where motion is unwelcome.
function play(view) {
  halt(view);
  const rounds = view.model.get('rounds');
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const first = performance.now();
  const move = now => {
    const part = still ? 1 : Math.max(0, now - first) / 4000;
    view.at = part < 1 ? Math.floor(Math.expm1(part * Math.log1p(rounds))) : null;
    view.frame = part < 1 ? requestAnimationFrame(move) : 0;
    showRound(view);
  };
  move(first);
}

// ---- all of it

function makeButtons(view, parent) {
  const row = make('div', 'bst-buttons', parent);
  for (const { label, sets, note } of Object.values(PRESETS)) {
    control('button', 'bst-button', row, { type: 'button' }, label).onclick = () =>
      change(view, sets, note);
  }
  control('button', 'bst-button bst-reset', row, { type: 'button' }, 'Reset').onclick = () =>
    change(view, view.first);
}

function build(view) {
  makePlots(view, make('div', 'bst-main', view.body));
  view.live = make('div', 'bst-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', view.live);
  view.noteLine = make('div', 'bst-note', view.live);
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
  if (!view.fit) build(view);
  const { rounds, ...rest } = state;
  const made = JSON.stringify(rest);
  if (view.made !== made) {
    view.made = made;
    view.steps = boost(state);
    showFrame(view, state);
  }
  Object.values(view.sliders).forEach(show => show(state));
  showRound(view);
}

function render({ model, el }) {
  const view = { model, el, note: '', quiet: false, frame: 0, at: null, sliders: {} };
  el.replaceChildren();
  el.classList.add('bst');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'boosting on a curve, round by round');
  el.dataset.explorable = 'boosting';
  view.trouble = make('p', 'bst-trouble', el, { role: 'alert' });
  view.body = make('div', 'bst-body', el);
  draw(view);
  const again = () => {
    if (view.quiet) return;
    halt(view);
    view.note = '';
    draw(view);
  };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => {
    halt(view);
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

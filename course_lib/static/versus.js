// Bagging and boosting side by side, on sets of points drawn anew: their fits, bias² and variance.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: curve, 'wave', 'step' or 'line'; points of a set (10 to 60); noise, the standard deviation
// of a measurement (0 to 1); trees, of bagging and as many rounds of boosting (1 to 64); bag_depth
// and boost_depth of a tree (1 to 8); rate of boosting (0.05 to 1); seed of the chance (0 to 999).

// ------------------------------------------------------------------ part 1: arithmetic

export const SETS = 16;      // sets of points, each fitted by both
export const MOST = 64;      // trees at most; also the room that a set's points have in the chance
const SIZE = 60;
// where fits are compared
export const GRID = Array.from({ length: SIZE }, (_, i) => (i + 0.5) / SIZE);

export const CURVES = {
  wave: x => Math.sin(2 * Math.PI * x),
  step: x => (x < 0.5 ? -1 : 1),
  line: x => 2 * x - 1,
};

// Number k of a stream of chance, from 0 to 1: the bits of k, well mixed.
export function uniform(stream, k) {
  let bits = k ^ Math.imul(stream + 1, 0x9e3779b9);
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

// Twelve of them, minus 6: nearly a normal number with mean 0 and standard deviation 1.
function normal(stream, k) {
  let sum = -6;
  for (let j = 0; j < 12; j++) sum += uniform(stream, 12 * k + j);
  return sum;
}

// The points of each set, { x, y }, small x first; `from` is the number each point was drawn as.
export function drawSets({ curve, points, noise, seed }) {
  return Array.from({ length: SETS }, (_, set) => {
    const drawn = Array.from({ length: points }, (_, i) => {
      const x = uniform(3 * seed, MOST * set + i);
      return [x, CURVES[curve](x) + noise * normal(3 * seed + 1, MOST * set + i), i];
    }).sort((a, b) => a[0] - b[0]);
    return { x: drawn.map(p => p[0]), y: drawn.map(p => p[1]), from: drawn.map(p => p[2]) };
  });
}

// How often each point of a set stands in the bootstrap sample of a tree; sorted as the points are.
export function bootstrap(seed, set, tree, { from }) {
  const n = from.length;
  const times = new Uint8Array(n);
  for (let j = 0; j < n; j++) {
    times[Math.floor(uniform(3 * seed + 2, (MOST * set + tree) * MOST + j) * n)] += 1;
  }
  return from.map(i => times[i]);
}

// The samples of all trees of a set. They do not depend on the noise: the last ones are kept.
const kept = [];
function bootstraps(seed, number, set) {
  const key = `${seed} ${set.from.length}`;
  if (kept[number]?.key !== key) {
    const samples = Array.from({ length: MOST }, (_, tree) => bootstrap(seed, number, tree, set));
    kept[number] = { key, samples };
  }
  return kept[number].samples;
}

// A regression tree on the first n points, sorted by x, each counted `times`. It calls
// leaf(value, low, high, a, b) for each leaf, which answers for x above `low`, up to `high`, and
// holds points a to b − 1. The running sums begin with 0; all trees use the same two arrays.
const [weights, sums] = [new Float64Array(MOST + 1), new Float64Array(MOST + 1)];
export function growTree(x, y, times, n, depth, leaf) {
  for (let i = 0; i < n; i++) {
    weights[i + 1] = weights[i] + times[i];
    sums[i + 1] = sums[i] + times[i] * y[i];
  }
  growNode(x, y, 0, n, -Infinity, Infinity, depth, leaf);
}
function growNode(x, y, a, b, low, high, depth, leaf) {
  const cut = depth ? bestCut(y, a, b) : 0;
  if (!cut) {
    leaf((sums[b] - sums[a]) / (weights[b] - weights[a]), low, high, a, b);
    return;
  }
  const middle = x[cut - 1] / 2 + x[cut] / 2;
  growNode(x, y, a, cut, low, middle, depth - 1, leaf);
  growNode(x, y, cut, b, middle, high, depth - 1, leaf);
}

// Where to cut points a to b − 1 so that the squared error falls most: the first point that goes
// to the right; 0 if all are alike.
function bestCut(y, a, b) {
  let [best, cut, alike] = [-Infinity, 0, true];
  for (let i = a + 1; i < b; i++) {
    const left = sums[i] - sums[a];
    const right = sums[b] - sums[i];
    const score = left * left / (weights[i] - weights[a])
      + right * right / (weights[b] - weights[i]);
    if (score > best) { best = score; cut = i; }
    if (y[i] !== y[a]) alike = false;
  }
  return alike ? 0 : cut;
}

// Add `value` where the grid lies above `low`, up to `high`.
function addOnGrid(line, value, low, high) {
  let i = low > 0 ? Math.floor(low * SIZE - 0.5) : 0;
  while (i < SIZE && !(GRID[i] > low)) i++;
  for (; i < SIZE && GRID[i] <= high; i++) line[i] += value;
}

// What the first 1, 2, … trees say on the grid, one after the other in one array: the mean of
// trees on bootstrap samples.
export function bagging(set, number, { seed, bag_depth }) {
  const [sum, fits] = [new Float64Array(SIZE), new Float64Array(MOST * SIZE)];
  const add = (value, low, high) => addOnGrid(sum, value, low, high);
  const x = new Float64Array(MOST);
  const [y, times] = [x.slice(), x.slice()];
  const samples = bootstraps(seed, number, set);
  for (let tree = 0; tree < MOST; tree++) {
    const drawn = samples[tree];
    let n = 0;
    for (let i = 0; i < drawn.length; i++) {
      if (drawn[i]) { x[n] = set.x[i]; y[n] = set.y[i]; times[n++] = drawn[i]; }
    }
    growTree(x, y, times, n, bag_depth, add);
    for (let i = 0; i < SIZE; i++) fits[SIZE * tree + i] = sum[i] / (tree + 1);
  }
  return fits;
}

// The same after 1, 2, … rounds: each tree is grown on what is left of y.
export function boosting(set, number, { boost_depth, rate }) {
  const start = mean(set.y);
  const [line, fits] = [new Float64Array(SIZE).fill(start), new Float64Array(MOST * SIZE)];
  const [rest, once] = [set.y.map(y => y - start), set.x.map(() => 1)];
  const add = (value, low, high, a, b) => {
    addOnGrid(line, rate * value, low, high);
    for (let i = a; i < b; i++) rest[i] -= rate * value;
  };
  for (let round = 0; round < MOST; round++) {
    growTree(set.x, rest, once, rest.length, boost_depth, add);
    fits.set(line, SIZE * round);
  }
  return fits;
}
export const METHODS = { bagging, boosting };
const mean = values => values.reduce((a, b) => a + b, 0) / values.length;

// Bias² and variance over the sets, means over the grid; `place` is where the grid's numbers begin
// in each fit. The variance is divided by the number of sets − 1, and what chance adds to the bias²
// of so few sets is taken off.
export function biasVariance(fits, truth, place = 0) {
  const [sets, places] = [fits.length, truth.length];
  let square = 0;
  let variance = 0;
  for (let i = 0; i < places; i++) {
    let middle = 0;
    for (let s = 0; s < sets; s++) middle += fits[s][place + i];
    middle /= sets;
    const off = middle - truth[i];
    square += off * off;
    for (let s = 0; s < sets; s++) {
      const away = fits[s][place + i] - middle;
      variance += away * away;
    }
  }
  variance /= (sets - 1) * places;
  return { bias: square / places - variance / sets, variance };
}

// All that is drawn of one method: the fits of each set, bias² and variance after 1, 2, … trees.
export function run(method, state, sets = drawSets(state)) {
  const truth = GRID.map(CURVES[state.curve]);
  const fits = sets.map((set, number) => METHODS[method](set, number, state));
  const parts = Array.from({ length: MOST }, (_, t) => biasVariance(fits, truth, SIZE * t));
  return { fits, bias: parts.map(p => p.bias), variance: parts.map(p => p.variance) };
}

// What one fit says on the grid after so many trees.
export const lineOf = (fit, trees) => fit.subarray(SIZE * (trees - 1), SIZE * trees);

// The parts of the error that is to be expected on a new measurement; none is below 0.
export function errorParts(made, { trees, noise }) {
  const [bias, variance] = [Math.max(0, made.bias[trees - 1]), made.variance[trees - 1]];
  return { bias, variance, noise: noise ** 2, sum: bias + variance + noise ** 2 };
}

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
export const LIMITS = { points: [10, 60], noise: [0, 1], trees: [1, MOST], bag_depth: [1, 8],
  boost_depth: [1, 8], rate: [0.05, 1], seed: [0, 999] };
const WHOLE = ['points', 'trees', 'bag_depth', 'boost_depth', 'seed'];

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  if (!Object.hasOwn(CURVES, state.curve)) {
    return `curve must be wave, step or line, not ${state.curve}.`;
  }
  for (const [name, [low, high]] of Object.entries(LIMITS)) {
    if (!isNumber(state[name], low, high)) {
      return `${name} must be a number from ${low} to ${high}, not ${state[name]}.`;
    }
  }
  const broken = WHOLE.find(name => !Number.isInteger(state[name]));
  return broken ? `${broken} must be a whole number, not ${state[broken]}.` : '';
}

// ------------------------------------------------------------------ part 2: words

export const small = x => (Math.abs(x) < 0.0005 ? '0' : x.toFixed(3));
const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;
export const TITLES = {
  bagging: ({ trees }) => `${count(trees, 'tree')}, averaged`,
  boosting: ({ trees }) => `${count(trees, 'tree')}, added`,
};

// Bias² and variance of both, and which of them errs less.
export function summary(state, { bagging: bag, boosting: boost }) {
  const told = p => `bias² ${small(p.bias)} + variance ${small(p.variance)}`;
  const [a, b] = [bag.bias + bag.variance, boost.bias + boost.variance];
  const lower = Math.abs(a - b) < 0.1 * Math.max(a, b) ? 'They are about as near to the curve.'
    : `${a < b ? 'Bagging' : 'Boosting'} is nearer to the curve.`;
  return `Bagging, ${count(state.trees, 'tree')}: ${told(bag)}. `
    + `Boosting, ${count(state.trees, 'round')}: ${told(boost)}. ${lower}`;
}

// What there is to learn from this picture.
export function remark(state, { bagging: bag, boosting: boost }) {
  const { trees, bag_depth, boost_depth, rate, noise } = state;
  if (trees === 1) {
    return 'One tree each: bagging grows it on a bootstrap sample; boosting takes '
      + `${rate === 1 ? 'all' : `the part ${+rate.toFixed(2)}`} of it.`;
  }
  if (bag_depth <= 2 && boost_depth >= 6) {
    return 'The wrong way round: a mean of simple trees is as simple, and a deep tree leaves '
      + 'the next rounds little but noise.';
  }
  if (bag_depth <= 2) return 'Averaging takes off variance only: shallow trees keep their bias.';
  if (boost_depth >= 6) return 'Deep trees in boosting learn the noise in the first rounds.';
  if (noise >= 0.6 && boost.variance > 1.2 * bag.variance) {
    return 'Much noise: each further round of boosting fits more of it. A smaller rate, shallower '
      + 'trees or fewer rounds help.';
  }
  return 'More trees take variance off bagging, down to a floor, and leave its bias. More rounds '
    + 'take bias off boosting and add variance.';
}

// Buttons that set everything: what they are called, what they set, what is to be seen then.
const USUAL = { curve: 'wave', points: 40, noise: 0.4, trees: 30, bag_depth: 8, boost_depth: 2,
  rate: 0.2 };
export const PRESETS = {
  one: {
    label: 'One tree each',
    sets: { ...USUAL, trees: 1, rate: 1 },
    note: 'The deep tree differs from set to set: variance. The shallow one varies less and '
      + 'misses more of the curve: bias.',
  },
  many: {
    label: 'Many of each',
    sets: USUAL,
    note: 'Thirty deep trees, averaged: less variance than one. Thirty shallow ones, added: '
      + 'less bias than one.',
  },
  wrong: {
    label: 'Wrong way round',
    sets: { ...USUAL, bag_depth: 1, boost_depth: 8 },
    note: 'Averaged stumps keep the bias of a stump. Boosted deep trees keep the variance of a '
      + 'deep tree.',
  },
  noise: {
    label: 'Much noise',
    sets: { ...USUAL, noise: 1, trees: 64, rate: 0.5 },
    note: 'The 64 rounds at a rate of 0.5 have learnt the noise: boosting has the larger '
      + 'variance. Take the rate down, or the rounds.',
  },
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
const flat = (width, height) => ({ viewBox: `0 0 ${width} ${height}`,
  preserveAspectRatio: 'none', 'aria-hidden': 'true' });
const minus = text => text.replaceAll('-', '−');

const KEYS = ['curve', ...Object.keys(LIMITS)];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes, note = '') {
  view.note = note;
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- a slider with its name and number

function makeSlider(view, parent, key, label, step, words) {
  const [min, max] = LIMITS[key];
  const row = make('label', 'vrs-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', 'vrs-number', row);
  const input = control('input', 'vrs-range', row,
    { type: 'range', 'aria-label': label, min, max, step });
  input.oninput = () => change(view, { [key]: Number(input.value) });
  view.sliders[key] = state => {
    input.value = state[key];
    input.style.setProperty('--vrs-part', (state[key] - min) / (max - min));
    input.setAttribute('aria-valuetext', words(state[key]));
    setText(number, words(state[key]));
  };
}
const plainly = x => String(+x.toFixed(2));
const depthWords = n => (n === 1 ? '1, a stump' : String(n));

// ---- a card for each method: its fits, its error, and both against the number of trees

const [LOW, HIGH] = [-2.2, 2.2];
const hundredths = x => Math.round(100 * x) / 100;
const across = x => hundredths(100 * x);
const upOn = (value, low, high) => hundredths(100 * (high - value) / (high - low));

// A step function on the grid's cells.
const ENDS = GRID.map((_, i) => `H${across((i + 1) / SIZE)}`);
function steps(line) {
  let d = 'M0 ';
  for (let i = 0; i < SIZE; i++) {
    d += (i ? 'V' : '') + upOn(Math.min(9, Math.max(-9, line[i])), LOW, HIGH) + ENDS[i];
  }
  return d;
}

const NAMES = { bagging: 'Bagging', boosting: 'Boosting' };
function makeCard(view, parent, method) {
  const card = make('section', `vrs-card vrs-${method}`, parent, { 'aria-label': NAMES[method] });
  const title = make('div', 'vrs-title', card);
  make('b', '', title, {}, NAMES[method]);
  const says = make('small', '', title);
  const map = trace('vrs-map', card, 'svg', flat(100, 100));
  const [zero, fits, mid, truth, dots] = ['zero', 'fits', 'mean', 'truth', 'dots']
    .map(name => trace(`vrs-${name}`, map));
  zero.setAttribute('d', `M0 ${upOn(0, LOW, HIGH)}H100`);
  const error = make('div', 'vrs-bar', card, { 'aria-hidden': 'true' });
  const bars = Object.fromEntries(['bias', 'variance', 'noise'].map(name =>
    [name, make('div', `vrs-${name}`, error)]));
  const numbers = make('div', 'vrs-sum vrs-number', card);
  makeSlider(view, card, ...(method === 'bagging'
    ? ['bag_depth', 'depth of averaged trees', 1, depthWords]
    : ['boost_depth', 'depth of added trees', 1, depthWords]));
  if (method === 'boosting') makeSlider(view, card, 'rate', 'learning rate', 0.05, plainly);
  else make('small', 'vrs-aside', card, {}, 'each on a bootstrap sample of the set');
  view.cards[method] = { says, fits, truth, mid, dots, bars, numbers,
    plot: makePlot(card) };
}

const TICKS = [1, 2, 4, 8, 16, 32, 64];
const onLog = t => hundredths(100 * Math.log2(t) / Math.log2(MOST));
const PLACES = Array.from({ length: MOST }, (_, t) => `${t ? 'L' : 'M'}${onLog(t + 1)} `);
function makePlot(card) {
  const plot = make('div', 'vrs-plot', card, { 'aria-hidden': 'true' });
  make('small', 'vrs-name', plot, {}, 'bias² and variance with 1 to 64 trees');
  const top = make('small', 'vrs-top', plot);
  const svg = trace('vrs-lines', plot, 'svg', flat(100, 100));
  const lines = ['here', 'bias', 'variance'].map(name => trace(`vrs-line-${name}`, svg));
  const axis = make('div', 'vrs-ticks', plot);
  for (const t of TICKS) make('small', '', axis, { style: `left: ${onLog(t)}%` }, `${t}`);
  return { top, lines };
}

function showCard(view, state, method, largest, highest) {
  const [card, made] = [view.cards[method], view.made[method]];
  const lines = made.fits.map(fit => lineOf(fit, state.trees));
  const middle = GRID.map((_, i) => lines.reduce((sum, line) => sum + line[i], 0) / SETS);
  setText(card.says, TITLES[method](state));
  card.fits.setAttribute('d', lines.map(steps).join(''));
  card.mid.setAttribute('d', steps(middle));
  card.truth.setAttribute('d', view.truth);
  card.dots.setAttribute('d', view.dots);
  const parts = view.parts[method];
  for (const [name, bar] of Object.entries(card.bars)) {
    bar.style.width = `${(100 * parts[name] / largest).toFixed(2)}%`;
  }
  setText(card.numbers, `error ${small(parts.bias)} + ${small(parts.variance)} `
    + `+ ${small(parts.noise)} = ${small(parts.sum)}`);
  showPlot(card.plot, made, state, highest);
}

function showPlot({ top, lines: [here, bias, variance] }, made, state, highest) {
  const curve = values => values.map((value, t) => PLACES[t]
    + upOn(Math.max(0, value), 0, highest)).join('');
  bias.setAttribute('d', curve(made.bias));
  variance.setAttribute('d', curve(made.variance));
  here.setAttribute('d', `M${onLog(state.trees)} 0V100`);
  setText(top, highest.toFixed(2));
}

// ---- what belongs to both

const SHAPES = { wave: 'a wave', step: 'a step', line: 'a straight line' };
function makeShared(view, parent) {
  const box = make('div', 'vrs-shared', parent);
  const group = make('div', 'vrs-curves', box, { role: 'group', 'aria-label': 'what is true' });
  make('small', '', group, {}, 'true is');
  view.curves = Object.entries(SHAPES).map(([curve, words]) => {
    const button = control('button', 'vrs-button', group, { type: 'button' }, words);
    button.onclick = () => change(view, { curve });
    return [curve, button];
  });
  control('button', 'vrs-button vrs-new', group, { type: 'button' }, 'Draw other sets').onclick
    = () => change(view, { seed: (view.model.get('seed') + 1) % 1000 });
  const sliders = make('div', 'vrs-sliders', box);
  makeSlider(view, sliders, 'points', 'points of a set', 1, String);
  makeSlider(view, sliders, 'noise', 'noise', 0.05, plainly);
  makeSlider(view, sliders, 'trees', 'trees and rounds', 1, String);
}

const KEY = [['fits', 'sixteen fits'], ['mean', 'their mean'], ['truth', 'true'],
  ['dots', 'one set'], ['bias', 'bias²'], ['variance', 'variance'], ['noise', 'noise²']];
function makeKey(parent) {
  const key = make('div', 'vrs-key', parent, { 'aria-hidden': 'true' });
  for (const [name, text] of KEY) {
    const item = make('small', '', key);
    if (['bias', 'variance', 'noise'].includes(name)) make('span', `vrs-patch vrs-${name}`, item);
    else trace(`vrs-${name}`, trace('vrs-swatch', item, 'svg', flat(24, 14)), 'path',
      { d: name === 'dots' ? 'M4 4h0M12 10h0M20 5h0' : 'M0 7H24' });
    item.append(text);
  }
}

function makeButtons(view, parent) {
  const row = make('div', 'vrs-buttons', parent);
  for (const { label, sets, note } of Object.values(PRESETS)) {
    control('button', 'vrs-button', row, { type: 'button' }, label).onclick
      = () => change(view, sets, note);
  }
  control('button', 'vrs-button vrs-reset', row, { type: 'button' }, 'Reset').onclick
    = () => change(view, view.first);
}

function build(view) {
  makeShared(view, view.body);
  const cards = make('div', 'vrs-cards', view.body);
  for (const method of Object.keys(METHODS)) makeCard(view, cards, method);
  makeKey(view.body);
  const words = make('div', 'vrs-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', words);
  view.noteLine = make('div', 'vrs-note', words);
  makeButtons(view, view.body);
}

// Fit again only what has changed: each method, and the sets, by what they depend on.
const NEEDS = { sets: ['curve', 'points', 'noise', 'seed'], bagging: ['bag_depth'],
  boosting: ['boost_depth', 'rate'] };
const truthLine = ({ curve }) => Array.from({ length: 201 }, (_, i) =>
  `${i ? 'L' : 'M'}${i / 2} ${upOn(CURVES[curve](i / 200), LOW, HIGH)}`).join('');
const dotsOf = ({ x, y }) => x.map((at, i) => `M${across(at)} ${upOn(y[i], LOW, HIGH)}h0`).join('');
function refit(view, state) {
  const asked = key => NEEDS[key].map(name => state[name]).join();
  const sets = asked('sets');
  if (sets !== view.fitted.sets) {
    view.sets = drawSets(state);
    view.truth = truthLine(state);
    view.dots = dotsOf(view.sets[0]);
    view.fitted = { sets };
  }
  for (const method of Object.keys(METHODS)) {
    if (view.fitted[method] !== asked(method)) view.made[method] = run(method, state, view.sets);
    view.fitted[method] = asked(method);
    view.parts[method] = errorParts(view.made[method], state);
  }
}

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  if (!view.words) build(view);
  refit(view, state);
  Object.values(view.sliders).forEach(show => show(state));
  for (const [curve, button] of view.curves) {
    button.setAttribute('aria-pressed', curve === state.curve);
  }
  const both = Object.keys(METHODS);
  const largest = Math.max(...both.map(method => view.parts[method].sum), 1e-9);
  const highest = Math.max(0.01, ...both.flatMap(method =>
    [...view.made[method].bias, ...view.made[method].variance]));
  for (const method of both) showCard(view, state, method, largest, highest);
  setText(view.words, minus(summary(state, view.parts)));
  setText(view.noteLine, view.note || remark(state, view.parts));
}

function render({ model, el }) {
  const view = { model, el, note: '', quiet: false, sliders: {}, cards: {}, fitted: {}, made: {},
    parts: {} };
  el.replaceChildren();
  el.classList.add('vrs');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'bagging and boosting side by side');
  el.dataset.explorable = 'versus';
  view.trouble = make('p', 'vrs-trouble', el, { role: 'alert' });
  view.body = make('div', 'vrs-body', el);
  draw(view);
  const again = () => {
    if (view.quiet) return;
    view.note = '';
    draw(view);
  };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => { for (const key of KEYS) model.off(`change:${key}`, again); };
}

export default { render };

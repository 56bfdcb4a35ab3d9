// Trees on bootstrap samples of points that are measured again and again, and their average.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state, whole numbers all: seed (0 to 2³¹); measurements (1 to 2000), how often the points are
// measured and counted; trees (4 to 40); depth (1 to 10); columns that a node looks at (1 or 2).

// ------------------------------------------------------------------ part 1: arithmetic

// Random numbers from a seed of 32 bits: Mulberry32.
export function makeChance(seed) {
  let a = seed | 0;
  return () => {
    a = (a + 0x6D2B79F5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// One measurement: points of the unit square, their labels (one in eight wrong), and its chance.
export const POINTS = 80;
export function measure(seed, number) {
  const chance = makeChance(Math.imul(seed, 0x9E3779B1) + Math.imul(number, 0x85EBCA6B));
  const x = [[], []];
  const y = [];
  for (let i = 0; i < POINTS; i++) {
    x[0].push(chance());
    x[1].push(chance());
    y.push(Number((x[0][i] + x[1][i] > 1) !== (chance() < 0.125)));
  }
  return { x, y, chance };
}

// How often each tree has each point.
function drawRows(trees, chance) {
  return Array.from({ length: trees }, () => {
    const counts = new Int32Array(POINTS);
    for (let i = 0; i < POINTS; i++) counts[Math.floor(chance() * POINTS)]++;
    return counts;
  });
}

// A node holds its points in the order of each column, and the weight of each class.
function makeNode(lists, counts, y) {
  const weight = [0, 0];
  for (const i of lists[0]) weight[y[i]] += counts[i];
  return { lists, counts, weight, share: weight[1] / (weight[0] + weight[1]) };
}

// The best split of a node on one column, if it beats the score of `best`.
function tryColumn(node, column, { x, y }, best) {
  const list = node.lists[column];
  const values = x[column];
  let [left0, left1] = [0, 0];
  for (let k = 0; k + 1 < list.length; k++) {
    const i = list[k];
    if (y[i]) left1 += node.counts[i]; else left0 += node.counts[i];
    const [below, above] = [values[i], values[list[k + 1]]];
    if (below === above) continue;
    const [right0, right1] = [node.weight[0] - left0, node.weight[1] - left1];
    const score = (left0 * left0 + left1 * left1) / (left0 + left1)
      + (right0 * right0 + right1 * right1) / (right0 + right1);
    if (score > best.score) best = { score, column, below, above };
  }
  return best;
}

// Both columns, or the one that was drawn; the other where the drawn one cannot split.
function bestSplit(node, drawn, data) {
  let best = { score: -Infinity };
  for (const column of drawn ?? [0, 1]) {
    best = tryColumn(node, column, data, best);
    if (drawn && best.score > -Infinity) break;
  }
  return best;
}

function splitNode(node, { column, below, above }, { x, y }) {
  node.column = column;
  node.threshold = (below + above) / 2; // exact: places have 32 bits
  const goesLeft = i => x[column][i] <= node.threshold;
  node.left = makeNode(node.lists.map(list => list.filter(goesLeft)), node.counts, y);
  node.right = makeNode(node.lists.map(list => list.filter(i => !goesLeft(i))), node.counts, y);
  return [node.left, node.right];
}

// The roots of trees that grow together, level by level, as the chapter's `grow` does.
export function growTrees(data, trees, depth, columns) {
  const { x, y, chance } = data;
  const orders = x.map(values => [...values.keys()].sort((i, j) => values[i] - values[j]));
  const roots = drawRows(trees, chance).map(counts =>
    makeNode(orders.map(order => order.filter(i => counts[i])), counts, y));
  let level = roots;
  for (let d = 0; d < depth && level.length; d++) {
    const open = level.filter(node => node.weight[0] && node.weight[1]);
    const drawn = open.map(() => (columns === 1 ? (chance() < chance() ? [0, 1] : [1, 0]) : null));
    level = open.flatMap((node, k) => {
      const split = bestSplit(node, drawn[k], data);
      return split.score > -Infinity ? splitNode(node, split, data) : [];
    });
  }
  return roots;
}

// What a tree says of each place, row by row from the lower left.
export const SIDE = 20;
export const PLACES = SIDE * SIDE;
const edge = k => (k + 0.5) / SIDE;
export function ask(root) {
  const said = new Float64Array(PLACES);
  for (let p = 0; p < PLACES; p++) {
    const [x0, x1] = [edge(p % SIDE), edge(Math.floor(p / SIDE))];
    let node = root;
    while (node.left) {
      node = (node.column ? x1 : x0) <= node.threshold ? node.left : node.right;
    }
    said[p] = node.share;
  }
  return said;
}

// Points, what each tree says, and the mean, of one measurement.
export function look({ seed, trees, depth, columns }, number) {
  const data = measure(seed, number);
  const said = growTrees(data, trees, depth, columns).map(ask);
  const mean = new Float64Array(PLACES);
  for (const each of said) for (let p = 0; p < PLACES; p++) mean[p] += each[p] / trees;
  return { ...data, said, mean };
}

// The part of the places at which the larger share is the true class.
export function right(said) {
  let count = 0;
  for (let p = 0; p < PLACES; p++) {
    const above = p % SIDE + Math.floor(p / SIDE) + 1 > SIDE;
    count += (said[p] > 0.5) === above;
  }
  return count / PLACES;
}

// Sums over measurements, for each place: of the first four trees and of the mean, of their
// squares, and of the products of trees 1 and 2, 3 and 4.
const sums = count => Array.from({ length: count }, () => new Float64Array(PLACES));
export const startCount = () => ({ done: 0, one: sums(5), square: sums(5), product: sums(2) });
export function addTo(count, { said, mean }) {
  const five = [...said.slice(0, 4), mean];
  for (let p = 0; p < PLACES; p++) {
    five.forEach((values, k) => {
      count.one[k][p] += values[p];
      count.square[k][p] += values[p] ** 2;
    });
    for (const k of [0, 1]) count.product[k][p] += said[2 * k][p] * said[2 * k + 1][p];
  }
  count.done++;
}

// Variance of one tree, correlation of two, the formula for the mean, and the measured variance.
export function numbers({ done, one, square, product }, trees) {
  const covariance = (products, a, b) => products.reduce((sum, value, p) =>
    sum + value - a[p] * b[p] / done, 0) / (done - 1) / PLACES;
  const each = [0, 1, 2, 3, 4].map(k => covariance(square[k], one[k], one[k]));
  const variance = (each[0] + each[1] + each[2] + each[3]) / 4;
  const shared = (covariance(product[0], one[0], one[1])
    + covariance(product[1], one[2], one[3])) / 2;
  const rho = shared / variance;
  return { variance, rho, formula: variance * (rho + (1 - rho) / trees), measured: each[4] };
}

const LIMITS = { seed: [0, 2 ** 31], measurements: [1, 2000], trees: [4, 40], depth: [1, 10],
  columns: [1, 2] };
export const KEYS = Object.keys(LIMITS);

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  const wrong = KEYS.find(key => !(Number.isInteger(state[key])
    && state[key] >= LIMITS[key][0] && state[key] <= LIMITS[key][1]));
  return wrong ? `${wrong} must be a whole number from ${LIMITS[wrong].join(' to ')}, `
    + `not ${JSON.stringify(state[wrong])}.` : '';
}

// ------------------------------------------------------------------ part 2: words

export const percent = x => `${Math.round(100 * x)}\u00a0%`;
export const short = x => x.toFixed(3).replace('-', '−');

export function summary({ measurements, trees }, { said, mean }) {
  return `Measurement ${measurements}: its first tree is right at ${percent(right(said[0]))} of `
    + `the places, the average of ${trees} at ${percent(right(mean))}.`;
}

// What the count says so far.
export function remark({ measurements, trees }, count, found) {
  if (count.done < 2) return 'Resample, and the counting begins: it needs two measurements.';
  const so = `Counted over ${count.done} of ${measurements} measurements: `
    .replace(count.done === measurements ? ` of ${measurements}` : /$^/, '');
  const part = found.measured / found.variance;
  return `${so}averaging ${trees} trees leaves ${percent(part)} of a tree’s variance; `
    + `the formula says ${percent(found.formula / found.variance)}.`;
}

// ------------------------------------------------------------------ part 3: drawing

const SVG = 'http://www.w3.org/2000/svg';
function addElement(parent, element, className, attributes, text) {
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
const make = (tag, className, parent, attributes = {}, text = '') =>
  addElement(parent, document.createElement(tag), className, attributes, text);
const trace = (tag, className, parent, attributes = {}) =>
  addElement(parent, document.createElementNS(SVG, tag), className, attributes, '');
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
const control = (tag, className, parent, attributes, text) =>
  make(tag, className, parent, { 'data-lm-suppress-shortcuts': 'true', ...attributes }, text);

const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes) {
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- maps

const LOW = [0, 114, 178];
const MIDDLE = [247, 247, 247];
const HIGH = [213, 94, 0];
export function colour(share) {
  const [end, part] = share < 0.5 ? [LOW, 1 - 2 * share] : [HIGH, 2 * share - 1];
  return MIDDLE.map((c, k) => Math.round(c + 0.85 * part * (end[k] - c)));
}

function makeMap(parent, className) {
  const figure = make('figure', `bag-figure ${className}`, parent);
  const box = make('div', 'bag-map', figure);
  const canvas = make('canvas', '', box, { width: SIDE, height: SIDE, role: 'img' });
  const svg = trace('svg', '', box, { viewBox: '0 0 100 100', 'aria-hidden': 'true' });
  trace('path', 'bag-truth', svg, { d: 'M0 0L100 100' });
  return { canvas, svg, caption: make('figcaption', '', figure), pen: canvas.getContext('2d') };
}

function paint(map, said, name) {
  const image = map.pen.createImageData(SIDE, SIDE);
  for (let p = 0; p < PLACES; p++) {
    const at = 4 * ((SIDE - 1 - Math.floor(p / SIDE)) * SIDE + p % SIDE);
    image.data.set([...colour(said[p]), 255], at);
  }
  map.pen.putImageData(image, 0, 0);
  setText(map.caption, `${name}: ${percent(right(said))}`);
  map.canvas.setAttribute('aria-label', `${map.caption.textContent} right`);
}

// Labels 0 are triangles, labels 1 are dots.
function pointPath({ x, y }, label) {
  return y.map((each, i) => {
    if (each !== label) return '';
    const [across, down] = [100 * x[0][i], 100 * (1 - x[1][i])].map(v => v.toFixed(1));
    return label ? `M${across} ${down}m-1.4 0a1.4 1.4 0 1 0 2.8 0a1.4 1.4 0 1 0-2.8 0`
      : `M${across} ${down}m-1.8-1.2h3.6l-1.8 3z`;
  }).join('');
}

const SHOWN = 8; // small maps
function makeMaps(view, parent) {
  const box = make('div', 'bag-maps', parent);
  view.large = makeMap(box, 'bag-large');
  make('small', 'bag-key', view.large.caption.parentElement, {},
    'of all places right; ● is 1, ▼ is 0');
  view.points = [0, 1].map(() => trace('path', 'bag-points', view.large.svg));
  const few = make('div', 'bag-few', box);
  view.small = Array.from({ length: SHOWN }, () => makeMap(few, ''));
}

function showMaps(view, { trees }, seen) {
  paint(view.large, seen.mean, `mean of ${trees}`);
  view.points.forEach((path, label) => path.setAttribute('d', pointPath(seen, label)));
  view.small.forEach((map, k) => {
    const there = k < trees;
    map.canvas.closest('figure').hidden = !there;
    if (there) paint(map, seen.said[k], `tree ${k + 1}`);
  });
}

// ---- the four numbers

const BARS = { variance: 'one tree: variance σ²', formula: 'mean: by ρσ² + (1−ρ)σ²/B',
  measured: 'mean: variance measured', rho: 'two trees: correlation ρ' };
function makeBars(view, parent) {
  const box = make('div', 'bag-bars', parent);
  view.bars = Object.fromEntries(Object.entries(BARS).map(([key, label]) => {
    const row = make('div', `bag-row bag-${key}`, box);
    make('span', '', row, {}, label);
    const track = make('div', 'bag-track', row, { 'aria-hidden': 'true' });
    return [key, { fill: make('div', 'bag-fill', track), number: make('output', '', row) }];
  }));
}

function showBars(view, found) {
  for (const [key, { fill, number }] of Object.entries(view.bars)) {
    const value = found?.[key];
    const whole = key === 'rho' ? 1 : 0.25;
    setText(number, value === undefined ? '–' : short(value));
    fill.style.width = `${100 * Math.min(1, Math.max(0, (value ?? 0) / whole))}%`;
  }
}

// ---- controls

function makeSlider(view, parent, key, label) {
  const row = make('label', 'bag-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', '', row);
  const [min, max] = LIMITS[key];
  const input = control('input', 'bag-range', row,
    { type: 'range', 'aria-label': label, min, max });
  input.oninput = () => change(view, { [key]: Number(input.value), measurements: 1 });
  return state => {
    input.value = state[key];
    setText(number, String(state[key]));
  };
}

function makeChoice(view, parent) {
  const group = `bag-columns-${Math.random()}`; // each explorable's radio buttons are a group
  const box = make('fieldset', 'bag-choice', parent);
  make('legend', '', box, {}, 'a node looks at');
  const inputs = [[2, 'both columns'], [1, 'one at random']].map(([value, text]) => {
    const label = make('label', '', box);
    const input = control('input', '', label, { type: 'radio', name: group, value });
    label.append(text);
    input.onchange = () => change(view, { columns: value, measurements: 1 });
    return [value, input];
  });
  return state => inputs.forEach(([value, input]) => { input.checked = state.columns === value; });
}

function makeControls(view, parent) {
  const box = make('div', 'bag-controls', parent);
  view.shows = [makeSlider(view, box, 'trees', 'trees'), makeSlider(view, box, 'depth', 'depth'),
    makeChoice(view, box)];
  const row = make('div', 'bag-buttons', parent);
  const button = (text, act, more = '') => {
    control('button', `bag-button ${more}`, row, { type: 'button' }, text).onclick = act;
  };
  const further = by => change(view, {
    measurements: Math.min(LIMITS.measurements[1], view.model.get('measurements') + by) });
  button('Resample', () => further(1), 'bag-main');
  button('100 times', () => further(100));
  button('Start again', () => change(view, view.first), 'bag-reset');
}

// ---- all of it

function build(view) {
  makeMaps(view, view.body);
  const below = make('div', 'bag-below', view.body);
  const side = make('div', 'bag-side', below);
  makeControls(view, side);
  makeBars(view, below);
  const live = make('div', 'bag-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', live);
  view.note = make('div', 'bag-note', live);
}

// Count in slices of a few milliseconds, so that the page answers meanwhile.
function countOn(view, state) {
  cancelAnimationFrame(view.frame);
  const until = performance.now() + 6;
  while (view.count.done < state.measurements && performance.now() < until) {
    const number = view.count.done + 1;
    addTo(view.count, number === view.number ? view.seen : look(state, number));
  }
  showCount(view, state);
  if (view.count.done < state.measurements) {
    view.frame = requestAnimationFrame(() => countOn(view, state));
  }
}

function showCount(view, state) {
  const found = view.count.done > 1 ? numbers(view.count, state.trees) : undefined;
  showBars(view, found);
  setText(view.note, remark(state, view.count, found));
}

const sameTrees = (a, b) => KEYS.every(key => key === 'measurements' || a[key] === b[key]);

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  cancelAnimationFrame(view.frame);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  if (!view.large) build(view);
  if (!view.state || !sameTrees(state, view.state) || view.count.done > state.measurements) {
    view.count = startCount();
  }
  view.state = state;
  view.number = state.measurements;
  view.seen = look(state, view.number);
  view.shows.forEach(show => show(state));
  showMaps(view, state, view.seen);
  setText(view.words, summary(state, view.seen));
  countOn(view, state);
}

function render({ model, el }) {
  const view = { model, el, quiet: false, frame: 0 };
  el.replaceChildren();
  el.classList.add('bag');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'trees on bootstrap samples');
  el.dataset.explorable = 'bagging';
  view.trouble = make('p', 'bag-trouble', el, { role: 'alert' });
  view.body = make('div', 'bag-body', el);
  draw(view);
  const again = () => { if (!view.quiet) draw(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => {
    cancelAnimationFrame(view.frame);
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

// A small net on points of two classes: trained here, its probability drawn over the plane.
//
// Part 1 is arithmetic on typed arrays. Part 2 makes the words. Part 3 draws. Part 4 trains.
//
// state: sets (name: [[x, y, class], …]), data (one of those names), hidden (units of each hidden
// layer), activation ('tanh' or 'relu'), lr, seed, held_out (the share of points to test on).

// ------------------------------------------------------------------ part 1: arithmetic

export const BATCH = 16;         // points in a mini-batch
export const LIMIT = 2000;       // epochs, then training ends
export const GUESS = Math.log(2); // the loss of a net that says p = 0.5 everywhere
const FAR = 10 * GUESS;          // a loss above this is called divergence

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

export function shuffle(list, random) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

// The weights (outputs × inputs) and biases of each layer, as windows on one flat array.
function windows(sizes, flat) {
  let at = 0;
  const next = length => flat.subarray(at, at += length);
  return sizes.slice(1).map((outputs, l) => {
    const inputs = sizes[l];
    return { inputs, outputs, w: next(inputs * outputs), b: next(outputs) };
  });
}

// A net from 2 inputs to 1 logit. Each number starts uniform within ±1/√inputs, as nn.Linear's.
export function makeNet({ hidden, activation }, random) {
  const sizes = [2, ...hidden, 1];
  const count = sizes.slice(1).reduce((sum, outputs, l) => sum + (sizes[l] + 1) * outputs, 0);
  const values = new Float64Array(count);
  const layers = windows(sizes, values);
  for (const { inputs, w, b } of layers) {
    for (const part of [w, b]) part.forEach((_, i) => {
      part[i] = (2 * random() - 1) / Math.sqrt(inputs);
    });
  }
  return { sizes, activation, values, layers };
}

// out = x W^T + b, for `count` rows of x
function affine({ inputs, outputs, w, b }, x, out, count) {
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < outputs; j++) {
      let sum = b[j];
      for (let k = 0; k < inputs; k++) sum += w[j * inputs + k] * x[i * inputs + k];
      out[i * outputs + j] = sum;
    }
  }
}
function activate(activation, a) {
  if (activation === 'tanh') for (let i = 0; i < a.length; i++) a[i] = Math.tanh(a[i]);
  else for (let i = 0; i < a.length; i++) a[i] = Math.max(a[i], 0);
}

// What each layer gives for the points xs (x, y, x, y, …): xs itself, each hidden layer, logits.
export function forward(net, xs, room) {
  const count = xs.length / 2;
  const acts = room ?? [xs, ...net.layers.map(l => new Float64Array(count * l.outputs))];
  net.layers.forEach((layer, l) => {
    affine(layer, acts[l], acts[l + 1], count);
    if (l + 1 < net.layers.length) activate(net.activation, acts[l + 1]);
  });
  return acts;
}

// 1 / (1 + exp(−z)), with an exp that cannot overflow.
export function sigmoid(z) {
  const small = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : small) / (1 + small);
}

// The mean of −y log p − (1 − y) log(1 − p) for p = sigmoid(z), without ever taking the log of 0.
export function meanLoss(logits, ys) {
  let sum = 0;
  logits.forEach((z, i) => {
    sum += Math.max(z, 0) - z * ys[i] + Math.log1p(Math.exp(-Math.abs(z)));
  });
  return sum / ys.length;
}

// Through one layer, from the gradient of its outputs to that of its numbers and of its inputs.
function affineBackward({ inputs, outputs, w }, x, dOut, grad, dx) {
  const count = dOut.length / outputs;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < outputs; j++) {
      const d = dOut[i * outputs + j];
      grad.b[j] += d;
      for (let k = 0; k < inputs; k++) {
        grad.w[j * inputs + k] += d * x[i * inputs + k];
        if (dx) dx[i * inputs + k] += d * w[j * inputs + k];
      }
    }
  }
}
function activateBackward(activation, a, da) {
  if (activation === 'tanh') for (let i = 0; i < a.length; i++) da[i] *= 1 - a[i] * a[i];
  else for (let i = 0; i < a.length; i++) if (a[i] <= 0) da[i] = 0;
}

// The loss, and its gradient for every number of the net, in the order of net.values.
export function gradients(net, xs, ys) {
  const acts = forward(net, xs);
  const logits = acts.at(-1);
  const flat = new Float64Array(net.values.length);
  const grads = windows(net.sizes, flat);
  let d = logits.map((z, i) => (sigmoid(z) - ys[i]) / ys.length); // p − y, of the mean
  for (let l = net.layers.length - 1; l >= 0; l--) {
    const dx = l > 0 ? new Float64Array(acts[l].length) : null;
    affineBackward(net.layers[l], acts[l], d, grads[l], dx);
    if (dx) activateBackward(net.activation, acts[l], dx);
    d = dx;
  }
  return { loss: meanLoss(logits, ys), grads: flat };
}

export const makeAdam = count =>
  ({ step: 0, m: new Float64Array(count), v: new Float64Array(count) });

// One step of Adam, with torch's defaults: betas 0.9 and 0.999, eps 1e-8.
export function adamStep(adam, values, grads, lr) {
  const { m, v } = adam;
  adam.step += 1;
  const [first, second] = [1 - 0.9 ** adam.step, 1 - 0.999 ** adam.step];
  for (let i = 0; i < values.length; i++) {
    m[i] = 0.9 * m[i] + 0.1 * grads[i];
    v[i] = 0.999 * v[i] + 0.001 * grads[i] * grads[i];
    values[i] -= (lr / first) * m[i] / (Math.sqrt(v[i] / second) + 1e-8);
  }
}

function pack(points, order) {
  return { xs: Float64Array.from(order.flatMap(i => points[i].slice(0, 2))),
    ys: Float64Array.from(order, i => points[i][2]), order };
}

// The loss and how many points are on their side; null without points.
export function evaluate(net, { xs, ys }) {
  if (!ys.length) return null;
  const logits = forward(net, xs).at(-1);
  let right = 0;
  logits.forEach((z, i) => { right += (z > 0) === (ys[i] === 1); });
  return { loss: meanLoss(logits, ys), right };
}

// A net at epoch 0. A larger share held out keeps those that were, and starts the same net.
export function startRun(state) {
  const random = generator(state.seed);
  const points = state.sets[state.data];
  const order = shuffle(points.map((_, i) => i), random);
  const cut = Math.round(state.held_out * points.length);
  const net = makeNet(state, random);
  const run = { net, random, adam: makeAdam(net.values.length), epoch: 0, diverged: false,
    held: pack(points, order.slice(0, cut)), train: pack(points, order.slice(cut)),
    history: { train: [], held: [] } };
  record(run);
  return run;
}

function record(run) {
  for (const part of ['train', 'held']) run.history[part].push(evaluate(run.net, run[part]));
  run.diverged = !(run.history.train.at(-1).loss <= FAR);
}

// Each mini-batch of one epoch: places in the training set, in a new order.
export function batches({ train, random }) {
  const order = shuffle(train.order.map((_, i) => i), random);
  const starts = Array.from({ length: Math.ceil(order.length / BATCH) }, (_, k) => k * BATCH);
  return starts.map(at => order.slice(at, at + BATCH));
}

export function trainEpoch(run, lr) {
  const { net, adam, train } = run;
  for (const batch of batches(run)) {
    const xs = new Float64Array(2 * batch.length);
    batch.forEach((i, k) => { xs[2 * k] = train.xs[2 * i]; xs[2 * k + 1] = train.xs[2 * i + 1]; });
    const { grads } = gradients(net, xs, Float64Array.from(batch, i => train.ys[i]));
    adamStep(adam, net.values, grads, lr);
  }
  run.epoch += 1;
  record(run);
}

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
const isCount = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;
const isPoint = point => Array.isArray(point) && point.length === 3
  && isNumber(point[0], -1.2, 1.2) && isNumber(point[1], -1.2, 1.2)
  && (point[2] === 0 || point[2] === 1);

function problemOfSets(sets) {
  if (!sets || typeof sets !== 'object' || Array.isArray(sets) || !Object.keys(sets).length) {
    return 'sets must hold at least one list of points, by its name.';
  }
  for (const [name, points] of Object.entries(sets)) {
    if (!Array.isArray(points) || !isCount(points.length, 4, 1000)) {
      return `The set ${name} must be a list of 4 to 1000 points.`;
    }
    const i = points.findIndex(point => !isPoint(point));
    if (i >= 0) {
      return `Point ${i} of ${name} must be [x, y, class], x and y within ±1.2 and class 0 or 1, `
        + `not ${JSON.stringify(points[i])}.`;
    }
  }
  return '';
}

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ sets, data, hidden, lr, activation, seed, held_out: share }) {
  const wrong = problemOfSets(sets);
  if (wrong) return wrong;
  if (!Object.hasOwn(sets, data)) {
    return `data must be one of ${Object.keys(sets).join(', ')}, not ${JSON.stringify(data)}.`;
  }
  if (!Array.isArray(hidden) || !isCount(hidden.length, 1, 3)) {
    return 'hidden must list the units of 1 to 3 layers.';
  }
  const layer = hidden.findIndex(units => !isCount(units, 1, 16));
  if (layer >= 0) return `A hidden layer has 1 to 16 units, not ${JSON.stringify(hidden[layer])}.`;
  if (!isNumber(lr, 1e-5, 10)) return `lr must be a number from 0.00001 to 10, not ${lr}.`;
  if (activation !== 'tanh' && activation !== 'relu') {
    return `activation must be 'tanh' or 'relu', not ${JSON.stringify(activation)}.`;
  }
  if (!isCount(seed, 0, 9999)) return `seed must be a whole number from 0 to 9999, not ${seed}.`;
  if (!isNumber(share, 0, 0.9)) return `held_out must be a number from 0 to 0.9, not ${share}.`;
  return '';
}

// The plane is seen through a square of SIDE × SIDE places; a rim of one lies outside of it.
const SIDE = 52;
const EXTENT = 1.3;
const place = i => ((2 * i - 1) / (SIDE - 2) - 1) * EXTENT;
export const GRID = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, i) => {
  const at = i >> 1;
  return i % 2 ? -place(Math.floor(at / SIDE)) : place(at % SIDE); // the first row is the highest
});

const AROUND = [[0, 0], [1, 0], [1, 1], [0, 1]]; // the corners of a cell

// Where the logits of a square grid cross 0: pieces [x, y, x, y] in places of the grid.
export function boundary(z, side = SIDE) {
  const pieces = [];
  for (let at = 0; at < side * (side - 1); at++) {
    if (at % side === side - 1) continue;
    const above = (z[at] > 0) + (z[at + 1] > 0) + (z[at + side] > 0) + (z[at + side + 1] > 0);
    if (above % 4 === 0) continue;
    const cuts = AROUND.flatMap(([x, y], k) => {
      const [x2, y2] = AROUND[(k + 1) % 4];
      const [a, b] = [z[at + x + side * y], z[at + x2 + side * y2]];
      if ((a > 0) === (b > 0)) return [];
      const t = a / (a - b);
      return [[at % side + x + t * (x2 - x), Math.floor(at / side) + y + t * (y2 - y)]];
    });
    for (let k = 0; k + 1 < cuts.length; k += 2) pieces.push([...cuts[k], ...cuts[k + 1]]);
  }
  return pieces;
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−').replace('e+', 'e');
export function format(x) {
  if (!Number.isFinite(x)) return 'not a number';
  if (x !== 0 && (Math.abs(x) < 5e-4 || Math.abs(x) >= 1e4)) return minus(x.toExponential(0));
  return minus(x >= 100 ? x.toFixed(0) : x.toPrecision(2));
}
// 100 % only if all are right.
export const percent = ({ right }, { ys }) => `${Math.floor((100 * right) / ys.length)}\u00a0%`;

// The epoch of the lowest loss held out, if it has risen since; else −1.
export function lowest({ history, diverged }) {
  if (!history.held[0] || diverged) return -1;
  let best = 0;
  history.held.forEach(({ loss }, epoch) => { if (loss < history.held[best].loss) best = epoch; });
  return history.held.at(-1).loss > 1.05 * history.held[best].loss ? best : -1;
}

// How it stands, in sentences.
export function summary(run) {
  const [train, held, best] = [run.history.train.at(-1), run.history.held.at(-1), lowest(run)];
  if (run.diverged) {
    return `Diverged at epoch ${run.epoch}: the training loss is ${format(train.loss)}, more than `
      + `ten times that of guessing (${format(GUESS)}); the rate is too large.`;
  }
  const losses = format(train.loss) + (held ? `, held out ${format(held.loss)}` : '');
  const shares = percent(train, run.train) + (held ? ` and ${percent(held, run.held)}` : '');
  const words = [`Epoch ${run.epoch}: training loss ${losses}; ${shares} right.`];
  if (run.epoch === 0) words.push('The net is as it was drawn at random.');
  else if (run.epoch >= 20 && train.loss > 0.97 * GUESS) {
    words.push(`Guessing gives ${format(GUESS)}: hardly anything is learnt.`);
  } else if (best >= 0 && run.epoch >= 20) {
    words.push(`Held out, the loss was lowest at epoch ${best}: `
      + `${format(run.history.held[best].loss)}.`);
  }
  if (run.epoch >= LIMIT) words.push(`Training stops here, at ${LIMIT} epochs.`);
  return words.join(' ');
}

// ------------------------------------------------------------------ part 3: drawing

const KEYS = ['sets', 'data', 'hidden', 'lr', 'activation', 'seed', 'held_out'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));
const between = (low, x, high) => Math.min(Math.max(x, low), high);

const SVG = 'http://www.w3.org/2000/svg';
function decorate(element, className, parent, attributes, text) {
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
const make = (tag, className, parent, attributes = {}, text = '') =>
  decorate(document.createElement(tag), className, parent, attributes, text);
const shape = (tag, className, parent, attributes = {}, text = '') =>
  decorate(document.createElementNS(SVG, tag), className, parent, attributes, text);
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
const control = (tag, className, parent, attributes, text) => make(tag, className, parent,
  { 'data-lm-suppress-shortcuts': 'true', ...attributes }, text);
function button(className, parent, text, onclick, attributes = {}) {
  const all = { type: 'button', ...attributes };
  return Object.assign(control('button', `pg-button ${className}`, parent, all, text), { onclick });
}

// Change several keys, and draw once.
function change(view, changes) {
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  update(view);
}

// ---- controls

const CLASSES = ['#005a94', '#b34700'];

function makeRadio(view, parent, key, value) {
  const label = make('label', `pg-choice pg-of-${key}`, parent);
  const input = control('input', '', label,
    { type: 'radio', name: `${view.id}-${key}`, 'aria-label': value });
  input.onchange = () => change(view, { [key]: value });
  view.radios.push({ key, value, label, input });
  return label;
}

function makeSets(view, parent, sets) {
  const group = make('div', 'pg-choices', parent, { role: 'radiogroup', 'aria-label': 'data' });
  for (const [name, points] of Object.entries(sets)) {
    const label = makeRadio(view, group, 'data', name);
    const pen = make('canvas', '', label, { width: 88, height: 88, 'aria-hidden': 'true' })
      .getContext('2d');
    for (const [x, y, c] of points) {
      pen.fillStyle = CLASSES[c];
      pen.fillRect(43 + 33 * x, 43 - 33 * y, 3, 3);
    }
    make('span', '', label, {}, name);
  }
}

function makeSlider(view, parent, name, attributes, set) {
  const label = make('label', `pg-field pg-slider-${name.split(' ')[0]}`, parent);
  make('span', '', label, {}, name);
  const input = control('input', 'pg-range', label,
    { type: 'range', 'aria-label': name, ...attributes });
  input.oninput = () => change(view, set(Number(input.value)));
  const number = make('output', 'pg-number', label);
  return (value, text) => {
    input.value = value;
    const { min, max } = attributes;
    input.style.setProperty('--pg-much', between(0, (value - min) / (max - min), 1));
    input.setAttribute('aria-valuetext', text);
    setText(number, text);
  };
}

function makeStepper(parent, name, [min, max], set) {
  const box = make('div', 'pg-stepper', parent);
  const step = by => () => set(between(min, Number(input.value) + by, max));
  const side = (text, by, words) => button('pg-step', box, text, step(by),
    { tabindex: -1, 'aria-label': `${words}: ${name}` });
  side('−', -1, 'less');
  const input = control('input', 'pg-count', box,
    { type: 'number', min, max, step: 1, inputmode: 'numeric', 'aria-label': name });
  side('+', 1, 'more');
  input.oninput = () => { // an empty field is on its way to a number
    const value = input.valueAsNumber;
    if (Number.isFinite(value)) set(between(min, Math.round(value), max));
  };
  let now;
  input.onblur = () => { input.value = now; };
  return value => {
    now = value;
    if (input.valueAsNumber !== value) input.value = value;
  };
}

const lrText = lr => String(+lr.toPrecision(2)).replace('e-', 'e−');

function makeHead(view, parent, { sets }) {
  const head = make('div', 'pg-head', parent);
  makeSets(view, head, sets);
  const fields = make('div', 'pg-fields', head);
  const rate = makeSlider(view, fields, 'rate', { min: -3, max: 1, step: 0.05 },
    x => ({ lr: +(10 ** x).toPrecision(2) }));
  const share = makeSlider(view, fields, 'held out', { min: 0, max: 0.9, step: 0.05 },
    x => ({ held_out: +x.toFixed(2) }));
  const last = make('div', 'pg-field', fields);
  const group = make('div', 'pg-choices', last,
    { role: 'radiogroup', 'aria-label': 'activation' });
  for (const name of ['tanh', 'relu']) {
    make('span', '', makeRadio(view, group, 'activation', name), {}, name);
  }
  const seed = make('div', 'pg-field pg-seed', last);
  make('span', '', seed, {}, 'seed');
  const showSeed = makeStepper(seed, 'seed', [0, 9999], x => change(view, { seed: x }));
  view.showFields = state => {
    rate(Math.log10(state.lr), lrText(state.lr));
    share(state.held_out, `${Math.round(100 * state.held_out)} %`);
    showSeed(state.seed);
    for (const { key, value, input, label } of view.radios) {
      input.checked = state[key] === value;
      label.classList.toggle('pg-on', input.checked);
    }
  };
}

function makeBar(view, parent) {
  const bar = make('div', 'pg-bar', parent);
  view.play = button('pg-play', bar, '', () => togglePlaying(view));
  const icon = shape('svg', 'pg-icon', view.play, { viewBox: '0 0 16 16', 'aria-hidden': 'true' });
  view.icon = shape('path', '', icon);
  view.playText = make('span', '', view.play);
  view.steps = [1, 10].map(count => button('', bar, `${count} epoch${count > 1 ? 's' : ''}`,
    () => { if (!ended(view.run)) stepOn(view, count); }));
  button('pg-anew', bar, 'Start anew', () => { restart(view); showRun(view, true); });
}

// ---- the plane: its probability, the line where it is one half, the points

const FRAME = 340;
const toFrame = x => ((x / EXTENT + 1) * FRAME) / 2;
const fromGrid = i => ((i - 0.5) / (SIDE - 2)) * FRAME;

// A colour from blue (t = −1) through white to orange (t = 1), into four bytes.
function paint(bytes, at, t) {
  const much = Math.min(Math.abs(t), 1);
  const [r, g, b] = t < 0 ? [97, 166, 214] : [240, 160, 92];
  bytes[at] = 255 - much * (255 - r);
  bytes[at + 1] = 255 - much * (255 - g);
  bytes[at + 2] = 255 - much * (255 - b);
  bytes[at + 3] = 255;
}

function makePlane(view, parent) {
  const box = make('div', 'pg-plane', parent);
  const frame = make('div', 'pg-frame', box, { role: 'img' });
  const pen = make('canvas', '', frame, { width: SIDE, height: SIDE }).getContext('2d');
  const svg = shape('svg', '', frame, { viewBox: `0 0 ${FRAME} ${FRAME}` });
  view.plane = { frame, pen, image: pen.createImageData(SIDE, SIDE),
    line: shape('path', 'pg-line', svg), points: shape('g', '', svg) };
  makeLegend(box);
}

function makePoint(parent, [x, y, c], held) {
  const group = shape('g', `pg-point pg-class${c}`, parent);
  if (c) shape('rect', '', group, { x: x - 3.4, y: y - 3.4, width: 6.8, height: 6.8 });
  else shape('circle', '', group, { cx: x, cy: y, r: 4.2 });
  if (held) shape('circle', 'pg-dot', group, { cx: x, cy: y, r: 1.7 });
}

function makeLegend(parent) {
  const legend = make('div', 'pg-legend', parent);
  for (const [text, ...icons] of [['class 0', [0, 0]], ['class 1', [1, 0]],
    ['held out', [0, 1], [1, 1]]]) {
    const entry = make('span', '', legend);
    for (const [c, held] of icons) {
      const svg = shape('svg', 'pg-key', entry, { viewBox: '0 0 14 14', 'aria-hidden': 'true' });
      makePoint(svg, [7, 7, c], held);
    }
    entry.append(text);
  }
  const scale = make('span', 'pg-scale', legend);
  make('span', '', scale, {}, 'p = 0');
  make('i', '', scale);
  make('span', '', scale, {}, '1');
}

function showPoints({ plane, run, state }) {
  plane.points.replaceChildren();
  for (const part of ['train', 'held']) {
    for (const i of run[part].order) {
      const [x, y, c] = state.sets[state.data][i];
      makePoint(plane.points, [toFrame(x), toFrame(-y), c], part === 'held');
    }
  }
}

function showPlane({ plane, acts }) {
  const logits = acts.at(-1);
  logits.forEach((z, i) => paint(plane.image.data, 4 * i, 2 * sigmoid(z) - 1));
  plane.pen.putImageData(plane.image, 0, 0);
  plane.line.setAttribute('d', boundary(logits).map(piece => {
    const [x, y, x2, y2] = piece.map(i => fromGrid(i).toFixed(1));
    return `M${x} ${y}L${x2} ${y2}`;
  }).join(''));
}

// ---- the losses, on a scale of powers of ten

const [WIDE, HIGH, LEFT, TOP, BOTTOM] = [340, 196, 36, 10, 24];
const PARTS = [['train', 'training'], ['held', 'held out']];

function makeChart(view, parent) {
  const box = make('div', 'pg-chart', parent);
  const title = make('div', 'pg-title', box);
  make('b', '', title, {}, 'Loss');
  view.epoch = make('span', 'pg-epoch', title);
  const svg = shape('svg', '', box, { viewBox: `0 0 ${WIDE} ${HIGH}`, 'aria-hidden': 'true' });
  view.chart = { axes: shape('g', '', svg) };
  for (const [part] of PARTS) view.chart[part] = shape('path', `pg-curve pg-${part}`, svg);
  view.chart.best = shape('circle', 'pg-best', svg, { r: 4 });
  const table = make('table', 'pg-table', box);
  const head = make('tr', '', make('thead', '', table));
  for (const title of ['points', 'loss', 'right']) make('th', '', head, { scope: 'col' }, title);
  const body = make('tbody', '', table);
  view.rows = PARTS.map(([part, name]) => {
    const row = make('tr', '', body);
    const cell = make('th', '', row, { scope: 'row' });
    const key = shape('svg', 'pg-stroke', cell, { viewBox: '0 0 22 8', 'aria-hidden': 'true' });
    shape('path', `pg-curve pg-${part}`, key, { d: 'M1 4H21' });
    cell.append(name);
    return { part, count: make('small', '', cell), loss: make('td', '', row),
      right: make('td', '', row) };
  });
  view.words = make('p', 'pg-words', box, { 'aria-live': 'polite' });
}

function scales({ history, epoch }) {
  const all = [...history.train, ...history.held].filter(Boolean).map(each => each.loss);
  const power = (round, x) => round(Math.log10(between(1e-6, x, 1e4)) - 1e-9);
  const [low, high] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const [down, up] = [Math.min(power(Math.floor, low), -1), Math.max(power(Math.ceil, high), 0)];
  const last = [100, 200, 500, 1000].find(end => epoch <= end) ?? LIMIT;
  const y = loss => {
    const share = (Math.log10(between(1e-9, loss, 1e9)) - down) / (up - down);
    return between(TOP, HIGH - BOTTOM - share * (HIGH - BOTTOM - TOP), HIGH - BOTTOM);
  };
  return { x: at => LEFT + (at / last) * (WIDE - LEFT - 8), y, down, up, last };
}

function showAxes({ axes }, { x, y, down, up, last }) {
  const name = [down, up, last].join();
  if (axes.dataset.scales === name) return;
  axes.dataset.scales = name;
  axes.replaceChildren();
  const text = (at, height, words, anchor) => shape('text', 'pg-tick', axes,
    { x: at, y: height, 'text-anchor': anchor }, words);
  for (let power = down; power <= up; power++) {
    const at = y(10 ** power);
    shape('path', 'pg-grid', axes, { d: `M${LEFT} ${at}H${WIDE - 8}` });
    text(LEFT - 6, at + 4, power < -4 ? `1e−${-power}` : String(10 ** power), 'end');
  }
  shape('path', 'pg-guess', axes, { d: `M${LEFT} ${y(GUESS)}H${WIDE - 8}` });
  text(WIDE - 8, y(GUESS) + 12, 'guessing', 'end');
  for (const share of [0, 0.5, 1]) {
    const words = share ? String(last * share) : 'epoch 0';
    text(x(last * share), HIGH - 6, words, share === 1 ? 'end' : 'middle');
  }
}

function showChart({ chart, run, rows }) {
  const scale = scales(run);
  showAxes(chart, scale);
  for (const [part] of PARTS) {
    const list = run.history[part];
    const every = Math.ceil(list.length / 300);
    const seen = list.map((each, i) => [i, each])
      .filter(([i, each]) => each && (i % every === 0 || i === list.length - 1));
    chart[part].setAttribute('d', seen.map(([i, { loss }], k) =>
      `${k ? 'L' : 'M'}${scale.x(i).toFixed(1)} ${scale.y(loss).toFixed(1)}`).join(''));
  }
  const best = lowest(run);
  chart.best.setAttribute('visibility', best < 0 ? 'hidden' : 'visible');
  chart.best.setAttribute('cx', best < 0 ? 0 : scale.x(best));
  chart.best.setAttribute('cy', best < 0 ? 0 : scale.y(run.history.held[best].loss));
  for (const { part, count, loss, right } of rows) {
    const now = run.history[part].at(-1);
    setText(count, `${run[part].ys.length} points`);
    setText(loss, now ? format(now.loss) : '–');
    setText(right, now ? percent(now, run[part]) : '–');
  }
}

// ---- the net: a small picture for each unit

const SMALL = SIDE / 2;

function makeNetRows(view, parent) {
  const box = make('div', 'pg-net', parent);
  const head = make('div', 'pg-net-head', box);
  make('b', '', head, {}, 'Hidden layers');
  view.count = make('span', 'pg-note', head);
  const layers = make('div', '', head);
  view.layerButtons = [['Add a layer', 1], ['Remove a layer', -1]].map(([text, by]) => {
    const each = button('', layers, text, () => {
      const { hidden } = read(view.model);
      const next = by > 0 ? [...hidden, hidden.at(-1)] : hidden.slice(0, -1);
      if (isCount(next.length, 1, 3)) change(view, { hidden: next });
    });
    return { each, end: by > 0 ? 3 : 1 };
  });
  view.netRows = [0, 1, 2].map(l => {
    const row = make('div', 'pg-net-row', box);
    const set = units => change(view,
      { hidden: read(view.model).hidden.map((old, k) => (k === l ? units : old)) });
    const show = makeStepper(row, `units of layer ${l + 1}`, [1, 16], set);
    return { row, show, units: make('div', 'pg-units', row, { 'aria-hidden': 'true' }), pens: [] };
  });
  view.netText = make('p', 'pg-note', box);
}

function showNetRows(view, { hidden, activation }) {
  view.netRows.forEach(({ row, show, units, pens }, l) => {
    row.hidden = l >= hidden.length;
    if (row.hidden) return;
    show(hidden[l]);
    while (pens.length > hidden[l]) { units.lastChild.remove(); pens.pop(); }
    while (pens.length < hidden[l]) {
      pens.push(make('canvas', '', units, { width: SMALL, height: SMALL }).getContext('2d'));
    }
  });
  for (const { each, end } of view.layerButtons) {
    each.setAttribute('aria-disabled', hidden.length === end);
  }
  const colours = activation === 'tanh' ? 'blue −1, white 0, orange 1'
    : 'white 0, orange the most that it gives';
  setText(view.netText, `A picture each: what the unit gives over the plane (${colours}).`);
  setText(view.count, `${view.run.net.values.length} numbers to learn`);
}

function showUnits({ acts, netRows, state }) {
  const image = new ImageData(SMALL, SMALL);
  state.hidden.forEach((units, l) => netRows[l].pens.forEach((pen, j) => {
    const values = acts[l + 1];
    let most = 1;
    if (state.activation === 'relu') {
      most = 1e-9;
      for (let i = j; i < values.length; i += units) most = Math.max(most, values[i]);
    }
    for (let i = 0; i < SMALL * SMALL; i++) {
      const at = 2 * SIDE * Math.floor(i / SMALL) + 2 * (i % SMALL);
      paint(image.data, 4 * i, values[at * units + j] / most);
    }
    pen.putImageData(image, 0, 0);
  }));
}

// ------------------------------------------------------------------ part 4: training

const PACE = 60;     // epochs in a second
const BUDGET = 6;    // milliseconds of training in a frame; drawing takes about as long
const QUIET = 1500;  // milliseconds between two sentences
const ICONS = { play: 'M4 2.5v11l9-5.5z', pause: 'M4 3h3v10H4zM9 3h3v10H9z' };
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const ended = run => run.diverged || run.epoch >= LIMIT;

function restart(view) {
  pause(view);
  view.run = startRun(view.state);
  const rows = view.run.net.layers.map(l => new Float64Array(SIDE * SIDE * l.outputs));
  view.acts = [GRID, ...rows];
  showPoints(view);
}

function showRun(view, speak) {
  forward(view.run.net, GRID, view.acts);
  showPlane(view);
  showChart(view);
  showUnits(view);
  setText(view.epoch, `epoch ${view.run.epoch}`);
  showButtons(view);
  const now = performance.now();
  if (!speak && now - view.spoken < QUIET) return;
  view.spoken = now;
  const words = summary(view.run);
  setText(view.words, words);
  view.plane.frame.setAttribute('aria-label', `probability of class 1 over the plane. ${words}`);
}

function showButtons({ goal, run, steps, play, playText, icon }) {
  const playing = goal > run.epoch;
  setText(playText, playing ? 'Pause' : calm() ? '100 epochs' : 'Play');
  icon.setAttribute('d', playing ? ICONS.pause : ICONS.play);
  play.classList.toggle('pg-playing', playing);
  for (const step of steps) step.setAttribute('aria-disabled', ended(run));
}

function pause(view) {
  view.goal = 0;
  cancelAnimationFrame(view.timer);
  view.timer = 0;
}

function togglePlaying(view) {
  if (view.goal) {
    pause(view);
    return showRun(view, true);
  }
  if (ended(view.run)) restart(view);
  if (calm()) return stepOn(view, 100);
  view.goal = LIMIT;
  view.paced = true;
  return proceed(view);
}

// Train `count` epochs: now, or in the next frames as well if that takes long.
function stepOn(view, count) {
  pause(view);
  view.goal = Math.min(view.run.epoch + count, LIMIT);
  view.paced = false;
  work(view, performance.now());
}

function proceed(view) {
  if (!view.goal || view.timer || !view.visible) return;
  view.last = performance.now();
  view.timer = requestAnimationFrame(now => { view.timer = 0; work(view, now); });
}

function work(view, now) {
  const { run, state, goal } = view;
  const due = Math.max(1, Math.round(((now - view.last) * PACE) / 1000));
  const end = view.paced ? Math.min(goal, run.epoch + due) : goal;
  const until = performance.now() + BUDGET;
  while (run.epoch < end && !ended(run) && performance.now() < until) trainEpoch(run, state.lr);
  const done = run.epoch >= goal || ended(run);
  if (done) pause(view);
  if (done || !calm()) showRun(view, done);
  proceed(view);
}

// ---- all of it

function build(view, state) {
  view.body.replaceChildren();
  view.radios = [];
  makeHead(view, view.body, state);
  makeBar(view, view.body);
  const pictures = make('div', 'pg-pictures', view.body);
  makePlane(view, pictures);
  makeChart(view, pictures);
  makeNetRows(view, view.body);
  view.sets = state.sets;
}

// A new net, unless only the rate has changed.
function update(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return pause(view);
  const fresh = view.sets !== state.sets;
  if (fresh) build(view, state);
  view.state = state;
  const start = JSON.stringify({ ...state, sets: 0, lr: 0 });
  const anew = fresh || start !== view.start;
  view.start = start;
  if (anew) restart(view);
  view.showFields(state);
  if (!anew) return undefined;
  showNetRows(view, state);
  return showRun(view, true);
}

function render({ model, el }) {
  const id = `pg-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, goal: 0, timer: 0, spoken: 0, visible: true, quiet: false };
  el.replaceChildren();
  el.classList.add('pg');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'a small net in training');
  el.dataset.explorable = 'playground';
  view.trouble = make('p', 'pg-trouble', el, { role: 'alert' });
  view.body = make('div', 'pg-body', el);
  update(view);
  const again = () => { if (!view.quiet) update(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  const seen = new IntersectionObserver(entries => {
    view.visible = entries.at(-1).isIntersecting;
    if (view.visible) return proceed(view);
    cancelAnimationFrame(view.timer);
    view.timer = 0;
    return undefined;
  });
  seen.observe(el);
  return () => {
    pause(view);
    seen.disconnect();
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

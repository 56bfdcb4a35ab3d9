// A batch of points through batch normalisation: x, x̂ and y on three lines of one scale.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: batch_size (2 to 64), gamma (-3 to 3), beta (-4 to 4), training, momentum (0 to 1),
// mean (-3 to 7) and std (0.5 to 3) of the population, seed; watched: the example that is in every
// batch (-6 to 10); batch: how many batches have passed; running_mean and running_var as they were
// before the batch that is shown; history: [running mean, running var, batch's mean, its unbiased
// variance, 1 if it was counted] for each of the last batches that have passed.

// ------------------------------------------------------------------ part 1: arithmetic

const EPS = 1e-5;
const KEPT = 60; // entries of the history
export const TRAIL = 30; // batches in which the watched example is followed
export const LIMITS = {
  batch_size: [2, 64], gamma: [-3, 3], beta: [-4, 4], momentum: [0, 1], mean: [-3, 7],
  std: [0.5, 3], seed: [0, 1e9], watched: [-6, 10], batch: [0, 1e9],
  running_mean: [-1e6, 1e6], running_var: [0, 1e6],
};
const WHOLE = ['batch_size', 'seed', 'batch'];
export const KEYS = [...Object.keys(LIMITS), 'training', 'history'];

const range = n => Array.from({ length: n }, (_, i) => i);
const between = (low, x, high) => Math.min(Math.max(x, low), high);

// mulberry32: uniform numbers on [0, 1) from a seed of 32 bits.
function mulberry32(a) {
  return () => {
    a = a + 0x6D2B79F5 | 0;
    let t = Math.imul(a ^ a >>> 15, a | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

// Standard normal numbers of one batch, by Box and Muller; a larger batch begins with the same.
export function noise(seed, batch, count) {
  const uniform = mulberry32(Math.imul(seed, 0x9E3779B1) + Math.imul(batch + 1, 0x85EBCA6B) | 0);
  const normal = [];
  while (normal.length < count) {
    const size = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    normal.push(size * Math.cos(angle), size * Math.sin(angle));
  }
  return normal.slice(0, count);
}

// The watched example, then the others of its batch.
export function examples({ batch_size, mean, std, seed, watched }, batch) {
  return [watched, ...noise(seed, batch, batch_size - 1).map(z => mean + std * z)];
}

// The variance divides by n, the unbiased one by n − 1.
export function statistics(x) {
  const mean = x.reduce((sum, each) => sum + each, 0) / x.length;
  const squares = x.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, variance: squares / x.length, unbiased: squares / (x.length - 1) };
}

const normalise = (x, { mean, variance }) => (x - mean) / Math.sqrt(variance + EPS);
const mix = (m, old, now) => (1 - m) * old + m * now;

// The batch that is shown, on its way through the layer; `after` are the running averages then.
export function forward(state) {
  const { gamma, beta, training, momentum } = state;
  const x = examples(state, state.batch);
  const own = statistics(x);
  const running = { mean: state.running_mean, variance: state.running_var };
  const used = training ? own : running;
  const normal = x.map(each => normalise(each, used));
  const output = normal.map(each => gamma * each + beta);
  const after = training ? { mean: mix(momentum, running.mean, own.mean),
    variance: mix(momentum, running.variance, own.unbiased) } : running;
  const still = gamma * normalise(x[0], running) + beta; // in evaluation
  return { x, own, running, used, normal, output, after, still };
}

// What training makes of the watched example in this batch and in those before it, newest first.
export function wander(state) {
  return range(TRAIL).map(age => {
    const x = examples(state, state.batch - age);
    return state.gamma * normalise(x[0], statistics(x)) + state.beta;
  });
}

const entry = ({ own, after }, training) =>
  [after.mean, after.variance, own.mean, own.unbiased, Number(training)];

// The changes of the state when `count` batches pass.
export function pass(state, count = 1) {
  let { batch, running_mean, running_var, history } = state;
  for (const _ of range(count)) {
    const done = forward({ ...state, batch, running_mean, running_var });
    history = [...history, entry(done, state.training)].slice(-KEPT);
    [batch, running_mean, running_var] = [batch + 1, done.after.mean, done.after.variance];
  }
  return { batch, running_mean, running_var, history };
}

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  for (const [key, [low, high]] of Object.entries(LIMITS)) {
    const value = state[key];
    if (!isNumber(value, low, high) || (WHOLE.includes(key) && !Number.isInteger(value))) {
      return `${key} must be a ${WHOLE.includes(key) ? 'whole ' : ''}number from ${low} to `
        + `${high}, not ${JSON.stringify(value)}.`;
    }
  }
  if (typeof state.training !== 'boolean') {
    return `training must be true or false, not ${JSON.stringify(state.training)}.`;
  }
  const good = each => Array.isArray(each) && each.length === 5 && each.every(Number.isFinite);
  if (!Array.isArray(state.history) || !state.history.every(good)) {
    return 'history must be a list of [running mean, running var, mean, var, counted]; '
      + '[] is a new layer’s.';
  }
  return '';
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−');
export const format = (x, digits = 2) => minus((+x.toFixed(digits) || 0).toFixed(digits));
const short = x => minus(String(+x.toFixed(2)));
const sure = ({ mean, variance }) => `${format(mean)} ± ${format(Math.sqrt(variance))}`;

// What becomes of the watched example, here and in the other mode.
export function summary({ training, watched, batch_size }, { still }, trail) {
  if (training) {
    const others = batch_size === 2 ? 'this one other' : `these ${batch_size - 1} others`;
    return `Training: x = ${short(watched)} with ${others} becomes y = ${format(trail[0])}; `
      + `in evaluation, ${format(still)}.`;
  }
  return `Evaluation: x = ${short(watched)} becomes y = ${format(still)} in any company; `
    + `in training, ${format(trail[0])}.`;
}

// How a running average ticks: '0.9 · 2.90 + 0.1 · 3.40 = 2.95'.
export function tick({ training, momentum }, before, now, after) {
  if (!training) return `${format(before)} stays`;
  return `${short(1 - momentum)} · ${format(before)} + ${short(momentum)} · ${format(now)} `
    + `= ${format(after)}`;
}

const isFresh = ({ running_mean, running_var, history }) =>
  running_mean === 0 && running_var === 1 && !history.some(each => each[4]);
const isFar = ({ running_mean, running_var, mean, std }) => Math.abs(running_mean - mean) > std / 2
  || running_var > 3 * std * std || running_var < std * std / 3;

// What there is to learn from what is shown.
export function remark(state, trail) {
  return state.training ? trainingRemark(state, trail) : evaluationRemark(state);
}

function evaluationRemark(state) {
  const { running_mean, running_var, mean, std } = state;
  if (isFresh(state)) {
    return 'No batch has been counted yet: with mean 0 and variance 1, x̂ is x.';
  }
  if (isFar(state)) {
    return `The running averages, ${sure({ mean: running_mean, variance: running_var })}, are far `
      + `from the population’s, ${format(mean)} ± ${format(std)}: x̂ is not centred, or not of `
      + 'width 1. Batches in training would mend it.';
  }
  return 'Nothing ticks, and no example depends on another. Press Next batch: the watched one '
    + 'stands still.';
}

function trainingRemark(state, trail) {
  const { batch_size, momentum, mean, std, watched, running_mean } = state;
  const pull = (watched - mean) / batch_size;
  const drawn = statistics(trail);
  if (momentum === 0) return 'With momentum 0 the running averages never leave their start.';
  if (momentum === 1) {
    return 'With momentum 1 the running averages are those of the last batch alone.';
  }
  if (batch_size === 2) {
    return 'Of two examples one becomes −1 and the other 1, whatever they were: all that is left '
      + 'of x is which one was larger.';
  }
  if (Math.abs(running_mean - mean) > std / 2) {
    return `Each batch takes the running mean ${short(momentum)} of the way to its own mean: `
      + `of the start, ${short(1 - momentum)}¹⁰ = ${format((1 - momentum) ** 10)} is left `
      + 'after 10.';
  }
  if (Math.abs(pull) > std / 5) {
    return `The watched example is in every batch of ${batch_size}, so the batches’ means lie `
      + `around ${format(mean + pull)}, not around the population’s ${format(mean)}.`;
  }
  return `The same x gave y = ${sure(drawn)} in ${TRAIL} batches: its company decides. In larger `
    + 'batches the company is more alike.';
}

// Buttons that set everything: what they are called, what they set, what is to be seen then.
const NEW = { batch_size: 8, gamma: 1, beta: 0, training: true, momentum: 0.1, mean: 3, std: 2,
  watched: 5, batch: 0, running_mean: 0, running_var: 1, history: [] };
const passed = (state, count) => ({ ...state, ...pass(state, count) });
function undo(seed) {
  const given = passed({ ...NEW, seed, batch_size: 32 }, 40);
  const { own } = forward(given);
  const gamma = between(-3, Math.sqrt(own.variance + EPS), 3);
  return { ...given, gamma, beta: own.mean };
}
export const PRESETS = {
  two: {
    label: 'A batch of two',
    sets: seed => passed({ ...NEW, seed, batch_size: 2 }, 40),
    note: 'The watched example becomes 1 or −1: 1 if it is the larger one. Move it, and almost '
      + 'nothing changes.',
  },
  fresh: {
    label: 'Fresh layer, eval()',
    sets: seed => ({ ...NEW, seed, training: false }),
    note: 'No batch has been counted yet: with mean 0 and variance 1, x̂ is x.',
  },
  settled: {
    label: 'After 60 batches',
    sets: seed => ({ ...passed({ ...NEW, seed, batch_size: 32 }, 60), training: false }),
    note: 'The running averages have come to the population’s: evaluation gives about the middle '
      + 'of what training gives.',
  },
  stale: {
    label: 'Stale statistics',
    sets: seed => ({ ...passed({ ...NEW, seed, batch_size: 16 }, 60), training: false, mean: -1,
      watched: 1 }),
    note: 'The population has moved from 3 to −1, but evaluation still subtracts the old mean. '
      + 'Switch to train() and press 10 batches.',
  },
  undo: {
    label: 'γ and β undo it',
    sets: undo,
    note: 'With γ the batch’s standard deviation and β its mean, y = x: a layer can learn to '
      + 'leave its batch as it is.',
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
function button(view, parent, label, press, className = '') {
  const made = control('button', `bnm-button ${className}`, parent, { type: 'button' }, label);
  made.onclick = press;
  return made;
}
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));
const now = view => read(view.model);

// Change several keys, and draw once.
function change(view, changes, note = '') {
  view.note = note;
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- the three lines; lengths are % of the width and pixels of the height

const [LOW, HIGH] = [-6, 10];
const LINES = [68, 140, 212]; // the heights of x, x̂ and y
const BOTTOM = 288;
const [OWN, RUNNING] = [-14, -32]; // the two bars, above the line of x
const place = value => 100 * (value - LOW) / (HIGH - LOW);
const held = value => between(0, place(value), 100);
const seen = value => value >= LOW && value <= HIGH;
const at = (x, y) => `${x.toFixed(2)} ${y.toFixed(1)}`;
const line = points => points.map(([x, y], i) => `${i ? 'L' : 'M'}${at(x, y)}`).join('');
const dot = (x, y) => `M${at(x, y)}h0`;

function makePicture(view, parent) {
  const picture = make('div', 'bnm-picture', parent);
  const svg = trace('bnm-svg', picture, 'svg', { role: 'img', preserveAspectRatio: 'none',
    viewBox: `0 0 100 ${BOTTOM}` });
  Object.assign(view, { picture, svg });
  trace('bnm-grid', svg, 'path', { d: range(9).map(i => `M${at(place(LOW + 2 * i), 0)}V${BOTTOM}`)
    .join('') });
  trace('bnm-zero', svg, 'path', { d: `M${at(place(0), 0)}V${BOTTOM}` });
  for (const name of ['bell', 'joins', 'lines', 'running', 'arrow', 'own', 'dots', 'still',
    'wander', 'path']) view[name] = trace(`bnm-${name}`, svg);
  view.lines.setAttribute('d', LINES.map(y => `M0 ${y}H100`).join(''));
  view.names = LINES.map(y => make('span', 'bnm-name', picture, { style: `top: ${y - 22}px`,
    'aria-hidden': 'true' }));
  make('span', 'bnm-name', picture, { style: `top: ${BOTTOM - 18}px`, 'aria-hidden': 'true' },
    `its y in ${TRAIL} batches`);
  view.beyond = LINES.map(y => ['left', 'right'].map(side => make('span', `bnm-beyond bnm-${side}`,
    picture, { style: `top: ${y}px`, 'aria-hidden': 'true' })));
  for (const x of range(8)) makeTick(picture, LOW + 2 * x);
  makeTick(picture, HIGH);
  view.marks = LINES.map((y, i) => (i ? make('div', 'bnm-diamond', picture,
    { style: `top: ${y}px`, 'aria-hidden': 'true' }) : makeHandle(view, y)));
}
const makeTick = (parent, value) => make('small', 'bnm-tick', parent,
  { style: `left: ${place(value)}%`, 'aria-hidden': 'true' }, minus(String(value)));

// The watched example: a slider on the line of x.
function makeHandle(view, y) {
  const handle = control('div', 'bnm-diamond bnm-handle', view.picture, { tabindex: 0,
    role: 'slider', 'aria-label': 'watched example', 'aria-valuemin': LOW, 'aria-valuemax': HIGH,
    style: `top: ${y}px` });
  handle.onkeydown = event => moveWatched(view, event);
  handle.onpointerdown = event => handle.setPointerCapture(event.pointerId);
  handle.onpointermove = event => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = view.picture.getBoundingClientRect();
    watch(view, LOW + (HIGH - LOW) * (event.clientX - box.left) / box.width);
  };
  return handle;
}
const watch = (view, value) => change(view, { watched: between(LOW, +value.toFixed(1), HIGH) });

const STEPS = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1, PageUp: 1,
  PageDown: -1, Home: -Infinity, End: Infinity };
function moveWatched(view, event) {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  watch(view, now(view).watched + (event.shiftKey ? 10 * step : step));
}

// A bar from mean − std to mean + std, with a mark at the mean; `y` is its height.
function bar({ mean, variance }, y) {
  const far = Math.sqrt(variance);
  const [left, middle, right] = [mean - far, mean, mean + far].map(held);
  return `M${at(left, y)}H${right.toFixed(2)}`
    + [[left, 4], [middle, 7], [right, 4]].map(([x, long]) => `M${at(x, y - long)}v${2 * long}`)
      .join('');
}
function bell({ mean, std }) {
  const points = range(121).map(i => LOW + (HIGH - LOW) * i / 120).map(value =>
    [place(value), LINES[0] - 58 * Math.exp(-(((value - mean) / std) ** 2) / 2)]);
  return `${line(points)}L100 ${LINES[0]}L0 ${LINES[0]}Z`;
}

function showPicture(view, state, run) {
  const rows = [run.x, run.normal, run.output];
  const ways = run.x.map((_, i) => rows.map((row, k) => [held(row[i]), LINES[k]]));
  const others = ways.slice(1);
  const draws = {
    bell: bell(state), joins: others.map(line).join(''), path: line(ways[0]),
    dots: rows.map((row, k) => row.slice(1).filter(seen).map(value => dot(place(value), LINES[k]))
      .join('')).join(''),
    own: bar(run.own, LINES[0] + OWN), running: bar(run.running, LINES[0] + RUNNING),
    arrow: state.training ? `M${at(held(run.running.mean), LINES[0] + RUNNING)}`
      + `H${held(run.after.mean).toFixed(2)}` : '',
  };
  for (const [name, d] of Object.entries(draws)) view[name].setAttribute('d', d);
  ways[0].forEach(([x], k) => { view.marks[k].style.left = `${x.toFixed(2)}%`; });
  view.marks[0].setAttribute('aria-valuenow', state.watched);
  view.marks[0].setAttribute('aria-valuetext', format(state.watched));
  showBeyond(view, rows);
  showNames(view, state, run);
}

// How many points lie beyond either end of a line.
function showBeyond(view, rows) {
  rows.forEach((row, k) => {
    const below = row.filter(value => value < LOW).length;
    const above = row.filter(value => value > HIGH).length;
    setText(view.beyond[k][0], below ? `◂ ${below}` : '');
    setText(view.beyond[k][1], above ? `${above} ▸` : '');
  });
}

const signed = x => (x < 0 ? `− ${short(-x)}` : `+ ${short(x)}`);
function showNames(view, { gamma, beta, training }, { own, running, used }) {
  const { mean, variance } = used;
  const away = mean < 0 ? `+ ${format(-mean)}` : `− ${format(mean)}`;
  setText(view.names[0], 'x, the batch');
  setText(view.names[1], `x̂ = (x ${away}) / ${format(Math.sqrt(variance + EPS))}`);
  setText(view.names[2], `y = ${short(gamma)} · x̂ ${signed(beta)}`);
  for (const name of ['own', 'running']) {
    const chosen = training === (name === 'own');
    view[name].classList.toggle('bnm-used', chosen);
    view.keys[name].classList.toggle('bnm-on', chosen);
  }
  setText(view.keys.own.lastChild, sure(own));
  setText(view.keys.running.lastChild, sure(running));
}

// The watched example's outputs below the line of y: the newest on top.
function showTrail(view, { training }, { still, output, used }, trail) {
  const step = (BOTTOM - LINES[2] - 8) / (TRAIL - 1);
  const path = trail.map((y, age) => [held(y), LINES[2] + 8 + step * age]);
  view.wander.setAttribute('d', line(path));
  view.still.setAttribute('d', `M${at(held(still), LINES[2] + 8)}V${BOTTOM}`);
  view.wander.classList.toggle('bnm-used', training);
  view.still.classList.toggle('bnm-used', !training);
  setText(view.trails[0], sure(statistics(trail)));
  setText(view.trails[1], format(still));
  view.svg.setAttribute('aria-label', `Three lines. The batch is normalised by ${sure(used)}; the `
    + `watched example comes out at ${format(output[0])}. In ${TRAIL} batches training gives it `
    + `${sure(statistics(trail))}; evaluation always ${format(still)}.`);
}

// A line of the legend: how it looks, what it is, its numbers.
function makeKey(parent, look, text) {
  const key = make('span', 'bnm-key', parent);
  make('i', `bnm-look bnm-look-${look}`, key, { 'aria-hidden': 'true' });
  make('span', '', key, {}, text);
  make('span', 'bnm-number', key);
  return key;
}
function makeLegend(view, parent) {
  const legend = make('div', 'bnm-legend bnm-legend-top', parent);
  view.keys = Object.fromEntries([['own', 'batch'], ['bell', 'population'], ['running', 'running'],
    ['diamond', 'watched: drag it']].map(([look, text]) => [look, makeKey(legend, look, text)]));
}
function makeTrailLegend(view, parent) {
  const legend = make('div', 'bnm-legend', parent);
  view.trails = [makeKey(legend, 'wander', 'training'), makeKey(legend, 'still', 'evaluation')]
    .map(key => key.lastChild);
}

// ---- sliders

const SLIDERS = [['batch_size', 'batch size', 1], ['gamma', 'γ, scale', 0.1],
  ['beta', 'β, shift', 0.1], ['momentum', 'momentum', 0.01], ['mean', 'population mean', 0.1],
  ['std', 'population std', 0.1]];

function makeSlider(view, parent, key, label, step) {
  const [min, max] = LIMITS[key];
  const row = make('label', 'bnm-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', 'bnm-number', row);
  const input = control('input', 'bnm-range', row,
    { type: 'range', 'aria-label': label, min, max, step });
  input.oninput = () => change(view, { [key]: Number(input.value) });
  view.sliders[key] = value => {
    input.value = value;
    input.style.setProperty('--bnm-part', (value - min) / (max - min));
    input.setAttribute('aria-valuetext', short(value));
    setText(number, short(value));
  };
}

// ---- the switch and the buttons

function makeHead(view, parent) {
  const head = make('div', 'bnm-head', parent);
  view.mode = control('button', 'bnm-switch', head, { type: 'button', role: 'switch',
    'aria-label': 'training mode' });
  for (const text of ['train()', 'eval()']) make('span', '', view.mode, {}, text);
  view.mode.onclick = () => change(view, { training: !now(view).training });
  button(view, head, 'Next batch', () => change(view, pass(now(view))), 'bnm-main-button');
  button(view, head, '10 batches', () => change(view, pass(now(view), 10)));
  button(view, head, 'Reset', () => change(view, view.first), 'bnm-reset');
}

function makePresets(view, parent) {
  const row = make('div', 'bnm-presets', parent);
  for (const { label, sets, note } of Object.values(PRESETS)) {
    button(view, row, label, () => change(view, sets(now(view).seed), note));
  }
}

// ---- the running averages, batch after batch

const STRIPS = [['mean', 0, 2], ['variance', 1, 3]]; // name, and its places in the history
function makeStrips(view, parent) {
  const legend = make('div', 'bnm-legend', parent);
  makeKey(legend, 'average', 'running average');
  makeKey(legend, 'counted', 'a batch’s own');
  makeKey(legend, 'missed', 'not counted');
  makeKey(legend, 'guide', 'population’s');
  view.clock = make('output', 'bnm-number bnm-clock', legend);
  const strips = make('div', 'bnm-strips', parent);
  view.strips = STRIPS.map(([name]) => makeStrip(strips, name));
}
function makeStrip(parent, name) {
  const strip = make('div', 'bnm-strip', parent);
  make('b', '', strip, {}, name);
  const words = make('span', 'bnm-number', strip);
  const plot = make('div', 'bnm-plot', strip);
  const svg = trace('bnm-svg', plot, 'svg', { role: 'img', preserveAspectRatio: 'none',
    viewBox: '0 0 100 100' });
  const paths = Object.fromEntries(['guide', 'counted', 'missed', 'hole', 'average', 'last']
    .map(kind => [kind, trace(`bnm-${kind}`, svg)]));
  const ends = ['bnm-top', 'bnm-bottom'].map(kind =>
    make('small', kind, plot, { 'aria-hidden': 'true' }));
  return { words, svg, paths, ends };
}

// The whole numbers between which the values lie; a batch far out does not squeeze the rest.
export function extent(values, always) {
  const sorted = [...values].sort((a, b) => a - b);
  const most = sorted[Math.floor(0.95 * (sorted.length - 1))] ?? 0;
  const [low, high] = [Math.min(sorted[0] ?? 0, ...always), Math.max(most, ...always)];
  return [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
}

function showStrips(view, state, run) {
  const rows = [...state.history, entry(run, state.training)].slice(-KEPT);
  STRIPS.forEach(([name, average, own], k) => {
    const truth = name === 'mean' ? state.mean : state.std ** 2;
    // where the averages of a new layer start is to be seen, too
    const start = rows.length < KEPT ? [name === 'mean' ? 0 : 1] : [];
    const averages = [...start, ...rows.map(row => row[average])];
    showStrip(view.strips[k], rows.map(row => [row[own], row[4]]), averages, truth);
    const now = name === 'mean' ? run.own.mean : run.own.unbiased;
    const words = tick(state, run.running[name], now, run.after[name]);
    setText(view.strips[k].words, words);
    view.strips[k].svg.setAttribute('aria-label', `running ${name}, batch after batch: ${words}; `
      + `the population’s is ${format(truth)}.`);
  });
  setText(view.clock, `batch ${state.batch + 1}`);
}

function showStrip({ paths, ends }, owns, averages, truth) {
  const [low, high] = extent(owns.map(([value]) => value), [0, truth, ...averages]);
  const first = owns.length < KEPT ? 1 : 0;
  const x = i => 100 * (i + first) / KEPT;
  const y = value => between(-3, 100 * (high - value) / (high - low), 103);
  const dots = counted => owns.map(([value, was], i) =>
    (was === counted ? dot(x(i), y(value)) : '')).join('');
  const points = averages.map((value, i) => [x(i - first), y(value)]);
  const draws = { guide: `M0 ${y(truth).toFixed(1)}H100`, counted: dots(1), missed: dots(0),
    hole: dots(0), average: line(points), last: dot(...points.at(-1)) };
  for (const [kind, d] of Object.entries(draws)) paths[kind].setAttribute('d', d);
  ends.forEach((end, i) => setText(end, minus(String([high, low][i]))));
}

// ---- all of it

function build(view) {
  makeHead(view, view.body);
  const main = make('div', 'bnm-main', view.body);
  const left = make('div', 'bnm-left', main);
  makeLegend(view, left);
  makePicture(view, left);
  makeTrailLegend(view, left);
  const panel = make('div', 'bnm-panel', main);
  for (const each of SLIDERS) makeSlider(view, panel, ...each);
  const live = make('div', 'bnm-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', live);
  view.noteLine = make('div', 'bnm-note', live);
  makeStrips(view, view.body);
  makePresets(view, view.body);
}

function draw(view) {
  const state = now(view);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  if (!view.picture) build(view);
  const [run, trail] = [forward(state), wander(state)];
  view.mode.setAttribute('aria-checked', state.training);
  for (const [key] of SLIDERS) view.sliders[key](state[key]);
  showPicture(view, state, run);
  showTrail(view, state, run, trail);
  showStrips(view, state, run);
  setText(view.words, summary(state, run, trail));
  setText(view.noteLine, view.note || remark(state, trail));
}

function render({ model, el }) {
  const view = { model, el, note: '', quiet: false, sliders: {} };
  el.replaceChildren();
  el.classList.add('bnm');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'a batch through batch normalisation');
  el.dataset.explorable = 'batchnorm';
  view.trouble = make('p', 'bnm-trouble', el, { role: 'alert' });
  view.body = make('div', 'bnm-body', el);
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

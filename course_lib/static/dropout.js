// A small net whose hidden units blink out, its curve, and the spread of its predictions.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: layers [[weight (H, 1), bias (H)], [weight (1, H), bias (1)]], H from 2 to 16; activation
// ('relu' or 'tanh'); x and y, the training points; p (0 to 0.9), the share that is dropped;
// query, the x that is looked at; masks (1 to 500), how many are drawn; seed, of the masks;
// training (false: as after eval()); rescale (true: the units that stay are divided by 1 − p);
// mask, 0 or 1 for each unit, or null for the last that was drawn.

// ------------------------------------------------------------------ part 1: arithmetic

const between = (low, x, high) => Math.min(Math.max(x, low), high);
const range = count => Array.from({ length: count }, (_, i) => i);
const sum = values => values.reduce((total, value) => total + value, 0);

// Uniform numbers in [0, 1), the same for the same seed (mulberry32, by Tommy Ettinger).
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FUNCTIONS = { relu: z => Math.max(z, 0), tanh: Math.tanh };
const unitCount = ({ layers }) => layers[0][1].length;

// What each hidden unit adds to the prediction at x: its output weight times its activation.
export function parts({ layers: [[weight, bias], [[out]]], activation }, x) {
  return bias.map((b, i) => out[i] * FUNCTIONS[activation](weight[i][0] * x + b));
}

// The share that is dropped, and what the units that stay are multiplied by.
const dropRate = ({ training, p }) => (training ? p : 0);
export const factor = state => (state.rescale ? 1 / (1 - dropRate(state)) : 1);

// The masks that are drawn: 1 where a unit stays.
export function drawMasks(state) {
  const next = uniforms(state.seed);
  const rate = dropRate(state);
  return range(state.masks).map(() => range(unitCount(state)).map(() => Number(next() >= rate)));
}

// The mask that the net is shown with.
export const shownMask = (state, masks) => (state.training ? state.mask ?? masks.at(-1)
  : range(unitCount(state)).map(() => 1));

// The prediction of a mask, from what the units add.
export const predict = (state, added, mask) =>
  state.layers[1][1][0] + factor(state) * sum(added.map((part, i) => part * mask[i]));

// Mean and standard deviation over all masks there are, by formula: each unit stays with
// probability 1 − p, apart from the others, so the variances of the parts add up.
export function expected(state, added) {
  const rate = dropRate(state);
  const scale = factor(state);
  return { mean: state.layers[1][1][0] + scale * (1 - rate) * sum(added),
    std: scale * Math.sqrt(rate * (1 - rate) * sum(added.map(part => part * part))) };
}

export function meanAndStd(values) {
  const mean = sum(values) / values.length;
  return { mean, std: Math.sqrt(sum(values.map(v => (v - mean) ** 2)) / values.length) };
}

// The part of the axis that is drawn: the points and a fifth of their width on both sides.
const MARGIN = 0.2;
export function domain({ x }) {
  const [low, high] = [Math.min(...x), Math.max(...x)];
  return [low - MARGIN * (high - low), high + MARGIN * (high - low)];
}
export const GRID = 121;
export function grid(state) {
  const [low, high] = domain(state);
  return range(GRID).map(k => low + (high - low) * k / (GRID - 1));
}

const REST = state => ({ ...state, training: false });
// Heights that are drawn; they hold still while p, the masks or the query change.
function heights({ y }, whole) {
  const [low, high] = [Math.min(...y, ...whole), Math.max(...y, ...whole)];
  const margin = 0.45 * Math.max(high - low, 1e-6);
  return [low - margin, high + margin];
}

// The whole net, mask by mask: curves [mask][k] on the grid, and their mean and spread.
// `steps` holds what each unit adds at each place of the grid.
export function curves(state, masks, steps) {
  const lines = range(unitCount(state)).map(i => Float64Array.from(steps, added => added[i]));
  const [scale, shift] = [factor(state), state.layers[1][1][0]];
  const total = new Float64Array(GRID);
  const squares = new Float64Array(GRID);
  const each = masks.map(mask => {
    const curve = new Float64Array(GRID);
    lines.forEach((line, i) => {
      if (mask[i]) for (let k = 0; k < GRID; k++) curve[k] += line[k];
    });
    for (let k = 0; k < GRID; k++) {
      curve[k] = shift + scale * curve[k];
      total[k] += curve[k];
    }
    return curve;
  });
  const mean = total.map(value => value / masks.length);
  for (const curve of each) for (let k = 0; k < GRID; k++) squares[k] += (curve[k] - mean[k]) ** 2;
  return { each, mean, std: squares.map(value => Math.sqrt(value / masks.length)) };
}

// Counts in equal bins; what lies beyond the ends is counted in the first or last one.
export const BINS = 48;
export function histogram(values, low, high) {
  const counts = new Array(BINS).fill(0);
  for (const v of values) {
    counts[between(0, Math.floor(BINS * (v - low) / (high - low)), BINS - 1)] += 1;
  }
  return counts;
}

// The widest stretch of the axis between two neighbouring training points.
export function widestGap({ x }) {
  const sorted = [...x].sort((a, b) => a - b);
  const wide = sorted.slice(1).map((right, i) => right - sorted[i]);
  const i = wide.indexOf(Math.max(...wide));
  return [sorted[i], sorted[i + 1]];
}

// Everything that is drawn or said.
export function compute(state) {
  const masks = drawMasks(state);
  const steps = grid(state).map(x => parts(state, x));
  const whole = steps.map(added => predict(REST(state), added, added.map(() => 1)));
  const mask = shownMask(state, masks);
  const added = parts(state, state.query);
  const answers = masks.map(each => predict(state, added, each));
  return { masks, mask, added, whole, answers, heights: heights(state, whole),
    curves: curves(state, masks, steps), shown: steps.map(each => predict(state, each, mask)),
    evaluated: predict(REST(state), added, added.map(() => 1)),
    prediction: predict(state, added, mask), sampled: meanAndStd(answers),
    exact: expected(state, added), largest: Math.max(...steps.flat().map(Math.abs)) };
}

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
const isWhole = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;
const areNumbers = (values, count) => Array.isArray(values) && values.length === count
  && values.every(value => isNumber(value, -1000, 1000));

function netProblem({ layers, activation }) {
  const shapes = 'layers must be [[weight (H, 1), bias (H)], [weight (1, H), bias (1)]] of numbers '
    + 'within ±1000, H from 2 to 16.';
  const [weight, bias, out, shift] = Array.isArray(layers) ? layers.flat() : [];
  const count = bias?.length;
  if (!isWhole(count, 2, 16) || !areNumbers(bias, count) || weight?.length !== count
    || !weight.every(row => areNumbers(row, 1)) || out?.length !== 1
    || !areNumbers(out[0], count) || !areNumbers(shift, 1)) return shapes;
  if (!Object.hasOwn(FUNCTIONS, activation)) {
    return `activation must be 'relu' or 'tanh', not ${JSON.stringify(activation)}.`;
  }
  return '';
}

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  const { x, y, p, query, masks, seed, training, rescale, mask } = state;
  const net = netProblem(state);
  if (net) return net;
  if (!isWhole(x?.length, 2, 60) || ![x, y].every(each => areNumbers(each, x.length))
    || Math.max(...x) === Math.min(...x)) {
    return 'x and y must be as many numbers within ±1000, 2 to 60 of each, not all at one x.';
  }
  if (!isNumber(p, 0, 0.9)) return `p must be a number from 0 to 0.9, not ${p}.`;
  const ends = domain(state);
  if (!isNumber(query, ends[0] - 1e-9, ends[1] + 1e-9)) {
    return `query must be a number from ${ends.map(end => end.toFixed(2)).join(' to ')}, `
      + `not ${query}.`;
  }
  if (!isWhole(masks, 1, 500)) return `masks must be a whole number from 1 to 500, not ${masks}.`;
  if (!isWhole(seed, 0, 2 ** 32 - 1)) {
    return `seed must be a whole number from 0 to ${2 ** 32 - 1}, not ${seed}.`;
  }
  for (const [name, value] of Object.entries({ training, rescale })) {
    if (typeof value !== 'boolean') return `${name} must be true or false, not ${value}.`;
  }
  const count = unitCount(state);
  if (mask !== null && !(areNumbers(mask, count) && mask.every(kept => kept === 0 || kept === 1))) {
    return `mask must be null, or 0 or 1 for each of the ${count} units.`;
  }
  return '';
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−');
export function format(x, digits = 2) {
  const text = x.toFixed(digits);
  return minus(Number(text) === 0 ? (0).toFixed(digits) : text);
}
export const short = x => minus(String(+x.toPrecision(3)));
// Enough digits to tell apart what the eye can tell apart in the plot.
export const digitsFor = ([low, high]) => between(0, 2 - Math.floor(Math.log10(high - low)), 6);
const place = (state, x) => format(x, digitsFor(domain(state)));

const list = numbers => (numbers.length < 2 ? numbers.join()
  : `${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`);

const named = units => `unit${units.length > 1 ? 's' : ''} ${list(units)}`;

// Which units are out, and what becomes of the others.
export function maskWords(state, { mask }) {
  if (!state.training) return `eval() keeps all ${mask.length} units and scales nothing.`;
  const [out, kept] = [0, 1].map(value => mask.flatMap((each, i) => (each === value ? i + 1 : [])));
  const who = state.mask ? 'Your mask' : `Mask ${state.masks}`;
  const times = `× ${short(factor(state))}`;
  if (!out.length) return `${who} drops no unit; each counts ${times}.`;
  if (!kept.length) return `${who} drops every unit: only the bias is left.`;
  return kept.length < out.length ? `${who} keeps only ${named(kept)}, counted ${times}.`
    : `${who} drops ${named(out)}; the others count ${times}.`;
}

export function answerWords(state, { prediction, evaluated, heights: ends }) {
  const say = x => format(x, digitsFor(ends));
  const here = `At x = ${place(state, state.query)} `;
  return state.training ? `${here}it predicts ${say(prediction)}, the whole net ${say(evaluated)}.`
    : `${here}it predicts ${say(prediction)}.`;
}

// The prediction as a sum, written out, with a digit more than the result.
export function sumWords(state, { added, mask, prediction, heights: ends }) {
  const digits = digitsFor(ends);
  const kept = format(sum(added.filter((_, i) => mask[i])), digits + 1);
  return `${format(state.layers[1][1][0], digits + 1)} + ${short(factor(state))} × `
    + `${kept.startsWith('−') ? `(${kept})` : kept} = ${format(prediction, digits)}`;
}

// How wide the band is where there are points, and where there are none.
export function spreads(state) {
  const std = x => expected(state, parts(state, x)).std;
  const [left, right] = widestGap(state);
  const gap = range(21).map(k => std(left + (right - left) * k / 20));
  return { points: sum(state.x.map(std)) / state.x.length, gap: sum(gap) / 21, left, right };
}

// What there is to learn from this picture.
export function remark(state, { exact, evaluated, heights: ends }) {
  const say = x => format(x, digitsFor(ends));
  if (!state.training) return 'Ask as often as you like: each pass gives this one answer.';
  if (state.p === 0) return 'p = 0 drops nothing: each mask is the whole net.';
  if (!state.rescale) {
    return `Without × ${short(1 / (1 - state.p))} the units add only 1 − p = ${short(1 - state.p)} `
      + `of their sum on average: the masks’ mean is off by ${say(exact.mean - evaluated)} here.`;
  }
  const { points, gap, left, right } = spreads(state);
  const [wide, as] = gap > 1.1 * points ? ['wider', 'than'] : gap < 0.9 * points
    ? ['narrower', 'than'] : ['about as wide', 'as'];
  return `The band is ${wide} in the widest gap, x from ${place(state, left)} to `
    + `${place(state, right)} (std ${say(gap)} on average), ${as} at the points (${say(points)}): `
    + 'std = √(p/(1 − p) · sum of squares of what the units add).';
}

// The four numbers below the picture: name, value, and a word on it.
export function facts(state, { mask, evaluated, prediction, sampled, exact, heights: ends }) {
  const say = x => format(x, digitsFor(ends));
  const { training, masks } = state;
  const of = `of ${masks} ${training ? 'mask' : 'pass'}`
    + (masks === 1 ? '' : training ? 's' : 'es');
  const all = `of all ${(2 ** mask.length).toLocaleString('en')}`;
  return [
    ['whole net, eval()', say(evaluated), `all ${mask.length} units`],
    [!training ? `pass ${masks}` : state.mask ? 'your mask' : `mask ${masks}`,
      say(prediction), `${sum(mask)} of ${mask.length} units`],
    [`mean ${of}`, say(sampled.mean), training ? `${all}: ${say(exact.mean)}` : 'all alike'],
    [`std ${of}`, say(sampled.std), training ? `${all}: ${say(exact.std)}` : 'all alike'],
  ];
}

const unitWords = (state, { added, mask, heights: ends }, i) =>
  `unit ${i + 1}, ${mask[i] ? 'kept' : 'dropped'}: adds `
  + format(mask[i] * factor(state) * added[i], digitsFor(ends));

// ------------------------------------------------------------------ part 3: drawing

function make(tag, className, parent, attributes = {}, text = '') {
  const svg = ['svg', 'path', 'line'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag)
    : document.createElement(tag);
  if (className) element.setAttribute('class', className);
  setAll(element, attributes);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
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

const KEYS = ['layers', 'activation', 'x', 'y', 'p', 'query', 'masks', 'seed', 'training',
  'rescale', 'mask'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes) {
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- the controls

function makeModes(view, parent) {
  const group = make('div', 'drp-modes', parent, { role: 'radiogroup', 'aria-label': 'mode' });
  view.modes = [[true, 'train()'], [false, 'eval()']].map(([training, text]) => {
    const label = make('label', 'drp-mode', group);
    const input = control('input', '', label, { type: 'radio', name: `${view.id}-mode` });
    input.onchange = () => {
      pause(view);
      change(view, { training });
    };
    make('b', '', label, {}, text);
    return { training, label, input };
  });
}

function makeSlider(parent, className, name, attributes, tell) {
  const label = make('label', `drp-slider ${className}`, parent);
  make('span', '', label, {}, name);
  const input = control('input', 'drp-range', label,
    { type: 'range', 'aria-label': name, ...attributes });
  const number = make('output', 'drp-number', label);
  input.oninput = () => tell(Number(input.value));
  return (value, text) => {
    input.value = value;
    input.style.setProperty('--drp-part', (input.value - input.min) / (input.max - input.min));
    input.setAttribute('aria-valuetext', text);
    setText(number, text);
    return input;
  };
}

function makeHead(view, parent) {
  const head = make('div', 'drp-head', parent);
  makeModes(view, head);
  view.showRate = makeSlider(head, 'drp-rate', 'p', { min: 0, max: 0.9, step: 0.05 },
    p => change(view, { p: +p.toFixed(2) }));
  const label = make('label', 'drp-check', head);
  view.rescale = control('input', '', label, { type: 'checkbox' });
  view.rescale.onchange = () => change(view, { rescale: view.rescale.checked });
  view.rescaleText = make('span', '', label);
}

function showHead(view, state) {
  view.modes.forEach(({ training, label, input }) => {
    input.checked = training === state.training;
    label.classList.toggle('drp-on', input.checked);
  });
  view.showRate(state.p, short(state.p));
  view.rescale.checked = state.rescale;
  setText(view.rescaleText, state.training ? `rescale by 1/(1 − p) = ${short(1 / (1 - state.p))}`
    : 'rescale (not in eval())');
}

function makeButtons(view, parent) {
  const row = make('div', 'drp-buttons', parent);
  const button = (name, text) => control('button', `drp-button ${name}`, row,
    { type: 'button' }, text);
  view.next = button('drp-next', 'Another mask');
  view.play = button('drp-play', 'Play');
  const over = button('drp-over', 'Start over');
  view.next.onclick = () => {
    pause(view);
    another(view);
  };
  view.play.onclick = () => (view.timer ? stop(view) : play(view));
  over.onclick = () => {
    pause(view);
    change(view, startOver(read(view.model)));
  };
}

// ---- time: masks drawn one after another

const MOST = 500;
const PACE = 420; // milliseconds: fewer than three changes a second
const startOver = ({ seed }) => ({ seed: (seed + 1) % 2 ** 32, masks: 1, mask: null });

function another(view, count = 1) {
  const state = read(view.model);
  const masks = Math.min(state.masks + count, MOST);
  change(view, state.masks === MOST ? startOver(state) : { masks, mask: null });
}
function pause(view) {
  clearInterval(view.timer);
  view.timer = 0;
}
function stop(view) {
  pause(view);
  draw(view);
}
// Where motion is unwelcome, 20 masks at once.
function play(view) {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return another(view, 20);
  view.timer = setInterval(() => {
    if (view.model.get('masks') >= MOST) return stop(view);
    another(view);
  }, PACE);
  another(view);
}

// ---- the net: units in two columns, so that each is large enough to be hit

const SIDES = { input: 8, output: 88 }; // per cent of the width
function unitPlace(i, count) {
  return [count > 8 ? 42 + 13 * (i % 2) : 48, 100 * (i + 0.5) / count];
}

function makeNet(view, parent, state) {
  const count = unitCount(state);
  view.net = make('div', 'drp-net', parent, { role: 'toolbar', 'aria-orientation': 'vertical',
    'aria-label': 'hidden units: arrow keys go from one to the next, Enter drops or restores' });
  const svg = make('svg', 'drp-edges', view.net, flat(100, 100));
  const edge = (x1, y1, x2, y2) => make('line', '', svg, { x1, y1, x2, y2 });
  view.units = range(count).map(i => {
    const [x, y] = unitPlace(i, count);
    const button = control('button', 'drp-unit', view.net,
      { type: 'button', style: `left: ${x}%; top: ${y}%` });
    button.onclick = () => toggle(view, i);
    return { button, edges: [edge(SIDES.input, 50, x, y), edge(x, y, SIDES.output, 50)] };
  });
  view.net.onkeydown = event => moveAmongUnits(view, event);
  view.ends = Object.entries(SIDES).map(([name, x]) => make('span', `drp-end drp-${name}`,
    view.net, { style: `left: ${x}%`, 'aria-hidden': 'true' }));
}

function toggle(view, i) {
  pause(view);
  view.at = i;
  const state = read(view.model);
  const mask = state.training ? [...view.result.mask] : view.result.mask.map(() => 1);
  mask[i] = 1 - mask[i];
  change(view, { mask, training: true });
}

function moveAmongUnits(view, event) {
  const last = view.units.length - 1;
  const to = { ArrowDown: view.at + 1, ArrowRight: view.at + 1, ArrowUp: view.at - 1,
    ArrowLeft: view.at - 1, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  view.at = between(0, to, last);
  showFocus(view);
  view.units[view.at].button.focus();
}
// One stop for the Tab key, however many units there are.
function showFocus(view) {
  view.units.forEach(({ button }, i) => { button.tabIndex = i === view.at ? 0 : -1; });
}

const LOOKS = { '+': 'plus', '−': 'minus', 0: 'silent' };
const signOf = x => (x > 0 ? '+' : x < 0 ? '−' : '0');

function showNet(view, state, result) {
  const { mask, added, largest } = result;
  const [[weight], [[out]]] = state.layers;
  const wide = weights => {
    const most = Math.max(...weights.map(Math.abs)) || 1;
    return weights.map(w => `${(0.4 + 3.6 * Math.abs(w) / most).toFixed(2)}px`);
  };
  const widths = [wide(weight.map(row => row[0])), wide(out)];
  view.units.forEach(({ button, edges }, i) => {
    button.className = `drp-unit drp-${mask[i] ? LOOKS[signOf(added[i])] : 'dropped'}`;
    button.style.setProperty('--drp-part', (Math.abs(added[i]) / (largest || 1)).toFixed(3));
    setAll(button, { 'aria-pressed': Boolean(mask[i]), 'aria-label': unitWords(state, result, i) });
    setText(button, mask[i] ? signOf(added[i]) : '');
    edges.forEach((line, k) => {
      line.style.strokeWidth = mask[i] ? widths[k][i] : '';
      line.setAttribute('class', mask[i] ? '' : 'drp-cut');
    });
  });
  showFocus(view);
  setText(view.ends[0], place(state, state.query));
  setText(view.ends[1], format(result.prediction, digitsFor(result.heights)));
  setText(view.sum, sumWords(state, result));
  const kept = state.training && factor(state) > 1;
  setText(view.badge, state.training
    ? `units that stay ${kept ? `× ${short(factor(state))}` : '× 1'}` : 'all units × 1');
  view.badge.classList.toggle('drp-scaled', kept);
}

// ---- the curve; what is drawn is 0 to 1000 from left to right, 0 to 1000 from top to bottom

const SIZE = 1000;
const FAINT = 12; // how many of the last masks are drawn beside the one that is shown
const LEGEND = [['whole', 'whole net, eval()'], ['shown', 'this mask'], ['faint', 'masks before'],
  ['mean', 'mean of masks'], ['band', '± 2 std'], ['dots', 'training points']];

function makePlot(view, parent) {
  const plot = make('div', 'drp-plot', parent);
  view.plot = plot;
  const svg = make('svg', 'drp-curves', plot, flat(SIZE, SIZE));
  const names = ['band', 'rim', 'faint', 'now', 'whole', 'mean', 'shown', 'dots'];
  view.paths = Object.fromEntries(names.map(name => [name, make('path', `drp-${name}`, svg)]));
  view.gap = make('small', 'drp-gap', plot, { 'aria-hidden': 'true' });
  view.mark = make('i', 'drp-mark', plot, { 'aria-hidden': 'true' });
  const bars = make('svg', 'drp-bars', parent, flat(SIZE, SIZE));
  view.bars = ['bar', 'whole', 'mean'].map(name => make('path', `drp-${name}`, bars));
  view.ticks = make('div', 'drp-ticks', parent, { 'aria-hidden': 'true' });
  view.places = make('div', 'drp-places', parent, { 'aria-hidden': 'true' });
  view.count = make('small', 'drp-count', parent, { 'aria-hidden': 'true' });
  plot.onpointerdown = event => {
    plot.setPointerCapture(event.pointerId);
    ask(view, event);
  };
  plot.onpointermove = event => { if (plot.hasPointerCapture(event.pointerId)) ask(view, event); };
}

function ask(view, event) {
  const [low, high] = domain(read(view.model));
  const { left, width } = view.plot.getBoundingClientRect();
  const part = between(0, (event.clientX - left) / width, 1);
  change(view, { query: +(low + (high - low) * part).toPrecision(6) });
}

function makeLegend(parent) {
  const legend = make('div', 'drp-legend', parent, { 'aria-hidden': 'true' });
  for (const [name, text] of LEGEND) {
    const key = make('span', `drp-key drp-of-${name}`, legend);
    const swatch = make('svg', 'drp-swatch', key, flat(26, 12));
    make('path', `drp-${name}`, swatch, { d: { band: 'M0 1H26V11H0z', dots: 'M13 6h0' }[name]
      ?? 'M0 6H26' });
    make('span', '', key, {}, text);
  }
}

// Round numbers on the axis, about `count` of them.
export function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find(each => each * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map(k => +((first + k) * step)
    .toPrecision(6));
}

// Axes, the whole net and the points change only with the net: drawn when they do.
function showAxes(view, state, { whole, heights: [low, high] }, across, up) {
  const key = JSON.stringify([state.layers, state.activation, state.x, state.y]);
  if (view.drawn === key) return;
  view.drawn = key;
  const ends = domain(state);
  setAll(view.query, { min: ends[0], max: ends[1], step: (ends[1] - ends[0]) / 240 });
  view.ticks.replaceChildren();
  for (const v of ticks(low, high, 5)) {
    make('small', '', view.ticks, { style: `top: ${up(v) / 10}%` }, minus(String(v)));
  }
  view.places.replaceChildren();
  for (const v of ticks(...ends, 6)) {
    make('small', '', view.places, { style: `left: ${across(v) / 10}%` }, minus(String(v)));
  }
  const [left, right] = widestGap(state).map(x => across(x) / 10);
  view.gap.style.cssText = `left: ${left}%; width: ${right - left}%`;
  setText(view.gap, right - left > 18 ? 'widest gap' : '');
  view.paths.whole.setAttribute('d', line(whole, up));
  view.paths.dots.setAttribute('d', state.x.map((x, i) =>
    `M${across(x).toFixed(1)} ${up(state.y[i]).toFixed(1)}h0`).join(''));
}

const points = (curve, up) => Array.from(curve, (value, k) =>
  `${(SIZE * k / (GRID - 1)).toFixed(1)} ${up(value).toFixed(1)}`);
const line = (curve, up) => `M${points(curve, up).join('L')}`;

function showPlot(view, state, result) {
  const { heights: [low, high], curves: { each, mean, std } } = result;
  const ends = domain(state);
  const across = x => SIZE * (x - ends[0]) / (ends[1] - ends[0]);
  const up = y => between(-SIZE, SIZE * (high - y) / (high - low), 2 * SIZE);
  showAxes(view, state, result, across, up);
  const edges = [1, -1].map(side => points(mean.map((m, k) => m + side * 2 * std[k]), up));
  const before = state.training ? each.slice(0, state.mask ? undefined : -1).slice(-FAINT) : [];
  const drawn = {
    band: `M${edges[0].join('L')}L${edges[1].reverse().join('L')}z`,
    rim: `M${edges[0].join('L')}M${edges[1].join('L')}`,
    faint: before.map(curve => line(curve, up)).join(''),
    mean: line(mean, up), shown: line(result.shown, up),
    now: `M${across(state.query).toFixed(1)} 0V${SIZE}`,
  };
  for (const [name, d] of Object.entries(drawn)) view.paths[name].setAttribute('d', d);
  view.mark.style.left = `${across(state.query) / 10}%`;
  view.mark.style.top = `${up(result.prediction) / 10}%`;
  showBars(view, state, result, up);
}

function showBars(view, { masks }, { answers, evaluated, sampled, heights: ends }, up) {
  const counts = histogram(answers, ...ends);
  const most = Math.max(...counts);
  const tall = SIZE / BINS;
  view.bars[0].setAttribute('d', counts.map((count, bin) => (count
    ? `M0 ${(SIZE - tall * (bin + 1)).toFixed(2)}h${(960 * count / most).toFixed(1)}v${tall}H0z`
    : '')).join(''));
  view.bars[1].setAttribute('d', `M0 ${up(evaluated).toFixed(1)}H${SIZE}`);
  view.bars[2].setAttribute('d', `M0 ${up(sampled.mean).toFixed(1)}H${SIZE}`);
  setText(view.count, `${most} of ${masks}`);
}

// ---- all of it

function makeLeft(view, parent, state) {
  const left = make('div', 'drp-left', parent);
  const heads = make('div', 'drp-heads', left, { 'aria-hidden': 'true' });
  const kind = { relu: 'ReLU', tanh: 'tanh' }[state.activation];
  for (const text of ['x', `${unitCount(state)} ${kind} units`, 'out']) {
    make('small', '', heads, {}, text);
  }
  makeNet(view, left, state);
  view.badge = make('div', 'drp-badge', left);
  view.sum = make('div', 'drp-sum drp-number', left);
  make('small', 'drp-hint', left, {},
    'bias + factor × units, which add (+), take away (−) or are silent (0); click one to drop it');
}

function makeRight(view, parent) {
  const right = make('div', 'drp-right', parent);
  const titles = make('div', 'drp-titles', right);
  make('b', '', titles, {}, 'Prediction against x');
  make('b', '', titles, {}, 'at this x');
  makePlot(view, make('div', 'drp-frame', right));
  view.showQuery = makeSlider(right, 'drp-query', 'x', { 'aria-label': 'x to look at' },
    query => change(view, { query: +query.toPrecision(6) }));
  view.query = right.querySelector('.drp-query input');
  makeLegend(right);
}

function makeFacts(view, parent) {
  const rows = make('div', 'drp-facts', parent);
  view.facts = range(4).map(() => {
    const row = make('div', '', rows);
    return ['drp-what', 'drp-number', 'drp-all'].map(name => make('div', name, row));
  });
}

function build(view, state) {
  view.body.replaceChildren();
  view.drawn = '';
  view.at = Math.min(view.at, unitCount(state) - 1);
  makeHead(view, view.body);
  const main = make('div', 'drp-main', view.body);
  makeLeft(view, main, state);
  makeRight(view, main);
  const row = make('div', 'drp-row', view.body);
  makeButtons(view, row);
  view.showMasks = makeSlider(row, 'drp-masks', 'passes', { min: 1, max: MOST, step: 1 },
    masks => {
      pause(view);
      change(view, { masks, mask: null });
    });
  makeFacts(view, view.body);
  view.live = make('div', 'drp-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', view.live);
  view.note = make('div', 'drp-note', view.live);
  view.built = `${unitCount(state)} ${state.activation}`;
}

function showWords(view, state, result) {
  view.live.setAttribute('aria-live', view.timer ? 'off' : 'polite');
  setText(view.words, `${maskWords(state, result)} ${answerWords(state, result)}`);
  setText(view.note, remark(state, result));
  setText(view.play, view.timer ? 'Pause' : 'Play');
  setText(view.next, state.training ? 'Another mask' : 'Another pass');
  facts(state, result).forEach((texts, i) =>
    texts.forEach((text, k) => setText(view.facts[i][k], text)));
}

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return pause(view);
  if (view.built !== `${unitCount(state)} ${state.activation}`) build(view, state);
  view.result = compute(state);
  view.body.classList.toggle('drp-eval', !state.training);
  showHead(view, state);
  showNet(view, state, view.result);
  showPlot(view, state, view.result);
  view.showQuery(state.query, place(state, state.query));
  view.showMasks(state.masks, String(state.masks));
  showWords(view, state, view.result);
}

function render({ model, el }) {
  const id = `drp-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, quiet: false, timer: 0, at: 0 };
  el.replaceChildren();
  el.classList.add('drp');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'a net whose hidden units are dropped');
  el.dataset.explorable = 'dropout';
  view.trouble = make('p', 'drp-trouble', el, { role: 'alert' });
  view.body = make('div', 'drp-body', el);
  draw(view);
  const again = () => { if (!view.quiet) draw(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => {
    pause(view);
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

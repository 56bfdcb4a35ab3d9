// A deep net before training: what the initial scale does to activations and to gradients.
//
// Part 1 is arithmetic on typed arrays. Part 2 makes the words. Part 3 draws.
//
// state: kinds, the activation functions on offer ('tanh', 'relu', 'none'); kind, the chosen one;
// scale (0.25 to 4; a weight is a standard normal number × scale / √width); depth (5 to 100
// layers); width (4 to 128 units a layer); seed, of all random numbers.

// ------------------------------------------------------------------ part 1: arithmetic

const between = (low, x, high) => Math.min(Math.max(x, low), high);
const range = count => Array.from({ length: count }, (_, i) => i);

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

// Standard normal numbers (Box and Muller): two uniform numbers make two normal ones.
export function normals(count, uniform) {
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 1] = radius * Math.sin(angle); // one too many is dropped
  }
  return numbers;
}
const stream = (seed, k) => uniforms(Math.imul(seed, 0x9e3779b1) + k * 0x85ebca6b);

function transpose(matrix, width) {
  const turned = new Float64Array(matrix.length);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) turned[j * width + i] = matrix[i * width + j];
  }
  return turned;
}

// How many examples one answer can carry: about 13 million multiplications, forward and back.
const WORK = 13e6;
export function exampleCount(depth, width) {
  return between(4, 2 * Math.floor(WORK / (2 * depth * width * width) / 2), 100);
}

// The random numbers of a net, drawn once: `matrices` (out, in), row by row; the same `turned`
// (in, out); `inputs` and `tops` (example, unit), the latter the gradient at the last layer.
// Given an older net of the same seed and width, only what it lacks is drawn.
export function drawNet({ seed, width, depth }, old) {
  const fits = old?.seed === seed && old?.width === width;
  const next = fits ? old.next : stream(seed, 0);
  const [matrices, turned] = fits ? [old.matrices, old.turned] : [[], []];
  while (matrices.length < depth) {
    matrices.push(normals(width * width, next));
    turned.push(transpose(matrices.at(-1), width));
  }
  const size = exampleCount(depth, width) * width;
  const drawn = k => normals(size, stream(seed, k));
  const same = fits && old.inputs.length === size;
  const [inputs, tops] = same ? [old.inputs, old.tops] : [drawn(1), drawn(2)];
  return { seed, width, next, matrices, turned, inputs, tops };
}

// out[e, o] = Σ_i weights[o, i] x[e, i], 4 outputs of 2 examples at a time. At the end of a row
// the last tile is moved back over outputs that are done, so any width from 4 fits.
function multiply(weights, x, out, width) {
  for (let tile = 0; tile < width; tile += 4) {
    const o = Math.min(tile, width - 4);
    const r0 = o * width, r1 = r0 + width, r2 = r1 + width, r3 = r2 + width;
    for (let p = 0; p < x.length; p += 2 * width) {
      const q = p + width;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let i = 0; i < width; i++) {
        const a = x[p + i], b = x[q + i];
        const w0 = weights[r0 + i], w1 = weights[r1 + i];
        const w2 = weights[r2 + i], w3 = weights[r3 + i];
        a0 += w0 * a; a1 += w1 * a; a2 += w2 * a; a3 += w3 * a;
        b0 += w0 * b; b1 += w1 * b; b2 += w2 * b; b3 += w3 * b;
      }
      out[p + o] = a0; out[p + o + 1] = a1; out[p + o + 2] = a2; out[p + o + 3] = a3;
      out[q + o] = b0; out[q + o + 1] = b1; out[q + o + 2] = b2; out[q + o + 3] = b3;
    }
  }
}

// The activation function, and its slope as its output tells it.
export const FUNCTIONS = {
  tanh: { f: Math.tanh, slope: a => 1 - a * a },
  relu: { f: z => (z > 0 ? z : 0), slope: a => (a > 0 ? 1 : 0) },
  none: { f: z => z, slope: () => 1 },
};

// Activations of layers 0 (the inputs) to depth.
export function forward({ kind, scale, depth, width }, { matrices, inputs }) {
  const { f } = FUNCTIONS[kind];
  const factor = scale / Math.sqrt(width);
  const layers = [inputs];
  for (let l = 0; l < depth; l++) {
    const out = new Float64Array(inputs.length);
    multiply(matrices[l], layers[l], out, width);
    for (let i = 0; i < out.length; i++) out[i] = f(factor * out[i]);
    layers.push(out);
  }
  return layers;
}

// Gradients with respect to the activations of layers 0 to depth; the last is net.tops.
export function backward({ kind, scale, depth, width }, { turned, tops }, activations) {
  const { slope } = FUNCTIONS[kind];
  const factor = scale / Math.sqrt(width);
  const layers = [tops];
  for (let l = depth; l > 0; l--) {
    const [above, a] = [layers.at(-1), activations[l]];
    const inner = new Float64Array(a.length);
    for (let i = 0; i < a.length; i++) inner[i] = above[i] * slope(a[i]) * factor;
    const out = new Float64Array(a.length);
    multiply(turned[l - 1], inner, out, width);
    layers.push(out);
  }
  return layers.reverse();
}

export function meanAndStd(values) {
  let [total, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) total += values[i];
  const mean = total / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, std: Math.sqrt(squares / values.length) };
}

// Counts: up to `low` (included), in `bins` equal bins, above `high`.
export function histogram(values, low, high, bins) {
  const counts = new Float64Array(bins + 2);
  const perUnit = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v <= low) counts[0] += 1;
    else counts[v > high ? bins + 1 : 1 + Math.min(Math.floor((v - low) * perUnit), bins - 1)] += 1;
  }
  return counts;
}

// The values that the picture shows, and what is gathered in the strips above and below.
export const BINS = 41; // odd: 0 is in the middle of a bin
export const VIEWS = {
  tanh: { low: -0.99, high: 0.99, ticks: [-0.5, 0, 0.5], over: '> .99', under: '< −.99' },
  relu: { low: 0, high: 3, ticks: [1, 2], over: '> 3', under: '= 0' },
  none: { low: -3, high: 3, ticks: [-2, -1, 0, 1, 2], over: '> 3', under: '< −3' },
};

function describe(values, kind) {
  const { low, high } = VIEWS[kind];
  const counts = histogram(values, low, high, BINS);
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  const beyond = counts[BINS + 1] + (kind === 'relu' ? 0 : counts[0]);
  const shares = Array.from(counts, count => count / values.length);
  return { ...meanAndStd(values), zeros: zeros / values.length, beyond: beyond / values.length,
    shares };
}

// Everything that is drawn: an entry for each of layers 1 to depth.
export function compute(state, net = drawNet(state)) {
  const activations = forward(state, net);
  const gradients = backward(state, net, activations);
  const layers = activations.slice(1).map((values, i) => (
    { ...describe(values, state.kind), gradient: meanAndStd(gradients[i + 1]).std }));
  return { layers, input: meanAndStd(net.inputs).std, examples: net.inputs.length / state.width };
}

const isWhole = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ kinds, kind, scale, depth, width, seed }) {
  const names = Object.keys(FUNCTIONS);
  if (!Array.isArray(kinds) || !kinds.length || kinds.some(each => !names.includes(each))
    || new Set(kinds).size < kinds.length) {
    return `kinds must be a list of some of ${names.join(', ')}, each once.`;
  }
  if (!kinds.includes(kind)) {
    return `kind must be one of ${kinds.join(', ')}, not ${JSON.stringify(kind)}.`;
  }
  if (typeof scale !== 'number' || !(scale >= 0.25 && scale <= 4)) {
    return `scale must be a number from 0.25 to 4, not ${scale}.`;
  }
  if (!isWhole(depth, 5, 100)) return `depth must be a whole number from 5 to 100, not ${depth}.`;
  if (!isWhole(width, 4, 128)) return `width must be a whole number from 4 to 128, not ${width}.`;
  if (!isWhole(seed, 0, 2 ** 32 - 1)) {
    return `seed must be a whole number from 0 to ${2 ** 32 - 1}, not ${seed}.`;
  }
  return '';
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−').replace('e+', 'e');
export function format(x) {
  const far = Math.abs(x);
  if (far === 0) return '0';
  if (far === Infinity) return x > 0 ? '∞' : '−∞';
  if (far < 1e-3 || far >= 1e4) return minus(x.toExponential(0));
  return minus(far < 10 ? x.toPrecision(2) : String(Math.round(x)));
}
export const percent = share => (share > 0 && share < 0.01 ? '< 1 %'
  : share < 1 && share > 0.99 ? '> 99 %' : `${Math.round(100 * share)} %`);

// What became of a std, next to what it was: −1 shrunk, 0 kept within a factor 100, 1 grown.
const fate = ratio => (ratio < 1e-2 ? -1 : ratio > 1e2 ? 1 : 0);
const became = ratio => [`has shrunk to ${format(ratio)} of`, `is ${format(ratio)} times`,
  `has grown to ${format(ratio)} times`][fate(ratio) + 1];

const ENDS = {
  Dead: 'No input can change the output, and no gradient passes.',
  Silent: 'Whatever the input, the output is nearly 0, and the first layers hardly learn.',
  Fading: 'Layer by layer the signal gets weaker.',
  Growing: 'Layer by layer the signal gets stronger.',
  Exploding: 'A step along gradients like these throws the weights far off.',
  'Vanishing gradients': 'The signal arrives, but the first layers hardly learn.',
  'Exploding gradients': 'A step that suits the last layers throws the first ones far off.',
  Saturated: 'Both stay in the shaded band, but beyond ±0.99 the slope of tanh is below 0.02.',
  Healthy: 'Both stay in the shaded band, within a factor of 100.',
};
function diagnosis(forth, back, saturated) {
  if (forth === 0) return 'Dead';
  if (fate(forth) < 0) return forth < 1e-6 ? 'Silent' : 'Fading';
  if (fate(forth) > 0) return forth > 1e6 ? 'Exploding' : 'Growing';
  if (fate(back) !== 0) return fate(back) < 0 ? 'Vanishing gradients' : 'Exploding gradients';
  return saturated > 0.2 ? 'Saturated' : 'Healthy';
}

// What a net that computes in float32 would make of numbers of this std; '' if it can hold them.
const inFloat32 = std => (std > 3.4e38 ? 'inf' : std < 1.4e-45 && std > 0 ? '0' : '');
function float32Words(layers) {
  const [up, down] = ['std', 'gradient'].map(key => layers.map(layer => inFloat32(layer[key])));
  const first = up.findIndex(Boolean);
  const last = down.findLastIndex(Boolean);
  const words = [];
  if (first >= 0) words.push(`the activations are ${up[first]} from layer ${first + 1} on`);
  if (last >= 0) words.push(`the gradients are ${down[last]} at layer ${last + 1} and below`);
  return words.length ? ` In float32 ${words.join(', and ')}.` : '';
}

// What is the matter with the net: a word, and sentences.
export function verdict({ kind, depth }, { layers, input }) {
  const top = layers[depth - 1];
  const [forth, back] = [top.std / input, layers[0].gradient / top.gradient];
  const saturated = kind === 'tanh' ? top.beyond : 0;
  const word = diagnosis(forth, back, saturated);
  const dead = layers.findIndex(layer => layer.zeros === 1) + 1;
  const activations = dead ? `From layer ${dead} on every activation is exactly 0.`
    : `After ${depth} layers the std of the activations ${became(forth)} the input’s; back at `
      + `layer 1, that of the gradients ${became(back)} the last layer’s.`;
  const full = saturated > 0.05
    ? ` ${percent(saturated)} of layer ${depth} is saturated, beyond ±0.99.` : '';
  return { word, text: `${activations}${full} ${ENDS[word]}${float32Words(layers)}` };
}

export function layerWords({ kind }, { layers }, l) {
  const { mean, std, zeros, beyond, gradient } = layers[l - 1];
  const limit = kind === 'tanh' ? '±0.99' : kind === 'relu' ? '3' : '±3';
  return [['mean', format(mean)], ['std', format(std)], ['exactly 0', percent(zeros)],
    [kind === 'tanh' ? 'saturated' : `beyond ${limit}`, percent(beyond)],
    ['gradient std', format(gradient)]];
}

export const sizes = ({ depth, width, seed }, { examples }) =>
  `${examples} inputs of ${width} standard normal numbers each go through ${depth} layers of `
  + `${width} units; a standard normal gradient comes back. Seed ${seed}.`;

export const PRESETS = [['Too small', 0.5, '0.5'], ['Xavier', 1, '1'],
  ['Kaiming', Math.SQRT2, '√2'], ['Too large', 2, '2']];

// ------------------------------------------------------------------ part 3: drawing

function make(tag, className, parent, attributes = {}, text = '') {
  const svg = ['svg', 'path', 'line', 'rect'].includes(tag);
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

const KEYS = ['kinds', 'kind', 'scale', 'depth', 'width', 'seed'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change a key, and draw once.
function change(view, key, value) {
  view.quiet = true;
  view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- the controls

const KINDS = { tanh: ['tanh', '−1 to 1'], relu: ['ReLU', 'max(0, z)'], none: ['none', 'linear'] };

function makeKinds(view, parent, kinds) {
  const group = make('div', 'act-kinds', parent,
    { role: 'radiogroup', 'aria-label': 'activation function' });
  view.kinds = kinds.map(kind => {
    const label = make('label', 'act-kind', group);
    const input = control('input', '', label,
      { type: 'radio', name: `${view.id}-kind`, 'aria-label': KINDS[kind].join(': ') });
    input.onchange = () => change(view, 'kind', kind);
    make('b', '', label, {}, KINDS[kind][0]);
    make('small', '', label, {}, KINDS[kind][1]);
    return { kind, label, input };
  });
}

function makeSlider(parent, name, attributes, tell) {
  const label = make('label', `act-${name}`, parent);
  make('span', 'act-what', label, {}, name);
  const track = make('span', 'act-track', label);
  const input = control('input', 'act-range', track,
    { type: 'range', 'aria-label': name, ...attributes });
  input.oninput = () => tell(Number(input.value));
  return { track, input, number: make('output', 'act-number', label) };
}

const MARKS = [['¼', -2], ['½', -1], ['1', 0], ['√2', 0.5], ['2', 1], ['4', 2]];
function makeScale(view, parent) {
  const row = make('div', 'act-scales', parent);
  view.scale = makeSlider(row, 'scale', { min: -2, max: 2, step: 0.05 },
    power => change(view, 'scale', +(2 ** power).toPrecision(5)));
  const marks = make('span', 'act-marks', view.scale.track, { 'aria-hidden': 'true' });
  for (const [text, power] of MARKS) {
    make('i', '', marks, { style: `--act-at: ${(power + 2) / 4}` }, text);
  }
  view.presets = PRESETS.map(([name, scale, text]) => {
    const button = control('button', 'act-button', row, { type: 'button' }, `${name} ${text}`);
    button.onclick = () => change(view, 'scale', scale);
    return { scale, button };
  });
  view.weight = make('span', 'act-weight', row);
}

function makeHead(view, parent, kinds) {
  const head = make('div', 'act-head', parent);
  makeKinds(view, head, kinds);
  makeScale(view, head);
  view.depth = makeSlider(head, 'depth', { min: 5, max: 100, step: 1 },
    depth => change(view, 'depth', depth));
  const again = control('button', 'act-button act-again', head, { type: 'button' }, 'Draw again');
  again.onclick = () => change(view, 'seed', (view.model.get('seed') + 1) % 2 ** 32);
}

function showHead(view, { kind, scale, depth, width }) {
  view.kinds.forEach(each => {
    each.input.checked = each.kind === kind;
    each.label.classList.toggle('act-on', each.kind === kind);
  });
  const text = scale.toFixed(2);
  view.scale.input.value = Math.log2(scale);
  view.scale.input.setAttribute('aria-valuetext', text);
  setText(view.scale.number, text);
  view.depth.input.value = depth;
  setText(view.depth.number, String(depth));
  const std = (scale / Math.sqrt(width)).toFixed(3);
  setText(view.weight, `weights: std ${text} / √${width} = ${std}`);
  for (const { scale: at, button } of view.presets) {
    button.setAttribute('aria-pressed', Math.abs(scale / at - 1) < 1e-3);
  }
}

// ---- the histograms: a column for each layer, darkness = share of its activations

const DARKEST = 0.25; // this share, and any larger one
const ROWS = [[BINS + 1, BINS + 2], [1, BINS + 1], [0, 1]]; // strip above, bins, strip below

function makeHeat(view, parent) {
  const heat = control('div', 'act-heat', parent,
    { role: 'slider', tabindex: 0, 'aria-label': 'layer to look at', 'aria-valuemin': 1 });
  view.canvases = ROWS.map(() => make('canvas', '', heat, { 'aria-hidden': 'true' }));
  heat.onkeydown = event => {
    const last = view.result.layers.length;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10,
      PageUp: 10, Home: -last, End: last }[event.key];
    if (!step) return;
    event.preventDefault();
    pick(view, view.layer + step);
  };
  heat.ontransitionend = () => paint(view); // the theme changed
  view.heat = heat;
  return heat;
}

function pickByPointer(view, element) {
  element.onpointermove = element.onpointerdown = event => {
    const { left, width } = element.getBoundingClientRect();
    const { length } = view.result.layers;
    pick(view, 1 + Math.floor((length * (event.clientX - left)) / width));
  };
}

// One pixel for each bin of each layer; CSS makes them large.
function paint({ heat, canvases, result: { layers } }) {
  const colour = getComputedStyle(heat).color;
  canvases.forEach((canvas, k) => {
    const [from, to] = ROWS[k];
    [canvas.width, canvas.height] = [layers.length, to - from]; // this clears it, too
    const pen = canvas.getContext('2d');
    pen.fillStyle = colour;
    layers.forEach(({ shares }, x) => {
      for (let bin = from; bin < to; bin++) {
        if (shares[bin] === 0) continue;
        pen.globalAlpha = between(0.06, Math.sqrt(shares[bin] / DARKEST), 1);
        pen.fillRect(x, to - 1 - bin, 1, 1);
      }
    });
  });
}

function makeBars(view, parent) {
  const bars = make('div', 'act-bars', parent, { 'aria-hidden': 'true' });
  view.bars = ROWS.map(([from, to]) => make('path', '', make('svg', '', bars,
    { viewBox: `0 0 1 ${to - from}`, preserveAspectRatio: 'none' })));
}

function showBars({ bars, longest }, shares) {
  const most = Math.max(...shares);
  const bar = (share, y) => `M0 ${y}h${(share / most).toFixed(4)}v1H0z`;
  ROWS.forEach(([from, to], k) => bars[k].setAttribute('d',
    shares.slice(from, to).map((share, i) => bar(share, to - from - 1 - i)).join('')));
  setText(longest, `up to ${percent(most)}`);
}

function showAxes(view, { kind, depth }) {
  const { low, high, ticks, over, under } = VIEWS[kind];
  const at = (parent, side, share, text) =>
    make('span', '', parent, { style: `${side}: ${(100 * share).toFixed(2)}%` }, minus(text));
  setText(view.over, over);
  setText(view.under, under);
  view.values.replaceChildren();
  for (const v of ticks) at(view.values, 'bottom', (v - low) / (high - low), String(v));
  const [, step] = [[10, 1], [25, 5], [60, 10], [100, 20]].find(([most]) => depth <= most);
  view.numbers.replaceChildren();
  for (const l of [...new Set([1, ...range(depth + 1).filter(l => l && l % step === 0)])]) {
    at(view.numbers, 'left', (l - 0.5) / depth, String(l));
  }
}

// ---- standard deviations on a logarithmic axis

const SPANS = [4, 20, 40, 80]; // powers of ten, up and down
const LINES = [['std', 'activations, going forward →'], ['gradient', '← gradients, going back']];

function makeChart(view, parent) {
  const chart = make('div', 'act-chart', parent, { 'aria-hidden': 'true' });
  const svg = make('svg', '', chart, { preserveAspectRatio: 'none' });
  const zone = className => make('rect', className, svg);
  view.chart = { svg, healthy: zone('act-healthy'), inf: zone('act-float'), nil: zone('act-float'),
    rules: range(5).map(() => make('line', 'act-rule', svg)),
    paths: LINES.map(([key]) => make('path', `act-line act-${key}`, svg)),
    labels: [['inf', 'inf in float32'], ['nil', '0 in float32']].map(([name, text]) =>
      make('span', `act-${name}`, chart, {}, text)),
    dots: LINES.map(([key]) => make('b', `act-dot act-${key}`, chart)) };
  return chart;
}

// The power of ten of x, kept on an axis of `span` powers up and down.
const power = (x, span) => between(-span, Math.log10(x), span);

function showSpan(view, span, depth) {
  const { svg, healthy, inf, nil, rules, labels } = view.chart;
  const zone = (rect, from, to) => setAll(rect,
    { x: 0, width: depth, y: -Math.min(to, span), height: Math.max(Math.min(to, span) - from, 0) });
  svg.setAttribute('viewBox', `0 ${-span} ${depth} ${2 * span}`);
  zone(healthy, -2, 2);
  zone(inf, 38.53, 80);
  zone(nil, -80, span < 80 ? -80 : -44.85);
  labels.forEach(label => { label.hidden = span < 80; });
  rules.forEach((rule, i) => {
    const y = (span * (i - 2)) / 2;
    setAll(rule, { x1: 0, x2: depth, y1: y, y2: y });
  });
  view.powers.forEach((tick, i) => {
    const exponent = (span * (2 - i)) / 2;
    setText(tick, exponent ? minus(`1e${exponent}`) : '1');
  });
}

function showChart(view, { layers }) {
  const reached = key => Math.max(...layers.map(layer => Math.abs(Math.log10(layer[key] || 1))));
  const most = Math.max(...LINES.map(([key]) => reached(key)));
  const span = SPANS.find(each => each >= most) ?? SPANS.at(-1);
  view.span = span;
  showSpan(view, span, layers.length);
  LINES.forEach(([key], k) => {
    const points = layers.map((each, i) => `${i + 0.5} ${-power(each[key], span).toFixed(3)}`);
    view.chart.paths[k].setAttribute('d', `M${points.join('L')}`);
  });
}

// ---- the layer that is looked at

// The last layer stays picked when the depth changes.
function pick(view, layer) {
  view.picked = layer >= view.result.layers.length ? Infinity : Math.max(layer, 1);
  showLayer(view);
}

function showLayer(view) {
  const { result, heat, span } = view;
  const { length } = result.layers;
  view.layer = Math.min(view.picked, length);
  const layer = result.layers[view.layer - 1];
  const words = layerWords(read(view.model), result, view.layer);
  setText(view.title, `layer ${view.layer}`);
  words.forEach(([name, text], i) => {
    setText(view.facts[i].name, name);
    setText(view.facts[i].number, text);
  });
  setAll(heat, { 'aria-valuemax': length, 'aria-valuenow': view.layer,
    'aria-valuetext': `layer ${view.layer}: ${words.map(each => each.join(' ')).join(', ')}` });
  view.grid.style.setProperty('--act-left', (view.layer - 1) / length);
  view.grid.style.setProperty('--act-wide', 1 / length);
  LINES.forEach(([key], k) => {
    view.chart.dots[k].style.top = `${50 - (50 * power(layer[key], span)) / span}%`;
  });
  showBars(view, layer.shares);
}

// ---- all of it

function makeFacts(view, parent) {
  const list = make('dl', 'act-facts', parent);
  view.facts = range(5).map(i => {
    const row = make('div', i === 4 ? 'act-back' : '', list);
    return { name: make('dt', '', row), number: make('dd', '', row) };
  });
}

function makeGrid(view, parent) {
  const grid = make('div', 'act-grid', parent);
  view.grid = grid;
  const title = make('div', 'act-title', grid);
  make('b', '', title, {}, 'Activations, layer by layer');
  make('small', 'act-shares', title, {}, `0 to ${percent(DARKEST)} or more`);
  view.title = make('b', 'act-picked', grid);
  const axis = make('div', 'act-axis', grid, { 'aria-hidden': 'true' });
  [view.over, view.values, view.under] = range(3).map(() => make('div', '', axis));
  pickByPointer(view, makeHeat(view, grid));
  makeBars(view, grid);
  make('span', 'act-word', grid, {}, 'layer');
  view.numbers = make('div', 'act-layers', grid, { 'aria-hidden': 'true' });
  view.longest = make('small', 'act-longest', grid);
  const legend = make('div', 'act-legend', grid);
  make('b', '', legend, {}, 'Standard deviation');
  for (const [key, text] of LINES) make('span', `act-key act-${key}`, legend, {}, text);
  const powers = make('div', 'act-powers', grid, { 'aria-hidden': 'true' });
  view.powers = range(5).map(i => make('span', '', powers, { style: `top: ${25 * i}%` }));
  pickByPointer(view, makeChart(view, grid));
  makeFacts(view, grid);
}

function build(view, { kinds }) {
  view.body.replaceChildren();
  makeHead(view, view.body, kinds);
  const live = make('div', 'act-verdict', view.body, { 'aria-live': 'polite' });
  view.word = make('b', '', live);
  view.text = make('span', '', live);
  makeGrid(view, view.body);
  view.sizes = make('p', 'act-sizes', view.body);
  view.built = kinds.join();
}

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  if (view.built !== state.kinds.join()) build(view, state);
  view.net = drawNet(state, view.net);
  view.result = compute(state, view.net);
  const { word, text } = verdict(state, view.result);
  setText(view.word, word);
  view.word.classList.toggle('act-good', word === 'Healthy');
  setText(view.text, text);
  setText(view.sizes, sizes(state, view.result));
  showHead(view, state);
  showAxes(view, state);
  paint(view);
  showChart(view, view.result);
  showLayer(view);
}

function render({ model, el }) {
  const id = `act-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, quiet: false, picked: Infinity };
  el.replaceChildren();
  el.classList.add('act');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'activations and gradients through the depth');
  el.dataset.explorable = 'activations';
  view.trouble = make('p', 'act-trouble', el, { role: 'alert' });
  view.body = make('div', 'act-body', el);
  draw(view);
  const again = () => { if (!view.quiet) draw(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => { for (const key of KEYS) model.off(`change:${key}`, again); };
}

export default { render };

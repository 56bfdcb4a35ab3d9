// A stretched bowl, and where three optimisers take the weights with the same decay.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// The data's loss is ½ (w − m)ᵀA(w − m): curvature a₁ in the flat direction, a₂ in the steep.
// state: curvatures [a₁, a₂] (0.1 to 20, the flat first); minimum and start, each [x, y] within the
// map (x from -5 to 5, y from -3 to 3); angle of the flat direction in degrees (-90 to 90);
// lr (0.001 to 1); weight_decay, the λ below (0 to 4); steps (1 to 5000).

// ------------------------------------------------------------------ part 1: arithmetic

// The flat and the steep direction, each of length 1.
export function directions(angle) {
  const [c, s] = [Math.cos(angle * Math.PI / 180), Math.sin(angle * Math.PI / 180)];
  return [[c, s], [-s, c]];
}
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

// The symmetric matrix A = a₁ u uᵀ + a₂ v vᵀ as [A_xx, A_xy, A_yy].
export function matrix(curvatures, angle) {
  const [u, v] = directions(angle);
  return [[0, 0], [0, 1], [1, 1]].map(([i, j]) =>
    curvatures[0] * u[i] * u[j] + curvatures[1] * v[i] * v[j]);
}

// The slope A (w − m) of the data's loss, without decay.
export function gradient([xx, xy, yy], minimum, w) {
  const [x, y] = [w[0] - minimum[0], w[1] - minimum[1]];
  return [xx * x + xy * y, xy * x + yy * y];
}

// One step for one weight `w` with the slope `g` of the data's loss; `s` is the memory of this
// weight, `t` the number of the step from 1. The rules and the order are torch.optim's.
const [BETA1, BETA2, EPS] = [0.9, 0.999, 1e-8];
function adamStep(w, g, s, lr, t) {
  s.mean = BETA1 * s.mean + (1 - BETA1) * g;
  s.square = BETA2 * s.square + (1 - BETA2) * g * g;
  const spread = Math.sqrt(s.square) / Math.sqrt(1 - BETA2 ** t) + EPS;
  return w - lr / (1 - BETA1 ** t) * s.mean / spread;
}
export const STEPS = {
  // torch.optim.SGD(lr, weight_decay): decay enters the gradient
  SGD: (w, g, s, lr, decay) => w - lr * (g + decay * w),
  // torch.optim.Adam(lr, weight_decay): decay enters the gradient, and is divided with it
  Adam: (w, g, s, lr, decay, t) => adamStep(w, g + decay * w, s, lr, t),
  // torch.optim.AdamW(lr, weight_decay): the weight shrinks first, the gradient stays the data's
  AdamW: (w, g, s, lr, decay, t) => adamStep(w * (1 - lr * decay), g, s, lr, t),
};
export const RULES = Object.keys(STEPS);

// Where the weights are after each step. Beyond FAR they have diverged; the path ends.
export const FAR = 50;
export function path(rule, { curvatures, minimum, start, angle, lr, weight_decay, steps }) {
  const A = matrix(curvatures, angle);
  const [points, memory] = [[[...start]], [0, 1].map(() => ({ mean: 0, square: 0 }))];
  const take = STEPS[rule];
  let diverged = 0; // the step at which they did
  for (let t = 1; t <= steps && !diverged; t++) {
    const w = points[t - 1];
    const g = gradient(A, minimum, w);
    const [x, y] = [take(w[0], g[0], memory[0], lr, weight_decay, t),
      take(w[1], g[1], memory[1], lr, weight_decay, t)];
    points.push([x, y]);
    if (!(Math.abs(x) <= FAR && Math.abs(y) <= FAR)) diverged = t;
  }
  return { points, diverged };
}

// The part a/(a + λ) of the minimum that L2 keeps in the flat and in the steep direction.
export const shares = ({ curvatures, weight_decay }) => curvatures.map(a => a / (a + weight_decay));

// Where loss + ½ λ |w|² is lowest, (A + λI)⁻¹ A m: each direction keeps its share.
export function closedForm(state) {
  const axes = directions(state.angle);
  const kept = shares(state).map((share, i) => share * dot(state.minimum, axes[i]));
  return [0, 1].map(i => kept[0] * axes[0][i] + kept[1] * axes[1][i]);
}

// The closed form for decays from 0 on: a curve from the minimum to 0.
export const ridge = (state, count = 24) => Array.from({ length: count + 1 }, (_, k) =>
  k === count ? [0, 0] : closedForm({ ...state, weight_decay: state.curvatures[1]
    * (k / (count - k)) ** 2 }));

// Where the data's loss is lowest within the square |w| ≤ 1/λ; AdamW comes to rest there (Xie
// and Li, 2024, Implicit Bias of AdamW): beyond it, λ·w exceeds a gradient divided by its size.
export function squareRest({ curvatures, minimum, angle, weight_decay }) {
  const side = 1 / weight_decay;
  if (Math.max(...minimum.map(Math.abs)) <= side) return [...minimum];
  const [xx, xy, yy] = matrix(curvatures, angle);
  const loss = w => dot(gradient([xx, xy, yy], minimum, w), [w[0] - minimum[0], w[1] - minimum[1]]);
  const edges = [-side, side].flatMap(s => [
    [s, between(-side, minimum[1] - xy / yy * (s - minimum[0]), side)],
    [between(-side, minimum[0] - xy / xx * (s - minimum[1]), side), s]]);
  return edges.reduce((best, each) => (loss(each) < loss(best) ? each : best));
}

// The largest rate at which SGD with this decay is stable.
export const stableLimit = ({ curvatures, weight_decay }) => 2 / (curvatures[1] + weight_decay);

// The map: x from −5 to 5 and y from −3 to 3; in the drawing, 0 to 100 and 60 to 0.
const [RIGHT, TOP] = [5, 3];
const between = (low, x, high) => Math.min(Math.max(x, low), high);
export const toMap = ([x, y]) => [10 * (x + RIGHT), 10 * (TOP - y)];

// Half axes of the contour lines in the drawing, evenly spaced in each direction.
const RINGS = 13;
export const rings = ([flat, steep]) => Array.from({ length: RINGS }, (_, k) => {
  const size = 10 * Math.sqrt((RIGHT + TOP) ** 2 * (flat + steep)) * (k + 0.5) / RINGS;
  return [size / Math.sqrt(flat), size / Math.sqrt(steep)];
});

// Which points of a path of `last` steps are drawn: all of the first 80, then ever fewer.
const ALL = 80;
export function drawn(last) {
  const indices = Array.from({ length: Math.min(last, ALL) + 1 }, (_, k) => k);
  for (let k = ALL * 1.025; k < last; k *= 1.025) indices.push(Math.round(k));
  return last > ALL ? [...new Set([...indices, last])] : indices;
}

// The points that are seen to lie apart, and the last: a path at rest is one point.
export function apart(points) {
  let last = points[0];
  return points.filter((point, k) => {
    if (k && k < points.length - 1 && distance(point, last) < 0.2) return false;
    last = point;
    return true;
  });
}

// The numbers of steps that the slider offers.
export const STOPS = [1, 2, 3, 4, 5, 6, 8, ...[10, 100, 1000].flatMap(power =>
  [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8].map(x => Math.round(x * power)))].filter(x => x <= 5000);
export const stopOf = steps => STOPS.reduce((best, stop, k) =>
  (Math.abs(stop - steps) < Math.abs(STOPS[best] - steps) ? k : best), 0);

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
const LIMITS = { angle: [-90, 90], lr: [0.001, 1], weight_decay: [0, 4], steps: [1, 5000] };

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  const { curvatures, steps } = state;
  if (!Array.isArray(curvatures) || curvatures.length !== 2
      || !isNumber(curvatures[1], 0.1, 20) || !isNumber(curvatures[0], 0.1, curvatures[1])) {
    return 'curvatures must be two numbers from 0.1 to 20, the smaller first, '
      + `not ${JSON.stringify(curvatures)}.`;
  }
  for (const name of ['minimum', 'start']) {
    const place = state[name];
    if (!Array.isArray(place) || place.length !== 2
        || !isNumber(place[0], -RIGHT, RIGHT) || !isNumber(place[1], -TOP, TOP)) {
      return `${name} must be [x, y] with x from -5 to 5 and y from -3 to 3, `
        + `not ${JSON.stringify(place)}.`;
    }
  }
  for (const [name, [low, high]] of Object.entries(LIMITS)) {
    if (!isNumber(state[name], low, high)) {
      return `${name} must be a number from ${low} to ${high}, not ${state[name]}.`;
    }
  }
  return Number.isInteger(steps) ? '' : `steps must be a whole number, not ${steps}.`;
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−');
const short = x => minus(String(+x.toPrecision(3)));
const hundredths = x => minus((+x.toFixed(2) || 0).toFixed(2));
export const place = point => `(${point.map(hundredths).join(',\u00a0')})`; // stays on one line
export const percent = x => `${minus(String(Math.round(100 * x) || 0))}\u00a0%`;
export const NAMES = { SGD: 'SGD + L2', Adam: 'Adam + L2', AdamW: 'AdamW' };

const AT = 0.02; // nearer than this is 'at' a place: a pixel of the map
const isRound = ({ curvatures }) => curvatures[1] / curvatures[0] < 1.001;

// How far each optimiser is from the closed form after `n` steps.
export function summary(state, runs, n = state.steps, names = RULES) {
  const end = closedForm(state);
  const parts = names.map(name => {
    const { points, diverged } = runs[name];
    if (diverged && n >= diverged) return `${NAMES[name]} has diverged`;
    const far = distance(points[Math.min(n, points.length - 1)], end);
    return `${NAMES[name]} is ${far < AT ? 'at it' : `${hundredths(far)} away`}`;
  });
  const when = n === 0 ? 'At the start' : `After ${n} step${n === 1 ? '' : 's'}`;
  return `The closed form is ${place(end)}. ${when} ${parts.join(', ')}.`;
}

// What each optimiser does, in a sentence.
export const SAYS = {
  SGD(state, { points, diverged }) {
    const { curvatures, lr, weight_decay } = state;
    const limit = `2/(${short(curvatures[1])} + ${short(weight_decay)}) = `
      + short(stableLimit(state));
    if (diverged) return `Diverged at step ${diverged}: the rate exceeds ${limit}.`;
    if (lr > stableLimit(state)) return `Its swings grow: the rate exceeds ${limit}.`;
    if (distance(points.at(-1), closedForm(state)) < AT) {
      const [flat, steep] = shares(state).map(percent);
      return isRound(state) ? `Ends at the closed form: ${flat} of the minimum.`
        : `Ends at the closed form: ${flat} of the minimum’s flat part, `
          + `${steep} of its steep part.`;
    }
    const [flat, steep] = curvatures.map(a => short(1 - lr * (a + weight_decay)));
    return `Each step leaves ${flat} of the way to the closed form in the flat direction, `
      + `${steep} in the steep.`;
  },
  Adam(state, { points }) {
    if (state.weight_decay === 0) return 'Without decay it is AdamW: the same path.';
    if (distance(points.at(-1), closedForm(state)) < AT) {
      return 'Ends at the closed form as well, by other steps: about the rate along each axis.';
    }
    return 'It can rest at the closed form only; its first steps are the rate, '
      + `${short(state.lr)}, along each axis.`;
  },
  AdamW(state) {
    if (state.weight_decay === 0) return 'Without decay it is Adam + L2: the same path.';
    const [rest, side] = [squareRest(state), short(1 / state.weight_decay)];
    const square = `the square |w|\u2060\u00a0≤\u00a01/λ\u00a0=\u00a0${side}`;
    if (distance(rest, state.minimum) === 0) {
      return `The minimum lies within ${square}: it creeps towards it.`;
    }
    return `It heads for ${place(rest)}, the lowest loss within ${square}.`;
  },
};

// What there is to learn from this picture.
export function remark(state, runs) {
  const { angle, weight_decay } = state;
  if (runs.SGD.diverged) {
    return 'Adam + L2 and AdamW divide the gradient by its usual size, so they stay.';
  }
  if (weight_decay === 0) return 'Without decay all three look for the minimum itself.';
  if (isRound(state)) {
    return 'A round bowl: L2 keeps the same part of every direction, so the closed form lies '
      + 'straight between the minimum and 0.';
  }
  if (angle % 90 !== 0) {
    return 'SGD + L2 works along the bowl’s own directions, wherever they point. Adam and AdamW '
      + 'divide along the axes of the two weights.';
  }
  return 'L2 keeps a/(a + λ) of each direction: where the bowl is flat, the data pull weakly and '
    + 'decay wins. AdamW divides the gradient by its usual size: to it, flat and steep are alike.';
}

// Buttons that set everything: what they are called, what they set, what is to be seen then.
const USUAL = { curvatures: [1, 12], minimum: [3, 2], start: [-3, 2.5], angle: 0, lr: 0.1 };
export const PRESETS = {
  flat: {
    label: 'Flat gives way',
    sets: { ...USUAL, weight_decay: 2, steps: 100 },
    note: 'A decay of 2 keeps a third of the flat direction, but 86 % of the steep one.',
  },
  way: {
    label: 'Same end',
    sets: { ...USUAL, angle: 45, weight_decay: 0.5, steps: 500 },
    note: 'SGD + L2 drops across the bowl and follows its floor; Adam + L2 walks along the '
      + 'diagonal. Both end at the closed form.',
  },
  square: {
    label: 'AdamW’s square',
    sets: { ...USUAL, weight_decay: 1, steps: 5000 },
    note: 'λ·w outweighs a gradient divided by its size where |w| exceeds 1/λ = 1: AdamW ends at '
      + 'the corner (1, 1), and would in any bowl along the axes.',
  },
  small: {
    label: 'Small decay',
    sets: { ...USUAL, weight_decay: 0.2, steps: 5000 },
    note: 'The same λ = 0.2 takes a sixth of the flat direction with L2. AdamW creeps to within '
      + '0.11 of the minimum: in the end it shrinks almost nothing.',
  },
  round: {
    label: 'Round bowl',
    sets: { ...USUAL, curvatures: [1, 1], weight_decay: 0.5, steps: 150 },
    note: 'L2 takes the same third of both directions: the closed form lies straight between '
      + 'the minimum and 0. AdamW’s path is the same as in the stretched bowl.',
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
const flat = (x, y, width, height) => ({
  viewBox: `${x} ${y} ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
const line = points => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`)
  .join('');
const dots = points => points.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join('');

const KEYS = ['curvatures', 'minimum', 'start', 'angle', 'lr', 'weight_decay', 'steps'];
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

// ---- marks: a shape for each thing that has a place

const SHAPES = {
  SGD: 'M10.5 7A3.5 3.5 0 1 1 3.5 7A3.5 3.5 0 1 1 10.5 7Z',
  Adam: 'M7 2L12 11.5H2Z', AdamW: 'M3 3H11V11H3Z',
  closed: 'M7 1L13 7L7 13L1 7Z', minimum: 'M7 1V13M1 7H13', zero: 'M3 3L11 11M11 3L3 11',
};
function makeShape(parent, name) {
  const svg = trace(`dcy-shape dcy-${name}`, parent, 'svg',
    { viewBox: '0 0 14 14', 'aria-hidden': 'true' });
  trace('dcy-back', svg, 'path', { d: SHAPES[name] });
  trace('dcy-front', svg, 'path', { d: SHAPES[name] });
  return svg;
}
function setPlace(element, point) {
  const [left, top] = toMap(point);
  element.style.left = `${left.toFixed(2)}%`;
  element.style.top = `${(top / 0.6).toFixed(2)}%`;
}
const within = ([x, y]) => Math.abs(x) <= RIGHT && Math.abs(y) <= TOP;

// ---- a card for each optimiser

function makeCards(view, parent) {
  view.cards = Object.fromEntries(RULES.map(name => {
    const card = make('label', `dcy-card dcy-${name}`, parent);
    const input = control('input', '', card, { type: 'checkbox', 'aria-label': NAMES[name] });
    input.checked = true;
    input.onchange = () => draw(view);
    const swatch = trace('dcy-swatch', card, 'svg', flat(0, 0, 24, 14));
    trace('dcy-line', swatch, 'path', { d: 'M0 7H24' });
    makeShape(card, name);
    make('b', '', card, {}, NAMES[name]);
    return [name, { card, input, at: make('output', 'dcy-number', card),
      says: make('small', '', card) }];
  }));
}
const isShown = (view, name) => view.cards[name].input.checked;

// ---- sliders

// A slider with its name and number; the last two take its value to the state and back.
function makeSlider(view, parent, key, label, range, toChange, fromState, words) {
  const row = make('label', 'dcy-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', 'dcy-number', row);
  const input = control('input', 'dcy-range', row,
    { type: 'range', 'aria-label': label, ...range });
  input.oninput = () => change(view, toChange(Number(input.value)));
  view.sliders[key] = state => {
    if (key === 'curvatures') input.max = 20 / state.curvatures[0];
    input.value = fromState(state);
    const part = (input.value - input.min) / Math.max(1e-9, input.max - input.min);
    input.style.setProperty('--dcy-part', part);
    input.setAttribute('aria-valuetext', words(state));
    setText(number, words(state));
  };
}

function makeSliders(view, parent) {
  const box = make('div', 'dcy-sliders', parent);
  makeSlider(view, box, 'weight_decay', 'decay λ', { min: 0, max: 4, step: 0.05 },
    x => ({ weight_decay: x }), state => state.weight_decay, state => short(state.weight_decay));
  makeSlider(view, box, 'lr', 'rate', { min: -3, max: 0, step: 0.02 },
    x => ({ lr: between(0.001, +(10 ** x).toPrecision(3), 1) }), state => Math.log10(state.lr),
    state => short(state.lr));
  makeSlider(view, box, 'curvatures', 'stretch', { min: 1, max: 20, step: 0.5 },
    x => ({ curvatures: stretched(view, x) }), ({ curvatures: [a, b] }) => b / a,
    ({ curvatures: [a, b] }) => `${short(b / a)}\u00a0×`);
  makeSlider(view, box, 'angle', 'turn', { min: -90, max: 90, step: 5 },
    x => ({ angle: x }), state => state.angle, state => `${short(state.angle)}°`);
}
function stretched(view, ratio) {
  const [a] = view.model.get('curvatures');
  return [a, Math.min(20, +(a * ratio).toPrecision(6))];
}

// ---- the map

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const HANDLES = { start: 'start', minimum: 'minimum of the data’s loss' };

function makeMap(view, parent) {
  const map = make('div', 'dcy-map', parent);
  view.map = map;
  const svg = trace('dcy-lines', map, 'svg', flat(0, 0, 100, 60));
  view.bowl = trace('dcy-bowl', svg, 'g');
  view.rings = Array.from({ length: RINGS }, (_, k) => trace('dcy-ring', view.bowl, 'ellipse',
    { style: `--dcy-band: ${Math.round(58 * (RINGS - 1 - k) / RINGS)}%` }));
  for (const r of [1, 2, 3, 4, 5]) {
    trace('dcy-penalty', svg, 'circle', { cx: 50, cy: 30, r: 10 * r });
  }
  trace('dcy-axes', svg, 'path', { d: 'M0 30H100M50 0V60' });
  view.square = trace('dcy-square', svg);
  view.ridge = trace('dcy-ridge', svg);
  view.paths = makeTraces(svg, 'halo', 'line');
  view.dots = Object.fromEntries(RULES.map(name =>
    [name, trace(`dcy-dots dcy-${name}`, svg)]));
  makeMarks(view, map);
  view.handles = Object.fromEntries(Object.keys(HANDLES).map(key => [key, makeHandle(view, key)]));
  map.onpointerdown = event => grab(view, event);
  map.onpointermove = event => { if (map.hasPointerCapture(event.pointerId)) drag(view, event); };
}

// A line for each optimiser, on the map with a halo below it.
const makeTraces = (svg, ...kinds) => Object.fromEntries(RULES.map(name =>
  [name, kinds.map(kind => trace(`dcy-${kind} dcy-${name}`, svg))]));

function makeMarks(view, map) {
  for (const x of [-4, -2, 0, 2, 4]) mark(map, 'dcy-tick', [x, -TOP], minus(`${x}`));
  for (const y of [-2, 0, 2]) mark(map, 'dcy-tick dcy-up', [-RIGHT, y], minus(`${y}`));
  mark(map, 'dcy-label dcy-below', [0, 0], '0, where decay pulls');
  view.marks = Object.fromEntries(['zero', 'closed', ...[...RULES].reverse()].map(name => {
    const holder = make('div', 'dcy-mark', map, { 'aria-hidden': 'true' });
    makeShape(holder, name);
    return [name, holder];
  }));
  setPlace(view.marks.zero, [0, 0]);
}
function mark(parent, className, point, text) {
  setPlace(make('span', className, parent, { 'aria-hidden': 'true' }, text), point);
}

function makeHandle(view, key) {
  const handle = control('div', `dcy-handle dcy-at-${key}`, view.map, { tabindex: 0,
    role: 'slider', 'aria-label': HANDLES[key], 'aria-roledescription': 'point on the map',
    'aria-valuemin': -RIGHT, 'aria-valuemax': RIGHT });
  if (key === 'minimum') makeShape(handle, 'minimum');
  make('span', 'dcy-label', handle, { 'aria-hidden': 'true' }, key);
  handle.onkeydown = event => moveHandle(view, key, event);
  return handle;
}

const rounded = ([x, y]) => [between(-RIGHT, +x.toFixed(2), RIGHT),
  between(-TOP, +y.toFixed(2), TOP)];

function moveHandle(view, key, event) {
  if (event.key !== 'Home' && !ARROWS[event.key]) return;
  event.preventDefault();
  const far = event.shiftKey ? 1 : 0.1;
  const [right, up] = ARROWS[event.key] ?? [0, 0];
  const [x, y] = view.model.get(key);
  change(view, { [key]: event.key === 'Home' ? view.first[key]
    : rounded([x + far * right, y + far * up]) });
}

// The pointer takes the nearer handle, from anywhere on the map.
function grab(view, event) {
  const at = pointed(view, event);
  const state = read(view.model);
  view.held = distance(at, state.minimum) < distance(at, state.start) ? 'minimum' : 'start';
  view.map.setPointerCapture(event.pointerId);
  event.preventDefault();
  view.handles[view.held].focus({ preventScroll: true, focusVisible: false });
  drag(view, event);
}
function drag(view, event) { change(view, { [view.held]: rounded(pointed(view, event)) }); }
function pointed(view, event) {
  const box = view.map.getBoundingClientRect();
  return [2 * RIGHT * (event.clientX - box.left) / box.width - RIGHT,
    TOP - 2 * TOP * (event.clientY - box.top) / box.height];
}

function showMap(view, state) {
  const [left, top] = toMap(state.minimum);
  view.bowl.setAttribute('transform', `translate(${left} ${top}) rotate(${-state.angle})`);
  rings(state.curvatures).reverse().forEach(([rx, ry], k) => {
    view.rings[k].setAttribute('rx', rx.toFixed(2));
    view.rings[k].setAttribute('ry', ry.toFixed(2));
  });
  const side = Math.min(1000, 10 / state.weight_decay);
  view.square.setAttribute('d', `M${50 - side} ${30 - side}h${2 * side}v${2 * side}h${-2 * side}z`);
  view.ridge.setAttribute('d', line(ridge(state).map(toMap)));
  setPlace(view.marks.closed, closedForm(state));
  for (const key of Object.keys(HANDLES)) {
    const [handle, at] = [view.handles[key], state[key]];
    setPlace(handle, at);
    handle.setAttribute('aria-valuenow', at[0]);
    handle.setAttribute('aria-valuetext', place(at));
    handle.classList.toggle('dcy-under', at[1] > 2.3);
    handle.classList.toggle('dcy-rightmost', at[0] > 4);
    handle.classList.toggle('dcy-leftmost', at[0] < -4);
  }
}

const KEY = [['closed', 'closed form'], ['ridge', 'its place for every λ'],
  ['square', 'AdamW’s square, |w| ≤ 1/λ'], ['penalty', 'equal penalty']];
function makeKey(parent) {
  const key = make('div', 'dcy-key', parent, { 'aria-hidden': 'true' });
  for (const [name, text] of KEY) {
    const item = make('small', '', key);
    if (name === 'closed') makeShape(item, name);
    else {
      const svg = trace('dcy-swatch', item, 'svg', flat(0, 0, 24, 14));
      trace(`dcy-${name}`, svg, 'path', { d: name === 'square' ? 'M4 2H20V12H4Z' : 'M0 7H24' });
    }
    item.append(text);
  }
  make('small', '', key, {}, 'dots: steps 10, 100, 1000');
}

// ---- bars: what L2 keeps of each direction, and what each optimiser has now

function makeBars(view, parent) {
  const box = make('div', 'dcy-bars', parent);
  make('small', '', box, {}, 'L2 keeps a/(a + λ)');
  view.bars = ['flat', 'steep'].map(name => {
    const words = make('div', 'dcy-share', box);
    make('b', '', words, {}, name);
    const sum = make('span', 'dcy-number', words);
    const bar = make('div', 'dcy-bar', box, { 'aria-hidden': 'true' });
    const fill = make('div', 'dcy-fill', bar);
    const marks = Object.fromEntries(RULES.map(rule => [rule, makeShape(bar, rule)]));
    return { sum, fill, marks };
  });
  make('small', '', box, { 'aria-hidden': 'true' }, 'bar: closed form; signs: now');
}

function showShares(view, state) {
  shares(state).forEach((share, i) => {
    const a = state.curvatures[i];
    const sum = short(a + state.weight_decay);
    setText(view.bars[i].sum, `${short(a)}/${sum} = ${percent(share)}`);
    view.bars[i].fill.style.width = `${100 * share}%`;
  });
}

function showNow(view, state, places) {
  directions(state.angle).forEach((axis, i) => {
    const whole = dot(state.minimum, axis);
    for (const name of RULES) {
      const part = Math.abs(whole) < 0.05 ? NaN : dot(places[name], axis) / whole;
      const shape = view.bars[i].marks[name];
      shape.style.display = isShown(view, name) && part > -0.001 && part < 1.05 ? '' : 'none';
      shape.style.left = `${100 * between(0, part, 1)}%`;
    }
  });
}

// ---- along each direction, step by step

function makePlots(view, parent) {
  const row = make('div', 'dcy-plots', parent, { 'aria-hidden': 'true' });
  view.plots = ['flat', 'steep'].map(name => {
    const plot = make('div', 'dcy-plot', row);
    const title = make('small', 'dcy-title', plot, {}, `along the ${name} direction, at each step`);
    const ticks = make('div', 'dcy-ticks', plot);
    const svg = trace('dcy-lines', plot, 'svg', flat(0, 0, 100, 100));
    const [grid, ridge, goal] = ['grid', 'ridge', 'goal'].map(kind => trace(`dcy-${kind}`, svg));
    return { title, ticks, grid, ridge, goal, curves: makeTraces(svg, 'line'),
      clock: make('div', 'dcy-steps', plot) };
  });
}

const logTime = (t, steps) => 100 * Math.log1p(t) / Math.log1p(steps);

function showPlots(view, state) {
  const end = closedForm(state);
  directions(state.angle).forEach((axis, i) => {
    const lines = Object.fromEntries(RULES.map(name => {
      const { points } = view.runs[name];
      return [name, drawn(points.length - 1).map(t => [t, dot(points[t], axis)])];
    }));
    const guides = [0, dot(state.minimum, axis), dot(end, axis)];
    const values = RULES.filter(name => isShown(view, name))
      .flatMap(name => lines[name].map(([, value]) => value)).concat(guides);
    const low = Math.floor(Math.max(-6, Math.min(...values)));
    const high = Math.max(low + 1, Math.ceil(Math.min(6, Math.max(...values))));
    showPlot(view, view.plots[i], state.steps, lines, guides, low, high);
  });
}

function showPlot(view, plot, steps, lines, [, goal, rest], low, high) {
  const height = value => 100 * between(-0.5, (high - value) / (high - low), 1.5);
  const level = value => `M0 ${height(value).toFixed(2)}H100`;
  const every = Math.ceil((high - low) / 4);
  const values = Array.from({ length: high - low + 1 }, (_, k) => low + k)
    .filter(value => value % every === 0);
  plot.grid.setAttribute('d', values.map(level).join(''));
  plot.goal.setAttribute('d', level(goal));
  plot.ridge.setAttribute('d', level(rest));
  for (const name of RULES) {
    const points = isShown(view, name) ? lines[name].map(([t, value]) =>
      [logTime(t, steps), height(value)]) : [];
    plot.curves[name][0].setAttribute('d', line(apart(points)));
  }
  const range = `${low} ${high} ${steps}`;
  if (plot.ticks.dataset.range === range) return;
  plot.ticks.dataset.range = range;
  plot.ticks.replaceChildren(...values.map(value =>
    make('small', '', null, { style: `top: ${height(value)}%` }, minus(`${value}`))));
  const stops = [0, ...[1, 10, 100, 1000].filter(t => t <= steps / 1.6), steps];
  plot.clock.replaceChildren(...stops.map(t =>
    make('small', '', null, { style: `left: ${logTime(t, steps)}%` }, `${t}`)));
}

// ---- time: the paths up to step `view.at`; null for the end

function makeTime(view, parent) {
  const row = make('div', 'dcy-time', parent);
  view.play = control('button', 'dcy-button dcy-play', row, { type: 'button' }, 'Play');
  view.play.onclick = () => (view.frame ? change(view, {}) : play(view));
  makeSlider(view, row, 'steps', 'steps', { min: 0, max: STOPS.length - 1, step: 1 },
    k => ({ steps: STOPS[k] }), state => stopOf(state.steps), state => `${state.steps}`);
}

function halt(view) {
  cancelAnimationFrame(view.frame);
  view.frame = 0;
  view.at = null;
}

// From the start to the end in four seconds, early steps slowly; at once where motion is unwelcome.
function play(view) {
  halt(view);
  const { steps } = read(view.model);
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const first = performance.now();
  const move = now => {
    const part = still ? 1 : Math.max(0, now - first) / 4000;
    view.at = part < 1 ? Math.floor(Math.expm1(part * Math.log1p(steps))) : null;
    view.frame = part < 1 ? requestAnimationFrame(move) : 0;
    showTime(view);
  };
  move(first);
}

// All that depends on the step.
function showTime(view) {
  const state = read(view.model);
  const n = view.at ?? state.steps;
  const places = {};
  for (const name of RULES) {
    const { points } = view.runs[name];
    const last = Math.min(n, points.length - 1);
    const [here, seen] = [points[last], isShown(view, name)];
    places[name] = here;
    const d = seen ? line(apart(drawn(last).map(t => toMap(points[t])))) : '';
    view.paths[name].forEach(each => each.setAttribute('d', d));
    view.dots[name].setAttribute('d', dots([10, 100, 1000]
      .filter(t => seen && t < last).map(t => toMap(points[t]))));
    view.marks[name].hidden = !seen || !within(here);
    setPlace(view.marks[name], here);
    setText(view.cards[name].at, within(here) ? place(here) : 'off the map');
  }
  showNow(view, state, places);
  view.live.setAttribute('aria-live', view.frame ? 'off' : 'polite');
  setText(view.play, view.frame ? 'Stop' : 'Play');
  const names = RULES.filter(name => isShown(view, name));
  setText(view.words, summary(state, view.runs, n, names.length ? names : RULES));
}

// ---- all of it

function makeButtons(view, parent) {
  const row = make('div', 'dcy-buttons', parent);
  for (const { label, sets, note } of Object.values(PRESETS)) {
    control('button', 'dcy-button', row, { type: 'button' }, label).onclick = () => {
      change(view, sets, note);
      play(view);
    };
  }
  control('button', 'dcy-button dcy-reset', row, { type: 'button' }, 'Reset').onclick = () => {
    RULES.forEach(name => { view.cards[name].input.checked = true; });
    change(view, view.first);
  };
}

function build(view) {
  makeCards(view, make('div', 'dcy-head', view.body, { role: 'group', 'aria-label': 'show' }));
  const main = make('div', 'dcy-main', view.body);
  const left = make('div', 'dcy-left', main);
  makeMap(view, left);
  makeKey(left);
  makeTime(view, left);
  const panel = make('div', 'dcy-panel', main);
  makeBars(view, panel);
  makeSliders(view, panel);
  view.live = make('div', 'dcy-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', view.live);
  view.noteLine = make('div', 'dcy-note', view.live);
  makePlots(view, view.body);
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
  if (!view.map) build(view);
  view.runs = Object.fromEntries(RULES.map(name => [name, path(name, state)]));
  Object.values(view.sliders).forEach(show => show(state));
  showMap(view, state);
  showShares(view, state);
  showPlots(view, state);
  for (const name of RULES) setText(view.cards[name].says, SAYS[name](state, view.runs[name]));
  setText(view.noteLine, view.note || remark(state, view.runs));
  showTime(view);
}

function render({ model, el }) {
  const view = { model, el, note: '', quiet: false, frame: 0, at: null, sliders: {} };
  el.replaceChildren();
  el.classList.add('dcy');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'weight decay on a stretched bowl');
  el.dataset.explorable = 'decay';
  view.trouble = make('p', 'dcy-trouble', el, { role: 'alert' });
  view.body = make('div', 'dcy-body', el);
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

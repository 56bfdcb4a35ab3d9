// A ball on three surfaces, and the path that each optimiser takes from where it is dropped.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: surface ('bowl', 'ravine' or 'valleys'); optimizer ('SGD', 'Nesterov', 'RMSprop' or
// 'Adam'); start [x, y] within the map (x from -5 to 5, y from -3 to 3); lr (0.001 to 3);
// momentum (0 to 0.99); steps (1 to 300).

// ------------------------------------------------------------------ part 1: arithmetic

// Every surface has the value 0 at its lowest point `best`. `hessian` is [f_xx, f_xy, f_yy].
export const SURFACES = {
  // bowl: f = ½ (x² + 12 y²); λ = 1 and 12; lowest at (0, 0)
  bowl: {
    best: [0, 0],
    f: (x, y) => 0.5 * (x * x + 12 * y * y),
    gradient: (x, y) => [x, 12 * y],
    hessian: () => [1, 0, 12],
  },
  // ravine: f = 0.1 (x − 2.5)² + 2 (y + 2 − x²/5)²; a scaled Rosenbrock valley along the curve
  // y = x²/5 − 2; lowest at (2.5, −0.75), where λ = 0.0987 and 8.101
  ravine: {
    best: [2.5, -0.75],
    f: (x, y) => 0.1 * (x - 2.5) ** 2 + 2 * (y + 2 - x * x / 5) ** 2,
    gradient: (x, y) => {
      const off = y + 2 - x * x / 5;
      return [0.2 * (x - 2.5) - 1.6 * x * off, 4 * off];
    },
    hessian: (x, y) => [0.2 - 1.6 * (y + 2 - x * x / 5) + 0.64 * x * x, -1.6 * x, 4],
  },
  // valleys: f = (x − 3)² (3 x² + 20 x + 39) / 120 + y²/2, so ∂f/∂x = (x² − 9)(x + ½) / 10;
  // deep at (3, 0) with f = 0, shallow at (−3, 0) with f = 1.8, a saddle at (−½, 0) of f = 3.037
  valleys: {
    best: [3, 0],
    f: (x, y) => (x - 3) ** 2 * (3 * x * x + 20 * x + 39) / 120 + y * y / 2,
    gradient: (x, y) => [(x * x - 9) * (x + 0.5) / 10, y],
    hessian: x => [(3 * x * x + x - 9) / 10, 0, 1],
  },
};

// One step of each optimiser for one coordinate: weight `w`, gradient `g`, memory `s` of this
// coordinate, `t` the number of the step from 1. The rules and the order are torch.optim's.
const [ALPHA, BETA2, EPS] = [0.99, 0.999, 1e-8];
export const STEPS = {
  // torch.optim.SGD(lr, momentum)
  SGD(w, g, s, { lr, momentum }) {
    s.velocity = momentum * (s.velocity ?? 0) + g;
    return w - lr * s.velocity;
  },
  // torch.optim.SGD(lr, momentum, nesterov=True); without momentum it is SGD
  Nesterov(w, g, s, { lr, momentum }) {
    s.velocity = momentum * (s.velocity ?? 0) + g;
    return w - lr * (g + momentum * s.velocity);
  },
  // torch.optim.RMSprop(lr): alpha=0.99; it does not use `momentum`
  RMSprop(w, g, s, { lr }) {
    s.square = ALPHA * (s.square ?? 0) + (1 - ALPHA) * g * g;
    return w - lr * g / (Math.sqrt(s.square) + EPS);
  },
  // torch.optim.Adam(lr, betas=(momentum, 0.999))
  Adam(w, g, s, { lr, momentum }, t) {
    s.mean = momentum * (s.mean ?? 0) + (1 - momentum) * g;
    s.square = BETA2 * (s.square ?? 0) + (1 - BETA2) * g * g;
    const spread = Math.sqrt(s.square) / Math.sqrt(1 - BETA2 ** t) + EPS;
    return w - lr / (1 - momentum ** t) * s.mean / spread;
  },
};
const OPTIMIZERS = Object.keys(STEPS);

// Where the ball is after each step, and f there. Beyond FAR it has diverged; the path ends.
export const FAR = 50;
export function path({ surface, optimizer, start, lr, momentum, steps }) {
  const { f, gradient } = SURFACES[surface];
  const [points, losses, memory] = [[[...start]], [f(...start)], [{}, {}]];
  let diverged = 0; // the step at which it did
  for (let t = 1; t <= steps && !diverged; t++) {
    const at = points[t - 1];
    const g = gradient(...at);
    const next = [0, 1].map(i => STEPS[optimizer](at[i], g[i], memory[i], { lr, momentum }, t));
    points.push(next);
    losses.push(f(...next));
    if (!(Math.max(...next.map(Math.abs)) <= FAR)) diverged = t;
  }
  return { points, losses, diverged };
}

// How many points of a path to draw: one that diverged ends where it leaves the map for good.
export function visible({ points, diverged }) {
  return diverged ? points.findLastIndex(within) + 2 : points.length;
}

// The largest curvature: the larger eigenvalue of the Hessian.
export function curvature(surface, x, y) {
  const [a, b, c] = SURFACES[surface].hessian(x, y);
  return (a + c) / 2 + Math.hypot((a - c) / 2, b);
}

// The largest rate that is stable where the surface curves by λ; Infinity if there is none.
export function stableLimit(optimizer, momentum, λ) {
  if (optimizer === 'SGD') return 2 * (1 + momentum) / λ;
  if (optimizer === 'Nesterov') return 2 * (1 + momentum) / (1 + 2 * momentum) / λ;
  return Infinity;
}

// The map: x from −5 to 5 and y from −3 to 3; in the drawing, 0 to 100 and 60 to 0.
const [RIGHT, TOP] = [5, 3];
const within = ([x, y]) => Math.abs(x) <= RIGHT && Math.abs(y) <= TOP;
const between = (low, x, high) => Math.min(Math.max(x, low), high);
export const toMap = ([x, y]) => [10 * (x + RIGHT), 10 * (TOP - y)];

// Levels of the contour lines; they grow so that the lines are about evenly spaced.
const growing = (most, count, power) =>
  Array.from({ length: count }, (_, k) => most * ((k + 0.5) / count) ** power);
export const LEVELS = {
  bowl: growing(66, 13, 2),
  ravine: growing(84, 14, 3),
  valleys: [0.1, 0.4, 0.9, 1.4, 1.9, 2.2, 2.6, 3.037, 3.6, 4.4, 5.4, 6.6, 8, 9.6],
};

// The lines f = level by marching squares: points [x, y], two for each piece of a line.
export function contours(f, levels, columns = 100, rows = 60) {
  const xs = Array.from({ length: columns + 1 }, (_, i) => -RIGHT + 2 * RIGHT * i / columns);
  const ys = Array.from({ length: rows + 1 }, (_, j) => -TOP + 2 * TOP * j / rows);
  const values = ys.map(y => xs.map(x => f(x, y)));
  const pieces = [];
  for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) {
    const around = [values[j][i], values[j][i + 1], values[j + 1][i + 1], values[j + 1][i]];
    const [low, high] = [Math.min(...around), Math.max(...around)];
    for (const level of levels) {
      if (low < level && level <= high) pieces.push(...crossings(around, level, xs, ys, i, j));
    }
  }
  return pieces;
}

// Where the line crosses the sides of the cell (i, j), whose corners have the values `around`.
function crossings(around, level, xs, ys, i, j) {
  const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
  return corners.flatMap(([a, b], k) => {
    const [c, d] = corners[(k + 1) % 4];
    const [one, two] = [around[k] - level, around[(k + 1) % 4] - level];
    if (one < 0 === two < 0) return [];
    const part = one / (one - two);
    return [[xs[a] + part * (xs[c] - xs[a]), ys[b] + part * (ys[d] - ys[b])]];
  });
}

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ surface, optimizer, start, lr, momentum, steps }) {
  const choice = (name, value, names) => `${name} must be one of `
    + `${names.map(each => `'${each}'`).join(', ')}, not ${JSON.stringify(value)}.`;
  if (!Object.hasOwn(SURFACES, surface)) {
    return choice('surface', surface, Object.keys(SURFACES));
  }
  if (!OPTIMIZERS.includes(optimizer)) return choice('optimizer', optimizer, OPTIMIZERS);
  if (!Array.isArray(start) || start.length !== 2
      || !isNumber(start[0], -RIGHT, RIGHT) || !isNumber(start[1], -TOP, TOP)) {
    return 'start must be [x, y] with x from -5 to 5 and y from -3 to 3, '
      + `not ${JSON.stringify(start)}.`;
  }
  if (!isNumber(lr, 0.001, 3)) return `lr must be a number from 0.001 to 3, not ${lr}.`;
  if (!isNumber(momentum, 0, 0.99)) {
    return `momentum must be a number from 0 to 0.99, not ${momentum}.`;
  }
  if (!isNumber(steps, 1, 300) || !Number.isInteger(steps)) {
    return `steps must be a whole number from 1 to 300, not ${steps}.`;
  }
  return '';
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−').replace('e+', 'e');
export function format(x, digits = 3) {
  const far = Math.abs(x);
  if (far === 0) return '0';
  if (!(far >= 0.5 * 10 ** -digits && far < 1e5)) return minus(x.toExponential(0));
  return minus(far < 10 ? x.toFixed(digits) : String(+x.toPrecision(4)));
}
const short = x => minus(String(+x.toPrecision(3)));
const hundredths = x => minus((+x.toFixed(2) || 0).toFixed(2));
const place = point => `(${point.map(hundredths).join(',\u00a0')})`; // stays on one line

// '2/12 = 0.167': how the stable limit comes about.
function limitText(optimizer, momentum, λ) {
  const limit = short(stableLimit(optimizer, momentum, λ));
  if (momentum === 0) return `2/${short(λ)} = ${limit}`;
  const over = optimizer === 'SGD' ? short(λ) : `(${short(λ)}·(1 + 2·${momentum}))`;
  return `2·(1 + ${momentum})/${over} = ${limit}`;
}

// Why the ball did not stay: the rate against the largest curvature that it met on the map.
export function reason({ surface, optimizer, momentum, lr }, { points }) {
  const λ = Math.max(...points.filter(within).map(([x, y]) => curvature(surface, x, y)));
  if (stableLimit(optimizer, momentum, λ) < lr) {
    const limit = `the rate exceeds ${limitText(optimizer, momentum, λ)}, the stable limit`;
    return surface === 'bowl' ? `${limit} of this bowl`
      : `${limit} where the surface curves by ${short(λ)}`;
  }
  return `at a rate of ${short(lr)} its steps are too long for this map`;
}

// Where the ball is at step `n` of its path, in words.
export function summary(state, run, n = run.points.length - 1) {
  const { optimizer, steps } = state;
  if (run.diverged && n >= run.diverged) {
    return `Diverged at step ${run.diverged}: ${reason(state, run)}.`;
  }
  const when = n === 0 ? 'at the start' : `after ${n} step${n === 1 ? '' : 's'}`;
  return `${optimizer} ${when}${n > 0 && n < steps ? ` of ${steps}` : ''}: `
    + `f = ${format(run.losses[n])}, at ${place(run.points[n])}.`;
}

const near = ([a, b], [x, y]) => Math.hypot(a - x, b - y) < 0.05;
const RESTS = [
  [[3, 0], 'It came to the deep valley, the lowest point of this map.'],
  [[-3, 0], 'It stays in the shallow valley, f = 1.8: each way out leads up first.'],
  [[-0.5, 0], 'It stops on the saddle: the gradient is 0 there, so every step is 0.'],
];

// What there is to learn from this path.
export function remark({ surface, optimizer, lr, momentum }, { points, diverged }) {
  const rests = RESTS.find(([at]) => surface === 'valleys' && near(at, points.at(-1)));
  if (rests) return rests[1];
  if (optimizer === 'Adam') {
    return `Adam’s first step is the rate, ${short(lr)}, along each axis, however steep it is.`;
  }
  if (optimizer === 'RMSprop') {
    return `RMSprop’s first step is 10 × the rate, ${short(10 * lr)}, along each axis, `
      + 'however steep it is.';
  }
  if (surface === 'bowl' && !diverged && lr > stableLimit(optimizer, momentum, 12)) {
    return `The rate exceeds ${limitText(optimizer, momentum, 12)}: y grows, step by step.`;
  }
  if (surface === 'bowl' && momentum === 0) {
    return `Each step multiplies x by 1 − ${short(lr)} = ${short(1 - lr)}, `
      + `y by 1 − 12·${short(lr)} = ${short(1 - 12 * lr)}.`;
  }
  if (surface === 'ravine' && !diverged) {
    const λ = curvature('ravine', ...SURFACES.ravine.best);
    return `At the minimum the curvature is ${short(λ)} across the ravine `
      + `but 0.0987 along it: `
      + `stable below ${limitText(optimizer, momentum, λ)}.`;
  }
  if (momentum > 0) {
    return `Down a steady slope, momentum ${momentum} makes steps up to `
      + `1/(1 − ${momentum}) = ${short(1 / (1 - momentum))} times as long.`;
  }
  return 'Without momentum each step goes straight downhill, as far as the slope is steep.';
}

// Buttons that set everything: what they are called, what they set, what is to be seen then.
export const PRESETS = {
  large: {
    label: 'Rate too large',
    sets: { surface: 'bowl', optimizer: 'SGD', start: [-4.5, 0.3], lr: 0.18, momentum: 0,
      steps: 60 },
    note: 'x shrinks to 0.82 of itself at each step, while y flips and grows 1.16 times.',
  },
  ravine: {
    label: 'Zig-zag in the ravine',
    sets: { surface: 'ravine', optimizer: 'SGD', start: [-4.4, 2.2], lr: 0.145, momentum: 0,
      steps: 100 },
    note: 'At first each step goes from wall to wall: little of it leads along the ravine.',
  },
  momentum: {
    label: 'Momentum rolls through',
    sets: { surface: 'valleys', optimizer: 'SGD', start: [-4.8, 1.5], lr: 0.2, momentum: 0.9,
      steps: 150 },
    compare: true,
    note: 'SGD and Nesterov cross the saddle on their momentum. Set it to 0, and both stay.',
  },
  adam: {
    label: 'Adam ignores the stretch',
    sets: { surface: 'bowl', optimizer: 'Adam', start: [-2.5, 2.5], lr: 0.1, momentum: 0.9,
      steps: 100 },
    compare: true,
    note: 'y is 12 times as steep as x, yet Adam (like RMSprop) moves both alike: a straight path.',
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

const KEYS = ['surface', 'optimizer', 'start', 'lr', 'momentum', 'steps'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes, note = '') {
  pause(view);
  view.note = note;
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- choices

// Radio buttons in boxes; returns a function that shows which one is chosen.
function makeChoices(view, parent, key, entries) {
  const group = make('div', `dsc-${key}`, parent, { role: 'radiogroup', 'aria-label': key });
  const boxes = entries.map(([value, label, about]) => {
    const box = make('label', 'dsc-choice', group);
    const input = control('input', '', box, { type: 'radio', name: `${view.id}-${key}` });
    input.setAttribute('aria-label', about ? `${label}: ${about}` : label);
    input.onchange = () => change(view, { [key]: value });
    return { value, box, input, words: make('b', '', box, {}, label),
      about: make('small', '', box, {}, about) };
  });
  view[key] = boxes;
  return chosen => boxes.forEach(({ value, box, input }) => {
    input.checked = value === chosen;
    box.classList.toggle('dsc-on', value === chosen);
  });
}

const ABOUT = [['bowl', 'Bowl', '12 times as steep in y'], ['ravine', 'Ravine', 'bent and narrow'],
  ['valleys', 'Two valleys', 'shallow and deep']];

// A slider with its name and number; the last two take its value to the state and back.
function makeSlider(view, parent, key, label, range, toState = Number, fromState = Number) {
  const row = make('label', 'dsc-slider', parent);
  make('span', '', row, {}, label);
  const number = make('output', 'dsc-number', row);
  const input = control('input', 'dsc-range', row,
    { type: 'range', 'aria-label': label, ...range });
  input.oninput = () => change(view, { [key]: toState(Number(input.value)) });
  view.sliders[key] = value => {
    input.value = fromState(value);
    setFill(input);
    input.setAttribute('aria-valuetext', short(value));
    setText(number, short(value));
  };
}
function setFill(input) {
  const part = (input.value - input.min) / Math.max(1e-9, input.max - input.min);
  input.style.setProperty('--dsc-part', part);
}
const rateAt = x => between(0.001, +(10 ** x).toPrecision(3), 3);

function makePanel(view, parent) {
  const panel = make('div', 'dsc-panel', parent);
  view.showOptimizer = makeChoices(view, panel, 'optimizer',
    OPTIMIZERS.map(name => [name, name, '']));
  view.optimizer.forEach(({ value, words }) => {
    const swatch = trace(`dsc-swatch dsc-${value}`, null, 'svg', flat(0, 0, 26, 10));
    trace('dsc-line', swatch, 'path', { d: 'M1 5H25' });
    trace('dsc-dots', swatch, 'path', { d: 'M13 5h0' });
    words.before(swatch);
  });
  const row = make('div', 'dsc-compare', panel);
  const label = make('label', 'dsc-check', row);
  view.compare = control('input', '', label, { type: 'checkbox' });
  view.compare.onchange = () => draw(view);
  make('span', '', label, {}, 'compare all');
  control('button', 'dsc-button dsc-reset', row, { type: 'button' }, 'Reset').onclick = () => {
    view.compare.checked = false;
    change(view, view.first);
  };
  const sliders = make('div', 'dsc-sliders', panel);
  makeSlider(view, sliders, 'lr', 'rate', { min: -3, max: 0.48, step: 0.02 }, rateAt, Math.log10);
  makeSlider(view, sliders, 'momentum', 'momentum', { min: 0, max: 0.99, step: 0.01 });
  view.use = make('small', 'dsc-use', sliders);
  makeSlider(view, sliders, 'steps', 'steps', { min: 10, max: 300, step: 10 });
}

const USES = { SGD: 'how much velocity it keeps', Nesterov: 'as SGD, one step ahead',
  RMSprop: 'RMSprop has no momentum', Adam: 'β₁, for the mean gradient' };

function showPanel(view, state) {
  view.showSurface(state.surface);
  view.showOptimizer(state.optimizer);
  for (const key of ['lr', 'momentum', 'steps']) view.sliders[key](state[key]);
  setText(view.use, USES[state.optimizer]);
  view.optimizer.forEach(({ value, about }) => {
    const { diverged, losses } = view.runs[value];
    about.classList.toggle('dsc-f', !diverged);
    setText(about, diverged ? 'diverged' : format(losses.at(-1)));
  });
}

// ---- the map

const MARKS = {
  bowl: [[0, 0, 'lowest']], ravine: [[2.5, -0.75, 'lowest']],
  valleys: [[3, 0, 'deep'], [-3, 0, 'shallow'], [-0.5, 0, 'saddle']],
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function makeMap(view, parent) {
  const map = control('div', 'dsc-map', parent, { tabindex: 0, role: 'application' });
  view.map = map;
  view.shade = make('canvas', 'dsc-shade', map, { 'aria-hidden': 'true', width: 240, height: 144 });
  const svg = trace('dsc-lines', map, 'svg', flat(0, 0, 100, 60));
  view.contours = trace('dsc-contours', svg);
  view.paths = makeTraces(svg);
  view.dots = trace('dsc-dots', svg);
  view.origin = trace('dsc-start', svg);
  view.marks = make('div', 'dsc-marks', map, { 'aria-hidden': 'true' });
  for (const x of [-4, -2, 0, 2, 4]) mark(map, 'dsc-tick', x, -TOP, minus(`${x}`));
  for (const y of [-2, 0, 2]) mark(map, 'dsc-tick dsc-up', -RIGHT, y, minus(`${y}`));
  view.hint = make('span', 'dsc-hint', map, { 'aria-hidden': 'true' }, 'drop the ball anywhere');
  view.ball = make('div', 'dsc-ball', map, { 'aria-hidden': 'true' });
  map.onkeydown = event => moveStart(view, event);
  map.onpointerdown = event => {
    map.setPointerCapture(event.pointerId);
    drop(view, event);
  };
  map.onpointermove = event => { if (map.hasPointerCapture(event.pointerId)) drop(view, event); };
  map.onpointerup = () => play(view, 0);
}

// A line for each optimiser; the chosen one is drawn above the others.
const makeTraces = svg => Object.fromEntries(OPTIMIZERS.map(name =>
  [name, ['dsc-halo', 'dsc-line'].map(kind => trace(`${kind} dsc-${name}`, svg))]));

function mark(parent, className, x, y, text) {
  const element = make('span', className, parent, { 'aria-hidden': 'true' }, text);
  const [left, top] = toMap([x, y]);
  element.style.cssText = `left: ${left}%; top: ${top / 0.6}%`;
  return element;
}

const nextStart = ([x, y]) => [between(-RIGHT, +x.toFixed(2), RIGHT),
  between(-TOP, +y.toFixed(2), TOP)];

function moveStart(view, event) {
  const { start } = read(view.model);
  if (event.key !== 'Home' && !ARROWS[event.key]) return;
  event.preventDefault();
  view.hint.hidden = true;
  const far = event.shiftKey ? 1 : 0.1;
  const [right, up] = ARROWS[event.key] ?? [0, 0];
  change(view, { start: event.key === 'Home' ? view.first.start
    : nextStart([start[0] + far * right, start[1] + far * up]) });
}

function drop(view, event) {
  const box = view.map.getBoundingClientRect();
  view.hint.hidden = true;
  change(view, { start: nextStart([2 * RIGHT * (event.clientX - box.left) / box.width - RIGHT,
    TOP - 2 * TOP * (event.clientY - box.top) / box.height]) });
}

const line = points => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`)
  .join('');
const dots = points => points.map(([x, y]) => `M${x.toFixed(2)} ${y.toFixed(2)}h0`).join('');

// Contour lines and shades of a surface; drawn when the surface changes, the lines kept.
const kept = {};
function lines(surface) {
  kept[surface] ??= contours(SURFACES[surface].f, LEVELS[surface]).map((point, k) =>
    `${k % 2 ? 'L' : 'M'}${toMap(point).map(x => x.toFixed(2)).join(' ')}`).join('');
  return kept[surface];
}
function paint(canvas, surface) {
  const pen = canvas.getContext('2d');
  const { width, height } = canvas;
  const picture = pen.createImageData(width, height);
  const { f } = SURFACES[surface];
  const levels = LEVELS[surface];
  for (let k = 0; k < width * height; k++) {
    const x = 2 * RIGHT * (k % width + 0.5) / width - RIGHT;
    const value = f(x, TOP - 2 * TOP * (Math.floor(k / width) + 0.5) / height);
    const above = levels.findIndex(level => level > value);
    const band = (above < 0 ? levels.length : above) / levels.length;
    picture.data.set([104, 124, 150, 150 * band], 4 * k); // the same shade for light and dark
  }
  pen.putImageData(picture, 0, 0);
}

function showSurface(view, { surface, start }) {
  view.map.setAttribute('aria-label', `Map of f. The ball starts at ${place(start)}; arrow keys `
    + 'move it, with Shift ten times as far, Home takes it back.');
  if (view.drawn === surface) return;
  view.drawn = surface;
  view.contours.setAttribute('d', lines(surface));
  paint(view.shade, surface);
  view.marks.replaceChildren();
  for (const [x, y, text] of MARKS[surface]) mark(view.marks, 'dsc-mark', x, y, text);
}

// ---- the loss against the step

function makePlot(view, parent) {
  const plot = make('div', 'dsc-plot', parent, { 'aria-hidden': 'true' });
  make('small', 'dsc-title', plot, {}, 'f at each step, on a logarithmic scale');
  view.ticks = make('div', 'dsc-ticks', plot);
  const svg = trace('dsc-lines', plot, 'svg', flat(0, 0, 100, 100));
  view.grid = trace('dsc-grid', svg);
  view.curves = makeTraces(svg);
  view.now = trace('dsc-now', svg);
  view.ends = ['0', ''].map(text => make('small', 'dsc-end', plot, {}, text));
}

// The powers of 10 between which the curves lie: never below 1e-10 nor above 1e4.
export function decades(runs) {
  const values = runs.flatMap(run => run.losses).filter(f => f <= 1e4);
  const low = Math.floor(Math.log10(Math.max(1e-10, Math.min(...values))));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(1e-9, ...values))))];
}

const raised = power => `10${[...String(power)]
  .map(sign => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(sign)]).join('')}`;
const powerText = power => (Math.abs(power) < 3 ? (10 ** power).toFixed(Math.max(0, -power))
  : raised(power));

function showPlot(view, { steps }, shown) {
  const [low, high] = decades(shown.map(name => view.runs[name]));
  const height = f => 100 * (high - Math.log10(between(1e-12, f, 1e12))) / (high - low);
  const every = Math.ceil((high - low) / 4);
  const powers = Array.from({ length: high - low + 1 }, (_, k) => low + k)
    .filter(power => (high - power) % every === 0);
  const key = `${low} ${high}`;
  if (view.ticks.dataset.range !== key) {
    view.ticks.dataset.range = key;
    view.ticks.replaceChildren();
    for (const power of powers) {
      make('small', '', view.ticks, { style: `top: ${height(10 ** power)}%` },
        powerText(power));
    }
    view.grid.setAttribute('d', powers.map(power => `M0 ${height(10 ** power)}H100`).join(''));
  }
  for (const name of OPTIMIZERS) {
    const points = shown.includes(name) ? view.runs[name].losses.map((f, t) =>
      [100 * t / steps, between(-50, height(f), 150)]) : [];
    view.curves[name].forEach(each => each.setAttribute('d', line(points)));
  }
  setText(view.ends[1], `step ${steps}`);
}

// ---- time: the ball at step `view.at` of its path; null for the end

function makeTime(view, parent) {
  const row = make('div', 'dsc-time', parent);
  view.play = control('button', 'dsc-button dsc-play', row, { type: 'button' }, 'Play');
  view.play.onclick = () => (view.frame ? halt(view) : play(view));
  const step = control('button', 'dsc-button', row, { type: 'button' }, 'Step');
  step.onclick = () => {
    const at = view.at ?? lastStep(view);
    goTo(view, at >= lastStep(view) ? 0 : Math.floor(at) + 1);
  };
  view.time = control('input', 'dsc-range', row, { type: 'range', min: 0, step: 1,
    'aria-label': 'step of the path' });
  view.time.oninput = () => goTo(view, Number(view.time.value));
  view.clock = make('output', 'dsc-number', row);
}

const lastStep = view => view.runs[read(view.model).optimizer].points.length - 1;
function pause(view) {
  cancelAnimationFrame(view.frame);
  view.frame = 0;
  view.at = null;
}
function halt(view) {
  const at = Math.floor(view.at);
  pause(view);
  goTo(view, at);
}
function goTo(view, step) {
  pause(view);
  view.at = Math.min(step, lastStep(view));
  showTime(view);
}

// Let the ball go from step `from`. Where motion is unwelcome it is at the end at once.
function play(view, from = view.at ?? 0) {
  const last = lastStep(view);
  pause(view);
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return goTo(view, last);
  const speed = Math.max(10, last / 5); // steps a second
  const begin = from >= last ? 0 : from;
  const first = performance.now();
  const move = now => {
    view.at = begin + speed * Math.max(0, now - first) / 1000;
    if (view.at >= last) return goTo(view, last);
    view.frame = requestAnimationFrame(move);
    showTime(view);
  };
  view.at = begin;
  view.frame = requestAnimationFrame(move);
  showTime(view);
}

// All that depends on where the ball is.
function showTime(view) {
  const state = read(view.model);
  const run = view.runs[state.optimizer];
  const last = run.points.length - 1;
  const at = view.at ?? last;
  const n = Math.floor(at);
  const [a, b] = [run.points[n], run.points[Math.min(n + 1, last)]];
  const here = a.map((x, i) => x + (at - n) * (b[i] - x));
  const mapped = [...run.points.slice(0, n + 1), here].slice(0, visible(run)).map(toMap);
  view.paths[state.optimizer].forEach(each => each.setAttribute('d', line(mapped)));
  view.dots.setAttribute('d', dots(mapped.slice(0, n + 1)));
  const [x, y] = toMap(here);
  view.ball.style.left = `${between(0, x, 100)}%`;
  view.ball.style.top = `${between(0, y, 60) / 0.6}%`;
  view.ball.classList.toggle('dsc-gone', !within(here));
  view.now.setAttribute('d', `M${100 * at / state.steps} 0V100`);
  showClock(view, state, run, n, last);
}

function showClock(view, state, run, n, last) {
  view.live.setAttribute('aria-live', view.frame ? 'off' : 'polite');
  setText(view.words, summary(state, run, n));
  setText(view.play, view.frame ? 'Pause' : 'Play');
  view.time.max = last;
  view.time.value = n;
  setFill(view.time);
  view.time.setAttribute('aria-valuetext', `${n} of ${last}`);
  setText(view.clock, `${n} / ${last}`);
}

// ---- all of it

function makeButtons(view, parent) {
  const row = make('div', 'dsc-buttons', parent);
  for (const { label, sets, note, compare } of Object.values(PRESETS)) {
    control('button', 'dsc-button', row, { type: 'button' }, label).onclick = () => {
      view.compare.checked = Boolean(compare);
      change(view, sets, note);
      play(view, 0);
    };
  }
}

function build(view) {
  const head = make('div', 'dsc-head', view.body);
  view.showSurface = makeChoices(view, head, 'surface', ABOUT);
  const main = make('div', 'dsc-main', view.body);
  const left = make('div', 'dsc-left', main);
  makeMap(view, left);
  makePanel(view, main);
  makeTime(view, left);
  view.live = make('div', 'dsc-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', view.live);
  view.noteLine = make('div', 'dsc-note', view.live);
  makePlot(view, view.body);
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
  view.runs = Object.fromEntries(OPTIMIZERS.map(optimizer =>
    [optimizer, path({ ...state, optimizer })]));
  const shown = view.compare.checked ? OPTIMIZERS : [state.optimizer];
  showSurface(view, state);
  showPanel(view, state);
  showPaths(view, state, shown);
  showPlot(view, state, shown);
  setText(view.noteLine, view.note || remark(state, view.runs[state.optimizer]));
  showTime(view);
}

function showPaths(view, { optimizer, start }, shown) {
  for (const name of OPTIMIZERS) {
    const run = view.runs[name];
    const points = shown.includes(name) ? run.points.slice(0, visible(run)).map(toMap) : [];
    view.paths[name].forEach(each => each.setAttribute('d', line(points)));
    for (const each of [...view.paths[name], ...view.curves[name]]) {
      each.classList.toggle('dsc-chosen', name === optimizer);
    }
  }
  view.dots.setAttribute('class', `dsc-dots dsc-${optimizer}`);
  view.paths[optimizer].forEach(each => view.dots.before(each));
  view.curves[optimizer].forEach(each => view.now.before(each));
  view.origin.setAttribute('d', dots([toMap(start)]));
}

function render({ model, el }) {
  const id = `dsc-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, note: '', quiet: false, frame: 0, at: null, sliders: {} };
  el.replaceChildren();
  el.classList.add('dsc');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'optimisers on three surfaces');
  el.dataset.explorable = 'descent';
  view.trouble = make('p', 'dsc-trouble', el, { role: 'alert' });
  view.body = make('div', 'dsc-body', el);
  draw(view);
  const again = () => {
    if (view.quiet) return;
    pause(view);
    view.note = '';
    draw(view);
  };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => {
    pause(view);
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

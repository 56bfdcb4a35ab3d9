// Where the windows of a convolution lie: size, kernel, stride, padding and dilation of one axis.
//
// Part 1 is arithmetic on whole numbers. Part 2 makes the words. Part 3 draws.
//
// state: size, kernel, stride, padding, dilation, and position: the output whose window is shown.
// Places are counted from 0, the first input cell; padding lies at −1, −2, … and from size on.

// ------------------------------------------------------------------ part 1: arithmetic

const range = n => Array.from({ length: n }, (_, i) => i);
const between = (low, x, high) => Math.min(Math.max(x, low), high);
const divisor = (a, b) => (b ? divisor(b, a % b) : a);

export const LIMITS = {
  size: [1, 32], kernel: [1, 11], stride: [1, 6], padding: [0, 8], dilation: [1, 5],
};
const KEYS = [...Object.keys(LIMITS), 'position'];

// How many places one window spans, from its first tap to its last.
export const effectiveKernel = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;
export const paddedSize = ({ size, padding }) => size + 2 * padding;
// How many places the first window can move to the right; below 0 it does not fit.
export const room = state => paddedSize(state) - effectiveKernel(state);
// 0 where torch refuses.
export function outputSize(state) {
  return room(state) < 0 ? 0 : Math.floor(room(state) / state.stride) + 1;
}
// The places that output i reads.
export function taps({ kernel, stride, padding, dilation }, i) {
  return range(kernel).map(j => i * stride - padding + j * dilation);
}
// The middle of window i, where its output is drawn; halves lie between two places.
export function centre(state, i) {
  return i * state.stride - state.padding + (effectiveKernel(state) - 1) / 2;
}

// Input cells that no window reads: at the right end, where the stride does not divide, and
// between the taps. `padding` counts the places of padding left over at the right end.
export function unseen(state) {
  const count = outputSize(state);
  if (!count) return { right: [], between: [], padding: 0 };
  const read = new Set(range(count).flatMap(i => taps(state, i)));
  const missed = range(state.size).filter(place => !read.has(place));
  const last = taps(state, count - 1).at(-1);
  const leftOver = room(state) % state.stride;
  return { right: missed.filter(place => place > last),
    between: missed.filter(place => place <= last), padding: Math.min(leftOver, state.padding) };
}
// The padding that keeps the size at stride 1; null for an even effective kernel.
export function samePadding(state) {
  const lost = effectiveKernel(state) - 1;
  return lost % 2 ? null : lost / 2;
}
// How many outputs read no input cell at all.
export function blind(state) {
  const inside = place => place >= 0 && place < state.size;
  return range(outputSize(state)).filter(i => !taps(state, i).some(inside)).length;
}
export const clampPosition = state => ({ ...state,
  position: between(0, state.position, Math.max(0, outputSize(state) - 1)) });

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem(state) {
  for (const key of KEYS) {
    const [low, high] = LIMITS[key] ?? [0, Infinity];
    const [value, to] = [state[key], high < Infinity ? `from ${low} to ${high}` : 'from 0 on'];
    if (!Number.isInteger(value) || value < low || value > high) {
      const given = typeof value === 'number' ? minus(value) : JSON.stringify(value) ?? 'missing';
      return `${key} must be a whole number ${to}, not ${given}.`;
    }
  }
  return '';
}

// ------------------------------------------------------------------ part 2: words

const minus = number => String(number).replace('-', '−');
const some = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

// The formula with the numbers put in: [[name, text]].
export function steps(state) {
  const { size, kernel, stride, padding, dilation } = state;
  const [e, r, count] = [effectiveKernel(state), room(state), outputSize(state)];
  return [
    ['effective kernel e: places that a window spans',
      `d·(k − 1) + 1 = ${dilation}·(${kernel} − 1) + 1 = ${e}`],
    ['room r: places that the window can move',
      `n + 2p − e = ${size} + 2·${padding} − ${e} = ${minus(r)}`],
    ['outputs; ⌊ ⌋ rounds down',
      `⌊r / s⌋ + 1 = ${count ? `⌊${r} / ${stride}⌋ + 1 = ${count}` : 'none, as r < 0'}`],
  ];
}

// 'y[1] = w[0]·x[0] + w[1]·x[1] + w[2]·x[2]'; padding is read as 0.
export function readWords(state, i) {
  const terms = taps(state, i).map((place, j) =>
    `w[${j}]·${place >= 0 && place < state.size ? `x[${place}]` : '0'}`);
  const shown = terms.length > 5 ? [...terms.slice(0, 2), '…', terms.at(-1)] : terms;
  return `y[${i}] = ${shown.join(' + ')}`;
}

export function summary(state) {
  const [{ size, padding }, count] = [state, outputSize(state)];
  if (!count) {
    return `Refused: a window of ${some(effectiveKernel(state), 'place')} does not fit into `
      + `${size} + 2·${padding} = ${paddedSize(state)}.`;
  }
  const verb = size === 1 ? 'becomes' : 'become';
  const stays = count === size ? ': the size stays' : '';
  return `${some(size, 'cell')} ${verb} ${some(count, 'output')}${stays}.`;
}

// Which padding keeps the size, or divides it by the stride.
function sizeWords(state) {
  const { size, stride, padding } = state;
  const [same, span, quotient] = [samePadding(state), effectiveKernel(state), size / stride];
  if (stride > 1 && same === null) return '';
  if (stride > 1) {
    return `Padding ${same} ${padding === same ? 'gives' : 'would give'} ${size} / ${stride}`
      + `${quotient % 1 ? ', rounded up:' : ' ='} ${some(Math.ceil(quotient), 'output')}.`;
  }
  if (same === null) {
    return `No padding keeps the size: a window of ${span} costs ${some(span - 1, 'place')}, but `
      + `padding adds an even number, p at each end. torch's padding='same' adds `
      + `${(span - 2) / 2} at the left and ${span / 2} at the right.`;
  }
  if (span === 1) return 'A kernel of 1 keeps the size without padding.';
  if (padding !== same) return `Padding ${same} keeps the size.`;
  return `Padding ${same} keeps the size: a window of ${span} costs ${span - 1} places, and `
    + `${same} at each end give them back.`;
}

function rightWords(state) {
  const { right, padding } = unseen(state);
  const why = `stride ${state.stride} does not divide r = ${room(state)}`;
  const one = right.length === 1;
  const plus = padding ? `, nor is the padding after ${one ? 'it' : 'them'}` : '';
  if (right.length) {
    return `${one ? 'The last cell is' : `The last ${right.length} cells are`} never seen${plus}: `
      + `${why}.`;
  }
  const last = padding === 1 ? 'place of padding stays' : `${padding} places of padding stay`;
  return padding && `The last ${last} unread: ${why}.`;
}
function betweenWords(state) {
  const [{ between: cells }, { stride, dilation }] = [unseen(state), state];
  if (!cells.length) return '';
  const shared = divisor(stride, dilation);
  const why = stride > effectiveKernel(state) ? `stride ${stride} jumps over them`
    : shared > 1 ? `stride ${stride} and dilation ${dilation} are both multiples of ${shared}`
      : `the taps are ${dilation} apart, and the windows too few to fill in`;
  const verb = cells.length === 1 ? 'is' : 'are';
  return `${some(cells.length, 'cell')} between the taps ${verb} never seen: ${why}.`;
}
function blindWords(state) {
  const count = blind(state);
  return count && `${some(count, 'output')} ${count === 1 ? 'sees' : 'see'} padding only.`;
}
function reachWords(state) {
  const { kernel, stride, dilation } = state;
  if (kernel > 1 && dilation > 1) {
    return `${kernel} weights span ${effectiveKernel(state)} places: dilation skips `
      + `${some(dilation - 1, 'place')} after each tap.`;
  }
  const layers = (kernel - 1) / 2;
  if (stride > 1 || layers < 2 || kernel % 2 === 0) return '';
  return `${layers} layers of 3 × 3 see ${kernel} × ${kernel} too, with ${layers}·9 = `
    + `${9 * layers} weights for each channel, not ${kernel * kernel}.`;
}
function refusedWords(state) {
  const least = state.padding + Math.ceil(-room(state) / 2);
  const largest = Math.floor((paddedSize(state) - 1) / state.dilation) + 1;
  const at = state.dilation > 1 ? ` at dilation ${state.dilation}` : '';
  const pad = least > LIMITS.padding[1] ? '' : `Padding ${least} makes it fit. `;
  return `${pad}Without more padding the kernel can be at most ${largest}${at}.`;
}

// At most three sentences about what to see, and what to change.
export function notes(state) {
  if (!outputSize(state)) return [refusedWords(state)];
  return [rightWords, betweenWords, sizeWords, blindWords, reachWords]
    .map(words => words(state)).filter(Boolean).slice(0, 3);
}

export function squareWords(state) {
  const [{ size }, count, { right, between: gaps }] = [state, outputSize(state), unseen(state)];
  const missed = right.length + gaps.length;
  const lost = size ** 2 - (size - missed) ** 2;
  return [`${size} × ${size} → ${count ? `${count} × ${count}` : 'none'}`,
    lost ? `${lost} of ${size ** 2} cells are never seen.` : ''];
}

const preset = (size, kernel, stride, padding, dilation, position) =>
  ({ size, kernel, stride, padding, dilation, position });
export const PRESETS = {
  'Same size': preset(7, 3, 1, 1, 1, 0),
  Halve: preset(8, 3, 2, 1, 1, 1),
  'Lost cell': preset(8, 3, 2, 0, 1, 2),
  'Even kernel': preset(7, 4, 1, 1, 1, 2),
  Dilated: preset(9, 3, 1, 2, 2, 4),
  'See 7': preset(7, 7, 1, 0, 1, 0),
  'Too large': preset(5, 7, 1, 0, 1, 0),
};

// ------------------------------------------------------------------ part 3: drawing

function make(tag, className, parent, attributes = {}, text = '') {
  const element = tag === 'svg' || tag === 'path'
    ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function setPath(element, path) {
  if (element.getAttribute('d') !== path) element.setAttribute('d', path);
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
function control(tag, className, parent, attributes, text) {
  const suppress = { 'data-lm-suppress-shortcuts': 'true' };
  return make(tag, className, parent, { ...suppress, ...attributes }, text);
}
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once. The position stays within the outputs.
function change(view, changes) {
  const next = clampPosition({ ...read(view.model), ...changes });
  view.quiet = true;
  for (const key of KEYS) if (view.model.get(key) !== next[key]) view.model.set(key, next[key]);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// ---- sliders and presets

const NAMES = { size: ['size', 'n'], kernel: ['kernel', 'k'], stride: ['stride', 's'],
  padding: ['padding', 'p'], dilation: ['dilation', 'd'] };

function makeRange(parent, label, act) {
  const input = control('input', 'cvc-range', parent,
    { type: 'range', step: 1, 'aria-label': label });
  input.oninput = () => act(Number(input.value));
  return input;
}
function setRange(input, low, high, value) {
  Object.assign(input, { min: low, max: high });
  input.value = value;
  input.style.setProperty('--cvc-at', high > low ? (value - low) / (high - low) : 0);
}
function makeSliders(view, parent) {
  const row = make('div', 'cvc-sliders', parent);
  for (const [key, [name, letter]] of Object.entries(NAMES)) {
    const label = make('label', `cvc-slider cvc-of-${key}`, row);
    make('span', '', label, {}, `${name} `).append(make('i', '', null, {}, letter));
    const number = make('span', 'cvc-number', label);
    const input = makeRange(label, name, value => {
      stop(view);
      change(view, { [key]: value });
    });
    view.sliders[key] = value => {
      setRange(input, ...LIMITS[key], value);
      setText(number, String(value));
    };
  }
}
function makePresets(view, parent) {
  const row = make('div', 'cvc-presets', parent);
  view.presets = Object.entries(PRESETS).map(([label, sets]) => {
    const button = control('button', 'cvc-button', row, { type: 'button' }, label);
    button.onclick = () => {
      stop(view);
      change(view, sets);
    };
    const same = state => Object.keys(LIMITS).every(key => sets[key] === state[key]);
    return state => button.setAttribute('aria-pressed', String(same(state)));
  });
  const reset = control('button', 'cvc-button cvc-reset', row, { type: 'button' }, 'Reset');
  reset.onclick = () => {
    stop(view);
    change(view, view.first);
  };
}

// ---- the strip: input cells, windows, output cells

function makeStrip(view, parent) {
  const picture = make('div', 'cvc-picture', parent, { 'aria-hidden': 'true' });
  view.above = make('div', 'cvc-caption', picture);
  view.strip = make('div', 'cvc-strip', picture);
  view.input = make('div', 'cvc-row cvc-input', view.strip);
  view.frame = make('div', 'cvc-frame', view.input);
  view.svg = make('svg', 'cvc-windows', view.strip, { preserveAspectRatio: 'none' });
  view.paths = Object.fromEntries(['later', 'past', 'lines', 'now'].map(name =>
    [name, make('path', `cvc-${name}`, view.svg)]));
  view.output = make('div', 'cvc-row cvc-output', view.strip);
  view.below = make('div', 'cvc-caption', picture);
  view.strip.onpointerdown = event => {
    view.strip.setPointerCapture(event.pointerId);
    stop(view);
    point(view, event);
  };
  view.strip.onpointermove = event => {
    if (view.strip.hasPointerCapture(event.pointerId)) point(view, event);
  };
}
// Choose the window whose middle is nearest to the pointer.
function point(view, event) {
  const state = read(view.model);
  const box = view.strip.getBoundingClientRect();
  const place = stripLength(state) * (event.clientX - box.left) / box.width - state.padding - 0.5;
  change(view, { position: Math.round((place - centre(state, 0)) / state.stride) });
}

const stripLength = state => Math.max(paddedSize(state), effectiveKernel(state));
const at = (state, place) => `calc(var(--cvc-pitch) * ${place + state.padding})`;

// Cells [{ place, number, kind }] in a row; where they are narrow, only each `every`-th shows its
// number. Elements are used again.
function showCells(state, row, cells, list, every) {
  while (cells.length > list.length) cells.pop().remove();
  while (cells.length < list.length) {
    cells.push(make('div', '', row));
    make('span', '', cells.at(-1));
  }
  list.forEach(({ place, number, kind }, i) => {
    cells[i].className = `cvc-cell cvc-${kind}`;
    cells[i].style.left = at(state, place);
    cells[i].firstChild.className = number % every ? 'cvc-label cvc-skip' : 'cvc-label';
    setText(cells[i].firstChild, minus(number));
  });
}
function makeCells(view, state) {
  const key = KEYS.slice(0, -1).map(name => state[name]).join();
  if (view.key === key) return;
  view.key = key;
  const { size, padding } = state;
  const { right, between: gaps } = unseen(state);
  const missed = new Set([...right, ...gaps]);
  const kind = place => (place < 0 || place >= size ? 'padding'
    : missed.has(place) ? 'missed' : 'own');
  const places = range(paddedSize(state)).map(i => i - padding);
  showCells(state, view.input, view.cells, places.map(place =>
    ({ place, number: place, kind: kind(place) })), 5);
  showCells(state, view.output, view.outputs, range(outputSize(state)).map(i =>
    ({ place: centre(state, i), number: i, kind: 'result' })), Math.ceil(5 / state.stride));
  showCaptions(view, state, missed.size);
}
function showCaptions(view, state, missed) {
  const { size, padding } = state;
  const length = stripLength(state);
  view.strip.style.setProperty('--cvc-count', length);
  view.strip.classList.toggle('cvc-tight', length > 30);
  view.strip.classList.toggle('cvc-tight-narrow', length > 14);
  setText(view.above, ['input x', padding && 'dashed: padding (0)',
    missed && 'hatched: never seen'].filter(Boolean).join(' · '));
  setText(view.below, outputSize(state) ? 'output y, each under the middle of its window'
    : 'no output');
}

const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;
// The taps of window i as boxes, with bars between them.
function windowPath(state, i, height) {
  const places = taps(state, i).map(place => place + state.padding);
  const [top, tall] = [i * height + 4, height > 8 ? height - 4 : height - 1.5];
  const bars = places.slice(1).map((place, j) =>
    `M${places[j] + 0.84} ${top + tall / 2}H${place + 0.16}`);
  return [...bars, ...places.map(place => box(place + 0.16, top, 0.68, tall))].join('');
}
function showWindows(view, state) {
  const count = outputSize(state);
  const height = between(4, 126 / Math.max(1, count), 20);
  const tall = count ? Math.round(Math.max(126, count * height + 34)) : 28;
  view.svg.setAttribute('viewBox', `0 0 ${stripLength(state)} ${tall}`);
  view.svg.style.height = `${tall}px`;
  const all = range(count).map(i => windowPath(state, i, height));
  const now = state.position;
  const set = (name, path) => setPath(view.paths[name], path);
  set('past', all.slice(0, now).join(''));
  set('now', count ? all[now] : windowPath(state, 0, height));
  set('later', all.slice(now + 1).join(''));
  const [top, bottom] = [now * height + 4, now * height + height];
  const end = centre(state, now) + state.padding + 0.5;
  set('lines', count ? taps(state, now).map(place => place + state.padding + 0.5)
    .map(x => `M${x} 0V${top}M${x} ${bottom}L${end} ${tall}`).join('') : '');
}
function showStrip(view, state) {
  makeCells(view, state);
  const read = new Set(outputSize(state) ? taps(state, state.position) : []);
  view.cells.forEach((cell, i) => {
    cell.classList.toggle('cvc-tapped', read.has(i - state.padding));
  });
  view.outputs.forEach((cell, i) => {
    cell.classList.toggle('cvc-made', i < state.position);
    cell.classList.toggle('cvc-chosen', i === state.position);
  });
  view.frame.style.left = at(state, taps(state, state.position)[0]);
  view.frame.style.width = `calc(var(--cvc-pitch) * ${effectiveKernel(state)})`;
  showWindows(view, state);
}

// ---- the window moves

function makeTime(view, parent) {
  const row = make('div', 'cvc-time', parent);
  view.play = control('button', 'cvc-button cvc-play', row, { type: 'button' }, 'Play');
  view.play.onclick = () => (view.timer ? stop(view, true) : play(view));
  view.slider = makeRange(row, 'window', position => {
    stop(view);
    change(view, { position });
  });
  view.clock = make('span', 'cvc-number', row);
}
function stop(view, tell = false) {
  clearInterval(view.timer);
  view.timer = 0;
  if (tell) draw(view);
}
// Where motion is unwelcome the window is at the end at once.
function play(view) {
  const last = outputSize(read(view.model)) - 1;
  if (last < 1) return;
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    change(view, { position: last });
    return;
  }
  view.timer = setInterval(() => {
    const { position } = read(view.model);
    if (position + 1 >= last) stop(view);
    change(view, { position: position + 1 });
  }, between(120, 5000 / last, 600));
  change(view, { position: read(view.model).position >= last ? 0 : read(view.model).position });
}
function showTime(view, state) {
  const count = outputSize(state);
  setRange(view.slider, 0, Math.max(0, count - 1), state.position);
  setText(view.clock, count ? `y[${state.position}] of ${count}` : 'no output');
  view.slider.setAttribute('aria-valuetext', count ? view.clock.textContent : 'none');
  view.slider.setAttribute('aria-disabled', String(count < 2));
  view.play.setAttribute('aria-disabled', String(count < 2));
  setText(view.play, view.timer ? 'Pause' : 'Play');
  view.live.setAttribute('aria-live', view.timer ? 'off' : 'polite');
}

// ---- words, formula and the same in two dimensions

function makeWords(view, parent) {
  view.live = make('div', 'cvc-words', parent, { 'aria-live': 'polite' });
  view.head = make('div', 'cvc-head', view.live);
  view.reading = make('div', 'cvc-reading', view.live);
  view.notes = range(3).map(() => make('div', 'cvc-note', view.live));
}
function showWords(view, state) {
  const lines = notes(state);
  setText(view.head, summary(state));
  setText(view.reading, outputSize(state) ? readWords(state, state.position) : '');
  view.notes.forEach((note, i) => setText(note, lines[i] ?? ''));
  steps(state).forEach(([name, text], i) => {
    setText(view.steps[i][0], name);
    setText(view.steps[i][1], text);
  });
}
function makeFoot(view, parent) {
  const foot = make('div', 'cvc-foot', parent);
  const formula = make('div', 'cvc-formula', foot);
  view.steps = range(3).map(() => ['cvc-name', 'cvc-sum'].map(name => make('div', name, formula)));
  const square = make('div', 'cvc-square', foot);
  const pair = make('div', 'cvc-pair', square, { 'aria-hidden': 'true' });
  const input = make('svg', 'cvc-plane', pair);
  view.arrow = make('span', 'cvc-arrow', pair);
  const output = make('svg', 'cvc-plane', pair);
  view.plane = { input, output, ...Object.fromEntries(['edge', 'grid', 'missed', 'now', 'made',
    'chosen'].map((name, i) => [name, make('path', `cvc-${name}`, i < 4 ? input : output)])) };
  view.square = make('div', 'cvc-plain', square);
  view.lost = make('div', 'cvc-note', square);
}
function showPlane(view, state) {
  const { plane } = view;
  const { size, padding, position } = state;
  const [count, length] = [outputSize(state), stripLength(state)];
  const { right, between: gaps } = unseen(state);
  const missed = new Set([...right, ...gaps]);
  const grid = (n, from) => box(from, from, n, n) + range(n).map(i =>
    `M${from} ${from + i}h${n}M${from + i} ${from}v${n}`).join('');
  const set = (name, path) => setPath(plane[name], path);
  const scale = (svg, n) => {
    svg.setAttribute('viewBox', `-0.1 -0.1 ${n + 0.2} ${n + 0.2}`);
    svg.style.width = `calc(var(--cvc-plane) * ${n / length})`;
    svg.style.strokeWidth = length > 20 ? '.4px' : '1px';
  };
  const places = taps(state, position).map(place => place + padding);
  scale(plane.input, length);
  scale(plane.output, Math.max(1, count));
  set('edge', padding ? box(0, 0, size + 2 * padding, size + 2 * padding) : '');
  set('grid', grid(size, padding));
  set('missed', range(missed.size && size * size).map(i => [i % size, Math.floor(i / size)])
    .filter(place => place.some(i => missed.has(i)))
    .map(([x, y]) => `${box(padding + x, padding + y, 1, 1)}l1 1`).join(''));
  set('now', places.flatMap(y => places.map(x => box(x, y, 1, 1))).join(''));
  set('made', grid(count, 0));
  set('chosen', count ? box(position, position, 1, 1) : '');
  setText(view.arrow, count ? '→' : '');
  const [text, lost] = squareWords(state);
  setText(view.square, `Height and width: ${text}`);
  setText(view.lost, lost);
}

// ---- all of it

function build(view) {
  view.built = true;
  const head = make('div', 'cvc-top', view.body);
  makeSliders(view, head);
  makePresets(view, head);
  makeStrip(view, view.body);
  makeTime(view, view.body);
  makeWords(view, view.body);
  makeFoot(view, view.body);
}
function draw(view) {
  const given = read(view.model);
  const trouble = problem(given);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return stop(view);
  const state = clampPosition(given);
  view.first ??= state;
  if (!view.built) build(view);
  view.el.dataset.fits = String(outputSize(state) > 0);
  for (const key of Object.keys(LIMITS)) view.sliders[key](state[key]);
  view.presets.forEach(show => show(state));
  showStrip(view, state);
  showTime(view, state);
  showWords(view, state);
  showPlane(view, state);
}

function render({ model, el }) {
  const view = { model, el, quiet: false, timer: 0, sliders: {}, cells: [], outputs: [] };
  el.replaceChildren();
  el.classList.add('cvc');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'where the windows of a convolution lie');
  el.dataset.explorable = 'convcalc';
  view.trouble = make('p', 'cvc-trouble', el, { role: 'alert' });
  view.body = make('div', 'cvc-body', el);
  draw(view);
  const again = () => { if (!view.quiet) draw(view); };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => {
    stop(view);
    for (const key of KEYS) model.off(`change:${key}`, again);
  };
}

export default { render };

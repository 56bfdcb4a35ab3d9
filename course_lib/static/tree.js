// A split placed by hand in a plane of points, its impurity, and the tree that grows from there.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: sets, {name: [[x, y, class], …]} with classes 0 and 1; set, the name of the one shown;
// axis, 0 for an upright line, 1 for a level one; at, [x, y]: where either line stands;
// criterion, 'gini' or 'entropy'; depth of the tree (0: the split alone, to 6); mine, whether the
// tree begins with the split that was placed.

// ------------------------------------------------------------------ part 1: arithmetic

export const DEEPEST = 6;
export const CRITERIA = ['gini', 'entropy'];

export function count(points) {
  const counts = [0, 0];
  for (const point of points) counts[point[2]] += 1;
  return counts;
}

// How mixed a group is: the chance that two drawn from it differ, or bits to say which class.
export function impurity(counts, criterion) {
  const n = counts[0] + counts[1];
  if (n === 0) return 0;
  const shares = counts.map(c => c / n);
  if (criterion === 'gini') return 1 - shares.reduce((sum, p) => sum + p * p, 0);
  return shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log2(p) : 0), 0);
}

// What splitting makes larger, for the two parts together; ties come out as in Python.
const PARTS = {
  gini: (c, n) => (n ? (c[0] * c[0] + c[1] * c[1]) / n : 0),
  entropy: (c, n) => c.reduce((sum, x) => sum + (x ? x * Math.log2(x) : 0), 0)
    - (n ? n * Math.log2(n) : 0),
};
const score = (counts, criterion) => PARTS[criterion](counts, counts[0] + counts[1]);

export function divide(points, axis, at) {
  const left = points.filter(point => point[axis] <= at);
  return [left, points.filter(point => point[axis] > at)];
}

// A split's facts: counts and impurity of all and of both sides, after it, and what it wins.
export function facts(points, axis, at, criterion) {
  const counts = [points, ...divide(points, axis, at)].map(count);
  const sizes = counts.map(([a, b]) => a + b);
  const [before, left, right] = counts.map(c => impurity(c, criterion));
  const after = (sizes[1] * left + sizes[2] * right) / sizes[0];
  return { counts, sizes, before, left, right, after, gain: before - after };
}

// Every border along one axis, in the middle of a gap: [threshold, score] each.
export function borders(points, axis, criterion) {
  const sorted = [...points].sort((p, q) => p[axis] - q[axis]);
  const [left, right, found] = [[0, 0], count(points), []];
  sorted.forEach((point, i) => {
    left[point[2]] += 1;
    right[point[2]] -= 1;
    const next = sorted[i + 1]?.[axis];
    if (!(next > point[axis])) return;
    const middle = point[axis] / 2 + next / 2;
    found.push([middle < next ? middle : point[axis],
      score(left, criterion) + score(right, criterion)]);
  });
  return found;
}

// What a line wins from each value of an axis on: [value, gain] each.
export const steps = (points, axis, criterion) =>
  [...new Set(points.map(point => point[axis]))].sort((a, b) => a - b)
    .map(x => [x, facts(points, axis, x, criterion).gain]);

// The best border of both axes, {axis, at}; the first of equal ones; null where there is none.
export function bestSplit(points, criterion) {
  let [best, most] = [null, -Infinity];
  for (const axis of [0, 1]) {
    for (const [at, value] of borders(points, axis, criterion)) {
      if (value > most) [best, most] = [{ axis, at }, value];
    }
  }
  return best;
}

// The tree: nodes of {counts, depth, box, split, children}; `first` is the split of the root.
export function grow(points, depth, criterion, box, first = null, level = 0) {
  const counts = count(points);
  const node = { counts, depth: level, box, split: null, children: [] };
  if (level === depth || Math.min(...counts) === 0) return node;
  const split = first ?? bestSplit(points, criterion);
  if (!split) return node;
  const parts = divide(points, split.axis, split.at);
  if (parts.some(part => part.length === 0)) return node;
  node.split = split;
  node.children = parts.map((part, side) => {
    const room = box.map(range => [...range]);
    room[split.axis][1 - side] = split.at;
    return grow(part, depth, criterion, room, null, level + 1);
  });
  return node;
}
export const leaves = node => (node.split ? node.children.flatMap(leaves) : [node]);
export const inner = node => (node.split ? [node, ...node.children.flatMap(inner)] : []);

// Mean impurity over the leaves of trees of depth 0, 1, …
export function falls(points, criterion, first = null) {
  return Array.from({ length: DEEPEST + 1 }, (_, depth) => {
    const ends = leaves(grow(points, depth, criterion, [[0, 1], [0, 1]], first));
    return ends.reduce((sum, { counts }) => sum + (counts[0] + counts[1])
      * impurity(counts, criterion), 0) / points.length;
  });
}
export const wrong = node => leaves(node).reduce((sum, { counts }) => sum + Math.min(...counts), 0);

// The part of the plane that is shown: the points, and a little more.
export function room(points) {
  return [0, 1].map(axis => {
    const values = points.map(point => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const more = (high - low) * 0.06 || 1;
    return [low - more, high + more];
  });
}

const between = (low, x, high) => Math.min(Math.max(x, low), high);
const isPoint = p => Array.isArray(p) && p.length === 3
  && Number.isFinite(p[0]) && Number.isFinite(p[1]) && (p[2] === 0 || p[2] === 1);

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ sets, set, axis, at, criterion, depth, mine }) {
  const isSet = points => Array.isArray(points) && points.length >= 2 && points.every(isPoint);
  if (!sets || typeof sets !== 'object' || !Object.keys(sets).length
      || !Object.values(sets).every(isSet)) {
    return 'sets must hold lists of two or more [x, y, class] with the classes 0 and 1.';
  }
  if (!Object.hasOwn(sets, set)) return `set must be one of ${Object.keys(sets)}, not ${set}.`;
  if (axis !== 0 && axis !== 1) return `axis must be 0 or 1, not ${axis}.`;
  if (!Array.isArray(at) || at.length !== 2 || !at.every(Number.isFinite)) {
    return `at must be two numbers, not ${JSON.stringify(at)}.`;
  }
  if (!CRITERIA.includes(criterion)) return `criterion must be gini or entropy, not ${criterion}.`;
  if (!Number.isInteger(depth) || depth < 0 || depth > DEEPEST) {
    return `depth must be a whole number from 0 to ${DEEPEST}, not ${depth}.`;
  }
  return typeof mine === 'boolean' ? '' : `mine must be true or false, not ${mine}.`;
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−');
export const hundredths = x => minus((+x.toFixed(2) || 0).toFixed(2));
const named = ([a, b]) => `${a} blue, ${b} orange`;
const SIDES = [['Left', 'right'], ['Below', 'above']];
const UNIT = { gini: 'Gini impurity', entropy: 'entropy' };

export function splitWords({ axis, at, criterion }, made) {
  const [one, other] = SIDES[axis];
  const where = `${axis ? 'y' : 'x'} = ${hundredths(at[axis])}`;
  if (made.sizes[1] * made.sizes[2] === 0) {
    return `${where}: all points lie on one side. Nothing is won.`;
  }
  return `${where}. ${one}: ${named(made.counts[1])}; ${other}: ${named(made.counts[2])}. `
    + `The ${UNIT[criterion]} falls from ${hundredths(made.before)} to ${hundredths(made.after)}.`;
}

export function treeWords({ depth, mine }, tree, total) {
  if (depth === 0) return 'No tree yet: move the slider, and it grows level by level.';
  const ends = leaves(tree).length;
  return `Depth ${depth}${mine ? ', from your split' : ''}: `
    + `${ends} ${ends === 1 ? 'leaf' : 'leaves'}, ${wrong(tree)} of ${total} points wrong.`;
}

// ------------------------------------------------------------------ part 3: drawing

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [100, 76];
function addTo(parent, element, className, attributes, text) {
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
const make = (tag, className, parent, attributes = {}, text = '') =>
  addTo(parent, document.createElement(tag), className, attributes, text);
const trace = (tag, className, parent, attributes = {}) =>
  addTo(parent, document.createElementNS(SVG, tag), className, attributes, '');
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
const control = (tag, className, parent, attributes, text) => make(tag, className, parent,
  { 'data-lm-suppress-shortcuts': 'true', ...attributes }, text);

const KEYS = ['sets', 'set', 'axis', 'at', 'criterion', 'depth', 'mine'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));
const pointsOf = state => state.sets[state.set];

// Change several keys, and draw once.
function change(view, changes) {
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}

// From the plane to the drawing, and back.
const toDrawing = (box, [x, y]) => [
  WIDTH * (x - box[0][0]) / (box[0][1] - box[0][0]),
  HEIGHT * (box[1][1] - y) / (box[1][1] - box[1][0])];
const toPlane = (box, across, down) => [
  box[0][0] + across * (box[0][1] - box[0][0]), box[1][1] - down * (box[1][1] - box[1][0])];

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 1], ArrowDown: [1, -1] };

// Place the line of `axis` at `value`, within the plane.
function place(view, axis, value) {
  const state = read(view.model);
  const at = [...state.at];
  const [low, high] = room(pointsOf(state))[axis];
  at[axis] = +between(low, value, high).toPrecision(8);
  change(view, { axis, at });
}
function onKey(view, event) {
  const arrow = ARROWS[event.key];
  if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const [axis, way] = arrow;
  const state = read(view.model);
  const [low, high] = room(pointsOf(state))[axis];
  const steps = axis === state.axis ? way : 0; // the first key turns the line
  place(view, axis, state.at[axis] + steps * (event.shiftKey ? 5 : 1) * (high - low) / 100);
}
function onPointer(view, event) {
  const area = view.plane.getBoundingClientRect();
  const state = read(view.model);
  const spot = toPlane(room(pointsOf(state)), (event.clientX - area.left) / area.width,
    (event.clientY - area.top) / area.height);
  place(view, state.axis, spot[state.axis]);
}

function makePlane(view, parent) {
  const plane = control('div', 'tre-plane', parent, { tabindex: 0, role: 'application',
    'aria-label': 'Points in the plane. Left and right arrow keys move an upright line, up and '
      + 'down arrow keys a level one; with shift, in larger steps.' });
  view.plane = plane;
  view.svg = trace('svg', '', plane, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' });
  view.layers = ['boxes', 'cuts', 'dots', 'line'].map(name => trace('g', `tre-${name}`, view.svg));
  plane.onkeydown = event => onKey(view, event);
  plane.onpointerdown = event => {
    plane.setPointerCapture?.(event.pointerId);
    view.dragging = true;
    onPointer(view, event);
  };
  plane.onpointermove = event => { if (view.dragging) onPointer(view, event); };
  plane.onpointerup = plane.onpointercancel = () => { view.dragging = false; };
}

// A row of buttons of which one is pressed.
function makeChoice(view, parent, label, key, options) {
  const row = make('div', 'tre-choice', parent, { role: 'group', 'aria-label': label });
  make('span', '', row, {}, label);
  const buttons = options.map(([value, words]) => {
    const button = control('button', 'tre-button', row, { type: 'button' }, words);
    button.onclick = () => change(view, key === 'set' ? fresh(view, value) : { [key]: value });
    return [value, button];
  });
  view.refresh.push(state => {
    for (const [value, button] of buttons) {
      button.setAttribute('aria-pressed', String(state[key] === value));
    }
  });
}
// Another set begins with both lines in the middle.
function fresh(view, set) {
  const box = room(view.model.get('sets')[set]);
  return { set, at: box.map(([low, high]) => +((low + high) / 2).toPrecision(8)) };
}

const BARS = [['before', 'before'], ['left', 'one side'], ['right', 'other side'],
  ['after', 'after']];
function makeBars(view, parent) {
  const box = make('div', 'tre-bars', parent);
  const title = make('b', '', box);
  const rows = BARS.map(([key, words]) => {
    const row = make('div', `tre-bar tre-${key}`, box);
    const name = make('span', '', row, {}, words);
    const fill = make('i', '', make('span', 'tre-track', row, { 'aria-hidden': 'true' }));
    return { key, name, fill, number: make('output', 'tre-number', row) };
  });
  view.refresh.push((state, made) => {
    setText(title, UNIT[state.criterion][0].toUpperCase() + UNIT[state.criterion].slice(1));
    const [one, other] = SIDES[state.axis];
    for (const { key, name, fill, number } of rows) {
      if (key === 'left') setText(name, one.toLowerCase());
      if (key === 'right') setText(name, other);
      fill.style.width = `${100 * made[key] / (state.criterion === 'gini' ? 0.5 : 1)}%`;
      setText(number, hundredths(made[key]));
    }
  });
}

// What each place of the line would win, along the axis of the line.
function makeProfile(view, parent) {
  const box = make('div', 'tre-profile', parent);
  const title = make('b', '', box);
  const svg = trace('svg', '', box, { viewBox: '0 0 100 24', preserveAspectRatio: 'none',
    'aria-hidden': 'true' });
  const path = trace('path', 'tre-curve', svg);
  const mark = trace('path', 'tre-here', svg);
  view.refresh.push((state, made, points) => {
    setText(title, `What each ${state.axis ? 'level' : 'upright'} line wins: here `
      + (Math.abs(made.gain) < 5e-4 ? 0 : made.gain).toFixed(3));
    const [low, high] = room(points)[state.axis];
    const across = x => (100 * (x - low) / (high - low)).toFixed(2);
    const wins = steps(points, state.axis, state.criterion);
    const top = Math.max(0.02, ...wins.map(([, gain]) => gain));
    const heights = wins.map(([x, gain]) => `H${across(x)}V${(23 - 22 * gain / top).toFixed(2)}`);
    path.setAttribute('d', `M0 23${heights.join('')}H100`);
    mark.setAttribute('d', `M${across(state.at[state.axis])} 0V24`);
  });
}

function makeDepth(view, parent) {
  const row = make('label', 'tre-depth', parent);
  make('span', '', row, {}, 'depth of the tree');
  const input = control('input', '', row, { type: 'range', min: 0, max: DEEPEST, step: 1,
    'aria-label': 'depth of the tree' });
  const number = make('output', 'tre-number', row);
  input.oninput = () => change(view, { depth: Number(input.value) });
  const own = make('label', 'tre-mine', parent);
  const check = control('input', '', own, { type: 'checkbox' });
  make('span', '', own, {}, 'begin with my split');
  check.onchange = () => change(view, { mine: check.checked });
  make('b', '', parent, {}, 'Impurity of the leaves, by depth');
  const strip = make('div', 'tre-strip', parent, { 'aria-hidden': 'true' });
  const columns = Array.from({ length: DEEPEST + 1 }, (_, depth) => {
    const column = make('span', '', strip);
    return { bar: make('i', '', column), words: make('small', '', column, {}, String(depth)) };
  });
  view.refresh.push((state, made, points) => {
    input.value = state.depth;
    check.checked = state.mine;
    setText(number, String(state.depth));
    const levels = falls(points, state.criterion, firstOf(state));
    columns.forEach(({ bar, words }, depth) => {
      bar.style.height = `${38 * levels[depth] / (state.criterion === 'gini' ? 0.5 : 1)}px`;
      bar.classList.toggle('tre-now', depth === state.depth);
      words.classList.toggle('tre-now', depth === state.depth);
    });
    input.setAttribute('aria-valuetext', `${state.depth}, mean ${UNIT[state.criterion]} `
      + hundredths(levels[state.depth]));
  });
}
const firstOf = state => (state.mine ? { axis: state.axis, at: state.at[state.axis] } : null);

function makeButtons(view, parent) {
  const row = make('div', 'tre-choice', parent);
  make('span', '', row, {}, 'click or drag in the plane, or');
  const turn = control('button', 'tre-button', row, { type: 'button' }, 'turn the line');
  turn.onclick = () => change(view, { axis: 1 - view.model.get('axis') });
  const best = control('button', 'tre-button', row, { type: 'button' }, 'best split');
  best.onclick = () => {
    const state = read(view.model);
    const split = bestSplit(pointsOf(state), state.criterion);
    if (split) place(view, split.axis, split.at);
  };
}

// ---- the drawing in the plane

function drawBox(view, box, { counts, box: [xs, ys] }) {
  const [a, b] = [toDrawing(box, [xs[0], ys[1]]), toDrawing(box, [xs[1], ys[0]])];
  const kind = counts[0] === counts[1] ? 'even' : counts[0] > counts[1] ? 'zero' : 'one';
  trace('rect', `tre-${kind}`, view.layers[0], { x: a[0].toFixed(2), y: a[1].toFixed(2),
    width: (b[0] - a[0]).toFixed(2), height: (b[1] - a[1]).toFixed(2) });
}
function lineAt(box, { axis, at }, [xs, ys]) {
  const ends = axis ? [[xs[0], at], [xs[1], at]] : [[at, ys[0]], [at, ys[1]]];
  const [[x, y], [u, v]] = ends.map(end => toDrawing(box, end).map(n => n.toFixed(2)));
  return `M${x} ${y}L${u} ${v}`;
}
const DOT = { 0: (x, y) => `M${x - 1.1} ${y}a1.1 1.1 0 1 0 2.2 0a1.1 1.1 0 1 0 -2.2 0Z`,
  1: (x, y) => `M${x} ${y - 1.5}L${x + 1.45} ${y + 1.1}H${x - 1.45}Z` };
function drawDots(view, box, points) {
  if (view.drawn === points) return;
  view.drawn = points;
  view.layers[2].replaceChildren();
  for (const kind of [0, 1]) {
    const d = points.filter(point => point[2] === kind)
      .map(point => DOT[kind](...toDrawing(box, point).map(n => +n.toFixed(2)))).join('');
    trace('path', kind ? 'tre-triangles' : 'tre-circles', view.layers[2], { d });
  }
}

function draw(view) {
  if (view.quiet) return;
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  if (trouble) { setText(view.trouble, `This cannot be drawn. ${trouble}`); return; }
  if (view.names !== String(Object.keys(state.sets))) build(view, state);
  const points = pointsOf(state);
  const made = facts(points, state.axis, state.at[state.axis], state.criterion);
  const box = room(points);
  const tree = grow(points, state.depth, state.criterion, box, firstOf(state));
  for (const layer of [0, 1, 3]) view.layers[layer].replaceChildren();
  if (state.depth) for (const leaf of leaves(tree)) drawBox(view, box, leaf);
  const cuts = inner(tree).map(node => lineAt(box, node.split, node.box)).join('');
  trace('path', 'tre-cut', view.layers[1], { d: cuts || 'M0 0' });
  drawDots(view, box, points);
  const mine = lineAt(box, { axis: state.axis, at: state.at[state.axis] }, box);
  for (const name of ['tre-halo', 'tre-mark']) trace('path', name, view.layers[3], { d: mine });
  for (const refresh of view.refresh) refresh(state, made, points);
  setText(view.words, splitWords(state, made));
  setText(view.grown, treeWords(state, tree, points.length));
}

// The parts of the page; made anew when there are other sets.
function build(view, state) {
  view.names = String(Object.keys(state.sets));
  view.refresh = [];
  view.drawn = null;
  view.body.replaceChildren();
  const top = make('div', 'tre-top', view.body);
  makeChoice(view, top, 'points', 'set', Object.keys(state.sets).map(name => [name, name]));
  makeChoice(view, top, 'measure', 'criterion', [['gini', 'Gini'], ['entropy', 'entropy']]);
  const main = make('div', 'tre-main', view.body);
  const [left, right] = [make('div', 'tre-left', main), make('div', 'tre-right', main)];
  makePlane(view, left);
  makeProfile(view, left);
  makeButtons(view, right);
  makeBars(view, right);
  view.words = make('p', 'tre-words', right, { 'aria-live': 'polite' });
  makeDepth(view, right);
  view.grown = make('p', 'tre-grown', right, { 'aria-live': 'polite' });
}

function render({ model, el }) {
  const view = { model, refresh: [], quiet: false, names: null };
  view.root = make('div', 'tre', el, { role: 'group', 'data-explorable': 'tree',
    'aria-label': model.get('alt') || 'A split placed by hand, and a tree' });
  view.trouble = make('p', 'tre-trouble', view.root, { role: 'alert' });
  view.body = make('div', 'tre-body', view.root);
  const redraw = () => draw(view);
  for (const key of KEYS) model.on(`change:${key}`, redraw);
  draw(view);
  return () => { for (const key of KEYS) model.off(`change:${key}`, redraw); };
}
export default { render };

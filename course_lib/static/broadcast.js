// Broadcasting: the shapes of two or three arrays, aligned from the right.
//
// Part 1 is arithmetic on shapes, part 2 the words that explain them. Part 3 draws.
//
// state: shapes, such as [[3, 1], [1, 4]]. An empty shape is a single number.

// ------------------------------------------------------------------ part 1: arithmetic

export const MOST_AXES = 4;
export const LONGEST = 99999;
const [CELL_GAP, BLOCK_GAP] = [3, 8]; // pixels between cells, and more between blocks
const NO_CELLS = [66, 28]; // size of the picture of an array without numbers
const NAMES = ['a', 'b', 'c'];
const range = n => Array.from({ length: n }, (_, i) => i);
const between = (low, x, high) => Math.min(Math.max(x, low), high);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const minus = number => String(number).replace('-', '−');
export const size = shape => shape.reduce((n, length) => n * length, 1);

// What is wrong with this length of an axis? '' if nothing.
function checkLength(length) {
  const text = typeof length === 'number' ? minus(length) : JSON.stringify(length);
  if (!Number.isInteger(length)) return `${text} is not a whole number`;
  if (length < 0) return `${text} is negative: an axis has 0 or more places`;
  return length > LONGEST ? `${text} is too long: at most ${LONGEST} here` : '';
}
export function checkShape(shape) {
  if (!Array.isArray(shape)) return `${JSON.stringify(shape)} is not a list of lengths`;
  if (shape.length > MOST_AXES) return `${shape.length} axes: at most ${MOST_AXES} here`;
  return shape.map(checkLength).find(Boolean) ?? '';
}
export function checkShapes(shapes) {
  const wanted = 'shapes must be two or three lists, such as [[3, 1], [1, 4]]';
  if (!Array.isArray(shapes)) return `${wanted}, not ${JSON.stringify(shapes) ?? 'missing'}`;
  if (shapes.length < 2 || shapes.length > 3) return `${wanted}, not ${shapes.length}`;
  const wrong = shapes.map(checkShape);
  const first = wrong.findIndex(Boolean);
  return first < 0 ? '' : `the shape of ${NAMES[first]}: ${wrong[first]}`;
}

// '(3, 1)', '3,1', '3 × 1', '[3]', '' -> { shape } or { error }
export function parseShape(text) {
  const inside = text.trim().replace(/^(torch\.Size)?[([]*|[)\]]*$/g, '').replaceAll('−', '-');
  const parts = inside.replace(/(\d)\s*[×x*]\s*(?=\d)/g, '$1,').split(/[\s,]+/).filter(Boolean);
  const shape = parts.map(part => (/^-?\d+$/.test(part) ? Number(part) : part));
  const error = checkShape(shape);
  return error ? { error } : { shape };
}

// One record for each axis, from the first to −1:
//   { axis: −2, kind, length (of the result, null at a clash), entries: [{ length, kind }] }
// kind of an entry: kept, stretched, new (missing: a 1 is put in front) or clash.
// kind of an axis: equal, stretched, new or clash.
export function alignShapes(shapes) {
  const most = Math.max(...shapes.map(shape => shape.length));
  return range(most).map(i => alignAxis(i - most, shapes.map(shape => shape.at(i - most))));
}
function alignAxis(axis, lengths) {
  const [first, ...others] = new Set(lengths.filter(n => n !== undefined && n !== 1));
  const length = others.length ? null : first ?? 1;
  const kindOf = n => (n === undefined ? 'new' : n === length ? 'kept'
    : n === 1 ? 'stretched' : 'clash');
  const entries = lengths.map(n => ({ length: n ?? 1, kind: kindOf(n) }));
  const kind = ['clash', 'new', 'stretched'].find(k => entries.some(e => e.kind === k));
  return { axis, kind: kind ?? 'equal', length, entries };
}
// The shape of the result, or null if the shapes clash.
export function resultShape(shapes) {
  const lengths = alignShapes(shapes).map(axis => axis.length);
  return lengths.includes(null) ? null : lengths;
}

// Where an array of this shape is read for the result's cell at `index`.
export function sourceIndex(index, shape) {
  const own = shape.length ? index.slice(-shape.length) : [];
  return own.map((place, axis) => (shape[axis] === 1 ? 0 : place));
}
// Position of a cell when all cells are counted, row by row.
const flat = (index, shape) => index.reduce((at, place, axis) => at * shape[axis] + place, 0);

// How many numbers further the next cell lies, for each axis of the result; 0 reads one again.
export function strides(shape, result) {
  const missing = result.length - shape.length;
  return result.map((length, axis) => {
    const own = shape[axis - missing] ?? 1;
    if (own !== length) return 0;
    return size(shape.slice(Math.max(0, axis - missing + 1)).map(n => Math.max(n, 1)));
  });
}

// All ways to make clashing shapes fit by one new axis of 1, the smallest result first:
//   [{ array, at, shape, result }]: array number `array` gets the axis in place `at`
export function repairs(shapes) {
  if (resultShape(shapes)) return [];
  const found = shapes.flatMap((shape, array) => range(shape.length + 1).map(at => {
    const longer = [...shape.slice(0, at), 1, ...shape.slice(at)];
    return { array, at, shape: longer, result: resultShape(shapes.with(array, longer)) };
  }));
  const fits = found.filter(({ shape, result }) => result && shape.length <= MOST_AXES);
  const key = ({ array, shape }) => `${array}: ${shape}`;
  const once = fits.filter((one, i) => fits.findIndex(other => key(other) === key(one)) === i);
  return once.sort((a, b) => size(a.result) - size(b.result));
}

// (n, 1) with (n,): n numbers each, but n × n in the result. -> which array has the axis too many
export function findAccident(shapes) {
  if (shapes.length !== 2) return null;
  const column = shapes.findIndex(shape => shape.length === 2 && shape[1] === 1);
  const fits = column >= 0 && same(shapes[1 - column], [shapes[column][0]]);
  return fits && shapes[column][0] > 1 ? column : null;
}

// The numbers drawn: a counts 1, 2, 3, …; b in tens (or hundreds), so that a sum shows its parts.
// What is subtracted counts alike.
export function makeScales(shapes, sign = '+') {
  if (sign === '−') return shapes.map(() => 1);
  const scales = [1];
  for (const shape of shapes.slice(0, -1)) {
    scales.push(10 ** String(scales.at(-1) * size(shape)).length);
  }
  return scales;
}

// Where the cells are drawn: rows and columns are the last two axes; blocks side by side are
// axis −3, blocks below one another axis −4. Long axes are cut off: `drawn` has what is left.
export function layOut(shape) {
  const whole = [...range(MOST_AXES - shape.length).map(() => 1), ...shape];
  const [deep, wide] = [whole[0] > 3 ? 2 : whole[0], whole[1] > 4 ? 3 : whole[1]];
  const rows = Math.min(whole[2], [8, 8, 4, 3][deep]);
  const columns = Math.min(whole[3], [8, 8, 4, 3, 2][wide]);
  const [down, across] = [deep * rows, wide * columns];
  const pitch = across > 5 ? 26 : 31;
  const cells = range(down * across).map(at => {
    const [y, x] = [Math.floor(at / across), at % across];
    const [layer, block] = [Math.floor(y / rows), Math.floor(x / columns)];
    const index = [layer, block, y % rows, x % columns].slice(MOST_AXES - shape.length);
    return { index, x: x * pitch + block * BLOCK_GAP, y: y * pitch + layer * BLOCK_GAP };
  });
  const length = (count, blocks) => count * pitch + (blocks - 1) * BLOCK_GAP - CELL_GAP;
  return { cells, across, cell: pitch - CELL_GAP, drawn: [deep, wide, rows, columns]
    .slice(MOST_AXES - shape.length), width: length(across, wide), height: length(down, deep) };
}

// What is drawn of array number `array`: shapes that clash are drawn as far as the longer reaches,
// shapes without a cell in the result as they are.
export function drawnTarget(shapes, array) {
  const result = resultShape(shapes);
  if (result && size(result)) return result;
  if (result) return shapes[array];
  return alignShapes(shapes).map(axis => Math.max(...axis.entries.map(e => e.length)));
}
// Is the place `index` of the target the array's own cell, a copy of one, or does it lack one?
export function placeKind(index, shape) {
  const source = sourceIndex(index, shape);
  if (source.some((place, axis) => place >= shape[axis])) return 'lack';
  const padded = [...range(index.length - shape.length).map(() => 0), ...source];
  return same(padded, index) ? 'own' : 'copy';
}

// ------------------------------------------------------------------ part 2: words

export const formatShape = shape => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
const join = list => (list.length < 3 ? list.join(' and ')
  : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`);
const times = n => (n === 2 ? 'twice' : `${n} times`);

// 'Axis −2: 3 against 4: neither is 1.'
export function clashWords({ axis, entries }) {
  const lengths = [...new Set(entries.filter(e => e.kind === 'clash').map(e => e.length))];
  const none = lengths.length === 2 ? 'neither' : 'none';
  return `Axis ${minus(axis)}: ${lengths.join(' against ')}: ${none} is 1.`;
}

// What happens to one array: 'b gets a 1 in front: (1, 4). It is repeated 3 times along axis −2.'
function arrayWords(array, shapes, axes) {
  const moved = axes.filter(({ entries, length }) => entries[array].length !== length);
  const along = moved.map(({ axis, length }) => `${times(length)} along axis ${minus(axis)}`);
  const repeated = along.length ? `is repeated ${join(along)}.` : '';
  const missing = axes.length - shapes[array].length;
  if (!missing) return repeated && `${NAMES[array]} ${repeated}`;
  const padded = formatShape([...range(missing).map(() => 1), ...shapes[array]]);
  const ones = missing === 1 ? 'a 1' : `${missing} ones`;
  return `${NAMES[array]} gets ${ones} in front: ${padded}. ${repeated && `It ${repeated}`}`;
}

function accidentWords(shapes, column) {
  const n = shapes[column][0];
  const [one, other] = [NAMES[column], NAMES[1 - column]];
  return `Let ${one} be predictions and ${other} their targets: you want ${n} differences and get `
    + `${n * n}, without an error. Both hold 1 to ${n}, so each difference should be 0, `
    + `yet ${n * n - n} are not.`;
}

// { head, lines } in whole sentences.
export function describe(shapes) {
  const axes = alignShapes(shapes);
  const result = resultShape(shapes);
  if (!result) return describeClash(axes, repairs(shapes));
  const head = `${join(shapes.map((s, i) => `${NAMES[i]} ${formatShape(s)}`))} fit: `
    + `the result is ${formatShape(result)}.`;
  const arrays = shapes.map((_, array) => arrayWords(array, shapes, axes)).filter(Boolean);
  const first = arrays.join(' ') || 'The shapes are equal: each cell meets its own counterpart.';
  const lines = [first];
  if (result.includes(0)) {
    lines.push('An axis of length 0 has no places. A 1 fits it and is repeated 0 times, '
      + 'so the result has no cells.');
  }
  const column = findAccident(shapes);
  if (column !== null) lines.push(accidentWords(shapes, column));
  return { head, lines };
}
function describeClash(axes, ways) {
  const clashes = axes.filter(axis => axis.kind === 'clash').map(clashWords);
  const advice = ways.length ? 'One more axis of 1 makes them fit:'
    : 'No single added axis makes them fit: change a length.';
  return { head: `These shapes clash. ${clashes.join(' ')}`,
    lines: [`Only an axis of 1 is repeated, so the places marked ? stay empty. ${advice}`] };
}

// What the reader may press to mend the shapes: [{ array, shape, text }]
export function mends(shapes) {
  const column = findAccident(shapes);
  if (column !== null) {
    const shape = [shapes[column][0]];
    return [{ array: column, shape,
      text: `Take the trailing axis of 1 from ${NAMES[column]}: ${formatShape(shape)}` }];
  }
  return repairs(shapes).slice(0, 3).map(({ array, at, shape, result }) => {
    const where = at === shape.length - 1 ? 'a trailing axis of 1' : `an axis of 1 at place ${at}`;
    return { array, shape, text: `Give ${NAMES[array]} ${where}: ${formatShape(shape)}, `
      + `result ${formatShape(result)}` };
  });
}

// 'No copies are made: …', or '' where nothing is stretched.
export function memoryWords(shapes) {
  const result = resultShape(shapes);
  if (!result || !size(result)) return '';
  const read = shapes.map(shape => strides(shape, result));
  if (!read.flat().includes(0)) return '';
  const lists = join(read.map((list, i) => `${NAMES[i]} ${formatShape(list)}`));
  return 'In memory nothing is copied: along a stretched axis the stride is 0, so the next place '
    + `is the same number. Strides: ${lists}.`;
}

// What the drawing cannot show by itself.
export function drawingWords(target, drawn) {
  const words = [];
  const cut = target.map((length, i) => [length, drawn[i], i - target.length])
    .filter(([length, shown]) => shown < length)
    .map(([length, shown, axis]) => `${shown} of ${length} places of axis ${minus(axis)}`);
  if (target.length === 3) words.push('Blocks side by side: axis −3.');
  if (target.length === 4) words.push('Blocks: axis −3 side by side, axis −4 down.');
  if (cut.length) words.push(`Drawn: ${join(cut)}.`);
  return words.join(' ');
}

// 'result[2, 3] = a[2, 0] + b[0, 3] = 3 + 40 = 43' as a list of texts, or [array, text].
const indexText = (name, index) => (index.length ? `${name}[${index.join(', ')}]` : name);
export function cellWords(index, shapes, sign = '+') {
  const spread = parts => parts.flatMap((part, i) => (i ? [` ${sign} `, [i, part]] : [[i, part]]));
  const sources = shapes.map((shape, i) => indexText(NAMES[i], sourceIndex(index, shape)));
  const words = [['result', indexText('result', index)], ' = ', ...spread(sources)];
  if (!readable(shapes, sign)) return words;
  const numbers = numbersAt(index, shapes, makeScales(shapes, sign));
  return [...words, ' = ', ...spread(numbers.map(String)), ' = ',
    ['result', minus(combine(numbers, sign))]];
}
function numbersAt(index, shapes, scales) {
  return shapes.map((shape, i) => (flat(sourceIndex(index, shape), shape) + 1) * scales[i]);
}
const combine = (numbers, sign) => numbers.reduce((a, b) => (sign === '−' ? a - b : a + b));
const readable = (shapes, sign) => { // a cell holds four digits, a small one three
  const limit = layOut(drawnTarget(shapes, 0)).cell > 25 ? 10000 : 1000;
  const scales = makeScales(shapes, sign);
  return shapes.every((shape, i) => size(shape) * scales[i] < limit);
};

// ------------------------------------------------------------------ part 3: drawing

const PRESETS = [
  ['column + row', [[3, 1], [1, 4]]],
  ['matrix + row', [[3, 4], [4]]],
  ['images + means', [[2, 3, 2, 2], [3, 1, 1]]],
  ['the accident', [[3, 1], [3]]],
  ['a clash', [[3, 4], [3]]],
];
const VERDICTS = { equal: '= equal', stretched: '↔ stretched', new: '⊕ new', clash: '✕ clash' };

function make(tag, className, parent, attributes = {}) {
  const element = tag === 'svg' || parent?.namespaceURI.endsWith('svg')
    ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent?.append(element);
  return element;
}
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes keys for itself unless the focused element says otherwise.
function focusable(element, tabIndex = 0) {
  element.tabIndex = tabIndex;
  element.dataset.lmSuppressShortcuts = 'true';
  return element;
}
function makeButton(parent, className, text, label, act) {
  const button = focusable(make('button', `bc-button ${className}`, parent, { type: 'button' }));
  button.textContent = text;
  if (label) {
    setAria(button, 'label', label);
    button.title = label;
  }
  button.onclick = () => { if (button.getAttribute('aria-disabled') !== 'true') act(); };
  return button;
}
const setAria = (element, name, value) => element.setAttribute(`aria-${name}`, value);

const shapesOf = view => view.model.get('shapes');
function setShapes(view, shapes) {
  view.model.set('shapes', shapes);
  view.model.save_changes();
}
const setShape = (view, array, shape) => setShapes(view, shapesOf(view).with(array, shape));
function setLength(view, array, axis, length) {
  const shape = shapesOf(view)[array];
  setShape(view, array, shape.with(axis, between(0, length, LONGEST)));
}

// ---- the presets

function makePresets(view) {
  const bar = make('div', 'bc-presets', view.el, { role: 'group', 'aria-label': 'examples' });
  view.presets = PRESETS.map(([label, shapes]) => {
    const button = makeButton(bar, 'bc-preset', '', '', () => {
      view.sign = '+';
      setShapes(view, shapes);
    });
    const sign = findAccident(shapes) === null ? ' + ' : ' − ';
    make('span', 'bc-label', button).textContent = label;
    make('span', 'bc-shapes', button).textContent = shapes.map(formatShape).join(sign);
    return button;
  });
}

// ---- the table: a row for each array, a column for each axis

function makeTable(view) {
  view.table = make('div', 'bc-table', view.body, { role: 'table', 'aria-label': 'alignment' });
  const top = makeRow(view, 'bc-heads', 'columnheader');
  top.head.setAttribute('role', 'cell');  // the corner is empty, and so no header
  view.heads = top.cells;
  view.rows = NAMES.map((name, array) => makeArrayRow(view, name, array));
  view.verdicts = makeRow(view, 'bc-verdicts', 'cell');
  view.results = makeRow(view, 'bc-results', 'cell');
  view.third = makeButton(view.verdicts.head, 'bc-third', '', '', () => {
    const shapes = shapesOf(view);
    setShapes(view, shapes.length === 2 ? [...shapes, []] : shapes.slice(0, 2));
  });
  range(MOST_AXES).forEach(i => setText(view.heads[i], `axis ${minus(i - MOST_AXES)}`));
}
function makeRow(view, className, role) {
  const row = make('div', `bc-row ${className}`, view.table, { role: 'row' });
  const head = make('div', 'bc-head', row, { role: 'rowheader' });
  return { row, head, cells: range(MOST_AXES).map(() => make('div', 'bc-cell', row, { role })) };
}

function makeArrayRow(view, name, array) {
  const parts = makeRow(view, `bc-array bc-${name}`, 'cell');
  make('b', 'bc-name', parts.head).textContent = name;
  parts.field = focusable(make('input', 'bc-field', parts.head, { type: 'text',
    'aria-label': `shape of ${name}`, spellcheck: 'false', autocomplete: 'off' }));
  const own = () => shapesOf(view)[array];
  parts.add = makeButton(parts.head, 'bc-axis', '+ axis', `Put an axis of 1 in front of ${name}`,
    () => setShape(view, array, [1, ...own()]));
  parts.remove = makeButton(parts.head, 'bc-axis', '− axis', `Take away the first axis of ${name}`,
    () => setShape(view, array, own().slice(1)));
  parts.error = make('div', 'bc-error', parts.head, { role: 'alert' });
  parts.entries = parts.cells.map((cell, i) => makeEntry(view, cell, array, i - MOST_AXES));
  connectField(view, parts, array);
  return parts;
}
function connectField(view, parts, array) {
  parts.field.oninput = () => {
    const { shape, error } = parseShape(parts.field.value);
    setText(parts.error, error ?? '');
    setAria(parts.field, 'invalid', Boolean(error));
    if (shape) setShape(view, array, shape);
  };
  parts.field.onchange = () => { if (!parts.error.textContent) showField(view, parts, array); };
}
function showField(view, { field, error }, array) {
  field.value = formatShape(shapesOf(view)[array]);
  field.classList.toggle('bc-long', field.value.length > 12);
  setAria(field, 'invalid', false);
  setText(error, '');
}

// One length with its − and +; the number itself answers to ↑, ↓ and digits.
function makeEntry(view, cell, array, axis) {
  const label = `${NAMES[array]}, axis ${minus(axis)}`;
  const now = () => shapesOf(view)[array].at(axis);
  const place = () => shapesOf(view)[array].length + axis;
  const change = length => setLength(view, array, place(), length);
  const box = make('div', 'bc-stepper', cell);
  const less = makeButton(box, 'bc-step', '−', `${label}: one less`, () => change(now() - 1));
  const number = focusable(make('span', 'bc-number', box, { role: 'spinbutton',
    'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': LONGEST }));
  const more = makeButton(box, 'bc-step', '+', `${label}: one more`, () => change(now() + 1));
  focusable(less, -1); // the number takes the keys for both
  focusable(more, -1);
  number.onkeydown = event => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!plain || !(step || /^\d$/.test(event.key))) return;
    event.preventDefault();
    change(step ? now() + step : Number(event.key));
  };
  const ghost = make('span', 'bc-ghost', cell);
  ghost.textContent = '1';
  return { box, number, less, more, ghost, caption: make('span', 'bc-caption', cell) };
}

const CAPTIONS = {
  kept: () => '',
  stretched: length => (length === null ? '' : `→ ${length}`),
  new: length => (length === null || length === 1 ? 'new' : `new → ${length}`),
  clash: () => '✕',
};
function showEntry(entry, { length, kind }, result) {
  const { box, number, ghost } = entry;
  box.hidden = kind === 'new';
  ghost.hidden = kind !== 'new';
  setText(number, String(length));
  setAria(number, 'valuenow', length);
  number.classList.toggle('bc-long', length > 999);
  setAria(entry.less, 'disabled', length === 0);
  setAria(entry.more, 'disabled', length === LONGEST);
  setText(entry.caption, CAPTIONS[kind](result));
}

function showTable(view, shapes) {
  const axes = alignShapes(shapes);
  const missing = MOST_AXES - axes.length;
  view.table.style.setProperty('--bc-axes', Math.max(1, axes.length));
  view.table.classList.toggle('bc-many', axes.length > 2);
  const lines = [view.heads, ...view.rows.map(row => row.cells), view.verdicts.cells,
    view.results.cells];
  lines.forEach(cells => cells.forEach((cell, i) => { cell.hidden = i < missing; }));
  view.rows.forEach((row, array) => {
    row.row.hidden = array >= shapes.length;
    if (array < shapes.length) showArrayRow(view, row, array, axes);
  });
  axes.forEach(({ kind, length }, i) => {
    const [verdict, result] = [view.verdicts.cells[missing + i], view.results.cells[missing + i]];
    setText(verdict, VERDICTS[kind]);
    setText(result, length === null ? '✕' : String(length));
    verdict.dataset.kind = result.dataset.kind = kind;
  });
  const result = resultShape(shapes);
  setText(view.results.head, `result ${result ? formatShape(result) : '✕ none'}`);
  setText(view.third, shapes.length === 2 ? '+ third array' : '− third array');
}
function showArrayRow(view, row, array, axes) {
  const shape = shapesOf(view)[array];
  setAria(row.add, 'disabled', shape.length === MOST_AXES);
  setAria(row.remove, 'disabled', shape.length === 0);
  const typing = document.activeElement === row.field
    && same(parseShape(row.field.value).shape, shape);
  if (!typing) showField(view, row, array);
  axes.forEach(({ entries, length }, i) => {
    const at = MOST_AXES - axes.length + i;
    row.cells[at].dataset.kind = entries[array].kind;
    showEntry(row.entries[at], entries[array], length);
  });
}

// ---- the picture: each array as it is read, and the result

function makePicture(view) {
  view.picture = make('div', 'bc-picture', view.body);
  view.grids = [...NAMES, 'result'].map(name => makeGrid(view, name));
  view.result = view.grids.at(-1);
  const box = focusable(view.result.box);
  box.setAttribute('role', 'application');
  setAria(box, 'label', 'cells of the result: the arrow keys move over them');
  box.onkeydown = event => moveByKey(view, event);
  const point = event => {
    const { at } = event.target.dataset ?? {};
    if (at !== undefined && view.layout) light(view, Number(at));
  };
  view.picture.onpointerover = point;
  view.formula = make('div', 'bc-formula', view.body, { 'aria-live': 'polite' });
  view.drawing = make('div', 'bc-note', view.body);
  view.memory = make('div', 'bc-note bc-memory', view.body);
}
function makeGrid(view, name) {
  const figure = make('div', `bc-figure bc-${name}`, view.picture);
  const sign = make('span', 'bc-sign', figure);
  const box = make('div', 'bc-box', figure);
  const caption = make('div', 'bc-title', box);
  const svg = make('svg', 'bc-svg', box, { 'aria-hidden': 'true' });
  makeStripes(svg);
  return { figure, sign, box, caption, svg, nothing: makeNothing(svg), cells: [] };
}
function makeNothing(svg) {
  const group = make('g', '', svg);
  make('rect', 'bc-nothing', group, { width: NO_CELLS[0], height: NO_CELLS[1], rx: 4 });
  const text = make('text', 'bc-digits', group, { x: NO_CELLS[0] / 2, y: NO_CELLS[1] / 2 + 4 });
  text.textContent = 'no cells';
  return group;
}

// The stripes of copies; its name is its own on the page, whatever else is there.
function makeStripes(svg) {
  const id = `bc-stripes-${Math.random().toString(36).slice(2)}`;
  const pattern = make('pattern', '', make('defs', '', svg), { id, width: 6, height: 6,
    patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' });
  make('path', 'bc-stripe', pattern, { d: 'M0 0V6' });
  svg.style.setProperty('--bc-stripes', `url(#${id})`);
}

// kindOf(index): own, copy or lack; textOf(index): the number in the cell. Cells that are there
// are moved and written anew: to make them costs most of the time.
function drawGrid(grid, shape, kindOf, textOf) {
  const { cells, cell, width, height } = layOut(shape);
  const [w, h] = cells.length ? [width, height] : NO_CELLS;
  setSize(grid.svg, w + 4, h + 4);
  grid.svg.setAttribute('viewBox', `-2 -2 ${w + 4} ${h + 4}`);
  grid.cells.splice(cells.length).forEach(group => group.remove());
  grid.cells = cells.map(({ index, x, y }, at) => {
    const group = grid.cells[at] ?? makePlace(grid.svg, at);
    const kind = kindOf(index);
    drawPlace(group, cell, kind, kind === 'lack' ? '?' : textOf(index));
    group.setAttribute('transform', `translate(${x} ${y})`);
    return group;
  });
  if (cells.length) grid.nothing.remove();
  else grid.svg.append(grid.nothing);
}
function setSize(element, width, height) {
  element.setAttribute('width', width);
  element.setAttribute('height', height);
}
function makePlace(svg, at) {
  const group = make('g', '', svg);
  make('rect', 'bc-square', group, { rx: 4, 'data-at': at });
  make('text', 'bc-digits', group);
  return group;
}
function drawPlace(group, cell, kind, text) {
  const [square, digits] = group.children;
  group.setAttribute('class', `bc-place bc-is-${kind}`);
  if (square.getAttribute('width') !== String(cell)) {
    setSize(square, cell, cell);
    digits.setAttribute('x', cell / 2);
    digits.setAttribute('y', cell / 2 + 4);
  }
  digits.classList.toggle('bc-small', text.length > (cell > 25 ? 3 : 2));
  setText(digits, text);
}

function showPicture(view, shapes) {
  const { sign, grids } = view;
  const result = resultShape(shapes);
  const shown = readable(shapes, sign);
  const scales = makeScales(shapes, sign);
  const written = number => index => (shown ? minus(number(numbersAt(index, shapes, scales))) : '');
  grids.slice(0, 3).forEach(({ figure }, i) => { figure.hidden = i >= shapes.length; });
  shapes.forEach((shape, i) => {
    drawGrid(grids[i], drawnTarget(shapes, i), index => placeKind(index, shape),
      written(numbers => numbers[i]));
    setText(grids[i].sign, i ? sign : '');
  });
  if (result) drawGrid(view.result, result, () => 'own', written(all => combine(all, sign)));
  view.layout = result && size(result) ? layOut(result) : null;
  showCaptions(view, shapes, result);
  const target = drawnTarget(shapes, 0);
  setText(view.drawing, [view.layout && 'Point at a cell, or move by arrow keys on the result.',
    drawingWords(target, layOut(target).drawn)].filter(Boolean).join(' '));
}
function showCaptions(view, shapes, result) {
  shapes.forEach((shape, i) => {
    const moved = result && !same(shape, result) && size(result);
    const how = moved ? ` as ${formatShape(result)}` : '';
    setText(view.grids[i].caption, `${NAMES[i]} ${formatShape(shape)}${how}`);
  });
  const { figure, sign, caption, box, svg } = view.result;
  figure.classList.toggle('bc-none', !result);
  setText(sign, '=');
  setText(caption, result ? `result ${formatShape(result)}` : 'no result');
  box.tabIndex = result && size(result) ? 0 : -1;
  svg.toggleAttribute('hidden', !result);
}

// Light the result's cell number `at`, and all that it is made of.
function light(view, at) {
  const shapes = shapesOf(view);
  const { cells } = view.layout;
  const { index } = cells[at];
  view.at = at;
  const lit = view.picture.querySelectorAll('.bc-lit, .bc-source');
  lit.forEach(place => place.classList.remove('bc-lit', 'bc-source'));
  view.result.cells[at].classList.add('bc-lit');
  shapes.forEach((shape, i) => {
    const source = sourceIndex(index, shape);
    const padded = [...range(index.length - shape.length).map(() => 0), ...source];
    const home = cells.findIndex(cell => same(cell.index, padded));
    view.grids[i].cells[at].classList.add('bc-lit');
    view.grids[i].cells[home].classList.add('bc-source');
  });
  writeParts(view.formula, cellWords(index, shapes, view.sign));
}
function writeParts(element, parts) {
  element.replaceChildren(...parts.map(part => {
    if (typeof part === 'string') return part;
    const [array, text] = part;
    const span = make('span', `bc-part bc-${NAMES[array] ?? array}`);
    span.textContent = text;
    return span;
  }));
}

function moveByKey(view, event) {
  const { at, layout } = view;
  if (!layout || event.ctrlKey || event.metaKey || event.altKey) return;
  const { across, cells } = layout;
  const [row, column] = [Math.floor(at / across), at % across];
  const last = cells.length / across - 1;
  const targets = {
    ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
    Home: [row, 0], End: [row, across - 1],
  };
  if (!targets[event.key]) return;
  event.preventDefault();
  const [y, x] = targets[event.key];
  light(view, between(0, y, last) * across + between(0, x, across - 1));
}

// ---- all of it

function makeWords(view) {
  const words = make('div', 'bc-words', view.body);
  const live = make('div', '', words, { 'aria-live': 'polite' });
  view.head = make('div', 'bc-summary', live);
  view.lines = make('div', 'bc-lines', live);
  view.mends = make('div', 'bc-mends', words);
}
// No line ends within a shape.
const unbroken = text => text.replace(/\([\d, ]*\)/g, shape => shape.replaceAll(' ', '\u00a0'));
function showWords(view, shapes) {
  const { head, lines } = describe(shapes);
  setText(view.head, unbroken(head));
  view.lines.replaceChildren(...lines.map(line => {
    const paragraph = make('p', 'bc-line');
    paragraph.textContent = unbroken(line);
    return paragraph;
  }));
  view.mends.replaceChildren();
  for (const { array, shape, text } of mends(shapes)) {
    makeButton(view.mends, 'bc-mend', unbroken(text), '', () => {
      setShape(view, array, shape);
      view.rows[array].field.focus({ preventScroll: true }); // the button is gone
    });
  }
  setText(view.memory, memoryWords(shapes));
}

function show(view) {
  const shapes = shapesOf(view);
  const wrong = checkShapes(shapes);
  setText(view.bad, wrong && `Nothing can be drawn: ${wrong}. Choose an example.`);
  view.body.hidden = Boolean(wrong);
  view.bad.hidden = !wrong;
  view.presets.forEach((button, i) => setAria(button, 'pressed', same(shapes, PRESETS[i][1])));
  if (wrong) return;
  if (findAccident(shapes) !== null) view.sign = '−'; // and so it stays when it is mended
  showTable(view, shapes);
  showWords(view, shapes);
  showPicture(view, shapes);
  view.el.dataset.fits = String(Boolean(resultShape(shapes)));
  if (view.layout) light(view, view.layout.cells.length - 1);
  else setText(view.formula, '');
}

function render({ model, el }) {
  const view = { model, el, sign: '+' };
  el.replaceChildren();
  el.classList.add('bc');
  makePresets(view);
  view.bad = make('div', 'bc-bad', el, { role: 'alert' });
  view.body = make('div', 'bc-body', el, { role: 'group' });
  view.body.setAttribute('aria-label', model.get('alt') || 'broadcasting of shapes');
  makeTable(view);
  makeWords(view);
  makePicture(view);
  show(view);
  el.dataset.explorable = 'broadcast';
  const again = () => show(view);
  model.on('change:shapes', again);
  return () => model.off('change:shapes', again);
}

export default { render };

// A kernel that slides over a photo: the products under its window, their sum, the whole output.
//
// Part 1 is arithmetic on plain numbers. Part 2 makes the words. Part 3 draws.
//
// state: image, rows of whole numbers 0 to 255, used as 0 to 1 (at most 128 × 128); kernel, a
// square of 1 to 7 rows of numbers; stride (1 to 4); padding (0 to 3); border ('zeros',
// 'replicate', 'reflect' or 'circular'); row and column of the output, from 0; bias; divisor.

// ------------------------------------------------------------------ part 1: arithmetic

// Where the pixel `i` of a padded line is taken from, in a line of `size`; -1 where it is 0.
const FROM = {
  zeros: (i, size) => (i >= 0 && i < size ? i : -1),
  replicate: (i, size) => between(0, i, size - 1),
  reflect: (i, size) => size - 1 - Math.abs(size - 1 - Math.abs(i)),
  circular: (i, size) => (i + size) % size,
};
const BORDERS = Object.keys(FROM);
export const padIndex = (i, size, border) => FROM[border](i, size);
const between = (low, x, high) => Math.min(Math.max(x, low), high);

// How many places a kernel of `kernel` pixels finds along a line of `size`.
export const outputSize = (size, kernel, stride, padding) =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

// The picture with its rim, as values from 0 to 1, row after row.
export function pad({ image, padding, border }) {
  const [height, width] = [image.length + 2 * padding, image[0].length + 2 * padding];
  const values = new Float64Array(height * width);
  for (let i = 0; i < height; i++) {
    const row = image[padIndex(i - padding, image.length, border)];
    for (let j = 0; row && j < width; j++) {
      values[i * width + j] = (row[padIndex(j - padding, row.length, border)] ?? 0) / 255;
    }
  }
  return { values, height, width };
}

// The whole output: at each place the sum of the products, ÷ divisor + bias.
export function correlate(state, padded = pad(state)) {
  const { kernel, stride, bias, divisor } = state;
  const count = size => outputSize(size, kernel.length, stride, 0);
  const [height, width] = [count(padded.height), count(padded.width)];
  const values = new Float64Array(height * width);
  kernel.forEach((weights, a) => weights.forEach((weight, b) => {
    for (let i = 0; weight && i < height; i++) {
      const start = (i * stride + a) * padded.width + b;
      for (let j = 0; j < width; j++) {
        values[i * width + j] += weight * padded.values[start + j * stride];
      }
    }
  }));
  for (let k = 0; k < values.length; k++) values[k] = values[k] / divisor + bias;
  return { values, height, width };
}

// What the window of one output pixel holds. `top` and `left` count in the picture without rim.
export function windowAt(state, row, column, padded = pad(state)) {
  const { image, kernel, stride, padding, divisor, bias } = state;
  const [top, left] = [row * stride - padding, column * stride - padding];
  const each = make => kernel.map((weights, a) => weights.map((weight, b) =>
    make(top + a, left + b, weight)));
  const numbers = each((i, j) => padded.values[(i + padding) * padded.width + j + padding]);
  const outside = each((i, j) => image[i]?.[j] === undefined);
  const products = each((i, j, weight) => weight * numbers[i - top][j - left]);
  const sum = products.flat().reduce((a, b) => a + b, 0);
  return { top, left, numbers, outside, products, sum, answer: sum / divisor + bias };
}

const total = kernel => kernel.flat().reduce((a, b) => a + b, 0);
export const flip = kernel => kernel.map(row => row.toReversed()).toReversed();
const middle = size => Math.floor((size - 1) / 2);

// The kernel in a square of `size`, its middle kept in the middle: cut, or filled up with 0.
export function resize(kernel, size) {
  const shift = middle(kernel.length) - middle(size);
  return Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) =>
    kernel[i + shift]?.[j + shift] ?? 0));
}

// The row or column after stride or padding have changed: the window stays where it is.
export const samePlace = (at, from, to) =>
  Math.max(0, Math.round((at * from.stride - from.padding + to.padding) / to.stride));

// Which colours the output gets: greys for a picture, blue to orange around 0 otherwise. A kernel
// that keeps flat parts bright makes a picture, even where some values fall below 0.
export function scale({ values }, { kernel, divisor }) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) [low, high] = [Math.min(low, x), Math.max(high, x)];
  const gain = total(kernel) / divisor;
  const grey = low >= 0 || gain >= 0.5;
  const most = grey ? Math.max(1, low >= 0 ? high : gain) : Math.max(high, -low);
  return { grey, low, high, most };
}

// The colour [r, g, b, alpha] of a value; for signs, 0 is transparent and lets the page through.
const [BLUE, ORANGE] = [[20, 122, 196], [222, 100, 8]];
export function colour(x, { grey, most }) {
  const part = between(-1, x / most, 1) || 0;
  if (grey) return [...Array(3).fill(255 * Math.max(0, part)), 255];
  return [...(part < 0 ? BLUE : ORANGE), 255 * Math.sqrt(Math.abs(part))];
}

// A picture of the reader: the size that fits into `most`, and its brightness from 0 to 255.
export function fit(width, height, most = 96) {
  const part = Math.min(1, most / Math.max(width, height));
  return [width, height].map(size => Math.max(1, Math.round(part * size)));
}
export const toGrey = (data, width, height) => Array.from({ length: height }, (_, i) =>
  Array.from({ length: width }, (_, j) => {
    const at = 4 * (i * width + j);
    return Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]);
  }));

const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;
const isWhole = (x, low, high) => isNumber(x, low, high) && Number.isInteger(x);
const isTable = value => Array.isArray(value) && value.length > 0
  && value.every(row => Array.isArray(row) && row.length > 0);

// What is wrong with one table of numbers, as a sentence; '' if nothing is.
function tableProblem(name, table, fits, what) {
  if (!isTable(table)) return `${name} must be a list of rows of numbers, and not empty.`;
  const ragged = table.findIndex(row => row.length !== table[0].length);
  if (ragged > 0) {
    return `All rows of ${name} must be of one length, but row 0 has ${table[0].length} numbers `
      + `and row ${ragged} has ${table[ragged].length}.`;
  }
  const bad = table.findIndex(row => !row.every(fits));
  if (bad < 0) return '';
  const at = table[bad].findIndex(x => !fits(x));
  return `${name} must hold ${what}, not ${JSON.stringify(table[bad][at])} at row ${bad}, `
    + `column ${at}.`;
}

const LIMITS = {
  stride: [isWhole, 1, 4], padding: [isWhole, 0, 3], row: [isWhole, 0, 1e9],
  column: [isWhole, 0, 1e9], bias: [isNumber, -1000, 1000], divisor: [isNumber, 0.001, 1000],
};
export function problem(state) {
  const { image, kernel, border } = state;
  const tables = tableProblem('image', image, x => isWhole(x, 0, 255),
    'whole numbers from 0 to 255')
    || tableProblem('kernel', kernel, x => isNumber(x, -1000, 1000), 'numbers within ±1000');
  if (tables) return tables;
  const [[h, w], n] = [[image.length, image[0].length], kernel.length];
  if (Math.max(h, w) > 128) return `image may be 128 × 128 at most, not ${h} × ${w}: shrink it.`;
  if (n > 7 || kernel[0].length !== n) {
    return `kernel must be a square from 1 × 1 to 7 × 7, not ${n} × ${kernel[0].length}.`;
  }
  for (const [key, [fits, low, high]] of Object.entries(LIMITS)) {
    if (fits(state[key], low, high)) continue;
    return `${key} must be a ${fits === isWhole ? 'whole ' : ''}number `
      + `${high === 1e9 ? 'from 0' : `from ${low} to ${high}`}, not ${state[key]}.`;
  }
  if (!BORDERS.includes(border)) {
    return `border must be one of ${BORDERS.map(name => `'${name}'`).join(', ')}, `
      + `not ${JSON.stringify(border)}.`;
  }
  return fitProblem(state, h, w, n);
}

// Does the rim fit the picture, and the kernel both?
function fitProblem({ padding, border }, h, w, n) {
  const least = Math.min(h, w);
  if (border === 'reflect' && padding >= least) {
    return `reflect needs a padding smaller than the picture: ${padding} is too much for `
      + `${h} × ${w}, since a mirror shows only what lies before it.`;
  }
  if (border === 'circular' && padding > least) {
    return `circular goes round once: a padding of ${padding} is too much for ${h} × ${w}.`;
  }
  if (n <= least + 2 * padding) return '';
  return `A kernel of ${n} × ${n} does not fit into ${h + 2 * padding} × ${w + 2 * padding}, `
    + `the picture with its padding of ${padding}.`;
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−');
export const format = x => (Math.abs(x) < 1e-9 ? '0' // what rounding leaves of 0
  : minus((+x.toFixed(2) || 0).toFixed(2)));
// The same for a narrow cell: at most four digits, and '.25' where it is `tight`.
export function cellText(x, tight) {
  const text = Math.abs(x) < 9.995 ? format(x) : minus(x.toFixed(Math.abs(x) < 99.95 ? 1 : 0));
  return tight ? text.replace(/^(−?)0\./, '$1.') : text;
}
const short = x => minus(String(+x.toFixed(3)));

// The number that a text spells, or null.
export function parseNumber(text) {
  const plain = text.trim().replace('−', '-').replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
}

// Where the kernel's positive numbers lie, seen from its middle: [right, down], each -1, 0 or 1.
function direction(kernel) {
  const centre = (kernel.length - 1) / 2;
  const size = kernel.flat().reduce((sum, x) => sum + Math.abs(x), 0) * centre || 1;
  const sum = weigh => kernel.flatMap((row, i) => row.map((x, j) =>
    x * weigh(i - centre, j - centre) / size)).reduce((a, b) => a + b, 0);
  const [right, down] = [sum((i, j) => j), sum(i => i)];
  const most = Math.max(Math.abs(right), Math.abs(down));
  return [right, down].map(x => (most >= 0.4 && Math.abs(x) > 0.4 * most ? Math.sign(x) : 0));
}

const SIDES = {
  '0,-1': 'above', '0,1': 'below', '-1,0': 'on the left', '1,0': 'on the right',
  '-1,-1': 'at the upper left', '1,1': 'at the lower right', '1,-1': 'at the upper right',
  '-1,1': 'at the lower left',
};
// What raises the kernel's answer, in words, and what lowers it.
export function looksFor(kernel) {
  const [right, down] = direction(kernel);
  if (right || down) {
    const [one, other] = [SIDES[[right, down]], SIDES[[-right || 0, -down || 0]]];
    return [[one, other], [other, one]].map(([a, b]) => `it is bright ${a} and dark ${b}`);
  }
  const centre = kernel[middle(kernel.length)][middle(kernel.length)];
  const around = total(kernel) - centre;
  if (centre * around < 0) {
    const words = ['brighter', 'darker'].map(how => `the middle is ${how} than what surrounds it`);
    return centre > 0 ? words : words.reverse();
  }
  return ['positive', 'negative'].map(sign => `it is bright under the kernel’s ${sign} weights`);
}

// What the kernel does everywhere, as a sentence; '' if it answers to a pattern alone.
export function habit({ kernel, divisor }) {
  const all = kernel.flat();
  const used = all.filter(x => x);
  const gain = total(kernel) / divisor;
  if (!used.length) return 'All its weights are 0: so is every sum.';
  if (used.length === 1) {
    const [i, j] = [Math.floor(all.indexOf(used[0]) / kernel.length),
      all.indexOf(used[0]) % kernel.length];
    const copy = gain === 1 ? 'It copies' : `It takes ${short(gain)} times`;
    return i === j && 2 * i + 1 === kernel.length ? `${copy} the pixel in the window’s middle.`
      : `${copy} the pixel at row ${i}, column ${j} of the window: the picture shifts.`;
  }
  if (!used.every(x => x > 0) && Math.abs(gain) < 0.05) return '';
  const [sum, by] = [total(kernel), divisor].map(short);
  const flat = `The weights sum to ${sum}${by === '1' ? '' : `, and ${sum} ÷ ${by} = `
    + short(gain)}: flat parts ${Math.abs(gain - 1) < 1e-9 ? 'keep their brightness'
    : `get ${short(gain)} times their brightness`}`;
  return used.every(x => x > 0) ? `${flat}, and edges soften.`
    : `${flat}. The answer grows where ${looksFor(kernel)[0]}.`;
}

// What the answer at this place says, as a sentence; `most` is the largest answer anywhere.
export function meaning(state, answer, most) {
  const strength = (answer - state.bias) / (most || 1);
  const [up, down] = looksFor(state.kernel);
  if (habit(state)) return habit(state);
  if (Math.abs(strength) < 0.15) {
    return `Little or no answer: this kernel answers strongly where ${up}.`;
  }
  const how = Math.abs(strength) < 0.5 ? 'A weak answer' : 'A strong answer';
  return strength > 0 ? `${how}: ${up} here, as in this kernel.`
    : `${how} below 0: here ${down}, the reverse of this kernel.`;
}

// The sum at the window's place, and what is done with it.
export function summary({ divisor, bias }, row, column, { sum, answer }) {
  const divided = divisor === 1 ? '' : `, ÷ ${short(divisor)} = ${format(sum / divisor)}`;
  const shifted = !bias ? '' : `, ${bias < 0 ? '−' : '+'} ${short(Math.abs(bias))} = `
    + format(answer);
  return `Row ${row}, column ${column}: sum ${format(sum)}${divided}${shifted}.`;
}

const INVENTS = {
  zeros: 'counted as 0', replicate: 'repeated from the nearest pixel',
  reflect: 'mirrored across the pixel at the edge', circular: 'taken from the opposite side',
};
export function rimWords({ border }, { outside }) {
  const count = outside.flat().filter(Boolean).length;
  return count ? `Outside the picture: ${count} of the ${outside.length ** 2} numbers, `
    + `${INVENTS[border]}.` : '';
}

export const sizeWords = (name, size, { kernel, stride, padding }) =>
  `${name} ⌊(${size} + 2·${padding} − ${kernel.length})/${stride}⌋ + 1 = `
  + outputSize(size, kernel.length, stride, padding);

// Kernels to start from. Blur fills the size that the kernel has.
export const PRESETS = {
  identity: { label: 'Identity', kernel: [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    note: 'One 1 in the middle; all other pixels are multiplied by 0.' },
  blur: { label: 'Blur', kernel: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor: 9,
    note: 'Equal weights, divided by how many they are: the mean of the window.' },
  sharpen: { label: 'Sharpen', kernel: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    note: 'Five times the middle minus its four neighbours: differences are exaggerated.' },
  horizontal: { label: 'Horizontal edges', kernel: [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    note: 'What is below minus what is above: where both are equal, they cancel to 0.' },
  vertical: { label: 'Vertical edges', kernel: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    note: 'What is right minus what is left: where both are equal, they cancel to 0.' },
  emboss: { label: 'Emboss', kernel: [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    note: 'The pixel itself plus a difference along the diagonal: a relief.' },
  outline: { label: 'Outline', kernel: [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    note: 'The Laplacian: eight times the middle minus its neighbours, 0 on even ground.' },
};
export function presetKernel(name, size) {
  const { kernel, divisor = 1 } = PRESETS[name];
  if (name !== 'blur') return { kernel, divisor, bias: 0 };
  return { kernel: Array.from({ length: size }, () => Array(size).fill(1)), divisor: size ** 2,
    bias: 0 };
}

export function flipNote(kernel) {
  const turned = flip(kernel).flat();
  if (kernel.flat().every((x, k) => x === turned[k])) {
    return 'Half a turn leaves this kernel as it is: correlation and convolution agree.';
  }
  const how = kernel.flat().every((x, k) => x === -turned[k]) ? 'Half a turn changes each sign.'
    : 'Turned by half a turn.';
  return `${how} The convolution of mathematics turns a kernel first; torch’s conv2d does not.`;
}

// ------------------------------------------------------------------ part 3: drawing

function make(tag, className, parent, attributes = {}, text = '') {
  const element = document.createElement(tag);
  if (className) element.setAttribute('class', className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent?.append(element);
  return element;
}
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
function control(tag, className, parent, attributes, text) {
  const suppress = { 'data-lm-suppress-shortcuts': 'true' };
  return make(tag, className, parent, { ...suppress, ...attributes }, text);
}
const button = (parent, label, className = '') =>
  control('button', `krn-button ${className}`.trim(), parent, { type: 'button' }, label);

const KEYS = ['image', 'kernel', 'stride', 'padding', 'border', 'row', 'column', 'bias', 'divisor'];
// A picture of the reader stands in for the one in the model; it never leaves this page.
function read(view) {
  const state = Object.fromEntries(KEYS.map(key => [key, view.model.get(key)]));
  return view.own ? { ...state, image: view.own } : state;
}

// Change several keys and draw once; a change that cannot be drawn is refused, and says why.
function change(view, changes, note = '') {
  const trouble = problem({ ...read(view), ...changes });
  view.peek = null;
  view.note = trouble || note;
  if (!trouble) {
    view.quiet = true;
    for (const [key, value] of Object.entries(changes)) {
      if (view.model.get(key) !== value) view.model.set(key, value);
    }
    view.model.save_changes();
    view.quiet = false;
  }
  draw(view);
  return !trouble;
}

// Stride, padding or size change, and the window stays where it is.
function changeGrid(view, changes) {
  const [from, at] = [read(view), place(view)];
  const to = { ...from, ...changes };
  const [row, column] = at.map(each => samePlace(each, from, to));
  change(view, { ...changes, row, column });
}

// ---- buttons of kernels

function makePresets(view, parent) {
  const row = make('div', 'krn-presets', parent, { role: 'group', 'aria-label': 'kernels' });
  const add = (label, press) => {
    const each = button(row, '', 'krn-preset');
    each.onclick = press;
    const swatch = make('canvas', 'krn-swatch', each, { 'aria-hidden': 'true' });
    make('span', '', each, {}, label);
    return { each, swatch };
  };
  view.presets = Object.entries(PRESETS).map(([name, { label, note, kernel }]) => {
    const { each, swatch } = add(label, () =>
      change(view, presetKernel(name, read(view).kernel.length), note));
    paintKernel(swatch, kernel);
    return { name, each };
  });
  view.turned = add('Flip kernel', () => change(view, { kernel: flip(read(view).kernel) },
    flipNote(read(view).kernel))).swatch;
}

function showPresets(view, { kernel, divisor, bias }) {
  const now = JSON.stringify({ kernel, divisor, bias });
  for (const { name, each } of view.presets) {
    const preset = JSON.stringify(presetKernel(name, kernel.length));
    each.setAttribute('aria-pressed', preset === now);
  }
  paintKernel(view.turned, flip(kernel));
}
const largest = kernel => Math.max(...kernel.flat().map(Math.abs), 1e-9);
function paintKernel(canvas, kernel) {
  const range = { grey: false, most: largest(kernel) };
  paint(canvas, kernel.length, kernel.length, (i, j) => colour(kernel[i][j], range));
}

// ---- numbers that can be typed or stepped

// An entry for a number; returns the function that shows one.
function makeEntry(view, parent, label, attributes, set) {
  const input = control('input', 'krn-entry', parent, { type: 'text', role: 'spinbutton',
    inputmode: 'decimal', autocomplete: 'off', 'aria-label': label, ...attributes });
  let value = 0;
  const accept = x => input.setAttribute('aria-invalid', x === null || !set(x));
  input.oninput = () => {
    view.typing = input; // what is being typed stays as it is
    accept(parseNumber(input.value));
    view.typing = null;
  };
  input.onkeydown = event => {
    const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    accept(+(value + sign * (event.shiftKey ? 0.1 : 1)).toFixed(6));
    if (input.getAttribute('aria-invalid') === 'true') input.onblur();
  };
  input.onfocus = () => input.select();
  input.onblur = () => {
    input.setAttribute('aria-invalid', 'false');
    input.value = short(value);
  };
  return x => {
    value = x;
    input.setAttribute('aria-valuenow', x);
    if (view.typing !== input) input.value = short(x);
    return input;
  };
}

// ---- the window × the kernel = the products

function makeStrip(view, parent) {
  const strip = make('div', 'krn-strip', parent);
  view.tables = {};
  for (const [name, sign] of [['window', '×'], ['kernel', '='], ['products', '']]) {
    const part = make('div', `krn-part krn-${name}`, strip);
    make('small', '', part, {}, name);
    view.tables[name] = make('div', 'krn-table', part, { role: 'group', 'aria-label': name });
    if (sign) make('span', 'krn-sign', strip, { 'aria-hidden': 'true' }, sign);
  }
  const sum = make('div', 'krn-sum', parent);
  const term = (sign, name) => {
    if (sign) make('span', 'krn-sign', sum, {}, sign);
    const part = make('div', 'krn-term', sum);
    make('small', '', part, {}, name);
    return part;
  };
  view.sum = make('span', 'krn-number', term('', 'sum'));
  view.showDivisor = makeEntry(view, term('÷', 'divisor'), 'divisor', { 'aria-valuemin': 0.001 },
    divisor => change(view, { divisor }));
  view.showBias = makeEntry(view, term('+', 'bias'), 'bias', {}, bias => change(view, { bias }));
  view.answer = make('span', 'krn-number krn-answer', term('=', 'output'));
}

// New cells, for a kernel of another size.
function fillTables(view, size) {
  view.strip.style.setProperty('--krn-n', size);
  view.strip.classList.toggle('krn-many', size > 3);
  for (const table of Object.values(view.tables)) table.replaceChildren();
  const places = Array.from({ length: size ** 2 }, (_, k) => [Math.floor(k / size), k % size]);
  const cells = table => places.map(() => make('span', 'krn-cell', table));
  view.windowCells = cells(view.tables.window);
  view.productCells = cells(view.tables.products);
  view.entries = places.map(([i, j]) => makeEntry(view, view.tables.kernel,
    `kernel, row ${i}, column ${j}`, {}, x => change(view, { kernel: read(view).kernel.map(
      (row, a) => row.map((old, b) => (a === i && b === j ? x : old))) })));
}

const tint = (x, most) => {
  const [r, g, b, alpha] = colour(x, { most });
  return `rgb(${r} ${g} ${b} / ${(alpha / 255 * 0.5).toFixed(3)})`;
};
function showKernel(view, { kernel, divisor, bias }) {
  if (view.entries?.length !== kernel.length ** 2) fillTables(view, kernel.length);
  const most = largest(kernel);
  kernel.flat().forEach((x, k) => { view.entries[k](x).style.background = tint(x, most); });
  view.showDivisor(divisor);
  view.showBias(bias);
}

// ---- the two pictures

function paint(canvas, height, width, colourAt) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pen = canvas.getContext('2d');
  const picture = pen.createImageData(width, height);
  for (let k = 0; k < height * width; k++) {
    picture.data.set(colourAt(Math.floor(k / width), k % width), 4 * k);
  }
  pen.putImageData(picture, 0, 0);
}

// A picture in a frame, with a mark on it; `onPoint(x, y, pinned)` hears of the pointer, with x
// and y from 0 to 1, or null when it leaves.
function makePicture(parent, name, attributes, onPoint) {
  const part = make('div', `krn-picture krn-${name}`, parent);
  const title = make('div', 'krn-title', part);
  const frame = make('div', 'krn-frame', part);
  const box = (attributes.tabindex === undefined ? make : control)(
    'div', 'krn-box', frame, attributes);
  const canvas = make('canvas', '', box, { 'aria-hidden': 'true' });
  const mark = make('div', 'krn-mark', box, { 'aria-hidden': 'true' });
  const tell = (event, pinned) => {
    const at = box.getBoundingClientRect();
    onPoint((event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height, pinned);
  };
  box.onpointerdown = event => {
    box.setPointerCapture(event.pointerId);
    tell(event, true);
  };
  box.onpointermove = event => {
    if (event.buttons || event.pointerType === 'mouse') tell(event, event.buttons > 0);
  };
  box.onpointerleave = () => onPoint(null);
  return { part, title: make('b', '', title), about: make('small', '', title), frame, box, canvas,
    mark };
}

function makePictures(view, parent) {
  const row = make('div', 'krn-pictures', parent);
  view.photo = makePicture(row, 'photo', { tabindex: 0, role: 'application' }, (x, y, pinned) => {
    const { kernel, stride } = read(view);
    const at = (part, size) => Math.round((Math.floor(part * size) - middle(kernel.length))
      / stride);
    point(view, x === null ? null : [at(y, view.padded.height), at(x, view.padded.width)], pinned);
  });
  view.photo.box.onkeydown = event => moveByKey(view, event);
  view.photo.edge = make('div', 'krn-edge', null, { 'aria-hidden': 'true' });
  view.photo.mark.before(view.photo.edge);
  make('small', 'krn-hint', view.photo.part, {},
    'Point, drag or use the arrow keys to move the window.');
  view.output = makePicture(row, 'output', { role: 'img' }, (x, y, pinned) =>
    point(view, x === null ? null : [Math.floor(y * view.out.height),
      Math.floor(x * view.out.width)], pinned));
  view.legend = make('div', 'krn-legend', view.output.part, { 'aria-hidden': 'true' });
  view.bar = make('div', 'krn-bar', view.legend);
  view.needle = make('i', 'krn-needle', view.bar);
  view.ends = [0, 1, 2].map(() => make('small', '', view.legend));
}

const frameRatio = (height, width) => between(1.2, width / height, 3);
function fitBox({ frame, box }, ratio, height, width) {
  frame.style.aspectRatio = ratio;
  box.style.aspectRatio = `${width} / ${height}`;
  box.style.width = `${100 * Math.min(1, width / height / ratio)}%`;
}
function setMark(mark, top, left, height, width, all) {
  mark.style.left = `${100 * left / all.width}%`;
  mark.style.top = `${100 * top / all.height}%`;
  mark.style.width = `${100 * width / all.width}%`;
  mark.style.height = `${100 * height / all.height}%`;
}

function showPhoto(view, { image, padding, border }) {
  const [h, w] = [image.length, image[0].length];
  setText(view.photo.title, `picture ${h} × ${w}`);
  setText(view.photo.about, padding ? `and a rim of ${padding}` : 'no rim');
  const drawn = [image, padding, border];
  if (view.drawn?.every((each, k) => each === drawn[k])) return;
  view.drawn = drawn;
  const { values, height, width } = view.padded;
  fitBox(view.photo, frameRatio(h, w), height, width);
  setMark(view.photo.edge, padding, padding, h, w, view.padded);
  view.photo.edge.hidden = !padding;
  paint(view.photo.canvas, height, width, (i, j) => {
    const grey = 255 * values[i * width + j];
    const inside = i >= padding && j >= padding && i < h + padding && j < w + padding;
    return inside ? [grey, grey, grey, 255] // the rim gets a tint
      : [0.6 * grey, 0.6 * grey + 30, 0.6 * grey + 75, 255];
  });
}

function showOutput(view, state) {
  const { values, height, width } = view.out;
  const { grey, low, high, most } = view.range;
  setText(view.output.title, `output ${height} × ${width}`);
  setText(view.output.about, `from ${format(low)} to ${format(high)}`);
  fitBox(view.output, frameRatio(state.image.length, state.image[0].length), height, width);
  paint(view.output.canvas, height, width, (i, j) => colour(values[i * width + j], view.range));
  const ends = grey ? [low < 0 ? '0 or less' : '0', '', high > most ? `${short(most)} or more`
    : format(most)] : [format(-most), '0', format(most)];
  ends.forEach((text, k) => setText(view.ends[k], text));
  const stops = Array.from({ length: 13 }, (_, k) => {
    const [r, g, b, alpha] = colour((grey ? k / 12 : k / 6 - 1) * most, view.range);
    return `rgb(${r} ${g} ${b} / ${alpha / 255})`;
  });
  view.bar.style.background = `linear-gradient(to right, ${stops})`;
  view.output.box.setAttribute('aria-label', `Output of ${height} × ${width}, from ${format(low)} `
    + `to ${format(high)}, ${grey ? 'in greys' : 'orange above 0 and blue below'}.`);
}

// ---- the window

// The place [row, column] of the window: where the mouse points, or where the state puts it.
function place(view) {
  const [row, column] = view.peek ?? [view.model.get('row'), view.model.get('column')];
  return [between(0, row, view.out.height - 1), between(0, column, view.out.width - 1)];
}

function point(view, at, pinned) {
  if (pinned) return moveTo(view, ...at);
  view.peek = at;
  showWindow(view);
}
function moveTo(view, row, column) {
  view.peek = [row, column];
  const at = place(view);
  view.peek = null;
  view.note = '';
  view.quiet = true;
  ['row', 'column'].forEach((key, k) => view.model.set(key, at[k]));
  view.model.save_changes();
  view.quiet = false;
  showWindow(view);
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const CORNERS = { Home: [0, 0], End: [Infinity, Infinity] };
function moveByKey(view, event) {
  if (!ARROWS[event.key] && !CORNERS[event.key]) return;
  event.preventDefault();
  view.peek = null;
  const [row, column] = place(view);
  const [down, right] = (ARROWS[event.key] ?? []).map(step => step * (event.shiftKey ? 10 : 1));
  moveTo(view, ...(CORNERS[event.key] ?? [row + down, column + right]));
}

// All that depends on where the window is.
function showWindow(view) {
  const { state, padded, out } = view;
  const [row, column] = place(view);
  const size = state.kernel.length;
  const found = windowAt(state, row, column, padded);
  setMark(view.photo.mark, found.top + state.padding, found.left + state.padding, size, size,
    padded);
  setMark(view.output.mark, row, column, 1, 1, out);
  showNumbers(view, found, size > 5);
  setText(view.sum, format(found.sum));
  setText(view.answer, format(found.answer));
  const { grey, most } = view.range;
  const part = between(grey ? 0 : -1, found.answer / most, 1);
  view.needle.style.left = `${grey ? 100 * part : 50 + 50 * part}%`;
  setText(view.words, summary(state, row, column, found));
  setText(view.meaning, meaning(state, found.answer, view.strongest));
  setText(view.noteLine, view.note || rimWords(state, found));
  view.photo.box.setAttribute('aria-label', `The picture, its window at row ${row}, column `
    + `${column}. Arrow keys move it, with Shift ten steps; Home and End take it to a corner.`);
}

function showNumbers(view, { numbers, outside, products }, tight) {
  const most = largest(view.state.kernel);
  const invented = outside.flat();
  const multiplied = products.flat();
  numbers.flat().forEach((x, k) => {
    const [cell, product] = [view.windowCells[k], view.productCells[k]];
    const grey = Math.round(255 * x);
    cell.style.background = `rgb(${grey} ${grey} ${grey})`;
    cell.style.color = grey > 117 ? '#000' : '#fff'; // at least 4.5 to 1
    cell.classList.toggle('krn-outside', invented[k]);
    setText(cell, cellText(x, tight));
    product.style.background = tint(multiplied[k], most);
    setText(product, cellText(multiplied[k], tight));
  });
}

// ---- how it slides, and over what

function makeSlider(view, parent, key, range, set) {
  const row = make('label', 'krn-slider', parent);
  make('span', '', row, {}, key);
  const number = make('span', 'krn-number', row);
  const input = control('input', 'krn-range', row, { type: 'range', 'aria-label': key, ...range });
  input.oninput = () => set(Number(input.value));
  view.sliders[key] = value => {
    input.value = value;
    input.style.setProperty('--krn-part', (value - input.min) / (input.max - input.min));
    setText(number, String(value));
  };
}

const ABOUT = { zeros: 'nothing there', replicate: 'the nearest pixel', reflect: 'a mirror',
  circular: 'the opposite side' };
function makeBorders(view, parent) {
  const group = make('div', 'krn-borders', parent, { role: 'radiogroup', 'aria-label': 'border' });
  view.borders = BORDERS.map(name => {
    const box = make('label', 'krn-choice', group);
    const input = control('input', '', box, { type: 'radio', name: `${view.id}-border`,
      'aria-label': `${name}: ${ABOUT[name]}` });
    input.onchange = () => change(view, { border: name });
    make('b', '', box, {}, name);
    make('small', '', box, {}, ABOUT[name]);
    return { name, box, input };
  });
}

function makeControls(view, parent) {
  const sliders = make('div', 'krn-sliders', parent);
  makeSlider(view, sliders, 'stride', { min: 1, max: 4 }, stride => changeGrid(view, { stride }));
  makeSlider(view, sliders, 'padding', { min: 0, max: 3 },
    padding => changeGrid(view, { padding }));
  makeSlider(view, sliders, 'kernel size', { min: 1, max: 7 }, size =>
    change(view, { kernel: resize(read(view).kernel, size) }));
  makeBorders(view, parent);
  view.sizes = make('div', 'krn-sizes', parent);
}

function showControls(view, { image, kernel, stride, padding, border }) {
  view.sliders.stride(stride);
  view.sliders.padding(padding);
  view.sliders['kernel size'](kernel.length);
  for (const { name, box, input } of view.borders) {
    input.checked = name === border;
    box.classList.toggle('krn-on', input.checked);
  }
  const sizes = [['height', image.length], ['width', image[0].length]];
  sizes.forEach(([name, size], k) => {
    const line = view.sizes.children[k] ?? make('span', '', view.sizes);
    setText(line, sizeWords(name, size, { kernel, stride, padding }));
  });
}

// ---- the reader's own picture

function makeUpload(view, parent) {
  const row = make('div', 'krn-own', parent);
  const label = make('label', 'krn-button krn-file', row);
  const input = control('input', '', label, { type: 'file', accept: 'image/*',
    'aria-label': 'Choose a picture of your own' });
  make('span', '', label, {}, 'Your own picture…');
  input.onchange = async () => {
    const [file] = input.files;
    if (file) await takeIn(view, file);
    input.value = '';
  };
  make('small', '', row, {}, 'It stays in this browser: nothing is sent, not even to Python.');
  button(row, 'Reset').onclick = () => {
    view.own = null;
    change(view, view.first);
  };
}

// A file as a picture in greys; a sentence where that is impossible.
async function takeIn(view, file) {
  const [url, picture] = [URL.createObjectURL(file), new Image()];
  picture.src = url;
  const failed = await picture.decode().then(() => !picture.naturalWidth, () => true);
  URL.revokeObjectURL(url);
  const image = failed ? null : shrink(picture);
  const trouble = failed ? `${file.name} is no picture that this browser can read.`
    : problem({ ...read(view), image });
  view.own = trouble ? view.own : image;
  change(view, {}, trouble || `Your picture, in greys, shrunk to ${image.length} × `
    + `${image[0].length}.`);
}

function shrink(picture) {
  const [width, height] = fit(picture.naturalWidth, picture.naturalHeight);
  const canvas = make('canvas', '', null, { width, height });
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, width, height);
  return toGrey(pen.getImageData(0, 0, width, height).data, width, height);
}

// ---- all of it

function build(view) {
  makePresets(view, make('div', 'krn-head', view.body));
  makePictures(view, view.body);
  view.strip = make('div', 'krn-work', view.body);
  makeStrip(view, view.strip);
  const words = make('div', 'krn-words', view.body, { 'aria-live': 'polite' });
  view.words = make('b', '', words);
  view.meaning = make('div', '', words);
  view.noteLine = make('div', 'krn-note', words);
  makeControls(view, make('div', 'krn-controls', view.body));
  makeUpload(view, view.body);
}

function draw(view) {
  const state = read(view);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  if (!view.photo) build(view);
  view.state = state;
  view.padded = pad(state);
  view.out = correlate(state, view.padded);
  view.range = scale(view.out, state);
  view.strongest = Math.max(view.range.high - state.bias, state.bias - view.range.low);
  showPresets(view, state);
  showPhoto(view, state);
  showOutput(view, state);
  showKernel(view, state);
  showControls(view, state);
  showWindow(view);
}

function render({ model, el }) {
  const id = `krn-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, note: '', quiet: false, peek: null, own: null, sliders: {} };
  el.replaceChildren();
  el.classList.add('krn');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'a kernel over a picture');
  el.dataset.explorable = 'kernel';
  view.trouble = make('p', 'krn-trouble', el, { role: 'alert' });
  view.body = make('div', 'krn-body', el);
  draw(view);
  const tell = key => () => {
    if (view.quiet) return;
    view.note = '';
    view.peek = null;
    if (key === 'image') view.own = null; // Python's picture is the newer one
    draw(view);
  };
  const told = KEYS.map(key => [`change:${key}`, tell(key)]);
  for (const [event, again] of told) model.on(event, again);
  return () => { for (const [event, again] of told) model.off(event, again); };
}

export default { render };

// A computation graph, stepped forward and backward.
//
// Part 1 is arithmetic: every operation and its derivative, by hand, on plain lists of numbers.
// Part 2 makes the steps and the words that explain them. Part 3 draws.
//
// state: nodes (in topological order, the last is the result), step, leaf (changed numbers, by id),
// live (false: values were recorded and are only shown). An array is { shape, data }, data flat.

// ------------------------------------------------------------------ part 1: arithmetic

const add = (a, b) => a + b;
const sum = numbers => numbers.reduce(add, 0);
const mean = numbers => sum(numbers) / numbers.length;
const range = n => Array.from({ length: n }, (_, i) => i);
export const size = shape => shape.reduce((n, length) => n * length, 1);

const logsumexp = xs => {
  const top = Math.max(...xs);
  return Number.isFinite(top) ? top + Math.log(sum(xs.map(x => Math.exp(x - top)))) : top;
};
const variance = (xs, { correction }) => {
  const middle = mean(xs);
  return sum(xs.map(x => (x - middle) ** 2)) / (xs.length - correction);
};
const shareAmongEqual = (xs, y) => {
  const winners = xs.filter(x => x === y).length;
  return xs.map(x => (x === y ? 1 / winners : 0));
};
const powerSlope = (x, e) => (e === 0 ? 0 : e * x ** (e - 1));

// Operations on matching numbers of their inputs.
//   value(xs, args): one number of the output, from one number of each input
//   slope(xs, y, args): how fast it moves with each of them
const ELEMENTWISE = {
  add: { value: ([a, b]) => a + b, slope: () => [1, 1] },
  sub: { value: ([a, b]) => a - b, slope: () => [1, -1] },
  mul: { value: ([a, b]) => a * b, slope: ([a, b]) => [b, a] },
  div: { value: ([a, b]) => a / b, slope: ([a, b]) => [1 / b, -a / b ** 2] },
  neg: { value: ([x]) => -x, slope: () => [-1] },
  exp: { value: ([x]) => Math.exp(x), slope: (xs, y) => [y] },
  log: { value: ([x]) => Math.log(x), slope: ([x]) => [1 / x] },
  sqrt: { value: ([x]) => Math.sqrt(x), slope: (xs, y) => [1 / (2 * y)] },
  abs: { value: ([x]) => Math.abs(x), slope: ([x]) => [Math.sign(x)] },
  tanh: { value: ([x]) => Math.tanh(x), slope: (xs, y) => [1 - y * y] },
  sigmoid: { value: ([x]) => 1 / (1 + Math.exp(-x)), slope: (xs, y) => [y * (1 - y)] },
  relu: { value: ([x]) => (x > 0 ? x : x * 0), slope: ([x]) => [x <= 0 ? 0 : 1] },
  clamp: {
    value: ([x], { min, max }) => Math.min(Math.max(x, min ?? -Infinity), max ?? Infinity),
    slope: ([x], y, { min, max }) => [x >= (min ?? -Infinity) && x <= (max ?? Infinity) ? 1 : 0],
  },
  maximum: {
    value: ([a, b]) => Math.max(a, b),
    slope: ([a, b]) => [a > b ? 1 : a < b ? 0 : 0.5, b > a ? 1 : b < a ? 0 : 0.5],
  },
  minimum: {
    value: ([a, b]) => Math.min(a, b),
    slope: ([a, b]) => [a < b ? 1 : a > b ? 0 : 0.5, b < a ? 1 : b > a ? 0 : 0.5],
  },
  pow: {
    value: ([x, e], { exponent = e }) => x ** exponent,
    slope: ([x, e], y, { exponent }) => exponent !== undefined ? [powerSlope(x, exponent)]
      : [powerSlope(x, e), x === 0 && e >= 0 ? 0 : y * Math.log(x)],
  },
};

// Operations that turn a group of numbers (args.groups: their flat positions) into one.
const REDUCE = {
  sum: { value: sum, slope: xs => xs.map(() => 1) },
  mean: { value: mean, slope: xs => xs.map(() => 1 / xs.length) },
  max: { value: xs => Math.max(...xs), slope: shareAmongEqual },
  min: { value: xs => Math.min(...xs), slope: shareAmongEqual },
  logsumexp: { value: logsumexp, slope: (xs, y) => xs.map(x => Math.exp(x - y)) },
  var: {
    value: variance,
    slope: (xs, y, { correction }) =>
      xs.map(x => (2 * (x - mean(xs))) / (xs.length - correction)),
  },
  std: {
    value: (xs, args) => Math.sqrt(variance(xs, args)),
    slope: (xs, y, { correction }) =>
      xs.map(x => (y === 0 ? 0 : (x - mean(xs)) / ((xs.length - correction) * y))),
  },
};

// Operations that only move numbers.
const MOVE = { value: ([x]) => x, slope: () => [1] };
const MOVES = { take: MOVE, where: MOVE };
const BY_NUMBER = { ...ELEMENTWISE, ...REDUCE, ...MOVES };

// For each number of an array of shape `to`: its flat position in an array of shape `from`.
export function broadcastPositions(from, to) {
  const missing = to.length - from.length;
  return range(size(to)).map(rest => {
    let position = 0;
    let stride = 1;
    for (let axis = to.length - 1; axis >= missing; axis--) {
      if (from[axis - missing] > 1) position += (rest % to[axis]) * stride;
      rest = Math.floor(rest / to[axis]);
      stride *= from[axis - missing];
    }
    return position;
  });
}

// Position in all inputs laid end to end -> [which input, position there].
function locate(shapes, position) {
  let input = 0;
  while (position >= size(shapes[input])) position -= size(shapes[input++]);
  return [input, position];
}

// Which numbers does each number of the output read? One list of [input, position] each.
export function reads(node, shapes) {
  const { op, args = {} } = node;
  if (op in REDUCE) return args.groups.map(group => group.map(position => [0, position]));
  if (op === 'take') return args.positions.map(position => [locate(shapes, position)]);
  const places = shapes.map(shape => broadcastPositions(shape, node.shape));
  if (op === 'where') {
    return range(size(node.shape)).map(i => {
      const chosen = args.condition[i] ? 0 : 1;
      return [[chosen, places[chosen][i]]];
    });
  }
  return range(size(node.shape)).map(i => places.map((place, input) => [input, place[i]]));
}

const remembered = new WeakMap(); // what a node reads never changes
function readsOf(node, inputs) {
  if (!remembered.has(node)) remembered.set(node, reads(node, inputs.map(x => x.shape)));
  return remembered.get(node);
}
const gather = (read, inputs) => read.map(([input, position]) => inputs[input].data[position]);

// (n, k) @ (k, m), flat.
function product(a, b, n, k, m) {
  const out = new Array(n * m).fill(0);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < m; column++) {
      for (let i = 0; i < k; i++) out[row * m + column] += a[row * k + i] * b[i * m + column];
    }
  }
  return out;
}
const transpose = (a, rows, columns) =>
  range(rows * columns).map(i => a[(i % rows) * columns + Math.floor(i / rows)]);

// A 1-D left operand is a row, a 1-D right operand a column.
function matmulSizes(a, b) {
  const inner = a.shape.at(-1);
  return [a.shape.length > 1 ? a.shape[0] : 1, inner, b.shape.length > 1 ? b.shape[1] : 1];
}
const matmul = (a, b) => product(a.data, b.data, ...matmulSizes(a, b));
function matmulGradients(a, b, g) {
  const [n, k, m] = matmulSizes(a, b);
  const toA = product(g, transpose(b.data, k, m), n, m, k); // g @ bᵀ
  const toB = product(transpose(a.data, n, k), g, k, n, m); // aᵀ @ g
  return [toA, toB];
}

// The numbers that `node` makes of its inputs.
export function forward(node, inputs) {
  const { op, args = {} } = node;
  if (op === 'matmul') return matmul(...inputs);
  if (op === 'addmm') {
    const place = broadcastPositions(inputs[0].shape, node.shape);
    return matmul(inputs[1], inputs[2]).map((y, i) => y + inputs[0].data[place[i]]);
  }
  if (!(op in BY_NUMBER)) return node.value;
  return readsOf(node, inputs).map(read => BY_NUMBER[op].value(gather(read, inputs), args));
}

// g times the matrix of all derivatives (a row for each output number), recorded by Python.
function timesMatrix(g, matrix, columns) {
  return range(columns).map(c => sum(g.map((gi, row) => gi * matrix[row * columns + c])));
}

// Local derivatives, one list for each number of the output, in the order of `reads`.
export function slopes(node, inputs, y) {
  const { op, args = {} } = node;
  return readsOf(node, inputs).map((read, i) =>
    BY_NUMBER[op].slope(gather(read, inputs), y[i], args));
}

// Vector-Jacobian product: from the output's gradient g to the gradient of each input.
// Whatever is read adds its share to where it was read: broadcasting needs no further rule.
export function vjp(node, inputs, y, g) {
  if (node.op === 'matmul') return matmulGradients(...inputs, g);
  if (node.op === 'addmm') return addmmGradients(node, inputs, g);
  const out = inputs.map(x => new Array(size(x.shape)).fill(0));
  const local = slopes(node, inputs, y);
  readsOf(node, inputs).forEach((read, i) => read.forEach(([input, position], j) => {
    out[input][position] += g[i] * local[i][j];
  }));
  return out;
}

function addmmGradients(node, [bias, x, w], g) {
  const toBias = new Array(size(bias.shape)).fill(0);
  broadcastPositions(bias.shape, node.shape).forEach((place, i) => { toBias[place] += g[i]; });
  return [toBias, ...matmulGradients(x, w, g)];
}

// ------------------------------------------------------------------ part 2: steps and words

const isKnownOperation = node => node.op in BY_NUMBER || ['matmul', 'addmm'].includes(node.op);
const isInput = node => node.op === 'leaf' || node.op === 'const';
const numbers = list => list && list.map(Number); // 'NaN' and 'Infinity' travel as text

// Which numbers does the derivative for input k need? With live false some were not kept.
const NEEDS_NOTHING = new Set(['add', 'sub', 'neg', 'sum', 'mean', 'take', 'where']);
const NEEDS_RESULT = new Set(['exp', 'sqrt', 'tanh', 'sigmoid']);
const NEEDS_OTHER = new Set(['mul', 'matmul']);
function canDerive(node, k, inputs, y) {
  if (NEEDS_NOTHING.has(node.op) || (node.op === 'addmm' && k === 0)) return true;
  if (NEEDS_RESULT.has(node.op) && y) return true;
  if (NEEDS_OTHER.has(node.op)) return Boolean(inputs[1 - k].data);
  if (node.op === 'addmm') return Boolean(inputs[3 - k].data);
  return inputs.every(x => x.data) && isKnownOperation(node);
}
const fillUnknown = x => ({ ...x, data: x.data ?? new Array(size(x.shape)).fill(NaN) });

// Every node's numbers: { id: list, or null where the value was not kept }.
export function evaluate(nodes, leaf = {}, live = true) {
  const shapes = Object.fromEntries(nodes.map(node => [node.id, node.shape]));
  const values = {};
  for (const node of nodes) {
    const recorded = numbers(node.value);
    if (isInput(node)) values[node.id] = (live && numbers(leaf[node.id])) || recorded;
    else if (!live || !isKnownOperation(node)) values[node.id] = recorded;
    else {
      const inputs = node.in.map(id => ({ shape: shapes[id], data: values[id] }));
      values[node.id] = forward(node, inputs);
    }
  }
  return values;
}

// Does a leaf stand anywhere before this node? Constants and what is made of them need no gradient.
export function wantGradient(nodes) {
  const wants = {};
  for (const node of nodes) {
    wants[node.id] = node.op === 'leaf' || node.in.some(id => wants[id]);
  }
  return wants;
}

// The gradients that one node hands to its inputs; null where it cannot be known.
function handBack(node, inputs, y, g, live) {
  const filled = inputs.map(fillUnknown);
  const derivable = g && isKnownOperation(node);
  const made = derivable ? vjp(node, filled, y ?? forward(node, filled), g) : [];
  return inputs.map((x, k) => {
    const matrix = node.jac?.[k];
    if (g && matrix && !(live && derivable)) {
      return timesMatrix(g, numbers(matrix), size(x.shape));
    }
    return derivable && canDerive(node, k, inputs, y) ? made[k] : null;
  });
}

const addLists = (a, b) => (a && b ? a.map((x, i) => x + b[i]) : null);

// One backward step: what each input had, what is added, what it has then.
function backwardStep(node, context) {
  const { byId, values, grads, wants, live } = context;
  const inputs = node.in.map(id => ({ shape: byId[id].shape, data: values[id] }));
  const given = handBack(node, inputs, values[node.id], grads[node.id], live);
  const shares = [];
  node.in.forEach((id, k) => {
    if (!wants[id]) return;
    const had = id in grads;
    const before = grads[id];
    grads[id] = had ? addLists(before, given[k]) : given[k];
    shares.push({ k, id, had, before, share: given[k], after: grads[id] });
  });
  return { phase: 'backward', node, shares, grads: { ...grads } };
}

// All steps: the start, each operation forward, the seed, each operation backward.
//   { phase, node, known: ids computed so far, values, grads: {id: list}, shares (backward) }
export function makeSteps(nodes, leaf = {}, live = true) {
  const values = evaluate(nodes, leaf, live);
  const byId = Object.fromEntries(nodes.map(node => [node.id, node]));
  const wants = wantGradient(nodes);
  const operations = nodes.filter(node => !isInput(node));
  const known = new Set(nodes.filter(isInput).map(node => node.id));
  const steps = [{ phase: 'start', grads: {}, known: new Set(known) }];
  for (const node of operations) {
    known.add(node.id);
    steps.push({ phase: 'forward', node, grads: {}, known: new Set(known) });
  }
  const result = nodes.at(-1);
  const grads = { [result.id]: new Array(size(result.shape)).fill(1) };
  steps.push({ phase: 'seed', node: result, grads: { ...grads }, known });
  for (const node of [...operations].reverse()) {
    if (!wants[node.id] || !(node.id in grads)) continue;
    steps.push({ ...backwardStep(node, { byId, values, grads, wants, live }), known });
  }
  steps.forEach((step, i) => { Object.assign(step, { values, last: i === steps.length - 1 }); });
  return steps;
}

const minus = text => text.replaceAll('-', '−');
export function format(x, digits = 4) {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  const sizeOf = Math.abs(x);
  if (sizeOf < 1e-12) return '0';
  if (sizeOf < 1e-3 || sizeOf >= 1e5) return minus(x.toExponential(1).replace('e+', 'e'));
  return minus(String(+x.toPrecision(digits)));
}

const SHOWN = 6; // arrays with more numbers show their shape and the first three
// '2', '[1, 2]', '[[1, 2], [3, 4]]', or '(64×10) [1, 2, 3, …]'
export function formatArray(data, shape) {
  if (!data) return 'not kept';
  if (shape.length === 0) return format(data[0]);
  if (data.length > SHOWN) {
    const first = data.slice(0, 3).map(x => format(x, 3)).join(', ');
    return `(${shape.join('×')}) [${first}, …]`;
  }
  const [length, ...rest] = shape;
  const part = rest.length ? size(rest) : 1;
  const items = range(length).map(i => formatArray(data.slice(i * part, (i + 1) * part), rest));
  return `[${items.join(', ')}]`;
}

// How each operation is written and what its derivative does, in words.
const BETWEEN = { add: '+', sub: '−', mul: '×', div: '÷', pow: '**', matmul: '@' };
const WHY = {
  add: 'A sum hands its gradient on unchanged.',
  sub: 'A difference hands its gradient on; what is subtracted gets it with the sign turned.',
  mul: 'The slope for one factor is the other factor.',
  div: 'The slope is 1/bottom for the top, and −top/bottom² for the bottom.',
  neg: 'A minus turns the sign of the gradient.',
  pow: 'The slope of xⁿ is n·xⁿ⁻¹.',
  exp: 'exp is its own slope.',
  log: 'The slope of log x is 1/x.',
  sqrt: 'The slope of √x is 1/(2√x).',
  abs: 'The slope is the sign.',
  tanh: 'The slope of tanh is 1 − tanh².',
  sigmoid: 'The slope of the sigmoid y is y·(1 − y).',
  relu: 'Above 0 the gradient passes; elsewhere it stops.',
  clamp: 'Between the limits the gradient passes; outside it stops.',
  maximum: 'The gradient goes to the larger number; equal ones share it.',
  minimum: 'The gradient goes to the smaller number; equal ones share it.',
  matmul: 'Each input gets the gradient times the other input, transposed.',
  addmm: 'Input and weights get the gradient times each other, transposed; the bias gets its sum.',
  take: 'The numbers only moved: each gradient goes back to where its number came from.',
  sum: 'Every number in the sum gets the same gradient.',
  mean: 'Every number gets an equal share of the gradient.',
  max: 'The gradient goes to the largest number; equal ones share it.',
  min: 'The gradient goes to the smallest number; equal ones share it.',
  logsumexp: 'The gradient is shared out by softmax.',
  var: 'The slope is twice the distance from the mean, divided by the count.',
  std: 'The slope is the distance from the mean, divided by count and spread.',
  where: 'Each gradient goes back to the number that was chosen.',
};
const operationName = node => node.args?.name ?? node.op;
const why = node => WHY[node.op] ?? 'The slopes of this operation were recorded.';

const isNumber = node => node.op === 'const' && !node.label && node.value?.length === 1;

// Nodes without a label are called t1, t2, …, but a constant number is called by itself.
export function makeNames(nodes) {
  const taken = new Set(nodes.map(node => node.label));
  let count = 0;
  const next = () => { do count += 1; while (taken.has(`t${count}`)); return `t${count}`; };
  const name = node => (isNumber(node) ? format(Number(node.value[0])) : node.label || next());
  return Object.fromEntries(nodes.map(node => [node.id, name(node)]));
}

// 'a × b', 'x ** 2', 'tanh(h)': the operation written with these texts for its inputs.
export function expression(node, inputs) {
  const [sign, name] = [BETWEEN[node.op], operationName(node)];
  if (node.op === 'pow' && inputs.length === 1) return `${inputs[0]} ** ${node.args.exponent}`;
  if (node.op === 'neg') return `−${inputs[0]}`;
  if (node.op === 'addmm') return `${inputs[1]} @ ${inputs[2]} + ${inputs[0]}`;
  if (name.startsWith('[')) return inputs[0] + name; // args.name of an index: x[0]
  return sign ? inputs.join(` ${sign} `) : `${name}(${inputs.join(', ')})`;
}
export function symbol(node) {
  if (node.op === 'pow' && node.in.length === 1) return `** ${node.args.exponent}`;
  if (node.op === 'addmm') return '@ +';
  return BETWEEN[node.op] ?? (node.op === 'neg' ? '−' : operationName(node));
}

const formatSlopes = list => {
  if (list.every(x => x === list[0])) return format(list[0]);
  const shown = list.slice(0, list.length > 4 ? 3 : 4).map(x => format(x, 3)).join(', ');
  return `[${shown}${list.length > 4 ? ', …' : ''}]`;
};

// Input k's slopes as one list; a reduction's in the order of its input.
function slopesOf(node, k, inputs, y) {
  const filled = inputs.map(fillUnknown);
  const found = [];
  const local = slopes(node, filled, y ?? forward(node, filled));
  readsOf(node, filled).forEach((read, i) => read.forEach(([input, position], j) => {
    if (input === k) found.push([node.op in REDUCE ? position : found.length, local[i][j]]);
  }));
  return found.sort((a, b) => a[0] - b[0]).map(pair => pair[1]);
}

// A recorded matrix: its diagonal, if each output number depends on its own input number only.
function recordedText(matrix, rows, columns) {
  const diagonal = matrix.filter((x, i) => i % (columns + 1) === 0);
  const elsewhere = matrix.some((x, i) => i % (columns + 1) && x !== 0);
  return rows === columns && !elsewhere ? `× ${formatSlopes(diagonal)}` : '× recorded';
}

// The local derivative of input k, as it stands on the arrow: '× 2', '× [6, 8]', '× wᵀ'.
export function localText(node, k, values, { byId, names, live }) {
  const matrix = node.jac?.[k];
  if (matrix && !(live && isKnownOperation(node))) {
    return recordedText(numbers(matrix), size(node.shape), size(byId[node.in[k]].shape));
  }
  const inputs = node.in.map(id => ({ shape: byId[id].shape, data: values[id] }));
  if (!canDerive(node, k, inputs, values[node.id])) return '';
  if (node.op === 'take' || (node.op === 'addmm' && k === 0)) return '× 1';
  if (!(node.op in BY_NUMBER)) { // a matrix product
    const [left, right] = node.in.slice(-2).map(id => names[id]);
    return k === node.in.length - 2 ? `× ${right}ᵀ` : `${left}ᵀ ×`;
  }
  return `× ${formatSlopes(slopesOf(node, k, inputs, values[node.id]))}`;
}

// A sentence is a list of texts, or [kind, text] with kind name, value, grad or slope.
const bracket = text => (text.startsWith('−') ? `(${text})` : text);

function forwardWords(node, { values }, { byId, names }) {
  const written = expression(node, node.in.map(id => names[id]));
  const head = ['Forward: ', ['name', names[node.id]], ` = ${written}`];
  if (!values[node.id]) {
    return { head, lines: [['Its value was not kept: no derivative needs it.']] };
  }
  const texts = node.in.map(id => bracket(formatArray(values[id], byId[id].shape)));
  const plain = node.op !== 'take' && node.op !== 'where' && texts.join('').length < 40;
  const middle = plain ? [`= ${expression(node, texts)} `] : [];
  return { head, lines: [[...middle, '= ', ['value', formatArray(values[node.id], node.shape)]]] };
}

// 'a.grad += 2 × −3 = −6, so 1 + (−6) = −5'
function shareWords({ k, id, had, before, share, after }, step, context) {
  const { node, grads } = step;
  const { byId, names } = context;
  const { shape } = byId[id];
  const start = [['name', `${names[id]}.grad`], had ? ' += ' : ' = '];
  if (!share) return [...start, 'cannot be known: a value it needs was not kept'];
  const g = node.shape.length ? `∇${names[node.id]}` : format(grads[node.id][0]);
  const slope = localText(node, k, step.values, context);
  const made = slope.endsWith('×') ? [['slope', slope], ` ${g}`] : [`${g} `, ['slope', slope]];
  const line = [...start, ...made, ' = ', ['grad', formatArray(share, shape)]];
  if (!had || !before) return line;
  const [had1, added] = [before, share].map(list => formatArray(list, shape));
  return [...line, `,  so  ${had1} + ${bracket(added)} = `, ['grad', formatArray(after, shape)]];
}

// What the reader is told about a step: { head, lines }.
export function explain(step, context) {
  const { nodes, names, live } = context;
  const { phase, node } = step;
  const result = names[nodes.at(-1).id];
  if (phase === 'start') {
    return { head: ['Step forward to compute, then backward to find each slope.'],
      lines: [[live ? 'Drag a number in a dashed card, or press ↑ ↓ on it.' : '']] };
  }
  if (phase === 'forward') return forwardWords(node, step, context);
  if (phase === 'seed') {
    const one = formatArray(step.grads[node.id], node.shape);
    return { head: ['Backward starts at the result: ', ['grad', `∇${result} = ${one}`]],
      lines: [[`Whatever ${result} is, it moves exactly as fast as itself.`]] };
  }
  const written = expression(node, node.in.map(id => names[id]));
  return { head: ['Backward through ', ['name', names[node.id]], ` = ${written}. ${why(node)}`],
    lines: step.shares.map(share => shareWords(share, step, context)).concat(step.last
      ? [[`Done: the ∇ of each leaf says how fast ${result} moves with it.`]] : []) };
}

// ------------------------------------------------------------------ part 3: drawing

const [GAP, ROW_GAP] = [26, 42]; // pixels between the cards of a row, and between rows
const [NARROWEST, WIDEST, WIDEST_OF_ARRAYS] = [118, 172, 200]; // of a column, its gap included
const MARGIN = 14;

const between = (low, x, high) => Math.min(Math.max(x, low), high);

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
// JupyterLab takes arrow keys for itself unless the focused element says otherwise.
function focusable(element) {
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = 'true';
  return element;
}

// Where each card stands: { x, y, width, planeWidth, planeHeight }, x and y by id.
export function placeCards(nodes, heights, available) {
  const columns = nodes.map(node => node.at[0]);
  const rows = nodes.map(node => node.at[1]);
  const first = Math.min(...columns);
  const span = Math.max(...columns) - first + 1;
  const widest = nodes.some(node => size(node.shape) > 1) ? WIDEST_OF_ARRAYS : WIDEST;
  const pitch = between(NARROWEST, (available - 2 * MARGIN + GAP) / span, widest);
  const used = span * pitch - GAP;
  const left = Math.max(MARGIN, (available - used) / 2);
  const tops = rowTops(nodes, heights);
  const y = row => tops[Math.floor(row)]
    + (row - Math.floor(row)) * ((tops[Math.floor(row) + 1] ?? 0) - tops[Math.floor(row)]);
  const byId = list => Object.fromEntries(nodes.map((node, i) => [node.id, list[i]]));
  return {
    x: byId(columns.map(column => left + (column - first) * pitch)),
    y: byId(rows.map(y)),
    width: pitch - GAP,
    planeWidth: Math.max(available, used + 2 * MARGIN),
    planeHeight: Math.max(...nodes.map((node, i) => y(rows[i]) + heights[node.id])) + MARGIN,
  };
}

// Each row is as tall as its tallest card.
function rowTops(nodes, heights) {
  const rows = nodes.map(node => node.at[1]);
  const tops = {};
  let top = MARGIN;
  for (let row = Math.floor(Math.min(...rows)); row <= Math.ceil(Math.max(...rows)); row++) {
    tops[row] = top;
    const here = nodes.filter(node => Math.round(node.at[1]) === row);
    top += Math.max(0, ...here.map(node => heights[node.id])) + ROW_GAP;
  }
  return tops;
}

// An arrow's path: down from the input's card, past the cards of the rows between.
export function routeArrow(source, target, port, nodes, place, heights) {
  const { x, y, width } = place;
  let [atX, atY] = [x[source.id] + width / 2, y[source.id] + heights[source.id]];
  const [endX, endY] = [x[target.id] + width * port, y[target.id]];
  let path = `M${atX},${atY}`;
  const curve = (toX, toY) => {
    const middle = (atY + toY) / 2;
    path += `C${atX},${middle} ${toX},${middle} ${toX},${toY}`;
    [atX, atY] = [toX, toY];
  };
  const between = [...new Set(nodes.map(node => node.at[1]))]
    .filter(row => row > source.at[1] && row < target.at[1]).sort((a, b) => a - b);
  for (const row of between) {
    const cards = nodes.filter(node => node.at[1] === row);
    const top = Math.min(...cards.map(card => y[card.id]));
    const bottom = Math.max(...cards.map(card => y[card.id] + heights[card.id]));
    const straight = atX + ((endX - atX) * (top - atY)) / (endY - atY);
    const hit = cards.find(card => Math.abs(straight - x[card.id] - width / 2) < width / 2 + 8);
    const side = hit && (straight < x[hit.id] + width / 2 ? -GAP / 2 : width + GAP / 2);
    if (!hit) continue;
    curve(x[hit.id] + side + (port - 0.5) * 10, top - 6);
    path += `V${bottom + 6}`;
    atY = bottom + 6;
  }
  curve(endX, endY);
  return path;
}

// How far one key press moves a number that starts at x: a tenth, or what suits its size.
export function nudge(x) {
  const far = Math.abs(x);
  if (x === 0 || !Number.isFinite(x) || (far > 0.2 && far < 20)) return 0.1;
  return 10 ** (Math.floor(Math.log10(far)) - 1);
}

// Columns of the little grid in which a card shows its numbers: a narrow matrix keeps its form.
function gridColumns(shape, cardWidth) {
  const fit = between(1, Math.floor((cardWidth - 25) / 49), 3);
  if (shape.length > 1 && shape.at(-1) <= fit) return shape.at(-1);
  const count = size(shape) > SHOWN ? 3 : size(shape);
  return Math.ceil(count / Math.ceil(count / fit)) || 1;
}

function makeNumbers(node, className, parent) {
  const line = make('div', `cg-numbers ${className}`, parent);
  const count = size(node.shape);
  const shown = count > SHOWN ? 3 : count;
  if (className === 'cg-grad') make('span', 'cg-nabla', line).textContent = '∇';
  const grid = make('span', 'cg-grid', line);
  const cells = range(shown).map(() => make('span', 'cg-number', grid));
  if (count > SHOWN) make('span', 'cg-more', line).textContent = '…';
  return { line, grid, cells };
}

function makeCard(view, node) {
  const kind = isInput(node) ? `cg-${node.op}` : 'cg-made';
  const card = make('div', `cg-card ${kind}`, view.plane);
  const top = make('div', 'cg-top', card);
  const named = node.label ? 'cg-name' : 'cg-name cg-unnamed';
  make('span', named, top).textContent = isNumber(node) ? '' : view.context.names[node.id];
  const tag = { leaf: 'leaf', const: 'constant' }[node.op] ?? symbol(node);
  make('span', isInput(node) ? 'cg-tag' : 'cg-symbol', top).textContent = tag;
  if (size(node.shape) > SHOWN) {
    make('div', 'cg-shape', card).textContent = `shape ${node.shape.join('×')}`;
  }
  const both = make('div', size(node.shape) === 1 ? 'cg-both cg-single' : 'cg-both', card);
  const value = makeNumbers(node, 'cg-value', both);
  const grad = makeNumbers(node, 'cg-grad', both);
  if (!view.wants[node.id]) grad.line.classList.add('cg-unwanted');
  const fanIn = make('div', 'cg-fan', card);
  const made = { node, card, value, grad, fanIn };
  const canMove = node.op === 'leaf' && view.context.live;
  if (canMove) value.cells.forEach((cell, i) => makeHandle(view, made, i));
  return made;
}

// ---- leaves: each number is a handle of its own

function currentLeaf(view, node) {
  return numbers(view.model.get('leaf')?.[node.id]) ?? numbers(node.value);
}
const asState = list => list.map(x => (Number.isFinite(x) ? x : String(x)));

function setLeafNumber(view, node, i, x) {
  const [start, step] = [Number(node.value[i]), nudge(Number(node.value[i]))];
  const list = currentLeaf(view, node);
  list[i] = +between(start - 100 * step, x, start + 100 * step).toPrecision(10);
  view.model.set('leaf', { ...view.model.get('leaf'), [node.id]: asState(list) });
  view.model.save_changes();
}

function makeHandle(view, { node, value }, i) {
  const handle = focusable(value.cells[i]);
  const [start, step] = [Number(node.value[i]), nudge(Number(node.value[i]))];
  const where = size(node.shape) > 1 ? `, number ${i + 1}` : '';
  const change = by => setLeafNumber(view, node, i, currentLeaf(view, node)[i] + by * step);
  handle.classList.add('cg-handle');
  handle.title = 'Drag left or right, or press ↑ ↓';
  Object.entries({ role: 'slider', 'aria-label': view.context.names[node.id] + where,
    'aria-valuemin': start - 100 * step, 'aria-valuemax': start + 100 * step,
  }).forEach(([name, text]) => handle.setAttribute(name, text));
  handle.addEventListener('keydown', event => {
    const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    change(by);
  });
  makeDraggable(handle, () => currentLeaf(view, node)[i],
    (from, pixels) => setLeafNumber(view, node, i, from + Math.round(pixels / 4) * step));
}

function makeDraggable(handle, read, write) {
  let drag = null;
  handle.addEventListener('pointerdown', event => {
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, from: read() };
  });
  handle.addEventListener('pointermove', event => {
    if (drag) write(drag.from, event.clientX - drag.x);
  });
  for (const end of ['pointerup', 'pointercancel']) {
    handle.addEventListener(end, () => { drag = null; });
  }
}

// ---- arrows

function makeArrows(view) {
  const { nodes, byId } = view.context;
  return nodes.flatMap(target => {
    const order = target.in.map((id, k) => k)
      .sort((a, b) => byId[target.in[a]].at[0] - byId[target.in[b]].at[0]);
    return target.in.map((id, k) => {
      const port = (order.indexOf(k) + 0.5) / target.in.length;
      const path = make('path', 'cg-arrow', view.svg, { 'marker-end': 'url(#cg-head)' });
      const chip = make('div', 'cg-chip', view.plane);
      return { source: byId[id], target, k, port, path, chip };
    });
  });
}

function arrange(view) {
  const { nodes } = view.context;
  const cards = Object.values(view.cards);
  const available = view.box.clientWidth || 640;
  const sketch = placeCards(nodes, Object.fromEntries(nodes.map(n => [n.id, 70])), available);
  view.plane.classList.toggle('cg-roomy', sketch.width > 138);
  for (const { node, card, value, grad } of cards) {
    card.style.width = `${sketch.width}px`;
    const columns = gridColumns(node.shape, sketch.width);
    for (const { grid } of [value, grad]) {
      grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    }
  }
  const heights = Object.fromEntries(cards.map(c => [c.node.id, c.card.offsetHeight || 70]));
  const place = placeCards(nodes, heights, available);
  for (const { node, card } of cards) {
    card.style.left = `${place.x[node.id]}px`;
    card.style.top = `${place.y[node.id]}px`;
  }
  for (const { source, target, port, path, chip } of view.arrows) {
    path.setAttribute('d', routeArrow(source, target, port, nodes, place, heights));
    chip.style.left = `${place.x[target.id] + place.width * port}px`;
    chip.style.top = `${place.y[target.id] - 5}px`;
    chip.style.transform = `translate(${(port - 1) * 100}%, -100%)`;
  }
  view.plane.style.width = `${place.planeWidth}px`;
  view.plane.style.height = `${place.planeHeight}px`;
}

// ---- showing one step

function showNumbers({ line, cells }, list, text) {
  line.classList.toggle('cg-empty', !list);
  cells.forEach((cell, i) => {
    setText(cell, list ? format(list[i], cells.length > 1 ? 3 : 4) : i ? '' : text);
  });
}

function showCard(view, step, { node, card, value, grad, fanIn }) {
  const active = step.node === node;
  const share = step.shares?.find(each => each.id === node.id);
  const known = step.known.has(node.id);
  const values = step.values[node.id];
  showNumbers(value, known ? values : null, known ? 'not kept' : '');
  const gradients = step.grads[node.id];
  showNumbers(grad, gradients, node.id in step.grads ? 'unknown' : '');
  card.classList.toggle('cg-waiting', !known);
  card.classList.toggle('cg-active', active);
  card.classList.toggle('cg-reached', Boolean(share));
  card.classList.toggle('cg-has-grad', node.id in step.grads);
  const added = share?.had && share.before && share.share;
  card.classList.toggle('cg-added', Boolean(added));
  setText(fanIn, added ? fanInText(node, share) : '');
  if (node.op === 'leaf' && view.context.live) describeHandles(value.cells, values, gradients);
}

function fanInText(node, { before, share }) {
  if (size(node.shape) > 1) return `+= ${formatArray(share, [share.length])}`;
  return `${format(before[0], 3)} + ${bracket(format(share[0], 3))}`;
}

function describeHandles(cells, values, gradients) {
  cells.forEach((cell, i) => {
    cell.setAttribute('aria-valuenow', values[i]);
    const slope = gradients ? `, gradient ${format(gradients[i])}` : '';
    cell.setAttribute('aria-valuetext', format(values[i]) + slope);
  });
}

function showArrow(view, step, { target, k, path, chip }) {
  const active = step.node === target && step.phase !== 'seed';
  const backward = active && step.phase === 'backward';
  const carries = backward && step.shares.some(share => share.k === k);
  path.classList.toggle('cg-forward', active && step.phase === 'forward');
  path.classList.toggle('cg-backward', carries);
  chip.classList.toggle('cg-shown', carries);
  setText(chip, carries ? localText(target, k, step.values, view.context) : '');
}

function writeWords(line, parts) {
  line.replaceChildren(...parts.map(part => {
    if (typeof part === 'string') return document.createTextNode(part);
    const word = make('b', `cg-is-${part[0]}`);
    word.textContent = part[1];
    return word;
  }));
}

function showWords(view, step, at) {
  const { head, lines } = explain(step, view.context);
  writeWords(view.head, head);
  view.lines.replaceChildren();
  lines.forEach(parts => {
    const kind = parts.length > 1 ? 'cg-line cg-formula' : 'cg-line';
    writeWords(make('div', kind, view.lines), parts);
  });
  setText(view.count, `${at} / ${view.steps.length - 1}`);
}

function stepNow(view) {
  return between(0, Math.round(view.model.get('step') ?? 0), view.steps.length - 1);
}

function show(view) {
  const at = stepNow(view);
  const step = view.steps[at];
  view.el.dataset.phase = step.phase;
  Object.values(view.cards).forEach(card => showCard(view, step, card));
  view.arrows.forEach(arrow => showArrow(view, step, arrow));
  showWords(view, step, at);
  const { slider, buttons } = view.bar;
  slider.value = at;
  slider.setAttribute('aria-valuetext', `${at}: ${view.head.textContent}`);
  const end = at === view.steps.length - 1; // not `disabled`: that would take the focus away
  for (const name of ['first', 'back']) buttons[name].setAttribute('aria-disabled', at === 0);
  for (const name of ['next', 'last']) buttons[name].setAttribute('aria-disabled', end);
  const changed = Object.keys(view.model.get('leaf') ?? {}).length > 0;
  if (!changed && document.activeElement === buttons.reset) view.box.focus({ preventScroll: true });
  buttons.reset.hidden = !changed;
}

// Scroll the box, never the page, until the cards of this step can be seen.
function reveal(view, behavior = 'smooth') {
  const step = view.steps[stepNow(view)];
  if (!step.node) return scrollBox(view, 0, 0, behavior);
  const cards = [step.node.id, ...step.node.in].map(id => view.cards[id].card);
  const main = cards[0];
  const top = Math.min(...cards.map(card => card.offsetTop));
  const bottom = Math.max(...cards.map(card => card.offsetTop + card.offsetHeight));
  const low = main.offsetTop + main.offsetHeight + MARGIN - view.box.clientHeight;
  const wanted = bottom - top < view.box.clientHeight ? (top + bottom) / 2 : main.offsetTop;
  const inside = top >= view.box.scrollTop
    && bottom <= view.box.scrollTop + view.box.clientHeight;
  const toTop = inside ? view.box.scrollTop : Math.max(low, wanted - view.box.clientHeight / 2);
  const middle = main.offsetLeft + main.offsetWidth / 2 - view.box.clientWidth / 2;
  return scrollBox(view, toTop, middle, behavior);
}

function scrollBox({ box }, top, left, behavior) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  box.scrollTo({ top, left, behavior: calm ? 'auto' : behavior });
}

// ---- the controls

const ICONS = {
  first: 'M3 3v10M13 3 6 8l7 5z', back: 'M11 3 4 8l7 5z',
  next: 'M5 3l7 5-7 5z', last: 'M13 3v10M3 3l7 5-7 5z',
};

function makeButton(parent, name, label, text) {
  const button = focusable(make('button', `cg-button cg-${name}`, parent, { type: 'button' }));
  button.setAttribute('aria-label', label);
  button.title = label;
  if (ICONS[name]) {
    const icon = make('svg', 'cg-icon', button, { viewBox: '0 0 16 16', 'aria-hidden': 'true' });
    make('path', '', icon, { d: ICONS[name] });
  }
  if (text) make('span', '', button).textContent = text;
  return button;
}

function makeBar(view) {
  const bar = make('div', 'cg-bar', view.el);
  const slider = focusable(make('input', 'cg-slider', bar,
    { type: 'range', min: 0, step: 1, 'aria-label': 'step' }));
  const row = make('div', 'cg-buttons', bar);
  const buttons = {
    first: makeButton(row, 'first', 'First step'),
    back: makeButton(row, 'back', 'Step back', 'Back'),
    play: makeButton(row, 'play', 'Play all steps', 'Play'),
    next: makeButton(row, 'next', 'Step on', 'Next'),
    last: makeButton(row, 'last', 'Last step'),
    reset: makeButton(row, 'reset', 'Give the leaves their first values again', 'Reset'),
  };
  return { slider, buttons };
}

function goTo(view, step) {
  view.model.set('step', between(0, step, view.steps.length - 1));
  view.model.save_changes();
}

function stopPlaying(view) {
  clearInterval(view.timer);
  view.timer = null;
  setText(view.bar.buttons.play, 'Play');
}

function togglePlaying(view) {
  if (view.timer) return stopPlaying(view);
  const end = view.steps.length - 1;
  if (stepNow(view) === end) goTo(view, 0);
  setText(view.bar.buttons.play, 'Pause');
  view.timer = setInterval(() => {
    goTo(view, stepNow(view) + 1);
    if (stepNow(view) === end) stopPlaying(view);
  }, 1200);
  return view.timer;
}

function connect(view) {
  const { slider, buttons } = view.bar;
  const go = find => () => { stopPlaying(view); goTo(view, find()); };
  buttons.first.onclick = go(() => 0);
  buttons.back.onclick = go(() => stepNow(view) - 1);
  buttons.next.onclick = go(() => stepNow(view) + 1);
  buttons.last.onclick = go(() => view.steps.length - 1);
  slider.oninput = go(() => Number(slider.value));
  buttons.play.onclick = () => togglePlaying(view);
  buttons.reset.onclick = () => { view.model.set('leaf', {}); view.model.save_changes(); };
  const keys = { ArrowLeft: buttons.back, ArrowRight: buttons.next,
    Home: buttons.first, End: buttons.last };
  view.el.onkeydown = event => {
    const upOrDown = ['ArrowUp', 'ArrowDown'].includes(event.key) && event.target === view.box;
    const fits = view.box.scrollHeight <= view.box.clientHeight; // then the page would scroll
    if (upOrDown && fits) event.preventDefault();
    if (!keys[event.key] || event.target === slider) return;
    event.preventDefault();
    keys[event.key].click();
  };
}

// The head of every arrow, in the colour of its line.
function makeArrowHead(svg) {
  const head = make('marker', '', make('defs', '', svg), {
    id: 'cg-head', viewBox: '0 0 10 10', refX: 9, refY: 5, orient: 'auto',
    markerWidth: 9, markerHeight: 9, markerUnits: 'userSpaceOnUse' });
  make('path', 'cg-head', head, { d: 'M0 1 10 5 0 9z' });
}

// ---- all of it

function makeView(model, el) {
  const nodes = model.get('nodes');
  const live = model.get('live') !== false;
  const byId = Object.fromEntries(nodes.map(node => [node.id, node]));
  const context = { nodes, byId, live, names: makeNames(nodes) };
  const view = { model, el, context, wants: wantGradient(nodes), timer: null };
  el.replaceChildren();
  el.classList.add('cg');
  el.dataset.explorable = 'graph';
  view.box = focusable(make('div', 'cg-box', el, { role: 'group' }));
  view.box.setAttribute('aria-label', model.get('alt') || 'computation graph');
  view.plane = make('div', 'cg-plane', view.box);
  view.svg = make('svg', 'cg-arrows', view.plane, { 'aria-hidden': 'true' });
  makeArrowHead(view.svg);
  view.cards = Object.fromEntries(nodes.map(node => [node.id, makeCard(view, node)]));
  view.arrows = makeArrows(view);
  const words = make('div', 'cg-words', el, { 'aria-live': 'polite' });
  view.count = make('span', 'cg-count', words);
  view.head = make('span', 'cg-head', words);
  view.lines = make('div', 'cg-lines', words);
  view.bar = makeBar(view);
  if (!live) {
    make('div', 'cg-note', el).textContent = 'These values were recorded when the cell ran, '
      + 'so the leaves cannot be dragged here.';
  }
  return view;
}

function compute(view) {
  view.steps = makeSteps(view.context.nodes, view.model.get('leaf') ?? {}, view.context.live);
  const { slider } = view.bar;
  const last = view.steps.length - 1;
  const seed = view.steps.findIndex(step => step.phase === 'seed');
  slider.max = last;
  slider.style.setProperty('--cg-split', `${(100 * (seed - 0.5)) / last}%`);
}

// Draw everything for `model`; returns a function that ends it.
function start(model, el) {
  const view = makeView(model, el);
  compute(view);
  connect(view);
  show(view);
  const onStep = () => { show(view); reveal(view); };
  const onLeaf = () => { compute(view); show(view); };
  const width = new ResizeObserver(() => { arrange(view); reveal(view, 'auto'); });
  width.observe(view.box);
  arrange(view);
  model.on('change:step', onStep);
  model.on('change:leaf', onLeaf);
  return () => {
    stopPlaying(view);
    width.disconnect();
    model.off('change:step', onStep);
    model.off('change:leaf', onLeaf);
  };
}

function render({ model, el }) {
  let end = start(model, el);
  const again = () => { end(); end = start(model, el); };
  model.on('change:nodes', again);
  return () => { end(); model.off('change:nodes', again); };
}

export default { render };

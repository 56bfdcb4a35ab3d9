// Scores become probabilities, a loss and its gradient: by softmax, or by one sigmoid a class.
//
// Part 1 is arithmetic on plain lists of numbers. Part 2 makes the words. Part 3 draws.
//
// state: scores, targets (each 0 to 1; they sum to 1 for softmax) and names, an entry a class;
// temperature (0.1 to 10); mode ('softmax' or 'sigmoid').

// ------------------------------------------------------------------ part 1: arithmetic

const sum = numbers => numbers.reduce((a, b) => a + b, 0);
const largest = numbers => Math.max(...numbers);
const between = (low, x, high) => Math.min(Math.max(x, low), high);

// log p of every class. The largest number is shifted to 0, so that exp cannot overflow.
export function logSoftmax(scores, temperature = 1) {
  const top = largest(scores);
  const shifted = scores.map(score => (score - top) / temperature);
  const logSum = Math.log(sum(shifted.map(Math.exp)));
  return shifted.map(z => z - logSum);
}

export function softmax(scores, temperature = 1) {
  return logSoftmax(scores, temperature).map(Math.exp);
}

// 1 / (1 + exp(−z)), with an exp that cannot overflow.
export function sigmoid(z) {
  const small = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : small) / (1 + small);
}

// −y log p − (1 − y) log(1 − p) for p = sigmoid(z), without ever taking the log of 0.
export function bceWithLogits(z, y) {
  return Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));
}

export function probabilities({ scores, temperature, mode }) {
  if (mode === 'softmax') return softmax(scores, temperature);
  return scores.map(score => sigmoid(score / temperature));
}

// What each class adds to the loss. For softmax the sum is logsumexp(s/T) − Σ y s/T.
export function losses({ scores, targets, temperature, mode }) {
  if (mode === 'sigmoid') {
    return scores.map((score, i) => bceWithLogits(score / temperature, targets[i]));
  }
  return logSoftmax(scores, temperature).map((logP, i) => -targets[i] * logP);
}
export const loss = state => sum(losses(state));

// d loss / d score, the same for both modes: (p − y) / T.
export function gradient(state) {
  return probabilities(state).map((p, i) => (p - state.targets[i]) / state.temperature);
}

// Row i, column j: d p_i / d s_j.
export function jacobian(state) {
  const ps = probabilities(state);
  const cell = (i, j) => {
    if (i === j) return (ps[i] * (1 - ps[i])) / state.temperature;
    return state.mode === 'sigmoid' ? 0 : (-ps[i] * ps[j]) / state.temperature;
  };
  return ps.map((_, i) => ps.map((__, j) => cell(i, j)));
}

export function compute(state) {
  const [ps, parts] = [probabilities(state), losses(state)];
  return { ps, parts, loss: sum(parts), gradient: gradient(state), jacobian: jacobian(state) };
}

const LIMIT = 1e6;
const isNumber = (x, low, high) => typeof x === 'number' && x >= low && x <= high;

// What is wrong with the state, as a sentence; '' if nothing is.
export function problem({ scores, targets, names, temperature, mode }) {
  if (![scores, targets, names].every(Array.isArray)) {
    return 'scores, targets and names must be lists with one entry for each class.';
  }
  const count = scores.length;
  if (count < 2 || count > 10) return `There must be 2 to 10 classes, but there are ${count}.`;
  if (targets.length !== count || names.length !== count) {
    return `There are ${count} scores, ${targets.length} targets and ${names.length} names: `
      + 'each class needs one of each.';
  }
  if (mode !== 'softmax' && mode !== 'sigmoid') {
    return `mode must be 'softmax' or 'sigmoid', not ${JSON.stringify(mode)}.`;
  }
  if (!isNumber(temperature, 0.1, 10)) {
    return `temperature must be a number from 0.1 to 10, not ${temperature}.`;
  }
  const score = scores.findIndex(x => !isNumber(x, -LIMIT, LIMIT));
  if (score >= 0) {
    return `The score of ${names[score]} must be a number within ±${LIMIT}, not ${scores[score]}.`;
  }
  const target = targets.findIndex(y => !isNumber(y, 0, 1));
  if (target >= 0) {
    return `The target of ${names[target]} must be from 0 to 1, not ${targets[target]}.`;
  }
  if (mode === 'softmax' && Math.abs(sum(targets) - 1) > 1e-6) {
    return `For softmax the targets must sum to 1, but they sum to ${format(sum(targets))}; `
      + 'use the sigmoid where several classes, or none, can be right.';
  }
  return '';
}

// Targets that softmax can use: they stay if they sum to 1, else the first largest is right.
const rightClass = targets => targets.indexOf(largest(targets));
export function oneRight(targets, right = rightClass(targets)) {
  return targets.map((_, i) => (i === right ? 1 : 0));
}
export function targetsFor(mode, targets) {
  const fits = mode === 'sigmoid' || Math.abs(sum(targets) - 1) < 1e-6;
  return fits ? targets : oneRight(targets);
}

// ------------------------------------------------------------------ part 2: words

const minus = text => text.replaceAll('-', '−').replace('e+', 'e');
export function format(x, digits = 3) {
  const far = Math.abs(x);
  if (far === 0) return '0';
  if (far < 0.5 * 10 ** -digits || far >= 1e5) return minus(x.toExponential(0));
  return minus(far < 10 ? x.toFixed(digits) : String(+x.toPrecision(5)));
}
export const signed = (x, digits) => (x > 0 ? '+' : '') + format(x, digits);
const tenths = x => Number.isInteger(+(x * 10).toFixed(6));
const scoreText = x => (x === 0 ? '0.0' : format(x, tenths(x) ? 1 : 2));
// '.14' where a cell is small
export const cellText = (x, count) => {
  if (count < 6) return x === 0 ? '0' : signed(x, 3);
  return Math.abs(x) < 0.005 ? '0' : signed(x, 2).replace('0.', '.');
};

// The line below the bars: how the loss comes about.
export function summary({ targets, names, mode }, { ps, loss: exact }) {
  const total = format(exact, 4);
  if (mode === 'sigmoid') {
    const yes = names.filter((_, i) => targets[i] > 0.5).join(', ') || 'none';
    return `Each class answers for itself (right: ${yes}); its losses add up to ${total}.`;
  }
  const right = rightClass(targets);
  if (targets[right] < 1) return `The targets are shared out: loss −Σ y log p = ${total}.`;
  return `${names[right]} is right and gets p = ${format(ps[right], 4)}: loss −log p = ${total}.`;
}

// What cell (i, j) of the Jacobian says: a sentence, and how its number is made.
export function cellWords({ names, temperature, mode }, { ps, jacobian: matrix }, i, j) {
  const x = matrix[i][j];
  const p = k => format(ps[k]);
  const over = temperature === 1 ? '' : ` / ${+temperature.toPrecision(3)}`;
  const start = `When the score of ${names[j]} rises, the probability of ${names[i]} `;
  if (i !== j && mode === 'sigmoid') {
    return [`${start}stays: each sigmoid sees its own score only.`, 'exactly 0'];
  }
  const verb = x > 0 ? 'rises' : x < 0 ? 'falls' : 'stays';
  const rate = x === 0 ? ', to the last digit' : ` at a rate of ${format(Math.abs(x))} per point`;
  const made = i === j ? `${p(i)} × (1 − ${p(i)})` : `−${p(i)} × ${p(j)}`;
  return [`${start}${verb}${rate}.`, `${made}${over} = ${signed(x)}`];
}

export const rules = mode => (mode === 'softmax'
  ? 'Each column sums to 0: what one class gains, the others lose.'
  : 'Off the diagonal nothing moves: no class looks at another.');

// Buttons that set the scores: what they are called, what they set, what is to be seen then.
const split = (targets, high, low) => targets.map(y => (y > 0.5 ? high : low));
const oneHigh = (count, high) => Array.from({ length: count }, (_, i) => (i === high ? 4 : -4));
export const SITUATIONS = {
  right: {
    label: 'Sure and right',
    scores: ({ targets, mode }) => (mode === 'sigmoid' ? split(targets, 4, -4)
      : oneHigh(targets.length, rightClass(targets))),
    note: () => 'What is right has score 4, all else −4.',
  },
  wrong: {
    label: 'Sure and wrong',
    scores: ({ targets, mode }) => (mode === 'sigmoid' ? split(targets, -4, 4)
      : oneHigh(targets.length, (rightClass(targets) + 1) % targets.length)),
    note: (state, { gradient: g }) =>
      `The loss is large, and so is the push: up to ${format(largest(g.map(Math.abs)))}.`,
  },
  equal: {
    label: 'Undecided',
    scores: ({ scores }) => scores.map(() => 0),
    note: ({ mode, scores }) => (mode === 'sigmoid'
      ? 'Each p is 1/2: each class adds log 2 to the loss, right or not.'
      : `Each p is 1/${scores.length}: the loss is log ${scores.length}, whatever is right.`),
  },
  add: {
    label: 'Add 5 to each',
    scores: ({ scores }) => scores.map(score => between(-LIMIT, +(score + 5).toFixed(9), LIMIT)),
    note: ({ mode }, after, before) => {
      const moved = largest(after.ps.map((p, i) => Math.abs(p - before.ps[i])));
      const why = mode === 'softmax' ? 'softmax sees only the differences between scores'
        : 'a sigmoid sees the score itself';
      return `Largest change of a probability: ${format(moved < 1e-9 ? 0 : moved)}; ${why}.`;
    },
  },
  none: {
    label: 'None of these',
    scores: ({ scores }) => scores.map((_, i) => -6 + ((2 * i) % 3) / 2),
    note: ({ mode, names }, { ps }) => {
      const [best, most] = [names[ps.indexOf(largest(ps))], format(largest(ps))];
      return mode === 'softmax'
        ? `Every score is very low, and still the sum is 1: ${best} gets ${most}.`
        : `Every score is very low; the largest p is ${most}, and nothing asks for a sum of 1.`;
    },
  },
};

// ------------------------------------------------------------------ part 3: drawing

const END = 8; // the score sliders go from −END to END

function make(tag, className, parent, attributes = {}, text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
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

const KEYS = ['scores', 'targets', 'names', 'temperature', 'mode'];
const read = model => Object.fromEntries(KEYS.map(key => [key, model.get(key)]));

// Change several keys, and draw once.
function change(view, changes, note = '') {
  view.note = note;
  view.quiet = true;
  for (const [key, value] of Object.entries(changes)) view.model.set(key, value);
  view.model.save_changes();
  view.quiet = false;
  draw(view);
}
const withEntry = (list, i, value) => list.map((old, k) => (k === i ? value : old));

// ---- the mode and the temperature

function makeHead(view, parent) {
  const head = make('div', 'smx-head', parent);
  const modes = make('div', 'smx-modes', head, { role: 'radiogroup', 'aria-label': 'mode' });
  view.modes = ['softmax', 'sigmoid'].map(mode => {
    const label = make('label', 'smx-mode', modes);
    const about = mode === 'softmax' ? 'one class is right' : 'a yes or no each';
    const input = control('input', '', label,
      { type: 'radio', name: `${view.id}-mode`, 'aria-label': `${mode}: ${about}` });
    input.onchange = () => {
      const targets = targetsFor(mode, read(view.model).targets);
      change(view, mode === 'softmax' ? { targets, mode } : { mode });
    };
    make('b', '', label, {}, mode);
    make('small', '', label, {}, about);
    return { mode, label, input };
  });
  const label = make('label', 'smx-temperature', head);
  make('span', '', label, {}, 'temperature T');
  const input = control('input', 'smx-range', label,
    { type: 'range', min: -1, max: 1, step: 0.02, 'aria-label': 'temperature' });
  input.oninput = () => change(view, { temperature: +(10 ** input.value).toPrecision(3) });
  view.temperature = { input, number: make('output', 'smx-number', label) };
}

function showHead(view, { mode, temperature }) {
  view.modes.forEach(each => {
    each.input.checked = each.mode === mode;
    each.label.classList.toggle('smx-on', each.mode === mode);
  });
  const { input, number } = view.temperature;
  const text = String(+temperature.toPrecision(3));
  input.value = Math.log10(temperature);
  setFill(input, 0.5, (Math.log10(temperature) + 1) / 2);
  input.setAttribute('aria-valuetext', text);
  setText(number, text);
}

// The coloured part of a slider's track, as fractions of its length.
function setFill(input, a, b) {
  input.style.setProperty('--smx-a', Math.min(a, b));
  input.style.setProperty('--smx-b', Math.max(a, b));
}

// ---- a row for each class

const TITLES = [['name', 'class', 'right?'], ['score', 'score', 's'], ['p', 'probability'],
  ['loss', 'loss'], ['grad', 'gradient', '(p − y) / T']];
const UNDER = {
  softmax: { p: 'p = softmax(s / T)', loss: '−y log p' },
  sigmoid: { p: 'p = sigmoid(s / T)', loss: '−log p, or −log(1 − p)' },
};

function makeTitles(view, parent) {
  const row = make('div', 'smx-row smx-titles', parent);
  view.under = {};
  for (const [name, title, under] of TITLES) {
    const cell = make('div', `smx-${name}`, row);
    make('b', '', cell, {}, title);
    view.under[name] = make('small', '', cell, {}, under);
  }
}

function makeBar(parent, name) {
  const cell = make('div', `smx-${name} smx-cell`, parent);
  const bar = make('div', 'smx-bar', cell, { 'aria-hidden': 'true' });
  return { cell, fill: make('div', 'smx-fill', bar), mark: make('div', 'smx-mark', bar),
    number: make('span', 'smx-number', cell) };
}

function makeRow(view, parent, name, i) {
  const row = make('div', 'smx-row', parent, { role: 'group', 'aria-label': name });
  const label = make('label', 'smx-name', row, { title: name });
  const target = control('input', '', label, { 'aria-label': `${name} is right` });
  target.onchange = () => {
    const { targets, mode } = read(view.model);
    change(view, { targets: mode === 'softmax' ? oneRight(targets, i)
      : withEntry(targets, i, target.checked ? 1 : 0) });
  };
  const text = make('span', 'smx-text', label);
  make('span', 'smx-word', text, {}, name);
  const share = make('small', '', text);
  const cell = make('div', 'smx-score smx-cell', row);
  const slider = control('input', 'smx-range', cell,
    { type: 'range', min: -END, max: END, step: 0.1, 'aria-label': `score of ${name}` });
  slider.oninput = () => change(view,
    { scores: withEntry(read(view.model).scores, i, Number(slider.value)) });
  const digits = make('span', 'smx-number', cell);
  const number = make('span', '', digits);
  const far = make('small', 'smx-far', digits, {}, 'off scale');
  return { row, target, share, slider, number, far, scoreCell: cell, p: makeBar(row, 'p'),
    loss: makeBar(row, 'loss'), grad: makeBar(row, 'grad') };
}

function showBar({ fill, mark, number }, from, to, text, at) {
  const [a, b] = [from, to].map(x => between(0, x, 1)).sort((x, y) => x - y);
  fill.style.left = `${100 * a}%`;
  fill.style.width = `${100 * (b - a)}%`;
  mark.style.left = `${100 * at}%`;
  setText(number, text);
}

function showScore({ slider, number, far }, score, p, g) {
  slider.value = between(-END, score, END);
  setFill(slider, 0.5, between(0, (score + END) / (2 * END), 1));
  const beyond = Math.abs(score) > END;
  far.hidden = !beyond;
  setText(number, scoreText(score));
  slider.setAttribute('aria-valuetext', `${scoreText(score)}${beyond ? ', off the scale' : ''}, `
    + `probability ${format(p)}, gradient ${signed(g)}`);
}

function showTarget({ row, target, share }, view, y, mode) {
  target.checked = false; // or it would, as a radio button, uncheck the one that is right
  target.type = mode === 'softmax' ? 'radio' : 'checkbox';
  target.name = mode === 'softmax' ? `${view.id}-right` : '';
  target.checked = mode === 'softmax' ? y === 1 : y > 0.5;
  row.classList.toggle('smx-right', y > 0.5);
  setText(share, y > 0 && y < 1 ? `y = ${format(y, 2)}` : '');
}

function showRow(view, state, result, i) {
  const row = view.rows[i];
  const { temperature: T, targets, scores, mode } = state;
  const g = result.gradient[i];
  const widest = Math.max(1, 1 / T);
  showTarget(row, view, targets[i], mode);
  showScore(row, scores[i], result.ps[i], g);
  showBar(row.p, 0, result.ps[i], format(result.ps[i]), targets[i]);
  showBar(row.loss, 0, result.parts[i] / 4, format(result.parts[i]), 0);
  const arrow = Math.abs(g) < 5e-4 ? '\u00a0\u00a0' : g > 0 ? ' ↓' : ' ↑';
  showBar(row.grad, 0.5, 0.5 + g / widest / 2, signed(g) + arrow, 0.5);
  row.grad.cell.classList.toggle('smx-plus', g > 0);
}

const HINT = 'Drag a score, or press ← → on it. '
  + 'Arrows ↑ ↓: where gradient descent pushes it.';

function makeTotals(view, parent) {
  const row = make('div', 'smx-row smx-totals', parent);
  make('div', 'smx-name', row, {}, 'sum');
  view.totals = {};
  for (const name of ['score', 'p', 'loss', 'grad']) {
    view.totals[name] = make('div', `smx-${name}`, row);
  }
  make('small', 'smx-key', view.totals.score, {}, 'y, the target');
}

function showTable(view, state, result) {
  const under = UNDER[state.mode];
  for (const name of ['p', 'loss']) setText(view.under[name], under[name]);
  view.rows.forEach((_, i) => showRow(view, state, result, i));
  setText(view.totals.p, format(sum(result.ps)));
  setText(view.totals.loss, format(result.loss));
  const pushes = sum(result.gradient);
  setText(view.totals.grad, signed(Math.abs(pushes) < 1e-9 ? 0 : pushes));
  setText(view.words, summary(state, result));
  setText(view.noteLine, view.note || HINT);
}

// ---- buttons

function press(view, name) {
  const before = read(view.model);
  const { scores, note } = SITUATIONS[name];
  const after = { ...before, scores: scores(before) };
  change(view, { scores: after.scores }, note(after, compute(after), compute(before)));
}

function makeButtons(view, parent) {
  const row = make('div', 'smx-buttons', parent);
  for (const [name, { label }] of Object.entries(SITUATIONS)) {
    control('button', 'smx-button', row, { type: 'button' }, label).onclick = () =>
      press(view, name);
  }
  control('button', 'smx-button smx-reset', row, { type: 'button' }, 'Reset').onclick = () =>
    change(view, view.first);
}

// ---- the Jacobian

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  Home: [0, -9], End: [0, 9] };

function makeJacobian(view, parent, names) {
  const section = make('div', 'smx-jacobian', parent);
  const count = names.length;
  const many = count > 5 && names.some(name => name.length > 3);
  const grid = make('div', `smx-grid${many ? ' smx-many' : ''}`, section,
    { role: 'grid', 'aria-label': 'how each probability answers to each score' });
  grid.style.setProperty('--smx-count', count);
  const head = make('div', 'smx-line', grid, { role: 'row' });
  make('span', 'smx-corner', head, { role: 'columnheader' }, 'score →\np ↓');
  for (const name of names) make('span', 'smx-top', head, { role: 'columnheader' }, name);
  view.cells = names.map((name, i) => {
    const line = make('div', 'smx-line', grid, { role: 'row' });
    make('span', 'smx-side', line, { role: 'rowheader' }, name);
    return names.map((_, j) => makeCell(view, line, i, j));
  });
  for (const type of ['pointerenter', 'focusin']) {
    grid.addEventListener(type, () => view.body.classList.add('smx-linking'));
  }
  for (const type of ['pointerleave', 'focusout']) {
    grid.addEventListener(type, () => view.body.classList.remove('smx-linking'));
  }
  makeSide(view, section);
}

function makeCell(view, line, i, j) {
  const cell = control('span', 'smx-box', line, { role: 'gridcell' });
  cell.onfocus = () => choose(view, i, j);
  cell.onpointerenter = () => choose(view, i, j);
  cell.onkeydown = event => {
    if (!MOVES[event.key]) return;
    event.preventDefault();
    const last = view.cells.length - 1;
    const [down, right] = MOVES[event.key];
    view.cells[between(0, i + down, last)][between(0, j + right, last)].focus();
  };
  return cell;
}

function makeSide(view, parent) {
  const side = make('div', 'smx-explain', parent);
  make('b', '', side, {}, 'Jacobian: each p against each s');
  view.sentence = make('p', 'smx-sentence', side);
  view.formula = make('p', 'smx-formula', side);
  view.rule = make('p', 'smx-rule', side);
  const legend = make('div', 'smx-legend', side, { 'aria-hidden': 'true' });
  view.ends = ['falls', 'rises'].map((word, k) => {
    if (k) make('span', 'smx-scale', legend);
    const end = make('span', '', legend);
    return x => setText(end, `${word} ${signed(x)}`);
  });
}

function choose(view, i, j) {
  view.chosen = [i, j];
  showChosen(view, read(view.model), view.result);
}

function showChosen(view, state, result) {
  const [i, j] = view.chosen;
  const [sentence, formula] = cellWords(state, result, i, j);
  setText(view.sentence, sentence);
  setText(view.formula, formula);
  view.cells.forEach((line, a) => line.forEach((cell, b) => {
    cell.tabIndex = a === i && b === j ? 0 : -1;
    cell.classList.toggle('smx-chosen', cell.tabIndex === 0);
  }));
  view.rows.forEach((row, k) => {
    row.scoreCell.classList.toggle('smx-cause', k === j);
    row.p.cell.classList.toggle('smx-effect', k === i);
  });
}

function showJacobian(view, state, result) {
  const most = Math.max(1, 1 / state.temperature) / 4; // no cell can be larger
  view.cells.forEach((line, i) => line.forEach((cell, j) => {
    const x = result.jacobian[i][j];
    const none = state.mode === 'sigmoid' && i !== j;
    cell.className = `smx-box smx-${none ? 'none' : x < 0 ? 'minus' : 'plus'}`;
    cell.style.setProperty('--smx-much', `${(60 * Math.abs(x)) / most}%`);
    setText(cell, none ? '' : cellText(x, state.names.length));
    cell.setAttribute('aria-label', cellWords(state, result, i, j)[0]);
  }));
  view.ends.forEach((write, k) => write(k ? most : -most));
  setText(view.rule, rules(state.mode));
  showChosen(view, state, result);
}

// ---- all of it

function build(view, { names }) {
  view.body.replaceChildren();
  view.chosen = [1, 0];
  makeHead(view, view.body);
  const table = make('div', 'smx-table', view.body);
  makeTitles(view, table);
  view.rows = names.map((name, i) => makeRow(view, table, name, i));
  makeTotals(view, table);
  const live = make('div', 'smx-words', view.body, { 'aria-live': 'polite' });
  view.words = make('div', '', live);
  view.noteLine = make('div', 'smx-note', live);
  makeButtons(view, view.body);
  makeJacobian(view, view.body, names);
  view.names = JSON.stringify(names);
}

function draw(view) {
  const state = read(view.model);
  const trouble = problem(state);
  view.trouble.hidden = !trouble;
  view.body.hidden = Boolean(trouble);
  setText(view.trouble, trouble && `This cannot be drawn. ${trouble}`);
  if (trouble) return;
  view.first ??= state;
  if (view.names !== JSON.stringify(state.names)) build(view, state);
  view.result = compute(state);
  showHead(view, state);
  showTable(view, state, view.result);
  showJacobian(view, state, view.result);
}

function render({ model, el }) {
  const id = `smx-${Math.random().toString(36).slice(2)}`; // radio groups of two copies stay apart
  const view = { model, el, id, note: '', quiet: false };
  el.replaceChildren();
  el.classList.add('smx');
  el.setAttribute('role', 'group');
  el.setAttribute('aria-label', model.get('alt') || 'softmax and cross-entropy');
  el.dataset.explorable = 'softmax';
  view.trouble = make('p', 'smx-trouble', el, { role: 'alert' });
  view.body = make('div', 'smx-body', el);
  draw(view);
  const again = () => { if (!view.quiet) { view.note = ''; draw(view); } };
  for (const key of KEYS) model.on(`change:${key}`, again);
  return () => { for (const key of KEYS) model.off(`change:${key}`, again); };
}

export default { render };

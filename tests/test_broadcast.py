"""Broadcasting: its arithmetic against numpy and torch, and its page without Python.

The JavaScript is imported from a Blob in a blank page; Python calls its exported functions.
"""
import contextlib
import re

import numpy as np
import pytest
import torch
from course_lib.workbench.explorables import Explorable, read_script, to_page
from pages import check_limits, import_script


@pytest.fixture(scope='module')
def script(browser):
    "A blank page in which `module` is the module."
    page = browser.new_page()
    import_script(page, 'broadcast', 'module')
    yield page
    page.close()


@pytest.fixture(scope='module')
def call_all(script):
    "call_all(name, lists of arguments): all answers of an exported function."
    return lambda name, lists: script.evaluate(
        '([name, lists]) => lists.map(list => module[name](...list))', [name, list(lists)])


@pytest.fixture(scope='module')
def call(call_all):
    "call(name, *arguments): an answer of an exported function."
    return lambda name, *arguments: call_all(name, [arguments])[0]


def random_shapes(count=400):
    "Pairs and triples of shapes, most of which fit; scalars and lengths of 0 among them."
    rng = np.random.default_rng(42)
    for _ in range(count):
        whole = rng.choice([0, 1, 2, 3, 4, 5], size=4, p=[.06, .1, .24, .25, .2, .15])
        shapes = []
        for _ in range(rng.integers(2, 4)):
            shape = whole[rng.integers(0, 5):].copy()
            shape[rng.random(len(shape)) < .3] = 1
            wrong = rng.random(len(shape)) < .2
            shape[wrong] = rng.integers(0, 6, wrong.sum())
            shapes.append(shape.tolist())
        yield shapes


SHAPES = list(random_shapes())


def numpy_result(shapes):
    "numpy's answer as a list, or None where it raises."
    try:
        return list(np.broadcast_shapes(*map(tuple, shapes)))
    except ValueError:
        return None


# ---------------------------------------------------------------- arithmetic, against numpy

def test_the_shapes_try_everything():
    results = [numpy_result(shapes) for shapes in SHAPES]
    assert 60 < results.count(None) < 200
    assert sum(0 in result for result in results if result) > 20
    assert sum([] in shapes for shapes in SHAPES) > 20


def test_result_shape_as_numpy(call_all):
    made = call_all('resultShape', ([shapes] for shapes in SHAPES))
    assert made == [numpy_result(shapes) for shapes in SHAPES]


def test_an_axis_clashes_where_numpy_refuses_it_alone(call_all):
    made = call_all('alignShapes', ([shapes] for shapes in SHAPES))
    for shapes, axes in zip(SHAPES, made, strict=True):
        most = max(map(len, shapes))
        assert [record['axis'] for record in axes] == list(range(-most, 0))
        for record in axes:
            own = [shape[record['axis']] if len(shape) >= -record['axis'] else 1
                   for shape in shapes]
            alone = numpy_result([[length] for length in own])
            assert record['length'] == (alone[0] if alone else None)
            assert (record['kind'] == 'clash') == (alone is None)
            assert [entry['length'] for entry in record['entries']] == own
            missing = [entry['kind'] == 'new' for entry in record['entries']]
            assert missing == [len(shape) < -record['axis'] for shape in shapes]


def shapes_that_fit():
    "(shape of an array, shape of the result) for all that fit."
    results = [(shapes, numpy_result(shapes)) for shapes in SHAPES]
    return [(shape, result) for shapes, result in results if result is not None
            for shape in shapes]


def test_stretched_axes_are_those_of_stride_0_in_torch(call_all):
    pairs = shapes_that_fit()
    assert len(pairs) > 400
    for ours, (shape, result) in zip(call_all('strides', pairs), pairs, strict=True):
        theirs = torch.empty(shape).expand(result).stride()
        for axis in range(-len(result), 0):
            if len(shape) >= -axis or result[axis] != 1:  # else torch keeps an unused stride
                assert ours[axis] == theirs[axis], (shape, result)


def test_each_cell_is_read_where_numpy_reads_it(call_all):
    small = [pair for pair in shapes_that_fit() if 0 < np.prod(pair[1]) <= 200][:200]
    cells = [(list(index), shape, result) for shape, result in small
             for index in list(np.ndindex(*result))[::7]]
    made = call_all('sourceIndex', ([index, shape] for index, shape, _ in cells))
    assert len(cells) > 400
    for source, (index, shape, result) in zip(made, cells, strict=True):
        array = np.arange(np.prod(shape)).reshape(shape)
        assert array[tuple(source)] == np.broadcast_to(array, result)[tuple(index)]


def test_repairs_are_all_that_numpy_finds(call):
    clashing = [shapes for shapes in SHAPES if numpy_result(shapes) is None]
    repaired = 0
    for shapes in clashing + [[[3, 4], [3]], [[2, 3, 4], [2, 4]]]:
        expected = set()
        for array, shape in enumerate(shapes):
            for at in range(len(shape) + 1 if len(shape) < 4 else 0):
                longer = [*shape[:at], 1, *shape[at:]]
                result = numpy_result([*shapes[:array], longer, *shapes[array + 1:]])
                if result is not None:
                    expected.add((array, tuple(longer), tuple(result)))
        found = call('repairs', shapes)
        assert {(one['array'], tuple(one['shape']), tuple(one['result']))
                for one in found} == expected
        sizes = [np.prod(one['result']) for one in found]
        assert len(found) == len(expected) and sizes == sorted(sizes)
        repaired += bool(found)
    assert repaired > 10
    assert call('repairs', [[3, 4], [4]]) == []
    assert call('repairs', [[3, 4], [3]])[0] == {
        'array': 1, 'at': 1, 'shape': [3, 1], 'result': [3, 4]}


def test_drawn_cells_lie_apart_and_long_axes_are_cut(call):
    for shape in [[], [5], [3, 4], [2, 3, 2], [2, 3, 2, 2], [32, 3, 224, 224], [8, 8], [0, 3]]:
        made = call('layOut', shape)
        expected = np.prod(made['drawn'], dtype=int)
        assert len(made['cells']) == expected == len({(c['x'], c['y']) for c in made['cells']})
        assert all(shown <= length for shown, length in zip(made['drawn'], shape, strict=True))
        assert made['width'] <= 300 and made['height'] <= 300
        assert all(0 <= c['x'] <= made['width'] - made['cell'] for c in made['cells'])
    assert call('layOut', [2, 3, 2, 2])['drawn'] == [2, 3, 2, 2]


def test_where_cells_are_drawn(call, call_all):
    small, wide, blocks = call_all('layOut', [[[2, 3]], [[6]], [[2, 3, 2, 2]]])
    assert small['cells'][5] == {'index': [1, 2], 'x': 62, 'y': 31}
    assert [small[key] for key in ('across', 'cell', 'width', 'height')] == [3, 28, 90, 59]
    assert [wide[key] for key in ('across', 'cell', 'width', 'height')] == [6, 23, 153, 23]
    assert blocks['cells'][9] == {'index': [0, 1, 1, 1], 'x': 86, 'y': 26}
    assert blocks['cells'][-1] == {'index': [1, 2, 1, 1], 'x': 146, 'y': 86}
    assert [blocks['width'], blocks['height']] == [169, 109]
    for shape, drawn in (([9, 9], [8, 8]), ([9, 9, 9], [3, 8, 3]), ([2, 9, 9], [2, 8, 4]),
                         ([4, 9, 9], [4, 8, 2]), ([5, 9, 9], [3, 8, 3]), ([2, 1, 9, 9], [2, 1, 4, 8]),
                         ([3, 4, 9, 9], [3, 4, 3, 2]), ([4, 5, 9, 9], [2, 3, 4, 3])):
        assert call('layOut', shape)['drawn'] == drawn


def test_what_is_drawn_of_an_array_and_what_is_an_accident(call, call_all):
    targets = [[[[3, 1], [1, 4]], 0], [[[0, 1], [1, 4]], 1], [[[3], [4]], 0], [[[3, 2], [4]], 1]]
    assert call_all('drawnTarget', targets) == [[3, 4], [1, 4], [4], [3, 4]]
    pairs = [[[3, 1], [3]], [[3], [3, 1]], [[2, 1], [2]], [[1, 1], [1]], [[3, 2], [3]],
             [[3, 1], [2]], [[3, 1, 1], [3]], [[3, 1], [3], [3]], [[3], [3]]]
    assert call_all('findAccident', [[pair] for pair in pairs]) == [0, 1, 0, *[None] * 6]
    assert call('makeScales', [[9], [9]]) == [1, 10] and call('makeScales', [[10], [1]]) == [1, 100]
    assert call('makeScales', [[3, 1], [1, 4], [2]]) == [1, 10, 100]
    assert call('makeScales', [[3], [3]], '−') == [1, 1]


def test_own_cells_copies_and_places_without_a_number(call):
    def kinds(index, shape): return call('placeKind', index, shape)
    assert [kinds([2, i], [3, 1]) for i in range(3)] == ['own', 'copy', 'copy']
    assert [kinds([i, 1], [4]) for i in range(2)] == ['own', 'copy']
    assert kinds([0, 3], [3]) == 'lack' and kinds([], []) == 'own'


# ---------------------------------------------------------------- words

@pytest.mark.parametrize('text, shape', [
    ('(3, 1)', [3, 1]), ('3,1', [3, 1]), ('3 1', [3, 1]), ('[2, 3]', [2, 3]), ('(3,)', [3]),
    ('', []), ('()', []), ('2×3', [2, 3]), ('torch.Size([4, 0])', [4, 0]), (' (3, ', [3])])
def test_parse_shape(call, text, shape):
    assert call('parseShape', text) == {'shape': shape}


@pytest.mark.parametrize('text, words', [
    ('(3, -1)', '−1 is negative'), ('(3, −1)', '−1 is negative'),
    ('(x, 1)', 'not a whole number'), ('2.5', 'not a whole number'),
    ('1,1,1,1,1', '5 axes'), ('1000000', 'too long')])
def test_parse_shape_says_what_is_wrong(call, text, words):
    assert words in call('parseShape', text)['error']


def test_format_and_parse_are_inverse(call):
    for shapes in SHAPES[:40]:
        text = call('formatShape', shapes[0])
        assert text == str(tuple(shapes[0]))
        assert call('parseShape', text) == {'shape': shapes[0]}


def said(call, *shapes):
    words = call('describe', list(shapes))
    return ' '.join([words['head'], *words['lines']])


def test_sentences(call):
    assert 'the result is (3, 4)' in said(call, [3, 1], [1, 4])
    assert 'a is repeated 4 times along axis −1.' in said(call, [3, 1], [1, 4])
    assert 'b gets a 1 in front: (1, 4). It is repeated 3 times' in said(call, [3, 4], [4])
    assert 'Axis −1: 4 against 3: neither is 1.' in said(call, [3, 4], [3])
    assert 'Axis −1: 2 against 3 against 4: none is 1.' in said(call, [2], [3], [4])
    assert 'No single added axis' in said(call, [2, 3], [4, 5])
    assert 'repeated 0 times along axis −1' in said(call, [3, 1], [1, 0])
    assert '0 against 3' in said(call, [0], [3])
    assert 'The shapes are equal' in said(call, [2, 3], [2, 3])
    assert 'you want 3 differences and get 9' in said(call, [3, 1], [3])
    assert 'b gets 2 ones in front' in said(call, [2, 3], [])
    assert 'Strides: a (1, 0) and b (0, 1)' in call('memoryWords', [[3, 1], [1, 4]])
    assert call('memoryWords', [[3, 4], [3, 4]]) == call('memoryWords', [[3, 4], [3]]) == ''
    assert '8 of 224 places of axis −1' in call('drawingWords', [3, 224], [3, 8])


def test_a_cell_in_words(call):
    def words(*arguments):
        parts = call('cellWords', *arguments)
        return ''.join(part if isinstance(part, str) else part[1] for part in parts)
    assert words([2, 3], [[3, 1], [1, 4]]) == 'result[2, 3] = a[2, 0] + b[0, 3] = 3 + 40 = 43'
    assert words([1, 0], [[2, 3], [3], []]) == (
        'result[1, 0] = a[1, 0] + b[0] + c = 4 + 10 + 100 = 114')
    assert words([0, 2], [[3, 1], [3]], '−') == 'result[0, 2] = a[0, 0] − b[2] = 1 − 3 = −2'
    assert words([1, 1], [[500, 500], [500]]) == 'result[1, 1] = a[1, 1] + b[1]'


def test_numbers_are_those_of_numpy(call):
    for shapes in [[[3, 1], [1, 4]], [[2, 3], [3], [2, 1]], [[2, 3, 2, 2], [3, 1, 1]]]:
        scales = call('makeScales', shapes)
        total = sum(scale * np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape)
                    for scale, shape in zip(scales, shapes, strict=True))
        for index in np.ndindex(*total.shape):
            assert call('cellWords', list(index), shapes)[-1][1] == str(total[index])


# ---------------------------------------------------------------- on a page without Python

DARK = ''':root { --jp-layout-color0: #111; --jp-layout-color1: #212121; 
--jp-border-color1: #616161; --jp-border-color2: #424242;
--jp-content-font-color1: #fff } body { background: #111 }'''


@contextlib.contextmanager
def page_of(browser, *shapes, copies=1, width=700, style=''):
    "A page made of one explorable (or more); fails if it has an error or asks the network."
    page = browser.new_page(viewport={'width': width, 'height': 800})
    errors, asked = [], []
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.on('request', lambda request: asked.append(request.url))
    html = to_page('broadcast', {'shapes': list(shapes)}, alt='two shapes') * copies
    page.set_content(f'<!doctype html><meta charset="utf-8"><style>{style}</style><body>{html}')
    page.wait_for_function(
        'n => document.querySelectorAll("[data-explorable=broadcast]").length === n', arg=copies)
    yield page
    assert not errors and all(url.startswith(('blob:', 'data:', 'about:')) for url in asked)
    page.close()


def text(page, selector):
    return [words.replace('\xa0', ' ') for words in page.locator(selector).all_text_contents()]


def result(page): return text(page, '.bc-results .bc-head')


def test_python_side_takes_the_state():
    made = Explorable('broadcast', {'shapes': [(3, 1), (1, 4)]}, alt='a column and a row')
    assert made.state == {'shapes': [[3, 1], [1, 4]]}
    made.shapes = [[2], [2]]
    assert made.state == {'shapes': [[2], [2]]}


def test_first_picture(browser):
    with page_of(browser, [3, 1], [1, 4]) as page:
        assert result(page) == ['result (3, 4)']
        assert page.locator('.bc-figure.bc-a .bc-is-own').count() == 3
        assert page.locator('.bc-figure.bc-a .bc-is-copy').count() == 9
        assert text(page, '.bc-verdicts .bc-cell:visible') == ['↔ stretched'] * 2
        assert text(page, '.bc-formula') == ['result[2, 3] = a[2, 0] + b[0, 3] = 3 + 40 = 43']
        assert text(page, '.bc-result .bc-digits')[-1] == '43'


def test_everything_by_keyboard_alone(browser):
    with page_of(browser, [3, 1], [1, 4]) as page:
        def press(*keys):
            for key in keys:
                page.keyboard.press(key)

        def reach(label):
            for _ in range(40):
                press('Tab')
                name = page.evaluate('''() => { const at = document.activeElement;
                  return at.getAttribute('aria-label') ?? at.textContent; }''')
                if label in name.replace('\xa0', ' '):
                    return
            raise AssertionError(f'Tab never reaches {label}')
        reach('a clash')
        press('Enter')
        assert result(page) == ['result ✕ none'] and text(page, '.bc-title')[-1] == 'no result'
        reach('a trailing axis of 1: (3, 1)')
        press('Enter')
        assert result(page) == ['result (3, 4)']
        page.locator('.bc-field').first.focus()
        press('Control+A')
        page.keyboard.type('2, 1, 4')
        reach('b, axis −1')
        press('ArrowUp', 'ArrowDown', 'ArrowDown', 'ArrowDown', '4')
        assert result(page) == ['result (2, 3, 4)']
        reach('Put an axis of 1 in front of b')
        press('Enter', 'Enter', 'Enter')
        assert text(page, '.bc-caption')[4:8] == ['', '→ 2', '', '']
        reach('Take away the first axis of b')
        press('Enter', 'Enter')
        reach('third array')
        press('Space')
        assert page.locator('.bc-title:visible').count() == 4
        reach('cells of the result')
        press('ArrowLeft', 'ArrowUp', 'Home', 'ArrowDown', 'ArrowDown', 'ArrowRight')
        assert text(page, '.bc-formula')[0].startswith('result[0, 2, 1] = a[0, 0, 1] + b[2, 1] + c')


def test_pointing_lights_the_cells_of_all_arrays(browser):
    with page_of(browser, [3, 1], [1, 4]) as page:
        page.locator('.bc-result [data-at="5"]').hover()
        assert text(page, '.bc-formula') == ['result[1, 1] = a[1, 0] + b[0, 1] = 2 + 20 = 22']
        assert page.locator('.bc-lit').count() == 3 and page.locator('.bc-source').count() == 2
        assert text(page, '.bc-source .bc-digits') == ['2', '20']
        page.locator('.bc-figure.bc-b [data-at="2"]').hover()  # a cell of an input does the same
        assert text(page, '.bc-formula')[0].startswith('result[0, 2] = a[0, 0] + b[0, 2]')


def test_typed_nonsense_is_told_and_harms_nothing(browser):
    with page_of(browser, [3, 1], [1, 4]) as page:
        field = page.get_by_label('shape of a')
        field.fill('(3, x)')
        assert text(page, '.bc-a .bc-error') == ['"x" is not a whole number']
        assert field.get_attribute('aria-invalid') == 'true' and result(page) == ['result (3, 4)']
        field.fill('4')
        assert result(page) == ['result (1, 4)'] and field.input_value() == '4'
        field.blur()
        assert field.input_value() == '(4,)' and text(page, '.bc-a .bc-caption')[2] == 'new'


def test_the_accident_is_mended_by_a_button(browser):
    with page_of(browser, [3, 1], [3]) as page:
        assert text(page, '.bc-result .bc-digits') == '0 −1 −2 1 0 −1 2 1 0'.split()
        page.get_by_text('Take the trailing axis').click()
        assert text(page, '.bc-result .bc-digits') == ['0', '0', '0']
        assert page.locator('.bc-mend').count() == 0


def test_a_clash_shows_the_places_that_stay_empty(browser):
    with page_of(browser, [3, 4], [3]) as page:
        assert text(page, '.bc-figure.bc-b .bc-digits') == ['100', '200', '300', '?'] * 3
        assert page.locator('.bc-formula').inner_text() == ''
        assert page.locator('.bc-result .bc-place').count() == 0


FROM_PYTHON = '''changes => {
  const told = new Map();
  const state = { shapes: [[3, 1], [1, 4]] };
  const model = { get: key => state[key], save_changes() {},
    set(key, value) { state[key] = value; told.get('change:' + key)?.(); },
    on(event, tell) { told.set(event, tell); }, off(event) { told.delete(event); } };
  const el = document.body.appendChild(document.createElement('div'));
  const end = module.default.render({ model, el });
  const seen = changes.map(shapes => {
    model.set('shapes', shapes);
    return el.querySelector('.bc-bad').textContent
      || el.querySelector('.bc-results .bc-head').textContent;
  });
  end();
  return [seen, told.size];
}'''


def test_changes_from_python_redraw(script):
    changes = [[[2, 3], [3]], None, [[], []], [[0], [1], [1, 1]], [[2], [3]]]
    seen, listeners = script.evaluate(FROM_PYTHON, changes)
    assert [seen[0], *seen[2:]] == ['result (2, 3)', 'result ()', 'result (1, 0)', 'result ✕ none']
    assert 'null' in seen[1] and listeners == 0


def test_every_random_shape_can_be_drawn(script):
    seen, _ = script.evaluate(FROM_PYTHON, SHAPES[:150])
    for words, shapes in zip(seen, SHAPES, strict=False):
        made = numpy_result(shapes)
        assert words == f'result {"✕ none" if made is None else tuple(made)}'


BAD = [
    (None, 'not null'), ('3, 1', 'not "3, 1"'), ([[3]], 'not 1'), ([[1]] * 4, 'not 4'),
    ([[3, -1], [1]], 'the shape of a: −1 is negative'), ([[1], [10 ** 9]], 'too long'),
    ([[1], ['2']], 'the shape of b: "2" is not'), ([[1], [1] * 5], '5 axes'),
    ([[1], 3], '3 is not a list'), ([[1], [None]], 'null is not a whole'),
    ([[1], [2.5]], '2.5 is not'), ([[True], [1]], 'true is not'), ([], 'not 0')]


def test_each_bad_state_is_a_sentence(script):
    seen, _ = script.evaluate(FROM_PYTHON, [shapes for shapes, _ in BAD])
    for sentence, (_, words) in zip(seen, BAD, strict=True):
        assert sentence.startswith('Nothing can be drawn: ') and words in sentence


def test_limits(script):
    check_limits(script, 's => module.checkShapes(s.shapes)', {'shapes': [[1], [1]]}, {},
        [{'shapes': shapes} for shapes in ([[0], [99999]], [[], [1] * 4], [[1]] * 3)],
        [{'shapes': shapes} for shapes in ([[-1], [1]], [[1], [100000]], [[1], [1] * 5], [[1]],
                                           [[1]] * 4, [['1'], [1]], [[.5], [1]], [[1], '1'])])


def test_an_example_mends_a_bad_state(browser):
    with page_of(browser, [3, -1], [1, 4]) as page:
        assert page.locator('.bc-bad').is_visible() and not page.locator('.bc-body').is_visible()
        page.locator('.bc-preset').first.click()
        assert result(page) == ['result (3, 4)'] and not page.locator('.bc-bad').is_visible()


def test_two_on_one_page_are_independent(browser):
    with page_of(browser, [3, 1], [1, 4], copies=2) as page:
        page.locator('.bc-preset', has_text='a clash').nth(1).click()
        assert result(page) == ['result (3, 4)', 'result ✕ none']
        page.get_by_label('b, axis −1', exact=True).first.press('ArrowUp')
        assert result(page) == ['result (3, 5)', 'result ✕ none']


WIDE = {'four axes': [[2, 3, 2, 2], [3, 1, 1]], 'long': [[32, 3, 224, 224], [3, 1, 1]],
        'clash': [[3, 4], [3]], 'three': [[2, 3], [3], [2, 1]], 'numbers': [[], []],
        'eight': [[8, 8], [8]], 'longest': [[99999, 1, 99999], [99999, 99999], [1, 99999, 1, 1]]}


@pytest.mark.parametrize('name', WIDE)
def test_fits_a_narrow_page(browser, name):
    with page_of(browser, *WIDE[name], width=340) as page:
        assert page.evaluate('document.documentElement.scrollWidth') <= 340
        outside = page.evaluate('''() => {
          const edge = document.querySelector('.bc').getBoundingClientRect().right;
          return [...document.querySelectorAll('.bc *')]
            .filter(x => x.getBoundingClientRect().right > edge + 1).map(x => x.outerHTML);
        }''')
        assert outside == []


CONTRAST = '''() => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const numbers = (...colours) => {          // painted on top of each other
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(x => x / 255)
    .map(x => (x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4))
    .reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], 0);
  const behind = x => (x ? [...behind(x.parentElement), getComputedStyle(x).backgroundColor]
    : ['#fff']);
  const found = [];
  for (const x of document.querySelectorAll('.bc *')) {
    const own = [...x.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if ((!own && x.tagName !== 'INPUT') || !x.getClientRects().length) continue;
    if (x.closest('[aria-disabled=true]')) continue;
    const style = getComputedStyle(x);
    const square = x.tagName === 'text' && getComputedStyle(x.previousSibling).fill;
    const stripes = square && square.startsWith('url')
      ? getComputedStyle(x.ownerSVGElement.querySelector('.bc-stripe')).stroke : square;
    const under = stripes ? [...behind(x.ownerSVGElement), stripes] : behind(x);
    const [a, b] = [light(numbers(...under)), light(numbers(...under,
      square ? style.fill : style.color))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    found.push([ratio, x.getAttribute('class') + ': ' + (x.textContent || x.value)]);
  }
  return found;
}'''


@pytest.mark.parametrize('style', ['', DARK], ids=['light', 'dark'])
@pytest.mark.parametrize('name', ['clash', 'three', 'four axes', 'bad'])
def test_contrast(browser, name, style):
    with page_of(browser, *WIDE.get(name, [[-1], [1]]), style=style) as page:
        if name == 'three':
            page.get_by_label('shape of a').fill('x')
        ratios = page.evaluate(CONTRAST)
        assert len(ratios) > 10 and [words for ratio, words in ratios if ratio < 4.5] == []


def test_names_for_those_who_do_not_see_it(browser):
    with page_of(browser, [3, 1], [1, 4]) as page:
        number = page.get_by_role('spinbutton', name='b, axis −1')
        assert number.get_attribute('aria-valuenow') == '4'
        assert page.get_by_role('table', name='alignment').is_visible()
        assert 'the result is (3, 4)' in text(page, '.bc-words [aria-live=polite]')[0]
        silent = page.evaluate('''() => [...document.querySelectorAll('.bc *')]
          .filter(x => x.tabIndex >= 0 && x.dataset.lmSuppressShortcuts !== 'true').length''')
        assert silent == 0


DRAWN = """() => [...document.querySelectorAll('.bc-figure:not([hidden]) .bc-svg')].map(svg => {
  const cells = [...svg.querySelectorAll('g')].map(g => [g.getAttribute('transform'),
    [...g.classList].sort().join(), g.textContent, g.firstChild.getBoundingClientRect().width,
    getComputedStyle(g.lastChild).fontSize]);
  return svg.checkVisibility() && [svg.getAttribute('viewBox'), cells];
})"""
FIELDS = [['(3, 1)', '(1, 4)'], ['(2, 3, 2, 2)', '(3, 1, 1)'], ['(3, 4)', '(3,)'],
          ['(0, 4)', '(1,)'], ['(9, 9)', '(9,)'], ['()', '(7,)'], ['(3, 3, 3, 3)', '(3,)']]


def test_what_was_shown_before_leaves_nothing_behind(browser):
    "Cells are used again: after any change the picture is that of a fresh page."
    with page_of(browser, [2], [2]) as page:
        for a, b in FIELDS * 2:
            for name, shape in ('a', '(1,)'), ('b', b), ('a', a):
                page.get_by_label(f'shape of {name}').fill(shape)
                page.get_by_label(f'shape of {name}').press('Enter')
            shapes = [list(eval(shape)) for shape in (a, b)]
            with page_of(browser, *shapes) as fresh:
                assert page.evaluate(DRAWN) == fresh.evaluate(DRAWN), shapes


ANSWER_TIMES = '''async ([selector, keys]) => {
  const element = document.querySelector(selector);
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let i = 0; i < 20; i++) {
    await frame();
    const start = performance.now();
    element.dispatchEvent(new KeyboardEvent('keydown', { key: keys[i % 2], bubbles: true }));
    document.querySelector('.bc-picture').getBoundingClientRect();  // style and layout are done
    times.push(performance.now() - start);
  }
  return times;
}'''


@pytest.mark.parametrize('selector, keys', [
    ('[aria-label="a, axis −1"]', ['ArrowUp', 'ArrowDown']),
    ('[role=application]', ['ArrowLeft', 'ArrowRight'])], ids=['a length', 'a cell'])
@pytest.mark.parametrize('shapes', [
    [[3, 1], [1, 4]], [[3, 3, 3, 3], [3, 1, 1], [3]]], ids=['small', 'large'])
def test_answers_a_key_at_once(browser, shapes, selector, keys):
    with page_of(browser, *shapes) as page:
        median = np.inf
        for _ in range(4):  # other work on the machine may disturb a round
            median = min(median, np.median(page.evaluate(ANSWER_TIMES, [selector, keys])))
            if median <= 16:
                break
    print(f'\nkey press to changed picture, {shapes}: {median:.1f} ms (goal: 16)')
    assert median <= 16


# ---------------------------------------------------------------- rules of the house

def test_script_and_style_keep_the_rules():
    javascript, css = read_script('broadcast')
    assert max(map(len, (javascript + css).splitlines())) <= 100
    classes = set(re.findall(r'\.([a-z][\w-]*)(?=[\s.:,{\[])', re.sub(r'/\*.*?\*/', '', css)))
    assert classes and all(name == 'bc' or name.startswith('bc-') for name in classes)
    assert 'http' not in javascript.replace("'http://www.w3.org/2000/svg'", '')

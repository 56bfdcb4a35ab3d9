"""Trees on points measured again and again: the script's arithmetic against the chapter's, its
words against the numbers, and the page without Python.
"""
import re

import numpy as np
import pytest
from course_lib.bagging import (
    _bagging_state, _Chance, _counted, _measured_trees, _measurement, explore_bagging)
from course_lib.workbench.explorables import read_script, to_page
from pages import THEMES, check_limits, import_script

START = {'seed': 0, 'measurements': 1, 'trees': 20, 'depth': 8, 'columns': 2}


def state(**changes):
    "What the explorable is given."
    return START | changes


@pytest.fixture(scope='module')
def script(browser):
    "A blank page in which `bagging` is the module."
    page = browser.new_page()
    import_script(page, 'bagging', 'bagging')
    yield page
    page.close()


# ---------------------------------------------------------------- arithmetic

@pytest.mark.parametrize('seed', [0, 1, 12345, 2**31, 2**32 - 1])
def test_chance_is_pythons(script, seed):
    drawn = script.evaluate('''seed => {
      const chance = bagging.makeChance(seed);
      return Array.from({ length: 500 }, chance);
    }''', seed)
    assert drawn == _Chance(seed).random(500).tolist()


@pytest.mark.parametrize('seed, number', [(0, 1), (7, 3), (2**31, 2000)])
def test_points_are_pythons(script, seed, number):
    made = script.evaluate('''([s, n]) => {
      const { x, y } = bagging.measure(s, n);
      return { x, y };
    }''', [seed, number])
    X, y, _ = _measurement(seed, number)
    assert made['x'] == X.T.tolist() and made['y'] == y.tolist()


SAID = '([s, n]) => bagging.look(s, n).said.map(each => [...each])'


@pytest.mark.parametrize('columns', [1, 2])
@pytest.mark.parametrize('depth', [1, 2, 5, 10])
def test_every_tree_is_pythons(script, depth, columns):
    for seed, number, trees in ((0, 1, 20), (3, 7, 40), (99, 2000, 4)):
        given = state(seed=seed, trees=trees, depth=depth, columns=columns)
        assert script.evaluate(SAID, [given, number]) == _measured_trees(
            seed, number, trees, depth, columns).tolist()


COUNT = '''s => {
  const count = bagging.startCount();
  for (let n = 1; n <= s.measurements; n++) bagging.addTo(count, bagging.look(s, n));
  const { variance, rho, formula, measured } = bagging.numbers(count, s.trees);
  return [variance, rho, formula, measured];
}'''


@pytest.mark.parametrize('columns', [1, 2])
def test_the_four_numbers_are_pythons(script, columns):
    for changes in ({'measurements': 2}, {'measurements': 60, 'depth': 3},
                    {'measurements': 25, 'trees': 4, 'seed': 5}):
        given = state(columns=columns, **changes)
        np.testing.assert_allclose(script.evaluate(COUNT, given), _counted(**given), rtol=1e-9)


def test_the_formula_meets_the_measurement(script):
    for columns in 1, 2:
        _, rho, formula, measured = script.evaluate(COUNT, state(measurements=300, columns=columns))
        assert measured == pytest.approx(formula, rel=.1) and .05 < rho < .5


def test_right_counts_places(script):
    made = script.evaluate('''() => {
      const above = new Float64Array(400).map((_, p) => p % 20 + Math.floor(p / 20) + 1 > 20);
      return [bagging.right(above), bagging.right(above.map(x => 1 - x)),
        bagging.right(new Float64Array(400)), bagging.right(new Float64Array(400).fill(0.5))];
    }''')
    assert made == [1, 0, *[(20 * 21 / 2) / 400] * 2]


def test_colours_run_from_blue_through_white_to_orange(script):
    blue, white, orange = script.evaluate('[0, 0.5, 1].map(bagging.colour)')
    assert blue[2] > 150 > blue[0] and orange[0] > 200 > orange[2] and min(white) > 240


# ---------------------------------------------------------------- words and states

SAYS = '''s => {
  const count = bagging.startCount();
  for (let n = 1; n <= s.measurements; n++) bagging.addTo(count, bagging.look(s, n));
  const found = count.done > 1 ? bagging.numbers(count, s.trees) : undefined;
  return [bagging.summary(s, bagging.look(s, s.measurements)),
    bagging.remark(s, count, found), bagging.remark({ ...s, measurements: 99 }, count, found)];
}'''


def percent(part): return f'{int(100 * part + .5)} %'


def test_what_is_counted_in_words(script):
    given = state(measurements=40, trees=10)
    summary, note, meanwhile = [text.replace('\xa0', ' ') for text in script.evaluate(SAYS, given)]
    said = _measured_trees(0, 40, 10, 8, 2)
    edge = np.arange(20)
    above = (edge[:, None] + edge + 1 > 20).ravel()
    one, mean = (((part > .5) == above).mean() for part in (said[0], said.mean(axis=0)))
    assert summary == (f'Measurement 40: its first tree is right at {percent(one)} of the places, '
                       f'the average of 10 at {percent(mean)}.')
    variance, _, formula, measured = _counted(**given)
    assert note == (f'Counted over 40 measurements: averaging 10 trees leaves '
                    f'{percent(measured / variance)} of a tree’s variance; the formula says '
                    f'{percent(formula / variance)}.')
    assert 'over 40 of 99 measurements' in meanwhile


def test_one_measurement_has_no_variance(script):
    assert 'needs two measurements' in script.evaluate(SAYS, state())[1]


BAD = [('seed', -1), ('measurements', 0), ('measurements', 2.5), ('trees', 3), ('trees', 41),
       ('depth', 0), ('columns', 3)]


@pytest.mark.parametrize('key, value', [*BAD, ('depth', 'NaN'), ('columns', None)])
def test_a_bad_state_is_refused_with_a_sentence(script, key, value):
    words = script.evaluate('s => bagging.problem(s)', state(**{key: value}))
    assert words.startswith(f'{key} must be a whole number from ') and str(value)[:2] in (
        words.replace('null', 'None'))


@pytest.mark.parametrize('key, value', BAD)
def test_python_refuses_it_too(key, value):
    with pytest.raises(ValueError, match=f'{key} is .*give a whole number'):
        explore_bagging(**{key: value})


def test_good_states_are_not_refused(script):
    for good in state(), state(seed=2**31, measurements=2000, trees=40, depth=10, columns=1), \
            state(trees=4, depth=1):
        assert script.evaluate('s => bagging.problem(s)', good) == ''
        assert _bagging_state(**good) == good


def test_limits(script):
    check_limits(script, 'bagging.problem', state(), {
        'seed': (0, 2**31), 'measurements': (1, 2000), 'trees': (4, 40), 'depth': (1, 10),
        'columns': (1, 2)})


def test_python_gives_what_the_page_draws():
    made = explore_bagging(measurements=3)
    assert made.state == state(measurements=3) and made._poster.startswith(b'\x89PNG')
    assert re.search(r'one tree is right at \d+% of the places, their average at \d+%', made.alt)


# ---------------------------------------------------------------- on a page without Python

class Page:
    "A page made of explorables alone; remembers what it asked the network for, and its errors."
    def __init__(self, browser, html, width=740):
        self.context = browser.new_context(viewport={'width': width, 'height': 900})
        self.page, self.requests, self.errors = self.context.new_page(), [], []
        self.page.on('request', lambda request: self.requests.append(request.url))
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.page.set_content(f'<!doctype html><meta charset="utf-8"><body>{html}</body>')
        self.page.wait_for_selector('[data-explorable=bagging]')

    def __enter__(self): return self
    def __exit__(self, *_): self.context.close()

    def text(self, selector):
        return [text.replace('\xa0', ' ') for text in
                self.page.locator(selector).all_inner_texts()]
    def words(self): return self.text('.bag-words')[0]
    def button(self, name): return self.page.get_by_role('button', name=name)
    def control(self, name): return self.page.get_by_label(name, exact=True)
    def press(self, *keys):
        for key in keys: self.page.keyboard.press(key)
    def pictures(self): return self.page.evaluate(PICTURES)
    def wait_for(self, count):
        self.page.wait_for_function(
            'n => document.body.textContent.includes(`Counted over ${n} measurements`)', arg=count)


PICTURES = "() => [...document.querySelectorAll('.bag canvas')].map(each => each.toDataURL())"
FOCUSED = '''() => {
  const at = document.activeElement;
  return at.getAttribute('aria-label') ?? (at.textContent || at.parentElement.textContent);
}'''


def test_page_is_live_and_asks_nobody(browser):
    with Page(browser, to_page('bagging', state(), alt='twenty trees')) as at:
        assert len(set(at.pictures())) == 9 and 'Measurement 1:' in at.words()
        assert at.text('.bag-bars output') == ['–'] * 4
        assert at.page.get_by_role('group', name='twenty trees').count() == 1
        assert not [url for url in at.requests if not url.startswith(('blob:', 'data:', 'about:'))]
        assert not at.errors


def test_resample_changes_the_trees_and_counts(browser):
    with Page(browser, to_page('bagging', state())) as at:
        before = at.pictures()
        at.button('Resample').click()
        after = at.pictures()
        assert all(a != b for a, b in zip(before, after)) and 'Measurement 2:' in at.words()
        at.button('100 times').click()
        at.wait_for(102)
        expected = [f'{x:.3f}' for x in np.array(_counted(**state(measurements=102)))[[0, 2, 3, 1]]]
        assert at.text('.bag-bars output') == expected
        at.button('Start again').click()
        assert at.pictures() == before and at.text('.bag-bars output') == ['–'] * 4
        assert not at.errors


def test_keyboard_alone_reaches_and_moves_everything(browser):
    with Page(browser, to_page('bagging', state())) as at:
        seen = []
        for _ in range(6):
            at.press('Tab')
            seen.append(at.page.evaluate(FOCUSED))
        assert seen == ['trees', 'depth', 'both columns', 'Resample', '100 times', 'Start again']
        at.button('Resample').focus()
        at.press('Enter', 'Space')
        assert 'Measurement 3:' in at.words()
        at.control('trees').focus()
        at.press('ArrowRight')
        assert 'mean of 21' in at.text('.bag-large')[0] and 'Measurement 1:' in at.words()
        at.control('depth').focus()
        at.press('Home')
        assert at.text('.bag-slider output') == ['21', '1']
        at.control('both columns').focus()
        before = at.pictures()
        at.press('ArrowDown')
        assert at.control('one at random').is_checked() and at.pictures() != before
        assert not at.errors


@pytest.mark.parametrize('name, low, high', [('trees', '4', '40'), ('depth', '1', '10')])
def test_sliders_reach_both_ends(browser, name, low, high):
    with Page(browser, to_page('bagging', state())) as at:
        number = at.page.locator(f'.bag-slider:has([aria-label="{name}"]) output')
        for key, end in ('Home', low), ('End', high):
            at.control(name).press(key)
            assert number.inner_text() == end
        assert not at.errors


def test_few_trees_leave_maps_out(browser):
    with Page(browser, to_page('bagging', state(trees=5))) as at:
        assert at.page.locator('.bag-few figure:visible').count() == 5


def test_every_control_keeps_its_keys_from_jupyterlab(browser):
    with Page(browser, to_page('bagging', state())) as at:
        free = at.page.locator('.bag :is(input, button)'
                               ':not([data-lm-suppress-shortcuts=true])')
        assert free.count() == 0 and at.page.locator('.bag :is(input, button)').count() == 7


def test_each_map_says_what_it_shows(browser):
    with Page(browser, to_page('bagging', state())) as at:
        names = [at.page.locator('.bag canvas').nth(i).get_attribute('aria-label').replace(
            '\xa0', ' ') for i in range(9)]
        assert re.fullmatch(r'mean of 20: \d+ % right', names[0])
        assert re.fullmatch(r'tree 8: \d+ % right', names[8])


def test_two_copies_on_one_page_are_independent(browser):
    with Page(browser, to_page('bagging', state()) * 2) as at:
        at.page.wait_for_function("document.querySelectorAll('.bag-large').length === 2")
        at.button('Resample').nth(1).click()
        at.control('one at random').nth(1).check()
        assert at.control('both columns').nth(0).is_checked()
        at.button('Resample').nth(1).click()
        first, second = at.text('.bag-words')
        assert 'Measurement 1:' in first and 'Measurement 2:' in second and not at.errors


@pytest.mark.parametrize('width', [320, 700])
def test_fits(browser, width):
    html = '<style>body { margin: 0 }</style>' + to_page('bagging', state(measurements=1999))
    with Page(browser, html, width) as at:
        outside = at.page.evaluate('''width => [...document.querySelectorAll('.bag *')]
          .filter(e => !e.closest('svg'))
          .filter(e => e.getBoundingClientRect().right > width || e.scrollWidth > e.clientWidth + 1
            && getComputedStyle(e).display !== 'inline')
          .map(e => e.className || e.tagName)''', width)
        assert not outside
        assert at.page.evaluate('document.documentElement.scrollWidth') <= width


# Colours are painted on a canvas to get plain numbers.
CONTRAST = '''() => {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = colours => {
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const bright = rgb => rgb.map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const own = e => getComputedStyle(e).backgroundColor;
  const behind = e => e ? [...behind(e.parentElement), own(e)] : ['#fff'];
  const contrast = (pages, colour) => {
    const pair = [paint(pages), paint([...pages, colour])].map(bright);
    const [low, high] = pair[0] < pair[1] ? pair : pair.reverse();
    return (high + 0.05) / (low + 0.05);
  };
  const written = [...document.querySelectorAll('.bag *')].filter(e => e.checkVisibility()
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  return [written.map(e => [contrast(behind(e), getComputedStyle(e).color), e.textContent]),
    [...document.querySelectorAll('.bag-fill')].map(e =>
      contrast(behind(e.parentElement), own(e)))];
}'''


@pytest.mark.parametrize('theme', THEMES)
def test_words_and_bars_stand_out_in_both_themes(browser, theme):
    style = ';'.join(f'--jp-{name}: {colour}' for name, colour in THEMES[theme].items())
    html = f'<style>body {{ {style} }}</style>' + to_page('bagging', state(measurements=5))
    with Page(browser, html) as at:
        written, bars = at.page.evaluate(CONTRAST)
        assert len(written) > 25 and not [each for each in written if each[0] < 4.5]
        assert len(bars) == 4 and min(bars) >= 3


def test_colour_is_never_alone(browser):
    with Page(browser, to_page('bagging', state())) as at:
        triangles, dots = [at.page.locator('.bag-points').nth(i).get_attribute('d') for i in (0, 1)]
        y = _measurement(0, 1)[1]
        assert triangles.count('M') == (y == 0).sum() and dots.count('M') == (y == 1).sum()
        assert 'a' in dots and 'a' not in triangles


RENDER = '''async ([state, changes]) => {
  const told = new Map();
  const model = { get: key => state[key], save_changes() {},
    set(key, value) { state[key] = value; told.get('change:' + key)?.(); },
    on(event, tell) { told.set(event, tell); }, off(event) { told.delete(event); } };
  const el = document.body.appendChild(document.createElement('div'));
  const end = bagging.default.render({ model, el });
  const look = () => [el.querySelector('.bag-trouble').textContent,
    el.querySelector('.bag-words')?.textContent.match(/Measurement \\d+/)?.[0],
    el.querySelector('.bag-large figcaption')?.textContent.match(/mean of \\d+/)?.[0]];
  const seen = [look()];
  for (const change of changes) {
    for (const [key, value] of Object.entries(change)) model.set(key, value);
    seen.push(look());
  }
  el.querySelector('.bag-main')?.click();
  const set = { ...state };
  end();
  el.remove();
  return { seen, set, listeners: told.size };
}'''


def test_python_can_change_everything_and_read_it_back(script):
    made = script.evaluate(RENDER, [state(), [{'measurements': 30}, {'trees': 7}, {'depth': 2},
                                              {'columns': 1}, {'seed': 4}]])
    assert made['seen'] == [['', 'Measurement 1', 'mean of 20'], ['', 'Measurement 30',
                            'mean of 20'], *[['', 'Measurement 30', 'mean of 7']] * 4]
    assert made['set'] == {'seed': 4, 'measurements': 31, 'trees': 7, 'depth': 2, 'columns': 1}
    assert made['listeners'] == 0


def test_a_bad_start_becomes_a_picture_when_it_is_mended(script):
    made = script.evaluate(RENDER, [state(depth=0), [{'depth': 3}]])
    assert made['seen'][0][0].startswith('This cannot be drawn. depth must be')
    assert made['seen'][1] == ['', 'Measurement 1', 'mean of 20']


def test_a_bad_state_is_a_sentence_on_the_page(browser):
    with Page(browser, to_page('bagging', {'seed': None})) as at:
        assert at.text('.bag-trouble')[0].startswith('This cannot be drawn. seed must be a whole')
        assert not at.errors


ANSWER_TIMES = '''async () => {
  const button = document.querySelector('.bag-main');
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let i = 0; i < 40; i++) {
    await frame();
    const start = performance.now();
    button.click();
    document.querySelector('.bag-words').getBoundingClientRect();  // style and layout are done
    times.push(performance.now() - start);
  }
  return times;
}'''


def test_answers_a_key_at_once(browser):
    with Page(browser, to_page('bagging', state(trees=40, depth=10))) as at:
        median = np.median(at.page.evaluate(ANSWER_TIMES))
        print(f'\nkey press to changed picture, 40 trees: {median:.1f} ms (goal: 16)')
        assert median <= 50


# ---------------------------------------------------------------- rules of the house

def test_script_and_style_keep_the_rules():
    javascript, css = read_script('bagging')
    assert max(map(len, (javascript + css).splitlines())) <= 100
    classes = set(re.findall(r'\.([a-z][\w-]*)(?=[\s.:,{\[])', re.sub(r'/\*.*?\*/', '', css)))
    assert classes and all(name == 'bag' or name.startswith('bag-') for name in classes)
    assert 'http' not in javascript.replace('http://www.w3.org/2000/svg', '')

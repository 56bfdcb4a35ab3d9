"""Sizes of a convolution: the arithmetic against torch, and the page without Python.

The JavaScript is imported from a Blob in a blank page; Python calls its exported functions.
"""
import itertools
import json
import math
import re

import numpy as np
import pytest
import torch
from course_lib.workbench.explorables import read_script, to_page
from pages import THEMES, check_limits, import_script
from torch.nn import functional as F


def state(**changes):
    "What the explorable is given."
    return {'size': 7, 'kernel': 3, 'stride': 1, 'padding': 0, 'dilation': 1,
            'position': 0} | changes


GRID = [state(size=n, kernel=k, stride=s, padding=p, dilation=d) for n, k, s, p, d in
        itertools.product((1, 2, 5, 7, 8, 16, 32), (1, 2, 3, 4, 7, 11), (1, 2, 3, 6),
                          (0, 1, 2, 8), (1, 2, 5))]


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    "Thousands of tiny convolutions: threads that wait for each other make them 30 times as slow."
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def script(browser):
    "A blank page in which `convcalc` is the module."
    page = browser.new_page()
    import_script(page, 'convcalc', 'convcalc')
    yield page
    page.close()


# ---------------------------------------------------------------- arithmetic, against torch

def windows(given):
    "What each window reads, (kernel, outputs): 1 + the place of a cell, 0 in the padding."
    image = torch.arange(1., given['size'] + 1)[None, None, None]
    return F.unfold(image, (1, given['kernel']), (1, given['dilation']), (0, given['padding']),
                    (1, given['stride']))[0].long().numpy()


def convolve(given, **changes):
    "(outputs, how often each cell is read), as conv1d finds them; (0, None) where it refuses."
    given = given | changes
    x = torch.ones(1, 1, given['size'], requires_grad=True)
    try:
        y = F.conv1d(x, torch.ones(1, 1, given['kernel']), stride=given['stride'],
                     padding=given['padding'], dilation=given['dilation'])
    except RuntimeError as error:
        assert "can't be greater than actual input size" in str(error)
        return 0, None
    y.sum().backward()
    return y.shape[-1], x.grad[0, 0].numpy()


ALL = '''text => JSON.stringify(JSON.parse(text).map(s => {
  const count = convcalc.outputSize(s);
  const all = Array.from({ length: count }, (_, i) => i);
  return { count, taps: all.map(i => convcalc.taps(s, i)), unseen: convcalc.unseen(s),
    centres: all.map(i => convcalc.centre(s, i)), blind: convcalc.blind(s),
    e: convcalc.effectiveKernel(s), problem: convcalc.problem(s),
    notes: convcalc.notes(s).join(' '),
    same: convcalc.samePadding(s), head: convcalc.summary(s), square: convcalc.squareWords(s) };
}))'''  # as text, which is ten times as fast


@pytest.fixture(scope='module')
def made(script): return json.loads(script.evaluate(ALL, json.dumps(GRID)))


@pytest.fixture(scope='module')
def truth(): return [convolve(given) for given in GRID]


def test_sizes_are_as_torch_finds_them(made, truth):
    assert [each['count'] for each in made] == [count for count, _ in truth]
    refused = sum(count == 0 for count, _ in truth)
    assert len(GRID) == 2016 and refused > 300


def test_each_window_reads_what_torch_reads(made):
    for given, each in zip(GRID, made):
        if not each['count']: continue
        read = np.array(each['taps']).T + 1                        # (kernel, outputs)
        read = np.where((read > 0) & (read <= given['size']), read, 0)
        np.testing.assert_array_equal(read, windows(given))
        assert each['blind'] == (read == 0).all(axis=0).sum()
        spans = [(taps[-1] - taps[0] + 1, (taps[0] + taps[-1]) / 2) for taps in each['taps']]
        assert spans == [(each['e'], centre) for centre in each['centres']]


def test_unseen_cells_are_those_without_a_slope(made, truth):
    both = 0
    for given, each, (count, times) in zip(GRID, made, truth):
        right, between = each['unseen']['right'], each['unseen']['between']
        if not count:
            assert each['unseen'] == {'right': [], 'between': [], 'padding': 0}
            continue
        assert sorted(right + between) == np.flatnonzero(times == 0).tolist()
        last = each['taps'][-1][-1]
        assert all(place > last for place in right) and all(place < last for place in between)
        end = given['size'] + given['padding']
        after = np.arange(max(last + 1, 0), end)                   # places after the last window
        assert len(right) == np.sum(after < given['size'])
        assert each['unseen']['padding'] == np.sum(after >= given['size'])
        both += bool(right and between)
    assert both > 50


def test_the_position_stays_within_the_outputs(script):
    for given, position in (({'position': 9}, 4), ({'position': 4}, 4), ({'position': -1}, 0),
                            ({'position': 3, 'size': 2}, 0), ({'position': 2}, 2)):
        assert script.evaluate('s => convcalc.clampPosition(s)', state(**given)) == state(
            **given | {'position': position})


def test_same_padding_keeps_the_size_and_no_other_does(made):
    for given, each in zip(GRID, made):
        if given['stride'] != 1 or given['padding']: continue
        keep = [p for p in range(30) if convolve(given, padding=p)[0] == given['size']]
        assert keep == ([] if each['same'] is None else [each['same']])


# ---------------------------------------------------------------- words

def numbers(pattern, text):
    "The numbers in the one place where `text` has `pattern`; None if it has none."
    found = re.search(pattern, text)
    return found and [int(group) for group in found.groups()]


def test_what_the_words_advise_is_true(made):
    seen = dict.fromkeys(('keeps', 'torch', 'gives', 'fits', 'at most', 'not'), 0)
    for given, each in zip(GRID, made):
        words = each['notes']
        if found := numbers(r'Padding (\d+) keeps the size', words):
            assert convolve(given, padding=found[0])[0] == given['size']
            seen['keeps'] += 1
        if found := numbers(r'adds (\d+) at the left and (\d+) at the right', words):
            left, right = found
            assert convolve(given, size=given['size'] + left + right, padding=0)[0] == given['size']
            assert right == left + 1
            seen['torch'] += 1
        if found := numbers(r'Padding (\d+) (?:would give|gives) \d+ / \d+.*? (\d+) output', words):
            assert convolve(given, padding=found[0])[0] == found[1]
            assert found[1] == -(-given['size'] // given['stride'])
            assert ('gives' in words) == (found[0] == given['padding'])
            seen['gives'] += 1
        if found := numbers(r'Padding (\d+) makes it fit', words):
            assert convolve(given, padding=found[0])[0]
            assert not convolve(given, padding=found[0] - 1)[0]
            seen['fits'] += 1
        if found := numbers(r'kernel can be at most (\d+)', words):
            assert convolve(given, kernel=found[0])[0]
            assert not convolve(given, kernel=found[0] + 1)[0]
            assert not each['count'] and each['head'].startswith('Refused')
            seen['at most'] += 1
        if found := numbers(r'(\d+) layers of 3 × 3 see (\d+) × \2 too, .* = (\d+) weights '
                            r'for each channel, not (\d+)', words):
            layers, reach, few, many = found
            assert reach == given['kernel'] == 1 + 2 * layers
            assert few == 9 * layers < many == reach**2
            seen['not'] += 1
    assert all(count > 5 for count in seen.values()), seen


@pytest.mark.filterwarnings('ignore:Using padding=')   # torch: an even kernel makes it copy
@pytest.mark.parametrize('kernel, dilation', [(2, 1), (4, 1), (2, 3), (4, 5)])
def test_torch_pads_an_even_kernel_as_the_words_say(script, kernel, dilation):
    x, w = torch.rand(1, 1, 20), torch.rand(1, 1, kernel)
    words = script.evaluate('s => convcalc.notes(s).join(" ")',
                            state(size=20, kernel=kernel, dilation=dilation))
    ends = numbers(r'adds (\d+) at the left and (\d+) at the right', words)
    torch.testing.assert_close(F.conv1d(x, w, padding='same', dilation=dilation),
                               F.conv1d(F.pad(x, ends), w, dilation=dilation))


def test_what_the_words_say_of_unseen_cells_is_true(made, truth):
    for given, each, (count, times) in zip(GRID, made, truth):
        if not count: continue
        words, missed = each['notes'], each['unseen']
        last = 1 if 'The last cell is never' in words else numbers(r'last (\d+) cells are', words)
        assert np.sum(last or 0) == len(missed['right'])
        between = numbers(r'(\d+) cells? between the taps', words)
        assert np.sum(between or 0) == len(missed['between'])
        unread = 1 if 'last place of padding' in words else \
            (numbers(r'last (\d+) places of padding', words) or [0])[0]
        assert unread == (0 if missed['right'] else missed['padding'])
        if 'jumps over' in words: assert given['stride'] > each['e']
        if found := numbers(r'both multiples of (\d+)', words):
            assert found[0] == math.gcd(given['stride'], given['dilation']) > 1
        if found := numbers(r'(\d+) of (\d+) cells are never seen', each['square'][1]):
            assert found == [given['size']**2 - np.sum(times > 0)**2, given['size']**2]
        else: assert (times > 0).all()


SAYS = [
    ({}, '7 cells become 5 outputs.', ['Padding 1 keeps the size.']),
    ({'padding': 1}, '7 cells become 7 outputs: the size stays.',
     ['Padding 1 keeps the size: a window of 3 costs 2 places, and 1 at each end give them back.']),
    ({'size': 8, 'stride': 2}, '8 cells become 3 outputs.',
     ['The last cell is never seen: stride 2 does not divide r = 5.',
      'Padding 1 would give 8 / 2 = 4 outputs.']),
    ({'size': 1, 'kernel': 1}, '1 cell becomes 1 output: the size stays.',
     ['A kernel of 1 keeps the size without padding.']),
    ({'size': 5, 'kernel': 3, 'dilation': 4}, 'Refused: a window of 9 places does not fit into '
     '5 + 2·0 = 5.', ['Padding 2 makes it fit. Without more padding the kernel can be at most 2 '
                      'at dilation 4.']),
]


@pytest.mark.parametrize('changes, head, notes', SAYS)
def test_a_state_in_words(script, changes, head, notes):
    says = script.evaluate('s => [convcalc.summary(s), convcalc.notes(s)]', state(**changes))
    assert says == [head, notes]


def test_the_formula_step_by_step(script):
    lines = script.evaluate('s => convcalc.steps(s).map(each => each[1])',
                            state(size=9, stride=2, padding=1, dilation=2))
    assert lines == ['d·(k − 1) + 1 = 2·(3 − 1) + 1 = 5', 'n + 2p − e = 9 + 2·1 − 5 = 6',
                     '⌊r / s⌋ + 1 = ⌊6 / 2⌋ + 1 = 4']
    read = '([s, i]) => convcalc.readWords(s, i)'
    assert script.evaluate(read, [state(padding=1), 0]) == 'y[0] = w[0]·0 + w[1]·x[0] + w[2]·x[1]'
    assert script.evaluate(read, [state(kernel=7), 0]).endswith('w[1]·x[1] + … + w[6]·x[6]')


@pytest.mark.parametrize('name, count, words', [
    ('Same size', 7, 'keeps the size: a window of 3'), ('Halve', 4, 'gives 8 / 2 = 4 outputs'),
    ('Lost cell', 3, 'The last cell is never seen'), ('Even kernel', 6, 'No padding keeps'),
    ('Dilated', 9, '3 weights span 5 places'), ('See 7', 1, '3 layers of 3 × 3 see 7 × 7'),
    ('Too large', 0, 'Padding 1 makes it fit')])
def test_each_preset_shows_what_it_is_called_for(script, name, count, words):
    given = script.evaluate('name => convcalc.PRESETS[name]', name)
    assert convolve(given)[0] == count and given['position'] <= max(0, count - 1)
    assert words in script.evaluate('s => convcalc.notes(s).join(" ")', given)
    assert script.evaluate('s => convcalc.problem(s)', given) == ''


BAD = {
    'size must be a whole number from 1 to 32, not 0': {'size': 0},
    'kernel must be a whole number from 1 to 11, not "3"': {'kernel': '3'},
    'stride must be a whole number from 1 to 6, not 1.5': {'stride': 1.5},
    'padding must be a whole number from 0 to 8, not −1': {'padding': -1},
    'dilation must be a whole number from 1 to 5, not null': {'dilation': None},
    'position must be a whole number from 0 on, not [1]': {'position': [1]},
}


@pytest.mark.parametrize('words', BAD)
def test_a_bad_state_is_refused_with_a_sentence(script, words):
    assert words in script.evaluate('s => convcalc.problem(s)', state(**BAD[words]))


def test_good_states_are_not_refused(script, made):
    assert not any(each['problem'] for each in made)
    assert 'not missing' in script.evaluate('convcalc.problem({})')


def test_limits(script):
    check_limits(script, 'convcalc.problem', state(), {
        'size': (1, 32), 'kernel': (1, 11), 'stride': (1, 6), 'padding': (0, 8),
        'dilation': (1, 5)}, [{'position': 10**9}], [{'position': -1}, {'position': .5}])


# ---------------------------------------------------------------- on a page without Python

class Page:
    "A page made of explorables alone; remembers what it asked the network for, and its errors."
    def __init__(self, browser, html, width=700, motion='reduce'):
        self.context = browser.new_context(viewport={'width': width, 'height': 800},
                                           reduced_motion=motion)
        self.page, self.requests, self.errors = self.context.new_page(), [], []
        self.page.on('request', lambda request: self.requests.append(request.url))
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.page.set_content(f'<!doctype html><meta charset="utf-8"><body>{html}</body>')
        self.page.wait_for_selector('[data-explorable=convcalc]')

    def __enter__(self): return self
    def __exit__(self, *_): self.context.close()

    def text(self, selector): return self.page.locator(selector).all_inner_texts()
    def control(self, name): return self.page.get_by_role('slider', name=name, exact=True)
    def button(self, name): return self.page.get_by_role('button', name=name)
    def press(self, *keys):
        for key in keys: self.page.keyboard.press(key)
    def focused(self): return self.page.evaluate(FOCUSED)
    def tapped(self): return self.text('.cvc-tapped')


FOCUSED = '''() => {
  const at = document.activeElement;
  return at.getAttribute('aria-label') ?? at.textContent;
}'''


def test_page_is_live_and_asks_nobody(browser):
    with Page(browser, to_page('convcalc', state(padding=1), alt='windows on a strip')) as at:
        assert at.text('.cvc-head') == ['7 cells become 7 outputs: the size stays.']
        assert at.text('.cvc-input .cvc-cell') == ['−1', *'01234567']
        assert at.tapped() == ['−1', '0', '1'] and at.text('.cvc-chosen .cvc-label') == ['0']
        assert at.page.get_by_role('group', name='windows on a strip').count() == 1
        assert not [url for url in at.requests if not url.startswith(('blob:', 'data:', 'about:'))]
        assert not at.errors


def test_keyboard_alone_reaches_and_moves_everything(browser):
    with Page(browser, to_page('convcalc', state())) as at:
        seen = []
        for _ in range(15):
            at.press('Tab')
            seen.append(at.focused())
        assert seen == ['size', 'kernel', 'stride', 'padding', 'dilation', 'Same size', 'Halve',
                        'Lost cell', 'Even kernel', 'Dilated', 'See 7', 'Too large', 'Reset',
                        'Play', 'window']
        at.press('ArrowRight', 'ArrowRight', 'ArrowLeft')
        assert at.text('.cvc-reading') == ['y[1] = w[0]·x[1] + w[1]·x[2] + w[2]·x[3]']
        assert at.tapped() == ['1', '2', '3'] and at.text('.cvc-output .cvc-made') == ['0']
        at.press('End')
        assert at.text('.cvc-time .cvc-number') == ['y[4] of 5']
        at.control('kernel').focus()
        at.press('ArrowRight', 'ArrowUp')                # fewer windows: the last one is shown
        assert at.text('.cvc-time .cvc-number') == ['y[2] of 3']
        for name, key, texts in [('stride', 'ArrowRight', '75200'), ('padding', 'End', '75280'),
                                 ('dilation', 'ArrowUp', '75282'), ('size', 'ArrowLeft', '65282')]:
            at.control(name).focus()
            at.press(key)
            shown = at.text('.cvc-slider .cvc-number')
            assert shown == [*(texts[:4]), '2' if name in ('dilation', 'size') else '1']
        at.button('Too large').focus()
        at.press('Enter')
        assert at.text('.cvc-head')[0].startswith('Refused: a window of 7 places does not fit')
        assert at.text('.cvc-time .cvc-number') == ['no output'] and at.focused() == 'Too large'
        assert at.page.locator('.cvc-output .cvc-cell').count() == 0
        assert at.page.locator('.cvc-play[aria-disabled=true]').count() == 1
        at.button('Play').press('Enter')
        at.control('window').press('ArrowRight')
        at.button('Reset').focus()
        at.press('Space')
        assert at.text('.cvc-head') == ['7 cells become 5 outputs.'] and not at.errors


def test_each_slider_changes_the_picture_at_each_key(browser):
    given = state(size=20, padding=2, stride=2, dilation=2)
    with Page(browser, to_page('convcalc', given)) as at:
        look = "document.querySelector('.cvc-picture').outerHTML"
        for name in 'size', 'kernel', 'stride', 'padding', 'dilation', 'window':
            for key in 'ArrowRight', 'ArrowUp', 'ArrowLeft':
                before = at.page.evaluate(look)
                at.control(name).press(key)
                assert at.page.evaluate(look) != before
        assert not at.errors


def test_every_control_keeps_its_keys_from_jupyterlab(browser):
    with Page(browser, to_page('convcalc', state())) as at:
        free = at.page.locator('.cvc :is(input, button, [tabindex])'
                               ':not([data-lm-suppress-shortcuts=true])')
        assert free.count() == 0


def test_unseen_cells_are_marked(browser):
    with Page(browser, to_page('convcalc', state(size=8, stride=2))) as at:
        assert at.text('.cvc-missed .cvc-label') == ['7']
        assert at.text('.cvc-caption')[0] == 'input x · hatched: never seen'
        assert at.text('.cvc-square .cvc-note') == ['15 of 64 cells are never seen.']
        at.button('Halve').click()
        assert not at.text('.cvc-missed .cvc-label')
        assert at.page.locator('.cvc-button[aria-pressed=true]').all_inner_texts() == ['Halve']


def test_each_output_lies_under_the_middle_of_its_window(browser):
    with Page(browser, to_page('convcalc', state(kernel=4, padding=2, stride=2, position=1))) as at:
        middles = '''name => [...document.querySelectorAll(name)]
          .map(e => e.getBoundingClientRect()).map(box => box.left + box.width / 2)'''
        taps = at.page.evaluate(middles, '.cvc-tapped')
        for name in '.cvc-output .cvc-chosen', '.cvc-frame':
            assert at.page.evaluate(middles, name) == pytest.approx([np.mean(taps)], abs=.6)


def test_pointing_at_the_strip_moves_the_window(browser):
    with Page(browser, to_page('convcalc', state())) as at:
        box = at.page.locator('.cvc-strip').bounding_box()
        def go(cell): at.page.mouse.move(box['x'] + box['width'] * (cell + .5) / 7, box['y'] + 9)
        go(3)
        at.page.mouse.down()
        assert at.tapped() == ['2', '3', '4']
        go(6)
        at.page.mouse.up()
        go(1)
        assert at.tapped() == ['4', '5', '6'] and not at.errors


def test_the_window_plays_and_can_be_stopped(browser):
    with Page(browser, to_page('convcalc', state(size=32)), motion='no-preference') as at:
        at.button('Play').click()
        at.page.wait_for_function("document.querySelector('.cvc-time .cvc-number')"
                                  ".textContent === 'y[2] of 30'")
        at.button('Pause').click()
        shown = at.text('.cvc-time .cvc-number')
        at.page.wait_for_timeout(250)
        assert at.text('.cvc-time .cvc-number') == shown and at.button('Play').count() == 1
        at.control('window').fill('28')
        at.button('Play').click()
        at.page.wait_for_function("document.querySelector('.cvc-play').textContent === 'Play'")
        assert at.text('.cvc-time .cvc-number') == ['y[29] of 30'] and not at.errors
    with Page(browser, to_page('convcalc', state())) as at:      # no motion is wanted
        at.button('Play').click()
        assert at.text('.cvc-time .cvc-number') == ['y[4] of 5']


def test_two_copies_on_one_page_are_independent(browser):
    with Page(browser, to_page('convcalc', state()) * 2) as at:
        at.page.wait_for_function("document.querySelectorAll('.cvc-strip').length === 2")
        at.control('padding').nth(1).press('ArrowRight')
        at.button('Halve').nth(0).click()
        assert at.text('.cvc-head') == ['8 cells become 4 outputs.',
                                        '7 cells become 7 outputs: the size stays.']
        assert not at.errors


@pytest.mark.parametrize('width', [340, 700])
def test_fits(browser, width):
    states = [state(), state(size=32, padding=8, kernel=1), state(size=1, kernel=11, dilation=5),
              state(size=32, kernel=11, padding=8, stride=3, dilation=2), state(size=17, stride=2)]
    html = '<style>body { margin: 0 }</style>' + ''.join(to_page('convcalc', s) for s in states)
    with Page(browser, html, width) as at:
        at.page.wait_for_function('n => document.querySelectorAll(".cvc-strip").length === n',
                                  arg=len(states))
        outside = at.page.evaluate('''width => [...document.querySelectorAll('.cvc *')]
          .filter(e => e.getBoundingClientRect().right > width
            || e.getBoundingClientRect().left < 0).map(e => e.className)''', width)
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
  const behind = e => e ? [...behind(e.parentElement), getComputedStyle(e).backgroundColor]
    : ['#fff'];
  const contrast = (e, colour) => {
    const pair = [paint(behind(e)), paint([...behind(e), colour])].map(bright);
    const [low, high] = pair[0] < pair[1] ? pair : pair.reverse();
    return (high + 0.05) / (low + 0.05);
  };
  const written = [...document.querySelectorAll('.cvc *')].filter(e => e.checkVisibility()
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  const drawn = [...document.querySelectorAll('.cvc :is(.cvc-lines, .cvc-windows .cvc-now)')];
  return [written.map(e => [contrast(e, getComputedStyle(e).color), e.textContent]),
    drawn.map(e => [contrast(e, getComputedStyle(e).stroke), e.className.baseVal])];
}'''


@pytest.mark.parametrize('theme', THEMES)
def test_words_and_lines_stand_out_in_both_themes(browser, theme):
    style = ';'.join(f'--jp-{name}: {colour}' for name, colour in THEMES[theme].items())
    html = f'<style>body {{ {style} }}</style>' \
        + to_page('convcalc', state(size=12, padding=1, stride=2, dilation=2, position=2)) \
        + to_page('convcalc', state(kernel=9))
    with Page(browser, html) as at:
        at.page.wait_for_function("document.querySelectorAll('.cvc-strip').length === 2")
        written, drawn = at.page.evaluate(CONTRAST)
        assert len(written) > 60 and not [each for each in written if each[0] < 4.5]
        assert len(drawn) == 4 and not [each for each in drawn if each[0] < 3]


RENDER = '''([state, changes]) => {
  const told = new Map();
  const model = { get: key => state[key], save_changes() {},
    set(key, value) { state[key] = value; told.get('change:' + key)?.(); },
    on(event, tell) { told.set(event, tell); }, off(event) { told.delete(event); } };
  const el = document.body.appendChild(document.createElement('div'));
  const end = convcalc.default.render({ model, el });
  const look = () => [el.innerText.includes('cannot'),
    el.querySelector('.cvc-time .cvc-number')?.textContent];
  const seen = [look()];
  for (const change of changes) {
    for (const [key, value] of Object.entries(change)) model.set(key, value);
    seen.push(look());
  }
  el.querySelector('.cvc-reset').click();
  end();
  el.remove();
  return { seen, listeners: told.size, state };
}'''


def test_python_can_change_everything(script):
    made = script.evaluate(RENDER, [state(), [
        {'size': 9}, {'kernel': 5}, {'position': 3}, {'stride': 2}, {'padding': 2},
        {'dilation': 4}, {'dilation': 0}, {'dilation': 1}, {'position': 99}, {'kernel': 1}]])
    assert made['seen'] == [
        [False, 'y[0] of 5'], [False, 'y[0] of 7'], [False, 'y[0] of 5'], [False, 'y[3] of 5'],
        [False, 'y[2] of 3'], [False, 'y[3] of 5'], [False, 'no output'], [True, 'no output'],
        [False, 'y[3] of 5'], [False, 'y[4] of 5'], [False, 'y[6] of 7']]
    assert made['listeners'] == 0 and made['state'] == state()


def test_a_bad_start_becomes_a_picture_when_it_is_mended(script):
    made = script.evaluate(RENDER, [state(stride=0), [{'stride': 3}]])
    assert made['seen'] == [[True, None], [False, 'y[0] of 2']]


def test_a_bad_state_is_a_sentence_on_the_page(browser):
    with Page(browser, to_page('convcalc', {'size': None})) as at:
        assert at.text('.cvc-trouble') == ['This cannot be drawn. size must be a whole number '
                                           'from 1 to 32, not null.']
        assert not at.errors


ANSWER_TIMES = '''async name => {
  const slider = document.querySelector(`[aria-label=${name}]`);
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let i = 0; i < 20; i++) {
    await frame();
    const start = performance.now();
    slider.value = Number(slider.value) + (i % 2 ? -1 : 1);   // what the browser does for a key
    slider.dispatchEvent(new Event('input'));
    document.querySelector('.cvc-words').getBoundingClientRect();  // style and layout are done
    times.push(performance.now() - start);
  }
  return times;
}'''


def test_answers_a_key_at_once(browser):
    with Page(browser, to_page('convcalc', state(size=31, padding=8, stride=1, kernel=3))) as at:
        medians = [np.median(at.page.evaluate(ANSWER_TIMES, name)) for name in ('size', 'window')]
        print('\nkey press to changed picture, 45 windows: size {:.1f} ms, window {:.1f} ms '
              '(goal: 16)'.format(*medians))
        assert max(medians) <= 50


# ---------------------------------------------------------------- rules of the house

def test_script_and_style_keep_the_rules():
    javascript, css = read_script('convcalc')
    assert max(map(len, (javascript + css).splitlines())) <= 100
    classes = set(re.findall(r'\.([a-z][\w-]*)(?=[\s.:,{\[])', re.sub(r'/\*.*?\*/', '', css)))
    assert classes and all(name == 'cvc' or name.startswith('cvc-') for name in classes)
    assert 'http' not in javascript.replace('http://www.w3.org/2000/svg', '')

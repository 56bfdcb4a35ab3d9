"""Every notebook, run whole and alone in JupyterLab in a real browser; its explorables answer."""
import json
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.append(str(Path(__file__).resolve().parents[1] / 'tools'))
from notebooks import ROOT, notebooks  # noqa: E402

NOTEBOOKS = {nb.path.relative_to(ROOT / 'nbs').as_posix(): nb for nb in notebooks(ROOT)}
EXPLORABLE = '.jp-OutputArea [data-explorable]'


def answers(explorable):
    "Does it change when a key is pressed on its controls?"
    turned = explorable.locator(', '.join(f'{control}:visible' for control in (
        'input[type=range]', '[role=slider]', '[role=spinbutton]')))
    controls = turned if turned.count() else explorable.locator('button:enabled')
    for i in range(min(3, controls.count())):
        before = explorable.inner_html()
        value = controls.nth(i).evaluate('control => control.value')
        for key in 'ArrowRight', 'ArrowUp':
            controls.nth(i).press(key)
        after = controls.nth(i).evaluate('control => control.value')
        if explorable.inner_html() != before or after != value:
            return True
    return False


LOADED = '''import json, sys
print(json.dumps([name for name in sys.modules if name.startswith("course_lib.")]))'''


def not_allowed(nb, loaded):
    "Those of the loaded modules that a notebook may not use: its own, later and unknown ones."
    lower = {n.module for n in NOTEBOOKS.values() if n.number and n.number < (nb.number or 0)}
    return {name for name in loaded
            if name.split('.')[0] not in ('workbench', '_modidx') and name not in lower}


@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_notebook_runs_and_its_explorables_answer(labpage, notebook):
    labpage.open(notebook)
    errors = labpage.run_all()
    assert not errors, errors
    loaded = [name.removeprefix('course_lib.') for name in json.loads(labpage.printed(LOADED))]
    assert not not_allowed(NOTEBOOKS[notebook], loaded), 'workbench and lower numbers are allowed'
    explorables = labpage.page.locator(EXPLORABLE)
    expect(explorables).to_have_count(labpage.count_explorables(), timeout=10_000)  # soon drawn
    for i in range(explorables.count()):
        explorable = explorables.nth(i)
        is_page = explorable.evaluate('e => Boolean(e.closest(".jp-RenderedHTML"))')
        assert not is_page, 'the widget must win over its page'
        name = explorable.get_attribute('data-explorable')
        assert answers(explorable), f'{name} (number {i}) does not answer a key'
    mute = labpage.page.locator('.jp-OutputArea img:not([alt]), .jp-OutputArea img[alt=""]')
    assert mute.count() == 0, 'a picture has no text for those who cannot see it'
    assert not labpage.page_errors, labpage.page_errors


def test_the_rule_on_modules():
    third = NOTEBOOKS['03_losses.ipynb']
    assert not not_allowed(third, ['workbench', 'workbench.core', '_modidx', 'tensors', 'autograd'])
    assert not_allowed(third, ['losses', 'layers', 'unknown']) == {'losses', 'layers', 'unknown'}
    assert not_allowed(NOTEBOOKS['workbench/core.ipynb'], ['tensors']) == {'tensors'}


BUSY = '''() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.requestExecute({ code: 'import time; time.sleep(2)', store_history: false });
}'''


def test_a_guess_is_kept_by_the_keyboard_alone(labpage):
    "Also while the kernel is busy, when ipywidgets holds back all but the first change of a field."
    labpage.open('00_start.ipynb')
    assert not labpage.run_all()
    labpage.page.wait_for_timeout(500)  # views are drawn, and Lab has moved its focus
    field = labpage.page.locator('.jp-OutputArea input[type=text]').first
    button = labpage.page.get_by_role('button', name='Keep my guess')
    for guesses in (['28'], ['29', '301']):
        labpage.page.evaluate(BUSY)
        for guess in guesses:
            field.fill('')
            field.press_sequentially(guess)
            assert field.input_value() == guess, 'the notebook took a key'
            field.press('Tab')
            assert button.evaluate('button => button === document.activeElement')
            button.press('Enter')
        labpage.page.get_by_text(f'Kept: {guesses[-1]}').wait_for(timeout=10_000)
    field.fill('27.5')
    field.press('Enter')
    labpage.page.get_by_text('Kept: 27.5').wait_for(timeout=10_000)


WRONG = '''def row_shares(counts):
    return counts / counts.sum(axis=0)

ex_shares.check(row_shares)'''
RIGHT = WRONG.replace('axis=0', 'axis=1, keepdims=True')


def test_an_exercise_is_answered_and_stays_so(labpage):
    "To do, named mistake, correct; the map counts it, also when Lab was closed in between."
    labpage.open('01_tensors.ipynb')
    stored = labpage.page.get_by_text('returns nothing yet')     # read before a cell has run
    stored.first.wait_for(state='attached', timeout=30_000)
    for cell in 'imports', 'lesson-imports', 'ex-channels-check', 'ex-shares-check':
        labpage.run_cell(cell)
    assert 'To do' in labpage.run_cell('ex-shares-stub')
    answer = labpage.run_cell('ex-shares-stub', WRONG)
    assert 'divides each column' in answer and 'Not yet' in answer, answer
    labpage.open('00_start.ipynb')
    before = labpage.run_cell('map')
    labpage.open('01_tensors.ipynb')
    for cell in 'imports', 'lesson-imports', 'ex-channels-check', 'ex-shares-check':
        labpage.run_cell(cell)
    assert 'Correct' in labpage.run_cell('ex-shares-stub', RIGHT)
    labpage.shut_down()
    labpage.open('00_start.ipynb')
    after = labpage.run_cell('map')
    assert '0 of 8' in before and '1 of 8' not in before and '1 of 8' in after, (before, after)

"""Every notebook, run whole in JupyterLab in a real browser; and its explorables answer."""
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path.relative_to(ROOT / 'nbs').as_posix()
                   for path in (ROOT / 'nbs').rglob('*.ipynb')
                   if '.ipynb_checkpoints' not in path.parts)
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


@pytest.mark.parametrize('notebook', NOTEBOOKS)
def test_notebook_runs_and_its_explorables_answer(labpage, notebook):
    labpage.open(notebook)
    errors = labpage.run_all()
    assert not errors, errors
    labpage.page.wait_for_timeout(500)  # views are drawn after their cell is done
    explorables = labpage.page.locator(EXPLORABLE)
    assert explorables.count() == labpage.count_explorables()
    for i in range(explorables.count()):
        explorable = explorables.nth(i)
        is_page = explorable.evaluate('e => Boolean(e.closest(".jp-RenderedHTML"))')
        assert not is_page, 'the widget must win over its page'
        name = explorable.get_attribute('data-explorable')
        assert answers(explorable), f'{name} (number {i}) does not answer a key'
    mute = labpage.page.locator('.jp-OutputArea img:not([alt]), .jp-OutputArea img[alt=""]')
    assert mute.count() == 0, 'a picture has no text for those who cannot see it'
    assert not labpage.page_errors, labpage.page_errors


def test_a_guess_is_kept_by_the_keyboard_alone(labpage):
    "The buttons of a prediction take the focus and Enter; the notebook does not take the key."
    labpage.open('00_start.ipynb')
    assert not labpage.run_all()
    labpage.page.wait_for_timeout(500)  # views are drawn, and Lab has moved its focus
    field = labpage.page.locator('.jp-OutputArea input[type=text]').first
    field.press_sequentially('28')
    field.press('Tab')
    button = labpage.page.get_by_role('button', name='Keep my guess')
    assert button.evaluate('button => button === document.activeElement')
    button.press('Enter')
    labpage.page.get_by_text('Kept: 28').wait_for(timeout=10_000)

"What the tests of explorables share: a script as a module in a page, and Lab's two themes."
import math

from course_lib.workbench.explorables import read_script

IMPORT = '''async ([source, name]) => {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  window[name] = await import(url);
}'''
THEMES = {
    'light': {'content-font-color1': 'rgba(0, 0, 0, .87)',
              'content-font-color2': 'rgba(0, 0, 0, .54)', 'border-color1': '#bdbdbd',
              'border-color2': '#e0e0e0', 'layout-color0': '#fff', 'layout-color1': '#fff'},
    'dark': {'content-font-color1': '#fff', 'content-font-color2': 'rgba(255, 255, 255, .7)',
             'border-color1': '#616161', 'border-color2': '#424242', 'layout-color0': '#111',
             'layout-color1': '#212121'}, 'none': {}}


def import_script(page, script, name):
    "Make the module of the explorable `script` the page's variable `name`."
    page.evaluate(IMPORT, [read_script(script)[0], name])


def beyond(low, high):
    "What a number from `low` to `high`, a whole one where they are, must not be."
    outside = [low - 1, high + 1, low + .5] if isinstance(low, int) else [
        math.nextafter(low, -math.inf), math.nextafter(high, math.inf)]
    return [*outside, math.nan, str(high), [low], None]


def check_limits(script, problem, good, limits, allowed=(), refused=()):
    """The JavaScript function `problem` allows the state `good` with each change in `allowed` and
    with the ends of `limits`, {key: (low, high)}; it refuses what lies beyond, and `refused`."""
    allowed = [{}, *({key: end} for key, ends in limits.items() for end in ends), *allowed]
    refused = [*({key: x} for key, ends in limits.items() for x in beyond(*ends)), *refused]
    said = script.evaluate(f'states => states.map(s => ({problem})(s))',
                           [good | changes for changes in (*allowed, *refused)])
    wrong = [changes for changes, words in zip(allowed, said) if words]
    missed = [changes for changes, words in zip(refused, said[len(allowed):]) if not words]
    assert (wrong, missed) == ([], [])

"What the tests of explorables share: a script as a module in a page, and Lab's two themes."
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

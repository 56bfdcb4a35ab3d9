"How Sphinx makes the static book out of what tools/book.py lays into one folder."
import configparser
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[1]
settings = configparser.ConfigParser(interpolation=None)
settings.read(ROOT / 'settings.ini', encoding='utf-8')
facts = settings['DEFAULT']

project = html_title = facts['title']
author, release = facts['author'], facts['version']
copyright = f'{facts["copyright"].split()[0]} onwards, {author}'  # noqa: A001, Sphinx's own name

extensions = ['myst_nb', 'sphinx_copybutton']
exclude_patterns = []
nb_execution_mode = 'off'
nb_merge_streams = True
nb_code_prompt_show = 'Show the code'
nb_code_prompt_hide = 'Hide the code'
myst_enable_extensions = ['dollarmath', 'amsmath']
nb_render_markdown_format = 'myst'  # a cell's Markdown output as the text around it: tables
myst_heading_anchors = 3
mathjax_path = 'mathjax/tex-chtml.js'
mathjax_options = {'defer': 'defer'}

html_theme = 'furo'
html_static_path = ['static', '_build/static']
html_favicon = 'static/favicon.svg'
html_css_files = ['book.css']
html_js_files = ['book.js']
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which a book opened from a file cannot
templates_path = []
pygments_style, pygments_dark_style = 'a11y-high-contrast-light', 'github-dark-high-contrast'

# Furo's pages, mended where axe-core finds a fault: headings need a level, asides a name, each page
# a title, a head of a table words; and what is read aloud is what is to be seen.
MENDS = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    '<th class="head"><p></p></th>': '<td></td>',
    '<th class="head text-right"><p></p></th>': '<td></td>',
    '<summary aria-label="Toggle hidden content">': '<summary>',
    '<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
}


class PlainQuotes(SphinxTransform):
    "In what cells show and in docstrings a quote may be code: it stays as it is."
    default_priority = 700  # before the quotes of the text are set

    def apply(self):
        parts = self.document.findall(nodes.container)
        shown = [part for part in parts if 'cell_output' in part['classes']]
        for part in [self.document] if self.env.docname.startswith('api/') else shown:
            part['support_smartquotes'] = False


# a formula in a line, and what may not begin the next one
TOGETHER = re.compile(r'(<span class="math notranslate nohighlight">[^<]*</span>[,.;:?!)]+)')


def mend(app, error):
    "Replace what is faulty in each finished page."
    for path in Path(app.outdir).rglob('*.html') if error is None else ():
        text = path.read_text(encoding='utf-8')
        for fault, right in MENDS.items():
            text = text.replace(fault, right)
        text = TOGETHER.sub(r'<span class="book-together">\1</span>', text)
        path.write_text(text, encoding='utf-8')


def setup(app):
    app.add_transform(PlainQuotes)
    app.connect('build-finished', mend)

"""Build the static web book in book/_build/html, from the notebooks and their stored outputs.

    python tools/book.py

What Sphinx reads is laid out in book/_build/source: the notebooks without what only nbdev needs,
the map as front page, a page for each module's interface, and the questions that the course answers.
"""
import importlib
import inspect
import re
import shutil
import sys
import time
import tomllib
from pathlib import Path
from urllib.parse import unquote

import nbformat
from fastcore.docments import docments
from sphinx.cmd.build import build_main

from notebooks import DIRECTIVE, ROOT, WIDGET_VIEW, notebooks, text_of

sys.path.insert(0, str(ROOT))
from course_lib.workbench.exercises import chapter_facts  # noqa: E402

BOOK = ROOT / 'book'
SOURCE, OUT = BOOK / '_build' / 'source', BOOK / '_build' / 'html'
MATHJAX = 'tex-chtml.js', 'output/chtml/fonts/woff-v2'
HIDDEN = {'hide', 'hide-input'}


# --- the notebooks -------------------------------------------------------------------------------
def without_directives(source):
    return re.sub(r'^\s*#\s*\|.*\n?', '', source, flags=re.M)


def slug(anchor):
    "MyST's name of a heading, from JupyterLab's, which keeps capitals and commas."
    return re.sub(r'[^\w-]', '', unquote(anchor).lower())


def for_myst(text):
    "Markdown with the marks and links of the course as MyST writes them."
    text = re.sub(r'^(.*)<a id="(ledger-\w+)"></a>', lambda a: f'({a[2].lower()})=\n{a[1]}', text,
                  flags=re.M)
    text = re.sub(r'\]\([\w./]*#(ledger-\w+)\)', lambda a: f'](#{a[1].lower()})', text)
    return re.sub(r'\]\(([\w./]*)#(?!ledger)([^)\s]+)\)', lambda a: f']({a[1]}#{slug(a[2])})', text)


def for_the_book(cell):
    "A cell as the book shows it: no directives, the hidden ones folded; None for an empty one."
    if cell.cell_type != 'code':
        cell.source = for_myst(cell.source)
        return cell
    directives = {m[1] for line in cell.source.splitlines() if (m := DIRECTIVE.match(line))}
    cell.source = without_directives(cell.source)
    if not cell.source.strip():
        return None
    if 'hide' in directives:
        cell.metadata.tags = [*cell.metadata.get('tags', []), 'hide-input']
    if 'solution' in cell.metadata.get('tags', []):
        what = 'solution' if '.prove(' in cell.source else 'check'
        cell.metadata.mystnb = {f'code_prompt_{do.lower()}': f'{do} the {what}'
                                for do in ('Show', 'Hide')}
    for output in cell.outputs:
        data = output.get('data', {})
        data.pop(WIDGET_VIEW, None)
        if 'text/html' in data:
            data['text/html'] = re.sub(r'(href="[\w/]+)\.ipynb"', r'\1.html"',
                                       text_of(data['text/html']))
    return cell


def write_notebook(nb, target):
    "One notebook of the course, made ready for the book."
    book = nbformat.read(nb.path, as_version=4)
    book.cells = [cell for cell in map(for_the_book, book.cells) if cell is not None]
    book.metadata.language_info = {'name': 'python'}
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, target)


# --- the interface -------------------------------------------------------------------------------
def public(module):
    "What a module defines for others and says something about, in the order of its source."
    named = [getattr(module, name) for name in module.__all__]
    return [thing for thing in named
            if callable(thing) and getattr(thing, '__module__', '') == module.__name__
            and (own_words(thing) or inspect.isclass(thing) and methods(thing))]


def methods(kind):
    "The public methods of a class."
    return [(name, member) for name, member in vars(kind).items()
            if inspect.isfunction(member) and not name.startswith('_')]


def own_words(thing):
    "The docstring, unless it is that of another class."
    doc = vars(thing).get('__doc__') if inspect.isclass(thing) else thing.__doc__
    return inspect.cleandoc(doc or '')


def plain(text):
    "Part of a signature, with names where Python writes whole paths and addresses."
    text = re.sub(r'<function [^ ]*<lambda> at \w+>', '...', text)
    text = re.sub(r"<(?:class|function) '?([\w.]+)[^>]*>", r'\1', text)
    return re.sub(r'\b(?:course_lib|pathlib|sqlite3)\.(?:\w+\.)*|\bnumpy\.(?=ndarray)', '', text)


def signature(thing, name, bound=False):
    "How `thing` is called: a line, or a line a parameter where there are comments or no room."
    call, notes = inspect.signature(thing), docments(thing)
    parameters = list(call.parameters.values())[bound:]
    line = plain(name + str(call.replace(parameters=parameters)))
    if len(line) <= 88 and not any(notes.values()):
        return line
    lines, named = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not named:
            lines.append(('*,', None))
        named |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        lines.append((plain(f'{parameter},'), notes.get(parameter.name)))
    width = max(len(code) for code, _ in lines)
    inside = [f'    {code:{width}}  # {note}' if note else f'    {code}' for code, note in lines]
    end = plain(str(call.replace(parameters=[]))[1:])
    end += f'  # {notes["return"]}' if notes.get('return') else ''
    return '\n'.join([f'{name}(', *inside, end])


def described(thing, name, level, bound=False):
    "One function, class or method: heading, signature, and its words."
    call = signature(thing, name.split('.')[-1], bound)
    return f'{"#" * level} `{name}`\n\n```python\n{call}\n```\n\n{own_words(thing)}\n'


def interface(nb):
    "The page of a module: what it is for, and everything that it gives to others."
    module = importlib.import_module(f'course_lib.{nb.module}')
    parts = [f'# `course_lib.{nb.module}`\n\n{module.__doc__}\n\nBuilt in '
             f'[{title(nb)}](../{link(nb)}).\n']
    for thing in public(module):
        parts.append(described(thing, thing.__name__, 2))
        if not inspect.isclass(thing):
            continue
        if bases := [f'`{base.__name__}`' for base in thing.__bases__ if base not in (object, tuple)]:
            parts.append(f'Built on {", ".join(bases)}.\n')
        if brief := [f'`{signature(m, n, True)}`' for n, m in methods(thing) if not m.__doc__]:
            parts.append(f'With {", ".join(brief)}.\n')
        parts += [described(m, f'{thing.__name__}.{name}', 3, True)
                  for name, m in methods(thing) if m.__doc__]
    return '\n'.join(parts)


# --- pages of our own ----------------------------------------------------------------------------
def title(nb):
    number = f'{nb.number:02} ' if nb.number else ''
    return number + chapter_facts(nb.path)['title']


def link(nb):
    return nb.path.relative_to(ROOT / 'nbs').as_posix()


def tree(caption, pages):
    "A part of the table of contents; `pages` are (title, document)."
    lines = '\n'.join(f'{words} <{page}>' for words, page in pages)
    return f'```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n'


def front_page(books):
    "The map: each chapter with what it builds."
    facts = [(nb, chapter_facts(nb.path)) for nb in books if nb.number]
    rows = '\n'.join(f'| [{title(nb)}]({link(nb)}) | {about["summary"]} |' for nb, about in facts)
    page = (BOOK / 'front.md').read_text(encoding='utf-8').replace('{{map}}', rows)
    start = [('Questions answered', 'questions'), ('For a class', 'class')]
    chapters = [(title(nb), link(nb).removesuffix('.ipynb')) for nb in books if nb.number]
    tools = [(title(nb), link(nb).removesuffix('.ipynb')) for nb in books if nb.number is None]
    modules = [(nb.module, f'api/{nb.module}') for nb in books if nb.module]
    return '\n'.join([page, tree('Start', [('How to use it', '00_start'), *start]),
                      tree('Chapters', chapters), tree('Interface', modules),
                      tree('Workbench', tools)])


def anchors(books):
    "Where each question of the ledger is answered: its name → the notebook."
    return {name: nb for nb in books for cell in nb.cells
            for name in re.findall(r'<a id="ledger-(\w+)">', cell.source)}


def questions(books):
    "Each claim and question of the study notes, with its verdict and a link to the cell."
    where, rows = anchors(books), []
    asked = tomllib.loads((BOOK / 'questions.toml').read_text(encoding='utf-8'))
    if missing := where.keys() - asked.keys():
        raise SystemExit(f'book/questions.toml has no entry for {", ".join(sorted(missing))}')
    for name, nb in where.items():
        entry = asked[name]
        rows.append(f'| {entry["asked"]} | **{entry["verdict"]}** | {entry["answer"]} '
                    f'[{title(nb)}](#ledger-{name.lower()}) |')
    head = (BOOK / 'questions.md').read_text(encoding='utf-8')
    return head.replace('{{questions}}', '\n'.join(rows))


# --- all of it -----------------------------------------------------------------------------------
def lay_out(books):
    "Write everything that Sphinx reads into a fresh folder."
    shutil.rmtree(SOURCE.parent, ignore_errors=True)
    (SOURCE / 'api').mkdir(parents=True)
    for nb in books:
        write_notebook(nb, SOURCE / link(nb))
        if nb.module:
            (SOURCE / 'api' / f'{nb.module}.md').write_text(interface(nb), encoding='utf-8')
    (SOURCE / 'index.md').write_text(front_page(books), encoding='utf-8')
    (SOURCE / 'questions.md').write_text(questions(books), encoding='utf-8')
    (SOURCE / 'class.md').write_text(
        (BOOK / 'class.md').read_text(encoding='utf-8').replace('](../nbs/', ']('), encoding='utf-8')
    copy_mathjax(SOURCE.parent / 'static' / 'mathjax')


def copy_mathjax(target):
    "The script that sets formulas, with its letters, so that nothing is fetched."
    package = importlib.util.find_spec('sphinx-mathjax-offline').submodule_search_locations[0]
    for name in MATHJAX:
        source = Path(package, 'static', 'mathjax', name)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target / name)


def main():
    "Build the book; say where it is, how large, and how long it took."
    start = time.perf_counter()
    lay_out(notebooks(ROOT))
    failed = build_main(['-q', '-W', '--keep-going', '-j', 'auto', '-c', str(BOOK),
                         '-d', str(SOURCE.with_name('doctrees')), str(SOURCE), str(OUT)])
    size = sum(path.stat().st_size for path in OUT.rglob('*') if path.is_file())
    print(f'{OUT.relative_to(ROOT)}/index.html: {size / 1e6:.1f} MB '
          f'in {time.perf_counter() - start:.1f} s')
    return failed


if __name__ == '__main__':
    sys.exit(main())

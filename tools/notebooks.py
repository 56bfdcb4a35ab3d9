"""Reading the course's notebooks: cells, exports, tests, and what outputs may not hold."""
import ast
import json
import re
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json'
DIRECTIVE = re.compile(r'\s*#\s*\|\s*([\w-]+)')
EXPORTS = {'export', 'exports', 'exporti'}
TEST_NAME = re.compile(r'test_|assert_|check_|gradcheck|sweep|prove$|.*parity')
# written as alternatives, so that no such path stands in this file
MACHINE_PATH = re.compile(
    r'(?<![\w.~)}\]+-])/(?:home|root|tmp|Users|work|farm|mnt)/[\w.]|\b[CD]:\\+\w')
BAD_TEXT = {
    re.compile(r'\b\w*Warning:'): 'a warning: mend its cause, or catch it and show it as a lesson',
    re.compile(r'^Traceback \(most recent', re.M): 'a printed error: mend the cell',
    re.compile(r'\bat 0x[0-9a-fA-F]{4,}'):
        'a memory address: end the line with ; or give the object a readable repr',
    re.compile(MACHINE_PATH.pattern + r'|\bsite-packages\b'):
        'an absolute path: show path.name or a relative path',
}


def text_of(value):
    "Notebook text, which is stored as a string or as a list of lines."
    return value if isinstance(value, str) else ''.join(value)


def parse(source):
    "The syntax tree of a cell, its magics left out; empty where it is not Python."
    for text in (source, re.sub(r'^\s*[%!].*', '', source, flags=re.M)):
        try:
            return ast.parse(text)
        except SyntaxError:
            continue
    return ast.Module([], [])


def make_cell(raw, notebook_name, position):
    "One cell: kind, source, tags, outputs, directives, tree, and `where` for messages."
    source, code = text_of(raw['source']), raw['cell_type'] == 'code'
    metadata, lines = raw.get('metadata', {}), source.splitlines()
    found = [DIRECTIVE.match(line) for line in lines] if code else []
    return SimpleNamespace(
        id=raw.get('id'), code=code, source=source, lines=lines, metadata=metadata, raw=raw,
        where=f"{notebook_name}[{raw.get('id') or position}]", tags=metadata.get('tags', []),
        outputs=raw.get('outputs', []), directives=[m[1] for m in found if m],
        tree=parse(source) if code else ast.Module([], []))


@lru_cache(maxsize=256)
def read(path, name, modified):
    "One notebook: name (from the root), number (None in the workbench), module, cells."
    try:
        raw = json.loads(path.read_text(encoding='utf-8'))
        cells = [make_cell(c, name, i) for i, c in enumerate(raw['cells'])]
    except (ValueError, KeyError) as error:
        raise ValueError(f'{name}: not a notebook ({error}): restore it from git') from None
    exports = [m[1] for c in cells if c.code
               for m in re.finditer(r'^#\|\s*default_exp\s+(\S+)', c.source, re.M)]
    digits = re.match(r'\d\d(?=_)', path.name)
    number = int(digits[0]) if digits and path.parent.name == 'nbs' else None
    return SimpleNamespace(
        path=path, name=name, number=number, cells=cells, code=[c for c in cells if c.code],
        modules=exports, module=exports[0] if exports else None, metadata=raw['metadata'])


def notebook_paths(root):
    "The notebooks of the course, in order."
    found = sorted(Path(root, 'nbs').rglob('*.ipynb'))
    return [p for p in found if not any(part[0] in '._' for part in p.relative_to(root).parts)]


def notebooks(root):
    "Every notebook of the course, read."
    return [read(p, p.relative_to(root).as_posix(), p.stat().st_mtime_ns)
            for p in notebook_paths(root)]


def all_cells(root):
    return [cell for nb in notebooks(root) for cell in nb.cells]


def chapters(root):
    "The numbered notebooks but 00."
    return [nb for nb in notebooks(root) if nb.number]


def calls(tree):
    "The names called in `tree`: `f` for f(...), and for x.f(...)."
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [getattr(f, 'id', getattr(f, 'attr', '')) for f in called]


def is_export(cell):
    return bool(EXPORTS & set(cell.directives))


def defines(cell):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in cell.tree.body)


def is_test(cell):
    "Does this visible cell, outside the exports, hold something that can fail?"
    if is_export(cell) or 'hide' in cell.directives or 'solution' in cell.tags:
        return False
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(cell.tree))
    return asserts or any(TEST_NAME.match(name) for name in calls(cell.tree))


def texts(output):
    "Every text of an output."
    parts = [output.get('text', '')] + [
        value for kind, value in output.get('data', {}).items()
        if kind.startswith('text/') or 'svg' in kind or 'json' in kind]
    return [p if isinstance(p, (str, list)) else json.dumps(p) for p in parts]


def bad_output(output):
    "What must not be stored in an output: an error, a warning, a path, a memory address."
    if output['output_type'] == 'error':
        return [f"an error, {output['ename']}: {output['evalue']}: mend the cell"]
    return [f'{message} ({found[0].strip()!r})' for text in map(text_of, texts(output))
            for pattern, message in BAD_TEXT.items() if (found := pattern.search(text))]

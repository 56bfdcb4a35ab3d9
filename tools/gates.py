"""The rules of the course, each as a small check that says what to do.

    python tools/gates.py       a table of all gates, then the problems; exit 1 if there are any

A gate is a function `gate_x(root)` that returns a list of problems, as text: where, what, and what
to do. Its docstring is its rule. `check_all(root)` runs every gate.
"""
import ast
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from notebooks import (
    DIRECTIVE, EXPORTS, MACHINE_PATH, ROOT, WIDGET_VIEW, all_cells, bad_output, calls, chapters,
    defines, is_export, is_test, notebooks, text_of)

LIB = 'course_lib'
DIRECTIVES = EXPORTS | {'default_exp', 'hide', 'eval', 'echo', 'output'}
MANY_EXERCISES = {1: 5, 2: 5, 3: 5, 7: 6, 8: 6}  # the other chapters: four
FOREIGN = re.compile(r'(?<![\w.-])/(?:work|farm)/'
                     r'|\b(?:pypi|pythonhosted|npmjs|anaconda|crates)\.(?:org|com|io)\b')


# --- the architecture ----------------------------------------------------------------------------
def imported(cell, known):
    "The course's modules that a cell imports, without the library's name."
    names = []
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module.removeprefix(f'{LIB}.') in known
            names += [node.module] if inside else [f'{node.module}.{a.name}' for a in node.names]
    return [name.removeprefix(f'{LIB}.') for name in names if name.startswith(f'{LIB}.')]


def import_problem(nb, module, owners):
    "Why the notebook may not import `module`, or None."
    owner = owners.get(module)
    if owner is None:
        private = module.split('.')[-1].startswith('_')
        return None if private else 'which no notebook exports: name an exported module'
    if owner is nb:
        return 'which it exports itself: use the names defined above, they are the same code'
    if owner.number is None:
        return None
    if nb.number is None:
        return 'a chapter: the workbench imports no chapter; move the code, or pass it in'
    return None if owner.number < nb.number else f'number {owner.number}: import lower numbers only'


def gate_lower_numbers(root):
    "a chapter imports only the workbench and lower numbers; the workbench no chapter"
    books = notebooks(root)
    owners = {nb.module: nb for nb in books if nb.module}
    found = [(cell, module, import_problem(nb, module, owners))
             for nb in books for cell in nb.code for module in imported(cell, owners)]
    return [f'{cell.where}: imports {LIB}.{module}, {why}' for cell, module, why in found if why]


def gate_one_module(root):
    "one notebook, one module, one number"
    books, problems = notebooks(root), []
    for nb in books:
        if len(nb.modules) > 1:
            problems.append(f'{nb.name}: has {len(nb.modules)} default_exp: keep one, or split it')
        if not nb.modules and any(is_export(c) for c in nb.code):
            problems.append(f'{nb.name}: exports without `#| default_exp NAME`: add it as 2nd cell')
        if nb.path.parent.name == 'nbs' and nb.number is None:
            problems.append(f'{nb.name}: has no number: name it NN_name.ipynb')
    for what, values in (('module', [m for nb in books for m in nb.modules]),
                         ('number', [nb.number for nb in books if nb.number is not None])):
        problems += [f'{what} {v} belongs to {n} notebooks: rename all but one'
                     for v, n in Counter(values).items() if n > 1]
    return problems


def gate_stale(root):
    "each module comes from a notebook, each notebook's module is there"
    lib = Path(root, LIB)
    there = {'.'.join(p.relative_to(lib).with_suffix('').parts) for p in lib.rglob('*.py')
             if p.name not in ('__init__.py', '_modidx.py')}
    owed = {nb.module for nb in notebooks(root) if nb.module}
    return ([f'{LIB}/{m.replace(".", "/")}.py: no notebook exports it: delete it'
             for m in sorted(there - owed)]
            + [f'{LIB}: module {m} is missing: run nbdev_export' for m in sorted(owed - there)])


# --- cells ---------------------------------------------------------------------------------------
def gate_tests(root):
    "a visible test after each exported definition (or run of three cells at most)"
    problems = []
    for nb in notebooks(root):
        untested, in_a_row = [], False  # export cells in a row: one definition, in pieces
        for cell in nb.code + [None]:
            defined = cell is not None and is_export(cell) and defines(cell)
            if defined and in_a_row and len(untested) < 3:
                untested.append(cell)
            elif untested and (cell is None or defined):
                problems.append(f'{untested[0].where}: no test before the next definition: add a '
                                'visible cell with assert, test_…, gradcheck or parity')
                untested = [cell] if defined else []
            elif defined:
                untested = [cell]
            elif cell is not None and is_test(cell):
                untested = []
            in_a_row = defined and bool(untested)
    return problems


def count_words(source):
    "Words of prose: no code, tables, pictures, headings or tags; a formula is one word."
    source = re.sub(r'```.*?```|\$\$.*?\$\$|\\begin\{.*?\\end\{\w+\*?\}', ' ', source, flags=re.S)
    lines = [line for line in source.splitlines() if not re.match(r'\s*(\||!\[|<img|#)', line)]
    prose = re.sub(r'</?[a-z!][^>]*>', ' ', ' '.join(lines))
    prose = re.sub(r'\]\([^)]*\)', ']', re.sub(r'\$[^$]+\$', 'x', prose))
    return len(re.findall(r'\S*\w\S*', prose))


def gate_cell_size(root):
    "code: at most 25 lines of 100 columns; Markdown: at most 120 words; none empty or of a merge"
    problems = []
    for cell in all_cells(root):
        if not cell.source.strip():
            problems.append(f'{cell.where}: an empty cell: delete it')
        if re.match(r'(<{7}|={7}|>{7})(\s|$)', cell.source):
            problems.append(f'{cell.where}: both versions of a merge: delete one, and the marks')
        if not cell.code:
            words = count_words(cell.source)
            if words > 120:
                problems.append(f'{cell.where}: {words} words: cut to 120, or split the cell')
            continue
        if len(cell.lines) > 25:
            problems.append(f'{cell.where}: {len(cell.lines)} lines: split it to at most 25')
        problems += [f'{cell.where}: line {i} has {len(line)} columns: break it at 100'
                     for i, line in enumerate(cell.lines, 1) if len(line) > 100]
    return problems


def gate_directives(root):
    "directives are known and stand first"
    problems = []
    for cell in (c for c in all_cells(root) if c.code):
        first = next((i for i, line in enumerate(cell.lines) if not DIRECTIVE.match(line)), None)
        late = [line for line in cell.lines[first:] if re.match(r'\s*#\|\s*\w', line)]
        if first is not None and late:
            problems.append(f'{cell.where}: `{late[0].strip()}` is not first, so it is ignored: '
                            'move it to the first line')
        unknown = [d for d in cell.directives if re.match(r'\s*#\|', cell.source)
                   and d not in DIRECTIVES]
        problems += [f'{cell.where}: `#| {d}` is no directive: correct or delete it'
                     for d in unknown]
    return problems


def gate_title(root):
    "the first cell is a title and a one-line summary"
    shape = re.compile(r'# [^\n]+\n+> [^\n]+\s*')
    return [f'{nb.name}: the first cell must be Markdown, `# Title`, a blank line, `> summary` and '
            'nothing else' for nb in notebooks(root)
            if not nb.cells or nb.cells[0].code or not shape.fullmatch(nb.cells[0].source)]


def gate_ids(root):
    "each cell has a stable id of its own"
    problems = []
    for nb in notebooks(root):
        times = Counter(cell.id for cell in nb.cells)
        for cell in nb.cells:
            if not re.fullmatch(r'[A-Za-z0-9_-]{1,64}', cell.id or ''):
                problems.append(f'{cell.where}: no id of letters, digits, - and _: give it one')
            elif re.fullmatch(r'(?=.*\d)[0-9a-f]{8}(-[0-9a-f-]{27})?', cell.id):
                problems.append(f'{cell.where}: a random id: give it a name, such as '
                                'backward-test, in the file itself, which is text')
        problems += [f'{nb.name}: id {i} is used {n} times: rename all but one'
                     for i, n in times.items() if i and n > 1]
    return problems


def forbidden(node):
    "What is wrong with one node of a syntax tree, or None."
    if isinstance(node, ast.ImportFrom) and any(a.name == '*' for a in node.names):
        return 'star import: name what you use'
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return 'bare except: name the error'
    if getattr(node, 'value', None) == 'jet' or getattr(node, 'attr', None) == 'jet':
        return "colour map jet: use 'viridis', or the diverging map of workbench.plots"
    if not isinstance(node, ast.Call):
        return None
    name = ast.unparse(node.func)
    if name in ('globals', 'exec'):
        return f'{name}(): pass names and functions openly'
    if name in ('time.sleep', 'sleep'):
        return 'time.sleep: wait for the thing itself'
    if name.endswith('default_rng') and not node.args and not node.keywords:
        return 'default_rng() without a seed: give it one'
    return None


def gate_constructs(root):
    "no star import, globals, exec, bare except, sleep, jet, generator without seed"
    return [f'{cell.where}: {why}' for cell in all_cells(root) for node in ast.walk(cell.tree)
            if (why := forbidden(node))]


# --- stored outputs ------------------------------------------------------------------------------
def gate_frozen(root):
    "outputs are stored by freeze: no widget state, views or counts"
    problems = []
    for nb in notebooks(root):
        views = any(WIDGET_VIEW in o.get('data', {}) for c in nb.code for o in c.outputs)
        counts = any(c.raw.get('execution_count') is not None or 'execution' in c.metadata
                     or any(o.get('execution_count') is not None for o in c.outputs)
                     for c in nb.code)
        empty = nb.number and not any(c.outputs for c in nb.code)
        for bad, what in ((views or 'widgets' in nb.metadata, 'holds widgets'),
                          (counts, 'holds execution counts or times'),
                          (empty, 'has no stored output')):
            if bad:
                problems.append(f'{nb.name}: {what}: run python tools/freeze.py {nb.name}')
    return problems


def gate_outputs(root):
    "no error, warning, absolute path or memory address in outputs"
    return [f'{cell.where}: the output holds {why}' for cell in all_cells(root)
            for output in cell.outputs for why in bad_output(output)]


def untold_pictures(output):
    "How many pictures of an output have no alt text."
    data, metadata = output.get('data', {}), output.get('metadata', {})
    page = text_of(data.get('text/html', ''))
    told = bool(re.search(r'\b(?:alt|aria-label)="[^"]*\w', page))
    pictures = [kind for kind in data if kind.startswith('image/')]
    mute = [k for k in pictures if not str(metadata.get(k, {}).get('alt') or '').strip()]
    return (0 if told else len(mute)) + len(mute_tags(page))


def mute_tags(page):
    "The <img> tags without alt text."
    return [tag for tag in re.findall(r'<img\b[^>]*>', page)
            if not re.search(r'\balt=["\'][^"\']*\w', tag)]


def gate_alt(root):
    "every figure has alt text"
    problems = []
    for cell in all_cells(root):
        if any(untold_pictures(output) for output in cell.outputs):
            problems.append(f'{cell.where}: a figure without alt text: show it by '
                            "workbench.plots.show(figure, alt='what one sees')")
        if not cell.code and (re.search(r'!\[\s*\]', cell.source) or mute_tags(cell.source)):
            problems.append(f'{cell.where}: a picture without alt text: '
                            'write ![what one sees](…)')
    return problems


def gate_size(root):
    "a notebook is at most 300 kB"
    sizes = [(nb.name, nb.path.stat().st_size) for nb in notebooks(root)]
    return [f'{name}: {size / 1000:.0f} kB: smaller or fewer figures, to at most 300 kB'
            for name, size in sizes if size > 300_000]


# --- exercises and the ledger --------------------------------------------------------------------
def exercise_calls(cell):
    return [node for node in ast.walk(cell.tree)
            if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'Exercise']


def exercise_parts(nb):
    "Each exercise of a notebook as (its cell, the cells from it to the next one)."
    starts = [i for i, cell in enumerate(nb.code) if exercise_calls(cell)]
    return [(nb.code[a], nb.code[a + 1:b])
            for a, b in zip(starts, starts[1:] + [len(nb.code)])]


def key_of(cell):
    "The exercise's key, the first argument, if it is a plain string."
    args = exercise_calls(cell)[0].args
    return args[0].value if args and isinstance(args[0], ast.Constant) else None


def says_to_do(cell):
    shown = [text_of(o['data'].get('text/plain', '')) for o in cell.outputs if 'data' in o]
    return any(text.startswith('[to do]') for text in shown)


def exercise_problems(nb, cell, following):
    "What one exercise lacks."
    prefix = (nb.module or nb.path.stem[3:]) + '/'
    names = [t.id for node in cell.tree.body if isinstance(node, ast.Assign)
             for t in node.targets if isinstance(t, ast.Name)
             and any('Exercise' == call for call in calls(node.value))]
    if len(exercise_calls(cell)) != 1 or len(names) != 1:
        return ['give each exercise a cell of its own: name = Exercise(…)']
    checks, proofs = ([c for c in following if f'{names[0]}.{verb}(' in c.source]
                      for verb in ('check', 'prove'))
    rules = [
        (str(key_of(cell)).startswith(prefix), f"begin with its key, '{prefix}…'"),
        (calls(cell.tree).count('Mistake') >= 3, 'give it at least three Mistake(…)'),
        (checks, f'add a cell that ends in {names[0]}.check(stub)'),
        (not checks or any(map(says_to_do, checks)),
         'its stored check must say [to do]: leave the stub empty and freeze'),
        (any('solution' in c.tags for c in proofs),
         f'add a cell tagged solution that ends in {names[0]}.prove(solution)'),
    ]
    return [message for good, message in rules if not good]


def hides_its_card(cell):
    "Whether the card of a guess or an exercise is not the cell's last value, and so is not seen."
    cards = [isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
             and getattr(node.value.func, 'attr', '') in ('reveal', 'check', 'prove')
             for node in cell.tree.body]
    return any(cards[:-1])


def gate_exercises(root):
    "enough exercises, each with three diagnosed mistakes, a check and a proved solution"
    problems, keys = [], Counter()
    for nb in chapters(root):
        parts, due = exercise_parts(nb), MANY_EXERCISES.get(nb.number, 4)
        keys.update(filter(None, (key_of(cell) for cell, _ in parts)))
        if len(parts) < due:
            problems.append(f'{nb.name}: {len(parts)} exercises: add some, to at least {due}')
        for cell, following in parts:
            problems += [f'{cell.where}: {p}' for p in exercise_problems(nb, cell, following)]
        problems += [f'{c.where}: a solution that is not collapsed: set jupyter.source_hidden'
                     for c in nb.code if 'solution' in c.tags
                     and not c.metadata.get('jupyter', {}).get('source_hidden')]
        problems += [f'{c.where}: its card is not seen: end the cell with it'
                     for c in nb.code if hides_its_card(c)]
    return problems + [f'exercise {k} is there {n} times: give each a key of its own'
                       for k, n in keys.items() if n > 1]


def tested_after(nb, position):
    "Is there a test between the mark in cell `position` and the next section?"
    for cell in nb.cells[position + 1:]:
        if not cell.code and re.match(r'#{1,3} ', cell.source):
            return False
        if cell.code and is_test(cell):
            return True
    return False


def ledger(root):
    "(ids answered, all ids, problems): each question is marked once, in the chapter that owes it."
    owed = json.loads(Path(root, 'tools', 'ledger.json').read_text(encoding='utf-8'))
    marks, problems = Counter(), []
    for nb in notebooks(root):
        here = [(m, i, c) for i, c in enumerate(nb.cells) if not c.code
                for m in re.findall(r'<a id="ledger-(\w+)">', c.source)]
        for mark, position, cell in here:
            marks[mark] += 1
            if owed.get(mark) != nb.path.stem:
                problems.append(f'{cell.where}: marks {mark}, which '
                                f'{owed.get(mark, "nobody")} owes: move or delete the mark')
            elif not tested_after(nb, position):
                problems.append(f'{cell.where}: {mark} has no test below it, in its section: '
                                'add a cell that fails if the answer is false')
    there = {nb.path.stem for nb in notebooks(root)}
    problems += [f'{chapter}: owes {mark}, marked {marks[mark]} times: put <a id="ledger-{mark}">'
                 '</a> once, beside its answer' for mark, chapter in owed.items()
                 if chapter in there and marks[mark] != 1]
    return [mark for mark in owed if marks[mark] == 1], list(owed), problems


def gate_ledger(root):
    "each question owed by a chapter is marked once in it, with a test"
    return ledger(root)[2]


# --- the whole project ---------------------------------------------------------------------------
def project_files(root):
    "The files that git tracks or would track; without git, all that are not hidden."
    if Path(root, '.git').exists() and shutil.which('git'):
        command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
        paths = [Path(root, name) for name in listed.split('\0') if name]
    else:
        paths = [p for p in Path(root).rglob('*')
                 if not any(part.startswith('.') for part in p.relative_to(root).parts)]
    return [p for p in paths if p.is_file()]


def gate_no_foreign_words(root):
    "no path of one machine, no address of a package registry"
    problems = []
    for path in project_files(root):
        data, name = path.read_bytes(), path.relative_to(root).as_posix()
        if b'\0' in data[:8000]:
            continue
        public = name.startswith(('nbs/', LIB)) or name.endswith('.md')
        text = data.decode(errors='replace').replace('\\n', '\n')
        found = FOREIGN.search(text) or (MACHINE_PATH.search(text) if public else None)
        if found:
            problems.append(f'{name}: {found[0]!r}: delete it, or use a relative path')
    return problems


GATES = [value for name, value in list(globals().items()) if name.startswith('gate_')]


def check_all(root=ROOT):
    "Every problem of every gate."
    return [problem for gate in GATES for problem in gate(Path(root))]


def main():
    "Print each gate and whether it holds, then the problems."
    results = [(gate, gate(ROOT)) for gate in GATES]
    for gate, problems in results:
        state = f'{len(problems)} failed' if problems else 'ok'
        print(f'{gate.__name__[5:]:16} {state:10} {gate.__doc__}')
    for gate, problems in results:
        for problem in problems:
            print(f'\n{gate.__name__[5:]}: {problem}', end='')
    answered, owed, _ = ledger(ROOT)
    print(f'\nledger: {len(answered)} of {len(owed)} answered')
    return 1 if any(problems for _, problems in results) else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(str(error))

"Each gate is seen to fail on a small course that breaks its rule, and to pass one that keeps it."
import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / 'tools'))
import gates  # noqa: E402

PIXEL = 'iVBORw0KGgo='
COLLAPSED = {'jupyter': {'source_hidden': True}, 'tags': ['solution', 'hide-input']}


def cell(cell_id, source, kind='code', outputs=(), **metadata):
    "A notebook cell, as JSON holds it."
    made = {'cell_type': kind, 'id': cell_id, 'source': source, 'metadata': metadata}
    return made | ({'outputs': list(outputs), 'execution_count': None} if kind == 'code' else {})


def shown(**data):
    "A display output; image_png='…' stands for image/png."
    data = {kind.replace('_', '/'): value for kind, value in data.items()}
    return {'output_type': 'display_data', 'data': data, 'metadata': {}}


def printed(text, name='stdout'):
    return {'output_type': 'stream', 'name': name, 'text': text}


def exercise(key, number):
    "The cells of one exercise that keeps the rules."
    name = f'exercise{number}'
    mistakes = ',\n'.join(f"Mistake('{n}', int, 'look')" for n in ('one', 'two', 'three'))
    return [
        cell(f'{name}-made', f"{name} = Exercise('{key}', [], abs, [{mistakes}])", **COLLAPSED),
        cell(f'{name}-try', f'{name}.check(...)', outputs=[shown(text_plain='[to do] yours')]),
        cell(f'{name}-solution', f'{name}.prove(abs)', **COLLAPSED),
    ]


def chapter(title, module, body, exercises=5):
    "A chapter's cells: title, module, `body`, exercises."
    head = [cell('title', f'# {title}\n\n> What it is.', 'markdown'),
            cell('module', f'#| default_exp {module}')]
    return head + body + [c for i in range(exercises) for c in exercise(f'{module}/e{i}', i)]


def double(name):
    "An exported function and its test."
    return [cell(f'{name}-made', f'#| export\ndef {name}(x): return 2 * x'),
            cell(f'{name}-test', f'assert {name}(2) == 4')]


def good_course():
    "Notebooks by path; they keep every rule."
    figure = shown(image_png=PIXEL)
    figure['metadata'] = {'image/png': {'alt': 'A rising line'}}
    answer = [cell('question', 'Is it so? <a id="ledger-T1"></a> Yes.', 'markdown'),
              cell('answer', 'assert 1 < 2'),
              cell('figure', 'show(figure)', outputs=[figure])]
    return {
        'nbs/01_tensors.ipynb': chapter('Tensors', 'tensors', double('twice') + answer),
        'nbs/02_autograd.ipynb': chapter('Autograd', 'autograd', [
            cell('use', 'import course_lib.tensors\nfrom course_lib.workbench import core',
                 outputs=[printed('4\n')])] + double('slope')),
        'nbs/workbench/core.ipynb': chapter('Core', 'workbench.core', double('near'), exercises=0),
    }


def write_course(root, course):
    "Write notebooks, the modules that they export, and the ledger under `root`."
    for name, cells in course.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nb = {'cells': cells, 'metadata': {}, 'nbformat': 4, 'nbformat_minor': 5}
        path.write_text(json.dumps(nb), encoding='utf-8')
    for module in ('__init__', '_modidx', 'tensors', 'autograd', 'workbench/core'):
        path = root / f'course_lib/{module}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('')
    (root / 'tools').mkdir()
    owed = {'T1': '01_tensors', 'L1': '03_losses'}
    (root / 'tools/ledger.json').write_text(json.dumps(owed))


def at(course, cell_id, notebook='nbs/01_tensors.ipynb'):
    "The cell with this id."
    return next(c for c in course[notebook] if c['id'] == cell_id)


def source(cell_id, text, notebook='nbs/01_tensors.ipynb'):
    "A change: give a cell another source."
    return lambda course: at(course, cell_id, notebook).update(source=text)


def output(cell_id, *outputs):
    return lambda course: at(course, cell_id).update(outputs=list(outputs))


def add(*cells, notebook='nbs/01_tensors.ipynb'):
    return lambda course: course[notebook].extend(cells)


def drop(*cell_ids, notebook='nbs/01_tensors.ipynb'):
    def change(course):
        course[notebook][:] = [c for c in course[notebook] if c['id'] not in cell_ids]
    return change


def code(text):
    return add(cell('new', text))


def prose(text):
    return add(cell('new', text, 'markdown'))


def rename(old, new):
    return lambda course: course.update({new: course.pop(old)})


CORE = 'nbs/workbench/core.ipynb'
MISTAKES = "exercise0 = Exercise('tensors/e0', [], abs, [Mistake(), Mistake()])"
OTHER_KEY = "exercise0 = Exercise('other/e0', [], abs, [Mistake(), Mistake(), Mistake()])"
SAME_KEY = "exercise0 = Exercise('tensors/e1', [], abs, [Mistake(), Mistake(), Mistake()])"
ERROR = {'output_type': 'error', 'ename': 'KeyError', 'evalue': "'x'", 'traceback': []}
HOME = '/ho' 'me/ann/course/data.csv'  # in two parts, so that this file keeps the rule itself
BREAKS = [
    ('lower_numbers', code('from course_lib.autograd import slope'), 'import lower numbers only'),
    ('lower_numbers', code('import course_lib.tensors'), 'which it exports itself'),
    ('lower_numbers', code('from course_lib import nothing'), 'which no notebook exports'),
    ('lower_numbers', add(cell('new', 'def f():\n    from course_lib import tensors'),
                          notebook=CORE), 'the workbench imports no chapter'),
    ('one_module', source('module', '#| default_exp tensors', 'nbs/02_autograd.ipynb'),
     'module tensors belongs to 2 notebooks'),
    ('one_module', code('#| default_exp more'), 'keep one, or split it'),
    ('one_module', drop('module'), 'exports without'),
    ('one_module', rename('nbs/02_autograd.ipynb', 'nbs/01_autograd.ipynb'),
     'number 1 belongs to 2 notebooks'),
    ('one_module', rename('nbs/02_autograd.ipynb', 'nbs/autograd.ipynb'), 'name it NN_name.ipynb'),
    ('stale', source('module', '#| default_exp arrays'), 'tensors.py: no notebook exports it'),
    ('stale', source('module', '#| default_exp arrays'), 'run nbdev_export'),
    ('tests', drop('twice-test', 'answer'), '[twice-made]: no test before the next definition'),
    ('tests', source('slope-test', '#| hide\nassert 1', 'nbs/02_autograd.ipynb'), '[slope-made]'),
    ('tests', source('slope-test', 'slope(2)', 'nbs/02_autograd.ipynb'), '[slope-made]'),
    ('tests', code('#| export\nclass Last: pass'), '[new]: no test'),
    ('cell_size', code('x = 1\n' * 26), '26 lines'),
    ('cell_size', code('x = 1  # ' + 'a' * 92), 'line 1 has 101 columns'),
    ('cell_size', prose('word ' * 121), '121 words'),
    ('cell_size', prose(' '), 'an empty cell'),
    ('cell_size', prose('<<<<<<< HEAD'), 'both versions of a merge'),
    ('cell_size', prose('======='), 'both versions of a merge'),
    ('directives', code('# made by hand\n#| export\nx = 1'), '`#| export` is not first'),
    ('directives', code('#| exprot\nx = 1'), '`#| exprot` is no directive'),
    ('title', source('title', '# Tensors\n\n> What it is.\n\n- more'), 'and nothing else'),
    ('ids', add(cell('question', '')), 'id question is used 2 times'),
    ('ids', add(cell('3f2a9c1d', '')), 'a random id'),
    ('ids', add(cell('0a6b6a3e-9a3c-4a53-8b1f-111111111111', '')), 'a random id'),
    ('ids', add(cell(None, '')), 'give it one'),
    ('constructs', code('from os import *'), 'star import'),
    ('constructs', code('globals()["x"] = 1'), 'globals()'),
    ('constructs', code('exec("x = 1")'), 'exec()'),
    ('constructs', code('try: f()\nexcept: pass'), 'bare except'),
    ('constructs', code('time.sleep(1)'), 'time.sleep'),
    ('constructs', code('plt.imshow(x, cmap="jet")'), 'colour map jet'),
    ('constructs', code('plt.imshow(x, cmap=plt.cm.jet)'), 'colour map jet'),
    ('constructs', code('rng = np.random.default_rng()'), 'without a seed'),
    ('frozen', output('figure', shown(**{gates.WIDGET_VIEW: {}})), 'holds widgets'),
    ('frozen', lambda course: at(course, 'use', 'nbs/02_autograd.ipynb').update(execution_count=3),
     'holds execution counts'),
    ('frozen', lambda course: [c.update(outputs=[]) for c in course['nbs/01_tensors.ipynb']],
     'has no stored output'),
    ('outputs', output('figure', ERROR), "an error, KeyError: 'x'"),
    ('outputs', output('figure', printed('x.py:3: RuntimeWarning: no', 'stderr')), 'a warning'),
    ('outputs', output('figure', printed('Traceback (most recent call last):')), 'a printed error'),
    ('outputs', output('figure', printed(f'read {HOME}')), 'an absolute path'),
    ('outputs', output('figure', shown(text_html=[f'<p>{HOME}</p>'])), 'an absolute path'),
    ('outputs', output('figure', printed('<Line2D at 0x7f12ab34>')), 'a memory address'),
    ('alt', output('figure', shown(image_png=PIXEL)), 'a figure without alt text'),
    ('alt', output('figure', shown(text_html='<img src="a.png">')), 'a figure without alt text'),
    ('alt', prose('![](a.png)'), 'a picture without alt text'),
    ('size', output('figure', printed('x' * 300_001)), '300 kB'),
    ('exercises', drop('exercise4-made', 'exercise4-try', 'exercise4-solution'), '4 exercises'),
    ('exercises', source('exercise0-made', MISTAKES), 'at least three Mistake'),
    ('exercises', source('exercise0-made', OTHER_KEY), "begin with its key, 'tensors/"),
    ('exercises', source('exercise0-made', SAME_KEY), 'exercise tensors/e1 is there 2 times'),
    ('exercises', drop('exercise0-try'), 'ends in exercise0.check(stub)'),
    ('exercises', output('exercise0-try', shown(text_plain='[correct] well done')), '[to do]'),
    ('exercises', code('guess.reveal(3)\nassert True'), 'its card is not seen'),
    ('exercises', drop('exercise0-solution'), 'ends in exercise0.prove(solution)'),
    ('exercises', lambda course: at(course, 'exercise0-solution')['metadata'].pop('jupyter'),
     'not collapsed'),
    ('ledger', source('question', 'Is it so?'), '01_tensors: owes T1, marked 0 times'),
    ('ledger', prose('<a id="ledger-T1"></a>'), 'owes T1, marked 2 times'),
    ('ledger', prose('<a id="ledger-L1"></a>'), 'marks L1, which 03_losses owes'),
    ('ledger', source('answer', 'print(1 < 2)'), 'T1 has no test below it'),
    ('no_foreign_words', prose(f'Look in {HOME}'), 'use a relative path'),
    ('no_foreign_words', code(f'# {HOME}'), 'use a relative path'),
    ('no_foreign_words', prose('https://' 'py' 'pi.org/simple'), 'delete it'),
]


@pytest.mark.parametrize('name, change, message', BREAKS, ids=[f'{b[0]}: {b[2]}' for b in BREAKS])
def test_gate_fails(tmp_path, name, change, message):
    course = good_course()
    change(course)
    write_course(tmp_path, course)
    problems = getattr(gates, f'gate_{name}')(tmp_path)
    assert any(message in problem for problem in problems), problems


def test_a_good_course_passes_every_gate(tmp_path):
    write_course(tmp_path, good_course())
    assert gates.check_all(tmp_path) == []


def test_every_gate_is_seen_to_fail():
    assert {f'gate_{name}' for name, *_ in BREAKS} == {gate.__name__ for gate in gates.GATES}


def test_ledger_counts_what_is_answered(tmp_path):
    write_course(tmp_path, good_course())
    assert gates.ledger(tmp_path)[:2] == (['T1'], ['T1', 'L1'])


def test_tables_pictures_and_formulas_are_no_words():
    text = ('# A title\n| a | b |\n![a long text](x.png)\n$$a + b$$\n```\ncode\n```\n'
            'so $x y z$ is <b>it</b>')
    assert gates.count_words(text) == 4


def test_a_broken_notebook_is_named(tmp_path):
    write_course(tmp_path, good_course())
    (tmp_path / 'nbs/01_tensors.ipynb').write_text('<<<<<<< HEAD')
    with pytest.raises(ValueError, match='nbs/01_tensors.ipynb: not a notebook'):
        gates.check_all(tmp_path)


def test_every_question_has_a_chapter_that_owes_it():
    owed = json.loads((gates.ROOT / 'tools/ledger.json').read_text())
    assert len(owed) == 83
    second = [question for question in owed if owed[question] == '02_autograd']
    assert second == ['T2', 'A1', 'A2', 'A3', 'A4', 'A5', 'A6']

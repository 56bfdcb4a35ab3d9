"""Small faults that can be planted in a source: in Python by its syntax tree, in JavaScript by its
tokens.

A fault is (kind, start, end, text): `text` instead of what stands between two places.
"""
import ast
import hashlib
import re
import warnings
from itertools import chain, zip_longest

SWAPS = {ast.Add: ('+', '-'), ast.Sub: ('-', '+'), ast.Mult: ('*', '/'), ast.Div: ('/', '*'),
         ast.FloorDiv: ('//', '/'), ast.Pow: ('**', '*'), ast.BitAnd: ('&', '|'),
         ast.BitOr: ('|', '&'), ast.Lt: ('<', '<='), ast.LtE: ('<=', '<'), ast.Gt: ('>', '>='),
         ast.GtE: ('>=', '>'), ast.Eq: ('==', '!='), ast.NotEq: ('!=', '=='),
         ast.Is: ('is', 'is not'), ast.IsNot: ('is not', 'is'), ast.In: ('in', 'not in'),
         ast.NotIn: ('not in', 'in'), ast.And: ('and', 'or'), ast.Or: ('or', 'and')}
# a fault here is noticed by any run at all, or tells nothing
PLAIN_CALLS = {'len', 'range', 'zip', 'enumerate', 'isinstance', 'super', 'list', 'tuple', 'dict',
               'type', 'getattr', 'iter', 'next', 'print', 'warn', 'deepcopy'}
DRAWS = re.compile(r'matplotlib|workbench\.plots')


class Python(ast.NodeVisitor):
    "Collects the faults of a source; words (errors, strings) and drawings are left out."
    def __init__(self, source):
        self.bytes, self.faults = source.encode(), []
        self.lines = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.visit(ast.parse(source))

    def start(self, node):
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node):
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node):
        return self.bytes[self.start(node):self.end(node)].decode()

    def add(self, kind, node, text):
        self.faults.append((kind, self.start(node), self.end(node), text))

    def swap(self, kind, left, operator, right):
        "Another operator between two operands."
        old, new = SWAPS.get(type(operator), (None, None))
        begin, end = self.end(left), self.start(right)
        if old and (place := self.bytes.find(old.encode(), begin, end)) >= 0:
            self.faults.append((kind, place, place + len(old), new))

    def visit_FunctionDef(self, node):
        if DRAWS.search(self.text(node)):
            return
        for child in chain(node.args.defaults, filter(None, node.args.kw_defaults), node.body):
            self.visit(child)

    def visit_Raise(self, node):
        "An error's words are no fault."

    visit_JoinedStr = visit_AnnAssign = visit_Import = visit_ImportFrom = visit_Raise

    def visit_BinOp(self, node):
        kind = 'factor' if isinstance(node.op, (ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)) else 'sign'
        if not isinstance(node.left, (ast.Constant, ast.JoinedStr)) or not isinstance(
                getattr(node.left, 'value', ''), str):
            self.swap(kind, node.left, node.op, node.right)
            if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
                self.add('dropped term', node, self.text(node.left))
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        self.swap('sign', node.target, node.op, node.value)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
            self.add('sign' if isinstance(node.op, ast.USub) else 'condition', node,
                     self.text(node.operand))
        self.visit(node.operand)

    def visit_Compare(self, node):
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators):
            self.swap('comparison', left, op, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        self.swap('condition', node.values[0], node.op, node.values[1])
        self.generic_visit(node)

    def visit_If(self, node):
        self.add('condition', node.test, f'not ({self.text(node.test)})')
        self.generic_visit(node)

    visit_IfExp = visit_If

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            self.add('constant', node, str(not value))
        elif isinstance(value, (int, float)):
            self.add('constant', node, str(value + 1 if isinstance(value, int) else 2 * value or 1.))

    def visit_keyword(self, node):
        if node.arg in ('axis', 'dim') and isinstance(node.value, (ast.Constant, ast.UnaryOp)):
            self.add('axis', node.value, '-1' if self.text(node.value) == '0' else '0')
        else:
            self.visit(node.value)

    def visit_Slice(self, node):
        for bound in filter(None, (node.lower, node.upper)):
            if not isinstance(bound, ast.Constant):
                self.add('off by one', bound, f'({self.text(bound)}) - 1')
        self.generic_visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call):
            self.add('dropped call', node, 'pass')
        self.generic_visit(node)

    def visit_Call(self, node):
        name = getattr(node.func, 'id', getattr(node.func, 'attr', ''))
        if name == 'range' and node.args:
            self.add('off by one', node.args[-1], f'({self.text(node.args[-1])}) - 1')
        if name not in PLAIN_CALLS and not name[:1].isupper():
            method = isinstance(node.func, ast.Attribute) and self.text(node.func.value) not in (
                'np', 'math', 'self', 'super()', 'torch', 'warnings')
            rest = node.func.value if method else node.args[0] if node.args else None
            if rest is not None and not isinstance(rest, (ast.Starred, ast.GeneratorExp)):
                self.add('dropped call', node, self.text(rest))
        self.generic_visit(node)


TOKENS = re.compile(r'''
  (?P<skip>//[^\n]*|/\*.*?\*/|`(?:[^`\\]|\\.)*`|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
| (?P<word>[A-Za-z_$][\w$]*)
| (?P<number>(?:0x[\da-fA-F]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?))
| (?P<operator>=>|===|!==|<=|>=|&&|\|\||\+=|-=|\*\*|\+\+|--|<<|>>>?|[-+*/<>])''', re.X | re.S)
JS_SWAPS = {'===': ('comparison', '!=='), '!==': ('comparison', '==='), '<': ('comparison', '<='),
            '<=': ('comparison', '<'), '>': ('comparison', '>='), '>=': ('comparison', '>'),
            '&&': ('condition', '||'), '||': ('condition', '&&'), '+=': ('sign', '-='),
            '-=': ('sign', '+='), '+': ('sign', '-'), '-': ('sign', '+'), '*': ('factor', '/'),
            '/': ('factor', '*'), '**': ('factor', '*'), 'min': ('wrong call', 'max'),
            'max': ('wrong call', 'min'), 'floor': ('wrong call', 'ceil'),
            'ceil': ('wrong call', 'floor'), 'abs': ('wrong call', 'sign'),
            'true': ('constant', 'false'), 'false': ('constant', 'true')}


def javascript(source):
    "The faults of a script, at byte positions."
    faults = []
    for match in TOKENS.finditer(source):
        token = match[0]
        start = len(source[:match.start()].encode())
        if match['number'] and 'x' not in token:
            new = str(int(token) + 1) if token.isdigit() else str(2 * float(token))
            faults.append(('constant', start, start + len(token), new))
        elif not match['skip'] and token in JS_SWAPS:
            faults.append((JS_SWAPS[token][0], start, start + len(token), JS_SWAPS[token][1]))
    return faults


def planted(source, fault):
    "The source with the fault in it."
    _, start, end, text = fault
    old = source.encode()
    return (old[:start] + text.encode() + old[end:]).decode()


def line_of(source, start):
    "Number of the line (from 0) in which a place lies."
    return source.encode()[:start].count(b'\n')


def describe(source, fault):
    "The line as it was and as it is with the fault, at the place where it lies."
    number = line_of(source, fault[1])
    return source.splitlines()[number].strip(), planted(source, fault).splitlines()[number].strip()


def compiles(source):
    try:
        with warnings.catch_warnings(action='ignore'):
            compile(source, 'cell', 'exec')
    except SyntaxError:
        return False
    return True


def choose(faults, number, key):
    """`number` of the faults, of each kind alike while there are some; always the same ones for the
    same texts, whatever else is added: in the order of a hash of key(fault)."""
    kinds = {}
    for fault in sorted(faults, key=lambda f: hashlib.sha1(repr(key(f)).encode()).digest()):
        kinds.setdefault(fault['kind'], []).append(fault)
    turns = chain.from_iterable(zip_longest(*(kinds[kind] for kind in sorted(kinds))))
    return [fault for fault in turns if fault][:number]

"""Computation graphs to test the explorable with, as plain state."""


def node(id, op, inputs=(), value=None, shape=(), label='', at=(0, 0), args=None, jac=None):
    "One node of the explorable's state."
    return {'id': id, 'label': label, 'op': op, 'in': list(inputs), 'shape': list(shape),
            'value': value, 'args': args or {}, 'jac': jac, 'at': list(at)}


def state(nodes, live=True, step=0):
    return {'nodes': nodes, 'step': step, 'leaf': {}, 'live': live}


def fan_in():
    "L = tanh(a·b + c) · a: the gradient of a arrives twice."
    return state([
        node('a', 'leaf', value=[2.], label='a', at=(0, 0)),
        node('b', 'leaf', value=[-.5], label='b', at=(1, 0)),
        node('c', 'leaf', value=[1.5], label='c', at=(2, 1)),
        node('ab', 'mul', ['a', 'b'], at=(1, 1)),
        node('s', 'add', ['ab', 'c'], at=(1.5, 2)),
        node('h', 'tanh', ['s'], label='h', at=(1.5, 3)),
        node('L', 'mul', ['h', 'a'], label='L', at=(1, 4))])


def two_of_an_array():
    "x = [3, 4], y = x ** 2, L = y[0] · y[1]"
    return state([
        node('x', 'leaf', value=[3., 4.], shape=[2], label='x', at=(.5, 0)),
        node('y', 'pow', ['x'], shape=[2], label='y', args={'exponent': 2}, at=(.5, 1)),
        node('p', 'take', ['y'], args={'positions': [0], 'name': '[0]'}, at=(0, 2)),
        node('q', 'take', ['y'], args={'positions': [1], 'name': '[1]'}, at=(1, 2)),
        node('L', 'mul', ['p', 'q'], label='L', at=(.5, 3))])


def two_layers():
    "Forty nodes: three inputs, four hidden units, one output, and a squared error."
    nodes = [node(f'x{i}', 'const', value=[.5 * i - .7], label=f'x{i}', at=(i, 0))
             for i in range(3)]
    for unit in range(4):
        top = 1 + 4 * unit
        w = [node(f'w{unit}{i}', 'leaf', value=[round(.9 - .31 * i * unit + .2 * unit, 2)],
                  label=f'w{unit}{i}', at=(i, top)) for i in range(2)]
        nodes += w + [
            node(f'm{unit}0', 'mul', [f'x{unit % 3}', w[0]['id']], at=(0, top + 1)),
            node(f'm{unit}1', 'mul', [f'x{(unit + 1) % 3}', w[1]['id']], at=(1, top + 1)),
            node(f's{unit}', 'add', [f'm{unit}0', f'm{unit}1'], at=(.5, top + 2)),
            node(f'h{unit}', 'tanh', [f's{unit}'], label=f'h{unit}', at=(2, top + 2)),
            node(f'o{unit}', 'pow', [f'h{unit}'], args={'exponent': 2}, at=(2, top + 3))]
    nodes += [
        node('t0', 'add', ['o0', 'o1'], at=(3, 9)),
        node('t1', 'add', ['o2', 'o3'], at=(3, 17)),
        node('v', 'leaf', value=[.4], label='v', at=(0, 17)),
        node('p', 'add', ['t0', 't1'], at=(3, 18)),
        node('yhat', 'mul', ['p', 'v'], label='ŷ', at=(1.5, 19)),
        node('y', 'const', value=[1.], label='y', at=(0, 19)),
        node('d', 'sub', ['yhat', 'y'], at=(1, 20)),
        node('n', 'neg', ['d'], at=(1, 21)),
        node('L', 'relu', ['n'], label='L', at=(1, 22))]
    return state(nodes)


def recorded():
    "live=False: an operation that JavaScript does not know, and a value that was not kept."
    return state([
        node('x', 'leaf', value=[1., 2., 3.], shape=[3], label='x', at=(0, 0)),
        node('w', 'leaf', value=[.1 * i for i in range(12)], shape=[3, 4], label='w', at=(1, 0)),
        node('m', 'matmul', ['x', 'w'], shape=[4], value=None, at=(.5, 1)),
        node('e', 'custom', ['m'], shape=[4], value=[.2, .4, .6, .8], at=(.5, 2),
             args={'name': 'erf'}, jac=[[.5, 0, 0, 0, 0, .4, 0, 0, 0, 0, .3, 0, 0, 0, 0, .2]]),
        node('L', 'sum', ['e'], value=[2.], label='L', args={'groups': [[0, 1, 2, 3]]},
             at=(.5, 3))],
        live=False)

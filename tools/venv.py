"""Make the course's environment, `.venv`, with the pinned packages; at once done when it is ready.

usage: python tools/venv.py

Only the standard library, and syntax that old Pythons can read: they can say what is needed.
"""
from __future__ import print_function

import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, '.venv')
WINDOWS = os.name == 'nt'
PYTHON = os.path.join(VENV, *(['Scripts', 'python.exe'] if WINDOWS else ['bin', 'python']))
STATE = os.path.join(VENV, 'course-state')        # 'unfinished', or the fingerprint
LOCK = os.path.join(VENV, 'course-lock')
LOG = os.path.join(VENV, 'install.log')
SPACE_NEEDED = 3 * 10**9                          # bytes, for packages and pip's temporary files
NO_NETWORK = ('connection broken by', 'Max retries exceeded', 'Connection refused', 'ReadTimeout',
              'ConnectTimeout', 'Read timed out', 'Failed to establish a new connection',
              'ProxyError')
NO_SPACE = ('No space left on device', 'not enough space on the disk', 'Disk quota exceeded')


class Stop(Exception):
    "The environment cannot be made; the message is a sentence for the reader."


def read(name):
    "Text of a file of the project."
    with open(os.path.join(ROOT, name), 'rb') as file:
        return file.read().decode('utf-8')


def min_python():
    "The oldest Python that the course runs on, as settings.ini says it: a tuple of two numbers."
    found = re.search(r'^min_python\s*=\s*(\d+)\.(\d+)', read('settings.ini'), re.M)
    return int(found.group(1)), int(found.group(2))


def newer_python(least):
    "Name of a new enough Python on the PATH, or None."
    question = 'import sys; sys.exit(sys.version_info[:2] < %r)' % (least,)
    with open(os.devnull, 'w') as nowhere:
        for minor in (least[1] + 2, least[1] + 1, least[1]):
            name = 'python%d.%d' % (least[0], minor)
            try:
                if subprocess.call([name, '-c', question], stdout=nowhere, stderr=nowhere) == 0:
                    return name
            except OSError:
                pass
    return None


def fingerprint():
    "Changes when the required packages or the place of the course change."
    parts = [read('settings.ini'), read('constraints.txt'), read('setup.py'), ROOT]
    return hashlib.sha256('\n'.join(parts).encode('utf-8')).hexdigest()


def state():
    "What `.venv` says of itself: a fingerprint, 'unfinished', or '' if it was made by hand."
    try:
        with open(STATE) as file:
            return file.read()
    except IOError:
        return ''


def is_ready():
    "Whether `.venv` is finished, has a Python that exists, and holds what is asked for now."
    return os.path.exists(PYTHON) and state() == fingerprint()


def set_state(text):
    "Write the state in one step, so that it is never half there."
    with open(STATE + '.new', 'w') as file:
        file.write(text)
    os.replace(STATE + '.new', STATE)


def lock():
    "Wait until no other process makes `.venv`. The lock ends with the process and its children."
    handle = open(LOCK, 'a+')
    os.set_inheritable(handle.fileno(), True)
    try:
        take_lock(handle, wait=False)
    except OSError:
        print('Another process is making .venv: waiting for it.')
        take_lock(handle, wait=True)
    return handle


def take_lock(handle, wait):
    "Lock an open file with what the system offers; OSError if it is taken and `wait` is false."
    if WINDOWS:
        import msvcrt
        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK
        while True:
            try:
                return msvcrt.locking(handle.fileno(), mode, 1)
            except OSError:  # LK_LOCK gives up after ten seconds
                if not wait:
                    raise
    else:
        import fcntl
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def clear():
    "Remove what an interrupted try left, all but the lock and the state."
    for name in os.listdir(VENV):
        path = os.path.join(VENV, name)
        if path in (LOCK, STATE):
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def check_space():
    "Stop before the start when the disk is too full for the packages."
    free = shutil.disk_usage(VENV).free
    if free < SPACE_NEEDED:
        raise Stop('There is not enough disk space: %.1f GB are needed and %.1f GB are free in %s; '
                   'make room and try again.' % (SPACE_NEEDED / 1e9, free / 1e9, ROOT))


def commands():
    "The command that makes the environment, and how to call pip for it."
    has_ensurepip, has_pip = can_import('ensurepip'), can_import('pip')
    if not can_import('venv') or not (has_ensurepip or has_pip):
        raise Stop('This Python (%s) cannot make environments: install its venv module (Debian and '
                   'Ubuntu: apt install python3-venv) and try again.' % sys.executable)
    make_venv = [sys.executable, '-m', 'venv', VENV]
    if has_ensurepip:
        return make_venv, [PYTHON, '-m', 'pip']
    return make_venv + ['--without-pip'], [sys.executable, '-m', 'pip', '--python', PYTHON]


def can_import(module):
    "Whether the Python that runs this has a module (and can load it)."
    with open(os.devnull, 'w') as nowhere:
        command = [sys.executable, '-c', 'import ' + module]
        return subprocess.call(command, stdout=nowhere, stderr=nowhere, cwd=ROOT) == 0


def run(command, log):
    "Run a command, its words into `log`, the present step on the terminal. Stop if it fails."
    with_terminal = sys.stdout.isatty()
    process = subprocess.Popen(  # its children keep the lock, should this process be killed
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, close_fds=False)
    try:
        for line in iter(process.stdout.readline, b''):
            log.write(line)
            log.flush()
            if with_terminal:
                show_step(line.decode('utf-8', 'replace'))
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        if with_terminal:
            print('\r\033[K', end='')
    if code:
        raise Stop(why_it_failed())


def show_step(line):
    "On one line of the terminal: which package pip is at."
    words = line.split()
    if words and words[0] in ('Collecting', 'Downloading', 'Installing', 'Building'):
        print('\r\033[K  ' + ' '.join(words[:4])[:70], end='')
        sys.stdout.flush()


def why_it_failed():
    "One sentence on the failure that the log tells of."
    with open(LOG, 'rb') as file:
        text = file.read().decode('utf-8', 'replace')
    if any(sign in text for sign in NO_SPACE):
        return ('The disk is full, here or where temporary files go: make room (%.1f GB are '
                'needed) and try again (all of it: %s).' % (SPACE_NEEDED / 1e9, LOG))
    if any(sign in text for sign in NO_NETWORK):
        return ('The packages could not be downloaded: the network does not answer; connect and '
                'try again (all of it: %s).' % LOG)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ['no reason given']
    errors = [line for line in lines if line.startswith('ERROR:')]
    reason = (errors or lines)[-1]
    return 'The packages could not be installed: "%s"; all of it is in %s.' % (reason, LOG)


def make():
    "Make `.venv`, or finish one that was begun."
    if not os.path.isdir(VENV):
        os.mkdir(VENV)
    with lock():
        if is_ready():
            return
        before = state()
        afresh = before == 'unfinished' or not os.path.exists(PYTHON)
        if afresh:
            clear()
            check_space()
        set_state('unfinished')
        try:
            install()
        except Stop:
            if not afresh:  # pip failed to bring up to date what still works
                set_state(before)
            raise
        set_state(fingerprint())
        print('The environment .venv is ready.')


def install():
    "Put a Python into `.venv` if it has none, then the packages."
    make_venv, pip = commands()
    packages = ['--disable-pip-version-check', '-c', 'constraints.txt', '-e', '.[dev]']
    print('Installing the course in .venv: once, one to two minutes on a fast network.')
    with open(LOG, 'wb') as log:
        if not os.path.exists(PYTHON):
            run(make_venv, log)
        run(pip + ['install'] + packages, log)


def main():
    "Make the environment; one sentence and exit 1 if that cannot be done."
    least = min_python()
    if sys.version_info[:2] < least:
        newer = newer_python(least)
        if newer:
            sys.exit(subprocess.call([newer, os.path.abspath(__file__)]))
        sys.exit('The course needs Python %d.%d or newer, and this is Python %d.%d: install one, '
                 'or name it: make PYTHON=/path/to/python3 venv' % (least + sys.version_info[:2]))
    if is_ready():
        return
    try:
        make()
    except Stop as stop:
        sys.exit(str(stop))
    except KeyboardInterrupt:
        sys.exit('\nStopped before the end; the next try starts afresh.')
    except OSError as error:
        sys.exit('The environment .venv could not be made: %s; mend that and try again.' % error)


if __name__ == '__main__':
    main()

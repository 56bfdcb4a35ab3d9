"""Open the course in JupyterLab, on this computer only, with Jupyter's token on; Ctrl-C ends it.

usage: python tools/lab.py [PORT]
"""
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, SETTINGS = ROOT / 'nbs', ROOT / 'tools' / 'lab_settings'
HOST, FIRST_PORT, PORTS_TRIED = '127.0.0.1', 8888, 100
SNAPS = Path('/snap/bin')  # browsers from there cannot read Jupyter's hidden redirect file


def is_free(port):
    "Whether a server can listen on this port of this computer."
    with socket.socket() as listener:
        if os.name != 'nt':  # there the option would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def next_free_port(start):
    "The first free port from `start` on."
    for port in range(start, min(start + PORTS_TRIED, 65536)):
        if is_free(port):
            return port
    sys.exit(f'No port from {start} on is free: close a program, or name one: make lab PORT=9000')


def choose_port(wanted):
    "The port the reader named, if it can be had; without a name the first free one."
    if not wanted:
        return next_free_port(FIRST_PORT)
    if not (wanted.isdecimal() and 1024 <= int(wanted) <= 65535):
        sys.exit(f'{wanted} is no port: name a number from 1024 to 65535: make lab PORT=8889')
    port = int(wanted)
    if not is_free(port):
        other = next_free_port(port + 1 if port < 65535 else FIRST_PORT)
        sys.exit(f'Port {port} is in use by another program: make lab PORT={other} would work, '
                 'and so would make lab, which finds a free one.')
    return port


def has_graphical_browser():
    "Whether a browser with its own window can be opened (one in the terminal would block it)."
    try:
        return type(webbrowser.get()) is not webbrowser.GenericBrowser
    except webbrowser.Error:
        return False


def lab_command(port):
    "The command that starts JupyterLab, without the token: other users can see commands."
    return [
        sys.executable, '-m', 'jupyterlab', str(NOTEBOOKS / '00_start.ipynb'),
        f'--ServerApp.root_dir={NOTEBOOKS}',
        f'--ServerApp.ip={HOST}', f'--ServerApp.port={port}', '--ServerApp.port_retries=0',
        f'--ServerApp.open_browser={has_graphical_browser()}',
        f'--ServerApp.use_redirect_file={not SNAPS.is_dir()}',
        '--ServerApp.answer_yes=True', '--ServerApp.allow_root=True',
        f'--LabApp.app_settings_dir={SETTINGS}',
        '--LabApp.log_level=ERROR', '--ServerApp.log_level=ERROR',
    ]


def wait_until_ready(process, port, token):
    "Wait until the server answers to the token; False if it ended instead."
    request = urllib.request.Request(
        f'http://{HOST}:{port}/api/status', headers={'Authorization': f'token {token}'})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # straight, no proxy
    while process.poll() is None:
        try:
            with opener.open(request, timeout=5):
                return True
        except urllib.error.HTTPError as error:
            sys.exit(f'A server answers on port {port} but refuses our token ({error}): '
                     'is a token or password set in your Jupyter configuration?')
        except OSError:
            time.sleep(0.1)
    return False


def end(process):
    "End the server, which the terminal may have told to end already."
    if os.name != 'nt':
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def main():
    "Start JupyterLab, say where it is, and stay until it ends."
    port = choose_port(sys.argv[1] if len(sys.argv) > 1 else '')
    token = secrets.token_hex(24)
    environment = dict(os.environ, JUPYTER_TOKEN=token, JUPYTER_PREFER_ENV_PATH='1',
                       PYDEVD_DISABLE_FILE_VALIDATION='1')  # or the debugger prints a warning
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(lab_command(port), env=environment, cwd=ROOT)
    try:
        if wait_until_ready(process, port, token):
            address = f'http://{HOST}:{port}/lab/tree/00_start.ipynb?token={token}'
            print(f'\n  The course is open at\n\n    {address}\n\n  Ctrl-C here ends it.\n',
                  flush=True)
        code = process.wait()
    except KeyboardInterrupt:
        code = 0
        print('\n  The course is closed; your progress is kept.')
    finally:
        end(process)
    sys.exit(code)


if __name__ == '__main__':
    main()

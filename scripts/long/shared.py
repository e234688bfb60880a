"""What the long tests share: a virtual environment with pinned tools, a throw-away database, the service on it, a browser."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / "target" / "long-venv"
NODE = ROOT / "target" / "long-node"
BINARY = ROOT / "target" / "debug" / "pivotal-reminders"
SCRATCH = ROOT / "target" / "long"
ARTIFACTS = ROOT / "artifacts"
PATIENCE = 60


class Failed(Exception):
    pass


def say(text):
    print(f"\n== {text}", flush=True)


def run(what, command, timeout=240, **options):
    """Runs a command; its output is shown only if it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, **options)
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout.decode(errors="replace") if isinstance(expired.stdout, bytes) else expired.stdout
        raise Failed(f"{what}: not done after {timeout} s\n{output or ''}") from None
    except FileNotFoundError as missing:
        raise Failed(f"{what}: {missing.filename} is not installed") from None
    if done.returncode != 0:
        raise Failed(f"{what}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def tools():
    """A virtual environment with what requirements.txt pins."""
    wanted = HERE / "requirements.txt"
    stamp = VENV / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    say("installing the tools of requirements.txt into target/")
    shutil.rmtree(VENV, ignore_errors=True)
    run("venv", [sys.executable, "-m", "venv", VENV])
    run("pip", [VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted], timeout=600)
    stamp.write_text(wanted.read_text())


class Service:
    """`serve` on a database of its own, with a workspace, a CSM and a key that may do everything."""

    def __init__(self, url, *flags, **environment):
        self.env = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "LISTEN": "127.0.0.1:0", **environment}
        self.verb("migrate")
        self.verb("workspaces", "create", "--slug", "tally", "--name", "Tallybrook")
        self.csm = self.verb("users", "create", "--workspace", "tally", "--name", "Maren Holt", "--email", "maren@tally.example")
        scopes = "read,write,operate,admin"
        self.key = self.verb(
            "keys", "create", "--workspace", "tally", "--name", "Long tests", "--mode", "live", "--tier", "unlimited", "--scopes", scopes
        )
        self.log = []
        self.process = subprocess.Popen(
            [BINARY, "serve", *flags], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=lambda: self.log.extend(iter(self.process.stderr.readline, "")), daemon=True).start()
        self.url = self.wait()

    def verb(self, *arguments, stdin=""):
        """The last line that a verb of the command line prints: an id, a key."""
        return self.said(arguments, stdin).strip().rpartition("\n")[2]

    def json(self, *arguments):
        """What a verb prints for programs."""
        return json.loads(self.said([*arguments, "--json"]))

    def said(self, arguments, stdin=""):
        done = subprocess.run([BINARY, *arguments], env=self.env, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments[:2])}: {done.stderr}")
        return done.stdout

    def wait(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"http://[\d.]+:\d+", "".join(self.log))
            if found:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{found[0]}/readyz"):
                    return found[0]
            time.sleep(0.05)
        self.stop()
        raise Failed(f"the service did not start:\n{''.join(self.log)}")

    def call(self, method, path, body=None, key=None):
        """A request; answers with what came back, or fails."""
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers={"Authorization": f"Bearer {key or self.key}"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextlib.contextmanager
def database(kind):
    """The URL of a fresh database, which is gone afterwards."""
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite://{folder}/long.db"
        return
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        raise Failed("TEST_DATABASE_URL is not set; run it by scripts/with-postgres")
    name = f"long_{uuid.uuid4().hex}"
    run("psql", ["psql", server, "-qc", f"CREATE DATABASE {name}"])
    try:
        yield re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", server)
    finally:
        run("psql", ["psql", server, "-qc", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"])


def build():
    run("cargo", ["cargo", "build", "--locked", "--quiet", "--bins", "--tests"], timeout=1800, cwd=ROOT)


def chromium():
    """The path of Debian's browser, which is installed where it is missing."""
    found = shutil.which("chromium")
    if not found:
        say("installing chromium")
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get update", [*sudo, "apt-get", "-qq", "update"], env=quiet)
        run("apt-get install", [*sudo, "apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"], timeout=600, env=quiet)
        found = shutil.which("chromium")
    return found or "chromium"


def packages(*wanted):
    """Packages of npm, each with its version, under target/."""
    NODE.mkdir(parents=True, exist_ok=True)
    run("npm", ["npm", "install", "--prefix", NODE, "--no-audit", "--no-fund", "--ignore-scripts", *wanted], timeout=600)


def wait_for(what, look, patience=PATIENCE):
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"{what}: not so after {patience} s")

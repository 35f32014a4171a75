import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ally.channels.mail import guard
from ally.channels.mail.parse import parse_mail
from ally.channels.mail.parsed import Unreadable

MAIL = (
    b"From: Dana <dana@example.com>\r\nSubject: Pump\r\n"
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\n\r\nWhich one?\r\n"
    b"--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--x--\r\n"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_children():
    guard.stop()
    yield
    guard.stop()


def waiting_child():
    guard.parse(MAIL)
    child = guard._idle.get_nowait()
    guard._idle.put(child)
    return child


def test_the_guard_says_what_the_parser_says():
    assert guard.parse(MAIL) == parse_mail(MAIL)


def test_a_reader_is_asked_for_by_its_name():
    html = MAIL.replace(
        b"--x\r\n\r\nWhich", b"--x\r\nContent-Type: text/html\r\n\r\n<b onclick=x>Which"
    )

    assert guard.parse(html).source_html is None
    assert guard.parse(html, reader="mail with source").source_html == "<b onclick=x>Which one?"


def test_the_reason_comes_through():
    with pytest.raises(Unreadable, match="more than 500 parts"):
        guard.parse(
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\nhi\r\n" * 600
        )


def test_a_child_reads_many_mails():
    first = waiting_child()
    guard.parse(MAIL)

    assert waiting_child() is first


def test_a_child_that_is_late_is_replaced():
    stopped = waiting_child()
    os.kill(stopped.process.pid, signal.SIGSTOP)
    began = time.monotonic()

    with pytest.raises(Unreadable, match=r"longer than 0.3 seconds"):
        guard.parse(MAIL, seconds=0.3)

    assert time.monotonic() - began < 2
    assert stopped.process.poll() is not None
    assert guard.parse(MAIL).subject == "Pump"


def test_a_child_that_died_while_it_waited_is_replaced():
    child = waiting_child()
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()

    assert guard.parse(MAIL).subject == "Pump"


def test_a_child_that_dies_while_it_reads_spoils_one_mail_only():
    child = waiting_child()
    os.kill(child.process.pid, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (child.process.pid, signal.SIGKILL)).start()

    with pytest.raises(Unreadable, match="broke the reader"):
        guard.parse(MAIL)

    assert guard.parse(MAIL).subject == "Pump"


@pytest.mark.parametrize(
    "script",
    [
        # An answer that is no JSON, one of another shape, one that never ends, and no answer.
        # Files that do not add up, too.
        "s.sendall(struct.pack('>QQ', 7, 0) + b'garbage')",
        "s.sendall(struct.pack('>QQ', 7, 0) + b'[1,2,3]')",
        "s.sendall(struct.pack('>QQ', 9, 0) + b'{\"a\": 12}')",
        "s.sendall(struct.pack('>QQ', 1 << 60, 0) + b'x' * 1000)",
        "s.sendall(struct.pack('>QQ', 9, 1 << 60) + b'{\"a\": 12}')",
        "s.sendall(struct.pack('>QQ', 15, 5) + b'{\"reason\": \"x\"}' + b'12345')",
        "s.sendall(struct.pack('>QQ', 9, 5) + b'{\"a\": 12}' + b'12345')",
        "s.sendall(struct.pack('>QQ', 31, 5) + b'{\"attachments\": [{\"size\": -5}]}')",
        "s.sendall(struct.pack('>QQ', 21, 0) + b'{\"attachments\": [true]}')",
        "s.sendall(b'x')",
        "",
    ],
)
def test_a_child_that_answers_nonsense_is_replaced(monkeypatch, script):
    lines = ["import socket, struct", "s = socket.socket(fileno=0)", "s.sendall(b'!')"]
    monkeypatch.setattr(guard, "START", "\n".join([*lines, "s.recv(100000)", script]))
    with pytest.raises(Unreadable, match="broke the reader"):
        guard.parse(MAIL)
    monkeypatch.undo()

    assert guard.parse(MAIL).subject == "Pump"


def test_a_child_that_needs_too_much_memory_stops_alone(monkeypatch):
    hungry = guard.START.replace(
        "serve()",
        "import ally.channels.mail.child as c; c.READERS['mail'] = lambda raw: b'x' * (2 << 30)",
    )
    monkeypatch.setattr(guard, "START", hungry + "\nserve()")
    with pytest.raises(Unreadable, match="too much memory"):
        guard.parse(MAIL)


LARGEST_MAIL = 25 * 1024 * 1024
LINES = {
    "a file": b"--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    "a text": b"--x\r\n\r\n",
    "a text in Russian": b"--x\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n",
    "HTML": b"--x\r\nContent-Type: text/html\r\n\r\n",
    "uuencode": b"--x\r\n\r\nbegin 644 a.bin\r\n",
    "empty lines": b"--x\r\n\r\n",
    "dashes": b"--x\r\n\r\n",
}
REPEATED = {
    "a file": b"QUJD" * 18 + b"\r\n",
    "a text": b"Which pump is it that fits?\r\n",
    "a text in Russian": "Какой насос подойдёт?\r\n".encode("koi8-r"),
    "HTML": b"<p>Which <b>pump</b> fits?</p>\r\n",
    "uuencode": b"M" + b"A" * 60 + b"\r\n",
    "empty lines": b"\n",
    "dashes": b"--xy\r\n",
}


@pytest.mark.skipif(sys.platform != "linux", reason="What a process took is read in /proc.")
@pytest.mark.parametrize("what", LINES)
def test_the_largest_mail_takes_little_time_and_memory(what):
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + LINES[what]
    line = REPEATED[what]
    child = waiting_child()
    before = seconds_of(child)

    guard.parse(head + line * (LARGEST_MAIL // len(line)), seconds=30)

    assert waiting_child() is child
    assert seconds_of(child) - before < 2
    status = Path(f"/proc/{child.process.pid}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) < 200 * 1024


def seconds_of(child):
    """The processor's time that it took, whatever else the machine does."""
    times = Path(f"/proc/{child.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def test_threads_have_children_of_their_own():
    subjects, threads = [], []
    for number in range(6):
        raw = MAIL.replace(b"Pump", b"Pump %d" % number)
        threads.append(
            threading.Thread(target=lambda r=raw: subjects.append(guard.parse(r).subject))
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(subjects) == [f"Pump {number}" for number in range(6)]
    assert guard._idle.qsize() <= 6


def test_children_end_with_their_parent_and_start_in_any_folder(tmp_path):
    script = (
        f"import sys, os; sys.path.insert(0, {str(ROOT)!r})\n"
        "from ally.channels.mail import guard\n"
        "assert guard.parse(b'Subject: hi\\n\\nx').subject == 'hi'\n"
        "print(guard._idle.get_nowait().process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False
    )
    child = int(done.stdout)

    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_alive(child)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie waits for whoever inherited it, and runs no more.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_child_loads_no_web_and_knows_no_secret(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import ally.channels.mail.child\n"
        "print([m for m in ('flask', 'sqlalchemy', 'psycopg', 'pydantic') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"

    child = waiting_child()
    environment = Path(f"/proc/{child.process.pid}/environ")
    assert not environment.exists() or b"secret" not in environment.read_bytes()

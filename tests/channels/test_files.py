import hashlib
import threading

import pytest

from ally.channels import files
from ally.errors import NotFound


@pytest.fixture
def folder(tmp_path, settings):
    files.use_folder(tmp_path)
    yield tmp_path
    files.use_folder(settings.storage_folder)


def test_a_file_comes_back_as_it_was(folder):
    url = files.store(b"%PDF-1.4 invoice")

    assert url == "file:" + hashlib.sha256(b"%PDF-1.4 invoice").hexdigest()
    assert files.read(url) == b"%PDF-1.4 invoice"


def test_the_same_file_is_kept_once(folder):
    assert files.store(b"photo") == files.store(b"photo")

    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_file_stored_by_many_at_once_is_whole_and_alone(folder):
    content = b"x" * 1_000_000
    threads = [threading.Thread(target=files.store, args=(content,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files.read(files.store(content)) == content
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:",
        "file:../../../../etc/passwd",
        "file:" + "A" * 64,
        "file:" + "0" * 63,
        "file:" + "0" * 64,
        "file:" + "0" * 64 + "\n",
        "/etc/passwd",
        "http://example.com/" + "0" * 64,
    ],
)
def test_what_is_no_url_of_ours_is_not_found(folder, url):
    with pytest.raises(NotFound):
        files.read(url)


def test_a_damaged_file_is_refused(folder):
    url = files.store(b"ten pumps")
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    path.write_bytes(b"two pumps")

    with pytest.raises(NotFound, match="damaged"):
        files.read(url)


def test_a_write_that_fails_leaves_nothing_behind(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.store(b"a large file")

    assert [path for path in folder.rglob("*") if path.is_file()] == []

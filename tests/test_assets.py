"""What the browser loads beside a page."""

import gzip

import brotli
import pytest

from ally import assets
from ally.bundle import bundled


def test_a_file_is_kept_for_a_year_under_the_address_of_its_version(client):
    answer = client.get(assets.asset_path("js/desk.js"))
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_address_of_an_older_version_gives_the_file_of_today_for_now(client):
    answer = client.get("/assets/older/js/desk.js")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_goes_out_packed_to_who_can_unpack_it(client):
    plain = client.get(assets.asset_path("ally.css"))
    packed = client.get(assets.asset_path("ally.css"), headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 3 < len(plain.data)


def test_a_browser_that_knows_brotli_gets_less(client):
    headers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    packed = client.get(assets.asset_path("ally.css"), headers=headers)
    assert packed.headers["Content-Encoding"] == "br"
    assert brotli.decompress(packed.data) == assets.read("ally.css").content
    assert len(packed.data) < len(assets.read("ally.css").packed["gzip"])


def test_a_page_names_what_it_needs_before_it_has_arrived(client):
    page = client.get("/login")
    for name in ("ally.css", "ally.js", "vendor/htmx.min.js"):
        assert f"<{assets.asset_path(name)}>; rel=" in page.headers["Link"]
        assert f'"{assets.asset_path(name)}"' in page.text
    assert "Link" not in client.get(assets.asset_path("ally.css")).headers


def test_every_style_sheet_is_among_them():
    there = {file.stem for file in (assets.FOLDER / "css").glob("*.css")}
    assert set(assets.SHEETS) == there


def test_every_module_is_among_them_once(client):
    sent = client.get(assets.asset_path("ally.js")).text
    for module in (assets.FOLDER / "js").glob("*.js"):
        assert sent.count(f"const m_{module.stem} = ") == 1, f"nothing imports {module.name}"


def test_a_module_stands_after_what_it_imports(tmp_path):
    (tmp_path / "one.js").write_text('import { two as second } from "./two.js";\nsecond();\n')
    (tmp_path / "two.js").write_text("export const two = () => 2;\n")

    assert bundled(tmp_path / "one.js") == (
        "const m_two = (() => {\nconst two = () => 2;\nreturn { two };\n})();\n"
        "const m_one = (() => {\nconst { two: second } = m_two;\nsecond();\nreturn {  };\n})();\n"
    )


@pytest.mark.parametrize(
    "source",
    ['import "./one.js";\n', 'import * as all from "./two.js";\n', "export default 1;\n"],
)
def test_a_module_that_cannot_stand_among_others_is_refused(tmp_path, source):
    (tmp_path / "one.js").write_text(source)
    with pytest.raises(ValueError, match=r"one\.js"):
        bundled(tmp_path / "one.js")


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "js", "nothing.js", "/etc/passwd"])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/assets/v/{name}").status_code in {404, 308}


def test_a_page_goes_out_packed_too(client, ada, acme):
    answer = client.get("/login", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"Sign in" in gzip.decompress(answer.data)

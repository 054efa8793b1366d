"""The report: whole, valid, self-contained; its numbers are the study's, and names stay names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from causal.display import report, words
from causal.display.records import versions
from causal.errors import OutputError
from causal.graph.dag import Dag
from causal.models.priors import describe
from causal.models.script import model_code
from causal.study.effects import program_ends
from tests.display import studies

VOID = {"meta", "br", "col"}
SECTIONS = [
    "The drawing",
    "Why these variables",
    "Correct against naive",
    "All coefficients",
    "Diagnostics",
    "Models and priors",
    "Data",
    "How this was computed",
    "Versions, seed, command",
]


@dataclass
class Element:
    """An element of a parsed page."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def all(self, *tags: str) -> list[Element]:
        """Every element below this one with one of the *tags* (any, if none is given)."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if not tags or child.tag in tags else []
                found += child.all(*tags)
        return found

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def of_class(self, name: str) -> list[Element]:
        return [e for e in self.all() if name in (e.attributes.get("class") or "").split()]

    def by_id(self, name: str) -> Element:
        (found,) = [e for e in self.all() if e.attributes.get("id") == name]
        return found

    def rows(self) -> list[list[Element]]:
        """The cells of every row in the bodies of the tables."""
        bodies = self.all("tbody")
        return [row.all("th", "td") for body in bodies for row in body.all("tr")]

    def values(self) -> list[float]:
        """What the data elements say, unrounded."""
        return [float(e.attributes["value"] or "") for e in self.all("data")]


class Reader(HTMLParser):
    """Reads a page into a tree; an element that is not closed where it should be is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open = [self.root]
        self.feed(text)
        self.close()
        assert self.open == [self.root], f"not closed: {[e.tag for e in self.open]}"

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        made = Element(tag, dict(attrs))
        self.open[-1].children.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_startendtag(self, tag, attrs):
        assert self.within("svg"), f"<{tag}/> is no HTML"
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].children.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    def within(self, tag):
        return any(element.tag == tag for element in self.open)


def read(text):
    return Reader(text).root


@cache
def one(kind):
    """The studies of a kind, and their page."""
    made = list(studies.both()) if kind == "both" else [studies.KINDS[kind]()]
    return made, report.page(made)


@pytest.fixture(params=[*studies.KINDS, "both"])
def kind(request):
    return request.param


@pytest.fixture
def asked(kind):
    """One or two studies, of every kind."""
    return one(kind)[0]


@pytest.fixture
def text(kind):
    """Their page."""
    return one(kind)[1]


@pytest.fixture
def page(text):
    """Their page as a tree."""
    return read(text)


def row_of(section, model):
    """The cells of the row that begins with *model*."""
    for cells in section.rows():
        if cells[0].text.startswith(model):
            return cells
    raise AssertionError(model)


def cell(cells, label):
    (found,) = [c for c in cells if c.attributes.get("data-label") == label]
    return found


# The page as a file


def test_every_element_is_closed_and_every_link_leads_to_a_part_of_the_page(page):
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    links = [e.attributes["href"] for e in page.all() if "href" in e.attributes]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    assert [e.tag for e in page.children if isinstance(e, Element)] == ["html"]
    for table in page.all("table"):
        widths = {len(row.all("th", "td")) for row in table.all("tr")}
        assert len(widths) == 1


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_page_needs_nothing_from_outside_and_forbids_it(page):
    tags = {e.tag for e in page.all()}
    assert not tags & {"script", "link", "iframe", "img", "object", "embed", "base", "form", "use"}
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "action", "xlink:href", "ping")
            assert name == "xmlns" or "://" not in (value or "")
    styles = [e.text for e in page.all("style")] + [
        e.attributes["style"] or "" for e in page.all() if "style" in e.attributes
    ]
    assert not re.search(r"url\(|@import|expression", " ".join(styles))
    (policy,) = [e for e in page.all("meta") if "http-equiv" in e.attributes]
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    assert policy.attributes["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    )


def test_all_sections_are_there_in_order(asked, page):
    headings = [e.text for e in page.all("h2", "h3") if e.text in SECTIONS]
    assert headings == SECTIONS[:-1] * len(asked) + SECTIONS[-1:]
    assert len(page.of_class("answer")) == len(asked)


def test_the_file_is_small(text):
    assert len(text.encode()) < 300_000


def test_the_same_studies_make_the_same_file(asked, text):
    assert report.page(asked) == text


def test_importing_the_report_does_not_import_matplotlib():
    code = "import sys, causal.display.report; print('matplotlib' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


# What it says


def test_the_answer_holds_the_correct_effect_and_every_conclusion(asked, page):
    for study, box in zip(asked, page.of_class("answer"), strict=True):
        said = [item.text for item in box.all("li")]
        assert len(said) == len(words.conclusions(study))
        if study is not studies.hostile() and study is not studies.wide():
            assert said == list(words.conclusions(study))
        (headline,) = box.of_class("headline")
        if study.identifiable:
            effect = study["correct"].effect
            assert headline.values()[:3] == [effect.mean, *effect.interval]
        else:
            assert headline.text == "No answer by adjustment."
            assert not headline.all("data")


def test_the_answer_names_question_set_assumption_and_the_other_effect():
    data = studies.columns()
    study = Dag("x <- z -> y; x -> c <- y").question("x", "y").run(data)
    text = read(report.page([study])).of_class("answer")[0].text
    assert "Direct effect of x on y." in text
    assert "The drawing saysAdjust for {z}." in text
    assert "The DAG has no arrow x -> y: it assumes this effect is 0." in text
    assert "The total effectAdjust for {z}." in text


def test_failed_checks_come_first():
    for study, phrase in (
        (studies.perfect(), "y is an exact linear function of x and z"),
        (studies.binary(), "The correct model failed a check: rhat"),
    ):
        page = read(report.page([study]))
        first = next(c for c in page.of_class("answer")[0].children if isinstance(c, Element))
        assert first.text.startswith("Check failed. ")
        assert phrase in first.text
        assert "FAILED" in cell(row_of(page.by_id("direct-diagnostics"), "correct"), "checks").text


def test_the_numbers_of_the_comparison_are_those_of_the_study(asked, page):
    for study in asked:
        section = page.by_id(f"{study.question.effect}-correct-against-naive")
        table, *_ = section.all("table")
        rows = dict(zip(_order(study), Element("", {}, [table]).rows(), strict=True))
        for name, fit in study.fits.items():
            effect, digits = fit.effect, words.places(fit)
            assert cell(rows[name], "effect").values() == [effect.mean]
            assert cell(rows[name], "effect").text == words.number(effect.mean, digits)
            assert cell(rows[name], "89% interval").values() == list(effect.interval)
            assert cell(rows[name], "P(effect > 0)").values() == [effect.probability_positive]
            valid = cell(rows[name], "set").text
            assert valid == "valid" if fit.verdict else valid.startswith("INVALID")
            if name in study.differences:
                assert cell(rows[name], "verdict").text == study.differences[name].verdict


def _order(study):
    return [name for name in study.fits if name != "correct"] + (
        ["correct"] if study.identifiable else []
    )


def test_the_shifts_are_given_in_numbers_and_their_verdicts_in_words():
    study = studies.fork()
    section = read(report.page([study])).by_id("direct-correct-against-naive")
    table = Element("", {}, [section.all("table")[-1]])
    for name, found in study.differences.items():
        cells = row_of(table, name)
        assert cell(cells, "shift").values() == [found.shift.mean]
        assert cell(cells, "sd").values() == [found.shift.sd]
        assert cell(cells, "89% interval").values() == list(found.shift.interval)
        assert cell(cells, "difference of posterior means").values() == [found.of_means]
        assert cell(cells, "verdict").text == (
            "misleadsThe set is invalid, and the interval of the shift excludes all from -0.1 to "
            "0.1."
        )


def test_ratios_are_shown_without_a_probability_of_being_positive():
    study = studies.binary()
    section = read(report.page([study])).by_id("direct-correct-against-naive")
    rows = [cells for cells in section.rows() if any(c.text == "odds ratio" for c in cells)]
    assert len(rows) == 2
    for cells in rows:
        (wanted,) = [e for e in study[cells[0].text].effects if e.scale == "odds ratio"]
        assert cell(cells, "effect").values() == [wanted.mean]
        assert cell(cells, "P(effect > 0)").text == ""


def test_every_contrast_of_a_category_is_shown():
    study = studies.category()
    section = read(report.page([study])).by_id("direct-correct-against-naive")
    shown = {(c[0].text, c[1].text) for c in section.rows()}
    wanted = {(name, e.contrast) for name, f in study.fits.items() for e in f.effects[1:]}
    assert wanted
    assert wanted <= shown


def test_coefficients_of_covariates_are_called_adjustment_and_nothing_else_is(asked, page):
    for study in asked:
        section = page.by_id(f"{study.question.effect}-all-coefficients")
        tables = section.all("table")
        fits = [study[name] for name in reversed(_order(study))]
        for table, fit in zip(tables, fits, strict=True):
            rows = Element("", {}, [table]).rows()
            covariates = [
                name
                for held in fit.regression.adjust_for
                for name in fit.regression.coefficients_of(held)
            ]
            for cells, name in zip(rows, fit.regression.coefficient_names, strict=True):
                found = fit.draws.summary(name, study.prob)
                assert cell(cells, "mean").values() == [found.mean]
                assert cell(cells, "89% interval").values() == list(found.interval)
                read_as = cell(cells, "to be read as").text
                assert (read_as == "adjustment only, not an effect") == (name in covariates)
                if name in fit.regression.coefficients_of(fit.regression.terms[0].variable):
                    assert ("not the effect asked about" in read_as) == (not fit.verdict)


def test_each_variable_has_its_role_use_and_reason():
    section = read(one("fork")[1]).by_id("direct-why-these-variables")
    assert [[c.text for c in cells] for cells in section.rows()] == [
        [
            "c",
            "collider",
            "exclude",
            "holding it fixed opens x -> c <- y",
            "added: x -> c <- y opens and biases the answer",
        ],
        [
            "z",
            "common cause",
            "include",
            "x <- z -> y is open; this closes it",
            "left out: x <- z -> y is open and biases the answer",
        ],
    ]


def test_the_drawing_and_its_open_paths_are_shown():
    section = read(one("unanswerable")[1]).by_id("direct-the-drawing")
    (drawing,) = section.all("svg")
    assert "dashed ellipse: not measured" in section.text
    assert "latent" in drawing.text
    assert "whatever is adjusted for:" in section.text
    assert [item.text for item in section.all("li")] == ["x <- u -> y"]


def test_there_are_three_plots_or_two_where_nothing_is_compared():
    for study, count in ((studies.fork(), 3), (studies.alone(), 2), (studies.unanswerable(), 2)):
        section = read(report.page([study])).by_id("direct-correct-against-naive")
        assert len(section.all("svg")) == len(section.all("figcaption")) == count


def program(fit):
    """The model of a fit as the report prints it."""
    return model_code(fit.regression, ends=program_ends(fit.regression, fit.table))


def test_the_models_are_given_as_formula_priors_and_program():
    study = studies.fork()
    section = read(report.page([study])).by_id("direct-models-and-priors")
    assert [e.text for e in section.all("h3")] == list(reversed(_order(study)))
    programs = [e.text for e in section.all("pre")]
    lines = [e.text for e in section.all("li")]
    for name in study.fits:
        regression = study[name].regression
        assert program(study[name]) in programs
        assert set(describe(regression)) <= set(lines)


def test_the_data_are_accounted_for(tmp_path):
    file = tmp_path / "a & b.csv"
    rows = zip(*(values.tolist() for values in studies.columns(50).values()), strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    lines[3] = f"{lines[3].split(',')[0]},1,,2"
    file.write_text("x,y,z,c\n" + "\n".join(lines) + "\n")
    study = Dag("x <- z -> y; x -> y").question("x", "y").run(str(file), seed=17)
    page = read(report.page([study], command="causal run 'a & b.csv' --seed 17"))
    facts = page.by_id("direct-data").text
    assert str(file) in facts
    assert study.source.sha256 in facts
    assert "Rows read50" in facts
    assert "Rows used49, the same in every model" in facts
    assert "Missingz in 1 rows" in facts
    assert "Model left outeverything: the same regression as correct" in facts
    made = page.by_id("made").text
    assert "Seed17" in made
    assert "causal run 'a & b.csv' --seed 17" in made
    for name, number in versions(["exact"]).items():
        assert f"{name} {number}" in made


def test_notes_on_the_data_are_passed_on():
    study = studies.plain()
    assert study.plan.notes
    facts = read(report.page([study])).by_id("direct-data").text
    for note in study.plan.notes:
        assert note in facts
    assert "Rows used293" in facts


def test_what_was_drawn_is_diagnosed():
    section = read(one("binary")[1]).by_id("direct-diagnostics")
    cells = row_of(section, "unadjusted")
    assert [c.text for c in cells] == [
        "unadjusted",
        "nuts",
        "4 x 500",
        "1.002",
        "2,100",
        "1,800",
        "0",
        "n/a",
        "1.5",
        "passed",
    ]
    cells = row_of(read(one("fork")[1]).by_id("direct-diagnostics"), "correct")
    assert [c.text for c in cells[1:8]] == ["exact", "1 x 4,000", *["n/a"] * 5]


def test_the_method_is_told_as_it_was_used():
    def method(study):
        return read(report.page([study])).by_id("direct-how-this-was-computed").text

    assert "computed, not sampled" in method(studies.fork())
    assert "Bayesian bootstrap" in method(studies.fork())
    assert "NUTS" not in method(studies.fork())
    assert "NUTS" in method(studies.binary())
    assert "g-computation" in method(studies.binary())
    assert "Bayesian bootstrap" not in method(studies.unanswerable())


def test_two_studies_stand_one_after_the_other_under_headings_of_their_own():
    direct, total = studies.both()
    page = read(report.page([direct, total]))
    (title,) = page.all("h1")
    assert title.text == "Direct and total effect of x on y"
    articles = page.all("article")
    assert [a.all("h2")[0].text for a in articles] == [
        "Direct effect of x on y",
        "Total effect of x on y",
    ]
    for article, study in zip(articles, (direct, total), strict=True):
        (headline,) = article.of_class("headline")
        assert headline.values()[0] == study["correct"].effect.mean
    assert direct["correct"].effect.mean != total["correct"].effect.mean


# Names


def test_hostile_names_are_text_wherever_they_stand():
    text = report.page([studies.hostile()], command=f"causal run {studies.SCRIPT}\ud800\x1b")
    page = read(text)
    assert page.all("h1")[0].text == f'Direct effect of $x^2$ & "q" on {studies.SCRIPT}'
    assert page.all("title")[0].text == page.all("h1")[0].text
    models = [c[0].text for c in page.by_id("direct-diagnostics").rows()]
    assert studies.SCRIPT in models
    assert '"><img src=x onerror=1>' in models
    assert "日本\\ud800$a$" in models
    names = [c[0].text for c in page.by_id("direct-why-these-variables").rows()]
    assert "_a_\\nnew" in names
    assert "g\\x00`\\u202e</title>" in names
    coefficients = [c[0].text for c in page.by_id("direct-all-coefficients").rows()]
    assert "g\\x00`\\u202e</title>[<b>]" in coefficients
    assert f"causal run {studies.SCRIPT}\\ud800\\x1b" in page.by_id("made").text
    for study in (studies.hostile(),):
        programs = [e.text for e in page.all("pre")]
        assert [program(study[name]) for name in reversed(_order(study))] == programs


def test_no_character_that_a_page_may_not_hold_gets_into_it(text):
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\ufffe\uffff]", text
    )


def test_a_name_of_ten_thousand_letters_is_shortened_but_for_the_program():
    page = read(one("hostile")[1])
    for element in page.all("p", "td", "th", "li", "dd", "figcaption", "h1", "caption"):
        assert len(element.text) < 2_000
    assert any(studies.HOSTILE["c"] in program.text for program in page.all("pre"))


# Missing parts, and files


def test_without_matplotlib_the_report_says_in_place_of_the_plots_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = read(report.page([studies.fork()]))
    section = page.by_id("direct-correct-against-naive")
    said = [e.text for e in section.of_class("missing")]
    assert len(said) == 3
    assert said[0].startswith("The plots need matplotlib, which is not installed.")
    assert said[0].endswith("pip install 'causal-workbench[plot]'")
    assert len(set(said)) == 1
    assert len(page.all("svg")) == 1
    assert read(report.fragment(studies.fork())).all("table")


def test_without_graphviz_the_report_says_in_place_of_the_drawing_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    page = read(report.page([studies.fork()]))
    (said,) = page.by_id("direct-the-drawing").of_class("missing")
    assert "pip install 'causal-workbench[draw]'" in said.text
    assert len(page.all("svg")) == 4


def test_the_file_is_written_whole_and_nothing_beside_it(tmp_path):
    target = tmp_path / "r.html"
    target.write_text("old")
    studies.fork().report(str(target))
    assert target.read_text(encoding="utf-8") == report.page([studies.fork()])
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("where", ["no/such/r.html", "folder", "nul\x00.html", ""])
def test_what_cannot_be_written_says_what_where_why_and_what_to_do(tmp_path, where):
    (tmp_path / "folder").mkdir()
    target = str(tmp_path / where) if where else ""
    with pytest.raises(OutputError) as caught:
        report.write([studies.fork()], target)
    message = str(caught.value)
    assert message.startswith("Cannot write '")
    assert "Name a file in a directory that exists" in message
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# In a notebook


def test_a_study_shows_itself_as_table_verdicts_and_forest(asked):
    for study in asked:
        fragment = read(study._repr_html_())
        (box,) = [e for e in fragment.children if isinstance(e, Element)]
        assert box.tag == "div"
        (table,) = box.all("table")
        assert len(table.all("tbody")[0].all("tr")) == len(study.fits)
        assert len(box.all("svg")) == 1
        assert not {e.tag for e in box.all()} & {"script", "link", "img"}
        effects = [fit.effect.mean for fit in study.fits.values()]
        assert set(effects) <= set(table.values())
        said = " ".join(p.text for p in box.all("p"))
        for name, found in study.differences.items():
            assert found.verdict.split()[0].removesuffix("s") in said, name


def test_the_style_of_a_fragment_touches_nothing_else_on_the_page():
    (style,) = read(report.fragment(studies.fork())).all("style")
    selectors = re.findall(r"([^{}]+)\{", style.text)
    assert selectors
    for part in ",".join(selectors).split(","):
        assert part.strip().startswith(".causal-study")


def test_the_report_s_style_sheet_is_part_of_the_package():
    assert Path(report.__file__).with_name("report.css").is_file()

"""index.html: where to look first, and a card for each model and schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analyzer.dashboard.charts import day_of, strip
from analyzer.dashboard.collect import DIMENSIONS, VERDICTS, Model, Schedule
from analyzer.dashboard.frame import SEVERITY, WORDS, Links, page_name, section, top, verdict_mark, whole_page
from analyzer.dashboard.rank_causes import Cause, Group
from analyzer.report.markup import joined, tag
from analyzer.report.tables import filter_form, name_of, scrolled, small_table
from analyzer.report.wording import NONE, clipped, counted, figure, percent

TIMES = "\u00d7"
MOST_CAUSES = 12
MOST_ALARMS = 30
MOST_SKIPPED = 200
FEW = 6
"""Cards up to which nothing needs to be found."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the first page shows of a schedule, as markup, so that those that did not change need not be made again."""

    name: str
    verdict: str
    last: str
    executions: int
    html: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the first page shows of a model."""

    heading: str
    cards: tuple[Card, ...]
    causes: tuple[tuple[float, str], ...]
    """Rows of the table of causes by their scores."""


def summarize(model: Model, groups: Sequence[Group], links: Links) -> Summary:
    """Make all that the first page shows of a model."""
    cards = tuple(_card(schedule, links) for schedule in model.schedules)
    causes = sorted(((c.score, str(_cause_row(model, c))) for g in groups for c in g.causes), reverse=True)
    return Summary(str(_heading(model)), cards, tuple(causes[:MOST_CAUSES]))


def _heading(model: Model) -> Markup:
    chips = [_chip(each, words, model.verdicts.get(each)) for each, words in DIMENSIONS.items()]
    return tag("div", tag("h3", name_of(model.name)), tag("ul", *chips, class_="chips"), class_="model")


def _chip(dimension: str, words: str, verdict: tuple[str, int] | None) -> Markup:
    told = verdict_mark(*verdict) if verdict else tag("span", NONE, class_="quiet", title="no executions")
    return tag("li", tag("span", words, class_="quiet"), " ", told, data_dimension=dimension)


def _card(schedule: Schedule, links: Links) -> Card:
    last = schedule.last
    title = tag("a", name_of(schedule.name), href=page_name(schedule.endpoint, schedule.name), class_="name")
    link = links.to(last)
    told = [(words, schedule.verdicts.get(each)) for each, words in DIMENSIONS.items()]
    chips = [_chip(words, words, found[:2] if found else None) for words, found in told]
    body = tag(
        "article",
        tag("h4", title),
        tag("ul", *chips, class_="chips"),
        strip(schedule.executions),
        tag(
            "p",
            counted(len(schedule.executions), "execution"), ", last ",
            tag("time", day_of(last.time), datetime=last.time),
            f", {figure(last.rows)} rows" if last.rows is not None else None,
            joined([" · ", tag("a", "report", tag("span", f" of {schedule.name}", class_="unseen"), href=link)])
            if link else None,
            class_="quiet",
        ),
        class_=f"card {SEVERITY[schedule.verdict]}",
        data_s=SEVERITY[schedule.verdict],
        data_n=schedule.endpoint,
    )  # fmt: skip
    return Card(schedule.name, schedule.verdict, last.time, len(schedule.executions), str(body))


def _cause_row(model: Model, cause: Cause) -> Markup:
    link = tag("a", name_of(model.name), href=page_name(model.endpoint, cause.schedule) + "#causes")
    return tag("tr", tag("th", name_of(cause.feature), scope="row"), tag("td", link), *cause_cells(cause))


def cause_cells(cause: Cause) -> Iterator[Markup]:
    """Show what speaks for a cause, factor by factor."""
    ended = joined([" to ", day_of(cause.until)]) if cause.until else None
    yield tag("td", day_of(cause.since), ended)
    yield tag("td", cause.what.replace("_", " "))
    yield tag("td", f"{cause.ratio:.1f} {TIMES}", class_="n")
    yield tag("td", percent(cause.share) if cause.share is not None else NONE, class_="n")
    change = cause.change
    told = f"{change.metric} {figure(change.before)} → {figure(change.after)}" if change else NONE
    yield tag("td", told)
    yield tag("td", tag("b", f"{cause.score:.1f}"), class_="n")


CAUSE_HEADS = ("Since", "What", "Deviation", "Attribution", "Quality", "Score")


def index_page(
    summaries: Sequence[Summary], skipped: Sequence[tuple[str, str]], alarms: Sequence[Sequence[str]]
) -> str:
    """Write the first page."""
    cards = [card for each in summaries for card in each.cards]
    worst = min((card.verdict for card in cards), key=VERDICTS.index, default="not judged")
    main = [
        _tiles(summaries, cards),
        _filters(cards) if len(cards) >= FEW else None,
        _alarms(alarms),
        _causes(summaries),
        _cards(summaries),
        _skipped(skipped),
    ]
    about = f"{counted(len(summaries), 'model')}, {counted(len(cards), 'schedule')}"
    return whole_page("Model monitoring", top("Model monitoring", _headline(cards), worst, about), main)


def _headline(cards: Sequence[Card]) -> str:
    bad = sum(card.verdict == "violations" for card in cards)
    if not cards:
        return "There are no executions"
    if bad:
        return f"{bad:,} of {counted(len(cards), 'schedule')} {'has' if bad == 1 else 'have'} violations"
    return "No violations in the last executions"


def _filters(cards: Sequence[Card]) -> Markup:
    words = {"violations": "Violations", **WORDS}
    found = {
        SEVERITY[each]: tag("span", words[each], class_=f"badge {SEVERITY[each]}")
        for each in VERDICTS
        if any(card.verdict == each for card in cards)
    }
    return filter_form(found, "verdict", "the schedules")


def _tiles(summaries: Sequence[Summary], cards: Sequence[Card]) -> Markup:
    runs = sum(card.executions for card in cards)
    last = max((card.last for card in cards), default="")
    facts = [
        ("Models", f"{len(summaries):,}"),
        ("Schedules", f"{len(cards):,}"),
        ("Executions", f"{runs:,}"),
        ("Last execution", day_of(last) if last else NONE),
    ]
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", told)) for term, told in facts), class_="tiles")


def _alarms(alarms: Sequence[Sequence[str]]) -> Markup | None:
    if not alarms:
        return None
    rows = [[name_of(rule), name_of(of), day_of(since), reason] for rule, of, since, reason in alarms[:MOST_ALARMS]]
    more = len(alarms) - len(rows)
    return section(
        "alarms", f"{counted(len(alarms), 'alarm')} on", small_table(["Rule", "Of", "Since", "Why"], rows, "Alarms"),
        tag("p", f"... and {more:,} more in the history", class_="quiet") if more else None,
    )  # fmt: skip


def _causes(summaries: Sequence[Summary]) -> Markup | None:
    rows = sorted((row for each in summaries for row in each.causes), reverse=True)[:MOST_CAUSES]
    if not rows:
        return None
    body = Markup("".join(row for _, row in rows))  # noqa: S704 (made of markup above)
    words = "Where to look first"
    return section("first", words, cause_table(("Feature", "Model"), body, words, words), explanation=EXPLANATION)


def cause_table(heads: Sequence[str], rows: Markup, caption: str, label: str) -> Markup:
    """Make a table of causes; `heads` are those before what all of them have."""
    table = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", tag("tr", *(tag("th", each, scope="col") for each in (*heads, *CAUSE_HEADS)))),
        tag("tbody", rows),
        class_="causes",
    )
    return scrolled(table, label)


EXPLANATION = (
    f"Features that went wrong lately, ranked by deviation (drift, or bad rows, as times what is allowed) {TIMES} "
    f"attribution (the feature's share, over the average share) {TIMES} change of the model's quality since (1 + "
    "robust standard deviations)."
)


def _cards(summaries: Sequence[Summary]) -> Markup:
    parts = [
        tag(
            "div",
            Markup(each.heading),  # noqa: S704 (made of markup above)
            tag("div", *(Markup(card.html) for card in each.cards), class_="cards"),  # noqa: S704 (likewise)
        )
        for each in sorted(summaries, key=_worst_first)
    ]
    return tag("div", tag("h2", "Models", class_="models"), *parts, id="models")


def _worst_first(summary: Summary) -> int:
    return min((VERDICTS.index(card.verdict) for card in summary.cards), default=len(VERDICTS))


def _skipped(skipped: Sequence[tuple[str, str]]) -> Markup | None:
    if not skipped:
        return None
    rows = [[tag("code", clipped(path)), clipped(reason)] for path, reason in skipped[:MOST_SKIPPED]]
    more = len(skipped) - len(rows)
    return section(
        "skipped", "Files that were skipped",
        tag("details", tag("summary", counted(len(skipped), "file or folder", "files and folders")),
            small_table(["Path", "Why"], rows, "Files that were skipped"),
            tag("p", f"... and {more:,} more in the history", class_="quiet") if more > 0 else None),
    )  # fmt: skip

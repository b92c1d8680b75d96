"""The history to the files of the site: pages of models that changed are made again, all others are left."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from analyzer.dashboard.collect import collect, fingerprints, subject_of
from analyzer.dashboard.frame import INDEX, PAGE, Links, page_name
from analyzer.dashboard.index_page import Card, Summary, index_page, summarize
from analyzer.dashboard.rank_causes import rank_causes
from analyzer.dashboard.schedule_page import schedule_page
from analyzer.history import History, history_in
from analyzer.history.database import Connection, read_only
from analyzer.history.import_executions import Imported
from analyzer.stores import read_whole, scheme_of
from analyzer.write import check_writable, write_files

MANIFEST = "manifest.json"
"""What the pages were made of, and what the first page shows of each model."""
FOLDER = "dashboard"


@dataclass(frozen=True, slots=True)
class Made:
    """What was done: the import, and how many pages were written of how many."""

    imported: Imported
    place: str
    written: int
    pages: int


class Known(NamedTuple):
    """What the manifest says of a model: what its pages were made of, their names, and its part of the first page."""

    fingerprint: str
    pages: list[str]
    summary: Summary


def make_dashboard(place: str, output: str | None = None, history: str | None = None) -> Made:
    """Bring the history of a place up to date, and the site that is made of it.

    `output` is a folder or prefix of S3, `place`/dashboard by default; `history` the database, by default the one in
    `place`. Raises InputError, OutputError.
    """
    site = output or f"{place.rstrip('/')}/{FOLDER}"
    known = History(history or history_in(place))
    imported = known.update(place)
    check_writable(site)
    with read_only(known.place) as connection:
        written, pages = _make(connection, site, known.place)
    return Made(imported, site, written, pages)


def _make(connection: Connection, site: str, history: str) -> tuple[int, int]:
    links = Links(_bases(connection, site, history))
    before = _manifest(site)
    tag = _version(links)
    now = {endpoint: f"{tag} {told}" for endpoint, told in fingerprints(connection).items()}
    models: dict[str, Known] = {}
    files: dict[str, str] = {}
    for endpoint in sorted(now, key=lambda each: (each == "", each.casefold())):
        known = before.get(endpoint)
        if known and known.fingerprint == now[endpoint]:
            models[endpoint] = known
            continue
        summary, made = _pages_of(connection, endpoint, links)
        models[endpoint] = Known(now[endpoint], list(made), summary)
        files |= made
    total = 1 + sum(len(each.pages) for each in models.values())
    stale = _names(before) - _names(models)
    index = index_page([each.summary for each in models.values()], _skipped(connection), _alarms(connection))
    if files or stale or not _is_there(site, index):
        told = {endpoint: {**each._asdict(), "summary": asdict(each.summary)} for endpoint, each in models.items()}
        write_files(site, {**files, INDEX: index, MANIFEST: json.dumps({"models": told})}, stale)
        return len(files) + 1, total
    return 0, total


def _names(models: Mapping[str, Known]) -> set[str]:
    return {page for each in models.values() for page in each.pages}


def _is_there(site: str, index: str) -> bool:
    try:
        return read_whole(f"{site.rstrip('/')}/{INDEX}") == index.encode()
    except OSError:
        return False


def _pages_of(connection: Connection, endpoint: str, links: Links) -> tuple[Summary, dict[str, str]]:
    model = collect(connection, endpoint)
    groups = rank_causes(model)
    pages = {page_name(each.endpoint, each.name): schedule_page(each, groups, links) for each in model.schedules}
    return summarize(model, groups, links), pages


def _manifest(site: str) -> dict[str, Known]:
    """Read what the pages there were made of; whatever is wrong with it, all is made anew."""
    try:
        found = json.loads(read_whole(f"{site.rstrip('/')}/{MANIFEST}"))
        models = {str(name): _known(each) for name, each in found["models"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return models if _are_there(site, _names(models)) else {}


def _known(told: Mapping[str, Any]) -> Known:
    pages = [str(page) for page in told["pages"]]
    if not all(PAGE.fullmatch(page) for page in pages):  # what is none any more is removed
        raise ValueError("no name of a page")
    return Known(told["fingerprint"], pages, _summary_of(told["summary"]))


def _are_there(site: str, pages: Iterable[str]) -> bool:
    return bool(scheme_of(site)) or all((Path(site) / page).is_file() for page in pages)


def _summary_of(told: Mapping[str, Any]) -> Summary:
    cards = tuple(Card(**each) for each in told["cards"])
    return Summary(told["heading"], cards, tuple((score, row) for score, row in told["causes"]))


def _version(links: Links) -> str:
    """Tell one way of making pages from another: the code, the style and the addresses."""
    here = Path(__file__).parent
    sources = [*sorted(here.glob("*.*")), *sorted((here.parent / "report").glob("*.*"))]
    told = sha256(repr(sorted(links.bases.items())).encode())
    for source in sources:
        told.update(source.read_bytes())
    return told.hexdigest()[:16]


def _bases(connection: Connection, site: str, history: str) -> dict[str, str | None]:
    sources = [row[0] for row in connection.execute("SELECT DISTINCT source FROM executions")]
    return {source: _base(source or history.rpartition("/")[0] or ".", site) for source in sources}


def _base(place: str, site: str) -> str | None:
    """Give the way from the site to a place: relative, so that both can be moved or served together."""
    if scheme_of(place) != scheme_of(site):
        return None
    if not scheme_of(place):
        return quote(os.path.relpath(Path(place).resolve(), Path(site).resolve())) + "/"
    (bucket, key), (own, folder) = _parts(place), _parts(site)
    return quote(os.path.relpath(f"/{key}", f"/{folder}")) + "/" if bucket == own else None


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def _skipped(connection: Connection) -> list[tuple[str, str]]:
    return list(connection.execute("SELECT path, reason FROM skipped ORDER BY path"))


def _alarms(connection: Connection) -> list[tuple[str, str, str, str]]:
    rows = connection.execute(
        "SELECT rule, endpoint, schedule, feature, part, metric, since, reason FROM alarms WHERE state = 'ALARM' "
        "ORDER BY since DESC, rule"
    )
    return [
        (rule, " / ".join(filter(None, (endpoint, schedule, subject_of(feature, part, metric)))), since, reason)
        for rule, endpoint, schedule, feature, part, metric, since, reason in rows
    ]

"""What the site needs beyond docs/: a place in the navigation for every page, and pages for files that pages link to.

The pages are written for a code forge, where a link may lead to a schema, an example or the README. On the site such a
file is a page below project/, and such a folder a list of its files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

TOP = Path(__file__).resolve().parents[1]
DOCS = TOP / "docs"
PROJECT = "project"
# Code is matched first, so that no link is found in it.
LINK = re.compile(r"^```.*?^```$|`[^`\n]*`|(?P<text>\[[^\]\n]*\])\((?P<target>[^)\s]+)\)", re.MULTILINE | re.DOTALL)
PICTURES = {".png", ".svg"}
LANGUAGES = {".py": "python", ".json": "json", ".yaml": "yaml", ".toml": "toml", ".sh": "sh", "": "sh"}
WIDE_TABLE = r"^\|(-{3,}\|){5,}$"
UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n"


def on_files(files: Files, config: Any) -> Files:
    """Add pages for linked files outside docs/, and list pages that the navigation does not."""
    for path in _linked():
        source = {"abs_src_path": str(path)} if path.suffix in PICTURES else {"content": _content(path)}
        files.append(File.generated(config, _page_of(path), **source))
    config.nav = [*config.nav, *_unlisted(files, config.nav)]
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files of the project to their pages; leave wide tables the room of the table of contents."""
    here = page.file.src_uri
    if re.search(WIDE_TABLE, markdown, re.MULTILINE):
        page.meta.setdefault("hide", ["toc"])
    return LINK.sub(lambda found: _rewritten(found, here), markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Give the dialog of the search the name that Material leaves out, for screen readers."""
    dialog = 'data-md-component="search" role="dialog"'
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def _linked() -> list[Path]:
    """All files and folders outside docs/ to which pages lead, directly or by way of such a file."""
    found: dict[Path, None] = {}
    todo = sorted(DOCS.rglob("*.md"))
    for path in todo:
        for target in _targets(path):
            fresh = [each for each in (target, *_below(target)) if each not in found and not each.is_relative_to(DOCS)]
            found.update(dict.fromkeys(fresh))
            todo.extend(each for each in fresh if each.suffix == ".md")
    return list(found)


def _targets(page: Path) -> Iterator[Path]:
    for link in LINK.finditer(page.read_text()):
        target = (link["target"] or "#").partition("#")[0]
        if target and "://" not in target:
            path = (page.parent / target).resolve()
            if path.exists() and path.is_relative_to(TOP):
                yield path


def _below(folder: Path) -> list[Path]:
    """List what lies in a folder, without what is hidden or made by Python."""
    inside = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [path for path in inside if not any(part[0] in "._" for part in path.relative_to(folder).parts)]


def _page_of(path: Path) -> str:
    """Name the page of a file or folder, as the site names its sources."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(TOP).as_posix()
    if path.is_dir():
        return f"{PROJECT}/{name}/index.md"
    return f"{PROJECT}/{name}" if path.suffix in {".md", *PICTURES} else f"{PROJECT}/{name}.md"


def _content(path: Path) -> str:
    name = path.relative_to(TOP).as_posix()
    if path.is_dir():
        lines = (
            f"- [{each.relative_to(path).as_posix()}]({each.relative_to(path).as_posix()})" for each in _below(path)
        )
        return f"{UNSEARCHED}# {name}\n\n" + "\n".join(lines) + "\n"
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    return f"{UNSEARCHED}# {name}\n\n````{LANGUAGES.get(path.suffix, 'text')}\n{text}\n````\n"


def _rewritten(found: re.Match[str], here: str) -> str:
    """Lead a link to a file of the project to its page, and call a page by its heading; leave all else as it is."""
    target = found["target"]
    if target is None or "://" in target or target.startswith("#"):
        return found[0]
    name, _, anchor = target.partition("#")
    path = (_source_of(here).parent / name).resolve()
    if not (path.exists() and path.is_relative_to(TOP)):
        return found[0]  # the strict build says that it leads nowhere
    text = f"[{_title(path)}]" if re.fullmatch(r"\[[\w./-]+\.md\]", found["text"]) else found["text"]
    page = os.path.relpath(_page_of(path), os.path.dirname(here))  # noqa: PTH120 (names on the site, not files)
    return f"{text}({page}{'#' + anchor if anchor else ''})"


def _title(page: Path) -> str:
    """Read the heading of a page, to say in place of its file's name."""
    heading = re.search(r"^# (.*)$", page.read_text(), re.MULTILINE)
    return heading[1].replace("`", "") if heading else page.name


def _source_of(here: str) -> Path:
    """Find the file of the project that a page of the site shows."""
    if not here.startswith(f"{PROJECT}/"):
        return DOCS / here
    path = TOP / here.removeprefix(f"{PROJECT}/")
    return path if path.exists() else path.with_suffix("")


def _unlisted(files: Files, nav: Any) -> Iterator[dict[str, list[str]]]:
    """Sections of the pages that the navigation does not name."""
    listed = set(_names(nav))
    pages = [file.src_uri for file in files.documentation_pages()]
    rest = sorted(name for name in pages if name not in listed and not name.startswith(f"{PROJECT}/"))
    for title, is_decision in (("More", False), ("Decisions", True)):
        named = [name for name in rest if name.startswith("decisions/") is is_decision]
        if named:
            yield {title: named}


def _names(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _names(each)

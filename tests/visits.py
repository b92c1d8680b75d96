"""Pages that were opened in a browser, with what went wrong on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class Visit:
    """A page that was opened, with all that went wrong on it and all that it asked for, itself included."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script("window.hits = []; window.hit = at => window.hits.push(at); window.alert = hit")
        self.page.goto(path.as_uri())

    def rows(self, table: str) -> list[str]:
        """The names in the rows of a table that are shown."""
        return self.page.locator(f"#{table} tbody tr:not([hidden]) th").all_inner_texts()

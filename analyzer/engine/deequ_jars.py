"""Where the jars lie that Spark needs to evaluate rules: Deequ's, and those it depends on and Spark has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from analyzer.errors import EngineError

PLACES = (Path(__file__).resolve().parents[2] / "jars", Path("/opt/analyzer/jars"))
"""What set-up fills in a checkout, and what the image carries."""
CURE = (
    "In a checkout .ci/deequ (a part of make setup) fetches them with Maven. Elsewhere fetch com.amazon.deequ:deequ of "
    "the version that ends in -spark-{spark}, and software.amazon.glue:dqdl, and name the jars, or their folder, in "
    "ANALYZER_DEEQU_JAR."
)


def find_jars(named: Sequence[str], spark: str, places: Sequence[Path] = PLACES) -> list[Path]:
    """List the jars: of what ANALYZER_DEEQU_JAR names, else of the first place that holds Deequ for this Spark.

    `spark` is the version of Spark, such as `4.1`. Raises EngineError, with how to get them, where there are none.
    """
    if named:
        found = sorted({jar for path in named for jar in _jars_of(Path(path))})
        if not _has_deequ(found, ""):
            raise _none(f"ANALYZER_DEEQU_JAR names {', '.join(named)}, where there is no deequ-*.jar", spark)
        return found
    for place in places:
        found = sorted(place.glob("*.jar"))
        if _has_deequ(found, spark):
            return found
    raise _none(f"Rules need Deequ for Spark {spark}, whose jars are not in {' or '.join(map(str, places))}", spark)


def _jars_of(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from path.glob("*.jar")
    elif path.is_file():
        yield path
    else:
        raise EngineError(f"ANALYZER_DEEQU_JAR names {path}, which does not exist.", "Correct it, or leave it out.")


def _has_deequ(jars: Sequence[Path], spark: str) -> bool:
    return any(jar.name.startswith("deequ") and jar.stem.endswith(spark) for jar in jars)


def _none(found: str, spark: str) -> EngineError:
    return EngineError(f"{found}.", CURE.format(spark=spark))

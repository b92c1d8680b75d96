"""Not a check but a figure: rows that the original's bucket counts lose."""

from __future__ import annotations

from analyzer.documents import FeatureStatistics, Quirk, Statistics, Verdict


def find_lost_rows(statistics: Statistics) -> Verdict:
    """Name the columns whose largest values lie above the last bucket because its bound was rounded down."""
    quirks = (_lost(feature) for feature in statistics.features)
    return Verdict(quirks=tuple(quirk for quirk in quirks if quirk))


def _lost(feature: FeatureStatistics) -> Quirk | None:
    numerical = feature.numerical
    if numerical is None or not numerical.buckets or not numerical.buckets[-1].upper_bound < numerical.max:
        return None
    counted = sum(bucket.count for bucket in numerical.buckets)
    if not counted < feature.num_present:
        return None
    effect = "statistics.json: rows with the maximum are in no bucket, the last upper bound was rounded below it"
    return Quirk("lost_maximum_rows", feature.name, effect, counted, float(feature.num_present))

"""junit.xml: what was judged as tests, for build servers that show them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from analyzer.report.findings import Judged, Report
from analyzer.report.wording import bytes_free, visible


def junit_of(report: Report) -> str:
    """Write one suite: a test for each thing that was judged, failed where a violation names it.

    Where nothing was judged all are skipped. There are no times, so the same run writes the same bytes.
    """
    failed, skipped = sum(test.failure is not None for test in report.tests), sum(not t.judged for t in report.tests)
    counts = {"tests": len(report.tests), "failures": failed, "errors": 0, "skipped": skipped}
    attributes = {"name": f"model-monitor.{report.kind}", **{key: str(count) for key, count in counts.items()}}
    suites = ET.Element("testsuites", {key: str(count) for key, count in counts.items()})
    suite = ET.SubElement(suites, "testsuite", attributes)
    if report.about:
        properties = ET.SubElement(suite, "properties")
        for key, told in report.about.items():
            ET.SubElement(properties, "property", {"name": key, "value": visible(told)})
    for test in report.tests:
        _add(suite, test, report.kind)
    ET.indent(suites)
    return bytes_free(f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n')


def _add(suite: ET.Element, test: Judged, kind: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": f"{kind}.{visible(test.check)}", "name": visible(test.name)})
    if test.failure:
        finding = test.failure
        told = {"message": visible(finding.says), "type": f"{visible(finding.check)}.{finding.severity}"}
        ET.SubElement(case, "failure", told).text = visible(finding.description)
    elif not test.judged:
        ET.SubElement(case, "skipped", {"message": "Nothing was judged: there was no baseline."})

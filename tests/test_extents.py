"""What a history counts of all lines gives the extract that the lines themselves give."""

from datetime import date

from auditor.audit import prepare
from auditor.history.extents import extents_of
from auditor.reference import load_reference
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, clean_line, lines_of


def test_counts_and_lines_agree_and_a_date_that_has_not_come_spans_nothing() -> None:
    days = ("2025-03-10", "2025-06-10", "2027-03-10")
    rows = [
        clean_line(kind) | {"claim_id": f"{kind}{n}", "service_date": day}
        for kind in ("institutional", "professional")
        for n, day in enumerate(days[: 2 + (kind == "professional")])
    ]
    lines, rejected = lines_of(rows)
    assert len(rejected) == 0
    prepared = prepare(lines, load_reference(reference_dir()), as_of=AS_OF)
    counted = extents_of(prepared.lines, {}).extract(AS_OF)

    assert counted == prepared.extract
    for span in counted.spans.values():
        assert span.last_day == (date(2025, 6, 10) - date(1970, 1, 1)).days

import pytest

from blackcat.application.xray import XRayContext, trace_header, xray_context

TRACE = "5759e988bd862e3fe1be46a994272793"
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def test_a_header_is_written_and_read():
    header = trace_header(TRACE, "53995c3f42cd8ad8", sampled=True)
    assert header == f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"
    assert xray_context(header) == XRayContext(TRACE, "53995c3f42cd8ad8", True)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (f"Root={ROOT}", XRayContext(TRACE)),  # a load balancer
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT}", XRayContext(TRACE)),
        (
            f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=?",
            XRayContext(TRACE, "53995c3f42cd8ad8"),
        ),
        (
            f" Root={ROOT.upper()} ; Parent=53995C3F42CD8AD8; Sampled=0 ;Lineage=a87bd80c:1|68fd508a:5",
            XRayContext(TRACE, "53995c3f42cd8ad8", False),
        ),
        (f"Root={ROOT};Parent=0000000000000000;Sampled=1", XRayContext(TRACE, "", True)),
        (f"Root={ROOT};Parent=nonsense", XRayContext(TRACE)),
    ],
)
def test_what_is_told_is_taken(header, told):
    assert xray_context(header) == told


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        ";;==;",
        "Root=",
        "Root=2-5759e988-bd862e3fe1be46a994272793",
        f"Root={ROOT}0",
        "Root=1-00000000-000000000000000000000000",
        "Parent=53995c3f42cd8ad8;Sampled=1",
        f"Root={ROOT.replace('5', chr(0xFF15))}",  # a digit, and none of ours
    ],
)
def test_a_header_that_names_no_trace_is_none(header):
    assert xray_context(header) is None

"""Spans as OpenTelemetry records them, within its own context."""

import threading
import time

import pytest
from opentelemetry import trace

from blackcat import Attribute, Message
from blackcat.application.tracing import NoTracer, ProcessTracing, carrier_of, trace_id_of, tracing
from blackcat.errors import ConditionFailed
from blackcat.infra.redaction import redactor

TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


def only(spans):
    [span] = spans
    return span


def test_nothing_is_kept_until_a_tracer_is_chosen():
    silent = ProcessTracing()
    with silent.span("any") as span:
        span.set({"a": 1})
        span.rename("other")
        span.fail("nobody hears it")
        assert silent.carrier() == {}
        assert silent.trace_id() == ""
        assert silent.log_fields() == {}
    silent.fail(ValueError("neither"))
    silent.close(1)
    assert not silent.enabled


def test_spans_stand_within_each_other_and_within_those_of_the_project(spans):
    with (
        tracing.span("outer", attributes={"a": 1}),
        trace.get_tracer("shop").start_as_current_span("own"),
        tracing.span("inner", kind="client"),
    ):
        pass
    assert spans.tree() == ["outer", "  own", "    inner"]
    assert only(spans.named("outer")).attributes["a"] == 1
    assert only(spans.named("inner")).kind == "client"


def test_a_trace_id_begins_with_its_second_as_x_ray_wants(spans):
    before = int(time.time())
    with tracing.span("any"):
        began = int(tracing.trace_id()[:8], 16)
    assert before <= began <= int(time.time())


def test_the_current_span_travels_as_w3c_and_as_aws_write_it(spans):
    with tracing.span("any"):
        carrier = tracing.carrier()
    span = only(spans)
    flags = carrier["traceparent"][-2:]
    assert int(flags, 16) & 1  # sampled; newer versions of the SDK say too that the id is random
    assert carrier == {
        "traceparent": f"00-{span.trace_id}-{span.span_id}-{flags}",
        "X-Amzn-Trace-Id": f"Root=1-{span.trace_id[:8]}-{span.trace_id[8:]};Parent={span.span_id};Sampled=1",
    }


@pytest.mark.parametrize(
    "parent",
    [
        {"traceparent": TRACEPARENT},
        {"X-Amzn-Trace-Id": f"{ROOT};Parent={PARENT};Sampled=1"},
        {"traceparent": TRACEPARENT, "X-Amzn-Trace-Id": "Root=1-00000000-000000000000000000000001;Parent=1"},
        {"traceparent": "nonsense", "X-Amzn-Trace-Id": f"{ROOT};Parent={PARENT};Sampled=1"},
    ],
)
def test_it_goes_on_where_the_sender_was(spans, parent):
    with tracing.span("any", parent=parent):
        pass
    assert (only(spans).trace_id, only(spans).parent_id) == (TRACE, PARENT)


def test_state_of_other_vendors_is_passed_on(spans):
    with tracing.span("any", parent={"traceparent": TRACEPARENT, "tracestate": "other=1,more=2"}):
        assert tracing.carrier()["tracestate"] == "other=1,more=2"


@pytest.mark.parametrize("header", [ROOT, f"{ROOT};Parent={PARENT}", f"{ROOT};Parent={PARENT};Sampled=?"])
def test_where_sampling_is_not_decided_a_root_span_of_that_trace_decides(spans, header):
    with tracing.span("any", parent={"X-Amzn-Trace-Id": header}):
        pass
    assert (only(spans).trace_id, only(spans).parent_id) == (TRACE, "")
    with tracing.span("next"):
        pass
    assert only(spans.named("next")).trace_id != TRACE


@pytest.mark.parametrize("parent", [{}, {"traceparent": "00-nonsense"}, {"X-Amzn-Trace-Id": "Root=1"}])
def test_nothing_told_is_the_current_span_or_a_new_trace(spans, parent):
    with tracing.span("outer", parent=parent), tracing.span("inner", parent=parent):
        pass
    assert spans.tree() == ["outer", "  inner"]


def test_a_trace_that_is_not_sampled_is_passed_on_and_not_recorded(spans):
    with tracing.span("any", parent={"traceparent": f"00-{TRACE}-{PARENT}-00"}):
        assert tracing.trace_id() == TRACE
        assert tracing.carrier()["traceparent"].endswith("-00")
        assert tracing.carrier()["X-Amzn-Trace-Id"].endswith("Sampled=0")
        tracing.fail(ValueError("not recorded"))
    assert len(spans) == 0


def test_what_a_block_raises_makes_its_span_fail_without_secrets(spans):
    with pytest.raises(ValueError, match="hunter2"), tracing.span("any"):
        raise ValueError("password=hunter2 was refused")
    assert only(spans).error == "ValueError"


def test_what_failed_first_tells_why(spans):
    def fails_twice():
        tracing.fail("token=hunter2 is no good")
        raise RuntimeError("later")

    with pytest.raises(RuntimeError), tracing.span("any"):
        fails_twice()
    assert only(spans).error == "token=*** is no good"


def test_of_an_error_of_aws_only_the_code_is_kept(spans):
    with pytest.raises(ConditionFailed), tracing.span("any"):
        raise ConditionFailed("item {'card': '4111'} changed", code="ConditionalCheckFailedException")
    assert only(spans).error == "ConditionalCheckFailedException"


def test_an_error_whose_text_fails_is_recorded_too(spans):
    class TextlessError(Exception):
        def __str__(self):
            raise KeyError("no text")

    with pytest.raises(TextlessError), tracing.span("any"):
        raise TextlessError
    assert only(spans).error.endswith("TextlessError")


def test_links_lead_to_the_spans_that_are_told_and_leave_out_nonsense(spans):
    links = [{"traceparent": TRACEPARENT}, {"traceparent": "nonsense"}, {}, {"X-Amzn-Trace-Id": ROOT}]
    with tracing.span("any", links=links):
        pass
    assert only(spans).links == (PARENT,)


def test_a_span_may_have_begun_before(spans):
    with tracing.span("any", began=1_000):
        pass
    assert only(spans).began == 1_000


def test_another_thread_is_outside_of_the_span(spans):
    seen = []
    with tracing.span("any"):
        thread = threading.Thread(target=lambda: seen.append(tracing.log_fields()))
        thread.start()
        thread.join()
        assert tracing.log_fields() == {
            "trace_id": tracing.trace_id(),
            "span_id": tracing.carrier()["traceparent"].split("-")[2],
        }
    assert seen == [{}]
    assert tracing.log_fields() == {}


def test_a_message_tells_the_span_in_which_it_was_sent():
    message = Message(
        id="m",
        body="{}",
        attributes={"traceparent": Attribute(TRACEPARENT), "tracestate": Attribute(b"\xff", "Binary")},
        trace_header=ROOT,
    )
    assert carrier_of(message) == {"traceparent": TRACEPARENT, "X-Amzn-Trace-Id": ROOT}
    assert trace_id_of(message) == TRACE
    assert carrier_of(Message(id="m", body="{}")) == {}


@pytest.mark.parametrize(
    ("traceparent", "header", "told"),
    [
        (f"cc-{TRACE}-{PARENT}-01-more", "", TRACE),
        ("", ROOT, TRACE),
        ("nope-not a trace at all-y", "", ""),
        ("nope-not a trace at all-y", f"{ROOT};Parent={PARENT};Sampled=1", TRACE),
        (f"00-{'0' * 32}-{PARENT}-01", "", ""),
        (f"ff-{TRACE}-{PARENT}-01", "", ""),
        ("x", "Root=1-zzz", ""),
    ],
)
def test_the_trace_of_a_message_is_an_id_or_nothing(traceparent, header, told):
    attributes = {"traceparent": Attribute(traceparent)} if traceparent else {}
    assert trace_id_of(Message(id="m", body="{}", attributes=attributes, trace_header=header)) == told


@pytest.mark.parametrize("state", ["???", "a=1," * 200, ",".join(f"k{n}=v" for n in range(40)), "a=1,a=2"])
def test_a_caller_s_bad_tracestate_is_left_out_without_a_word(spans, caplog, state):
    with tracing.span("any", parent={"traceparent": TRACEPARENT, "tracestate": state}):
        assert "tracestate" not in tracing.carrier()
    with tracing.span("any", parent={"traceparent": "0" * 5000}):
        pass
    assert only(spans.named("any")[:1]).parent_id == PARENT
    assert caplog.records == []


def test_texts_of_a_span_hold_no_secret(spans):
    redactor.learn("c4nary-of-a-trace")
    with tracing.span("any", attributes={"url.path": "/keys/c4nary-of-a-trace", "n": 1}) as span:
        span.set({"names": ["a", "b c4nary-of-a-trace"], "told": "password=hunter2", "yes": True})
    assert only(spans).attributes == {
        "url.path": "/keys/***",
        "n": 1,
        "names": ["a", "b ***"],
        "told": "password=***",
        "yes": True,
    }


def test_no_tracer_switches_it_off_again(spans):
    assert tracing.enabled
    tracing.use(NoTracer())
    assert not tracing.enabled

"""The graph of a project, in Mermaid and in SVG."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackcat import Service, ServiceRegistry, ServiceType
from blackcat.application.graph.colours import COLOURS
from blackcat.application.graph.labels import SMALL_SIZE, label_of, width_of
from blackcat.application.graph.layers import columns_of
from blackcat.application.graph.layout import Gaps, Size, laid_out
from blackcat.application.graph.mermaid import mermaid
from blackcat.application.graph.model import Edge, Flow, Graph, Kind, Node, graph_of
from blackcat.application.graph.ordering import crossings, ordered
from blackcat.application.graph.shapes import outline
from blackcat.application.graph.svg import Drawing, svg
from blackcat.resources import EventBusResource, QueueResource, SecretResource, TableResource, TopicResource

SVG = "{http://www.w3.org/2000/svg}"
orders = TableResource("orders", key="order_id", sort_key="line")
placed = TopicResource("order_placed")
place = QueueResource("place_cmd.fifo")


def consumer(name, queue, **options):
    return Service(
        name=name, type=ServiceType.CONSUMER, entrypoint="shop:handle", queue_name=queue, **options
    )


SHOP = ServiceRegistry(
    [
        Service(
            name="shop_api",
            type=ServiceType.REST_API,
            endpoint_module="shop.api",
            uses=[orders.read(), place.send()],
        ),
        consumer("place", "place_cmd.fifo", uses=[orders.read_write(), placed.publish(), place.send()]),
        consumer(
            "audit",
            "audit_evt",
            subscribes=[placed.subscription(filter_policy={"to": ['"<&>"']})],
            uses=[orders.write(), QueueResource("other_cmd").consume()],
        ),
        Service(
            name="expire",
            type=ServiceType.WORKER,
            entrypoint="shop:expire",
            schedule="rate(5 minutes)",
            uses=[orders.read_write()],
        ),
    ]
)
bus = EventBusResource("shop")
CARDS = {"detail": {"card": [{"prefix": "é"}]}}
EVENTS = ServiceRegistry(
    [
        Service(
            name="pay",
            type=ServiceType.WORKER,
            entrypoint="shop:pay",
            uses=[bus.put(), SecretResource("bank/key").read()],
        ),
        consumer(
            "paid",
            "paid_evt",
            subscribes=[
                bus.rule(pattern={"source": ["pay"]}),
                bus.rule(pattern=CARDS, name="cards"),
                placed,
            ],
        ),
    ]
)
# How many services follow one another, each with a queue, before the picture turns to stand upright.
LONG = ServiceRegistry(
    [
        consumer(
            f"step_{n}", f"step_{n}_cmd", uses=[QueueResource(f"step_{n + 1}_cmd").send(), orders.write()]
        )
        for n in range(6)
    ]
)


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - our own drawing


def flows(graph):
    return {(edge.source, edge.flow, edge.target, edge.detail) for edge in graph.edges}


def test_every_grant_subscription_and_redrive_is_an_edge():
    assert flows(graph_of(SHOP, "shop")) == {
        ("service shop_api", Flow.READ, "table orders", ""),
        ("service shop_api", Flow.SEND, "queue place_cmd.fifo", ""),
        ("queue place_cmd.fifo", Flow.CONSUME, "service place", ""),
        ("service place", Flow.READ_WRITE, "table orders", ""),
        ("service place", Flow.PUBLISH, "topic order_placed", ""),
        ("service place", Flow.SEND, "queue place_cmd.fifo", ""),
        ("topic order_placed", Flow.DELIVER, "queue audit_evt", '{"to": ["\\"<&>\\""]}'),
        ("queue audit_evt", Flow.CONSUME, "service audit", ""),
        ("service audit", Flow.WRITE, "table orders", ""),
        ("queue other_cmd", Flow.CONSUME, "service audit", ""),
        ("service expire", Flow.READ_WRITE, "table orders", ""),
        *(
            (f"queue {name}", Flow.DEAD_LETTER, f"queue {letters}", "after 5 receives")
            for name, letters in [
                ("place_cmd.fifo", "place_cmd_dlq.fifo"),
                ("audit_evt", "audit_evt_dlq"),
                ("other_cmd", "other_cmd_dlq"),
            ]
        ),
    }


def test_the_lock_of_an_exclusive_worker_is_an_edge_of_its_own():
    tidy = Service(name="tidy", type=ServiceType.WORKER, entrypoint="shop:tidy", exclusive=True)
    graph = graph_of(ServiceRegistry([tidy]), "shop")
    assert flows(graph) == {("service tidy", Flow.LOCK, "table tidy_lock", "")}
    assert '-->|"lock"|' in mermaid(graph)
    assert "tidy takes its lock in tidy_lock" in svg(graph)


def test_buses_rules_and_secrets_are_nodes_and_edges():
    graph = graph_of(EVENTS, "shop")
    assert flows(graph) == {
        ("service pay", Flow.PUT, "event bus shop", ""),
        ("service pay", Flow.READ, "secret bank/key", ""),
        ("event bus shop", Flow.DELIVER, "queue paid_evt", '{"source": ["pay"]}'),
        ("event bus shop", Flow.DELIVER, "queue paid_evt", '{"detail": {"card": [{"prefix": "é"}]}}'),
        ("topic order_placed", Flow.DELIVER, "queue paid_evt", ""),
        ("queue paid_evt", Flow.CONSUME, "service paid", ""),
        ("queue paid_evt", Flow.DEAD_LETTER, "queue paid_evt_dlq", "after 5 receives"),
    }
    assert graph.nodes["event bus shop"] == Node("event bus shop", Kind.EVENT_BUS, "shop")
    assert graph.nodes["secret bank/key"] == Node("secret bank/key", Kind.SECRET, "bank/key")


def test_nodes_tell_what_they_are():
    nodes = graph_of(SHOP, "shop").nodes
    assert nodes["service expire"] == Node("service expire", Kind.WORKER, "expire", "rate(5 minutes)")
    assert nodes["table orders"].detail == "order_id + line"
    assert nodes["queue place_cmd.fifo"].detail == "FIFO"
    assert nodes["queue audit_evt_dlq"].kind is Kind.DEAD_LETTERS


def test_a_dead_letter_queue_that_is_consumed_is_a_queue_as_others_are():
    graph = graph_of(ServiceRegistry([consumer("a", "orders"), consumer("b", "orders_dlq")]), "shop")
    assert graph.nodes["queue orders_dlq"].kind is Kind.QUEUE
    assert len(set(graph.nodes)) == len(graph.nodes)
    assert "orders_dlq_dlq" in svg(graph)


def test_mermaid_escapes_all_that_could_end_a_label():
    text = mermaid(graph_of(SHOP, 'a "shop"\\\n'))
    assert text.startswith('---\ntitle: "a shop"\n---\nflowchart LR\n')
    (labelled,) = [line for line in text.splitlines() if "#60;" in line]
    assert re.fullmatch(r'  n\d+ -->\|"[^"<>&|]+"\| n\d+', labelled)
    for line in text.splitlines():
        assert line.count('"') % 2 == 0


def test_mermaid_names_each_kind_s_shape():
    text = mermaid(graph_of(SHOP, "shop"))
    assert '[("table<br/>orders<br/>order_id + line")]:::table' in text
    assert '{{"topic<br/>order_placed"}}:::topic' in text
    assert '(["queue<br/>audit_evt"]):::queue' in text
    assert '["worker<br/>expire<br/>rate(5 minutes)"]:::worker' in text


def test_mermaid_draws_buses_and_secrets():
    text = mermaid(graph_of(EVENTS, "shop"))
    assert '[/"event bus<br/>shop"/]:::event_bus' in text
    assert '[/"secret<br/>bank/key"\\]:::secret' in text
    assert re.search(r'n\d+ -->\|"put"\| n\d+\n', text)
    assert '-->|"#123;#34;source#34;: #91;#34;pay#34;#93;#125;"|' in text


def test_the_patterns_of_one_queue_s_rules_do_not_cover_each_other():
    labels = [
        one for one in parsed(svg(graph_of(EVENTS, "shop"))).iter(f"{SVG}text") if one.get("class") == "label"
    ]
    patterns = [(one.get("x"), float(one.get("y"))) for one in labels if one.text.startswith("{")]
    assert len(patterns) == 2
    assert patterns[0][0] == patterns[1][0]
    assert abs(patterns[0][1] - patterns[1][1]) > 10


def test_no_box_covers_the_patterns_beside_a_line():
    graph = graph_of(EVENTS, "shop")
    texts = list(parsed(svg(graph)).iter(f"{SVG}text"))
    middles = {one.text: float(one.get("x")) for one in texts if one.get("class") == "name"}
    first, last = (label_of(graph.nodes[id_]).width / 2 for id_ in ("event bus shop", "queue paid_evt"))
    for one in (one for one in texts if one.get("class") == "label"):
        middle, half = float(one.get("x")), width_of(one.text, SMALL_SIZE) / 2
        assert middles["shop"] + first <= middle - half
        assert middle + half <= middles["paid_evt"] - last


def test_the_svg_says_what_a_bus_and_a_secret_are_for():
    summary = parsed(svg(graph_of(EVENTS, "shop"))).find(f"{SVG}desc").text
    assert "pay puts events on shop" in summary
    assert "pay reads bank/key" in summary
    assert 'shop delivers to paid_evt ({"source": ["pay"]})' in summary


def luminance(colour):
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("kind", Kind)
def test_white_text_can_be_read_on_every_colour(kind):
    assert 1.05 / (luminance(COLOURS[kind]) + 0.05) >= 4.5
    assert list(COLOURS.values()).count(COLOURS[kind]) == 1


def corners(path):
    """Where a path of straight lines turns, its beginning first."""
    x = y = 0.0
    for step, numbers in re.findall(r"([Mhl])([-\d. ]+)", path):
        along, down, *_ = (*map(float, numbers.split()), 0.0)
        x, y = (along, down) if step == "M" else (x + along, y + down)
        yield x, y


def test_a_bus_is_a_parallelogram_and_a_secret_a_trapezium_that_fill_their_boxes():
    assert list(corners(outline(Kind.EVENT_BUS, 10, 20, 100, 40))) == [
        (22, 20),
        (110, 20),
        (98, 60),
        (10, 60),
    ]
    assert list(corners(outline(Kind.SECRET, 10, 20, 100, 40))) == [(22, 20), (98, 20), (110, 60), (10, 60)]


@pytest.mark.parametrize(
    "registry", [SHOP, LONG, EVENTS, ServiceRegistry([])], ids=["shop", "long", "events", "empty"]
)
def test_the_svg_is_valid_and_tells_its_content_in_words(registry):
    root = parsed(svg(graph_of(registry, "<shop> & co")))
    assert root.get("role") == "img"
    title, summary = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "<shop> & co"
    assert root.get("aria-labelledby").split() == [title.get("id"), summary.get("id")]
    for service in registry:
        assert service.name in summary.text
    if not len(registry):
        assert summary.text == "There are no services yet."


def test_each_service_and_resource_is_drawn_with_its_name():
    root = parsed(svg(graph_of(SHOP, "shop")))
    drawn = [text.text for text in root.iter(f"{SVG}text")]
    for name in (
        "shop_api",
        "place",
        "orders",
        "order_placed",
        "audit_evt",
        "audit_evt_dlq",
        "place_cmd.fifo",
    ):
        assert name in drawn


def test_arrows_tell_reading_from_writing():
    root = parsed(svg(graph_of(SHOP, "shop")))
    ends = {
        path.findtext(f"{SVG}title"): sum(one.startswith("marker") for one in path.attrib)
        for path in root.iter(f"{SVG}path")
        if path.find(f"{SVG}title") is not None
    }
    assert ends["shop_api reads orders"] == ends["audit writes orders"] == 1
    assert ends["expire reads and writes orders"] == 2


def test_a_long_flow_is_drawn_from_top_to_bottom():
    graph = graph_of(LONG, "long")
    flat, upright = Drawing(graph, vertical=False), Drawing(graph, vertical=True)
    assert upright.width < flat.width
    assert f'width="{upright.width:.0f}"' in svg(graph)


def test_a_picture_is_the_same_each_time():
    assert svg(graph_of(SHOP, "shop")) == svg(graph_of(SHOP, "shop"))


ODD = st.text(st.characters(blacklist_categories=[]), min_size=1, max_size=60)


@given(names=st.lists(ODD, min_size=1, max_size=4, unique=True), detail=ODD)
def test_any_name_gives_valid_xml(names, detail):
    nodes = {name: Node(name, Kind.QUEUE, name, detail) for name in names}
    edges = tuple(Edge(a, b, Flow.DELIVER, detail) for a, b in itertools.pairwise(names))
    parsed(svg(Graph(names[0], nodes, edges)).encode())


def graphs():
    numbers = st.integers(0, 9)
    return st.lists(st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1]), max_size=25)


@given(graphs(), st.sets(st.integers(0, 9), max_size=3))
def test_boxes_never_overlap_and_lines_run_along_the_flow(numbers, tables):
    names = [str(n) for n in range(10)]
    floating = {str(n) for n in tables}
    # Nothing flows from table to table.
    pairs = [(str(a), str(b)) for a, b in numbers if not {str(a), str(b)} <= floating]
    sizes = {name: Size(100 + int(name), 40, 20 if int(name) % 2 else 0) for name in names}
    layout = laid_out(sizes, pairs, floating, Gaps(50, 10))
    for one, other in itertools.combinations(layout.boxes.values(), 2):
        apart_along = one.end < other.begin or other.end < one.begin
        first, second = sorted((one, other), key=lambda box: box.middle)
        apart_across = first.middle + 20 + first.size.hanging <= second.middle - 20 + 0.001
        assert apart_along or apart_across
    for line in layout.lines.values():
        begins = [along for along, _ in line.points]
        assert begins == sorted(begins)
    assert layout.lines.keys() == set(pairs)
    assert layout.size.along == pytest.approx(max(box.end for box in layout.boxes.values()))


@given(graphs())
def test_neighbours_stand_in_different_columns(numbers):
    pairs = [(str(a), str(b)) for a, b in numbers]
    column = columns_of([str(n) for n in range(10)], pairs, frozenset())
    assert all(column[a] != column[b] for a, b in pairs)
    assert min(column.values()) == 0


def test_a_chain_goes_forward_and_its_way_back_does_not_change_that():
    chain = [("a", "b"), ("b", "c"), ("c", "a")]
    assert columns_of(["a", "b", "c"], chain, frozenset()) == {"a": 0, "b": 1, "c": 2}


def test_crossing_lines_are_uncrossed():
    columns, pairs = [["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")]
    assert crossings(columns, pairs) == 1
    assert crossings(ordered(columns, pairs), pairs) == 0


def test_a_table_stands_where_the_way_to_its_users_is_shortest():
    pairs = [("a", "b"), ("b", "c"), ("a", "table"), ("c", "table")]
    assert columns_of(["a", "b", "c", "table"], pairs, {"table"})["table"] == 1

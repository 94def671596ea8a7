"""Each reply of a server means one thing for the points, and only InfluxDB's own words make them count as refused."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Away, Rejected, TooLarge
from plancton.workers.metrics.influxdb.answers import Reply, judge, short, told

NOW = 1_700_000_000.0
POINTS = 9
CONFLICT = 'partial write: field type conflict: input field \\"f\\" on measurement \\"m\\" is type float'
V3_PARTIAL = '{"error":"partial write of line protocol occurred","data":[{"line_number":2},{"line_number":5}]}'


def _judge(status: int, body: str, *, reason: str = "Its Reason", retry_after: str = "") -> Answer:
    return judge(Reply(status=status, reason=reason, body=body, retry_after=retry_after), POINTS, NOW, str)


@pytest.mark.parametrize(("status", "body"), [(204, ""), (200, ""), (200, "{}"), (204, '{"results":[]}'), (201, "ok")])
def test_success(status: int, body: str) -> None:
    assert _judge(status, body) == Accepted()


@pytest.mark.parametrize(
    ("status", "body", "points", "partial"),
    [
        # 1.x
        (400, f'{{"error":"{CONFLICT} dropped=2"}}', 2, True),
        (400, '{"error":"partial write: points beyond retention policy dropped=3"}', 3, True),
        (400, "{\"error\":\"partial write: unable to parse 'a': x\\nunable to parse 'b': y dropped=0\"}", 2, True),
        (400, f'{{"error":"{CONFLICT} dropped=99"}}', POINTS, True),
        (400, '{"error":"unable to parse \'m f=\': missing field value"}', POINTS, False),
        # 2.x
        (422, f'{{"code":"unprocessable entity","message":"failure writing points: {CONFLICT} dropped=4"}}', 4, True),
        (422, '{"code":"unprocessable entity","message":"partial write has occurred"}', 1, True),
        (400, '{"code":"invalid","message":"unable to parse \'m f=\': missing field value"}', POINTS, False),
        # 3.x
        (400, V3_PARTIAL, 2, True),
        (400, '{"error":"partial write of line protocol occurred","data":[]}', 1, True),
        (400, '{"error":"parsing failed for write_lp endpoint","data":{"line_number":2}}', POINTS, False),
        (201, '{"code":"invalid","message":"partial write has occurred: line 2"}', 1, True),
    ],
)
def test_points_that_no_repetition_helps(status: int, body: str, points: int, *, partial: bool) -> None:
    answer = _judge(status, body)
    assert isinstance(answer, Rejected)
    assert (answer.points, answer.partial) == (points, partial)
    assert answer.why.startswith(f"{status}: ")


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (401, '{"error":"authorization failed"}', "401: authorization failed"),
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "401: unauthorized access"),
        (403, '{"error":"no"}', "403: no"),
        (404, "404 page not found\n", "404: 404 page not found"),
        (404, '{"code":"not found","message":"bucket \\"b\\" not found"}', '404: bucket "b" not found'),
        (307, "", "307: Its Reason"),
        (500, '{"error":"timeout"}', "500: timeout"),
        (500, '{"error":{"a":1}}', '500: {"error":{"a":1}}'),
        (503, "<html>", "503: Its Reason"),
        (200, " <!DOCTYPE html><title>Log in</title>", "200: a page instead of an answer"),
        # A server or proxy that doesn't understand the request says nothing of its points.
        (
            400,
            "Client sent an HTTP request to an HTTPS server\n",
            "400: Client sent an HTTP request to an HTTPS server",
        ),
        (400, "<html><title>400 The plain HTTP request was sent to HTTPS port", "400: Its Reason"),
        (400, "", "400: Its Reason"),
        (422, '{"detail":"x"}', '422: {"detail":"x"}'),
        (400, '{"code":"invalid","message":"no orgID or org"}', "400: no orgID or org"),
        (400, '{"message":"Bad Request"}', '400: {"message":"Bad Request"}'),
        (400, "[" * 100_000, "400: " + "[" * 95 + "…" + "[" * 100),
    ],
)
def test_trouble_after_which_the_points_wait(status: int, body: str, why: str) -> None:
    assert _judge(status, body) == Away(why=why)


def test_no_reply_at_all() -> None:
    assert judge(Reply(reason="Connection refused"), 1, NOW, str) == Away(why="Connection refused")


def test_a_batch_that_is_too_large() -> None:
    assert _judge(413, '{"error":"Request Entity Too Large"}') == TooLarge(why="413: Request Entity Too Large")
    assert _judge(413, "") == TooLarge(why="413: Its Reason")


@pytest.mark.parametrize("status", [429, 503, 500, 401])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("999999", 86_400.0),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("1" * 40, None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Wed, 31 Dec 9999 23:59:59 -2359", 86_400.0),
        ("Tue, 14 Nov 2023 22:15:20", 120.0),
    ],
)
def test_how_long_the_server_asks_to_be_left_alone(status: int, header: str, seconds: float | None) -> None:
    answer = _judge(status, "", retry_after=header)
    assert isinstance(answer, Away)
    assert answer.retry_after == seconds


def test_a_long_complaint_is_cut_in_its_middle_for_its_number_stands_at_the_end() -> None:
    answer = _judge(400, '{"error":"partial write: ' + "x" * 5000 + ' dropped=1"}')
    assert isinstance(answer, Rejected)
    assert answer.points == 1
    assert answer.why.startswith("400: partial write: xxx")
    assert answer.why.endswith("xxx dropped=1")
    assert len(answer.why) < 250


def test_a_secret_is_hidden_before_the_text_is_cut_and_changes_no_meaning() -> None:
    def hide(text: str) -> str:
        return text.replace("t", "*")

    reply = Reply(status=400, body=f'{{"error":"{CONFLICT} {"t" * 500} dropped=2"}}')
    answer = judge(reply, POINTS, NOW, hide)
    assert isinstance(answer, Rejected)
    assert (answer.points, answer.partial) == (2, True)
    assert "t" not in answer.why
    assert answer.why.startswith("400: par*ial wri*e")


def test_what_a_server_says_is_one_printable_line() -> None:
    assert short("a\n b\x1b[31m\u2028\x00c ") == "a b?[31m ?c"


@given(st.integers(0, 999), st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.text(max_size=40))
def test_whatever_a_server_says_is_an_answer(status: int, body: str, header: str) -> None:
    reply = Reply(status=status, reason="r", body=body, retry_after=header)
    answer = judge(reply, POINTS, NOW, str)
    assert told(reply, str).isprintable()
    if isinstance(answer, Rejected):
        assert 1 <= answer.points <= POINTS
    if isinstance(answer, Away) and answer.retry_after is not None:
        assert 0.0 <= answer.retry_after <= 86_400.0

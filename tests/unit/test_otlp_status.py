"""Statuses of failures: what may be retried, and that both encodings of OTLP agree."""

import pytest
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from collector.receivers.otlp_status import status_bytes, status_json
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.statuses import STATUSES, GrpcCode, grpc_code, http_headers, http_status

RETRYABLE_HTTP = {429, 502, 503, 504}


def test_every_reason_has_one_row_and_every_code_is_that_of_grpc() -> None:
    assert set(STATUSES) == set(Reason)
    assert {(code.name, code.value) for code in GrpcCode} <= set(code_pb2.Code.items())


@pytest.mark.parametrize("reason", list(Reason))
def test_a_rejected_request_is_not_retried(reason: Reason) -> None:
    failure = Rejected(reason, "no")
    assert http_status(failure) not in RETRYABLE_HTTP
    assert 400 <= http_status(failure) <= 501
    assert grpc_code(failure) not in (code_pb2.UNAVAILABLE, code_pb2.ABORTED, code_pb2.OK)
    assert "Retry-After" not in http_headers(failure)
    status = status_pb2.Status.FromString(status_bytes(failure))
    assert not any(d.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for d in status.details)


@pytest.mark.parametrize("reason", list(Reason))
def test_an_unavailable_request_has_a_retry_delay(reason: Reason) -> None:
    failure = Unavailable("later", retry_after=2.5, reason=reason)
    limited = reason in (Reason.LIMITED, Reason.OVER_SHARE, Reason.LOG_SHARE)
    assert http_status(failure) == (429 if limited else 503)
    assert grpc_code(failure) == (code_pb2.RESOURCE_EXHAUSTED if limited else code_pb2.UNAVAILABLE)
    assert http_headers(failure) == {"Retry-After": "3"}
    status = status_pb2.Status.FromString(status_bytes(failure))
    info = error_details_pb2.RetryInfo()
    assert [d.Unpack(info) for d in status.details] == [False, True]
    assert info.retry_delay.ToMilliseconds() == 2500


@pytest.mark.parametrize(
    ("reason", "http", "code"),
    [
        (Reason.MALFORMED, 400, code_pb2.INVALID_ARGUMENT),
        (Reason.TOO_DEEP, 400, code_pb2.INVALID_ARGUMENT),
        (Reason.INVALID_IDENTIFIER, 400, code_pb2.INVALID_ARGUMENT),
        (Reason.NO_KEY, 401, code_pb2.UNAUTHENTICATED),
        (Reason.UNKNOWN_KEY, 401, code_pb2.UNAUTHENTICATED),
        (Reason.DISABLED, 403, code_pb2.PERMISSION_DENIED),
        (Reason.ORIGIN, 403, code_pb2.PERMISSION_DENIED),
        (Reason.NOT_FOUND, 404, code_pb2.UNIMPLEMENTED),
        (Reason.METHOD, 405, code_pb2.UNIMPLEMENTED),
        (Reason.TOO_LARGE, 413, code_pb2.RESOURCE_EXHAUSTED),
        (Reason.INFLATED_TOO_LARGE, 413, code_pb2.RESOURCE_EXHAUSTED),
        (Reason.CONTENT_TYPE, 415, code_pb2.INVALID_ARGUMENT),
        (Reason.ENCODING, 415, code_pb2.UNIMPLEMENTED),
    ],
)
def test_statuses_of_reasons(reason: Reason, http: int, code: int) -> None:
    failure = Rejected(reason, "no")
    assert (http_status(failure), grpc_code(failure)) == (http, code)


def test_both_encodings_carry_the_same_status() -> None:
    failure = Rejected(Reason.MALFORMED, "not a number", field="$.resourceSpans[0]")
    binary = status_pb2.Status.FromString(status_bytes(failure))
    assert json_format.Parse(status_json(failure), status_pb2.Status()) == binary
    assert (binary.code, binary.message) == (3, "not a number")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert [binary.details[0].Unpack(info), binary.details[1].Unpack(bad)] == [True, True]
    assert (info.reason, info.domain) == ("MALFORMED", "seamark")
    assert bad.field_violations[0].field == "$.resourceSpans[0]"


def test_headers_that_go_with_a_status() -> None:
    assert http_headers(Rejected(Reason.NO_KEY, "no")) == {"WWW-Authenticate": "Bearer"}
    assert http_headers(Rejected(Reason.METHOD, "no")) == {"Allow": "POST, OPTIONS"}
    assert http_headers(Rejected(Reason.MALFORMED, "no")) == {}

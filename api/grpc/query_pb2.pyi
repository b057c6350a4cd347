from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimeseriesRequest(_message.Message):
    __slots__ = ("metric", "to", "granularity", "filters", "group_by", "agg", "limit", "source", "tz", "week_start", "exemplars", "org_id", "app_id", "cache", "sql", "identity")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    GRANULARITY_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    AGG_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TZ_FIELD_NUMBER: _ClassVar[int]
    WEEK_START_FIELD_NUMBER: _ClassVar[int]
    EXEMPLARS_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    metric: str
    to: str
    granularity: str
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    group_by: _containers.RepeatedScalarFieldContainer[str]
    agg: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    source: str
    tz: str
    week_start: str
    exemplars: bool
    org_id: str
    app_id: str
    cache: bool
    sql: bool
    identity: str
    def __init__(self, metric: _Optional[str] = ..., to: _Optional[str] = ..., granularity: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., group_by: _Optional[_Iterable[str]] = ..., agg: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., source: _Optional[str] = ..., tz: _Optional[str] = ..., week_start: _Optional[str] = ..., exemplars: _Optional[bool] = ..., org_id: _Optional[str] = ..., app_id: _Optional[str] = ..., cache: _Optional[bool] = ..., sql: _Optional[bool] = ..., identity: _Optional[str] = ..., **kwargs) -> None: ...

class FunnelRequest(_message.Message):
    __slots__ = ("steps", "window_sec", "to", "filters", "group_by", "identity", "limit", "org_id", "app_id", "cache", "sql")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SEC_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    APP_ID_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[EventMatch]
    window_sec: int
    to: str
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    group_by: str
    identity: str
    limit: int
    org_id: str
    app_id: str
    cache: bool
    sql: bool
    def __init__(self, steps: _Optional[_Iterable[_Union[EventMatch, _Mapping]]] = ..., window_sec: _Optional[int] = ..., to: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., group_by: _Optional[str] = ..., identity: _Optional[str] = ..., limit: _Optional[int] = ..., org_id: _Optional[str] = ..., app_id: _Optional[str] = ..., cache: _Optional[bool] = ..., sql: _Optional[bool] = ..., **kwargs) -> None: ...

class EventMatch(_message.Message):
    __slots__ = ("name", "filters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, name: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("key", "op", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    op: str
    value: Value
    def __init__(self, key: _Optional[str] = ..., op: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("string_value", "bool_value", "int_value", "double_value", "array_value")
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    ARRAY_VALUE_FIELD_NUMBER: _ClassVar[int]
    string_value: str
    bool_value: bool
    int_value: int
    double_value: float
    array_value: ArrayValue
    def __init__(self, string_value: _Optional[str] = ..., bool_value: _Optional[bool] = ..., int_value: _Optional[int] = ..., double_value: _Optional[float] = ..., array_value: _Optional[_Union[ArrayValue, _Mapping]] = ...) -> None: ...

class ArrayValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class TimeseriesAnswer(_message.Message):
    __slots__ = ("columns", "series", "exemplars", "meta")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    EXEMPLARS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    series: _containers.RepeatedCompositeFieldContainer[Series]
    exemplars: _containers.RepeatedCompositeFieldContainer[Exemplar]
    meta: Meta
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ..., exemplars: _Optional[_Iterable[_Union[Exemplar, _Mapping]]] = ..., meta: _Optional[_Union[Meta, _Mapping]] = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("labels", "points")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LABELS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.ScalarMap[str, str]
    points: _containers.RepeatedCompositeFieldContainer[Point]
    def __init__(self, labels: _Optional[_Mapping[str, str]] = ..., points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("time", "values")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    time: int
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, time: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class Exemplar(_message.Message):
    __slots__ = ("labels", "time", "trace_id", "value")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.ScalarMap[str, str]
    time: int
    trace_id: str
    value: float
    def __init__(self, labels: _Optional[_Mapping[str, str]] = ..., time: _Optional[int] = ..., trace_id: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class FunnelAnswer(_message.Message):
    __slots__ = ("funnels", "meta")
    FUNNELS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    funnels: _containers.RepeatedCompositeFieldContainer[FunnelGroup]
    meta: Meta
    def __init__(self, funnels: _Optional[_Iterable[_Union[FunnelGroup, _Mapping]]] = ..., meta: _Optional[_Union[Meta, _Mapping]] = ...) -> None: ...

class FunnelGroup(_message.Message):
    __slots__ = ("group", "labels", "steps")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GROUP_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    group: str
    labels: _containers.ScalarMap[str, str]
    steps: _containers.RepeatedCompositeFieldContainer[FunnelStep]
    def __init__(self, group: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., steps: _Optional[_Iterable[_Union[FunnelStep, _Mapping]]] = ...) -> None: ...

class FunnelStep(_message.Message):
    __slots__ = ("step", "name", "people", "from_first", "from_previous", "median_ms", "p90_ms", "median_from_first_ms", "p90_from_first_ms")
    STEP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIRST_FIELD_NUMBER: _ClassVar[int]
    FROM_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_MS_FIELD_NUMBER: _ClassVar[int]
    P90_MS_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FROM_FIRST_MS_FIELD_NUMBER: _ClassVar[int]
    P90_FROM_FIRST_MS_FIELD_NUMBER: _ClassVar[int]
    step: str
    name: str
    people: int
    from_first: float
    from_previous: float
    median_ms: float
    p90_ms: float
    median_from_first_ms: float
    p90_from_first_ms: float
    def __init__(self, step: _Optional[str] = ..., name: _Optional[str] = ..., people: _Optional[int] = ..., from_first: _Optional[float] = ..., from_previous: _Optional[float] = ..., median_ms: _Optional[float] = ..., p90_ms: _Optional[float] = ..., median_from_first_ms: _Optional[float] = ..., p90_from_first_ms: _Optional[float] = ...) -> None: ...

class Meta(_message.Message):
    __slots__ = ("rows_read", "bytes_read", "cache", "stale", "truncated", "sampled", "granularity", "source", "to", "partial", "sql", "damaged")
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    GRANULARITY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    rows_read: int
    bytes_read: int
    cache: str
    stale: bool
    truncated: bool
    sampled: bool
    granularity: str
    source: str
    to: int
    partial: _containers.RepeatedScalarFieldContainer[int]
    sql: str
    damaged: bool
    def __init__(self, rows_read: _Optional[int] = ..., bytes_read: _Optional[int] = ..., cache: _Optional[str] = ..., stale: _Optional[bool] = ..., truncated: _Optional[bool] = ..., sampled: _Optional[bool] = ..., granularity: _Optional[str] = ..., source: _Optional[str] = ..., to: _Optional[int] = ..., partial: _Optional[_Iterable[int]] = ..., sql: _Optional[str] = ..., damaged: _Optional[bool] = ..., **kwargs) -> None: ...

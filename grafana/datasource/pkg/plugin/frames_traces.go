package plugin

import (
	"encoding/json"
	"sort"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type tracesAnswer struct {
	Traces []struct {
		TraceID     string   `json:"traceId"`
		RootService string   `json:"rootService"`
		RootName    string   `json:"rootName"`
		StartTime   string   `json:"startTime"`
		DurationNs  float64  `json:"durationNs"`
		Spans       int64    `json:"spans"`
		Errors      int64    `json:"errors"`
		Services    []string `json:"services"`
	} `json:"traces"`
}

// traceListFrames makes the table of a trace search; its first column opens the trace. Or numbers where the query wants
// those.
func traceListFrames(asked *question, answer []byte) (data.Frames, error) {
	if asked.format != asTable {
		return tableFrames(asked, answer)
	}
	var parsed tracesAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	size := len(parsed.Traces)
	ids, names, services := make([]string, size), make([]string, size), make([]string, size)
	starts, durations := make([]time.Time, size), make([]float64, size)
	spans, failed := make([]int64, size), make([]int64, size)
	for i, trace := range parsed.Traces {
		start, err := nanoseconds(trace.StartTime)
		if err != nil {
			return nil, err
		}
		ids[i], starts[i], durations[i] = trace.TraceID, start, trace.DurationNs/1e6
		names[i] = trace.RootService + ": " + trace.RootName
		services[i] = strings.Join(trace.Services, ", ")
		spans[i], failed[i] = trace.Spans, trace.Errors
	}
	duration := data.NewField("Duration", nil, durations)
	duration.Config = &data.FieldConfig{Unit: "ms"}
	frame := data.NewFrame("Traces",
		linked(data.NewField("Trace ID", nil, ids), asked.links.trace(thisValue)),
		data.NewField("Start time", nil, starts),
		data.NewField("Name", nil, names),
		duration,
		data.NewField("Spans", nil, spans),
		data.NewField("Errors", nil, failed),
		data.NewField("Services", nil, services),
	)
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, PreferredVisualization: data.VisTypeTable}
	return data.Frames{frame}, nil
}

type traceAnswer struct {
	TraceID string `json:"traceId"`
	Spans   []struct {
		SpanID             string     `json:"spanId"`
		ParentSpanID       string     `json:"parentSpanId"`
		Name               string     `json:"name"`
		Service            string     `json:"service"`
		Kind               string     `json:"kind"`
		StartTime          string     `json:"startTime"`
		DurationNs         float64    `json:"durationNs"`
		Status             string     `json:"status"`
		StatusMessage      string     `json:"statusMessage"`
		TraceState         string     `json:"traceState"`
		Attributes         attributes `json:"attributes"`
		ResourceAttributes attributes `json:"resourceAttributes"`
		ScopeName          string     `json:"scopeName"`
		ScopeVersion       string     `json:"scopeVersion"`
		Events             []struct {
			Time       string     `json:"time"`
			Name       string     `json:"name"`
			Attributes attributes `json:"attributes"`
		} `json:"events"`
		Links []struct {
			TraceID    string     `json:"traceId"`
			SpanID     string     `json:"spanId"`
			Attributes attributes `json:"attributes"`
		} `json:"links"`
	} `json:"spans"`
}

// pair is how the trace view wants attributes.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type spanLog struct {
	Timestamp float64 `json:"timestamp"`
	Name      string  `json:"name"`
	Fields    []pair  `json:"fields"`
}

type reference struct {
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
	Tags    []pair `json:"tags"`
}

// traceFrames makes the frame that Grafana's trace view reads (`TraceSpanRow` of @grafana/data).
func traceFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed traceAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	size := len(parsed.Spans)
	texts := map[string][]string{}
	for _, name := range []string{"traceID", "spanID", "parentSpanID", "operationName", "serviceName", "kind",
		"statusMessage", "instrumentationLibraryName", "instrumentationLibraryVersion", "traceState"} {
		texts[name] = make([]string, size)
	}
	starts, durations, codes := make([]float64, size), make([]float64, size), make([]int64, size)
	serviceTags, tags := make([]json.RawMessage, size), make([]json.RawMessage, size)
	logs, references := make([]json.RawMessage, size), make([]json.RawMessage, size)
	for i, span := range parsed.Spans {
		start, err := nanoseconds(span.StartTime)
		if err != nil {
			return nil, err
		}
		starts[i], durations[i] = float64(start.UnixNano())/1e6, span.DurationNs/1e6
		codes[i] = map[string]int64{"ok": 1, "error": 2}[span.Status]
		texts["traceID"][i], texts["spanID"][i] = parsed.TraceID, span.SpanID
		texts["parentSpanID"][i] = span.ParentSpanID
		texts["operationName"][i], texts["serviceName"][i] = span.Name, span.Service
		texts["kind"][i], texts["statusMessage"][i] = span.Kind, span.StatusMessage
		texts["instrumentationLibraryName"][i] = span.ScopeName
		texts["instrumentationLibraryVersion"][i] = span.ScopeVersion
		texts["traceState"][i] = span.TraceState
		happened := make([]spanLog, len(span.Events))
		for j, event := range span.Events {
			at, err := nanoseconds(event.Time)
			if err != nil {
				return nil, err
			}
			happened[j] = spanLog{float64(at.UnixNano()) / 1e6, event.Name, pairs(event.Attributes)}
		}
		linked := make([]reference, len(span.Links))
		for j, link := range span.Links {
			linked[j] = reference{link.TraceID, link.SpanID, pairs(link.Attributes)}
		}
		for _, cell := range []struct {
			into  *json.RawMessage
			value any
		}{{&serviceTags[i], pairs(span.ResourceAttributes)}, {&tags[i], pairs(span.Attributes)},
			{&logs[i], happened}, {&references[i], linked}} {
			if *cell.into, err = json.Marshal(cell.value); err != nil {
				return nil, err
			}
		}
	}
	frame := data.NewFrame("Trace",
		linked(data.NewField("traceID", nil, texts["traceID"]), asked.links.logsOfTrace(thisValue)),
		data.NewField("spanID", nil, texts["spanID"]),
		data.NewField("parentSpanID", nil, texts["parentSpanID"]),
		data.NewField("operationName", nil, texts["operationName"]),
		linked(data.NewField("serviceName", nil, texts["serviceName"]), asked.links.service(thisValue)),
		data.NewField("kind", nil, texts["kind"]),
		data.NewField("statusCode", nil, codes),
		data.NewField("statusMessage", nil, texts["statusMessage"]),
		data.NewField("instrumentationLibraryName", nil, texts["instrumentationLibraryName"]),
		data.NewField("instrumentationLibraryVersion", nil, texts["instrumentationLibraryVersion"]),
		data.NewField("traceState", nil, texts["traceState"]),
		data.NewField("serviceTags", nil, serviceTags),
		data.NewField("startTime", nil, starts),
		data.NewField("duration", nil, durations),
		data.NewField("logs", nil, logs),
		data.NewField("references", nil, references),
		data.NewField("tags", nil, tags),
	)
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{PreferredVisualization: data.VisTypeTrace}
	return data.Frames{frame}, nil
}

func pairs(given attributes) []pair {
	found := make([]pair, 0, len(given))
	for key, value := range given {
		found = append(found, pair{key, value})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	return found
}

package plugin

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type logRecord struct {
	ID                 string     `json:"id"`
	Time               string     `json:"time"`
	SeverityText       string     `json:"severityText"`
	SeverityNumber     int        `json:"severityNumber"`
	Body               string     `json:"body"`
	EventName          string     `json:"eventName"`
	Service            string     `json:"service"`
	TraceID            string     `json:"traceId"`
	SpanID             string     `json:"spanId"`
	Attributes         attributes `json:"attributes"`
	ResourceAttributes attributes `json:"resourceAttributes"`
	App                string     `json:"app"`
}

// logFrames makes the frame of a page of records.
func logFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed struct {
		Logs   []logRecord `json:"logs"`
		Cursor string      `json:"cursor"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	frame, err := logLines(asked, parsed.Logs)
	if err != nil {
		return nil, err
	}
	frame.Meta.Custom = map[string]any{"cursor": parsed.Cursor}
	return data.Frames{frame}, nil
}

// contextFrames makes the frame of the records around one, the latest first.
func contextFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed struct {
		Before []logRecord `json:"before"`
		After  []logRecord `json:"after"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	slices.Reverse(parsed.After) // both come with the nearest first
	frame, err := logLines(asked, append(parsed.After, parsed.Before...))
	return data.Frames{frame}, err
}

// logLines makes a frame of the type `log-lines` 0.0.
// https://grafana.com/developers/dataplane/logs
func logLines(asked *question, records []logRecord) (*data.Frame, error) {
	size := len(records)
	times, bodies := make([]time.Time, size), make([]string, size)
	severities, ids := make([]string, size), make([]string, size)
	labels := make([]json.RawMessage, size)
	traces, spans, services := make([]string, size), make([]string, size), make([]string, size)
	for i, record := range records {
		at, err := nanoseconds(record.Time)
		if err != nil {
			return nil, err
		}
		times[i], bodies[i], ids[i] = at, record.Body, record.ID
		severities[i] = severity(record.SeverityNumber, record.SeverityText)
		all := map[string]string{}
		maps.Copy(all, record.ResourceAttributes)
		maps.Copy(all, record.Attributes)
		add(all, "service.name", record.Service)
		add(all, "app", record.App)
		add(all, "event.name", record.EventName)
		encoded, err := json.Marshal(all)
		if err != nil {
			return nil, err
		}
		labels[i], traces[i], spans[i], services[i] = encoded, record.TraceID, record.SpanID, record.Service
	}
	frame := data.NewFrame("",
		data.NewField("timestamp", nil, times),
		data.NewField("body", nil, bodies),
		data.NewField("severity", nil, severities),
		data.NewField("id", nil, ids),
		data.NewField("labels", nil, labels),
		linked(data.NewField("traceID", nil, present(traces)), asked.links.trace(thisValue)),
		data.NewField("spanID", nil, present(spans)),
		linked(data.NewField("service", nil, present(services)), asked.links.service(thisValue)),
	)
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{
		Type: data.FrameTypeLogLines, TypeVersion: data.FrameTypeVersion{0, 0},
		PreferredVisualization: data.VisTypeLogs,
	}
	return frame, nil
}

func add(labels map[string]string, name, value string) {
	if value != "" {
		labels[name] = value
	}
}

// severity is the level as Grafana colours it, from OpenTelemetry's number, else the sender's word.
// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
func severity(number int, text string) string {
	switch {
	case number >= 21:
		return "critical"
	case number >= 17:
		return "error"
	case number >= 13:
		return "warning"
	case number >= 9:
		return "info"
	case number >= 5:
		return "debug"
	case number >= 1:
		return "trace"
	}
	return text
}

// nanoseconds since the epoch, as text, which keeps all digits in JSON.
func nanoseconds(text string) (time.Time, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, value).UTC(), nil
}

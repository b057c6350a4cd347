package plugin

import (
	"encoding/json"
	"errors"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// errShape is an answer that is JSON, but not of the API that this plugin was written for.
var errShape = errors.New("it has another shape")

// seriesAnswer is the answer of /v1/query/timeseries, sessions and logs/histogram.
type seriesAnswer struct {
	Columns []string `json:"columns"`
	Series  []struct {
		Labels map[string]string `json:"labels"`
		Rows   [][]*float64      `json:"rows"`
	} `json:"series"`
	Exemplars []struct {
		Labels  map[string]string `json:"labels"`
		Time    int64             `json:"time"`
		TraceID string            `json:"traceId"`
	} `json:"exemplars"`
}

// seriesFrames makes one frame for each series and aggregate: the contract `timeseries-multi` 0.1,
// which alerting needs. https://grafana.com/developers/dataplane/timeseries
func seriesFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed seriesAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	if len(parsed.Series) == 0 {
		// No data, with its type: https://grafana.com/developers/dataplane/timeseries#no-data
		return data.Frames{{RefID: asked.refID, Meta: seriesMeta()}}, nil
	}
	if len(parsed.Columns) < 2 {
		return nil, errShape
	}
	var frames data.Frames
	aggregates, in := parsed.Columns[1:], bucketsOf(answer, asked.now)
	for _, series := range parsed.Series {
		starts := make([]int64, len(series.Rows))
		for i, row := range series.Rows {
			if len(row) != len(parsed.Columns) || row[0] == nil {
				return nil, errShape
			}
			starts[i] = int64(*row[0])
		}
		for column, aggregate := range aggregates {
			values := make([]*float64, len(series.Rows))
			for i, row := range series.Rows {
				values[i] = row[column+1]
			}
			labels := data.Labels{}
			for name, value := range series.Labels {
				labels[name] = asked.label(value)
			}
			if len(aggregates) > 1 {
				labels["agg"] = aggregate
			}
			times := starts
			if !asked.alerting { // a rule has noDataState, and thresholds of its own, for what is not there
				times, values = in.shown(aggregate, starts, values)
			}
			field := data.NewField(aggregate, labels, values)
			field.Config = &data.FieldConfig{DisplayNameFromDS: asked.legendOf(aggregate, labels), Unit: in.unit(aggregate)}
			if service := series.Labels["service"]; service != "" {
				linked(field, asked.links.service(service))
			}
			frame := data.NewFrame("", in.timeField(times), field)
			frame.RefID, frame.Meta = asked.refID, seriesMeta()
			frames = append(frames, frame)
		}
	}
	if len(parsed.Exemplars) > 0 && !asked.alerting {
		frames = append(frames, exemplarFrame(asked, parsed))
	}
	if running := in.runningFrame(asked.refID); running != nil && asked.marksRunning() {
		frames = append(frames, running)
	}
	return frames, nil
}

// marksRunning says that the answer is drawn where a mark of the bucket that has not ended can be seen.
func (q *question) marksRunning() bool {
	return !q.alerting && q.kind != "logvolume"
}

func seriesMeta() *data.FrameMeta {
	return &data.FrameMeta{
		Type: data.FrameTypeTimeSeriesMulti, TypeVersion: data.FrameTypeVersion{0, 1},
		PreferredVisualization: data.VisTypeGraph,
	}
}

// exemplarFrame makes the frame that a graph draws as points with a trace behind each: its name and
// topic are how Grafana knows it. A point lies on the first aggregate of its series and bucket.
func exemplarFrame(asked *question, parsed seriesAnswer) *data.Frame {
	type place struct {
		labels string
		time   int64
	}
	heights := map[place]*float64{}
	names := map[string]bool{}
	for _, series := range parsed.Series {
		for _, row := range series.Rows {
			heights[place{data.Labels(series.Labels).String(), int64(*row[0])}] = row[1]
		}
		for name := range series.Labels {
			names[name] = true
		}
	}
	var times []time.Time
	var values []float64
	var ids []string
	labels := map[string][]string{}
	for _, exemplar := range parsed.Exemplars {
		height := heights[place{data.Labels(exemplar.Labels).String(), exemplar.Time}]
		if height == nil {
			continue // its bucket is not shown
		}
		times = append(times, time.UnixMilli(exemplar.Time).UTC())
		values, ids = append(values, *height), append(ids, exemplar.TraceID)
		for name := range names {
			labels[name] = append(labels[name], named(exemplar.Labels[name]))
		}
	}
	frame := data.NewFrame("exemplar",
		data.NewField("Time", nil, times),
		data.NewField("Value", nil, values),
		linked(data.NewField("traceId", nil, ids), asked.links.trace(thisValue)),
	)
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		frame.Fields = append(frame.Fields, data.NewField(name, nil, labels[name]))
	}
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{DataTopic: data.DataTopicAnnotations, Custom: map[string]any{"resultType": "exemplar"}}
	return frame
}

// legendOf is the name of a series or number: what the legend asks for, else its labels, else the aggregate. A label
// that is empty or lacking reads "(none)".
func (q *question) legendOf(aggregate string, labels data.Labels) string {
	if q.legend != "" {
		text := strings.ReplaceAll(q.legend, "{{agg}}", aggregate)
		for name, value := range labels {
			text = strings.ReplaceAll(text, "{{"+name+"}}", named(value))
		}
		return lacking.ReplaceAllString(text, blank)
	}
	if len(labels) == 0 {
		return aggregate
	}
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	values := make([]string, 0, len(names))
	for _, name := range names {
		if value := named(labels[name]); value != blank {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return blank
	}
	return strings.Join(values, " ")
}

// lacking is a label that a legend asks for and a series does not have.
var lacking = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// label is the value of a label: as a person reads it, but for a rule as it is.
func (q *question) label(value string) string {
	if q.alerting {
		return value
	}
	return named(value)
}

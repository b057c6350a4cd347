package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// mostNames bounds how many questions one annotation query asks.
const mostNames = 10

// annotations prepares one question for each name of an event: how often it happened in each bucket,
// by release. The request: {"names": ["deploy", "release"], "groupBy": ["release"], "filters": []}.
func (q *question) annotations(saved model, span backend.TimeRange) (*question, error) {
	request, err := requestOf(saved)
	if err != nil {
		return nil, err
	}
	names, _ := request["names"].([]any)
	if len(names) == 0 {
		names = []any{"deploy", "release"}
	}
	if len(names) > mostNames {
		return nil, fmt.Errorf("%w: at most %d names of events", errQuery, mostNames)
	}
	delete(request, "names")
	if _, ok := request["groupBy"]; !ok {
		request["groupBy"] = []string{"release"}
	}
	request["agg"], request["source"] = []string{"count"}, "events"
	bind(request, span)
	for _, name := range names {
		one := maps.Clone(request)
		one["metric"] = name
		part := &question{method: http.MethodPost, path: "/v1/query/timeseries"}
		if err := part.saying(one, len(saved.AdHoc)); err != nil {
			return nil, err
		}
		q.parts = append(q.parts, part)
	}
	return q, nil
}

// annotationFrame makes what Grafana reads as annotations: a time, a title, a text and tags.
func annotationFrame(asked *question, answers [][]byte) (*data.Frame, error) {
	type annotation struct {
		at                time.Time
		title, text, tags string
	}
	var found []annotation
	for i, answer := range answers {
		var parsed seriesAnswer
		if err := json.Unmarshal(answer, &parsed); err != nil {
			return nil, err
		}
		var named struct {
			Metric string `json:"metric"`
		}
		if err := json.Unmarshal(asked.parts[i].body, &named); err != nil {
			return nil, err
		}
		for _, series := range parsed.Series {
			tags := []string{named.Metric}
			described := make([]string, 0, len(series.Labels))
			for label, value := range series.Labels {
				if value != "" {
					tags, described = append(tags, value), append(described, label+" "+value)
				}
			}
			sort.Strings(tags[1:])
			sort.Strings(described)
			for _, row := range series.Rows {
				if len(row) < 2 || row[0] == nil || row[1] == nil {
					return nil, errShape
				}
				text := strings.Join(described, ", ")
				if *row[1] > 1 {
					text = strings.TrimSpace(fmt.Sprintf("%s (%v times)", text, *row[1]))
				}
				found = append(found, annotation{time.UnixMilli(int64(*row[0])).UTC(), named.Metric, text, strings.Join(tags, ",")})
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].at.Before(found[j].at) })
	times := make([]time.Time, len(found))
	titles, texts, tags := make([]string, len(found)), make([]string, len(found)), make([]string, len(found))
	for i, one := range found {
		times[i], titles[i], texts[i], tags[i] = one.at, one.title, one.text, one.tags
	}
	frame := data.NewFrame("annotations",
		data.NewField("time", nil, times),
		data.NewField("title", nil, titles),
		data.NewField("text", nil, texts),
		data.NewField("tags", nil, tags),
	)
	frame.RefID, frame.Meta = asked.refID, &data.FrameMeta{DataTopic: data.DataTopicAnnotations}
	return frame, nil
}

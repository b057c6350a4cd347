package plugin

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// funnelSteps makes one row for each step of each group.
func funnelSteps(funnels json.RawMessage) ([]map[string]any, error) {
	var groups []struct {
		Labels map[string]string `json:"labels"`
		Steps  []map[string]any  `json:"steps"`
	}
	if err := json.Unmarshal(funnels, &groups); err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	for _, group := range groups {
		for place, step := range group.Steps {
			step["group"] = joinedLabels(group.Labels)
			step["step"] = fmt.Sprintf("%d. %v", place+1, step["name"])
			rows = append(rows, step)
		}
	}
	return rows, nil
}

type retentionAnswer struct {
	Period  string `json:"period"`
	Cohorts []struct {
		Start    int64     `json:"start"`
		People   float64   `json:"people"`
		Returned []float64 `json:"returned"`
	} `json:"cohorts"`
}

// retentionFrames makes one row for each cohort, and one column for each period after it: the share
// of its people who came back.
func retentionFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed retentionAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	longest := 0
	starts := make([]time.Time, len(parsed.Cohorts))
	people := make([]float64, len(parsed.Cohorts))
	for i, cohort := range parsed.Cohorts {
		starts[i], people[i] = time.UnixMilli(cohort.Start).UTC(), cohort.People
		longest = max(longest, len(cohort.Returned))
	}
	frame := data.NewFrame("Retention",
		data.NewField("Cohort", nil, starts), data.NewField("People", nil, people))
	for period := range longest {
		shares := make([]*float64, len(parsed.Cohorts))
		for i, cohort := range parsed.Cohorts {
			if period < len(cohort.Returned) && cohort.People > 0 {
				share := cohort.Returned[period] / cohort.People
				shares[i] = &share
			}
		}
		field := data.NewField(fmt.Sprintf("%s %d", parsed.Period, period), nil, shares)
		field.Config = &data.FieldConfig{Unit: "percentunit"}
		frame.Fields = append(frame.Fields, field)
	}
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, PreferredVisualization: data.VisTypeTable}
	return data.Frames{frame}, nil
}

func joinedLabels(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = labels[name]
	}
	return strings.Join(values, " ")
}

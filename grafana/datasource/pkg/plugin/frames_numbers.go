package plugin

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// What a query may ask its answer to be, instead of a table.
const (
	asTable  = "table"
	asNumber = "numeric"
)

// countable says how the rows of a query type become numbers with labels, which alert rules and
// stat panels take: which fields become labels, and which number unless the query names another.
type countable struct {
	rows   string
	labels []string
	value  string
}

var countables = map[string]countable{
	"services": {rows: "services", labels: []string{"service", "operation"}, value: "errorRate"},
	// `value` begins with the list it is in: total.rate, releases.errors, groups.count
	"errors": {labels: []string{"release", "app", "service", "type", "message", "fingerprint"}, value: "total.rate"},
}

// formatted notes the format that the query asks for. Fails with errQuery where there is none such.
func (q *question) formatted(format string) error {
	q.format = asTable
	switch {
	case format == "" || format == asTable:
		return nil
	case format != asNumber:
		return fmt.Errorf("%w: the format is table or numeric, not %q", errQuery, format)
	}
	q.format = format
	if q.value == "" {
		q.value = countables[q.kind].value
	}
	return nil
}

// numberFrames makes one frame for each row, `numeric-multi` 0.1, of the number at `asked.value`.
// https://grafana.com/developers/dataplane/numeric
func numberFrames(asked *question, lists map[string][]map[string]any) (data.Frames, error) {
	known := countables[asked.kind]
	list, field := known.rows, asked.value
	if list == "" {
		list, field, _ = strings.Cut(asked.value, ".")
	}
	rows, ok := lists[list]
	if !ok {
		return nil, fmt.Errorf("%w: no number %q in an answer of %s", errQuery, asked.value, asked.kind)
	}
	return numbersOf(asked, rows, field, func(row map[string]any) data.Labels { return labelsOf(known, row) })
}

// numbersOf makes one frame for each row, of its number in a field.
func numbersOf(asked *question, rows []map[string]any, field string, labels func(map[string]any) data.Labels) (data.Frames, error) {
	meta := func() *data.FrameMeta {
		return &data.FrameMeta{Type: data.FrameTypeNumericMulti, TypeVersion: data.FrameTypeVersion{0, 1}}
	}
	var frames data.Frames
	for _, row := range rows {
		var value *float64
		switch found := row[field].(type) {
		case float64:
			value = &found
		case nil:
			if _, there := row[field]; there {
				break // nothing to measure against, say
			}
			return nil, fmt.Errorf("%w: no number %q in an answer of %s", errQuery, asked.value, asked.kind)
		default:
			return nil, fmt.Errorf("%w: %q of %s is no number", errQuery, asked.value, asked.kind)
		}
		frame := data.NewFrame("", data.NewField(field, labels(row), []*float64{value}))
		frame.RefID, frame.Meta = asked.refID, meta()
		frames = append(frames, frame)
	}
	if len(frames) == 0 {
		return data.Frames{{RefID: asked.refID, Meta: meta()}}, nil
	}
	return frames, nil
}

// labelsOf are the fields that name a row.
func labelsOf(known countable, row map[string]any) data.Labels {
	labels := data.Labels{}
	for _, field := range known.labels {
		value := words(at(row, field))
		if value == "" {
			continue
		}
		labels[field] = value
	}
	return labels
}

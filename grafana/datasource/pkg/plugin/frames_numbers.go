package plugin

import (
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// What a query may ask its answer to be, instead of a table.
const (
	asTable  = "table"
	asNumber = "numeric"
)

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
	return nil
}

// numbersOf makes one frame for each row, of its number in a field: `numeric-multi` 0.1.
// https://grafana.com/developers/dataplane/numeric
func numbersOf(asked *question, rows []map[string]any, field string, labels func(map[string]any) data.Labels) (data.Frames, error) {
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
		number := data.NewField(field, labels(row), []*float64{value})
		if !asked.alerting {
			number.Config = &data.FieldConfig{DisplayNameFromDS: asked.legendOf(field, number.Labels)}
		}
		frame := data.NewFrame("", number)
		frame.RefID, frame.Meta = asked.refID, numericMeta()
		frames = append(frames, frame)
	}
	if len(frames) == 0 {
		return data.Frames{{RefID: asked.refID, Meta: numericMeta()}}, nil
	}
	return frames, nil
}

func numericMeta() *data.FrameMeta {
	return &data.FrameMeta{Type: data.FrameTypeNumericMulti, TypeVersion: data.FrameTypeVersion{0, 1}}
}

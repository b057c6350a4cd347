package plugin

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// kind is how the values of a column are read.
type kind int

const (
	text    kind = iota // a text; of a list its items, of an object its numbers by name
	number              // JSON number or null
	moment              // epoch ms
	trace               // a trace id, which opens the trace
	service             // a service, which opens what is known of it
)

// column is one column of a table: its title, where its value stands in a row (a path with dots),
// how it is read, its unit in Grafana's words, and whether it is a label, which reads "(none)" where it is empty.
type column struct {
	title string
	field string
	kind  kind
	unit  string
	label bool
}

// table says which list of an answer becomes a frame, and what its columns are.
type table struct {
	name    string
	rows    string
	columns []column
}

// tableFrames makes the tables that an answer describes by its columns; or numbers where the query wants those.
func tableFrames(asked *question, answer []byte) (data.Frames, error) {
	columns := describedBy(answer)
	if len(columns) == 0 {
		return nil, fmt.Errorf("no columns: %w", errShape)
	}
	return describedFrames(asked, answer, columns)
}

// frame is the table of these rows; `several` says that there are others beside it.
func (t table) frame(asked *question, rows []map[string]any, several bool) *data.Frame {
	frame := data.NewFrame(t.name)
	for _, column := range t.columns {
		field := column.of(rows)
		switch column.kind {
		case trace:
			linked(field, asked.links.trace(thisValue))
		case service:
			linked(field, asked.links.service(thisValue))
		}
		if several { // or Grafana puts the frame's name before it
			if field.Config == nil {
				field.Config = &data.FieldConfig{}
			}
			field.Config.DisplayNameFromDS = column.title
		}
		frame.Fields = append(frame.Fields, field)
	}
	frame.RefID = asked.refID
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable, PreferredVisualization: data.VisTypeTable}
	return frame
}

// of is the column as a field. What is missing or of another type is null, or "" for a text.
func (c column) of(rows []map[string]any) *data.Field {
	var field *data.Field
	switch c.kind {
	case number:
		values := make([]*float64, len(rows))
		for i, row := range rows {
			if value, ok := at(row, c.field).(float64); ok {
				values[i] = &value
			}
		}
		field = data.NewField(c.title, nil, values)
	case moment:
		values := make([]*time.Time, len(rows))
		for i, row := range rows {
			if value, ok := at(row, c.field).(float64); ok {
				instant := time.UnixMilli(int64(value)).UTC()
				values[i] = &instant
			}
		}
		field = data.NewField(c.title, nil, values)
	default:
		values := make([]string, len(rows))
		for i, row := range rows {
			values[i] = words(at(row, c.field))
			if c.label && c.kind == text {
				values[i] = named(values[i])
			}
		}
		field = data.NewField(c.title, nil, values)
		if c.kind == trace || c.kind == service {
			field = data.NewField(c.title, nil, present(values))
		}
	}
	if c.unit != "" {
		field.Config = &data.FieldConfig{Unit: c.unit}
	}
	return field
}

// at is the value at a path such as "balance.stored" or "shares.0", or nil.
func at(value any, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	switch from := value.(type) {
	case map[string]any:
		value = from[name]
	case []any:
		place, err := strconv.Atoi(name)
		if err != nil || place < 0 || place >= len(from) {
			return nil
		}
		value = from[place]
	default:
		return nil
	}
	if !deeper {
		return value
	}
	return at(value, rest)
}

// words is a value as text: a list joined, an object's numbers named.
func words(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case nil:
		return ""
	case []any:
		parts := make([]string, len(value))
		for i, item := range value {
			parts[i] = words(item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		parts := make([]string, 0, len(value))
		for name, item := range value {
			parts = append(parts, name+" "+words(item))
		}
		sort.Strings(parts)
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}

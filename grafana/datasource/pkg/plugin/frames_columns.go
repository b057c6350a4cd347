package plugin

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// described is a column as an answer describes it: docs/questions.md, "Fields and columns of every question".
type described struct {
	Rows     string `json:"rows"`
	Key      string `json:"key"`
	Title    string `json:"title"`
	Kind     string `json:"kind"`
	Unit     string `json:"unit"`
	Label    string `json:"label"`
	Headline bool   `json:"headline"`
}

// describedBy are the columns of an answer; none where it has none, or where it is series, whose `columns` are names.
func describedBy(answer []byte) []described {
	var parsed struct {
		Columns []described `json:"columns"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil
	}
	return parsed.Columns
}

// answerFrames makes the frames of an answer by what it holds: a table of its own columns, or series.
func answerFrames(asked *question, answer []byte) (data.Frames, error) {
	var series struct {
		Series json.RawMessage `json:"series"`
	}
	if err := json.Unmarshal(answer, &series); err != nil {
		return nil, err
	}
	if series.Series == nil {
		return tableFrames(asked, answer)
	}
	return seriesFrames(asked, answer)
}

// describedFrames makes one table for each list of rows that columns are of, or numbers where the query wants those.
func describedFrames(asked *question, answer []byte, columns []described) (data.Frames, error) {
	var parsed map[string]any
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	if asked.format != asTable {
		return describedNumbers(asked, parsed, columns)
	}
	paths, byPath := []string{}, map[string][]column{}
	for _, one := range columns {
		if _, list := parsed[strings.Split(one.Rows, ".")[0]].([]any); !list {
			continue // one object is no table
		}
		if _, known := byPath[one.Rows]; !known {
			paths = append(paths, one.Rows)
		}
		byPath[one.Rows] = append(byPath[one.Rows], column{one.Title, one.Key, one.read(), one.grafanaUnit(), one.Label != ""})
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no list of rows: %w", errShape)
	}
	var frames data.Frames
	for _, path := range paths {
		rows, ok := rowsAt(parsed, path)
		if !ok {
			return nil, fmt.Errorf("%s: %w", path, errShape)
		}
		name := asked.kind
		if len(paths) > 1 {
			name = path[strings.LastIndex(path, ".")+1:]
		}
		one := table{strings.ToUpper(name[:1]) + name[1:], path, byPath[path]}
		frames = append(frames, one.frame(asked, rows, len(paths) > 1))
	}
	return frames, nil
}

// describedNumbers makes a labelled number of each row: of the column that the query names, by its key or by its list
// and key (groups.count), else of the headline, else of the first number.
func describedNumbers(asked *question, answer map[string]any, columns []described) (data.Frames, error) {
	chosen := described{}
	for _, one := range columns {
		if one.read() != number {
			continue
		}
		named := asked.value == one.Key || asked.value == one.Rows+"."+one.Key
		if named || asked.value == "" && (chosen.Rows == "" || one.Headline) {
			chosen = one
			if named || one.Headline {
				break
			}
		}
	}
	if chosen.Rows == "" { // a number of the rows that is no column of theirs
		chosen.Rows, chosen.Key = columns[0].Rows, asked.value
	}
	rows, ok := rowsAt(answer, chosen.Rows)
	if !ok {
		return nil, fmt.Errorf("%w: no number %q in an answer of %s", errQuery, asked.value, asked.kind)
	}
	return numbersOf(asked, rows, chosen.Key, func(row map[string]any) data.Labels {
		labels := data.Labels{}
		for _, one := range columns {
			if one.Rows != chosen.Rows || one.Label == "" {
				continue
			}
			if value := asked.label(words(at(row, one.Key))); value != "" {
				labels[one.Label] = value
			}
		}
		return labels
	})
}

// rowsAt are the objects of the list at a path with dots. Those of a list within a list also have the fields of the
// object around them.
func rowsAt(from map[string]any, path string) ([]map[string]any, bool) {
	name, rest, deeper := strings.Cut(path, ".")
	rows, ok := objects(from[name])
	if !ok || !deeper {
		return rows, ok
	}
	found := []map[string]any{}
	for _, outer := range rows {
		inner, ok := rowsAt(outer, rest)
		if !ok {
			return nil, false
		}
		for _, row := range inner {
			for field, value := range outer {
				if _, own := row[field]; !own {
					row[field] = value
				}
			}
			found = append(found, row)
		}
	}
	return found, true
}

// objects are those of a list, or one object as a list of one.
func objects(value any) ([]map[string]any, bool) {
	switch value := value.(type) {
	case map[string]any:
		return []map[string]any{value}, true
	case []any:
		rows := make([]map[string]any, len(value))
		for i, item := range value {
			row, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			rows[i] = row
		}
		return rows, true
	}
	return nil, false
}

// read is how the values of a column are read. A kind that is not known here is read as text.
func (c described) read() kind {
	switch c.Kind {
	case "time":
		return moment
	case "trace":
		return trace
	case "service":
		return service
	case "duration", "count", "ratio", "rate", "number":
		return number
	}
	return text
}

// grafanaUnit is the unit in Grafana's words.
func (c described) grafanaUnit() string {
	switch {
	case c.Kind == "ratio":
		return "percentunit"
	case c.Kind == "rate":
		return "reqps"
	case c.Kind == "duration" && (c.Unit == "ns" || c.Unit == "ms" || c.Unit == "s"):
		return c.Unit
	}
	return ""
}

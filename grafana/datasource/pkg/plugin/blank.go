package plugin

import "strings"

// blank is how an empty value of a label reads: in legends, names of numbers, cells and choices. A filter that says it
// asks for the empty value, so that a click on it leads to what it counts.
const blank = "(none)"

// escapedBlank is the same as Grafana's ${variable:regex} writes it.
const escapedBlank = `\(none\)`

// named is the value of a label as a person reads it.
func named(value string) string {
	if value == "" {
		return blank
	}
	return value
}

// unnamed turns what reads "(none)" in the filters of a request into the empty value, however deep they are.
func unnamed(value any) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			unnamed(item)
		}
	case map[string]any:
		if _, filter := value["key"]; filter {
			value["value"] = withoutBlank(value["value"])
			if value["value"] == nil {
				delete(value, "value")
			}
			return
		}
		for _, item := range value {
			unnamed(item)
		}
	}
}

func withoutBlank(value any) any {
	switch value := value.(type) {
	case string:
		if value == blank {
			return ""
		}
		return strings.ReplaceAll(value, escapedBlank, "")
	case []any:
		for i, item := range value {
			value[i] = withoutBlank(item)
		}
	}
	return value
}

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

var refusedFilter = regexp.MustCompile(`^filters\[(\d+)\]\.key$`)

// variable is a template variable that nothing was put in for: $name, ${name}, ${name:format}.
var variable = regexp.MustCompile(`\$([A-Za-z_]\w*|\{[A-Za-z_]\w*(:\w+)?\})`)

// saying makes a request the body of the question; its last `adHoc` filters are the dashboard's.
func (q *question) saying(request map[string]any, adHoc int) error {
	filters, _ := request["filters"].([]any)
	q.request, q.own = request, len(filters)-adHoc
	body, err := json.Marshal(request)
	q.body = body
	return err
}

// asked is the answer to a question. A filter of the dashboard's that the API has no such dimension for is left out, and
// noted; one that the query itself has is refused.
func (d *Datasource) asked(ctx context.Context, q *question) ([]byte, error) {
	for {
		answer, err := d.api.ask(ctx, q.method, q.path, q.query, q.body)
		if err == nil || !q.without(err) {
			return answer, err
		}
	}
}

// without takes the dashboard's filter that was refused out of the question, and says whether there was one.
func (q *question) without(err error) bool {
	var refusal *refusal
	if !errors.As(err, &refusal) || !refusal.theAskers() {
		return false
	}
	match := refusedFilter.FindStringSubmatch(refusal.Field)
	filters, _ := q.request["filters"].([]any)
	if match == nil {
		return false
	}
	place, _ := strconv.Atoi(match[1])
	if place < q.own || place >= len(filters) {
		return false
	}
	q.leaveOut(filters[place : place+1])
	q.request["filters"] = slices.Concat(filters[:place], filters[place+1:])
	return q.saying(q.request, len(filters)-1-q.own) == nil
}

// leaveOut notes filters that do not apply.
func (q *question) leaveOut(filters []any) {
	for _, filter := range filters {
		if filter, ok := filter.(map[string]any); ok {
			q.ignored = append(q.ignored, fmt.Sprintf("%s %s %s", words(filter["key"]), words(filter["op"]), named(words(filter["value"]))))
		}
	}
}

// resolved fails with errQuery where a rule has a variable in it: Grafana has none there, and would ask for its name.
func (q *question) resolved(saved json.RawMessage) error {
	var written struct {
		App     string `json:"app"`
		TraceID string `json:"traceId"`
		Request any    `json:"request"`
	}
	if err := json.Unmarshal(saved, &written); err != nil {
		return fmt.Errorf("%w: it is not JSON: %s", errQuery, err)
	}
	if name := variableIn([]any{written.App, written.TraceID, written.Request}); name != "" {
		return fmt.Errorf("%w: %s is a variable of a dashboard; a rule has none: write its value", errQuery, name)
	}
	return nil
}

func variableIn(value any) string {
	switch value := value.(type) {
	case string:
		return variable.FindString(value)
	case []any:
		for _, item := range value {
			if name := variableIn(item); name != "" {
				return name
			}
		}
	case map[string]any:
		for _, item := range value {
			if name := variableIn(item); name != "" {
				return name
			}
		}
	}
	return ""
}

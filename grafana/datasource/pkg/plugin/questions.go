package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// errQuery marks a query that was never asked because it says nothing that could be.
var errQuery = errors.New("query")

// model is a query as the editor saves it. `request` is the body of the API's question, without
// its range; the builder changes only the fields that it knows, and leaves the rest as written.
type model struct {
	QueryType string          `json:"queryType"`
	App       string          `json:"app"`
	Legend    string          `json:"legend"`
	TraceID   string          `json:"traceId"`
	Format    string          `json:"format"`
	Value     string          `json:"value"`
	Series    []string        `json:"series"`
	AdHoc     []any           `json:"adHoc"`
	Request   json.RawMessage `json:"request"`
}

// framer makes frames of an answer.
type framer func(*question, []byte) (data.Frames, error)

// question is one question to the API, ready to be asked. One with `parts` is asked part by part.
type question struct {
	refID    string
	kind     string
	legend   string
	format   string
	value    string
	series   []string
	alerting bool
	now      time.Time
	links    links
	method   string
	path     string
	query    url.Values
	body     []byte
	frames   framer
	parts    []*question
	request  map[string]any // what the body is made of
	own      int            // how many of its filters are the query's; those behind them are the dashboard's
	ignored  []string       // filters of the dashboard that do not apply
}

// shape says where a query type is asked, what becomes of the answer, which fields of a request are
// left out because the route does not take them, and whether it has no range.
type shape struct {
	path    string
	frames  framer
	without []string
	unbound bool
}

// shapes holds the query types that are one POST with a JSON body and not asked and framed like any question: as
// /v1/query/<type>, by what the answer says it holds.
var shapes = map[string]shape{
	"logs":    {path: "/v1/query/logs", frames: logFrames},
	"context": {path: "/v1/query/logs/context", frames: contextFrames, unbound: true},
	// the same search as of logs, without what says which page of it
	"logvolume":  {path: "/v1/query/logs/histogram", frames: seriesFrames, without: []string{"order", "limit", "before", "cursor"}},
	"traces":     {path: "/v1/query/traces", frames: traceListFrames},
	"servicemap": {path: "/v1/query/servicemap", frames: nodeGraphFrames},
}

// questionKind is the name of a question, and the last part of its route.
var questionKind = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

var traceID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// readQuery reads what the editor saved. Fails with errQuery.
func readQuery(query backend.DataQuery) (*question, error) {
	var saved model
	if err := json.Unmarshal(query.JSON, &saved); err != nil {
		return nil, fmt.Errorf("%w: it is not JSON: %s", errQuery, err)
	}
	kind := saved.QueryType
	if kind == "" {
		kind = query.QueryType
	}
	if kind == "" {
		kind = "timeseries" // as the editor shows a query that does not say
	}
	asked := &question{refID: query.RefID, kind: kind, legend: saved.Legend, value: saved.Value, series: saved.Series, method: http.MethodPost}
	if err := asked.formatted(saved.Format); err != nil {
		return nil, err
	}
	switch kind {
	case "trace":
		return asked.oneTrace(saved)
	case "ledger":
		return asked.ledger(saved, query.TimeRange)
	case "annotations":
		return asked.annotations(saved, query.TimeRange)
	}
	known, ok := shapes[kind]
	if !ok {
		if !questionKind.MatchString(kind) {
			return nil, fmt.Errorf("%w: %q is no query type of this datasource", errQuery, kind)
		}
		known = shape{path: "/v1/query/" + kind, frames: answerFrames}
	}
	if kind == "context" {
		saved.AdHoc = nil // the records around one are those around it, whatever is filtered
	}
	request, err := requestOf(saved)
	if err != nil {
		return nil, err
	}
	for _, field := range known.without {
		delete(request, field)
	}
	if !known.unbound {
		bind(request, query.TimeRange)
	}
	asked.path, asked.frames = known.path, known.frames
	return asked, asked.saying(request, len(saved.AdHoc))
}

// requestOf is the request as it was saved, and the app when one is chosen.
func requestOf(saved model) (map[string]any, error) {
	request := map[string]any{}
	if len(bytes.TrimSpace(saved.Request)) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(saved.Request))
		decoder.UseNumber() // a number stays as it was written
		if err := decoder.Decode(&request); err != nil || request == nil {
			return nil, fmt.Errorf("%w: the request is not a JSON object", errQuery)
		}
	}
	if saved.App != "" {
		request["appId"] = saved.App
	}
	if len(saved.AdHoc) > 0 {
		own, _ := request["filters"].([]any)
		request["filters"] = append(own, saved.AdHoc...)
	}
	unnamed(request)
	return request, nil
}

// bind gives a request the range of the panel.
func bind(request map[string]any, span backend.TimeRange) {
	request["from"], request["to"] = span.From.UnixMilli(), span.To.UnixMilli()
}

func (q *question) oneTrace(saved model) (*question, error) {
	if !traceID.MatchString(saved.TraceID) {
		return nil, fmt.Errorf("%w: %q is no trace id; it has 32 hexadecimal digits", errQuery, saved.TraceID)
	}
	q.method, q.path, q.frames = http.MethodGet, "/v1/traces/"+saved.TraceID, traceFrames
	q.leaveOut(saved.AdHoc)
	return q, nil
}

func (q *question) ledger(saved model, span backend.TimeRange) (*question, error) {
	q.method, q.path, q.frames = http.MethodGet, "/v1/ledger", ledgerFrames
	q.leaveOut(saved.AdHoc)
	saved.AdHoc = nil
	request, err := requestOf(saved)
	if err != nil {
		return nil, err
	}
	delete(request, "appId") // this route says `app`
	if saved.App != "" {
		request["app"] = saved.App
	}
	bind(request, span)
	q.query = url.Values{}
	for name, value := range request {
		q.query.Set(name, fmt.Sprint(value))
	}
	return q, nil
}

// executed is what the inspector shows: the question as it could be asked with curl.
func (q *question) executed() string {
	if q.method == http.MethodGet {
		if len(q.query) == 0 {
			return "GET " + q.path
		}
		return "GET " + q.path + "?" + q.query.Encode()
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, q.body, "", "  "); err != nil {
		return "POST " + q.path
	}
	return "POST " + q.path + "\n" + pretty.String()
}

// Package plugin turns Grafana's queries into questions to Seamark's API, and answers into frames.
//
// It decides nothing itself: the API plans, limits, caches and refuses. What stands here is the
// shape of a question per query type (questions.go), the shape of frames (frames_*.go), and health.
package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// atOnce is how many queries of one request are asked at the same time.
const atOnce = 8

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ backend.CallResourceHandler   = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// Datasource is one configured datasource.
type Datasource struct {
	backend.CallResourceHandler
	api *api
}

// NewDatasource makes an instance from what was configured; Grafana calls it again on changes.
func NewDatasource(ctx context.Context, settings backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	options, err := settings.HTTPClientOptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("the datasource's HTTP settings: %w", err)
	}
	client, err := newClient(options)
	if err != nil {
		return nil, fmt.Errorf("the datasource's HTTP settings: %w", err)
	}
	unending := httpclient.DefaultTimeoutOptions
	if options.Timeouts != nil {
		unending = *options.Timeouts
	}
	unending.Timeout = 0
	options.Timeouts = &unending
	streaming, err := newClient(options)
	if err != nil {
		return nil, fmt.Errorf("the datasource's HTTP settings: %w", err)
	}
	source := &Datasource{api: &api{
		base:      trimmed(settings.URL),
		token:     settings.DecryptedSecureJSONData["token"],
		client:    client,
		streaming: streaming,
		patience:  45 * time.Second,
		pause:     time.Second,
	}}
	routes := http.NewServeMux()
	source.addResources(routes)
	source.CallResourceHandler = httpadapter.New(routes)
	return source, nil
}

// Dispose ends idle connections.
func (d *Datasource) Dispose() {
	d.api.client.CloseIdleConnections()
	d.api.streaming.CloseIdleConnections()
}

// QueryData answers all queries of a request, each by itself: one that fails harms no other.
func (d *Datasource) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response := backend.NewQueryDataResponse()
	var mutex sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	settings := request.PluginContext.DataSourceInstanceSettings
	alerting := request.Headers[backend.FromAlertHeaderName] == "true"
	for _, query := range request.Queries {
		group.Add(1)
		go func() {
			defer group.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			answer := d.answer(ctx, query, linksOf(settings), alerting)
			mutex.Lock()
			response.Responses[query.RefID] = answer
			mutex.Unlock()
		}()
	}
	group.Wait()
	return response, nil
}

func linksOf(settings *backend.DataSourceInstanceSettings) links {
	if settings == nil {
		return links{}
	}
	return links{uid: settings.UID, name: settings.Name}
}

// answer asks one query. A fault in here fails this query, not the plugin.
func (d *Datasource) answer(ctx context.Context, query backend.DataQuery, from links, alerting bool) (response backend.DataResponse) {
	defer func() {
		if fault := recover(); fault != nil {
			log.DefaultLogger.Error("a query failed", "fault", fault, "stack", string(debug.Stack()))
			response = backend.ErrDataResponse(backend.StatusInternal, "a fault in the Seamark plugin; its log says more")
		}
	}()
	asked, err := readQuery(query)
	if err != nil {
		return failed(err)
	}
	asked.links, asked.alerting, asked.now = from, alerting, time.Now()
	if len(asked.parts) > 0 {
		return d.annotated(ctx, asked)
	}
	if alerting {
		if err := asked.resolved(query.JSON); err != nil {
			return failed(err)
		}
	}
	answer, err := d.asked(ctx, asked)
	if err != nil {
		return failed(err)
	}
	frames, err := asked.frames(asked, answer)
	if err != nil {
		return failed(misunderstood(err))
	}
	describe(frames, asked, answer)
	return backend.DataResponse{Frames: frames}
}

// annotated asks every part of an annotation query, and makes one frame of them.
func (d *Datasource) annotated(ctx context.Context, asked *question) backend.DataResponse {
	answers := make([][]byte, len(asked.parts))
	for i, part := range asked.parts {
		answer, err := d.asked(ctx, part)
		if err != nil {
			return failed(err)
		}
		answers[i] = answer
	}
	frame, err := annotationFrame(asked, answers)
	if err != nil {
		return failed(misunderstood(err))
	}
	frame.Meta.ExecutedQueryString = asked.parts[0].executed()
	return backend.DataResponse{Frames: data.Frames{frame}}
}

func misunderstood(err error) error {
	if errors.Is(err, errQuery) {
		return err
	}
	return fmt.Errorf("an answer this plugin does not understand (is it older than the API?): %w", err)
}

// failed is the response to a query that could not be answered. What the asker can mend is a 400,
// so that Grafana neither retries it nor counts it against the plugin.
func failed(err error) backend.DataResponse {
	var refusal *refusal
	switch {
	case errors.As(err, &refusal) && refusal.theAskers():
		return backend.ErrDataResponseWithSource(backend.StatusBadRequest, backend.ErrorSourceDownstream, err.Error())
	case errors.As(err, &refusal), errors.Is(err, errUnreachable):
		return backend.ErrDataResponseWithSource(backend.StatusBadGateway, backend.ErrorSourceDownstream, err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return backend.ErrDataResponseWithSource(backend.StatusTimeout, backend.ErrorSourceDownstream, err.Error())
	case errors.Is(err, errQuery):
		return backend.ErrDataResponse(backend.StatusBadRequest, err.Error())
	}
	return backend.ErrDataResponse(backend.StatusInternal, err.Error())
}

func isSeries(frames data.Frames) bool {
	return frames[0].Meta.Type == data.FrameTypeTimeSeriesMulti
}

// describe puts the executed question and its cost where Grafana's inspector shows them.
func describe(frames data.Frames, asked *question, answer []byte) {
	var parsed struct {
		Meta answerMeta `json:"meta"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil || len(frames) == 0 {
		return
	}
	for _, frame := range frames {
		if frame.Meta == nil {
			frame.Meta = &data.FrameMeta{}
		}
	}
	first := frames[0].Meta
	first.ExecutedQueryString = asked.executed()
	first.Stats = parsed.Meta.stats()
	first.Notices = append(first.Notices, parsed.Meta.notices(!isSeries(frames))...)
	for _, filter := range asked.ignored {
		first.Notices = append(first.Notices, data.Notice{Severity: data.NoticeSeverityWarning,
			Text: "The dashboard's filter " + filter + " does not apply to this panel, and is left out."})
	}
	custom, _ := first.Custom.(map[string]any)
	if custom == nil {
		custom = map[string]any{}
	}
	custom["cache"] = parsed.Meta.Cache
	if parsed.Meta.Granularity != "" {
		custom["granularity"] = parsed.Meta.Granularity
	}
	first.Custom = custom
}

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// A live tail in Explore is a channel of Grafana Live: `tail/` and a hash of the query, which itself
// comes as the channel's data. Grafana runs one stream for all who look at the same.
const tailChannel = "tail/"

var _ backend.StreamHandler = (*Datasource)(nil)

// pageFields say which page of a search is meant, or of which time; a tail takes none of them.
var pageFields = []string{"from", "to", "order", "limit", "before", "cursor", "sql", "after"}

// SubscribeStream says whether a channel is a live tail. Whether it may be seen, the API says.
func (d *Datasource) SubscribeStream(_ context.Context, asked *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	if _, _, err := readTail(asked.Path, asked.Data); err != nil {
		log.DefaultLogger.Warn("no such channel", "path", asked.Path, "error", err.Error())
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusOK}, nil
}

// PublishStream refuses: nobody writes into a tail.
func (d *Datasource) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// RunStream sends a frame for whatever arrives, until nobody looks any more. A connection that breaks
// is made again where it broke; a question that the API refuses ends it.
func (d *Datasource) RunStream(ctx context.Context, asked *backend.RunStreamRequest, sender *backend.StreamSender) error {
	question, request, err := readTail(asked.Path, asked.Data)
	if err != nil {
		return err
	}
	question.links = linksOf(asked.PluginContext.DataSourceInstanceSettings)
	send := func(event told) error { return sendEvent(question, event, sender) }
	after, pause := "", d.api.pause
	for {
		before := after
		after, err = d.api.follow(ctx, request, after, send)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var no *refusal
		switch {
		case errors.As(err, &no) && no.Field == "after":
			after = "" // too long ago: what lay between is said to be missing
			if err := sendEvent(question, told{"waiting", []byte(`{"message":"The connection was lost for too long: records in between are not shown."}`)}, sender); err != nil {
				return err
			}
		case errors.As(err, &no) && no.theAskers() && no.status != http.StatusTooManyRequests, errors.Is(err, errSend):
			return err
		case err != nil:
			log.DefaultLogger.Warn("a live tail is connected again", "error", err.Error())
		}
		if after != before {
			pause = d.api.pause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// errSend: Grafana does not take what is sent.
var errSend = errors.New("send")

// sendEvent sends the frame of one event; heartbeats have none. What a stream says of itself is a line
// among the others, since Explore shows nothing else of a live tail.
func sendEvent(asked *question, event told, sender *backend.StreamSender) error {
	var said struct {
		Logs    []logRecord `json:"logs"`
		Skipped int         `json:"skipped"`
		Reason  string      `json:"reason"`
		Message string      `json:"message"`
	}
	if err := json.Unmarshal(event.data, &said); err != nil {
		return misunderstood(err)
	}
	records := said.Logs
	switch event.kind {
	case "logs":
	case "skipped":
		records = []logRecord{remark(fmt.Sprintf("%d records are not shown: more arrived than a live tail shows. A search finds them.", said.Skipped))}
	case "waiting":
		records = []logRecord{remark(said.Message)}
	case "end":
		if said.Reason == "stopping" {
			return nil // another server takes over, or the same one soon
		}
		return &refusal{status: http.StatusForbidden, Reason: said.Reason, Message: said.Message}
	default:
		return nil
	}
	if len(records) == 0 {
		return nil
	}
	frame, err := logLines(asked, records)
	if err != nil {
		return misunderstood(err)
	}
	if err := sender.SendFrame(frame, data.IncludeAll); err != nil {
		return fmt.Errorf("%w: %s", errSend, err)
	}
	return nil
}

// remark is a line that no sender wrote.
func remark(text string) logRecord {
	now := time.Now()
	return logRecord{
		ID: fmt.Sprintf("seamark-%d", now.UnixNano()), Time: fmt.Sprint(now.UnixNano()), Body: text,
		SeverityNumber: 13, Attributes: attributes{"seamark": "live tail"},
	}
}

// readTail is the search behind a channel, and the request of its tail. Fails with errQuery.
func readTail(path string, channelData json.RawMessage) (*question, map[string]any, error) {
	if !strings.HasPrefix(path, tailChannel) || len(path) == len(tailChannel) {
		return nil, nil, fmt.Errorf("%w: %q is no channel of this datasource", errQuery, path)
	}
	var saved model
	if err := json.Unmarshal(channelData, &saved); err != nil {
		return nil, nil, fmt.Errorf("%w: the channel's data is not JSON: %s", errQuery, err)
	}
	if saved.QueryType != "logs" {
		return nil, nil, fmt.Errorf("%w: only searches in logs are followed, not %q", errQuery, saved.QueryType)
	}
	request, err := requestOf(saved)
	if err != nil {
		return nil, nil, err
	}
	for _, field := range pageFields {
		delete(request, field)
	}
	var named struct {
		RefID string `json:"refId"`
	}
	_ = json.Unmarshal(channelData, &named) // a name for its frames, or none
	return &question{refID: named.RefID, kind: "logs"}, request, nil
}

package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

const (
	tailOf    = `{"refId":"A","queryType":"logs","app":"shop","request":{"service":"cart","limit":50,"order":"asc","before":"now"}}`
	oneRecord = `{"id":"%s","time":"1795343040123456789","severityNumber":17,"body":"%s","service":"cart","attributes":{"tenant":"gold"},"app":"shop"}`
)

// follower collects the frames of a stream; `want` of them are waited for.
type follower struct {
	mutex  sync.Mutex
	frames []*data.Frame
	came   chan struct{}
}

func (f *follower) Send(packet *backend.StreamPacket) error {
	frame := &data.Frame{}
	if err := json.Unmarshal(packet.Data, frame); err != nil {
		return err
	}
	f.mutex.Lock()
	f.frames = append(f.frames, frame)
	f.mutex.Unlock()
	f.came <- struct{}{}
	return nil
}

func (f *follower) bodies() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var found []string
	for _, frame := range f.frames {
		field, _ := frame.FieldByName("body")
		for row := range field.Len() {
			found = append(found, field.At(row).(string))
		}
	}
	return found
}

// run runs a tail against a server until so many frames came, or it ended by itself.
func run(t *testing.T, url string, frames int) (*follower, error) {
	t.Helper()
	source := connect(t, url, "smq_secret")
	source.api.pause, source.api.patience = time.Millisecond, 300*time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got := &follower{came: make(chan struct{}, 1000)}
	ended := make(chan error, 1)
	go func() {
		ended <- source.RunStream(ctx, &backend.RunStreamRequest{Path: "tail/abc", Data: []byte(tailOf)}, backend.NewStreamSender(got))
	}()
	for range frames {
		select {
		case <-got.came:
		case err := <-ended:
			return got, err
		case <-ctx.Done():
			t.Fatalf("only %q came", got.bodies())
		}
	}
	cancel()
	return got, <-ended
}

// served is a made-up API; each connection is given to the next of `lives`, the last for good.
func served(t *testing.T, lives ...func(http.ResponseWriter, *http.Request, map[string]any)) string {
	t.Helper()
	var mutex sync.Mutex
	next := 0
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		asked := map[string]any{}
		if err := json.NewDecoder(request.Body).Decode(&asked); err != nil || request.URL.Path != tailPath {
			t.Errorf("%s %s: %v", request.Method, request.URL, err)
		}
		mutex.Lock()
		life := lives[min(next, len(lives)-1)]
		next++
		mutex.Unlock()
		life(writer, request, asked)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func say(writer http.ResponseWriter, id, kind, data string) {
	if id != "" {
		id = "id: " + id + "\n"
	}
	_, _ = fmt.Fprintf(writer, "%sevent: %s\ndata: %s\n\n", id, kind, data)
	writer.(http.Flusher).Flush()
}

func record(body string) string {
	return `{"logs":[` + fmt.Sprintf(oneRecord, "id-"+body, body) + `]}`
}

func TestATailIsAskedAsTheSearchWithoutItsPage(t *testing.T) {
	got, err := run(t, served(t, func(writer http.ResponseWriter, request *http.Request, asked map[string]any) {
		if fmt.Sprint(asked) != "map[appId:shop service:cart]" {
			t.Errorf("asked %v", asked)
		}
		if request.Header.Get("Authorization") != "Bearer smq_secret" {
			t.Error("without its token")
		}
		say(writer, "c1", "heartbeat", "{}")
		say(writer, "c2", "logs", record("a"))
		say(writer, "", "skipped", `{"skipped":312}`)
		say(writer, "", "somethingNew", `{}`)
		say(writer, "c3", "logs", record("b"))
		<-request.Context().Done()
	}), 3)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	bodies := got.bodies()
	if len(bodies) != 3 || bodies[0] != "a" || !strings.HasPrefix(bodies[1], "312 records are not shown") || bodies[2] != "b" {
		t.Errorf("%q", bodies)
	}
	frame := got.frames[0]
	if frame.RefID != "A" || frame.Meta.Type != data.FrameTypeLogLines {
		t.Errorf("%s %+v", frame.RefID, frame.Meta)
	}
	level, _ := frame.FieldByName("severity")
	labels, _ := frame.FieldByName("labels")
	if level.At(0) != "error" || !strings.Contains(string(labels.At(0).(json.RawMessage)), `"tenant":"gold"`) {
		t.Errorf("%v %s", level.At(0), labels.At(0))
	}
}

func TestABrokenTailGoesOnWhereItBroke(t *testing.T) {
	var cursors []any
	var mutex sync.Mutex
	life := func(body, id string, last func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request, map[string]any) {
		return func(writer http.ResponseWriter, request *http.Request, asked map[string]any) {
			mutex.Lock()
			cursors = append(cursors, asked["after"])
			mutex.Unlock()
			say(writer, id, "logs", record(body))
			last(writer, request)
		}
	}
	got, _ := run(t, served(t,
		life("a", "c1", func(writer http.ResponseWriter, _ *http.Request) {
			say(writer, "", "end", `{"reason":"stopping","message":"."}`)
		}),
		func(writer http.ResponseWriter, _ *http.Request, _ map[string]any) {
			http.Error(writer, "no", http.StatusBadGateway)
		},
		life("b", "c2", func(writer http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(writer, "id: c9\nevent: logs\ndata: {\"logs\":[") // and gone, in the middle of an event
		}),
		life("c", "c3", func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() }), // silent
		life("d", "c4", func(_ http.ResponseWriter, request *http.Request) { <-request.Context().Done() }),
	), 4)
	mutex.Lock()
	defer mutex.Unlock()
	if fmt.Sprint(got.bodies()) != "[a b c d]" || fmt.Sprint(cursors) != "[<nil> c1 c2 c3]" {
		t.Errorf("%v %v", got.bodies(), cursors)
	}
}

func TestACursorThatIsTooOldIsLeftOut(t *testing.T) {
	second := make(chan any, 9)
	got, _ := run(t, served(t,
		func(writer http.ResponseWriter, _ *http.Request, _ map[string]any) {
			say(writer, "c1", "logs", record("a"))
		},
		func(writer http.ResponseWriter, _ *http.Request, _ map[string]any) {
			writer.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(writer, `{"error":{"reason":"invalid_field","message":"too old","field":"after"}}`)
		},
		func(writer http.ResponseWriter, request *http.Request, asked map[string]any) {
			second <- asked["after"]
			say(writer, "c2", "logs", record("b"))
			<-request.Context().Done()
		},
	), 3)
	if bodies := got.bodies(); len(bodies) != 3 || !strings.Contains(bodies[1], "lost for too long") || bodies[2] != "b" || <-second != nil {
		t.Errorf("%q", bodies)
	}
}

func TestWhatTheAPIRefusesEndsTheStream(t *testing.T) {
	for status, answer := range map[int]string{
		http.StatusForbidden:           `{"error":{"reason":"out_of_scope","message":"not yours","field":"appId"}}`,
		http.StatusUnprocessableEntity: `{"error":{"reason":"too_much","message":"Org acme has 16 live tails here"}}`,
	} {
		_, err := run(t, served(t, func(writer http.ResponseWriter, _ *http.Request, _ map[string]any) {
			writer.WriteHeader(status)
			_, _ = fmt.Fprint(writer, answer)
		}), 1)
		var no *refusal
		if !errors.As(err, &no) || no.status != status {
			t.Errorf("%d: %v", status, err)
		}
	}
	_, err := run(t, served(t, func(writer http.ResponseWriter, _ *http.Request, _ map[string]any) {
		say(writer, "", "end", `{"reason":"token_disabled","message":"Token t is disabled."}`)
	}), 1)
	if err == nil || err.Error() != "Token t is disabled." {
		t.Error(err)
	}
}

func TestChannels(t *testing.T) {
	source := connect(t, "http://127.0.0.1:1", "smq_secret")
	for _, known := range []struct {
		path, data string
		status     backend.SubscribeStreamStatus
	}{
		{"tail/abc", tailOf, backend.SubscribeStreamStatusOK},
		{"tail/abc", `{"queryType":"logs"}`, backend.SubscribeStreamStatusOK},
		{"tail/", tailOf, backend.SubscribeStreamStatusNotFound},
		{"other/abc", tailOf, backend.SubscribeStreamStatusNotFound},
		{"tail/abc", ``, backend.SubscribeStreamStatusNotFound},
		{"tail/abc", `{"queryType":"traces"}`, backend.SubscribeStreamStatusNotFound},
		{"tail/abc", `{"queryType":"logs","request":[]}`, backend.SubscribeStreamStatusNotFound},
	} {
		answer, err := source.SubscribeStream(context.Background(), &backend.SubscribeStreamRequest{Path: known.path, Data: []byte(known.data)})
		if err != nil || answer.Status != known.status {
			t.Errorf("%s %s: %v %v", known.path, known.data, answer, err)
		}
	}
	published, _ := source.PublishStream(context.Background(), &backend.PublishStreamRequest{})
	if published.Status != backend.PublishStreamStatusPermissionDenied {
		t.Error(published.Status)
	}
	err := source.RunStream(context.Background(), &backend.RunStreamRequest{Path: "other"}, nil)
	if !errors.Is(err, errQuery) {
		t.Error(err)
	}
}

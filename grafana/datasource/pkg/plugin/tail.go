package plugin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// tailPath is where log records are followed: an answer of server-sent events that does not end.
const tailPath = "/v1/query/logs/tail"

// mostLine bounds one line of a stream; the API sends records in pieces of about 256 KiB.
const mostLine = 8 << 20

// errSilent: a stream said nothing for too long, not even that there is nothing.
var errSilent = errors.New("the stream of Seamark's API went silent")

// told is one event of a tail.
type told struct {
	kind string
	data []byte
}

// follow asks for a tail, and hands every event to `each`, until the stream ends, `each` fails or the
// context does. Heartbeats count as life, and are handed on like the rest. It returns the cursor to
// go on from, which is `after` while nothing came.
func (a *api) follow(ctx context.Context, request map[string]any, after string, each func(told) error) (string, error) {
	if after != "" {
		request["after"] = after
	} else {
		delete(request, "after")
	}
	body, err := json.Marshal(request)
	if err != nil {
		return after, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(a.patience, func() { cancel(errSilent) })
	defer silence.Stop()
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+tailPath, bytes.NewReader(body))
	if err != nil {
		return after, err
	}
	asked.Header.Set("Authorization", "Bearer "+a.token)
	asked.Header.Set("Accept", "text/event-stream")
	asked.Header.Set("Content-Type", "application/json")
	response, err := a.streaming.Do(asked)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return after, cause
		}
		return after, fmt.Errorf("%w at %s: %s", errUnreachable, a.base, strip(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		return after, refused(response.StatusCode, answer)
	}
	after, err = readEvents(response.Body, after, func(event told) error {
		silence.Reset(a.patience)
		return each(event)
	})
	if cause := context.Cause(ctx); cause != nil {
		return after, cause
	}
	return after, err
}

// readEvents reads a stream of events to its end, and returns the last id that stood in one.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
func readEvents(stream io.Reader, last string, each func(told) error) (string, error) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 64<<10), mostLine)
	event, id := told{}, ""
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			if event.kind != "" {
				if err := each(event); err != nil {
					return last, err
				}
			}
			if id != "" {
				last = id // only now: what it stands for has been handed on
			}
			event, id = told{}, ""
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			event.kind = value
		case "data":
			event.data = append(event.data, value...)
		case "id":
			id = value
		}
	}
	return last, lines.Err()
}

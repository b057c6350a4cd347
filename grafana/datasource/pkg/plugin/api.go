package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mostBytes bounds an answer of the API in memory; the API's own limits are far below it.
const mostBytes = 64 << 20

// api asks Seamark's HTTP API. The token decides what is seen; nothing here can widen that.
type api struct {
	base   string
	token  string
	client *http.Client
	// of answers that do not end: a client without a deadline, how long one of them may be silent,
	// and how long to wait before a broken one is asked for again
	streaming       *http.Client
	patience, pause time.Duration
}

// refusal is an answer of the API that is not a success, in the API's own words.
type refusal struct {
	status  int
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

func (r *refusal) Error() string {
	if r.Field == "" {
		return r.Message
	}
	return r.Field + ": " + r.Message
}

// theAskers reports whether the question was wrong, as opposed to the service being away.
func (r *refusal) theAskers() bool {
	return r.status >= 400 && r.status < 500
}

// errUnreachable: no answer came at all.
var errUnreachable = errors.New("no answer from Seamark's API")

// get asks a question by GET.
func (a *api) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	return a.ask(ctx, http.MethodGet, path, query, nil)
}

func (a *api) ask(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	target := a.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w at %s: %s", errUnreachable, a.base, strip(err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", path, err)
	}
	if len(answer) > mostBytes {
		return nil, fmt.Errorf("the answer is larger than %d MiB; narrow the question", mostBytes>>20)
	}
	if response.StatusCode != http.StatusOK {
		return nil, refused(response.StatusCode, answer)
	}
	return answer, nil
}

// refused reads the API's error form; anything else (a proxy's page) is named by its status only.
func refused(status int, answer []byte) error {
	var form struct {
		Error refusal `json:"error"`
	}
	if err := json.Unmarshal(answer, &form); err == nil && form.Error.Message != "" {
		form.Error.status = status
		return &form.Error
	}
	return &refusal{status: status, Reason: "unexpected", Message: fmt.Sprintf(
		"HTTP %d without an answer of Seamark's; is the URL that of Seamark's API?", status)}
}

// strip leaves out the method and URL that net/http puts before a transport's error.
func strip(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err.Error()
	}
	return err.Error()
}

// trimmed is a base URL without its trailing slash.
func trimmed(base string) string {
	return strings.TrimRight(strings.TrimSpace(base), "/")
}

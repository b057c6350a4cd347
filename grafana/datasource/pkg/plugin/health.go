package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
)

func newClient(options httpclient.Options) (*http.Client, error) {
	return httpclient.New(options)
}

// CheckHealth says, with a message of its own for each case, what stands between here and an answer:
// no URL, no token, no server, another server, a token of the wrong kind, or a store that is away.
func (d *Datasource) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if d.api.base == "" {
		return unhealthy("No URL: enter the address of Seamark's API, such as http://127.0.0.1:4320."), nil
	}
	if d.api.token == "" {
		return unhealthy("No token: enter a query token (smq_…); `seamark up` leaves one in credentials.json."), nil
	}
	answer, err := d.api.get(ctx, "/v1/metrics", url.Values{"from": {"now-30d"}, "limit": {"1000"}})
	if err != nil {
		return unhealthy(explain(err)), nil
	}
	var found struct {
		Metrics []struct {
			Name string `json:"name"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return unhealthy("Something answers there, but it is not Seamark's API: check the URL."), nil
	}
	if len(found.Metrics) == 0 {
		return &backend.CheckHealthResult{Status: backend.HealthStatusOk,
			Message: "Connected. There is no data yet: send some, or run `seamark demo`."}, nil
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk,
		Message: fmt.Sprintf("Connected. %d names to ask for in the last 30 days.", len(found.Metrics))}, nil
}

func explain(err error) string {
	var refusal *refusal
	switch {
	case errors.Is(err, errUnreachable):
		return "Not reached: " + err.Error() + ". Check the URL, and that `seamark status` shows the API ready."
	case !errors.As(err, &refusal):
		return err.Error()
	case refusal.status == http.StatusUnauthorized:
		return "The token is not known: " + refusal.Message
	case refusal.status == http.StatusForbidden:
		return "The token may not ask: " + refusal.Message
	case refusal.status == http.StatusServiceUnavailable:
		return "The API answers, but its store is away: " + refusal.Message
	}
	return refusal.Message
}

func unhealthy(message string) *backend.CheckHealthResult {
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: message}
}

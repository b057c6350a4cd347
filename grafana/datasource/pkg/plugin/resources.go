package plugin

import (
	"errors"
	"net/http"
	"net/url"
)

// addResources serves the editors: names, dimensions and values, as the API has them. Only these
// paths, only GET, and only with these parameters: a resource call can do no more than a query.
func (d *Datasource) addResources(routes *http.ServeMux) {
	d.pass(routes, "/metrics", func(*http.Request) string { return "/v1/metrics" },
		"prefix", "from", "to", "limit")
	d.pass(routes, "/labels", func(*http.Request) string { return "/v1/labels" },
		"metric", "source", "from", "to")
	d.pass(routes, "/labels/{name}/values", func(request *http.Request) string {
		return "/v1/labels/" + url.PathEscape(request.PathValue("name")) + "/values"
	}, "metric", "source", "prefix", "from", "to", "limit")
}

func (d *Datasource) pass(routes *http.ServeMux, pattern string, path func(*http.Request) string, allowed ...string) {
	routes.HandleFunc("GET "+pattern, func(writer http.ResponseWriter, request *http.Request) {
		query := url.Values{}
		for _, name := range allowed {
			if value := request.URL.Query().Get(name); value != "" {
				query.Set(name, value)
			}
		}
		answer, err := d.api.get(request.Context(), path(request), query)
		if err != nil {
			status := http.StatusBadGateway
			var refusal *refusal
			if errors.As(err, &refusal) {
				status = refusal.status
			}
			http.Error(writer, err.Error(), status)
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		_, _ = writer.Write(answer)
	})
}

package plugin

import "github.com/grafana/grafana-plugin-sdk-go/data"

// links makes links from one signal to another within this datasource. Grafana opens them with the
// range of the panel they are in, so that none is without bounds.
// https://grafana.com/docs/grafana/latest/explore/correlations-editor-in-explore/
type links struct {
	uid  string
	name string
}

// Variables of Grafana's data links.
// https://grafana.com/docs/grafana/latest/panels-visualizations/configure-data-links/
const thisValue = "${__value.raw}"

// to is a link to a query; none where the datasource has no uid (a test of Grafana's).
func (l links) to(title string, query map[string]any) []data.DataLink {
	if l.uid == "" {
		return nil
	}
	return []data.DataLink{{Title: title, Internal: &data.InternalDataLink{
		Query: query, DatasourceUID: l.uid, DatasourceName: l.name,
	}}}
}

// trace opens one trace.
func (l links) trace(id string) []data.DataLink {
	return l.to("Trace", map[string]any{"refId": "A", "queryType": "trace", "traceId": id})
}

// service opens what else is known of a service.
func (l links) service(name string) []data.DataLink {
	request := map[string]any{"service": name}
	return append(
		l.to("Logs of this service", map[string]any{"refId": "A", "queryType": "logs", "request": request}),
		append(
			l.to("Traces of this service", map[string]any{"refId": "A", "queryType": "traces", "request": request}),
			l.to("Its operations", map[string]any{"refId": "A", "queryType": "services",
				"request": map[string]any{"service": name, "by": "operation"}})...,
		)...,
	)
}

// logsOfTrace opens the records that were written within a trace.
func (l links) logsOfTrace(id string) []data.DataLink {
	return l.to("Logs of this trace", map[string]any{"refId": "A", "queryType": "logs",
		"request": map[string]any{"traceId": id}})
}

// linked puts links on a field.
func linked(field *data.Field, links []data.DataLink) *data.Field {
	if len(links) == 0 {
		return field
	}
	if field.Config == nil {
		field.Config = &data.FieldConfig{}
	}
	field.Config.Links = links
	return field
}

// present is a column of texts in which "" is null, so that no link is shown for it.
func present(values []string) []*string {
	found := make([]*string, len(values))
	for i := range values {
		if values[i] != "" {
			found[i] = &values[i]
		}
	}
	return found
}

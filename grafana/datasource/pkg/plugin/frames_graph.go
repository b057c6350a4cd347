package plugin

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type mapAnswer struct {
	Nodes []struct {
		Service   string  `json:"service"`
		Rate      float64 `json:"rate"`
		ErrorRate float64 `json:"errorRate"`
		P95Ms     float64 `json:"p95Ms"`
		TraceID   string  `json:"traceId"`
	} `json:"nodes"`
	Edges []struct {
		Client  string  `json:"client"`
		Server  string  `json:"server"`
		Calls   float64 `json:"calls"`
		Errors  float64 `json:"errors"`
		P95Ms   float64 `json:"p95Ms"`
		TraceID string  `json:"traceId"`
	} `json:"edges"`
}

// nodeGraphFrames makes the two frames of Grafana's node graph: services, and the calls between them.
// https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/node-graph/#data-api
func nodeGraphFrames(asked *question, answer []byte) (data.Frames, error) {
	var parsed mapAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	size := len(parsed.Nodes)
	ids := make([]string, size)
	rates, durations := make([]float64, size), make([]float64, size)
	good, bad := make([]float64, size), make([]float64, size)
	traces := make([]string, size)
	for i, node := range parsed.Nodes {
		ids[i], rates[i], durations[i] = node.Service, node.Rate, node.P95Ms
		good[i], bad[i] = 1-node.ErrorRate, node.ErrorRate
		traces[i] = node.TraceID
	}
	nodes := data.NewFrame("nodes",
		linked(data.NewField("id", nil, ids), asked.links.service(thisValue)),
		data.NewField("title", nil, ids),
		configured(data.NewField("mainstat", nil, durations), "p95", "ms"),
		configured(data.NewField("secondarystat", nil, rates), "Calls", "req/s"), // the graph shows the unit as it is written
		coloured(data.NewField("arc__good", nil, good), "Good", "green"),
		coloured(data.NewField("arc__errors", nil, bad), "With errors", "red"),
		traceDetail(asked, traces),
	)
	size = len(parsed.Edges)
	edgeIDs, sources, targets := make([]string, size), make([]string, size), make([]string, size)
	calls, slow, traces := make([]float64, size), make([]float64, size), make([]string, size)
	for i, edge := range parsed.Edges {
		edgeIDs[i] = fmt.Sprintf("%q %q", edge.Client, edge.Server)
		sources[i], targets[i], calls[i], slow[i] = edge.Client, edge.Server, edge.Calls, edge.P95Ms
		traces[i] = edge.TraceID
	}
	edges := data.NewFrame("edges",
		data.NewField("id", nil, edgeIDs),
		data.NewField("source", nil, sources),
		data.NewField("target", nil, targets),
		configured(data.NewField("mainstat", nil, slow), "p95", "ms"),
		configured(data.NewField("secondarystat", nil, calls), "Calls", "short"),
		traceDetail(asked, traces),
	)
	for _, frame := range []*data.Frame{nodes, edges} {
		frame.RefID = asked.refID
		frame.Meta = &data.FrameMeta{PreferredVisualization: data.VisTypeNodeGraph}
	}
	return data.Frames{nodes, edges}, nil
}

// traceDetail shows a trace of a node or an edge in its menu, with a link.
func traceDetail(asked *question, ids []string) *data.Field {
	field := configured(data.NewField("detail__trace", nil, present(ids)), "A trace", "")
	return linked(field, asked.links.trace(thisValue))
}

func configured(field *data.Field, name, unit string) *data.Field {
	field.Config = &data.FieldConfig{DisplayName: name, Unit: unit}
	return field
}

func coloured(field *data.Field, name, colour string) *data.Field {
	field.Config = &data.FieldConfig{DisplayName: name, Color: map[string]any{"mode": "fixed", "fixedColor": colour}}
	return field
}

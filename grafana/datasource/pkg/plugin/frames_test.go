package plugin

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"
)

// golden are answers of the real API (testdata/answers, asked of the demo shop) and how each is asked
// for; the frames made of them are in testdata/frames. `./build.sh golden` writes those anew.
var golden = map[string]struct{ answer, path, query string }{
	"timeseries": {"timeseries", "/v1/query/timeseries", `{"queryType":"timeseries","request":{"metric":"page_view","agg":["count","uniq_users"],"groupBy":["country"]}}`},
	"legend":     {"timeseries", "/v1/query/timeseries", `{"queryType":"timeseries","legend":"{{country}}: {{agg}}","request":{"metric":"page_view"}}`},
	"exemplars":  {"exemplars", "/v1/query/timeseries", `{"queryType":"timeseries","request":{"metric":"traces.span.duration","exemplars":true}}`},
	"top":        {"top", "/v1/query/top", `{"queryType":"top","request":{"metric":"page_view","by":"page"}}`},
	"funnel":     {"funnel", "/v1/query/funnel", `{"queryType":"funnel","request":{"steps":["page_view","view_item"]}}`},
	"retention":  {"retention", "/v1/query/retention", `{"queryType":"retention","request":{"start":"page_view"}}`},
	"sessions":   {"sessions", "/v1/query/sessions", `{"queryType":"sessions","request":{"groupBy":"device"}}`},
	"paths":      {"paths", "/v1/query/paths", `{"queryType":"paths","request":{"start":"/product"}}`},
	"errors":     {"errors", "/v1/query/errors", `{"queryType":"errors"}`},
	"logs":       {"logs", "/v1/query/logs", `{"queryType":"logs","request":{"service":"gateway"}}`},
	"logvolume":  {"logvolume", "/v1/query/logs/histogram", `{"queryType":"logvolume"}`},
	"context":    {"context", "/v1/query/logs/context", `{"queryType":"context","request":{"id":"f9a449400a2c947b","time":"1"}}`},
	"traces":     {"traces", "/v1/query/traces", `{"queryType":"traces"}`},
	"trace":      {"trace", "/v1/traces/0af7651916cd43dd8448eb211c80319c", `{"queryType":"trace","traceId":"0af7651916cd43dd8448eb211c80319c"}`},
	"services":   {"services", "/v1/query/services", `{"queryType":"services"}`},
	"servicemap": {"servicemap", "/v1/query/servicemap", `{"queryType":"servicemap"}`},
	"ledger":     {"ledger", "/v1/ledger", `{"queryType":"ledger"}`},

	// a question that this plugin does not know
	"pages":         {"pages", "/v1/query/pages", `{"queryType":"pages","request":{"view":"page_view"}}`},
	"pages_numeric": {"pages", "/v1/query/pages", `{"queryType":"pages","format":"numeric"}`},

	"ledger_numeric":   {"ledger", "/v1/ledger", `{"queryType":"ledger","format":"numeric","series":["stored"],"legend":"{{app}} {{signal}}"}`},
	"top_numeric":      {"top", "/v1/query/top", `{"queryType":"top","format":"numeric","request":{"metric":"page_view","by":"page"}}`},
	"funnel_numeric":   {"funnel", "/v1/query/funnel", `{"queryType":"funnel","format":"numeric","value":"fromFirst"}`},
	"services_numeric": {"services", "/v1/query/services", `{"queryType":"services","format":"numeric","value":"p95Ms"}`},
	"errors_numeric":   {"errors", "/v1/query/errors", `{"queryType":"errors","format":"numeric"}`},
	"groups_numeric":   {"errors", "/v1/query/errors", `{"queryType":"errors","format":"numeric","value":"groups.count"}`},
	"annotations":      {"timeseries", "/v1/query/timeseries", `{"queryType":"annotations","request":{"names":["deploy"]}}`},
}

func TestEveryQueryTypeMakesItsFrames(t *testing.T) {
	for name, at := range golden {
		t.Run(name, func(t *testing.T) {
			source, _ := madeUp(t, map[string]string{at.path: answerFile(t, at.answer)}, http.StatusOK)
			answered := ask(t, source, at.query)
			if answered.Error != nil {
				t.Fatal(answered.Error)
			}
			experimental.CheckGoldenJSONResponse(t, "testdata/frames", name, &answered, os.Getenv("UPDATE_GOLDEN") != "")
		})
	}
}

func TestEveryQueryTypeHasAGoldenFile(t *testing.T) {
	covered := map[string]bool{}
	for _, at := range golden {
		kind, _, _ := strings.Cut(strings.TrimPrefix(at.query, `{"queryType":"`), `"`)
		covered[kind] = true
	}
	for kind := range shapes {
		if !covered[kind] {
			t.Errorf("%s has none", kind)
		}
	}
}

func TestAnAlertRuleGetsNumbersAlone(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/query/timeseries": answerFile(t, "exemplars")}, http.StatusOK)
	query := golden["exemplars"].query
	shown, alerting := ask(t, source, query), askWith(t, source, query, map[string]string{backend.FromAlertHeaderName: "true"})
	if len(shown.Frames) != len(alerting.Frames)+1 || shown.Frames[len(shown.Frames)-1].Name != "exemplar" {
		t.Errorf("%d frames for a graph, %d for a rule", len(shown.Frames), len(alerting.Frames))
	}
}

func TestNoNumbersAreATypedFrameWithoutFields(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/query/top": `{"columns":[{"rows":"values","key":"value","title":"Count","kind":"number","unit":"","headline":true}],"total":0,"values":[],"meta":{}}`}, http.StatusOK)
	answered := ask(t, source, golden["top_numeric"].query)
	if len(answered.Frames) != 1 || len(answered.Frames[0].Fields) != 0 || answered.Frames[0].Meta.Type != "numeric-multi" {
		t.Errorf("frames: %v", answered.Frames)
	}
}

func TestLinksLeadNowhereElse(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/query/logs": answerFile(t, "logs")}, http.StatusOK)
	frame := ask(t, source, golden["logs"].query).Frames[0]
	found := 0
	for _, field := range frame.Fields {
		if field.Config == nil {
			continue
		}
		for _, link := range field.Config.Links {
			found++
			if link.URL != "" || link.Internal.DatasourceUID != "seamark-uid" {
				t.Errorf("%+v", link)
			}
		}
	}
	if found != 4 {
		t.Errorf("%d links, not those of a trace and of a service", found)
	}
}

func TestAQuestionSaysOnlyWhatItsRouteTakes(t *testing.T) {
	answers := map[string]string{
		"/v1/query/logs/histogram": answerFile(t, "logvolume"),
		"/v1/query/logs/context":   answerFile(t, "context"),
		"/v1/query/timeseries":     answerFile(t, "timeseries"),
	}
	for _, at := range []struct {
		query string
		has   []string
		lacks []string
	}{
		{`{"queryType":"logvolume","request":{"service":"a","limit":5,"cursor":"1.1","order":"asc"}}`, []string{"service", "from", "to"}, []string{"limit", "cursor", "order"}},
		{`{"queryType":"context","app":"shop","request":{"id":"1"}}`, []string{"id", "appId"}, []string{"from", "to"}},
		{`{"queryType":"annotations"}`, []string{"metric", "groupBy", "from"}, []string{"names"}},
	} {
		source, asked := madeUp(t, answers, http.StatusOK)
		if answered := ask(t, source, at.query); answered.Error != nil {
			t.Fatal(answered.Error)
		}
		for _, field := range at.has {
			if _, ok := (*asked)[0].body[field]; !ok {
				t.Errorf("%s: %s is missing in %v", at.query, field, (*asked)[0].body)
			}
		}
		for _, field := range at.lacks {
			if _, ok := (*asked)[0].body[field]; ok {
				t.Errorf("%s: %s is in %v", at.query, field, (*asked)[0].body)
			}
		}
	}
}

func TestAnnotationsAskForEachName(t *testing.T) {
	source, asked := madeUp(t, map[string]string{"/v1/query/timeseries": answerFile(t, "timeseries")}, http.StatusOK)
	answered := ask(t, source, `{"queryType":"annotations","request":{"names":["deploy","rollback"]}}`)
	if answered.Error != nil || len(*asked) != 2 || (*asked)[1].body["metric"] != "rollback" {
		t.Fatal(answered.Error, *asked)
	}
	tags := answered.Frames[0].Fields[3]
	if tags.At(0) != "deploy,US" && tags.At(0) != "deploy,DE" {
		t.Errorf("tags are %v", tags.At(0))
	}
}

package plugin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// received is one request that the made-up API got.
type received struct {
	method, path, token string
	body                map[string]any
}

// madeUp serves an answer per path, from testdata/answers, and remembers what was asked.
func madeUp(t *testing.T, answers map[string]string, status int) (*Datasource, *[]received) {
	t.Helper()
	var asked []received
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		text, _ := io.ReadAll(request.Body)
		got := received{request.Method, request.URL.RequestURI(), request.Header.Get("Authorization"), nil}
		_ = json.Unmarshal(text, &got.body)
		asked = append(asked, got)
		answer, ok := answers[request.URL.Path]
		if !ok {
			http.NotFound(writer, request)
			return
		}
		writer.WriteHeader(status)
		_, _ = writer.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL, "smq_secret"), &asked
}

func connect(t *testing.T, url, token string) *Datasource {
	t.Helper()
	made, err := NewDatasource(context.Background(), backend.DataSourceInstanceSettings{
		Type: "seamark-datasource", URL: url, DecryptedSecureJSONData: map[string]string{"token": token},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*Datasource)
}

func answerFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "answers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ask(t *testing.T, source *Datasource, query string) backend.DataResponse {
	t.Helper()
	return askWith(t, source, query, nil)
}

func askWith(t *testing.T, source *Datasource, query string, headers map[string]string) backend.DataResponse {
	t.Helper()
	response, err := source.QueryData(context.Background(), &backend.QueryDataRequest{
		PluginContext: backend.PluginContext{DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{
			UID: "seamark-uid", Name: "Seamark",
		}},
		Headers: headers,
		Queries: []backend.DataQuery{{
			RefID: "A",
			JSON:  []byte(query),
			TimeRange: backend.TimeRange{
				From: time.UnixMilli(1_795_316_400_000), To: time.UnixMilli(1_795_320_000_000),
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.Responses["A"]
}

func TestAQuestionCarriesTheRangeTheAppAndTheToken(t *testing.T) {
	source, asked := madeUp(t, map[string]string{"/v1/query/timeseries": answerFile(t, "timeseries")}, http.StatusOK)
	ask(t, source, `{"queryType":"timeseries","app":"shop","request":{"metric":"page_view","own":{"kept":true},"from":1}}`)
	got := (*asked)[0]
	if got.token != "Bearer smq_secret" || got.method != http.MethodPost {
		t.Errorf("asked with %+v", got)
	}
	if got.body["from"] != 1_795_316_400_000.0 || got.body["to"] != 1_795_320_000_000.0 || got.body["appId"] != "shop" {
		t.Errorf("the body is %v", got.body)
	}
	if got.body["own"].(map[string]any)["kept"] != true {
		t.Error("a field that the builder does not know was lost")
	}
}

func TestNoDataIsATypedFrameWithoutFields(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/query/timeseries": `{"columns":["time","count"],"series":[],"meta":{}}`}, http.StatusOK)
	answered := ask(t, source, `{"queryType":"timeseries","request":{"metric":"none"}}`)
	if len(answered.Frames) != 1 || len(answered.Frames[0].Fields) != 0 || answered.Frames[0].Meta.Type != "timeseries-multi" {
		t.Errorf("frames: %v", answered.Frames)
	}
}

func TestFailuresSayWhatToDo(t *testing.T) {
	problem := `{"error":{"reason":"not_a_dimension","message":"'user' is not a dimension","field":"groupBy[0]"}}`
	for name, at := range map[string]struct {
		status int
		answer string
		query  string
		want   backend.Status
		text   string
	}{
		"a wrong question":     {400, problem, `{"queryType":"timeseries"}`, backend.StatusBadRequest, "groupBy[0]: 'user' is not a dimension"},
		"a store that is away": {503, `{"error":{"reason":"unavailable","message":"the store is away"}}`, `{"queryType":"timeseries"}`, backend.StatusBadGateway, "the store is away"},
		"somebody else":        {502, "<html>", `{"queryType":"timeseries"}`, backend.StatusBadGateway, "is the URL that of Seamark's API?"},
		"no query type":        {200, "{}", `{"queryType":"../horoscope"}`, backend.StatusBadRequest, `"../horoscope" is no query type`},
		"a table without any":  {200, "{}", `{"queryType":"top"}`, backend.StatusInternal, "does not understand"},
		"another API":          {200, `{"columns":["time"],"series":[{"labels":{},"rows":[[]]}]}`, `{"queryType":"timeseries"}`, backend.StatusInternal, "does not understand"},
		"no such number":       {200, `{"columns":[{"rows":"values","key":"value","title":"Count","kind":"number","unit":"","headline":true}],"values":[{"value":1}]}`, `{"queryType":"top","format":"numeric","value":"x"}`, backend.StatusBadRequest, `no number "x"`},
		"no such format":       {200, `{}`, `{"queryType":"top","format":"poem"}`, backend.StatusBadRequest, `not "poem"`},
		"no JSON object":       {200, `{}`, `{"queryType":"top","request":[]}`, backend.StatusBadRequest, "not a JSON object"},
		"no trace id":          {200, "{}", `{"queryType":"trace","traceId":"../admin"}`, backend.StatusBadRequest, "is no trace id"},
	} {
		t.Run(name, func(t *testing.T) {
			source, _ := madeUp(t, map[string]string{"/v1/query/timeseries": at.answer, "/v1/query/top": at.answer}, at.status)
			answered := ask(t, source, at.query)
			if answered.Error == nil || answered.Status != at.want || !strings.Contains(answered.Error.Error(), at.text) {
				t.Errorf("%d %v", answered.Status, answered.Error)
			}
		})
	}
}

func TestHealthHasAMessageForEachCase(t *testing.T) {
	known := `{"metrics":[{"name":"page_view"}],"meta":{}}`
	working, _ := madeUp(t, map[string]string{"/v1/metrics": known}, http.StatusOK)
	empty, _ := madeUp(t, map[string]string{"/v1/metrics": `{"metrics":[]}`}, http.StatusOK)
	stranger, _ := madeUp(t, map[string]string{"/v1/metrics": `hello`}, http.StatusOK)
	unknown, _ := madeUp(t, map[string]string{"/v1/metrics": `{"error":{"reason":"unknown_token","message":"no such token"}}`}, http.StatusUnauthorized)
	for text, source := range map[string]*Datasource{
		"Connected. 1 names":      working,
		"There is no data yet":    empty,
		"it is not Seamark's API": stranger,
		"The token is not known":  unknown,
		"No token":                connect(t, "http://127.0.0.1:1", ""),
		"No URL":                  connect(t, "", "smq_x"),
		"no answer from Seamark's API at http://127.0.0.1:1": connect(t, "http://127.0.0.1:1", "smq_x"),
	} {
		result, err := source.CheckHealth(context.Background(), &backend.CheckHealthRequest{})
		if err != nil || !strings.Contains(result.Message, text) {
			t.Errorf("want %q, got %q, %v", text, result.Message, err)
		}
		if strings.Contains(result.Message, "smq_") && !strings.Contains(result.Message, "smq_…") {
			t.Errorf("a token in %q", result.Message)
		}
	}
}

type sink struct{ last *backend.CallResourceResponse }

func (s *sink) Send(response *backend.CallResourceResponse) error {
	s.last = response
	return nil
}

func TestResourcesPassOnlyWhatEditorsNeed(t *testing.T) {
	source, asked := madeUp(t, map[string]string{"/v1/labels/country/values": `{"values":[]}`}, http.StatusOK)
	for path, status := range map[string]int{
		"labels/country/values?prefix=D&secret=1": http.StatusOK,
		"v1/admin/orgs":            http.StatusNotFound,
		"labels/..%2Fadmin/values": http.StatusBadGateway,
	} {
		got := &sink{}
		plain, query, _ := strings.Cut(path, "?")
		err := source.CallResource(context.Background(), &backend.CallResourceRequest{Method: http.MethodGet, Path: plain, URL: plain + "?" + query}, got)
		if err != nil || (status == http.StatusOK) != (got.last.Status == http.StatusOK) {
			t.Errorf("%s: %d, %v", path, got.last.Status, err)
		}
	}
	for _, one := range *asked {
		if strings.Contains(one.path, "secret") {
			t.Errorf("passed on: %s", one.path)
		}
	}
}

package plugin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// pickyAPI knows the dimension country alone, as the API says it, and remembers the filters that it was asked with.
func pickyAPI(t *testing.T) (*Datasource, *[][]string) {
	t.Helper()
	var asked [][]string
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		var body struct {
			Filters []struct {
				Key string `json:"key"`
			} `json:"filters"`
		}
		_ = json.NewDecoder(request.Body).Decode(&body)
		keys := []string{}
		for _, filter := range body.Filters {
			keys = append(keys, filter.Key)
		}
		asked = append(asked, keys)
		for i, key := range keys {
			if key != "country" {
				writer.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(writer, `{"error":{"reason":"not_a_dimension","message":"no","field":"filters[%d].key"}}`, i)
				return
			}
		}
		_, _ = writer.Write([]byte(answerFile(t, "timeseries")))
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL, "smq_secret"), &asked
}

func TestAFilterOfTheDashboardThatDoesNotApplyIsLeftOutAndSaid(t *testing.T) {
	const adHoc = `"adHoc":[{"key":"operation","op":"=","value":"GET /"},{"key":"country","op":"=","value":"DE"},{"key":"plan","op":"in","value":["a","b"]}]`
	for _, kind := range []string{`"timeseries","request":{"metric":"a"}`, `"annotations","request":{"names":["deploy"]}`} {
		source, asked := pickyAPI(t)
		answered := ask(t, source, `{"queryType":`+kind+`,`+adHoc+`}`)
		if answered.Error != nil {
			t.Fatal(kind, answered.Error)
		}
		if last := (*asked)[len(*asked)-1]; len(*asked) != 3 || fmt.Sprint(last) != "[country]" {
			t.Errorf("%s: %v", kind, *asked)
		}
		if strings.HasPrefix(kind, `"annotations"`) {
			continue
		}
		said := fmt.Sprint(answered.Frames[0].Meta.Notices)
		if !strings.Contains(said, "operation = GET /") || !strings.Contains(said, "plan in a, b") || strings.Contains(said, "country") {
			t.Error(said)
		}
	}
}

func TestAFilterOfTheQueryThatIsWrongIsAnError(t *testing.T) {
	source, asked := pickyAPI(t)
	answered := ask(t, source, `{"queryType":"timeseries","request":{"filters":[{"key":"operation","value":"x"}]},"adHoc":[{"key":"country","op":"=","value":"DE"}]}`)
	if answered.Error == nil || answered.Status != backend.StatusBadRequest || len(*asked) != 1 {
		t.Error(answered.Error, *asked)
	}
}

func TestWhatTakesNoFiltersSaysWhichItLeavesOut(t *testing.T) {
	source, asked := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, http.StatusOK)
	answered := ask(t, source, `{"queryType":"ledger","adHoc":[{"key":"country","op":"=","value":""}]}`)
	if answered.Error != nil || strings.Contains((*asked)[0].path, "filters") {
		t.Fatal(answered.Error, (*asked)[0].path)
	}
	if said := fmt.Sprint(answered.Frames[0].Meta.Notices); !strings.Contains(said, "country = (none)") {
		t.Error(said)
	}
}

func TestAVariableInARuleIsAnErrorThatNamesIt(t *testing.T) {
	answers := map[string]string{"/v1/query/timeseries": answerFile(t, "timeseries")}
	rule := map[string]string{backend.FromAlertHeaderName: "true"}
	for _, written := range []string{`"app":"$app","request":{}`, `"request":{"filters":[{"key":"a","value":"${country:regex}"}]}`, `"request":{"metric":"${metric}"}`} {
		source, asked := madeUp(t, answers, http.StatusOK)
		answered := askWith(t, source, `{"queryType":"timeseries",`+written+`}`, rule)
		if answered.Error == nil || !strings.Contains(answered.Error.Error(), "$") || len(*asked) != 0 {
			t.Errorf("%s: %v", written, answered.Error)
		}
	}
	source, _ := madeUp(t, answers, http.StatusOK)
	plain := `{"queryType":"timeseries","request":{"metric":"a","filters":[{"key":"page","op":"=~","value":"^/a$|/b costs 5$"}]}}`
	if answered := askWith(t, source, plain, rule); answered.Error != nil {
		t.Error(answered.Error)
	}
}

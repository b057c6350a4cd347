package plugin

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

func TestAFilterForNoneAsksForTheEmptyValue(t *testing.T) {
	for written, asked := range map[string]string{
		`{"key":"country","op":"=","value":"(none)"}`:           `{"key":"country","op":"=","value":""}`,
		`{"key":"country","op":"=~","value":"\\(none\\)"}`:      `{"key":"country","op":"=~","value":""}`,
		`{"key":"country","op":"=~","value":"(DE|\\(none\\))"}`: `{"key":"country","op":"=~","value":"(DE|)"}`,
		`{"key":"country","op":"in","value":["DE","(none)"]}`:   `{"key":"country","op":"in","value":["DE",""]}`,
		`{"key":"country","op":"exists"}`:                       `{"key":"country","op":"exists"}`,
		`{"key":"country","op":"!=","value":3}`:                 `{"key":"country","op":"!=","value":3}`,
		`{"key":"country","op":"=","value":"none"}`:             `{"key":"country","op":"=","value":"none"}`,
	} {
		source, received := madeUp(t, map[string]string{"/v1/query/funnel": answerFile(t, "funnel")}, http.StatusOK)
		query := `{"queryType":"funnel","request":{"filters":[` + written + `],"steps":[{"name":"a","filters":[` + written + `]}]}}`
		if answered := ask(t, source, query); answered.Error != nil {
			t.Fatal(answered.Error)
		}
		sent, err := json.Marshal((*received)[0].body["filters"].([]any)[0])
		if err != nil || string(sent) != asked {
			t.Errorf("%s, not %s", sent, asked)
		}
		deeper, _ := json.Marshal((*received)[0].body["steps"].([]any)[0].(map[string]any)["filters"].([]any)[0])
		if string(deeper) != asked {
			t.Errorf("of a step: %s, not %s", deeper, asked)
		}
	}
}

const blankValues = `{"columns":[{"rows":"values","key":"label","title":"Value","kind":"text","unit":"","label":"country"},
	{"rows":"values","key":"value","title":"Count","kind":"number","unit":"","headline":true}],
	"values":[{"label":"DE","value":3},{"label":"","value":2}],"meta":{}}`

func TestAnEmptyLabelReadsNone(t *testing.T) {
	answers := map[string]string{
		"/v1/query/top":        blankValues,
		"/v1/query/timeseries": `{"columns":["time","count"],"series":[{"labels":{"country":""},"rows":[[60000,1]]}],"meta":{}}`,
	}
	source, _ := madeUp(t, answers, http.StatusOK)
	table := ask(t, source, `{"queryType":"top","request":{}}`).Frames[0]
	if got := table.Fields[0].At(1); got != blank {
		t.Errorf("a cell reads %q", got)
	}
	numbers := ask(t, source, `{"queryType":"top","format":"numeric","legend":"{{country}}","request":{}}`).Frames
	if name := numbers[1].Fields[0].Config.DisplayNameFromDS; name != blank || numbers[1].Fields[0].Labels["country"] != blank {
		t.Errorf("a number is called %q, %v", name, numbers[1].Fields[0].Labels)
	}
	for _, legend := range []string{"", "{{country}}", "{{other}}"} {
		series := ask(t, source, `{"queryType":"timeseries","legend":"`+legend+`","request":{}}`).Frames[0].Fields[1]
		if series.Config.DisplayNameFromDS != blank || series.Labels["country"] != blank {
			t.Errorf("with legend %q a series is called %q, %v", legend, series.Config.DisplayNameFromDS, series.Labels)
		}
	}
	rule := map[string]string{backend.FromAlertHeaderName: "true"}
	if labels := askWith(t, source, `{"queryType":"timeseries","request":{}}`, rule).Frames[0].Fields[1].Labels; labels["country"] != "" {
		t.Errorf("a rule's labels changed: %v", labels)
	}
}

package plugin

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func TestAnAnswerThatLacksLostRowsSaysSo(t *testing.T) {
	for sent, said := range map[string]string{
		`false`:     "",
		`true`:      "more than is shown",
		`"damaged"`: "has lost rows",
	} {
		var meta answerMeta
		if err := json.Unmarshal([]byte(`{"truncated": `+sent+`}`), &meta); err != nil {
			t.Fatal(err)
		}
		notices := meta.notices(false)
		if said == "" && len(notices) != 0 {
			t.Errorf("%s: %v", sent, notices)
		}
		if said != "" && (len(notices) != 1 || !strings.Contains(notices[0].Text, said)) {
			t.Errorf("%s: %v", sent, notices)
		}
	}
}

func TestAFullPageIsNoWarning(t *testing.T) {
	meta := answerMeta{Truncated: limited}
	if got := meta.notices(true)[0].Severity; got != data.NoticeSeverityInfo {
		t.Error(got)
	}
	if got := meta.notices(false)[0].Severity; got != data.NoticeSeverityWarning {
		t.Error(got)
	}
	meta.Truncated = damaged
	if got := meta.notices(true)[0].Severity; got != data.NoticeSeverityWarning {
		t.Error(got)
	}
}

package plugin

import (
	"encoding/json"
	"strings"
	"testing"
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
		notices := meta.notices()
		if said == "" && len(notices) != 0 {
			t.Errorf("%s: %v", sent, notices)
		}
		if said != "" && (len(notices) != 1 || !strings.Contains(notices[0].Text, said)) {
			t.Errorf("%s: %v", sent, notices)
		}
	}
}

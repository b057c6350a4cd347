package plugin

import (
	"strings"
	"testing"
	"time"
)

const ledgerOfOneMinute = `{"columns": [{"rows": "rows", "key": "app", "title": "App", "kind": "text", "unit": ""}], "rows": [
  {"time": 1795316400000, "app": "shop", "signal": "events", "offered": 9, "accepted": 7, "stored": 6, "archived": 4,
   "rejected": {"a": 1, "b": 1}, "balance": {"offered": 0, "stored": 1, "archived": 2}, "settled": true, "archiveSettled": false},
  {"time": 1795316460000, "app": "shop", "signal": "events", "offered": 1, "accepted": 1, "stored": 0, "archived": 0,
   "rejected": {}, "balance": {"offered": 0, "stored": 1, "archived": 0}, "settled": false, "archiveSettled": false}],
  "settledUntil": 1795316450000, "archiveSettledUntil": null, "meta": {}}`

func TestLedgerSeriesCountByAppAndSignal(t *testing.T) {
	source, asked := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, 200)
	response := ask(t, source, `{"queryType": "ledger", "series": ["offBy", "rejected", "unarchived"], "request": {"step": "1m"}}`)
	if response.Error != nil || len(response.Frames) != 3 {
		t.Fatal(response.Error, len(response.Frames))
	}
	wanted := map[string][]float64{"offBy": {1, 0}, "rejected": {2, 0}, "unarchived": {2, 0}}
	for _, frame := range response.Frames {
		field := frame.Fields[1]
		if field.Labels["app"] != "shop" || field.Labels["signal"] != "events" {
			t.Error(field.Labels)
		}
		for place, value := range wanted[field.Labels["count"]] {
			if got := *field.At(place).(*float64); got != value {
				t.Errorf("%s[%d] = %g, not %g", field.Labels["count"], place, got, value)
			}
		}
	}
	if !strings.Contains((*asked)[0].path, "step=1m") {
		t.Error((*asked)[0].path)
	}
}

func TestASumOfWhatIsNotSettledIsUnknown(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, 200)
	response := ask(t, source, `{"queryType": "ledger", "format": "numeric", "series": ["offBy", "archiveOffBy", "accepted"]}`)
	if response.Error != nil || len(response.Frames) != 3 {
		t.Fatal(response.Error, len(response.Frames))
	}
	wanted := map[string]any{"offBy": 1.0, "archiveOffBy": nil, "accepted": 8.0}
	for _, frame := range response.Frames {
		field := frame.Fields[0]
		got, _ := field.ConcreteAt(0)
		if field.NilAt(0) {
			got = nil
		}
		if name := field.Labels["count"]; got != wanted[name] {
			t.Errorf("%s: %v, not %v", name, got, wanted[name])
		}
	}
	none := ask(t, source, `{"queryType": "ledger", "format": "numeric", "series": ["behind"]}`)
	if none.Error == nil || !strings.Contains(none.Error.Error(), "behind") {
		t.Error(none.Error)
	}
}

func TestHowFarBehindIsOfTheSinksThatAreKnown(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, 200)
	frames := ask(t, source, `{"queryType": "ledger", "series": ["behind"]}`).Frames
	if len(frames) != 1 || frames[0].Fields[1].Labels["sink"] != "store" {
		t.Fatal(frames)
	}
	want := time.Since(time.UnixMilli(1795316450000)).Seconds()
	if got := *frames[0].Fields[1].At(0).(*float64); got > want || got < want-60 {
		t.Error(got, want)
	}
}

func TestALedgerSeriesThatIsNoneIsTheAskersMistake(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, 200)
	response := ask(t, source, `{"queryType": "ledger", "series": ["nonsense"]}`)
	if response.Error == nil || !strings.Contains(response.Error.Error(), "nonsense") {
		t.Fatal(response.Error)
	}
}

func TestALedgerWithoutSeriesIsATable(t *testing.T) {
	source, _ := madeUp(t, map[string]string{"/v1/ledger": ledgerOfOneMinute}, 200)
	frames := ask(t, source, `{"queryType": "ledger"}`).Frames
	if len(frames) != 1 || frames[0].Name != "Ledger" || frames[0].Rows() != 2 {
		t.Fatal(frames)
	}
}

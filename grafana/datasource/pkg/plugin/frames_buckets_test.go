package plugin

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

const minuteMs = 60_000

// answered is an answer of buckets of a minute, up to now or beyond.
func answered(source string, from, to int64, aggregate string, rows string) string {
	return fmt.Sprintf(`{"columns":["time",%q],"series":[{"labels":{},"rows":[%s]}],
		"meta":{"granularity":"1m","source":%q,"from":%d,"to":%d}}`, aggregate, rows, source, from, to)
}

func seriesAt(t *testing.T, answer string, now time.Time, alerting bool) data.Frames {
	t.Helper()
	frames, err := seriesFrames(&question{kind: "timeseries", now: now, alerting: alerting}, []byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

func valuesOf(frame *data.Frame) map[int64]float64 {
	found := map[int64]float64{}
	for row := range frame.Rows() {
		if value := frame.Fields[1].At(row).(*float64); value != nil {
			found[frame.Fields[0].At(row).(time.Time).UnixMilli()/minuteMs] = *value
		}
	}
	return found
}

func TestWhatWasNotCountedIsNoneAndWhatWasNotMeasuredIsAGap(t *testing.T) {
	from := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC).UnixMilli()
	rows := fmt.Sprintf("[%d,5],[%d,7]", from+minuteMs, from+3*minuteMs)
	base := from / minuteMs
	for _, at := range []struct {
		source, aggregate string
		zeros             bool
	}{
		{"events", "count", true}, {"spans", "rate", true}, {"events", "uniq_users", true}, {"events", "sum", true},
		{"metrics", "sum", false}, {"metrics", "max", false}, {"spans", "p95", false}, {"events", "avg", false},
	} {
		frame := seriesAt(t, answered(at.source, from, from+5*minuteMs, at.aggregate, rows), time.UnixMilli(from+60*minuteMs), false)[0]
		if interval := frame.Fields[0].Config.Interval; interval != minuteMs {
			t.Errorf("%s: interval %v", at.aggregate, interval)
		}
		wanted := map[int64]float64{base + 1: 5, base + 3: 7}
		if at.zeros {
			wanted[base], wanted[base+2], wanted[base+4] = 0, 0, 0
		}
		if got := valuesOf(frame); fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Errorf("%s of %s: %v, not %v", at.aggregate, at.source, got, wanted)
		}
	}
}

func TestARateDoesNotFallAtNow(t *testing.T) {
	from := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC).UnixMilli()
	rows := fmt.Sprintf("[%d,5],[%d,4.8],[%d,0.1]", from, from+minuteMs, from+2*minuteMs)
	for elapsed, last := range map[int64]int64{2*minuteMs + 10_000: 0, 2*minuteMs + 40_000: 1, 3*minuteMs + 31_000: 2} {
		frames := seriesAt(t, answered("spans", from, from+3*minuteMs, "rate", rows), time.UnixMilli(from+elapsed), false)
		got := valuesOf(frames[0])
		if int64(len(got)) != last+1 {
			t.Errorf("after %d ms there are %v", elapsed, got)
		}
	}
}

func TestTheRunningBucketOfACountIsMarked(t *testing.T) {
	from := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC).UnixMilli()
	answer := answered("events", from, from+3*minuteMs, "count", fmt.Sprintf("[%d,50],[%d,3]", from, from+2*minuteMs))
	frames := seriesAt(t, answer, time.UnixMilli(from+2*minuteMs+5_000), false)
	if got := valuesOf(frames[0]); len(got) != 2 || got[from/minuteMs+2] != 3 {
		t.Errorf("%v: what has not ended is shown, and what may still arrive is not said to be 0", got)
	}
	mark := frames[len(frames)-1]
	if len(frames) != 2 || mark.Meta.DataTopic != data.DataTopicAnnotations {
		t.Fatal(frames)
	}
	if start := mark.Fields[0].At(0).(time.Time).UnixMilli(); start != from+2*minuteMs {
		t.Error(start)
	}
	if past := seriesAt(t, answer, time.UnixMilli(from+9*minuteMs), false); len(past) != 1 {
		t.Error("what has ended is marked as well")
	}
}

func TestARuleGetsWhatTheAPISays(t *testing.T) {
	from := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC).UnixMilli()
	answer := answered("spans", from, from+3*minuteMs, "rate", fmt.Sprintf("[%d,50],[%d,3]", from, from+2*minuteMs))
	frames := seriesAt(t, answer, time.UnixMilli(from+2*minuteMs+5_000), true)
	if got := valuesOf(frames[0]); len(frames) != 1 || len(got) != 2 {
		t.Error(len(frames), got)
	}
}

// Whatever rows there are: no value is changed, none is invented but 0, and times stay in order.
func TestFilledSeriesKeepEveryValue(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 500 {
		count := 1 + random.Int63n(20)
		in := buckets{from: 120_000, to: 120_000 + count*minuteMs, step: minuteMs, now: 1 << 40, source: "events"}
		var starts []int64
		var values []*float64
		for i := range count {
			if random.Intn(2) == 0 {
				value := random.Float64()
				starts, values = append(starts, in.from+i*minuteMs), append(values, &value)
			}
		}
		times, shown := in.shown("count", starts, values)
		if int64(len(times)) != count || !slices.IsSorted(times) {
			t.Fatal(times)
		}
		for i, time := range times {
			if place := slices.Index(starts, time); place >= 0 && shown[i] != values[place] || place < 0 && *shown[i] != 0 {
				t.Fatal(time, *shown[i])
			}
		}
		odd := append(slices.Clone(starts), in.to+1) // days of unequal length, say
		if kept, _ := in.shown("count", odd, append(slices.Clone(values), nil)); len(kept) != len(odd) {
			t.Fatal("an answer of uneven buckets was filled")
		}
	}
}

func TestLedgerSeriesAreFilledToo(t *testing.T) {
	answer := `{"rows":[{"time":1795316400000,"app":"shop","signal":"events","stored":6,"balance":{"offered":0}}],
		"meta":{"granularity":"1m","from":1795316400000,"to":1795316580000}}`
	source, _ := madeUp(t, map[string]string{"/v1/ledger": answer}, 200)
	query := `{"queryType":"ledger","series":["stored"]}`
	if shown := ask(t, source, query).Frames; shown[0].Rows() != 3 || shown[0].Fields[0].Config.Interval != minuteMs {
		t.Error(shown[0].Rows())
	}
	if alerting := askWith(t, source, query, map[string]string{backend.FromAlertHeaderName: "true"}).Frames; alerting[0].Rows() != 1 {
		t.Error(alerting[0].Rows())
	}
}

func TestUnitsThatANameTellsAreSaid(t *testing.T) {
	for _, at := range [][3]string{{"spans", "rate", "reqps"}, {"events", "rate", "cps"}, {"spans", "p99", "ms"}, {"spans", "count", ""}, {"events", "p75", ""}} {
		if got := (buckets{source: at[0]}).unit(at[1]); got != at[2] {
			t.Errorf("%v: %q", at, got)
		}
	}
}

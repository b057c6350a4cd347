package plugin

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// late is how long after its receipt an item may not be in the store yet: a bucket that ended less
// long ago is not whole.
const late = 30 * time.Second

var granularity = regexp.MustCompile(`^([1-9][0-9]{0,5})([mhdw])$`)

var unitOf = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// buckets are those of an answer that is series, as its `meta` tells. step is 0 where they are not
// equally long, or not known.
type buckets struct {
	from, to, step int64 // milliseconds
	now            int64
	source         string
}

// bucketsOf reads them from an answer. `now` tells which of them are whole.
func bucketsOf(answer []byte, now time.Time) buckets {
	var parsed struct {
		Meta struct {
			From        int64  `json:"from"`
			To          int64  `json:"to"`
			Granularity string `json:"granularity"`
			Source      string `json:"source"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return buckets{}
	}
	found := buckets{from: parsed.Meta.From, to: parsed.Meta.To, now: now.UnixMilli(), source: parsed.Meta.Source}
	if match := granularity.FindStringSubmatch(parsed.Meta.Granularity); match != nil && found.from < found.to {
		count, _ := strconv.ParseInt(match[1], 10, 64)
		found.step = count * unitOf[match[2]].Milliseconds()
	}
	return found
}

// fits says that every one of these times is the start of a bucket: not so across a change of clocks.
func (b buckets) fits(starts []int64) bool {
	if b.step == 0 {
		return false
	}
	for _, start := range starts {
		if start < b.from || (start-b.from)%b.step != 0 {
			return false
		}
	}
	return true
}

// countsNothing says that a bucket without rows has 0 of this, and not nothing.
func (b buckets) countsNothing(aggregate string) bool {
	switch {
	case aggregate == "count", aggregate == "rate", aggregate == "sessions", strings.HasPrefix(aggregate, "uniq_"):
		return true
	case aggregate == "sum":
		return b.source != "metrics" // the sum of a gauge that is not reported is not 0
	}
	_, ofLedger := measures[aggregate]
	return ofLedger
}

// shown is a series as a graph draws it: 0 where nothing was counted, and no rate of a bucket that is not whole.
func (b buckets) shown(aggregate string, starts []int64, values []*float64) ([]int64, []*float64) {
	if !b.fits(starts) {
		return starts, values
	}
	known := make(map[int64]*float64, len(starts))
	for i, start := range starts {
		known[start] = values[i]
	}
	var times []int64
	var found []*float64
	for start := b.from; start < b.to; start += b.step {
		ended := b.now - start - b.step
		value, there := known[start]
		switch {
		case aggregate == "rate" && ended < late.Milliseconds():
			continue
		case !there && b.countsNothing(aggregate) && ended >= late.Milliseconds():
			zero := 0.0
			value = &zero
		case !there:
			continue
		}
		times, found = append(times, start), append(found, value)
	}
	return times, found
}

// timeField is the times of a series. The interval tells Grafana where a bucket is missing: a gap.
func (b buckets) timeField(starts []int64) *data.Field {
	times := make([]time.Time, len(starts))
	for i, start := range starts {
		times[i] = time.UnixMilli(start).UTC()
	}
	field := data.NewField("time", nil, times)
	if b.fits(starts) {
		field.Config = &data.FieldConfig{Interval: float64(b.step)}
	}
	return field
}

// runningFrame marks the bucket that has not ended on a graph, or is nil where all have.
func (b buckets) runningFrame(refID string) *data.Frame {
	if b.step == 0 || b.now < b.from || b.now >= b.to {
		return nil
	}
	start := b.now - (b.now-b.from)%b.step
	frame := data.NewFrame("running",
		data.NewField("time", nil, []time.Time{time.UnixMilli(start).UTC()}),
		data.NewField("timeEnd", nil, []time.Time{time.UnixMilli(start + b.step).UTC()}),
		data.NewField("isRegion", nil, []bool{true}),
		data.NewField("color", nil, []string{"#8e8e8e"}),
		data.NewField("text", nil, []string{"Not ended yet: what is counted here is a part."}),
	)
	frame.RefID, frame.Meta = refID, &data.FrameMeta{DataTopic: data.DataTopicAnnotations}
	return frame
}

// unit is that of an aggregate, in Grafana's words, where its name tells; the panel says any other.
func (b buckets) unit(aggregate string) string {
	switch {
	case aggregate == "rate" && b.source == "spans":
		return "reqps"
	case aggregate == "rate":
		return "cps"
	case b.source == "spans" && !b.countsNothing(aggregate):
		return "ms"
	}
	return ""
}

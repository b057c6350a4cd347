package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type ledgerRow struct {
	Time              int64              `json:"time"`
	App               string             `json:"app"`
	Signal            string             `json:"signal"`
	Offered           float64            `json:"offered"`
	Accepted          float64            `json:"accepted"`
	Stored            float64            `json:"stored"`
	Archived          float64            `json:"archived"`
	Duplicate         float64            `json:"duplicate"`
	DeadLettered      float64            `json:"deadLettered"`
	Sampled           float64            `json:"sampled"`
	Limited           float64            `json:"limited"`
	DeadLetters       float64            `json:"deadLetters"`
	Rejected          map[string]float64 `json:"rejected"`
	RequestRejections map[string]float64 `json:"requestRejections"`
	Settled           bool               `json:"settled"`
	ArchiveSettled    bool               `json:"archiveSettled"`
	Balance           struct {
		Offered  float64  `json:"offered"`
		Stored   *float64 `json:"stored"`
		Archived *float64 `json:"archived"`
	} `json:"balance"`
}

type ledgerAnswer struct {
	Rows                []ledgerRow `json:"rows"`
	SettledUntil        *int64      `json:"settledUntil"`
	ArchiveSettledUntil *int64      `json:"archiveSettledUntil"`
}

// behind is a measure of the whole answer: by how many seconds the store and the archive are behind
// now. What waits in the log is not in the ledger yet, so no row of it could say that.
const behind = "behind"

// measures are what a series of the ledger can count. `unarchived` is stored but not in the archive
// yet; `offBy` is what the ledger is wrong by where that is settled, and 0 where it is not;
// `archiveOffBy` is the same of the archive.
var measures = map[string]func(ledgerRow) float64{
	"offered":           func(row ledgerRow) float64 { return row.Offered },
	"accepted":          func(row ledgerRow) float64 { return row.Accepted },
	"stored":            func(row ledgerRow) float64 { return row.Stored },
	"archived":          func(row ledgerRow) float64 { return row.Archived },
	"duplicate":         func(row ledgerRow) float64 { return row.Duplicate },
	"deadLettered":      func(row ledgerRow) float64 { return row.DeadLettered },
	"sampled":           func(row ledgerRow) float64 { return row.Sampled },
	"limited":           func(row ledgerRow) float64 { return row.Limited },
	"deadLetters":       func(row ledgerRow) float64 { return row.DeadLetters },
	"rejected":          func(row ledgerRow) float64 { return sum(row.Rejected) },
	"requestRejections": func(row ledgerRow) float64 { return sum(row.RequestRejections) },
	"unarchived":        func(row ledgerRow) float64 { return known(row.Balance.Archived, !row.ArchiveSettled) },
	"offBy": func(row ledgerRow) float64 {
		if !row.Settled {
			return 0
		}
		return math.Abs(row.Balance.Offered) + math.Abs(known(row.Balance.Stored, true))
	},
	"archiveOffBy": func(row ledgerRow) float64 {
		return math.Abs(known(row.Balance.Archived, row.ArchiveSettled))
	},
}

// ledgerFrames makes the table, or, where the query names measures, one series for each app, signal
// and measure: alerting takes no table with a time in it. In the format numeric it is the sum of each.
func ledgerFrames(asked *question, answer []byte) (data.Frames, error) {
	if len(asked.series) == 0 {
		return tableFrames(asked, answer)
	}
	var parsed ledgerAnswer
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, err
	}
	type series struct {
		times  []int64
		values []*float64
	}
	in := bucketsOf(answer, asked.now)
	found := map[data.Fingerprint]*series{}
	var frames data.Frames
	for _, row := range parsed.Rows {
		for _, name := range asked.series {
			if name == behind {
				continue
			}
			measure, ok := measures[name]
			if !ok {
				return nil, fmt.Errorf("%w: the ledger has no series %q", errQuery, name)
			}
			labels := data.Labels{"app": row.App, "signal": row.Signal, "count": name}
			key := labels.Fingerprint()
			one, ok := found[key]
			if !ok {
				one = &series{}
				found[key] = one
				field := data.NewField(name, labels, one.values)
				field.Config = &data.FieldConfig{DisplayNameFromDS: asked.legendOf(name, labels)}
				frames = append(frames, data.NewFrame("", in.timeField(nil), field))
			}
			value := measure(row)
			one.times = append(one.times, row.Time)
			if asked.format == asNumber && unsettled(name, row) {
				one.values = append(one.values, nil)
				continue
			}
			one.values = append(one.values, &value)
		}
	}
	if asked.format == asNumber {
		if slices.Contains(asked.series, behind) {
			return nil, fmt.Errorf("%w: %q is a series; it has no sum", errQuery, behind)
		}
		return summed(asked, frames, func(field *data.Field) []*float64 {
			return found[field.Labels.Fingerprint()].values
		}), nil
	}
	for _, frame := range frames {
		field := frame.Fields[1]
		one := found[field.Labels.Fingerprint()]
		times, counts := one.times, one.values
		if !asked.alerting {
			times, counts = in.shown(field.Name, times, counts)
		}
		values := data.NewField(field.Name, field.Labels, counts)
		values.Config = field.Config
		frame.Fields[0], frame.Fields[1] = in.timeField(times), values
	}
	if slices.Contains(asked.series, behind) {
		frames = append(frames, behindFrames(asked, parsed)...)
	}
	if len(frames) == 0 {
		frames = data.Frames{data.NewFrame("")}
	}
	for _, frame := range frames {
		frame.RefID, frame.Meta = asked.refID, seriesMeta()
	}
	if running := in.runningFrame(asked.refID); running != nil && asked.marksRunning() && len(found) > 0 {
		frames = append(frames, running)
	}
	return frames, nil
}

// unsettled says that a row cannot tell yet what the measure asks: as a series that is 0, as a sum it is not known.
func unsettled(measure string, row ledgerRow) bool {
	return measure == "offBy" && !row.Settled || measure == "archiveOffBy" && !row.ArchiveSettled
}

// summed makes a number of each series: what it adds up to, or null where that is not known of any step.
func summed(asked *question, series data.Frames, valuesOf func(*data.Field) []*float64) data.Frames {
	var frames data.Frames
	for _, one := range series {
		field := one.Fields[1]
		var total *float64
		for _, value := range valuesOf(field) {
			if value != nil {
				sum := *value
				if total != nil {
					sum += *total
				}
				total = &sum
			}
		}
		number := data.NewField(field.Name, field.Labels, []*float64{total})
		number.Config = field.Config
		frame := data.NewFrame("", number)
		frame.RefID, frame.Meta = asked.refID, numericMeta()
		frames = append(frames, frame)
	}
	if len(frames) == 0 {
		return data.Frames{{RefID: asked.refID, Meta: numericMeta()}}
	}
	return frames
}

// behindFrames has one point, now, for the store and for the archive; none where it is not known.
func behindFrames(asked *question, parsed ledgerAnswer) data.Frames {
	var frames data.Frames
	now := time.Now().UTC()
	for _, sink := range []struct {
		name  string
		until *int64
	}{{"store", parsed.SettledUntil}, {"archive", parsed.ArchiveSettledUntil}} {
		if sink.until == nil {
			continue
		}
		seconds := now.Sub(time.UnixMilli(*sink.until)).Seconds()
		labels := data.Labels{"sink": sink.name, "count": behind}
		field := data.NewField(behind, labels, []*float64{&seconds})
		field.Config = &data.FieldConfig{DisplayNameFromDS: asked.legendOf(behind, labels), Unit: "s"}
		frames = append(frames, data.NewFrame("", data.NewField("time", nil, []time.Time{now}), field))
	}
	return frames
}

func sum(counted map[string]float64) float64 {
	total := 0.0
	for _, count := range counted {
		total += count
	}
	return total
}

// known is a difference where it says something, else 0.
func known(difference *float64, counts bool) float64 {
	if difference == nil || !counts {
		return 0
	}
	return *difference
}

package plugin

import (
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// answerMeta is how an answer came about, as every answer of the API says.
type answerMeta struct {
	RowsRead    float64 `json:"rowsRead"`
	BytesRead   float64 `json:"bytesRead"`
	Cache       string  `json:"cache"`
	Granularity string  `json:"granularity"`
	Stale       bool    `json:"stale"`
	Truncated   cut     `json:"truncated"`
	Sampled     bool    `json:"sampled"`
}

// cut is what `truncated` says: false, true, or "damaged" where the store has lost rows of the range.
type cut string

const (
	limited cut = "true"
	damaged cut = "damaged"
)

// UnmarshalJSON reads a boolean or a word.
func (c *cut) UnmarshalJSON(raw []byte) error {
	*c = cut(strings.Trim(string(raw), `"`))
	return nil
}

func (m answerMeta) stats() []data.QueryStat {
	return []data.QueryStat{
		stat("Rows read", "short", m.RowsRead),
		stat("Bytes read", "decbytes", m.BytesRead),
	}
}

func stat(name, unit string, value float64) data.QueryStat {
	return data.QueryStat{FieldConfig: data.FieldConfig{DisplayName: name, Unit: unit}, Value: value}
}

// notices says what a reader of the panel has to know before trusting it. A list that is full (`page`) is no reason for
// doubt; series that are left out are, since those shown do not add up to all.
func (m answerMeta) notices(page bool) []data.Notice {
	var found []data.Notice
	if m.Stale {
		found = append(found, data.Notice{Severity: data.NoticeSeverityWarning,
			Text: "The store is away: this is an earlier answer to the same question."})
	}
	if m.Truncated == damaged {
		found = append(found, data.Notice{Severity: data.NoticeSeverityWarning,
			Text: "The store has lost rows of this time: what is shown is too little until they are repaired."})
	}
	if m.Truncated == limited {
		severity := data.NoticeSeverityWarning
		if page {
			severity = data.NoticeSeverityInfo
		}
		found = append(found, data.Notice{Severity: severity,
			Text: "There is more than is shown: narrow the filters or raise the limit."})
	}
	if m.Sampled {
		found = append(found, data.Notice{Severity: data.NoticeSeverityInfo,
			Text: "This app samples: counts are estimates, weighted by its sampling rate."})
	}
	return found
}

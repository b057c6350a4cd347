package plugin

import "github.com/grafana/grafana-plugin-sdk-go/data"

// answerMeta is how an answer came about, as every answer of the API says.
type answerMeta struct {
	RowsRead    float64 `json:"rowsRead"`
	BytesRead   float64 `json:"bytesRead"`
	Cache       string  `json:"cache"`
	Granularity string  `json:"granularity"`
	Stale       bool    `json:"stale"`
	Truncated   bool    `json:"truncated"`
	Sampled     bool    `json:"sampled"`
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

// notices says what a reader of the panel has to know before trusting it.
func (m answerMeta) notices() []data.Notice {
	var found []data.Notice
	if m.Stale {
		found = append(found, data.Notice{Severity: data.NoticeSeverityWarning,
			Text: "The store is away: this is an earlier answer to the same question."})
	}
	if m.Truncated {
		found = append(found, data.Notice{Severity: data.NoticeSeverityWarning,
			Text: "There is more than is shown: narrow the filters or raise the limit."})
	}
	if m.Sampled {
		found = append(found, data.Notice{Severity: data.NoticeSeverityInfo,
			Text: "This app samples: counts are estimates, weighted by its sampling rate."})
	}
	return found
}

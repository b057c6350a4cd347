package plugin

import (
	"encoding/json"
	"strings"
)

// attributes are those of an answer as the texts that the store keeps, which filters take: a string itself,
// anything else its JSON. A whole double is `5.0` in an answer and `5` in the store.
type attributes map[string]string

// UnmarshalJSON reads values of any type.
func (a *attributes) UnmarshalJSON(given []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(given, &values); err != nil {
		return err
	}
	*a = make(attributes, len(values))
	for key, value := range values {
		if value[0] != '"' {
			(*a)[key] = storedText(string(value))
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
		(*a)[key] = text
	}
	return nil
}

func storedText(value string) string {
	switch value[0] {
	case '[', '{':
		return value
	case 'n':
		return ""
	}
	return strings.TrimSuffix(value, ".0")
}

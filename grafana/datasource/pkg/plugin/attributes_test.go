package plugin

import (
	"encoding/json"
	"testing"
)

func TestAttributesOfAnyTypeAreTheTextsThatFiltersTake(t *testing.T) {
	var got attributes
	answer := `{"text":"5.0","int":9007199254740993,"whole":5.0,"double":1e-7,"flag":true,"list":[1.0,"x"],"none":null}`
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	want := attributes{"text": "5.0", "int": "9007199254740993", "whole": "5", "double": "1e-7", "flag": "true",
		"list": `[1.0,"x"]`, "none": ""}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %q, want %q", key, got[key], value)
		}
	}
}

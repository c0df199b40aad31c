package wire_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/oxlin/oxlin/internal/api/wire"
)

func TestMembersThatAreWrittenInMoreThanOneWay(t *testing.T) {
	var id wire.ID
	var flag wire.Flag
	var seconds wire.Seconds
	for _, row := range []struct {
		into any
		text string
		want string // empty for what is refused
	}{
		{&id, `"87"`, "87"},
		{&id, `87`, "87"},
		{&id, `"redirect1"`, "redirect1"},
		{&id, `"é"`, "é"},
		{&id, `8.7`, ""},
		{&id, `1e3`, ""},
		{&id, `true`, ""},
		{&id, `{}`, ""},
		{&flag, `true`, "true"},
		{&flag, `"true"`, "true"},
		{&flag, `false`, "false"},
		{&flag, `"false"`, "false"},
		{&flag, `1`, ""},
		{&flag, `"0"`, "false"},
		{&flag, `"True"`, "true"},
		{&flag, `""`, ""},
		{&flag, `"yes"`, ""},
		{&seconds, `599616000`, "599616000"},
		{&seconds, `"-1"`, "-1"},
		{&seconds, `1.5`, ""},
		{&seconds, `"1989-01-01"`, ""},
		{&seconds, `""`, ""},
	} {
		err := json.Unmarshal([]byte(row.text), row.into)
		if (err == nil) != (row.want != "") {
			t.Errorf("%s: %v", row.text, err)
			continue
		}
		if err != nil {
			continue
		}
		written, err := json.Marshal(row.into)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		switch v := row.into.(type) {
		case *wire.ID:
			got = string(*v)
			if string(written) != fmt.Sprintf("%q", row.want) {
				t.Errorf("%s is written as %s", row.text, written)
			}
		case *wire.Flag:
			got = fmt.Sprint(bool(*v))
		case *wire.Seconds:
			got = fmt.Sprint(int64(*v))
		}
		if got != row.want {
			t.Errorf("%s is %s, want %s", row.text, got, row.want)
		}
	}
}

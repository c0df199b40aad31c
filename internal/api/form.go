package api

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-faster/jx"

	"github.com/oxlin/oxlin"
)

// structured lists the members with JSON values; a form holds them as JSON.
var structured = []string{"address", "consents", "credentials", "topics", "widget_params"}

// lists names the members that are lists of words; a form holds them comma separated or
// one by one.
var lists = []string{"countries", "topics"}

// addForm adds the fields of a form, or the parameters of a query.
func (o *object) addForm(form url.Values) error {
	folded, err := unfold(form)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(folded)) {
		if o.members[name] {
			continue
		}
		o.members[name] = true
		err := copyNamed(jx.DecodeBytes(folded[name]), &o.encoder, name, depthLimit)
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if o.members[name] {
			continue
		}
		o.members[name] = true
		value, all := form[name][0], strings.Join(form[name], ",")
		if !oxlin.IsText(name) {
			return notText("")
		}
		if !oxlin.IsText(all) {
			return notText(name)
		}
		switch {
		case slices.Contains(structured, name) && jx.Valid([]byte(value)):
			err := copyNamed(jx.DecodeStr(value), &o.encoder, name, depthLimit)
			if err != nil {
				return err
			}
		case slices.Contains(lists, name):
			o.encoder.FieldStart(name)
			o.encoder.ArrStart()
			for _, entry := range words(all) {
				o.encoder.Str(entry)
			}
			o.encoder.ArrEnd()
		default:
			o.encoder.FieldStart(name)
			o.encoder.Str(value)
		}
	}
	return nil
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// withCredentials makes credentials of the form fields whose name is an id, as in
// 306=123456&307=true (contract §11, "Form fields"). Queries are excluded, because
// addresses are logged.
func withCredentials(form url.Values) url.Values {
	var list jx.Encoder
	list.ArrStart()
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if !digits.MatchString(name) {
			continue
		}
		for _, value := range form[name] {
			list.Obj(func(e *jx.Encoder) {
				e.Field("id", func(e *jx.Encoder) { e.Str(name) })
				e.Field("value", func(e *jx.Encoder) { e.Str(value) })
			})
		}
	}
	list.ArrEnd()
	if !form.Has("credentials") && list.String() != "[]" {
		form.Set("credentials", list.String())
	}
	return form
}

// brackets matches the names by which PHP and similar languages write structures:
// topics[]=a, credentials[0][id]=306, address[city]=Paris.
var brackets = regexp.MustCompile(`^([^\[\]]+)((?:\[[^\[\]]*\])+)$`)

// freeTexts names the parameters of queries that users type. A comma in them separates
// nothing.
var freeTexts = []string{"q"}

// words splits a comma-separated list. People write spaces around the commas, and
// programs leave empty entries.
func words(list string) []string {
	var found []string
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry != "" {
			found = append(found, entry)
		}
	}
	return found
}

// joined merges repeated parameters, with or without brackets, into one comma-separated
// list, the document's form of lists in a query. A list without entries counts as absent.
func joined(query url.Values) url.Values {
	lists := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		plain := name
		if match := brackets.FindStringSubmatch(name); match != nil {
			plain = match[1]
		}
		lists[plain] = append(lists[plain], query[name]...)
	}
	for name, values := range lists {
		all := strings.Join(values, ",")
		if !slices.Contains(freeTexts, name) {
			all = strings.Join(words(all), ",")
		}
		lists[name] = []string{all}
	}
	return given(lists)
}

// unfold removes the fields with brackets from a form, and returns the JSON of each
// member that they describe.
func unfold(form url.Values) (map[string][]byte, error) {
	trees := map[string]map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(form)) {
		match := brackets.FindStringSubmatch(field)
		if match == nil {
			continue
		}
		name, way, values := match[1], strings.Split(match[2][1:len(match[2])-1], "]["), form[field]
		if len(way) > depthLimit {
			return nil, errNested
		}
		if !oxlin.IsText(field) {
			return nil, notText("")
		}
		if !oxlin.IsText(strings.Join(values, "")) {
			return nil, notText(name)
		}
		if trees[name] == nil {
			trees[name] = map[string]any{}
		}
		plant(trees[name], way, values)
		delete(form, field)
	}
	members := map[string][]byte{}
	for name, tree := range trees {
		var err error
		members[name], err = json.Marshal(grown(tree))
		if err != nil {
			return nil, err
		}
	}
	return members, nil
}

// plant puts the values of a field at the place that its brackets name. Empty brackets
// append to a list.
func plant(tree map[string]any, way []string, values []string) {
	for ; len(way) > 1; way = way[1:] {
		branch, ok := tree[way[0]].(map[string]any)
		if !ok {
			branch = map[string]any{}
			tree[way[0]] = branch
		}
		tree = branch
	}
	if way[0] == "" {
		tree[""] = values
	} else {
		tree[way[0]] = values[0]
	}
}

// grown returns a list if all names are numbers or the only name is empty, else an
// object.
func grown(node any) any {
	tree, ok := node.(map[string]any)
	if !ok {
		return node
	}
	list, isList := tree[""].([]string)
	if isList && len(tree) == 1 {
		return list
	}
	names := slices.SortedFunc(maps.Keys(tree), func(a, b string) int {
		return cmp.Or(len(a)-len(b), strings.Compare(a, b)) // in numeric order
	})
	var elements []any
	numbered := true
	for _, name := range names {
		tree[name] = grown(tree[name])
		elements = append(elements, tree[name])
		numbered = numbered && (name == "" || digits.MatchString(name))
	}
	if numbered {
		return elements
	}
	return tree
}

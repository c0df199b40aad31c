// Command generate rewrites the API's document for the generator of its server. The
// document also describes what the server handles outside of generated code: forms, which
// become JSON or a file before they are read, and the statuses of errors, which have one shape. Given one
// file, it lets the generated encoders of answers reuse their buffers.
//
// It must never change what generated code reads or writes. Start reading at run.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

func main() {
	var err error
	if len(os.Args) == 2 {
		err = pool(os.Args[1])
	} else {
		err = run(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// outside lists the names of members that generated code must not see.
var outside = []string{"4XX", "application/x-www-form-urlencoded", "multipart/form-data"}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	// A node keeps the order of members, which is the order in the server's JSON.
	var document yaml.Node
	err = yaml.Unmarshal(text, &document)
	if err != nil {
		return err
	}
	remove(&document)
	var reduced bytes.Buffer
	err = yaml.NewEncoder(&reduced).Encode(&document)
	if err != nil {
		return err
	}
	return os.WriteFile(to, reduced.Bytes(), 0o644)
}

// The lines of a generated encoder: it grows a new buffer for each answer, and copies it at each growth.
const (
	fresh  = "\te := new(jx.Encoder)\n"
	pooled = "\te := jx.GetEncoder()\n\tdefer jx.PutEncoder(e)\n"
)

// pool rewrites the encoders of a file. Each writes its answer before it returns.
func pool(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(fresh)) {
		return fmt.Errorf("%s: no encoder begins as expected", path)
	}
	return os.WriteFile(path, bytes.ReplaceAll(text, []byte(fresh), []byte(pooled)), 0o644)
}

// remove takes the members outside of generated code from all objects.
func remove(node *yaml.Node) {
	for _, child := range node.Content {
		remove(child)
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	for i := 0; i < len(node.Content); i += 2 {
		if !slices.Contains(outside, node.Content[i].Value) {
			kept = append(kept, node.Content[i], node.Content[i+1])
		}
	}
	node.Content = kept
}

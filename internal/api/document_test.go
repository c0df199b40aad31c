package api_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/omit"
)

// TestTheDocumentHasNoReferencesOfYAML: many generators do not follow anchors and aliases
// (contract §12.16).
func TestTheDocumentHasNoReferencesOfYAML(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	third := w.send(t, request{method: "GET", path: "/v3/openapi.yaml", tolerated: true}).want(t, 200).body
	for _, document := range [][]byte{w.api.Document(), third} {
		if found := regexp.MustCompile(`(?m)^[^"\n]*(?:: |- )[&*][A-Za-z]\w*`).FindAll(document, -1); len(found) > 0 {
			t.Errorf("%q", found)
		}
	}
}

// TestJudgesOfTheDocument lets the linters that integrators use judge the served documents
// of both versions. Warnings are failures; the rules that are off have their reason in the
// settings.
func TestJudgesOfTheDocument(t *testing.T) {
	t.Parallel()
	judges := map[string][]string{
		"redocly":  {"lint", "--config", "redocly.yaml", "--max-problems", "20"},
		"spectral": {"lint", "--ruleset", ".spectral.yaml", "--fail-severity", "hint"},
	}
	const folder = "testdata/judges"
	_, err := exec.LookPath("node")
	for judge := range judges {
		if err == nil {
			_, err = os.Stat(filepath.Join(folder, "node_modules", ".bin", judge))
		}
	}
	if err != nil {
		omit.Skip(t, 2*len(judges), "node or the judges of the document are missing (.ci/document)")
	}
	w := oneWorld(t, func(o *api.Options) { o.PublicURL = publicURL })
	for version, text := range map[string][]byte{"2.1": w.api.Document(), "3": w.send(t, request{method: "GET", path: "/v3/openapi.yaml", tolerated: true}).want(t, 200).body} {
		document := filepath.Join(t.TempDir(), "openapi-"+version+".yaml")
		err = os.WriteFile(document, text, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for judge, arguments := range judges {
			t.Run(version+" "+judge, func(t *testing.T) {
				t.Parallel()
				program := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", judge), append(slices.Clone(arguments), document)...)
				program.Dir = folder
				program.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=true")
				output, err := program.CombinedOutput()
				if err != nil || bytes.Contains(output, []byte("You have ")) {
					t.Errorf("%v\n%s", err, bytes.TrimSpace(output))
				}
			})
		}
	}
}

package portal_test

import (
	"net/http"
	"testing"
)

func TestASlashAtTheEndLeadsToThePage(t *testing.T) {
	handler := open(t, sandbox)
	for _, path := range []string{"/quickstart", "/reference", "/docs", "/docs/concepts"} {
		response := get(t, handler, path+"/")
		if to := response.Header.Get("Location"); response.StatusCode != http.StatusMovedPermanently || to != path {
			t.Errorf("GET %s/: %d to %q", path, response.StatusCode, to)
		}
	}
}

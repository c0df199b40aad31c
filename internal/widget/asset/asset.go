package asset

import (
	"embed"
	"net/http"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/static"
)

//go:embed style.css widget.js fragment.js approval.js
var embedded embed.FS

var files = static.New("/widget/assets/", embedded)

// Path is the address of "style.css" or of a script. Other names panic.
func Path(name string) string { return files.Path(name) }

// Register serves the files at their addresses.
func Register(mux *http.ServeMux, frame web.Frame) { files.Register(mux, frame) }

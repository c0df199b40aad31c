package console

import (
	"embed"

	"github.com/oxlin/oxlin/internal/web/script"
	"github.com/oxlin/oxlin/internal/web/static"
)

//go:embed style.css
var embedded embed.FS

var files = static.New("/console/assets/", embedded, script.Files)

package console

import (
	"embed"

	"github.com/oxlin/oxlin/immutable"
)

//go:embed style.css
var embedded embed.FS

var files = immutable.New("/console/assets/", embedded)

//go:build deps

package oxlin

import (
	_ "github.com/a-h/templ"
	_ "github.com/agnivade/levenshtein"
	_ "github.com/klauspost/compress/gzhttp"
	_ "github.com/nicksnyder/go-i18n/v2/i18n"
)

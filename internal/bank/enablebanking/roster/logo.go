package roster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the list may have pictures of this kind
	"image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/oxlin/oxlin"
)

// The limits of a picture.
const (
	maxPicture = 1 << 20 // bytes
	maxSide    = 1024    // points
)

// smaller asks the aggregator's server for a picture of that width, as its documentation says.
const smaller = "-/resize/256x/"

// fetchLogo fetches the picture of a bank, unless the operator has one. The picture is drawn
// anew here, and written without anything that came with it.
func (o Options) fetchLogo(ctx context.Context, id oxlin.ProviderID, address string) error {
	for _, kind := range []string{".png", ".svg"} {
		_, err := os.Stat(filepath.Join(o.Logos, string(id)+kind))
		if err == nil {
			return nil
		}
	}
	tries := []string{address}
	if strings.HasSuffix(address, "/") {
		tries = []string{address + smaller, address}
	}
	var failed error
	for _, one := range tries {
		picture, err := o.picture(ctx, one)
		if err != nil {
			failed = err
			continue
		}
		return replace(filepath.Join(o.Logos, string(id)+".png"), picture)
	}
	return failed
}

// picture reads a picture from an address and returns it as PNG.
func (o Options) picture(ctx context.Context, address string) ([]byte, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" {
		return nil, errors.New("the address of the picture is not an https URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, parsed.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "image/png, image/jpeg;q=0.5")
	response, err := o.Pictures.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the picture is answered with HTTP %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxPicture+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxPicture:
		return nil, fmt.Errorf("the picture is larger than %d bytes", maxPicture)
	}
	return redrawn(content)
}

// redrawn decodes a picture and writes it anew as PNG.
func redrawn(content []byte) ([]byte, error) {
	size, kind, err := image.DecodeConfig(bytes.NewReader(content))
	switch {
	case err != nil:
		return nil, errors.New("the picture is neither PNG nor JPEG")
	case size.Width < 1 || size.Height < 1 || size.Width > maxSide || size.Height > maxSide:
		return nil, fmt.Errorf("the %s of %d by %d points is too large or empty", kind, size.Width, size.Height)
	}
	drawn, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("the picture cannot be drawn: %w", err)
	}
	var out bytes.Buffer
	err = png.Encode(&out, drawn)
	return out.Bytes(), err
}

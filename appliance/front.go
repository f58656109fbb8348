package appliance

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed front.html
var frontHTML string

//go:embed front.css
var frontCSS string

var (
	frontPage   = template.Must(template.New("front").Parse(frontHTML))
	frontPolicy = func() string {
		sum := sha256.Sum256([]byte(frontCSS))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	}()
)

type front struct {
	CSS    template.CSS
	Origin string // as the browser addressed it
}

// front tells somebody with a browser what this is and how to mount it.
func (a *Appliance) front(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https" // only the one who sends it sees it
	}
	var page bytes.Buffer
	if err := frontPage.Execute(&page, front{template.CSS(frontCSS), scheme + "://" + r.Host}); err != nil {
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	h.Set("Content-Security-Policy", frontPolicy)
	_, _ = w.Write(page.Bytes())
}

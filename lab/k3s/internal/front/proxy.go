package front

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"virtualcluster/lab/k3s/internal/logs"
)

// NewProxy forwards to the API server. It keeps connections open and never buffers: watches, logs and upgrades
// (SPDY, WebSocket) pass as they come.
// /version alone is changed: k3s answers it with its own version.
func NewProxy(address string, config *tls.Config, verifier *Verifier, version string) http.Handler {
	target := &url.URL{Scheme: "https", Host: address}
	return fullDuplex(&httputil.ReverseProxy{
		Transport: &http.Transport{
			TLSClientConfig:     config,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 256,
			// The API server closes idle connections after 90 s: be first, or a request meets a closed one.
			IdleConnTimeout:    60 * time.Second,
			DisableCompression: true, // bodies pass as they are
		},
		FlushInterval: -1,
		BufferPool:    &buffers{},
		Rewrite: func(request *httputil.ProxyRequest) {
			out := request.Out
			out.URL.Scheme, out.URL.Host, out.Host = target.Scheme, target.Host, request.In.Host
			if !verifier.Trusted(request.In) {
				strip(out.Header)
			}
			if identity := verifier.Identify(request.In); identity != nil {
				identity.set(out.Header)
			}
			if client, _, err := net.SplitHostPort(request.In.RemoteAddr); err == nil {
				out.Header.Set("X-Forwarded-For", client) // so that audit logs name the client, not us
			}
		},
		ModifyResponse: func(response *http.Response) error {
			if response.Request.URL.Path != "/version" || response.StatusCode != http.StatusOK {
				return nil
			}
			return stampVersion(response, version)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client went away
			}
			logs.Error("request to kube-apiserver failed: %v", err)
			status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "apiserver not ready")
		},
		ErrorLog: log.New(discard{}, "", 0),
	})
}

// fullDuplex lets a request's body be read while its answer is written. By itself, net/http closes the body as soon as
// the answer begins; on a busy machine that was before the proxy had seen the body's end, which it then took for an
// error of the request, and cut the answer off in the middle.
func fullDuplex(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 is so anyway, and refuses
		handler.ServeHTTP(w, r)
	})
}

// stampVersion puts k3s' version in the place of upstream's, whatever that says: the programs may be of another patch
// release than the k3s that is posed as.
func stampVersion(response *http.Response, version string) error {
	defer response.Body.Close()
	var told map[string]string
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		return err
	}
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	told["gitVersion"], told["major"], told["minor"] = version, parts[0], parts[1]
	content, err := json.MarshalIndent(told, "", "  ")
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(content))
	response.ContentLength = int64(len(content))
	response.Header.Set("Content-Length", strconv.Itoa(len(content)))
	return nil
}

// discard drops what httputil logs about clients that hang up in the middle of a watch.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
